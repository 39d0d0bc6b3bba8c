// Initialisers with the bounds of torch.nn.init, computed in double as PyTorch computes them.
#include "nn/init.h"

#include <cmath>
#include <initializer_list>

#include "core/parallel.h"
#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/index_more.h"
#include "ops/linalg.h"
#include "ops/random.h"
#include "ops/special.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt::init {

std::pair<int64_t, int64_t> calculate_fan(std::string_view op, const Tensor& t) {
  if (t.dim() < 2) {
    fail(Status::kShape, op, ": shape mismatch: tensor ", shape_string(t.sizes()),
         ": fan in and fan out need at least 2 dims");
  }
  int64_t field = 1;
  for (int d = 2; d < t.dim(); ++d) field *= t.size(d);
  return {t.size(1) * field, t.size(0) * field};
}

double calculate_gain(std::string_view nonlinearity, double param) {
  for (std::string_view linear : {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
                                  "conv_transpose2d", "conv_transpose3d", "sigmoid"}) {
    if (nonlinearity == linear) return 1;
  }
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") return std::sqrt(2.0 / (1 + param * param));
  if (nonlinearity == "selu") return 3.0 / 4;
  fail(Status::kInvalidArgument, "calculate_gain: unknown nonlinearity: '", nonlinearity,
       "': must be linear, conv*, sigmoid, tanh, relu, leaky_relu or selu");
}

void uniform_(const Tensor& t, double a, double b) {
  GradMode off(false);
  mt::uniform_(t, a, b);
}

void normal_(const Tensor& t, double mean, double std) {
  GradMode off(false);
  mt::normal_(t, mean, std);
}

void constant_(const Tensor& t, double value) {
  GradMode off(false);
  fill_(t, value);
}

void eye_(const Tensor& t) {
  if (t.dim() != 2) {
    fail(Status::kShape, "eye_: shape mismatch: tensor ", shape_string(t.sizes()),
         ": only 2-dim tensors are supported");
  }
  GradMode off(false);
  zero_(t);
  const int64_t n = std::min(t.size(0), t.size(1));
  fill_(as_strided(t, {{n}}, {{t.stride(0) + t.stride(1)}}, t.offset()), 1.0);
}

void xavier_uniform_(const Tensor& t, double gain) {
  const auto [in, out] = calculate_fan("xavier_uniform_", t);
  const double std = gain * std::sqrt(2.0 / static_cast<double>(in + out));
  const double a = std::sqrt(3.0) * std;
  init::uniform_(t, -a, a);
}

void xavier_normal_(const Tensor& t, double gain) {
  const auto [in, out] = calculate_fan("xavier_normal_", t);
  init::normal_(t, 0, gain * std::sqrt(2.0 / static_cast<double>(in + out)));
}

void kaiming_uniform_(const Tensor& t, double a, FanMode mode, std::string_view nonlinearity) {
  if (t.numel() == 0) return;
  const auto [in, out] = calculate_fan("kaiming_uniform_", t);
  const auto fan = static_cast<double>(mode == FanMode::kFanIn ? in : out);
  const double std = calculate_gain(nonlinearity, a) / std::sqrt(fan);
  const double bound = std::sqrt(3.0) * std;
  init::uniform_(t, -bound, bound);
}

void kaiming_normal_(const Tensor& t, double a, FanMode mode, std::string_view nonlinearity) {
  if (t.numel() == 0) return;
  const auto [in, out] = calculate_fan("kaiming_normal_", t);
  const auto fan = static_cast<double>(mode == FanMode::kFanIn ? in : out);
  init::normal_(t, 0, calculate_gain(nonlinearity, a) / std::sqrt(fan));
}

namespace {

Tensor number(double v) { return Tensor::from_scalar(Scalar(v)); }

}  // namespace

namespace {

// The inverse error function in float, rounded step by step as PyTorch rounds it, so that seeded
// values are the same to the last bit (erfinv itself is vectorised and more exact): a rational
// approximation, near 0 in y^2 and in the tails in sqrt(-log((1 - |y|) / 2)), and two of Newton's
// steps; products and sums are fused.
float erfinv_in_float(float y) {
  const float a = std::fabs(y);
  if (!(a < 1)) return a == 1 ? std::copysign(HUGE_VALF, y) : NAN;
  const auto polynomial = [](float z, std::initializer_list<float> highest_first) {
    float sum = 0;
    for (const float c : highest_first) sum = std::fma(sum, z, c);
    return sum;
  };
  float x;
  if (a <= 0.7F) {
    const float z = y * y;
    const float top = polynomial(z, {-0.140543331F, 0.914624893F, -1.645349621F, 0.886226899F});
    x = y * top / polynomial(z, {0.012229801F, -0.329097515F, 1.442710462F, -2.118377725F, 1.0F});
  } else {
    const float z = std::sqrt(-std::log((1 - a) / 2));
    const float top = polynomial(z, {1.641345311F, 3.429567803F, -1.624906493F, -1.970840454F});
    x = std::copysign(top, y) / polynomial(z, {1.6370678F, 3.5438892F, 1.0F});
  }
  constexpr float kSlope = 2 / 1.7724538509055159F;  // of erf at 0
  for (int i = 0; i < 2; ++i) x -= (std::erf(x) - y) / (kSlope * std::exp(-x * x));
  return x;
}

void initial_erfinv_(const Tensor& t) {
  if (t.dtype() != DType::kFloat32 || t.is_meta()) {
    erfinv_(t);
    return;
  }
  const Tensor dense = contiguous(t);
  float* values = dense.data_as<float>();
  parallel_for(0, t.numel(), 2048, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) values[i] = erfinv_in_float(values[i]);
  });
  if (dense.impl() == t.impl()) {
    mark_written(t);
  } else {
    copy_(t, dense);
  }
}

}  // namespace

void trunc_normal_(const Tensor& t, double mean, double std, double a, double b) {
  if (!(std > 0) || !(a < b)) {
    fail(Status::kInvalidArgument, "trunc_normal_: empty range: std ", std, ", a ", a, ", b ", b,
         ": std must be positive and a less than b");
  }
  GradMode off(false);
  // The normal distribution's inverse, of uniform values between what it is at a and b.
  const auto cdf = [&](double x) { return (1 + std::erf((x - mean) / std / std::sqrt(2.0))) / 2; };
  mt::uniform_(t, 2 * cdf(a) - 1, 2 * cdf(b) - 1);
  initial_erfinv_(t);
  mul_(t, number(std * std::sqrt(2.0)));
  add_(t, number(mean));
  clamp_(t, number(a), number(b));
}

void orthogonal_(const Tensor& t, double gain) {
  if (t.dim() < 2) {
    fail(Status::kShape, "orthogonal_: shape mismatch: tensor ", shape_string(t.sizes()),
         ": must have at least 2 dims");
  }
  if (t.numel() == 0) return;
  GradMode off(false);
  const int64_t rows = t.size(0), columns = t.numel() / rows;
  Tensor m = Tensor::empty({{rows, columns}}, t.dtype(), t.device(), "orthogonal_");
  mt::normal_(m);
  if (rows < columns) m = transpose(m, 0, 1);
  auto [q, r] = linalg_qr(m);
  // The signs of r's diagonal make the distribution uniform over orthogonal matrices.
  q = mul(q, sign(diagonal(r)));
  if (rows < columns) q = transpose(q, 0, 1);
  copy_(t, reshape(q, t.sizes()));
  mul_(t, number(gain));
}

void sparse_(const Tensor& t, double sparsity, double std) {
  if (t.dim() != 2) {
    fail(Status::kShape, "sparse_: shape mismatch: tensor ", shape_string(t.sizes()),
         ": only 2-dim tensors are supported");
  }
  if (!(sparsity >= 0 && sparsity <= 1)) {
    fail(Status::kInvalidArgument, "sparse_: sparsity out of range: ", sparsity,
         ": must be in [0, 1]");
  }
  GradMode off(false);
  const int64_t rows = t.size(0);
  const auto zeros = static_cast<int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  mt::normal_(t, 0, std);
  for (int64_t c = 0; c < t.size(1); ++c) {
    const Tensor places = slice(randperm(rows), 0, 0, zeros);
    if (!t.is_meta()) index_fill_(select(t, 1, c), 0, places, number(0));
  }
}

void dirac_(const Tensor& t, int64_t groups) {
  if (t.dim() < 3 || t.dim() > 5) {
    fail(Status::kShape, "dirac_: shape mismatch: tensor ", shape_string(t.sizes()),
         ": must have 3, 4 or 5 dims");
  }
  if (groups <= 0 || t.size(0) % groups != 0) {
    fail(Status::kInvalidArgument, "dirac_: groups do not fit: groups ", groups, ", tensor ",
         shape_string(t.sizes()), ": dim 0 must be divisible by groups");
  }
  GradMode off(false);
  zero_(t);
  const int64_t per_group = t.size(0) / groups;
  for (int64_t i = 0; i < t.size(0); ++i) {
    if (i % per_group >= t.size(1)) continue;
    Tensor at = select(select(t, 0, i), 0, i % per_group);
    while (at.dim() > 0 && at.numel() > 0) at = select(at, 0, at.size(0) / 2);
    if (at.dim() == 0) fill_(at, 1.0);
  }
}

}  // namespace mt::init
