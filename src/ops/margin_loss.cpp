// Losses and distances composed of recorded ops; their gradients come with them.
#include "ops/margin_loss.h"

#include <cmath>
#include <limits>

#include "ops/activation.h"
#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

Tensor number(double x) { return Tensor::from_scalar(x); }
Tensor above_zero(const Tensor& t) { return clamp_min(t, number(0)); }

Tensor reduced(const Tensor& losses, Reduction reduction) {
  return reduction == Reduction::kMean  ? mean(losses)
         : reduction == Reduction::kSum ? sum(losses)
                                        : losses;
}

void check_all(std::string_view op, std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* t : tensors) check_defined(op, "input", *t);
  check_devices(op, tensors);
}

// Samples (n, classes) of input (n, classes) or (classes).
Tensor rows_of(std::string_view op, const Tensor& input) {
  if (input.dim() > 2 || (input.dim() > 0 && input.size(input.dim() - 1) == 0)) {
    fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()),
         ": must be (n, classes) or (classes), with at least one class");
  }
  return input.dim() == 2 ? input : reshape(input, {{1, -1}});
}

void check_classes(std::string_view op, const Tensor& target, int64_t low, int64_t classes) {
  if (target.dtype() != DType::kInt64) {
    fail(Status::kDType, op, ": dtype mismatch: target is ", dtype_name(target.dtype()),
         ": class indices must be int64; convert with mt_tensor_to_dtype");
  }
  if (target.is_meta() || target.numel() == 0) return;
  GradMode off(false);
  const int64_t least = min(target).item().to_int(), most = max(target).item().to_int();
  if (least < low || most >= classes) {
    fail(Status::kIndex, op, ": target out of range: class ", least < low ? least : most,
         ": must be in [", low, ", ", classes, ")");
  }
}

// log(sigmoid(x)), accurate on both sides.
Tensor log_sigmoid_of(const Tensor& x) { return clamp_max(x, number(0)) - log1p(exp(neg(abs(x)))); }

}  // namespace

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin, Reduction reduction) {
  constexpr std::string_view kOp = "margin_ranking_loss";
  check_all(kOp, {&input1, &input2, &target});
  if (input1.dim() != input2.dim() || input1.dim() != target.dim()) {
    fail(Status::kShape, kOp, ": shape mismatch: input1 ", shape_string(input1.sizes()),
         ", input2 ", shape_string(input2.sizes()), ", target ", shape_string(target.sizes()),
         ": must have the same number of dims");
  }
  return reduced(above_zero(neg(target) * (input1 - input2) + margin), reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin,
                            Reduction reduction) {
  check_all("hinge_embedding_loss", {&input, &target});
  if (!is_floating(input.dtype())) {  // the margin is cut off to an integer, as in PyTorch
    const Tensor whole = Tensor::from_scalar(Scalar(margin).to_int());
    const Tensor zero = Tensor::from_scalar(0);
    const Tensor apart = where(ne(target, number(1)), clamp_min(sub(whole, input), zero), zero);
    return reduced(add(apart, where(ne(target, number(-1)), input, zero)), reduction);
  }
  const Tensor apart = where(ne(target, number(1)), above_zero(margin - input), number(0));
  const Tensor near = where(ne(target, number(-1)), input, number(0));
  return reduced(apart + near, reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             double margin, Reduction reduction) {
  constexpr std::string_view kOp = "cosine_embedding_loss";
  check_all(kOp, {&input1, &input2, &target});
  if (target.dim() > 1 || input1.dim() != target.dim() + 1 || input2.dim() != input1.dim()) {
    fail(Status::kShape, kOp, ": shape mismatch: input1 ", shape_string(input1.sizes()),
         ", input2 ", shape_string(input2.sizes()), ", target ", shape_string(target.sizes()),
         ": must be (n, d), (n, d) and (n), or (d), (d) and ()");
  }
  constexpr double kEps = 1e-12;
  const Dims dim{target.dim()};
  const Tensor cosine = sum(input1 * input2, dim) / sqrt((sum(input1 * input1, dim) + kEps) *
                                                         (sum(input2 * input2, dim) + kEps));
  const Tensor same = where(eq(target, number(1)), 1 - cosine, number(0));
  const Tensor apart = where(eq(target, number(-1)), above_zero(cosine - margin), number(0));
  return reduced(same + apart, reduction);
}

Tensor soft_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_all("soft_margin_loss", {&input, &target});
  return reduced(softplus(neg(target) * input), reduction);
}

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, int64_t p, double margin,
                         const Tensor& weight, Reduction reduction) {
  constexpr std::string_view kOp = "multi_margin_loss";
  check_all(kOp, {&input, &target});
  const Tensor x = rows_of(kOp, input);
  const int64_t n = x.size(0), classes = x.size(1);
  if (target.dim() > 1 || target.numel() != n) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", target ",
         shape_string(target.sizes()), ": target must have one class for every sample");
  }
  if (p != 1 && p != 2) {
    fail(Status::kInvalidArgument, kOp, ": value out of range: p ", p, ": must be 1 or 2");
  }
  if (weight.defined() && (weight.dim() != 1 || weight.size(0) != classes)) {
    fail(Status::kShape, kOp, ": shape mismatch: weight ", shape_string(weight.sizes()),
         ": must be (", classes, ",)");
  }
  check_classes(kOp, target, 0, classes);
  const Tensor at = reshape(target, {{n, 1}});
  Tensor each = above_zero(margin - gather(x, 1, at) + x);
  if (p == 2) each = each * each;
  if (weight.defined()) each = each * unsqueeze(index_select(weight, 0, reshape(target, {{n}})), 1);
  const Tensor own = eq(at, arange(0, classes, 1, DType::kInt64, x.device()));
  const Tensor losses =
      sum(masked_fill(each, own, Scalar(0)), {{1}}) / static_cast<double>(classes);
  return reduced(target.dim() == 0 ? squeeze(losses, 0) : losses, reduction);
}

Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  constexpr std::string_view kOp = "multilabel_margin_loss";
  check_all(kOp, {&input, &target});
  const Tensor x = rows_of(kOp, input);
  const int64_t classes = x.size(1);
  if (!(target.sizes() == input.sizes())) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", target ",
         shape_string(target.sizes()), ": must be of one shape");
  }
  check_classes(kOp, target, -1, classes);
  const Tensor t = reshape(target, x.sizes());
  // Labels count up to the first -1.
  const Tensor ended = cumsum(lt(t, Tensor::from_scalar(0)), 1);
  const Tensor listed = eq(ended, Tensor::from_scalar(0));
  const Tensor at = where(listed, t, Tensor::from_scalar(0));
  const Tensor hits =
      scatter_add(zeros(x.sizes(), DType::kInt64, x.device()), 1, at, to(listed, DType::kInt64));
  const Tensor is_label = ne(hits, Tensor::from_scalar(0));
  const Tensor each =
      above_zero(1 - unsqueeze(gather(x, 1, at), 2) + unsqueeze(x, 1));  // (n, label, other)
  const Tensor counts = logical_and(unsqueeze(listed, 2), unsqueeze(logical_not(is_label), 1));
  const Tensor losses =
      sum(where(counts, each, number(0)), {{1, 2}}) / static_cast<double>(classes);
  return reduced(input.dim() < 2 ? squeeze(losses, 0) : losses, reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                                   Reduction reduction) {
  constexpr std::string_view kOp = "multilabel_soft_margin_loss";
  check_all(kOp, {&input, &target});
  if (input.dim() == 0) {
    fail(Status::kShape, kOp, ": too few dims: input (): a dim of classes is needed");
  }
  Tensor each = neg(target * log_sigmoid_of(input) + (1 - target) * log_sigmoid_of(neg(input)));
  if (weight.defined()) each = each * weight;
  const Tensor losses = sum(each, {{-1}}) / static_cast<double>(input.size(input.dim() - 1));
  return reduced(losses, reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, bool log_input, bool full,
                        double eps, Reduction reduction) {
  check_all("poisson_nll_loss", {&input, &target});
  Tensor losses = log_input ? exp(input) - target * input : input - target * log(input + eps);
  if (full) {  // Stirling's approximation of log(target!)
    constexpr double kTwoPi = 6.283185307179586;
    const Tensor stirling = target * log(target) - target + log(target * kTwoPi) * 0.5;
    losses = losses + to(where(le(target, number(1)), number(0), stirling), losses.dtype());
  }
  return reduced(losses, reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, bool full,
                         double eps, Reduction reduction) {
  constexpr std::string_view kOp = "gaussian_nll_loss";
  check_all(kOp, {&input, &target, &var});
  Tensor v = var;
  if (!(v.sizes() == input.sizes())) {  // one variance for the last dim
    Dims without(IntSpan(input.sizes().data(), static_cast<size_t>(std::max(input.dim() - 1, 0))));
    Dims kept = without;
    kept.push_back(1);
    if (input.dim() > 0 && v.sizes() == without) {
      v = unsqueeze(v, -1);
    } else if (input.dim() == 0 || !(v.sizes() == kept)) {
      fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", var ",
           shape_string(var.sizes()),
           ": var must have input's shape, or 1 in place of its last dim");
    }
  }
  if (!v.is_meta() && v.numel() != 0) {
    GradMode off(false);
    if (any(lt(v, number(0))).item().to_bool()) {
      fail(Status::kInvalidArgument, kOp,
           ": value out of range: var has negative entries: ", "variances must not be negative");
    }
  }
  // Raised to eps without a trace in the gradient.
  Tensor raise;
  {
    GradMode off(false);
    raise = clamp_min(v, number(eps)) - v;
  }
  v = v + raise;
  const Tensor difference = input - target;
  Tensor losses = (log(v) + difference * difference / v) * 0.5;
  if (full) losses = losses + 0.9189385332046727;  // log(2 pi) / 2
  return reduced(losses, reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, double p, double eps, bool swap, Reduction reduction) {
  constexpr std::string_view kOp = "triplet_margin_loss";
  check_all(kOp, {&anchor, &positive, &negative});
  if (anchor.dim() != positive.dim() || anchor.dim() != negative.dim()) {
    fail(Status::kShape, kOp, ": shape mismatch: anchor ", shape_string(anchor.sizes()),
         ", positive ", shape_string(positive.sizes()), ", negative ",
         shape_string(negative.sizes()), ": must have the same number of dims");
  }
  const Tensor near = pairwise_distance(anchor, positive, p, eps);
  Tensor far = pairwise_distance(anchor, negative, p, eps);
  if (swap) far = minimum(far, pairwise_distance(positive, negative, p, eps));
  return reduced(above_zero(near - far + margin), reduction);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  constexpr std::string_view kOp = "cosine_similarity";
  check_all(kOp, {&x1, &x2});
  const DType dtype = result_type(x1, x2);
  if (!is_floating(dtype)) check_floating(kOp, x1);
  const Dims sizes = broadcast_shapes(kOp, x1.sizes(), x2.sizes()), over{dim};
  // The squared lengths are raised to eps^2 without a trace in the gradient.
  const auto unit = [&](const Tensor& t) {
    const Tensor x = expand(t.dtype() == dtype ? t : to(t, dtype), sizes);
    const Tensor square_sum = sum(x * x, over, true);
    Tensor raise;
    {
      GradMode off(false);
      raise = clamp_min(square_sum, number(eps * eps)) - square_sum;
    }
    return x / sqrt(square_sum + raise);
  };
  return sum(unit(x1) * unit(x2), over);
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  check_all("pairwise_distance", {&x1, &x2});
  const Tensor difference = x1 - x2 + eps;
  return norm(difference, p, {{-1}}, keepdim);
}

Tensor pdist(const Tensor& self, double p) {
  constexpr std::string_view kOp = "pdist";
  check_defined(kOp, "input", self);
  check_floating(kOp, self);
  if (self.dim() != 2 || !(p >= 0)) {
    fail(Status::kInvalidArgument, kOp, ": value out of range: input ", shape_string(self.sizes()),
         ", p ", p, ": must be (n, d) with p at least 0");
  }
  const int64_t n = self.size(0), pairs = n * (n - 1) / 2;
  if (self.is_meta())
    return Tensor::empty({{std::max<int64_t>(pairs, 0)}}, self.dtype(), Device::kMeta);
  const Tensor first = Tensor::empty({{std::max<int64_t>(pairs, 0)}}, DType::kInt64);
  const Tensor second = Tensor::empty_like(first);
  int64_t k = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j, ++k) {
      first.data_as<int64_t>()[k] = i;
      second.data_as<int64_t>()[k] = j;
    }
  }
  const Tensor difference = index_select(self, 0, first) - index_select(self, 0, second);
  if (difference.size(1) == 0) return sum(difference, {{1}});
  const Tensor distance = norm(difference, p, {{1}});
  // A count of differences has a gradient in PyTorch, of zeros: that of sign.
  return p == 0 ? distance + sum(sign(difference) * 0, {{1}}) : distance;
}

}  // namespace mt
