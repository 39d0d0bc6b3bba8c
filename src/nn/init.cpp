// Initialisers with the bounds of torch.nn.init, computed in double as PyTorch computes them.
#include "nn/init.h"

#include <cmath>

#include "ops/common.h"
#include "ops/random.h"
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

}  // namespace mt::init
