// JPEG through libjpeg-turbo, whose defaults Pillow uses as well. libjpeg leaves by longjmp when a
// file is bad: every call of it stands in a function without C++ objects, which turns that into
// `false`.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "vision/image.h"
#include "vision/image_file.h"

#if MINITORCH_HAS_JPEG
#include <jerror.h>
#include <jpeglib.h>

namespace mt::vision {
namespace {

// More scans than any camera writes; each costs a pass over the whole image.
constexpr int kMaxScans = 500;

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg's pointer to it is ours
  std::jmp_buf jump;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* const errors = reinterpret_cast<ErrorManager*>(info->err);
  errors->base.format_message(info, errors->text);
  std::longjmp(errors->jump, 1);
}

void install(ErrorManager& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.emit_message = [](j_common_ptr, int) {};
  errors.base.output_message = [](j_common_ptr) {};
  errors.text[0] = 0;
}

struct Decoder {
  jpeg_decompress_struct info;
  ErrorManager errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  bool created = false;
  Decoder() { std::memset(&info, 0, sizeof info); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() {
    if (created) jpeg_destroy_decompress(&info);
  }
};

void skip(j_decompress_ptr info, long n) {
  jpeg_source_mgr& s = *info->src;
  if (n <= 0) return;
  if (static_cast<size_t>(n) > s.bytes_in_buffer) n = static_cast<long>(s.bytes_in_buffer);
  s.next_input_byte += n;
  s.bytes_in_buffer -= static_cast<size_t>(n);
}

bool read_header(Decoder& d, const uint8_t* bytes, size_t size, bool keep_exif) {
  install(d.errors);
  d.info.err = &d.errors.base;
  if (setjmp(d.errors.jump)) return false;
  jpeg_create_decompress(&d.info);
  d.created = true;
  d.source.next_input_byte = bytes;
  d.source.bytes_in_buffer = size;
  d.source.init_source = [](j_decompress_ptr) {};
  d.source.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
    ERREXIT(info, JERR_INPUT_EOF);
    return FALSE;
  };
  d.source.skip_input_data = skip;
  d.source.resync_to_restart = jpeg_resync_to_restart;
  d.source.term_source = [](j_decompress_ptr) {};
  d.info.src = &d.source;
  std::memset(&d.progress, 0, sizeof d.progress);
  d.progress.progress_monitor = [](j_common_ptr info) {
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
      ERREXIT(info, JERR_BAD_PROGRESSION);
    }
  };
  d.info.progress = &d.progress;
  if (keep_exif) jpeg_save_markers(&d.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&d.info, TRUE);
  if (d.info.num_components == 4) {
    d.info.out_color_space = JCS_CMYK;
  } else if (d.info.num_components == 3) {
    d.info.out_color_space = JCS_RGB;
  }
  return true;
}

bool start(Decoder& d) {
  if (setjmp(d.errors.jump)) return false;
  jpeg_start_decompress(&d.info);
  return true;
}

bool next_row(Decoder& d, uint8_t* row) {
  if (setjmp(d.errors.jump)) return false;
  return jpeg_read_scanlines(&d.info, &row, 1) == 1;
}

// Adobe's inverted CMYK to RGB, by Pillow's rounding, in place.
void cmyk_to_rgb(uint8_t* row, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const uint8_t* const p = row + 4 * x;
    const int light = p[3];
    uint8_t rgb[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - p[c]) * light + 128;
      rgb[c] = clip8(light - (((product >> 8) + product) >> 8));
    }
    std::memcpy(row + 3 * x, rgb, 3);
  }
}

// EXIF's orientation tag, 1 when there is none.
int orientation_of(const jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* m = info.marker_list; m; m = m->next) {
    if (m->marker != JPEG_APP0 + 1 || m->data_length < 14 ||
        std::memcmp(m->data, "Exif\0\0", 6) != 0) {
      continue;
    }
    const uint8_t* const tiff = m->data + 6;
    const size_t size = m->data_length - 6;
    const bool little = tiff[0] == 'I';
    const auto number = [&](size_t at, size_t n) {
      uint32_t v = 0;
      for (size_t i = 0; i < n; ++i) v = v << 8 | tiff[at + (little ? n - 1 - i : i)];
      return v;
    };
    const size_t first = number(4, 4);
    if (first + 2 > size || first < 8) return 1;
    const size_t entries = number(first, 2);
    for (size_t i = 0; i < entries && first + 2 + 12 * (i + 1) <= size; ++i) {
      const size_t at = first + 2 + 12 * i;
      if (number(at, 2) == 0x0112) return static_cast<int>(number(at + 8, 2));
    }
  }
  return 1;
}

}  // namespace

bool has_jpeg() { return true; }

Tensor decode_jpeg(std::span<const uint8_t> bytes, ImageSink& sink) {
  const auto d = std::make_unique<Decoder>();
  if (!read_header(*d, bytes.data(), bytes.size(), sink.options().apply_exif_orientation)) {
    sink.fail_format(d->errors.text);
  }
  const int components = d->info.num_components;
  if (components == 2 || components > 4) {
    sink.fail_format("it has a number of components that is neither 1, 3 nor 4");
  }
  const int64_t width = d->info.image_width, height = d->info.image_height;
  sink.start(width, height, components == 1 ? 1 : 3);
  const int orientation = orientation_of(d->info);
  if (!start(*d)) sink.fail_format(d->errors.text);
  std::vector<uint8_t> row(static_cast<size_t>(width * components));
  for (int64_t y = 0; y < height; ++y) {
    if (!next_row(*d, row.data())) sink.fail_format(d->errors.text);
    if (components == 4) cmyk_to_rgb(row.data(), width);
    sink.put_row(y, row.data());
  }
  return sink.finish(orientation);
}

namespace {

struct Encoder {
  jpeg_compress_struct info;
  ErrorManager errors;
  unsigned char* bytes = nullptr;  // libjpeg's, from malloc
  unsigned long size = 0;
  bool created = false;
  Encoder() { std::memset(&info, 0, sizeof info); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
    if (created) jpeg_destroy_compress(&info);
    std::free(bytes);
  }
};

bool compress(Encoder& e, const uint8_t* rows, JDIMENSION width, JDIMENSION height, int channels,
              int quality) {
  install(e.errors);
  e.info.err = &e.errors.base;
  if (setjmp(e.errors.jump)) return false;
  jpeg_create_compress(&e.info);
  e.created = true;
  jpeg_mem_dest(&e.info, &e.bytes, &e.size);
  e.info.image_width = width;
  e.info.image_height = height;
  e.info.input_components = channels;
  e.info.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&e.info);
  jpeg_set_quality(&e.info, quality, TRUE);
  jpeg_start_compress(&e.info, TRUE);
  for (JDIMENSION y = 0; y < height; ++y) {
    JSAMPROW row =
        const_cast<JSAMPROW>(rows + static_cast<size_t>(y) * width * static_cast<size_t>(channels));
    jpeg_write_scanlines(&e.info, &row, 1);
  }
  jpeg_finish_compress(&e.info);
  return true;
}

}  // namespace

std::string encode_jpeg(const uint8_t* rows, int64_t width, int64_t height, int channels,
                        int quality) {
  const auto e = std::make_unique<Encoder>();
  if (!compress(*e, rows, static_cast<JDIMENSION>(width), static_cast<JDIMENSION>(height), channels,
                quality)) {
    fail(Status::kInternal, "encode_image: libjpeg failed: ", e->errors.text,
         ": the image must be encodable");
  }
  return {reinterpret_cast<const char*>(e->bytes), e->size};
}

}  // namespace mt::vision

#else

namespace mt::vision {

bool has_jpeg() { return false; }

Tensor decode_jpeg(std::span<const uint8_t>, ImageSink&) {
  fail(Status::kNotImplemented,
       "decode_image: no JPEG: this build has none: build with -Djpeg=enabled");
}

std::string encode_jpeg(const uint8_t*, int64_t, int64_t, int, int) {
  fail(Status::kNotImplemented,
       "encode_image: no JPEG: this build has none: build with -Djpeg=enabled");
}

}  // namespace mt::vision

#endif
