// The plain formats: uncompressed BMP of 8, 24 or 32 bits, and binary PPM and PGM of up to 8 bits.
#include <cmath>
#include <cstring>
#include <vector>

#include "vision/image.h"
#include "vision/image_file.h"

namespace mt::vision {
namespace {

using Span = std::span<const uint8_t>;

uint32_t little(Span b, size_t at, size_t n) {
  uint32_t v = 0;
  for (size_t i = n; i-- > 0;) v = v << 8 | b[at + i];
  return v;
}

// The next number of a PPM header, after blanks and comments; fails at anything else.
int64_t header_number(Span b, size_t& at, const ImageSink& sink) {
  bool comment = false;
  for (; at < b.size(); ++at) {
    const uint8_t c = b[at];
    if (comment) {
      comment = c != '\n' && c != '\r';
    } else if (c == '#') {
      comment = true;
    } else if (c != ' ' && (c < '\t' || c > '\r')) {
      break;
    }
  }
  int64_t v = 0;
  const size_t first = at;
  for (; at < b.size() && b[at] >= '0' && b[at] <= '9' && at - first < 8; ++at) {
    v = v * 10 + (b[at] - '0');
  }
  if (at == first) sink.fail_format("its header has no number where one must be");
  return v;
}

}  // namespace

Tensor decode_bmp(Span b, ImageSink& sink) {
  constexpr size_t kHeaders = 14 + 40;
  if (b.size() < kHeaders) sink.fail_format("the file is truncated");
  const uint32_t offset = little(b, 10, 4), header = little(b, 14, 4);
  const auto width = static_cast<int32_t>(little(b, 18, 4));
  const auto signed_height = static_cast<int32_t>(little(b, 22, 4));
  const uint32_t bits = little(b, 28, 2), compression = little(b, 30, 4);
  if (header < 40 || compression != 0 || (bits != 8 && bits != 24 && bits != 32)) {
    sink.fail_format("only uncompressed BMP of 8, 24 or 32 bits can be read");
  }
  const bool top_down = signed_height < 0;
  const int64_t height = top_down ? -static_cast<int64_t>(signed_height) : signed_height;
  sink.start(width, height, 3);
  const int64_t pixel = bits / 8, stride = (width * pixel + 3) / 4 * 4;
  if (offset > b.size() || static_cast<int64_t>(b.size() - offset) < stride * height) {
    sink.fail_format("the file is truncated");
  }
  uint8_t palette[256][3];
  for (int i = 0; i < 256; ++i) std::memset(palette[i], i, 3);
  if (bits == 8) {
    const size_t stated = little(b, 46, 4), n = stated == 0 || stated > 256 ? 256 : stated;
    for (size_t i = 0, at = 14 + size_t{header}; i < n && at + 4 <= b.size(); ++i, at += 4) {
      for (size_t c = 0; c < 3; ++c) palette[i][c] = b[at + 2 - c];
    }
  }
  std::vector<uint8_t> row(static_cast<size_t>(width) * 3);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* from = b.data() + offset + (top_down ? y : height - 1 - y) * stride;
    for (int64_t x = 0; x < width; ++x, from += pixel) {
      uint8_t* const to = row.data() + 3 * x;
      if (bits == 8) {
        std::memcpy(to, palette[*from], 3);
      } else {
        for (int c = 0; c < 3; ++c) to[c] = from[2 - c];
      }
    }
    sink.put_row(y, row.data());
  }
  return sink.finish();
}

Tensor decode_ppm(Span b, ImageSink& sink) {
  const int channels = b[1] == '6' ? 3 : 1;
  size_t at = 2;
  const int64_t width = header_number(b, at, sink), height = header_number(b, at, sink);
  const int64_t largest = header_number(b, at, sink);
  if (largest < 1 || largest > 255) {
    sink.fail_format("only values up to 255 can be read");
  }
  ++at;  // the one blank before the pixels
  sink.start(width, height, channels);
  const int64_t stride = width * channels;
  if (at > b.size() || static_cast<int64_t>(b.size() - at) < stride * height) {
    sink.fail_format("the file is truncated");
  }
  uint8_t table[256];
  for (int64_t v = 0; v < 256; ++v) {
    table[v] =
        clip_real(std::nearbyint(static_cast<double>(v) / static_cast<double>(largest) * 255));
  }
  std::vector<uint8_t> row(static_cast<size_t>(stride));
  for (int64_t y = 0; y < height; ++y, at += static_cast<size_t>(stride)) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = table[b[at + i]];
    sink.put_row(y, row.data());
  }
  return sink.finish();
}

}  // namespace mt::vision
