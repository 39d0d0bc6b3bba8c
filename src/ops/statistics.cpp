// nansum, nanmean, aminmax, std_mean, cov, dist, renorm and others, composed of recorded ops.
#include "ops/statistics.h"

#include "ops/arithmetic.h"
#include "ops/clamp.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/matmul.h"
#include "ops/power.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor number(Scalar value) { return Tensor::from_scalar(value); }

// Checks cov's weights: 1-D, one for each observation, none negative.
void check_weights(const char* name, const Tensor& w, bool integers, int64_t observations) {
  if (w.dim() != 1 || w.numel() != observations) {
    fail(Status::kShape, "cov: shape mismatch: ", name, " ", shape_string(w.sizes()), ": must be (",
         observations, ",), one for each observation");
  }
  if (is_floating(w.dtype()) == integers || w.dtype() == DType::kBool) {
    fail(Status::kDType, "cov: dtype mismatch: ", name, " is ", dtype_name(w.dtype()), ": must be ",
         integers ? "an integer dtype" : "a floating dtype");
  }
  if (w.is_meta() || w.numel() == 0 || !(amin(w).item().to_double() < 0)) return;
  fail(Status::kInvalidArgument, "cov: ", name, " out of range: a negative weight: must be >= 0");
}

}  // namespace

Tensor nansum(const Tensor& self, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  check_defined("nansum", "input", self);
  const Tensor in = dtype ? to(self, *dtype) : self;
  if (is_complex(in.dtype())) fail_unsupported("nansum", in.device(), in.dtype());
  if (!is_floating(in.dtype())) return sum(in, dims, keepdim, dtype);
  return sum(masked(unrecorded([&] { return logical_not(isnan(in)); }), in), dims, keepdim, dtype);
}

Tensor nanmean(const Tensor& self, IntSpan dims, bool keepdim, std::optional<DType> dtype) {
  check_defined("nanmean", "input", self);
  check_floating("nanmean", self);
  const Tensor count = unrecorded([&] { return sum(logical_not(isnan(self)), dims, keepdim); });
  return div(nansum(self, dims, keepdim, dtype), count);
}

std::pair<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  check_defined("aminmax", "input", self);
  Dims dims;
  if (dim) dims.push_back(*dim);
  if (self.dim() == 0 && dim && keepdim) {  // torch 1.13 makes one dim of none
    wrap_dim("aminmax", *dim, 0);
    return {reshape(amin(self), {{1}}), reshape(amax(self), {{1}})};
  }
  return {amin(self, dims, keepdim), amax(self, dims, keepdim)};
}

Tensor count_nonzero(const Tensor& self, IntSpan dims) {
  check_defined("count_nonzero", "input", self);
  return unrecorded([&] { return sum(ne(self, number(0)), dims); });
}

std::pair<Tensor, Tensor> std_mean(const Tensor& self, IntSpan dims, int64_t correction,
                                   bool keepdim) {
  return {std(self, dims, correction, keepdim), mean(self, dims, keepdim)};
}

std::pair<Tensor, Tensor> var_mean(const Tensor& self, IntSpan dims, int64_t correction,
                                   bool keepdim) {
  return {var(self, dims, correction, keepdim), mean(self, dims, keepdim)};
}

Tensor trace(const Tensor& self) {
  check_defined("trace", "input", self);
  if (self.dim() != 2) {
    fail(Status::kShape, "trace: shape mismatch: input ", shape_string(self.sizes()),
         ": must have two dims");
  }
  check_not_bool("trace", self);
  return sum(diagonal(self));
}

Tensor cov(const Tensor& self, int64_t correction, const Tensor& fweights, const Tensor& aweights) {
  check_defined("cov", "input", self);
  check_not_bool("cov", self);
  if (self.dim() > 2) {
    fail(Status::kShape, "cov: shape mismatch: input ", shape_string(self.sizes()),
         ": must have at most two dims");
  }
  Tensor x = self.dim() < 2 ? reshape(self, {{1, -1}}) : self;
  const int64_t observations = x.size(1);
  Tensor w = aweights;
  if (aweights.defined()) check_weights("aweights", aweights, false, observations);
  if (fweights.defined()) {
    check_weights("fweights", fweights, true, observations);
    w = w.defined() ? mul(fweights, w) : fweights;
  }
  const Tensor weight_sum = w.defined() ? sum(w) : number(observations);
  const Tensor average = div(sum(w.defined() ? mul(x, w) : x, {{1}}), weight_sum);
  Tensor divisor = sub(weight_sum, number(correction));
  if (w.defined() && aweights.defined() && correction != 0) {
    divisor = sub(weight_sum, mul(number(correction), div(sum(mul(w, aweights)), weight_sum)));
  }
  divisor = where(gt(divisor, number(0)), divisor, zeros_like(divisor));
  x = sub(x, unsqueeze(average, 1));
  Tensor weighted = w.defined() ? mul(x, w) : x;
  const DType dtype = promote_types(x.dtype(), weighted.dtype());
  return squeeze(div(mm(to(x, dtype), conj(t(to(weighted, dtype)))), divisor));
}

Tensor corrcoef(const Tensor& self) {
  check_defined("corrcoef", "input", self);
  if (self.dim() > 2) {
    fail(Status::kShape, "corrcoef: shape mismatch: input ", shape_string(self.sizes()),
         ": must have at most two dims");
  }
  const Tensor c = cov(self);
  if (c.dim() == 0) return div(c, c);
  const Tensor deviation = sqrt(diagonal(c));
  const Tensor scaled = div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0));
  if (is_complex(scaled.dtype())) {
    return complex(clamp(real(scaled), number(-1), number(1)),
                   clamp(imag(scaled), number(-1), number(1)));
  }
  return clamp(scaled, number(-1), number(1));
}

Tensor dist(const Tensor& self, const Tensor& other, double p) {
  check_defined("dist", "input", self);
  check_defined("dist", "other", other);
  return norm(sub(self, other), p);
}

Tensor renorm(const Tensor& self, double p, int64_t dim, double maxnorm) {
  check_defined("renorm", "input", self);
  check_floating("renorm", self);
  if (!(p > 0) || !(maxnorm >= 0)) {
    fail(Status::kInvalidArgument, "renorm: out of range: p ", p, ", maxnorm ", maxnorm,
         ": p must be positive and maxnorm not negative");
  }
  if (self.dim() < 2) {
    fail(Status::kShape, "renorm: shape mismatch: input ", shape_string(self.sizes()),
         ": at least two dims are needed");
  }
  const int kept = wrap_dim("renorm", dim, self.dim());
  Dims others;
  for (int d = 0; d < self.dim(); ++d) {
    if (d != kept) others.push_back(d);
  }
  const Tensor norms = norm(self, p, others, true);
  const Tensor scale = div(number(maxnorm), add(norms, number(1e-7)));
  return mul(self, where(gt(norms, number(maxnorm)), scale, ones_like(norms)));
}

const Tensor& renorm_(const Tensor& self, double p, int64_t dim, double maxnorm) {
  check_defined("renorm_", "self", self);
  auto op = [=](const Tensor& x) { return renorm(x, p, dim, maxnorm); };
  return inplace(
      "renorm_", self, recording(self), true, [&](const Tensor& out) { copy_values(out, op(out)); },
      op);
}

Tensor normalize(const Tensor& self, double p, IntSpan dims, double eps) {
  check_defined("normalize", "input", self);
  return div(self, clamp_min(norm(self, p, dims, true), number(eps)));
}

}  // namespace mt
