// multinomial and gumbel_softmax: choices among categories.
#include <algorithm>
#include <limits>

#include "kernels/random.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/power.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/sort.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

void check_distribution(const Tensor& p) {
  if (p.is_meta() || p.numel() == 0) return;
  const double low = min(p).item().to_double(), high = max(p).item().to_double();
  if (!(low >= 0) || !(high < std::numeric_limits<double>::infinity())) {
    fail(Status::kInvalidArgument, "multinomial: probability out of range: the values lie in [",
         low, ", ", high, "]: all must be finite and >= 0");
  }
  if (any(eq(sum(p, {{-1}}), Tensor::from_scalar(0))).item().to_bool()) {
    fail(Status::kInvalidArgument,
         "multinomial: no distribution: all probabilities of a row are 0: their sum must be > 0");
  }
}

// Samples by running sums, made in T, each at a uniform draw in double.
template <class T>
void draw_with_replacement(const Tensor& p, int64_t samples, const Tensor& out,
                           Generator& generator) {
  const int64_t n = p.sizes().back(), rows = p.numel() / n;
  const Tensor draws = Tensor::empty({{rows * samples}}, DType::kFloat64);
  fill_uniform(DType::kFloat64, draws.data(), draws.numel(), 0, 1, generator);
  const Tensor sums = Tensor::empty({{n}}, p.dtype());
  auto* const s = sums.data_as<T>();
  for (int64_t row = 0; row < rows; ++row) {
    T total = 0;
    for (int64_t i = 0; i < n; ++i) s[i] = total += p.data_as<T>()[row * n + i];
    for (int64_t i = 0; i < n; ++i) s[i] /= total;
    s[n - 1] = 1;
    for (int64_t k = row * samples; k < (row + 1) * samples; ++k) {
      const double u = draws.data_as<double>()[k];
      const auto below = [](T a, double b) { return static_cast<double>(a) < b; };
      out.data_as<int64_t>()[k] = std::lower_bound(s, s + n, u, below) - s;
    }
  }
}

}  // namespace

Tensor multinomial(const Tensor& self, int64_t num_samples, bool replacement,
                   Generator* generator) {
  check_defined("multinomial", "input", self);
  check_floating("multinomial", self);
  if (self.dim() != 1 && self.dim() != 2) {
    fail(Status::kShape, "multinomial: shape mismatch: input ", shape_string(self.sizes()),
         ": must have one or two dims");
  }
  const int64_t n = self.sizes().back();
  if (num_samples <= 0 || (!replacement && num_samples > n) || n == 0) {
    fail(Status::kInvalidArgument, "multinomial: num_samples out of range: ", num_samples, " of ",
         n, " categories: must be positive", replacement ? "" : " and not above their number");
  }
  if (n > int64_t{1} << 24) {
    fail(Status::kInvalidArgument, "multinomial: too many categories: ", n, ": at most 2^24");
  }
  GradMode off(false);
  check_distribution(self);
  Dims sizes = self.sizes();
  sizes[self.dim() - 1] = num_samples;
  if (self.is_meta() || self.numel() == 0) {
    return Tensor::empty(sizes, DType::kInt64, self.device());
  }
  if (!replacement || num_samples == 1) {
    // The largest of p / exponential draws: Efraimidis and Spirakis, "Weighted random sampling with
    // a reservoir" (2006).
    const Tensor q = empty_like(self);
    exponential_(q, 1, generator);
    const Tensor scores = div(self, q);
    return num_samples == 1 ? argmax(scores, -1, true) : topk(scores, num_samples).indices;
  }
  Generator& from = generator ? *generator : default_generator();
  const Tensor out = Tensor::empty(sizes, DType::kInt64);
  if (self.dtype() == DType::kFloat64) {
    draw_with_replacement<double>(contiguous_values(self), num_samples, out, from);
  } else {
    const Tensor p = contiguous_values(converted(self, DType::kFloat32));
    draw_with_replacement<float>(p, num_samples, out, from);
  }
  return out;
}

Tensor gumbel_softmax(const Tensor& logits, double tau, bool hard, int64_t dim,
                      Generator* generator) {
  check_defined("gumbel_softmax", "logits", logits);
  check_floating("gumbel_softmax", logits);
  const int d = wrap_dim("gumbel_softmax", dim, logits.dim());
  const Tensor noise = Tensor::empty(logits.sizes(), logits.dtype(), logits.device());
  exponential_(noise, 1, generator);
  const Tensor scores = sub(logits, log(noise));
  const Tensor soft = softmax(div(scores, Tensor::from_scalar(tau)), d);
  if (!hard) return soft;
  // The value is one-hot, the gradient that of the soft sample.
  const Tensor value = detach(soft);
  const Tensor chosen = max(value, d, true).indices;
  const Tensor one_hot = scatter(zeros(value.sizes(), value.dtype(), value.device()), d, chosen, 1);
  return add(sub(one_hot, value), soft);
}

}  // namespace mt
