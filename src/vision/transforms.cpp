// The transforms without parameters to search for: compositions, fixed operations, and those that
// happen with a probability.
#include "vision/transform.h"

#include <cmath>

#include "kernels/random.h"
#include "ops/arithmetic.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/view.h"
#include "vision/image.h"

namespace mt::vision {

float draw_uniform(Generator& g, double low, double high) {
  float v;
  fill_uniform(DType::kFloat32, &v, 1, low, high, g);
  return v;
}

int64_t draw_int(Generator& g, int64_t low, int64_t high) {
  int64_t v;
  fill_random(DType::kInt64, &v, 1, low, high, g);
  return v;
}

void check_probability(std::string_view op, double p) {
  if (p >= 0 && p <= 1) return;
  fail(Status::kInvalidArgument, op, ": value out of range: p ", p, ": must be in [0, 1]");
}

namespace transforms {
namespace {

// torchvision compares some draws in single precision, others in double.
enum class Compare { kFloat, kDouble };

template <class Then>
TransformRef sometimes(std::string_view op, double p, Compare compare, Then then) {
  check_probability(op, p);
  return function([=](const Tensor& img, Generator& g) {
    const float u = draw_uniform(g);
    const bool happens = compare == Compare::kFloat ? u < static_cast<float>(p) : u < p;
    return happens ? then(img) : img;
  });
}

}  // namespace

TransformRef function(Transform::Function f) {
  return TransformRef::adopt(new Transform(std::move(f)));
}

TransformRef compose(std::vector<TransformRef> list) {
  return function([list = std::move(list)](const Tensor& img, Generator& g) {
    Tensor t = img;
    for (const TransformRef& one : list) t = one->apply(t, g);
    return t;
  });
}

TransformRef to_tensor() {
  return function([](const Tensor& img, Generator&) { return vision::to_tensor(img); });
}

TransformRef convert_image_dtype(DType dtype) {
  return function(
      [=](const Tensor& img, Generator&) { return vision::convert_image_dtype(img, dtype); });
}

TransformRef normalize(std::vector<double> mean, std::vector<double> std) {
  return function([mean = std::move(mean), std = std::move(std)](const Tensor& img, Generator&) {
    return vision::normalize(img, mean, std);
  });
}

TransformRef resize(std::vector<int64_t> size, Interpolation mode, int64_t max_size,
                    bool antialias) {
  return function([=](const Tensor& img, Generator&) {
    return vision::resize(img, size, mode, max_size, antialias);
  });
}

TransformRef center_crop(int64_t height, int64_t width) {
  check_side("center_crop", height, width);
  return function(
      [=](const Tensor& img, Generator&) { return vision::center_crop(img, height, width); });
}

TransformRef pad(std::vector<int64_t> padding, std::vector<double> fill, PaddingMode mode) {
  return function(
      [padding = std::move(padding), fill = std::move(fill), mode](const Tensor& img, Generator&) {
        return vision::pad(img, padding, fill, mode);
      });
}

TransformRef grayscale(int64_t channels) {
  return function(
      [=](const Tensor& img, Generator&) { return vision::rgb_to_grayscale(img, channels); });
}

TransformRef five_crop(int64_t height, int64_t width) {
  check_side("five_crop", height, width);
  return function(
      [=](const Tensor& img, Generator&) { return stack(vision::five_crop(img, height, width)); });
}

TransformRef ten_crop(int64_t height, int64_t width, bool vertical_flip) {
  check_side("ten_crop", height, width);
  return function([=](const Tensor& img, Generator&) {
    return stack(vision::ten_crop(img, height, width, vertical_flip));
  });
}

TransformRef linear_transformation(const Tensor& matrix, const Tensor& mean) {
  if (matrix.dim() != 2 || matrix.size(0) != matrix.size(1) || mean.dim() != 1 ||
      mean.size(0) != matrix.size(0)) {
    fail(Status::kShape, "linear_transformation: shape mismatch: matrix ",
         shape_string(matrix.sizes()), ", mean ", shape_string(mean.sizes()),
         ": the matrix must be square, with a mean for each of its rows");
  }
  return function([=](const Tensor& img, Generator&) {
    const Extent e = extent_of("linear_transformation", img);
    const int64_t n = e.channels * e.height * e.width;
    if (n != matrix.size(0)) {
      fail(Status::kShape, "linear_transformation: shape mismatch: an image of ", n,
           " values, a matrix of ", matrix.size(0), " rows: both must agree");
    }
    return reshape(mm(sub(reshape(img, {{-1, n}}), mean), matrix), img.sizes());
  });
}

TransformRef random_horizontal_flip(double p) {
  return sometimes("random_horizontal_flip", p, Compare::kFloat, vision::hflip);
}

TransformRef random_vertical_flip(double p) {
  return sometimes("random_vertical_flip", p, Compare::kFloat, vision::vflip);
}

TransformRef random_grayscale(double p) {
  return sometimes("random_grayscale", p, Compare::kFloat, [](const Tensor& img) {
    return vision::rgb_to_grayscale(img, extent_of("random_grayscale", img).channels);
  });
}

TransformRef random_invert(double p) {
  return sometimes("random_invert", p, Compare::kDouble, vision::invert);
}

TransformRef random_posterize(int64_t bits, double p) {
  return sometimes("random_posterize", p, Compare::kDouble,
                   [=](const Tensor& img) { return vision::posterize(img, bits); });
}

TransformRef random_solarize(double threshold, double p) {
  return sometimes("random_solarize", p, Compare::kDouble,
                   [=](const Tensor& img) { return vision::solarize(img, threshold); });
}

TransformRef random_adjust_sharpness(double factor, double p) {
  check_nonnegative("random_adjust_sharpness", "sharpness_factor", factor);
  return sometimes("random_adjust_sharpness", p, Compare::kDouble,
                   [=](const Tensor& img) { return vision::adjust_sharpness(img, factor); });
}

TransformRef random_autocontrast(double p) {
  return sometimes("random_autocontrast", p, Compare::kDouble, vision::autocontrast);
}

TransformRef random_equalize(double p) {
  return sometimes("random_equalize", p, Compare::kDouble, vision::equalize);
}

TransformRef random_apply(std::vector<TransformRef> list, double p) {
  check_probability("random_apply", p);
  const TransformRef all = compose(std::move(list));
  return function([=](const Tensor& img, Generator& g) {
    return static_cast<float>(p) < draw_uniform(g) ? img : all->apply(img, g);
  });
}

TransformRef random_choice(std::vector<TransformRef> list, std::vector<double> weights) {
  if (list.empty() || (!weights.empty() && weights.size() != list.size())) {
    fail(Status::kInvalidArgument, "random_choice: wrong number of values: ", list.size(),
         " transforms, ", weights.size(),
         " weights: there must be a transform, and no weights or one for each");
  }
  double sum = 0;
  for (double w : weights) {
    check_nonnegative("random_choice", "weight", w);
    sum += w;
  }
  if (!weights.empty() && !(sum > 0 && std::isfinite(sum))) {
    fail(Status::kInvalidArgument, "random_choice: value out of range: the weights' sum is ", sum,
         ": must be positive and finite");
  }
  return function([=](const Tensor& img, Generator& g) {
    if (weights.empty()) {
      const int64_t i = draw_int(g, 0, static_cast<int64_t>(list.size()));
      return list[static_cast<size_t>(i)]->apply(img, g);
    }
    double left = static_cast<double>(draw_uniform(g)) * sum;
    size_t i = 0;
    while (i + 1 < list.size() && left >= weights[i]) left -= weights[i++];
    return list[i]->apply(img, g);
  });
}

TransformRef random_order(std::vector<TransformRef> list) {
  return function([list = std::move(list)](const Tensor& img, Generator& g) {
    std::vector<int64_t> order(list.size());
    fill_randperm(DType::kInt64, order.data(), static_cast<int64_t>(order.size()), g);
    Tensor t = img;
    for (int64_t i : order) t = list[static_cast<size_t>(i)]->apply(t, g);
    return t;
  });
}

}  // namespace transforms
}  // namespace mt::vision
