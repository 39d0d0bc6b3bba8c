// C functions of transforms.h: transforms of images.
#include "vision/transform.h"

#include "capi/hooks.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT
namespace vision = mt::vision;
namespace make = mt::vision::transforms;
using vision::Interpolation;
using vision::PaddingMode;
using vision::TransformRef;

namespace {

// Runs `body` and gives its transform to the host.
template <class Body>
mt_status new_transform(const char* fn, mt_transform** out, const Body& body) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    *out = NewHandle<vision::Transform>(c.thread(), body(c)).release();
  });
}

// The same with a list of transforms, whose handles are checked first.
template <class Body>
mt_status of_list(const char* fn, mt_transform** out, const mt_transform* const* transforms,
                  size_t n, const Body& body) {
  return guard(fn, [&](Call& c) {
    if (n != 0) c.pointer("transforms", transforms);
    std::vector<TransformRef> list;
    for (size_t i = 0; i < n; ++i) {
      list.push_back(TransformRef::share(
          c.object<vision::Transform>("transforms", transforms[i], static_cast<int64_t>(i))));
    }
    c.pointer("out", out);
    *out = NewHandle<vision::Transform>(c.thread(), body(c, std::move(list))).release();
  });
}

mt_status of_probability(const char* fn, mt_transform** out, double p, TransformRef (*of)(double)) {
  return new_transform(fn, out, [&](Call&) { return of(p); });
}

template <class T>
std::vector<T> copied(std::span<const T> values) {
  return {values.begin(), values.end()};
}

Interpolation interpolation_of(const Call& c, mt_interpolation v) {
  return c.enumeration<Interpolation>("interpolation", v, 6);
}

vision::WarpSettings warp_of(const Call& c, const mt_warp_options* from, bool* expand = nullptr) {
  mt_warp_options o;
  mt_warp_options_init(&o);
  if (from) c.read_options("options", from, o);
  vision::WarpSettings warp;
  warp.interpolation = interpolation_of(c, o.interpolation);
  if (o.center) warp.center = vision::Point{o.center[0], o.center[1]};
  if (o.fill) warp.fill = copied(c.floats("options.fill", o.fill, o.n_fill));
  if (expand) *expand = o.expand;
  return warp;
}

std::optional<vision::Range> range_of(const double* two) {
  return two ? std::optional(vision::Range{two[0], two[1]}) : std::nullopt;
}

constexpr double kZero[] = {0};

}  // namespace

extern "C" {

mt_status mt_transform_apply(mt_tensor** out, const mt_transform* self, const mt_tensor* img,
                             mt_generator* generator) {
  return guard("mt_transform_apply", [&](Call& c) {
    const auto* transform = c.object<vision::Transform>("self", self);
    const TensorArg t = c.tensor("img", img);
    mt::Generator* const g = c.generator("generator", generator);
    c.pointer("out", out);
    c.put(out, transform->apply(t.get(), g ? *g : mt::default_generator()));
  });
}

mt_status mt_transform_free(mt_transform* self) {
  return free_handle<vision::Transform>("mt_transform_free", "self", self);
}

// --- putting together ----------------------------------------------------------------------------

mt_status mt_transform_compose(mt_transform** out, const mt_transform* const* transforms,
                               size_t n_transforms) {
  return of_list(
      "mt_transform_compose", out, transforms, n_transforms,
      [](Call&, std::vector<TransformRef> list) { return make::compose(std::move(list)); });
}

mt_status mt_transform_lambda(mt_transform** out, mt_transform_fn function, void* user,
                              mt_destroy_fn destroy) {
  return guard("mt_transform_lambda", [&](Call& c) {
    mt::Ref<UserData> owner = UserData::make(user, destroy);
    c.pointer("out", out);
    c.pointer("function", function);
    TransformRef t = make::function([function, owner](const mt::Tensor& img, mt::Generator&) {
      AbiThread& thread = this_abi_thread();
      CallbackTensors args(thread);
      args.add(img);
      mt_tensor* result = nullptr;
      CallbackScope scope(thread);
      const mt_status status = function(&result, args[0], owner->user());
      mt::Tensor taken = take_result(thread, "transform", "out", -1, result);
      scope.check(status, "transform");
      if (!taken.defined()) {
        mt::fail(mt::Status::kCallback,
                 "transform: missing output: the function left *out NULL: it must give an image");
      }
      return taken;
    });
    *out = NewHandle<vision::Transform>(c.thread(), std::move(t)).release();
  });
}

mt_status mt_transform_random_apply(mt_transform** out, const mt_transform* const* transforms,
                                    size_t n_transforms, double p) {
  return of_list("mt_transform_random_apply", out, transforms, n_transforms,
                 [&](Call&, std::vector<TransformRef> list) {
                   return make::random_apply(std::move(list), p);
                 });
}

mt_status mt_transform_random_choice(mt_transform** out, const mt_transform* const* transforms,
                                     size_t n_transforms, const double* weights) {
  return of_list("mt_transform_random_choice", out, transforms, n_transforms,
                 [&](Call& c, std::vector<TransformRef> list) {
                   std::vector<double> w;
                   if (weights) w = copied(c.floats("weights", weights, list.size()));
                   return make::random_choice(std::move(list), std::move(w));
                 });
}

mt_status mt_transform_random_order(mt_transform** out, const mt_transform* const* transforms,
                                    size_t n_transforms) {
  return of_list(
      "mt_transform_random_order", out, transforms, n_transforms,
      [](Call&, std::vector<TransformRef> list) { return make::random_order(std::move(list)); });
}

// --- without random numbers ----------------------------------------------------------------------

mt_status mt_transform_to_tensor(mt_transform** out) {
  return new_transform("mt_transform_to_tensor", out, [](Call&) { return make::to_tensor(); });
}

mt_status mt_transform_convert_image_dtype(mt_transform** out, mt_dtype dtype) {
  return new_transform("mt_transform_convert_image_dtype", out,
                       [&](Call& c) { return make::convert_image_dtype(c.dtype("dtype", dtype)); });
}

mt_status mt_transform_normalize(mt_transform** out, const double* mean, size_t n_mean,
                                 const double* std, size_t n_std) {
  return new_transform("mt_transform_normalize", out, [&](Call& c) {
    return make::normalize(copied(c.floats("mean", mean, n_mean)),
                           copied(c.floats("std", std, n_std)));
  });
}

mt_status mt_transform_resize(mt_transform** out, const int64_t* size, size_t n_size,
                              mt_interpolation interpolation, int64_t max_size, bool antialias) {
  return new_transform("mt_transform_resize", out, [&](Call& c) {
    return make::resize(copied(c.ints("size", size, n_size)), interpolation_of(c, interpolation),
                        max_size, antialias);
  });
}

mt_status mt_transform_center_crop(mt_transform** out, int64_t height, int64_t width) {
  return new_transform("mt_transform_center_crop", out,
                       [&](Call&) { return make::center_crop(height, width); });
}

mt_status mt_transform_pad(mt_transform** out, const int64_t* padding, size_t n_padding,
                           const double* fill, size_t n_fill, mt_padding_mode mode) {
  return new_transform("mt_transform_pad", out, [&](Call& c) {
    return make::pad(copied(c.ints("padding", padding, n_padding)),
                     copied(c.floats("fill", fill, n_fill)),
                     c.enumeration<PaddingMode>("mode", mode, 4));
  });
}

mt_status mt_transform_grayscale(mt_transform** out, int64_t num_output_channels) {
  return new_transform("mt_transform_grayscale", out,
                       [&](Call&) { return make::grayscale(num_output_channels); });
}

mt_status mt_transform_five_crop(mt_transform** out, int64_t height, int64_t width) {
  return new_transform("mt_transform_five_crop", out,
                       [&](Call&) { return make::five_crop(height, width); });
}

mt_status mt_transform_ten_crop(mt_transform** out, int64_t height, int64_t width,
                                bool vertical_flip) {
  return new_transform("mt_transform_ten_crop", out,
                       [&](Call&) { return make::ten_crop(height, width, vertical_flip); });
}

mt_status mt_transform_linear_transformation(mt_transform** out, const mt_tensor* matrix,
                                             const mt_tensor* mean) {
  return guard("mt_transform_linear_transformation", [&](Call& c) {
    const TensorArg m = c.tensor("matrix", matrix), v = c.tensor("mean", mean);
    c.pointer("out", out);
    TransformRef t = make::linear_transformation(m.get(), v.get());
    *out = NewHandle<vision::Transform>(c.thread(), std::move(t)).release();
  });
}

// --- with a probability --------------------------------------------------------------------------

mt_status mt_transform_random_horizontal_flip(mt_transform** out, double p) {
  return of_probability("mt_transform_random_horizontal_flip", out, p,
                        make::random_horizontal_flip);
}

mt_status mt_transform_random_vertical_flip(mt_transform** out, double p) {
  return of_probability("mt_transform_random_vertical_flip", out, p, make::random_vertical_flip);
}

mt_status mt_transform_random_grayscale(mt_transform** out, double p) {
  return of_probability("mt_transform_random_grayscale", out, p, make::random_grayscale);
}

mt_status mt_transform_random_invert(mt_transform** out, double p) {
  return of_probability("mt_transform_random_invert", out, p, make::random_invert);
}

mt_status mt_transform_random_posterize(mt_transform** out, int64_t bits, double p) {
  return new_transform("mt_transform_random_posterize", out,
                       [&](Call&) { return make::random_posterize(bits, p); });
}

mt_status mt_transform_random_solarize(mt_transform** out, double threshold, double p) {
  return new_transform("mt_transform_random_solarize", out,
                       [&](Call&) { return make::random_solarize(threshold, p); });
}

mt_status mt_transform_random_adjust_sharpness(mt_transform** out, double factor, double p) {
  return new_transform("mt_transform_random_adjust_sharpness", out,
                       [&](Call&) { return make::random_adjust_sharpness(factor, p); });
}

mt_status mt_transform_random_autocontrast(mt_transform** out, double p) {
  return of_probability("mt_transform_random_autocontrast", out, p, make::random_autocontrast);
}

mt_status mt_transform_random_equalize(mt_transform** out, double p) {
  return of_probability("mt_transform_random_equalize", out, p, make::random_equalize);
}

// --- with random parameters ----------------------------------------------------------------------

void mt_random_crop_options_init(mt_random_crop_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
}

mt_status mt_transform_random_crop(mt_transform** out, int64_t height, int64_t width,
                                   const mt_random_crop_options* options) {
  return new_transform("mt_transform_random_crop", out, [&](Call& c) {
    mt_random_crop_options o;
    mt_random_crop_options_init(&o);
    if (options) c.read_options("options", options, o);
    make::RandomCrop crop{height, width, {}, o.pad_if_needed, {}, {}};
    if (o.padding) crop.padding = copied(c.ints("options.padding", o.padding, o.n_padding));
    if (o.fill) crop.fill = copied(c.floats("options.fill", o.fill, o.n_fill));
    crop.mode = c.enumeration<PaddingMode>("options.padding_mode", o.padding_mode, 4);
    return make::random_crop(std::move(crop));
  });
}

void mt_random_resized_crop_options_init(mt_random_resized_crop_options* options) {
  if (!options) return;
  const make::RandomResizedCrop d{};
  *options = {};
  options->struct_size = sizeof *options;
  options->scale_min = d.scale.low;
  options->scale_max = d.scale.high;
  options->ratio_min = d.ratio.low;
  options->ratio_max = d.ratio.high;
  options->interpolation = MT_INTERPOLATION_BILINEAR;
}

mt_status mt_transform_random_resized_crop(mt_transform** out, int64_t height, int64_t width,
                                           const mt_random_resized_crop_options* options) {
  return new_transform("mt_transform_random_resized_crop", out, [&](Call& c) {
    mt_random_resized_crop_options o;
    mt_random_resized_crop_options_init(&o);
    if (options) c.read_options("options", options, o);
    const vision::Range scale{o.scale_min, o.scale_max}, ratio{o.ratio_min, o.ratio_max};
    return make::random_resized_crop(
        {height, width, scale, ratio, interpolation_of(c, o.interpolation), o.antialias});
  });
}

void mt_color_jitter_options_init(mt_color_jitter_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
}

mt_status mt_transform_color_jitter(mt_transform** out, const mt_color_jitter_options* options) {
  return new_transform("mt_transform_color_jitter", out, [&](Call& c) {
    mt_color_jitter_options o;
    mt_color_jitter_options_init(&o);
    c.read_options("options", options, o);
    return make::color_jitter(
        {range_of(o.brightness), range_of(o.contrast), range_of(o.saturation), range_of(o.hue)});
  });
}

mt_status mt_transform_random_rotation(mt_transform** out, double min_degrees, double max_degrees,
                                       const mt_warp_options* options) {
  return new_transform("mt_transform_random_rotation", out, [&](Call& c) {
    bool expand = false;
    vision::WarpSettings warp = warp_of(c, options, &expand);
    return make::random_rotation({min_degrees, max_degrees}, expand, std::move(warp));
  });
}

void mt_random_affine_options_init(mt_random_affine_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
}

mt_status mt_transform_random_affine(mt_transform** out, const mt_random_affine_options* options,
                                     const mt_warp_options* warp) {
  return new_transform("mt_transform_random_affine", out, [&](Call& c) {
    mt_random_affine_options o;
    mt_random_affine_options_init(&o);
    c.read_options("options", options, o);
    make::RandomAffine a;
    a.degrees = {o.min_degrees, o.max_degrees};
    a.scale = range_of(o.scale);
    a.warp = warp_of(c, warp);
    if (o.translate) a.translate = vision::Point{o.translate[0], o.translate[1]};
    if (o.shear && o.n_shear != 2 && o.n_shear != 4) {
      mt::fail(mt::Status::kInvalidArgument, c.fn(), ": wrong number of values: shear has ",
               o.n_shear, ": must have 2 (x) or 4 (x and y)");
    }
    if (o.shear) a.shear_x = range_of(o.shear);
    if (o.shear && o.n_shear == 4) a.shear_y = range_of(o.shear + 2);
    return make::random_affine(std::move(a));
  });
}

mt_status mt_transform_random_perspective(mt_transform** out, double distortion_scale, double p,
                                          const mt_warp_options* warp) {
  return new_transform("mt_transform_random_perspective", out, [&](Call& c) {
    return make::random_perspective(distortion_scale, p, warp_of(c, warp));
  });
}

mt_status mt_transform_gaussian_blur(mt_transform** out, int64_t kernel_x, int64_t kernel_y,
                                     double min_sigma, double max_sigma) {
  return new_transform("mt_transform_gaussian_blur", out, [&](Call&) {
    return make::gaussian_blur(kernel_x, kernel_y, {min_sigma, max_sigma});
  });
}

void mt_random_erasing_options_init(mt_random_erasing_options* options) {
  if (!options) return;
  const make::RandomErasing d{};
  *options = {};
  options->struct_size = sizeof *options;
  options->p = d.p;
  options->scale_min = d.scale.low;
  options->scale_max = d.scale.high;
  options->ratio_min = d.ratio.low;
  options->ratio_max = d.ratio.high;
  options->value = kZero;
  options->n_value = 1;
}

mt_status mt_transform_random_erasing(mt_transform** out,
                                      const mt_random_erasing_options* options) {
  return new_transform("mt_transform_random_erasing", out, [&](Call& c) {
    mt_random_erasing_options o;
    mt_random_erasing_options_init(&o);
    if (options) c.read_options("options", options, o);
    make::RandomErasing e;
    e.p = o.p;
    e.scale = {o.scale_min, o.scale_max};
    e.ratio = {o.ratio_min, o.ratio_max};
    if (o.value) e.value = copied(c.floats("options.value", o.value, o.n_value));
    e.inplace = o.inplace;
    return make::random_erasing(std::move(e));
  });
}

// --- policies ------------------------------------------------------------------------------------

mt_status mt_transform_auto_augment(mt_transform** out, mt_auto_augment_policy policy,
                                    const mt_warp_options* warp) {
  return new_transform("mt_transform_auto_augment", out, [&](Call& c) {
    return make::auto_augment(c.enumeration<make::AutoAugmentPolicy>("policy", policy, 3),
                              warp_of(c, warp));
  });
}

mt_status mt_transform_rand_augment(mt_transform** out, int64_t num_ops, int64_t magnitude,
                                    int64_t num_magnitude_bins, const mt_warp_options* warp) {
  return new_transform("mt_transform_rand_augment", out, [&](Call& c) {
    return make::rand_augment(num_ops, magnitude, num_magnitude_bins, warp_of(c, warp));
  });
}

mt_status mt_transform_trivial_augment_wide(mt_transform** out, int64_t num_magnitude_bins,
                                            const mt_warp_options* warp) {
  return new_transform("mt_transform_trivial_augment_wide", out, [&](Call& c) {
    return make::trivial_augment_wide(num_magnitude_bins, warp_of(c, warp));
  });
}

}  // extern "C"
