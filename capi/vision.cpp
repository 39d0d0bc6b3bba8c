// C functions of vision.h: image files and operations on images.
#include "capi/guard.h"
#include "minitorch/minitorch.h"
#include "vision/image_file.h"

using namespace mt::capi;  // NOLINT
namespace vision = mt::vision;

namespace {

// Runs `make` on the image and gives its tensor to the host.
template <class Make>
mt_status new_image(const char* fn, mt_tensor** out, const mt_tensor* img, const Make& make) {
  return guard(fn, [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    c.pointer("out", out);
    c.put(out, make(c, t.get()));
  });
}

mt_status with_factor(const char* fn, mt_tensor** out, const mt_tensor* img, double factor,
                      mt::Tensor (*op)(const mt::Tensor&, double)) {
  return new_image(fn, out, img, [&](Call&, const mt::Tensor& t) { return op(t, factor); });
}

mt_status without(const char* fn, mt_tensor** out, const mt_tensor* img,
                  mt::Tensor (*op)(const mt::Tensor&)) {
  return new_image(fn, out, img, [&](Call&, const mt::Tensor& t) { return op(t); });
}

vision::DecodeOptions decode_options(const Call& c, const mt_decode_options* options) {
  mt_decode_options o;
  mt_decode_options_init(&o);
  if (options) c.read_options("options", options, o);
  return {c.enumeration<vision::ImageMode>("options.mode", o.mode, 5), o.max_pixels,
          o.apply_exif_orientation};
}

vision::EncodeOptions encode_options(const Call& c, const mt_encode_options* options,
                                     vision::ImageFormat& format) {
  mt_encode_options o;
  mt_encode_options_init(&o);
  if (options) c.read_options("options", options, o);
  format = c.enumeration<vision::ImageFormat>("options.format", o.format, 3);
  return {o.quality, o.compression_level};
}

struct Grid {
  vision::GridOptions options;
  vision::Point range;
  Grid(const Call& c, const mt_grid_options* from) {
    mt_grid_options o;
    mt_grid_options_init(&o);
    if (from) c.read_options("options", from, o);
    options.nrow = o.nrow;
    options.padding = o.padding;
    options.normalize = o.normalize;
    if (o.value_range) {
      range = {o.value_range[0], o.value_range[1]};
      options.value_range = &range;
    }
    options.scale_each = o.scale_each;
    options.pad_value = o.pad_value;
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
};

struct Warp {
  vision::WarpOptions options;
  vision::Point center;
  bool expand;
  Warp(const Call& c, const mt_warp_options* from) {
    mt_warp_options o;
    mt_warp_options_init(&o);
    if (from) c.read_options("options", from, o);
    options.interpolation =
        c.enumeration<vision::Interpolation>("options.interpolation", o.interpolation, 6);
    if (o.center) {
      center = {o.center[0], o.center[1]};
      options.center = &center;
    }
    options.fill = o.fill ? c.floats("options.fill", o.fill, o.n_fill) : vision::Fill();
    expand = o.expand;
  }
  Warp(const Warp&) = delete;
  Warp& operator=(const Warp&) = delete;
};

}  // namespace

extern "C" {

// --- image files ---------------------------------------------------------------------------------

void mt_decode_options_init(mt_decode_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->mode = MT_IMAGE_RGB;
  options->max_pixels = vision::DecodeOptions().max_pixels;
}

void mt_encode_options_init(mt_encode_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->format = MT_IMAGE_AUTO;
  options->quality = 75;
  options->compression_level = 6;
}

void mt_grid_options_init(mt_grid_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->nrow = 8;
  options->padding = 2;
}

mt_status mt_image_read(mt_tensor** out, const char* path, const mt_decode_options* options) {
  return guard("mt_image_read", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, vision::read_image(std::string(c.string("path", path)), decode_options(c, options)));
  });
}

mt_status mt_image_decode(mt_tensor** out, const void* data, size_t size,
                          const mt_decode_options* options) {
  return guard("mt_image_decode", [&](Call& c) {
    c.pointer("out", out);
    if (size != 0) c.pointer("data", data);
    c.put(out, vision::decode_image({static_cast<const uint8_t*>(data), size},
                                    decode_options(c, options)));
  });
}

mt_status mt_image_write(const mt_tensor* img, const char* path, const mt_encode_options* options) {
  return guard("mt_image_write", [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    vision::ImageFormat format;
    const vision::EncodeOptions o = encode_options(c, options, format);
    vision::write_image(t.get(), std::string(c.string("path", path)), format, o);
  });
}

mt_status mt_image_encode(mt_tensor** out, const mt_tensor* img, const mt_encode_options* options) {
  return new_image("mt_image_encode", out, img, [&](Call& c, const mt::Tensor& t) {
    vision::ImageFormat format;
    const vision::EncodeOptions o = encode_options(c, options, format);
    const std::string bytes = vision::encode_image(t, format, o);
    const auto n = static_cast<int64_t>(bytes.size());
    const mt::Tensor encoded = mt::Tensor::empty({{n}}, mt::DType::kUInt8);
    std::memcpy(encoded.data(), bytes.data(), bytes.size());
    return encoded;
  });
}

mt_status mt_make_grid(mt_tensor** out, const mt_tensor* images, const mt_grid_options* options) {
  return guard("mt_make_grid", [&](Call& c) {
    const TensorArg t = c.tensor("images", images);
    c.pointer("out", out);
    const Grid grid(c, options);
    c.put(out, vision::make_grid(t.get(), grid.options));
  });
}

mt_status mt_save_image(const mt_tensor* images, const char* path, const mt_grid_options* grid,
                        const mt_encode_options* options) {
  return guard("mt_save_image", [&](Call& c) {
    const TensorArg t = c.tensor("images", images);
    const Grid g(c, grid);
    vision::ImageFormat format;
    const vision::EncodeOptions o = encode_options(c, options, format);
    vision::save_image(t.get(), std::string(c.string("path", path)), g.options, format, o);
  });
}

// --- sizes ---------------------------------------------------------------------------------------

mt_status mt_image_resize(mt_tensor** out, const mt_tensor* img, const int64_t* size, size_t n_size,
                          mt_interpolation interpolation, int64_t max_size, bool antialias) {
  return new_image("mt_image_resize", out, img, [&](Call& c, const mt::Tensor& t) {
    const auto mode = c.enumeration<vision::Interpolation>("interpolation", interpolation, 6);
    return vision::resize(t, c.ints("size", size, n_size), mode, max_size, antialias);
  });
}

mt_status mt_image_crop(mt_tensor** out, const mt_tensor* img, int64_t top, int64_t left,
                        int64_t height, int64_t width) {
  return new_image("mt_image_crop", out, img, [&](Call&, const mt::Tensor& t) {
    return vision::crop(t, top, left, height, width);
  });
}

mt_status mt_image_center_crop(mt_tensor** out, const mt_tensor* img, int64_t height,
                               int64_t width) {
  return new_image("mt_image_center_crop", out, img, [&](Call&, const mt::Tensor& t) {
    return vision::center_crop(t, height, width);
  });
}

mt_status mt_image_five_crop(mt_tensors** out, const mt_tensor* img, int64_t height,
                             int64_t width) {
  return guard("mt_image_five_crop", [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    c.pointer("out", out);
    c.put_list(out, vision::five_crop(t.get(), height, width));
  });
}

mt_status mt_image_ten_crop(mt_tensors** out, const mt_tensor* img, int64_t height, int64_t width,
                            bool vertical_flip) {
  return guard("mt_image_ten_crop", [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    c.pointer("out", out);
    c.put_list(out, vision::ten_crop(t.get(), height, width, vertical_flip));
  });
}

mt_status mt_image_pad(mt_tensor** out, const mt_tensor* img, const int64_t* padding,
                       size_t n_padding, const double* fill, size_t n_fill, mt_padding_mode mode) {
  return new_image("mt_image_pad", out, img, [&](Call& c, const mt::Tensor& t) {
    return vision::pad(t, c.ints("padding", padding, n_padding), c.floats("fill", fill, n_fill),
                       c.enumeration<vision::PaddingMode>("mode", mode, 4));
  });
}

mt_status mt_image_hflip(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_hflip", out, img, vision::hflip);
}

mt_status mt_image_vflip(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_vflip", out, img, vision::vflip);
}

void mt_warp_options_init(mt_warp_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->interpolation = MT_INTERPOLATION_NEAREST;
}

mt_status mt_image_rotate(mt_tensor** out, const mt_tensor* img, double angle,
                          const mt_warp_options* options) {
  return new_image("mt_image_rotate", out, img, [&](Call& c, const mt::Tensor& t) {
    const Warp warp(c, options);
    return vision::rotate(t, angle, warp.expand, warp.options);
  });
}

mt_status mt_image_affine(mt_tensor** out, const mt_tensor* img, double angle, double translate_x,
                          double translate_y, double scale, double shear_x, double shear_y,
                          const mt_warp_options* options) {
  return new_image("mt_image_affine", out, img, [&](Call& c, const mt::Tensor& t) {
    const Warp warp(c, options);
    return vision::affine(t, angle, {translate_x, translate_y}, scale, {shear_x, shear_y},
                          warp.options);
  });
}

mt_status mt_image_perspective(mt_tensor** out, const mt_tensor* img, const double* startpoints,
                               const double* endpoints, const mt_warp_options* options) {
  return new_image("mt_image_perspective", out, img, [&](Call& c, const mt::Tensor& t) {
    c.pointer("startpoints", startpoints);
    c.pointer("endpoints", endpoints);
    vision::Point from[4], to[4];
    for (int i = 0; i < 4; ++i) {
      from[i] = {startpoints[2 * i], startpoints[2 * i + 1]};
      to[i] = {endpoints[2 * i], endpoints[2 * i + 1]};
    }
    const Warp warp(c, options);
    return vision::perspective(t, from, to, warp.options);
  });
}

// --- colours -------------------------------------------------------------------------------------

mt_status mt_image_grayscale(mt_tensor** out, const mt_tensor* img, int64_t num_output_channels) {
  return new_image("mt_image_grayscale", out, img, [&](Call&, const mt::Tensor& t) {
    return vision::rgb_to_grayscale(t, num_output_channels);
  });
}

mt_status mt_image_adjust_brightness(mt_tensor** out, const mt_tensor* img, double factor) {
  return with_factor("mt_image_adjust_brightness", out, img, factor, vision::adjust_brightness);
}

mt_status mt_image_adjust_contrast(mt_tensor** out, const mt_tensor* img, double factor) {
  return with_factor("mt_image_adjust_contrast", out, img, factor, vision::adjust_contrast);
}

mt_status mt_image_adjust_saturation(mt_tensor** out, const mt_tensor* img, double factor) {
  return with_factor("mt_image_adjust_saturation", out, img, factor, vision::adjust_saturation);
}

mt_status mt_image_adjust_sharpness(mt_tensor** out, const mt_tensor* img, double factor) {
  return with_factor("mt_image_adjust_sharpness", out, img, factor, vision::adjust_sharpness);
}

mt_status mt_image_adjust_hue(mt_tensor** out, const mt_tensor* img, double factor) {
  return with_factor("mt_image_adjust_hue", out, img, factor, vision::adjust_hue);
}

mt_status mt_image_adjust_gamma(mt_tensor** out, const mt_tensor* img, double gamma, double gain) {
  return new_image("mt_image_adjust_gamma", out, img, [&](Call&, const mt::Tensor& t) {
    return vision::adjust_gamma(t, gamma, gain);
  });
}

mt_status mt_image_invert(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_invert", out, img, vision::invert);
}

mt_status mt_image_posterize(mt_tensor** out, const mt_tensor* img, int64_t bits) {
  return new_image("mt_image_posterize", out, img,
                   [&](Call&, const mt::Tensor& t) { return vision::posterize(t, bits); });
}

mt_status mt_image_solarize(mt_tensor** out, const mt_tensor* img, double threshold) {
  return with_factor("mt_image_solarize", out, img, threshold, vision::solarize);
}

mt_status mt_image_autocontrast(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_autocontrast", out, img, vision::autocontrast);
}

mt_status mt_image_equalize(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_equalize", out, img, vision::equalize);
}

mt_status mt_image_gaussian_blur(mt_tensor** out, const mt_tensor* img, const int64_t* kernel_size,
                                 size_t n_kernel_size, const double* sigma, size_t n_sigma) {
  return new_image("mt_image_gaussian_blur", out, img, [&](Call& c, const mt::Tensor& t) {
    return vision::gaussian_blur(t, c.ints("kernel_size", kernel_size, n_kernel_size),
                                 c.floats("sigma", sigma, n_sigma));
  });
}

// --- values --------------------------------------------------------------------------------------

mt_status mt_image_to_tensor(mt_tensor** out, const mt_tensor* img) {
  return without("mt_image_to_tensor", out, img, vision::to_tensor);
}

mt_status mt_image_convert_dtype(mt_tensor** out, const mt_tensor* img, mt_dtype dtype) {
  return new_image("mt_image_convert_dtype", out, img, [&](Call& c, const mt::Tensor& t) {
    return vision::convert_image_dtype(t, c.dtype("dtype", dtype));
  });
}

mt_status mt_image_normalize(mt_tensor** out, const mt_tensor* img, const double* mean,
                             size_t n_mean, const double* std, size_t n_std) {
  return new_image("mt_image_normalize", out, img, [&](Call& c, const mt::Tensor& t) {
    return vision::normalize(t, c.floats("mean", mean, n_mean), c.floats("std", std, n_std));
  });
}

mt_status mt_image_normalize_(mt_tensor* img, const double* mean, size_t n_mean, const double* std,
                              size_t n_std) {
  return guard("mt_image_normalize_", [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    vision::normalize_(t.get(), c.floats("mean", mean, n_mean), c.floats("std", std, n_std));
  });
}

mt_status mt_image_erase(mt_tensor** out, const mt_tensor* img, int64_t i, int64_t j, int64_t h,
                         int64_t w, const mt_tensor* value) {
  return new_image("mt_image_erase", out, img, [&](Call& c, const mt::Tensor& t) {
    return vision::erase(t, i, j, h, w, c.tensor("value", value));
  });
}

mt_status mt_image_erase_(mt_tensor* img, int64_t i, int64_t j, int64_t h, int64_t w,
                          const mt_tensor* value) {
  return guard("mt_image_erase_", [&](Call& c) {
    const TensorArg t = c.tensor("img", img);
    vision::erase_(t.get(), i, j, h, w, c.tensor("value", value));
  });
}

}  // extern "C"
