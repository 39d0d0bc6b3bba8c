// Image files: which decoder a file is for, the image that decoders fill, and writing.
#include "vision/image_file.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "io/file.h"
#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/rearrange.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision {
namespace {

constexpr int64_t kLongestSide = 1 << 20;

bool starts_with(std::span<const uint8_t> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

ImageFormat format_of(const std::string& path, ImageFormat format) {
  if (format != ImageFormat::kAuto) return format;
  const size_t dot = path.rfind('.');
  std::string end = dot == std::string::npos ? "" : path.substr(dot + 1);
  for (char& c : end) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (end == "png") return ImageFormat::kPng;
  if (end == "jpg" || end == "jpeg" || end == "jpe" || end == "jfif") return ImageFormat::kJpeg;
  fail(Status::kInvalidArgument, "write_image: unknown file extension: '", path,
       "': must end in .png, .jpg or .jpeg, or a format must be given");
}

// What EXIF's orientations 2 to 8 ask for.
Tensor oriented(const Tensor& t, int orientation) {
  switch (orientation) {
    case 2:
      return flip(t, {{-1}});
    case 3:
      return flip(t, {{-1, -2}});
    case 4:
      return flip(t, {{-2}});
    case 5:
      return contiguous(transpose(t, -1, -2));
    case 6:
      return flip(transpose(t, -1, -2), {{-1}});
    case 7:
      return flip(transpose(t, -1, -2), {{-1, -2}});
    case 8:
      return flip(transpose(t, -1, -2), {{-2}});
    default:
      return t;
  }
}

}  // namespace

void ImageSink::start(int64_t width, int64_t height, int channels) {
  if (width < 1 || height < 1 || width > kLongestSide || height > kLongestSide) {
    fail(Status::kFormat, "decode_image: size out of range: ", name_, " is ", width, " by ", height,
         " pixels: sides must be at least 1 and at most ", kLongestSide);
  }
  if (width * height > options_.max_pixels) {
    fail(Status::kFormat, "decode_image: too large: ", name_, " is ", width, " by ", height,
         " pixels: at most ", options_.max_pixels,
         " are allowed; set max_pixels for images that are meant to be so large");
  }
  from_ = channels;
  to_ = options_.mode == ImageMode::kUnchanged ? channels : static_cast<int>(options_.mode);
  image_ = Tensor::empty({{to_, height, width}}, DType::kUInt8, Device::kCPU, "decode_image");
}

void ImageSink::put_row(int64_t y, const uint8_t* row) noexcept {
  const int64_t width = image_.size(2), area = image_.size(1) * width;
  uint8_t* const out = image_.data_as<uint8_t>() + y * width;
  const bool gray_in = from_ <= 2, gray_out = to_ <= 2;
  const bool alpha_in = from_ % 2 == 0, alpha_out = to_ % 2 == 0;
  if (from_ >= 3 && to_ == 3) {
    uint8_t* const planes[] = {out, out + area, out + 2 * area};
    split_pixels(row, from_, planes, width);
    return;
  }
  if (from_ == 1 && !alpha_out) {
    for (int64_t c = 0; c < to_; ++c) {
      std::memcpy(out + c * area, row, static_cast<size_t>(width));
    }
    return;
  }
  for (int64_t x = 0; x < width; ++x) {
    const uint8_t* const p = row + x * from_;
    if (gray_out) {
      out[x] = gray_in ? p[0] : luma(p[0], p[1], p[2]);
    } else {
      for (int64_t c = 0; c < 3; ++c) out[c * area + x] = p[gray_in ? 0 : c];
    }
    if (alpha_out) out[(to_ - 1) * area + x] = alpha_in ? p[from_ - 1] : 255;
  }
}

void ImageSink::fail_format(std::string_view what) const {
  fail(Status::kFormat, "decode_image: damaged file: ", name_, ": ", what);
}

Tensor ImageSink::finish(int orientation) const {
  return options_.apply_exif_orientation ? oriented(image_, orientation) : image_;
}

Tensor decode_image(std::span<const uint8_t> bytes, const DecodeOptions& options,
                    const std::string& name) {
  if (options.max_pixels < 1) {
    fail(Status::kInvalidArgument, "decode_image: value out of range: max_pixels ",
         options.max_pixels, ": must be at least 1");
  }
  ImageSink sink(options, name);
  if (starts_with(bytes, "\xFF\xD8\xFF")) return decode_jpeg(bytes, sink);
  if (starts_with(bytes, "\x89PNG\r\n\x1A\n")) return decode_png(bytes, sink);
  if (starts_with(bytes, "BM")) return decode_bmp(bytes, sink);
  if (starts_with(bytes, "P5") || starts_with(bytes, "P6")) return decode_ppm(bytes, sink);
  fail(Status::kFormat, "decode_image: not an image: ", name, ", ", bytes.size(),
       " bytes: must be a JPEG, PNG, BMP or PPM/PGM file");
}

Tensor read_image(const std::string& path, const DecodeOptions& options) {
  FileSource file("read_image", path);
  const Tensor bytes = Tensor::empty({{static_cast<int64_t>(file.size())}}, DType::kUInt8);
  if (file.size() > 0) file.read(0, bytes.data(), file.size());
  return decode_image({bytes.data_as<uint8_t>(), file.size()}, options, path);
}

std::string encode_image(const Tensor& img, ImageFormat format, const EncodeOptions& options) {
  const char* const op = "encode_image";
  const Bytes in = bytes_of(op, img);
  const bool png = format == ImageFormat::kPng;
  if (format != ImageFormat::kPng && format != ImageFormat::kJpeg) {
    fail(Status::kInvalidArgument, op, ": no format given: must be JPEG or PNG");
  }
  if (in.images != 1 || img.dim() > 3 || in.channels < 1 || in.channels > (png ? 4 : 3) ||
      (!png && in.channels == 2)) {
    fail(Status::kShape, op, ": not one image: shape ", shape_string(img.sizes()),
         ": must be (channels, height, width) with 1 or 3 channels (PNG: 1 to 4)");
  }
  const int64_t longest = png ? kLongestSide : 65500;
  if (in.width < 1 || in.height < 1 || in.width > longest || in.height > longest) {
    fail(Status::kShape, op, ": size out of range: ", in.width, " by ", in.height,
         " pixels: sides must be at least 1 and at most ", longest);
  }
  const int64_t level = png ? options.compression_level : options.quality;
  if (level < (png ? 0 : 1) || level > (png ? 9 : 100)) {
    fail(Status::kInvalidArgument, op,
         ": value out of range: ", png ? "compression_level " : "quality ", level, ": must be in ",
         png ? "[0, 9]" : "[1, 100]");
  }
  const auto channels = static_cast<int>(in.channels);
  std::vector<uint8_t> rows(static_cast<size_t>(in.area() * channels));
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* const plane = in.plane(c);
    for (int64_t i = 0; i < in.area(); ++i) rows[static_cast<size_t>(i * channels + c)] = plane[i];
  }
  return (png ? encode_png : encode_jpeg)(rows.data(), in.width, in.height, channels,
                                          static_cast<int>(level));
}

void write_image(const Tensor& img, const std::string& path, ImageFormat format,
                 const EncodeOptions& options) {
  const std::string bytes = encode_image(img, format_of(path, format), options);
  AtomicFile file("write_image", path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

void save_image(const Tensor& images, const std::string& path, const GridOptions& grid,
                ImageFormat format, const EncodeOptions& options) {
  const Tensor g = make_grid(images, grid);
  const Tensor scaled = clamp(add(mul(g, Tensor::from_scalar(255)), Tensor::from_scalar(0.5)),
                              Tensor::from_scalar(0), Tensor::from_scalar(255));
  write_image(to(scaled, DType::kUInt8), path, format, options);
}

}  // namespace mt::vision
