// AutoAugment (Cubuk et al. 2019), RandAugment (Cubuk et al. 2020) and TrivialAugment (Mueller and
// Hutter 2021) with torchvision's spaces of operations and its draws.
#include <array>
#include <cmath>
#include <numbers>

#include "kernels/random.h"
#include "ops/creation.h"
#include "vision/image.h"
#include "vision/transform.h"

namespace mt::vision::transforms {
namespace {

// In the order in which torchvision numbers them; AutoAugment has the last and not the first.
enum Op : uint8_t {
  kIdentity,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kRotate,
  kBrightness,
  kColor,
  kContrast,
  kSharpness,
  kPosterize,
  kSolarize,
  kAutoContrast,
  kEqualize,
  kInvert,
};
constexpr int64_t kRandOps = kInvert;

bool is_signed(Op op) { return op >= kShearX && op <= kSharpness; }
bool has_magnitude(Op op) { return op >= kShearX && op <= kSolarize; }

Tensor run(Op op, const Tensor& img, double m, const WarpSettings& warp) {
  WarpOptions o = warp.options();
  const auto degrees = [](double slope) { return std::atan(slope) * (180.0 / std::numbers::pi); };
  const Point corner{0, 0};
  switch (op) {
    case kShearX:
      o.center = &corner;
      return affine(img, 0, {0, 0}, 1, {degrees(m), 0}, o);
    case kShearY:
      o.center = &corner;
      return affine(img, 0, {0, 0}, 1, {0, degrees(m)}, o);
    case kTranslateX:
      return affine(img, 0, {std::trunc(m), 0}, 1, {0, 0}, o);
    case kTranslateY:
      return affine(img, 0, {0, std::trunc(m)}, 1, {0, 0}, o);
    case kRotate:
      return rotate(img, m, false, o);
    case kBrightness:
      return adjust_brightness(img, 1.0 + m);
    case kColor:
      return adjust_saturation(img, 1.0 + m);
    case kContrast:
      return adjust_contrast(img, 1.0 + m);
    case kSharpness:
      return adjust_sharpness(img, 1.0 + m);
    case kPosterize:
      return posterize(img, static_cast<int64_t>(m));
    case kSolarize:
      return solarize(img, m);
    case kAutoContrast:
      return autocontrast(img);
    case kEqualize:
      return equalize(img);
    case kInvert:
      return invert(img);
    default:
      return img;
  }
}

// The largest magnitudes of a space.
struct Space {
  double shear, translate_x, translate_y, rotate, color, posterize;
};

Space small_space(const Extent& e) {
  return {0.3,
          150.0 / 331.0 * static_cast<double>(e.width),
          150.0 / 331.0 * static_cast<double>(e.height),
          30,
          0.9,
          4};
}

// Number `i` of `bins` steps of single precision from none to the largest.
double magnitude_of(const Space& s, Op op, int64_t bins, int64_t i) {
  if (op == kPosterize) {
    const auto step = static_cast<float>(static_cast<double>(bins - 1) / s.posterize);
    return 8 - static_cast<double>(std::nearbyint(static_cast<float>(i) / step));
  }
  double first = 0, last = 0;
  switch (op) {
    case kShearX:
    case kShearY:
      last = s.shear;
      break;
    case kTranslateX:
      last = s.translate_x;
      break;
    case kTranslateY:
      last = s.translate_y;
      break;
    case kRotate:
      last = s.rotate;
      break;
    case kSolarize:
      first = 255;
      break;
    default:
      last = s.color;
  }
  const Tensor steps = linspace(first, last, bins, DType::kFloat32);
  return static_cast<double>(steps.data_as<float>()[i]);
}

void check_bins(std::string_view op, int64_t bins, int64_t magnitude) {
  if (bins >= 2 && bins <= 1 << 20 && magnitude >= 0 && magnitude < bins) return;
  fail(Status::kInvalidArgument, op, ": value out of range: num_magnitude_bins ", bins,
       ", magnitude ", magnitude,
       ": there must be at least 2 bins, and the magnitude one of their numbers");
}

// An operation of a policy: its probability in tenths, and its magnitude in tenths.
struct Step {
  Op op;
  uint8_t p, magnitude;
};
using Policy = std::array<std::array<Step, 2>, 25>;

constexpr Policy kImageNet = {{
    {{{kPosterize, 4, 8}, {kRotate, 6, 9}}},  {{{kSolarize, 6, 5}, {kAutoContrast, 6, 0}}},
    {{{kEqualize, 8, 0}, {kEqualize, 6, 0}}}, {{{kPosterize, 6, 7}, {kPosterize, 6, 6}}},
    {{{kEqualize, 4, 0}, {kSolarize, 2, 4}}}, {{{kEqualize, 4, 0}, {kRotate, 8, 8}}},
    {{{kSolarize, 6, 3}, {kEqualize, 6, 0}}}, {{{kPosterize, 8, 5}, {kEqualize, 10, 0}}},
    {{{kRotate, 2, 3}, {kSolarize, 6, 8}}},   {{{kEqualize, 6, 0}, {kPosterize, 4, 6}}},
    {{{kRotate, 8, 8}, {kColor, 4, 0}}},      {{{kRotate, 4, 9}, {kEqualize, 6, 0}}},
    {{{kEqualize, 0, 0}, {kEqualize, 8, 0}}}, {{{kInvert, 6, 0}, {kEqualize, 10, 0}}},
    {{{kColor, 6, 4}, {kContrast, 10, 8}}},   {{{kRotate, 8, 8}, {kColor, 10, 2}}},
    {{{kColor, 8, 8}, {kSolarize, 8, 7}}},    {{{kSharpness, 4, 7}, {kInvert, 6, 0}}},
    {{{kShearX, 6, 5}, {kEqualize, 10, 0}}},  {{{kColor, 4, 0}, {kEqualize, 6, 0}}},
    {{{kEqualize, 4, 0}, {kSolarize, 2, 4}}}, {{{kSolarize, 6, 5}, {kAutoContrast, 6, 0}}},
    {{{kInvert, 6, 0}, {kEqualize, 10, 0}}},  {{{kColor, 6, 4}, {kContrast, 10, 8}}},
    {{{kEqualize, 8, 0}, {kEqualize, 6, 0}}},
}};
constexpr Policy kCifar10 = {{
    {{{kInvert, 1, 0}, {kContrast, 2, 6}}},         {{{kRotate, 7, 2}, {kTranslateX, 3, 9}}},
    {{{kSharpness, 8, 1}, {kSharpness, 9, 3}}},     {{{kShearY, 5, 8}, {kTranslateY, 7, 9}}},
    {{{kAutoContrast, 5, 0}, {kEqualize, 9, 0}}},   {{{kShearY, 2, 7}, {kPosterize, 3, 7}}},
    {{{kColor, 4, 3}, {kBrightness, 6, 7}}},        {{{kSharpness, 3, 9}, {kBrightness, 7, 9}}},
    {{{kEqualize, 6, 0}, {kEqualize, 5, 0}}},       {{{kContrast, 6, 7}, {kSharpness, 6, 5}}},
    {{{kColor, 7, 7}, {kTranslateX, 5, 8}}},        {{{kEqualize, 3, 0}, {kAutoContrast, 4, 0}}},
    {{{kTranslateY, 4, 3}, {kSharpness, 2, 6}}},    {{{kBrightness, 9, 6}, {kColor, 2, 8}}},
    {{{kSolarize, 5, 2}, {kInvert, 0, 0}}},         {{{kEqualize, 2, 0}, {kAutoContrast, 6, 0}}},
    {{{kEqualize, 2, 0}, {kEqualize, 6, 0}}},       {{{kColor, 9, 9}, {kEqualize, 6, 0}}},
    {{{kAutoContrast, 8, 0}, {kSolarize, 2, 8}}},   {{{kBrightness, 1, 3}, {kColor, 7, 0}}},
    {{{kSolarize, 4, 5}, {kAutoContrast, 9, 0}}},   {{{kTranslateY, 9, 9}, {kTranslateY, 7, 9}}},
    {{{kAutoContrast, 9, 0}, {kSolarize, 8, 3}}},   {{{kEqualize, 8, 0}, {kInvert, 1, 0}}},
    {{{kTranslateY, 7, 9}, {kAutoContrast, 9, 0}}},
}};
constexpr Policy kSvhn = {{
    {{{kShearX, 9, 4}, {kInvert, 2, 0}}},       {{{kShearY, 9, 8}, {kInvert, 7, 0}}},
    {{{kEqualize, 6, 0}, {kSolarize, 6, 6}}},   {{{kInvert, 9, 0}, {kEqualize, 6, 0}}},
    {{{kEqualize, 6, 0}, {kRotate, 9, 3}}},     {{{kShearX, 9, 4}, {kAutoContrast, 8, 0}}},
    {{{kShearY, 9, 8}, {kInvert, 4, 0}}},       {{{kShearY, 9, 5}, {kSolarize, 2, 6}}},
    {{{kInvert, 9, 0}, {kAutoContrast, 8, 0}}}, {{{kEqualize, 6, 0}, {kRotate, 9, 3}}},
    {{{kShearX, 9, 4}, {kSolarize, 3, 3}}},     {{{kShearY, 8, 8}, {kInvert, 7, 0}}},
    {{{kEqualize, 9, 0}, {kTranslateY, 6, 6}}}, {{{kInvert, 9, 0}, {kEqualize, 6, 0}}},
    {{{kContrast, 3, 3}, {kRotate, 8, 4}}},     {{{kInvert, 8, 0}, {kTranslateY, 0, 2}}},
    {{{kShearY, 7, 6}, {kSolarize, 4, 8}}},     {{{kInvert, 6, 0}, {kRotate, 8, 4}}},
    {{{kShearY, 3, 7}, {kTranslateX, 9, 3}}},   {{{kShearX, 1, 6}, {kInvert, 6, 0}}},
    {{{kSolarize, 7, 2}, {kTranslateY, 6, 7}}}, {{{kShearY, 8, 4}, {kInvert, 8, 0}}},
    {{{kShearX, 7, 9}, {kTranslateY, 8, 3}}},   {{{kShearY, 8, 5}, {kAutoContrast, 7, 0}}},
    {{{kShearX, 7, 2}, {kInvert, 1, 0}}},
}};

}  // namespace

TransformRef auto_augment(AutoAugmentPolicy policy, WarpSettings warp) {
  const Policy* const steps = policy == AutoAugmentPolicy::kImageNet  ? &kImageNet
                              : policy == AutoAugmentPolicy::kCifar10 ? &kCifar10
                                                                      : &kSvhn;
  return function([=](const Tensor& img, Generator& g) {
    const Space space = small_space(extent_of("auto_augment", img));
    const int64_t chosen = draw_int(g, 0, static_cast<int64_t>(steps->size()));
    float probabilities[2];
    int64_t signs[2];
    fill_uniform(DType::kFloat32, probabilities, 2, 0, 1, g);
    fill_random(DType::kInt64, signs, 2, 0, 2, g);
    Tensor t = img;
    for (size_t i = 0; i < 2; ++i) {
      const Step s = (*steps)[static_cast<size_t>(chosen)][i];
      if (probabilities[i] > static_cast<float>(s.p / 10.0)) continue;
      double m = has_magnitude(s.op) ? magnitude_of(space, s.op, 10, s.magnitude) : 0;
      if (is_signed(s.op) && signs[i] == 0) m = -m;
      t = run(s.op, t, m, warp);
    }
    return t;
  });
}

TransformRef rand_augment(int64_t num_ops, int64_t magnitude, int64_t bins, WarpSettings warp) {
  check_bins("rand_augment", bins, magnitude);
  check_nonnegative("rand_augment", "num_ops", static_cast<double>(num_ops));
  return function([=](const Tensor& img, Generator& g) {
    const Space space = small_space(extent_of("rand_augment", img));
    Tensor t = img;
    for (int64_t i = 0; i < num_ops; ++i) {
      const auto op = static_cast<Op>(draw_int(g, 0, kRandOps));
      double m = has_magnitude(op) ? magnitude_of(space, op, bins, magnitude) : 0;
      if (is_signed(op) && draw_int(g, 0, 2) != 0) m = -m;
      t = run(op, t, m, warp);
    }
    return t;
  });
}

TransformRef trivial_augment_wide(int64_t bins, WarpSettings warp) {
  check_bins("trivial_augment_wide", bins, 0);
  return function([=](const Tensor& img, Generator& g) {
    extent_of("trivial_augment_wide", img);
    const Space space{0.99, 32, 32, 135, 0.99, 6};
    const auto op = static_cast<Op>(draw_int(g, 0, kRandOps));
    double m = has_magnitude(op) ? magnitude_of(space, op, bins, draw_int(g, 0, bins)) : 0;
    if (is_signed(op) && draw_int(g, 0, 2) != 0) m = -m;
    return run(op, img, m, warp);
  });
}

}  // namespace mt::vision::transforms
