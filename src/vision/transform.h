// torchvision's transforms: objects that make an image of an image, with random numbers where they
// are random. The draws are PyTorch's, in torchvision's order: one seed gives the same pixels.
// Thread rule: a transform does not change after it was made; it may be applied from several
// threads at once, and then best with a generator for each.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/random.h"
#include "core/ref.h"
#include "vision/functional.h"

namespace mt::vision {

class Transform : public RefCounted {
 public:
  using Function = std::function<Tensor(const Tensor& img, Generator& generator)>;
  explicit Transform(Function function) : function_(std::move(function)) {}
  static void destroy(Transform* t) { delete t; }
  Tensor apply(const Tensor& img, Generator& generator) const { return function_(img, generator); }

 private:
  const Function function_;
};
using TransformRef = Ref<Transform>;

struct Range {
  double low, high;
};
// What WarpOptions points to, kept.
struct WarpSettings {
  Interpolation interpolation = Interpolation::kNearest;
  std::optional<Point> center;
  std::vector<double> fill;
  WarpOptions options() const { return {interpolation, center ? &*center : nullptr, fill}; }
};

namespace transforms {

TransformRef function(Transform::Function f);
TransformRef compose(std::vector<TransformRef> list);
TransformRef to_tensor();
TransformRef convert_image_dtype(DType dtype);
TransformRef normalize(std::vector<double> mean, std::vector<double> std);
TransformRef resize(std::vector<int64_t> size, Interpolation mode, int64_t max_size,
                    bool antialias);
TransformRef center_crop(int64_t height, int64_t width);
TransformRef pad(std::vector<int64_t> padding, std::vector<double> fill, PaddingMode mode);
TransformRef grayscale(int64_t channels);
// The crops as one tensor, (5 or 10, ...).
TransformRef five_crop(int64_t height, int64_t width);
TransformRef ten_crop(int64_t height, int64_t width, bool vertical_flip);
TransformRef linear_transformation(const Tensor& matrix, const Tensor& mean);

struct RandomCrop {
  int64_t height, width;
  std::vector<int64_t> padding;  // empty: none
  bool pad_if_needed = false;
  std::vector<double> fill;
  PaddingMode mode = PaddingMode::kConstant;
};
TransformRef random_crop(RandomCrop o);
TransformRef random_horizontal_flip(double p);
TransformRef random_vertical_flip(double p);
struct RandomResizedCrop {
  int64_t height, width;
  Range scale{0.08, 1.0}, ratio{3.0 / 4.0, 4.0 / 3.0};
  Interpolation interpolation = Interpolation::kBilinear;
  bool antialias = false;
};
TransformRef random_resized_crop(const RandomResizedCrop& o);
struct ColorJitter {
  std::optional<Range> brightness, contrast, saturation, hue;
};
TransformRef color_jitter(ColorJitter o);
TransformRef random_grayscale(double p);
TransformRef random_rotation(Range degrees, bool expand, WarpSettings warp);
struct RandomAffine {
  Range degrees;
  std::optional<Point> translate;
  std::optional<Range> scale, shear_x, shear_y;
  WarpSettings warp;
};
TransformRef random_affine(RandomAffine o);
TransformRef random_perspective(double distortion_scale, double p, WarpSettings warp);
TransformRef gaussian_blur(int64_t kernel_x, int64_t kernel_y, Range sigma);
struct RandomErasing {
  double p = 0.5;
  Range scale{0.02, 0.33}, ratio{0.3, 3.3};
  std::vector<double> value;  // empty: normal random numbers
  bool inplace = false;
};
TransformRef random_erasing(RandomErasing o);
TransformRef random_invert(double p);
TransformRef random_posterize(int64_t bits, double p);
TransformRef random_solarize(double threshold, double p);
TransformRef random_adjust_sharpness(double factor, double p);
TransformRef random_autocontrast(double p);
TransformRef random_equalize(double p);

TransformRef random_apply(std::vector<TransformRef> list, double p);
// Of these PyTorch draws from Python's generator; here they draw from ours.
TransformRef random_choice(std::vector<TransformRef> list, std::vector<double> weights);
TransformRef random_order(std::vector<TransformRef> list);

enum class AutoAugmentPolicy : int32_t { kImageNet = 0, kCifar10 = 1, kSvhn = 2 };  // the ABI's
TransformRef auto_augment(AutoAugmentPolicy policy, WarpSettings warp);
TransformRef rand_augment(int64_t num_ops, int64_t magnitude, int64_t bins, WarpSettings warp);
TransformRef trivial_augment_wide(int64_t bins, WarpSettings warp);

}  // namespace transforms

// --- draws, as PyTorch makes them --------------------------------------------------------------
float draw_uniform(Generator& g, double low = 0, double high = 1);
int64_t draw_int(Generator& g, int64_t low, int64_t high);  // of [low, high)
void check_probability(std::string_view op, double p);

}  // namespace mt::vision
