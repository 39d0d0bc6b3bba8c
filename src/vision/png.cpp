// PNG through libpng. As Pillow does: 16-bit colors keep their upper byte, 16-bit gray is clipped,
// palettes are looked up, gamma and color profiles are left alone. libpng leaves by longjmp when a
// file is bad: every call of it stands in a function without C++ objects, which turns that into
// `false`.
#include <csetjmp>
#include <cstring>
#include <memory>
#include <vector>

#include "vision/image.h"
#include "vision/image_file.h"

#if MINITORCH_HAS_PNG
#include <png.h>

namespace mt::vision {
namespace {

struct ErrorText {
  char text[160] = "";
};

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto* const errors = static_cast<ErrorText*>(png_get_error_ptr(png));
  std::strncpy(errors->text, message ? message : "unknown error", sizeof errors->text - 1);
  png_longjmp(png, 1);
}

void ignore(png_structp, png_const_charp) {}

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ErrorText errors;
  const uint8_t* next = nullptr;
  size_t left = 0;
  uint8_t palette[256][4];
  bool palette_alpha = false;
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void read_bytes(png_structp png, png_bytep to, size_t n) {
  auto* const r = static_cast<Reader*>(png_get_io_ptr(png));
  if (n > r->left) png_error(png, "the file is truncated");
  std::memcpy(to, r->next, n);
  r->next += n;
  r->left -= n;
}

bool read_header(Reader& r) {
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r.errors, leave, ignore);
  if (!r.png) return false;
  if (setjmp(png_jmpbuf(r.png))) return false;
  r.info = png_create_info_struct(r.png);
  if (!r.info) png_error(r.png, "out of memory");
  png_set_read_fn(r.png, &r, read_bytes);
  png_set_user_limits(r.png, 1 << 20, 1 << 20);
  // Texts, profiles and the like are skipped unread.
  png_set_keep_unknown_chunks(r.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(r.png, r.info);
  return true;
}

bool start(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_set_packing(r.png);  // a byte for each pixel of 1, 2 or 4 bits
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  // Indices beyond the palette are gray, as in Pillow.
  for (int i = 0; i < 256; ++i) {
    std::memset(r.palette[i], i, 3);
    r.palette[i][3] = 255;
  }
  png_colorp colors = nullptr;
  png_bytep alphas = nullptr;
  int n = 0;
  if (png_get_PLTE(r.png, r.info, &colors, &n)) {
    for (int i = 0; i < n && i < 256; ++i) {
      r.palette[i][0] = colors[i].red;
      r.palette[i][1] = colors[i].green;
      r.palette[i][2] = colors[i].blue;
    }
  }
  if (png_get_color_type(r.png, r.info) == PNG_COLOR_TYPE_PALETTE &&
      png_get_tRNS(r.png, r.info, &alphas, &n, nullptr) && alphas) {
    r.palette_alpha = true;
    for (int i = 0; i < n && i < 256; ++i) r.palette[i][3] = alphas[i];
  }
  return true;
}

bool read_row(Reader& r, uint8_t* row) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_row(r.png, row, nullptr);
  return true;
}

bool read_all(Reader& r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_image(r.png, rows);
  return true;
}

// A row as libpng gives it to bytes per channel.
void to_bytes(const Reader& r, int color, int depth, int channels, const uint8_t* from, uint8_t* to,
              int64_t width) {
  if (color == PNG_COLOR_TYPE_PALETTE) {
    for (int64_t x = 0; x < width; ++x, to += channels) {
      const uint8_t* const color_of = r.palette[from[x]];
      for (int c = 0; c < 3; ++c) to[c] = color_of[c];
      if (channels == 4) to[3] = color_of[3];
    }
  } else if (depth == 16) {
    const bool gray = color == PNG_COLOR_TYPE_GRAY;
    for (int64_t i = 0; i < width * channels; ++i) {
      to[i] = gray && from[2 * i] != 0 ? uint8_t{255} : from[2 * i + (gray ? 1 : 0)];
    }
  } else {
    const int scale = depth == 8 ? 1 : 255 / ((1 << depth) - 1);
    for (int64_t i = 0; i < width * channels; ++i) to[i] = static_cast<uint8_t>(from[i] * scale);
  }
}

}  // namespace

bool has_png() { return true; }

Tensor decode_png(std::span<const uint8_t> bytes, ImageSink& sink) {
  const auto r = std::make_unique<Reader>();
  r->next = bytes.data();
  r->left = bytes.size();
  if (!read_header(*r)) sink.fail_format(r->errors.text);
  const int color = png_get_color_type(r->png, r->info);
  const int depth = png_get_bit_depth(r->png, r->info);
  const int64_t width = png_get_image_width(r->png, r->info);
  const int64_t height = png_get_image_height(r->png, r->info);
  const bool interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
  if (!start(*r)) sink.fail_format(r->errors.text);
  const int channels = color == PNG_COLOR_TYPE_PALETTE ? (r->palette_alpha ? 4 : 3)
                                                       : png_get_channels(r->png, r->info);
  sink.start(width, height, channels);
  const size_t row_bytes = png_get_rowbytes(r->png, r->info);
  const int64_t kept = interlaced ? height : 1;
  std::vector<uint8_t> raw(row_bytes * static_cast<size_t>(kept));
  std::vector<uint8_t> row(static_cast<size_t>(width * channels));
  if (interlaced) {
    std::vector<png_bytep> rows(static_cast<size_t>(height));
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = raw.data() + y * row_bytes;
    if (!read_all(*r, rows.data())) sink.fail_format(r->errors.text);
  }
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* const from = raw.data() + (interlaced ? static_cast<size_t>(y) * row_bytes : 0);
    if (!interlaced && !read_row(*r, raw.data())) sink.fail_format(r->errors.text);
    const bool plain = depth == 8 && color != PNG_COLOR_TYPE_PALETTE;
    if (!plain) to_bytes(*r, color, depth, channels, from, row.data(), width);
    sink.put_row(y, plain ? from : row.data());
  }
  return sink.finish();
}

namespace {

struct Writer {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ErrorText errors;
  std::string bytes;
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }

  bool append(const uint8_t* from, size_t n) noexcept {
    try {
      bytes.append(reinterpret_cast<const char*>(from), n);
      return true;
    } catch (...) {
      return false;
    }
  }
};

void write_bytes(png_structp png, png_bytep from, size_t n) {
  if (!static_cast<Writer*>(png_get_io_ptr(png))->append(from, n)) png_error(png, "out of memory");
}

bool compress(Writer& w, const uint8_t* rows, png_uint_32 width, png_uint_32 height, int channels,
              int level) {
  static const int kColors[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
  w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w.errors, leave, ignore);
  if (!w.png) return false;
  if (setjmp(png_jmpbuf(w.png))) return false;
  w.info = png_create_info_struct(w.png);
  if (!w.info) png_error(w.png, "out of memory");
  png_set_write_fn(w.png, &w, write_bytes, [](png_structp) {});
  png_set_compression_level(w.png, level);
  png_set_IHDR(w.png, w.info, width, height, 8, kColors[channels - 1], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w.png, w.info);
  for (png_uint_32 y = 0; y < height; ++y) {
    png_write_row(w.png, rows + static_cast<size_t>(y) * width * static_cast<size_t>(channels));
  }
  png_write_end(w.png, nullptr);
  return true;
}

}  // namespace

std::string encode_png(const uint8_t* rows, int64_t width, int64_t height, int channels,
                       int level) {
  const auto w = std::make_unique<Writer>();
  if (!compress(*w, rows, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
                channels, level)) {
    fail(Status::kInternal, "encode_image: libpng failed: ", w->errors.text,
         ": the image must be encodable");
  }
  return std::move(w->bytes);
}

}  // namespace mt::vision

#else

namespace mt::vision {

bool has_png() { return false; }

Tensor decode_png(std::span<const uint8_t>, ImageSink&) {
  fail(Status::kNotImplemented,
       "decode_image: no PNG: this build has none: build with -Dpng=enabled");
}

std::string encode_png(const uint8_t*, int64_t, int64_t, int, int) {
  fail(Status::kNotImplemented,
       "encode_image: no PNG: this build has none: build with -Dpng=enabled");
}

}  // namespace mt::vision

#endif
