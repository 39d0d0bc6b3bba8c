// Dropout and its relatives: see random.h. Masks, scales and the order of draws are PyTorch's.
#include <cmath>

#include "kernels/random.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/random.h"
#include "ops/view.h"

namespace mt {
namespace {

void check_dropout(std::string_view op, const Tensor& self, double p) {
  check_defined(op, "self", self);
  if (!(p >= 0 && p <= 1)) {
    fail(Status::kInvalidArgument, op, ": p out of range: ", p,
         ": the probability must be in [0, 1]");
  }
}

bool keeps_all(const Tensor& self, double p, bool training) {
  return p == 0 || !training || self.numel() == 0;
}

// Zeros and ones, one with probability 1 - p, in row-major order.
Tensor keep_mask(std::string_view op, const Tensor& self, IntSpan sizes, double p,
                 Generator* generator) {
  check_floating(op, self);
  Tensor mask = Tensor::empty(sizes, self.dtype(), self.device(), op);
  if (!mask.is_meta()) {
    fill_bernoulli(mask.dtype(), mask.data(), mask.numel(), 1 - p,
                   generator ? *generator : default_generator());
  }
  return mask;
}

// A mask whose ones are 1 / (1 - p), rounded once in its dtype.
void scale_mask(const Tensor& mask, double p) {
  if (mask.is_meta()) return;
  const Tensor divisor = Tensor::from_scalar(1 - p, mask.dtype());
  binary_forward(Elementwise::kDiv, mask, divisor, {}, mask.dtype(), {}, &mask);
}

// Dims 0 and 1 of self, then ones.
Dims channel_sizes(std::string_view op, const Tensor& self) {
  if (self.dim() < 2) {
    fail(Status::kShape, op, ": too few dims: input of shape ", shape_string(self.sizes()),
         ": feature dropout needs at least 2 dims (batch and channels)");
  }
  Dims sizes(self.dim(), 1);
  sizes[0] = self.size(0);
  sizes[1] = self.size(1);
  return sizes;
}

// self * noise as one node; the noise wants no gradient.
Tensor times_noise(const Tensor& self, const Tensor& noise) {
  Tensor out = binary_forward(Elementwise::kMul, self, noise, {}, self.dtype());
  if (recording(self)) {
    record("MulBackward0", out, {&self},
           [saved = save(noise)](const GradIn& g) -> Grads { return {mul(g[0], saved.get(g))}; });
  }
  return out;
}

Tensor zero_noise(const Tensor& self) {
  return self.is_meta() ? Tensor::empty({}, self.dtype(), Device::kMeta)
                        : Tensor::from_scalar(0, self.dtype());
}

Tensor noise_for(std::string_view op, const Tensor& self, IntSpan sizes, double p,
                 Generator* generator) {
  if (p == 1) return zero_noise(self);
  Tensor noise = keep_mask(op, self, sizes, p, generator);
  scale_mask(noise, p);
  return noise;
}

Tensor alpha_form(std::string_view op, const Tensor& self, IntSpan sizes, double p,
                  Generator* generator) {
  if (p == 1) return times_noise(self, zero_noise(self));
  constexpr double kLimit = 1.7580993408473766;  // minus SELU's value at -inf
  const double a = 1 / std::sqrt((kLimit * kLimit * p + 1) * (1 - p));
  Tensor noise = keep_mask(op, self, sizes, p, generator);
  const auto number = [](double x) { return Tensor::from_scalar(x); };
  Tensor shift = add(noise, number(-1));
  mul_(shift, number(kLimit * a));
  add_(shift, number(kLimit * a * p));
  mul_(noise, number(a));
  return add(times_noise(self, noise), shift);
}

}  // namespace

Tensor dropout(const Tensor& self, double p, bool training, Generator* generator) {
  check_dropout("dropout", self, p);
  if (keeps_all(self, p, training)) return self;
  return times_noise(self, noise_for("dropout", self, self.sizes(), p, generator));
}

const Tensor& dropout_(const Tensor& self, double p, bool training, Generator* generator) {
  check_dropout("dropout_", self, p);
  if (keeps_all(self, p, training)) return self;
  return mul_(self, noise_for("dropout_", self, self.sizes(), p, generator));
}

Tensor feature_dropout(const Tensor& self, double p, bool training, Generator* generator) {
  check_dropout("feature_dropout", self, p);
  if (keeps_all(self, p, training)) return self;
  return times_noise(self, noise_for("feature_dropout", self,
                                     channel_sizes("feature_dropout", self), p, generator));
}

Tensor alpha_dropout(const Tensor& self, double p, bool training, Generator* generator) {
  check_dropout("alpha_dropout", self, p);
  if (keeps_all(self, p, training)) return self;
  return alpha_form("alpha_dropout", self, self.sizes(), p, generator);
}

Tensor feature_alpha_dropout(const Tensor& self, double p, bool training, Generator* generator) {
  check_dropout("feature_alpha_dropout", self, p);
  if (keeps_all(self, p, training)) return self;
  return alpha_form("feature_alpha_dropout", self, channel_sizes("feature_alpha_dropout", self), p,
                    generator);
}

}  // namespace mt
