// Image files as tensors (channels, height, width) of bytes: JPEG, PNG, BMP and PPM/PGM, told apart
// by their first bytes, decoded to what Pillow's convert() gives; PNG and JPEG are written as well.
// Nothing is trusted: sizes are checked before memory is taken, and a damaged or truncated file is
// kFormat with the file's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/tensor.h"
#include "vision/functional.h"

namespace mt::vision {

// torchvision.io.ImageReadMode's numbers; the ABI's mt_image_mode.
enum class ImageMode : int32_t {
  kUnchanged = 0,
  kGray = 1,
  kGrayAlpha = 2,
  kRgb = 3,
  kRgbAlpha = 4
};
enum class ImageFormat : int32_t { kAuto = 0, kJpeg = 1, kPng = 2 };  // the ABI's mt_image_format

struct DecodeOptions {
  ImageMode mode = ImageMode::kRgb;
  int64_t max_pixels = 178956970;  // what Pillow calls a decompression bomb
  bool apply_exif_orientation = false;
};
Tensor decode_image(std::span<const uint8_t> bytes, const DecodeOptions& options = {},
                    const std::string& name = "buffer");
Tensor read_image(const std::string& path, const DecodeOptions& options = {});

struct EncodeOptions {
  int64_t quality = 75;           // JPEG, 1 to 100
  int64_t compression_level = 6;  // PNG, 0 to 9
};
// A uint8 image of 1 or 3 channels (PNG: 1 to 4).
std::string encode_image(const Tensor& img, ImageFormat format, const EncodeOptions& options = {});
// kAuto: by the path's extension. The file is replaced in one step.
void write_image(const Tensor& img, const std::string& path,
                 ImageFormat format = ImageFormat::kAuto, const EncodeOptions& options = {});
// torchvision.utils.save_image: a grid of floats in [0, 1].
void save_image(const Tensor& images, const std::string& path, const GridOptions& grid = {},
                ImageFormat format = ImageFormat::kAuto, const EncodeOptions& options = {});

// --- between the decoders ----------------------------------------------------------------------
// The image under construction. start() checks the sizes and takes the memory; put_row() takes a
// row of `channels` (1 gray, 2 with alpha, 3 RGB, 4 with alpha) interleaved bytes, and cannot fail.
class ImageSink {
 public:
  ImageSink(const DecodeOptions& options, const std::string& name)
      : options_(options), name_(name) {}
  void start(int64_t width, int64_t height, int channels);
  void put_row(int64_t y, const uint8_t* row) noexcept;
  [[noreturn]] void fail_format(std::string_view what) const;
  Tensor finish(int orientation = 1) const;
  const DecodeOptions& options() const { return options_; }

 private:
  const DecodeOptions& options_;
  const std::string& name_;
  Tensor image_;
  int from_ = 0, to_ = 0;
};

// The codecs that the build may leave out say so when they are called.
Tensor decode_jpeg(std::span<const uint8_t> bytes, ImageSink& sink);
Tensor decode_png(std::span<const uint8_t> bytes, ImageSink& sink);
Tensor decode_bmp(std::span<const uint8_t> bytes, ImageSink& sink);
Tensor decode_ppm(std::span<const uint8_t> bytes, ImageSink& sink);
// `rows` are interleaved.
std::string encode_jpeg(const uint8_t* rows, int64_t width, int64_t height, int channels,
                        int quality);
std::string encode_png(const uint8_t* rows, int64_t width, int64_t height, int channels, int level);
bool has_jpeg();
bool has_png();

}  // namespace mt::vision
