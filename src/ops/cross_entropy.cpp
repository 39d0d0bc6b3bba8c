// nll_loss and cross_entropy with class indices (fused kernels; one node) and with class
// probabilities or label smoothing (composed of ops).
#include "ops/compare.h"
#include "ops/loss.h"
#include "ops/reduce.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/softmax.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

// Classes are dim 1, or dim 0 of a single sample.
struct Layout {
  int class_dim;
  int64_t n, c, s;  // [n, c, s]
};

Layout layout_of(const Tensor& input) {
  if (input.dim() == 1) return {0, 1, input.size(0), 1};
  int64_t s = 1;
  for (int d = 2; d < input.dim(); ++d) s *= input.size(d);
  return {1, input.size(0), input.size(1), s};
}

Dims without_dim(const Tensor& t, int dim) {
  Dims sizes = t.sizes();
  sizes.erase(dim);
  return sizes;
}

void check_tensors(std::string_view op, const Tensor& input, const Tensor& target,
                   const Tensor& weight) {
  check_defined(op, "input", input);
  check_defined(op, "target", target);
  const auto check_device = [&](std::string_view name, const Tensor& t) {
    if (t.device() == input.device()) return;
    fail(Status::kDevice, op, ": device mismatch: input on ", device_name(input.device()), ", ",
         name, " on ", device_name(t.device()),
         ": both must be on one device; move with mt_tensor_to_device");
  };
  check_device("target", target);
  check_floating(op, input);
  if (input.dim() == 0) {
    fail(Status::kShape, op, ": shape mismatch: input (): must have at least 1 dim");
  }
  if (!weight.defined()) return;
  check_device("weight", weight);
  const Layout l = layout_of(input);
  if (weight.dim() != 1 || weight.size(0) != l.c) {
    fail(Status::kShape, op, ": shape mismatch: weight ", shape_string(weight.sizes()), ", input ",
         shape_string(input.sizes()), ": weight must hold one value for each of the ", l.c,
         " classes");
  }
}

// Class indices as the kernels take them: int64, contiguous, every one in range.
Tensor checked_target(std::string_view op, const Tensor& input, const Tensor& target,
                      int64_t ignore_index) {
  const Layout l = layout_of(input);
  if (target.dtype() != DType::kInt64 && target.dtype() != DType::kUInt8) {
    fail(Status::kDType, op, ": dtype mismatch: target is ", dtype_name(target.dtype()),
         ": class indices must be int64; convert with mt_tensor_to_dtype");
  }
  const Dims expected = without_dim(input, l.class_dim);
  if (!(target.sizes() == expected)) {
    fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()), ", target ",
         shape_string(target.sizes()), ": target must be ", shape_string(expected),
         ", one class index for every sample");
  }
  const Tensor t = contiguous_values(converted(target, DType::kInt64));
  if (t.is_meta()) return t;
  const auto* index = t.data_as<const int64_t>();
  const auto classes = static_cast<uint64_t>(l.c);
  const auto is_bad = [&](int64_t i) {
    return static_cast<uint64_t>(i) >= classes && i != ignore_index;
  };
  bool bad = false;
  for (int64_t i = 0; i < t.numel(); ++i) bad |= is_bad(index[i]);
  if (!bad) return t;
  int64_t at = 0;
  while (!is_bad(index[at])) ++at;
  fail(Status::kIndex, op, ": target out of range: class ", index[at], " at position ", at,
       ": must be in [0, ", l.c, ")", l.c ? "" : " (there are no classes)",
       "; mark samples to skip with ignore_index (", ignore_index, ")");
}

NllArgs args_of(const Layout& l, const Tensor& x, const Tensor& target, const Tensor& weight,
                int64_t ignore_index) {
  NllArgs a{};
  a.x = x.data();
  a.target = target.data_as<const int64_t>();
  a.weight = weight.defined() ? weight.data() : nullptr;
  a.n = l.n;
  a.c = l.c;
  a.s = l.s;
  a.ignore_index = ignore_index;
  a.scale = 1;
  return a;
}

// What the gradient needs beside x.
struct Saved {
  SavedTensor target, weight, stats;
  int64_t ignore_index;
  Reduction reduction;
  double scale;  // 1 / the mean's divisor
};

using KernelTable = NllBackwardKernel (Backend::*)[kNumDTypes];

// d loss / d x for a gradient g of the losses, in x's shape.
Tensor run_backward(std::string_view op, KernelTable table, const GradIn& in, const Tensor& g,
                    const Tensor& x, const Saved& s) {
  Tensor out = Tensor::empty(x.sizes(), x.dtype(), x.device());
  if (out.is_meta() || out.numel() == 0) return out;
  const Layout l = layout_of(x);
  const NllBackwardKernel kernel = (backend(x.device()).*table)[static_cast<int>(x.dtype())];
  if (!kernel) fail_unsupported(op, x.device(), x.dtype());
  const Tensor cx = contiguous_values(x), cg = contiguous_values(g), target = s.target.get(in);
  const Tensor weight = s.weight.defined() ? s.weight.get(in) : Tensor();
  NllArgs a = args_of(l, cx, target, weight, s.ignore_index);
  if (s.stats.defined()) a.stats = s.stats.get(in).data_as<double>();
  a.grad = cg.data();
  a.grad_stride = s.reduction == Reduction::kNone ? 1 : 0;
  a.scale = s.scale;
  a.out = out.data();
  kernel(a);
  return out;
}

// nll's gradient in differentiable ops: a constant mask, -weight at the targets, times g.
Tensor nll_grad_ops(const GradIn& g, const Tensor& x, const Saved& s) {
  Tensor mask;
  {
    GradMode off(false);
    Saved plain = s;
    plain.reduction = Reduction::kSum;
    const Tensor one = Tensor::empty({}, x.dtype(), x.device());
    fill_values(one, 1);
    mask = run_backward("nll_loss", &Backend::nll_backward, g, one, x, plain);
  }
  const Layout l = layout_of(x);
  return mask * (s.reduction == Reduction::kNone ? unsqueeze(g[0], l.class_dim) : g[0]);
}

// The forward of both losses: runs a kernel and finishes the reduction.
struct Forward {
  Tensor out, target, weight;
  double weight_sum = 0;
};

Forward run_forward(std::string_view op, NllKernel (Backend::*table)[kNumDTypes],
                    const Tensor& input, const Tensor& target, const Tensor& weight,
                    Reduction reduction, int64_t ignore_index, const Tensor& stats) {
  Forward f;
  f.target = checked_target(op, input, target, ignore_index);
  if (weight.defined()) {
    check_same_dtype(op, "input", input, "weight", weight);
    f.weight = contiguous_values(weight);
  }
  const bool none = reduction == Reduction::kNone;
  f.out = none ? Tensor::empty(target.sizes(), input.dtype(), input.device())
               : Tensor::empty({}, input.dtype(), input.device());
  if (f.out.is_meta()) return f;
  const NllKernel kernel = (backend(input.device()).*table)[static_cast<int>(input.dtype())];
  if (!kernel) fail_unsupported(op, input.device(), input.dtype());
  const Tensor x = contiguous_values(input);
  NllArgs a = args_of(layout_of(input), x, f.target, f.weight, ignore_index);
  if (stats.defined()) a.stats = stats.data_as<double>();
  if (none) a.loss = f.out.data();
  const NllSums sums = kernel(a);
  f.weight_sum = sums.weight;
  if (!none) {
    const double loss = reduction == Reduction::kMean ? sums.loss / sums.weight : sums.loss;
    store_scalar(f.out.dtype(), f.out.data(), loss);
  }
  return f;
}

Saved saved_of(const Forward& f, Reduction reduction, int64_t ignore_index, const Tensor& stats) {
  return {save(f.target),
          save_if(f.weight.defined(), f.weight),
          save_if(stats.defined(), stats),
          ignore_index,
          reduction,
          reduction == Reduction::kMean ? 1 / f.weight_sum : 1};
}

// `weight_sum`, when asked for: the mean's divisor.
Tensor nll(std::string_view op, const Tensor& input, const Tensor& target, const Tensor& weight,
           Reduction reduction, int64_t ignore_index, double* weight_sum) {
  const Forward f =
      run_forward(op, &Backend::nll, input, target, weight, reduction, ignore_index, Tensor());
  Tensor out = f.out;
  if (weight_sum) *weight_sum = f.weight_sum;
  if (recording(input)) {
    record(input.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0", out, {&input},
           [x = save(input),
            s = saved_of(f, reduction, ignore_index, Tensor())](const GradIn& g) -> Grads {
             const Tensor tx = x.get(g);
             if (g.create_graph()) return {nll_grad_ops(g, tx, s)};
             return {run_backward("nll_loss", &Backend::nll_backward, g, g[0], tx, s)};
           });
  }
  return out;
}

// Logits [n, c] or [c] in one pass: log_softmax is never written out.
Tensor fused_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                           Reduction reduction, int64_t ignore_index) {
  const Layout l = layout_of(input);
  const Tensor stats = Tensor::empty({{l.n, 2}}, DType::kFloat64, input.device());
  const Forward f = run_forward("cross_entropy", &Backend::cross_entropy, input, target, weight,
                                reduction, ignore_index, stats);
  Tensor out = f.out;
  if (recording(input)) {
    record("NllLossBackward0", out, {&input},
           [x = save(input),
            s = saved_of(f, reduction, ignore_index, stats)](const GradIn& g) -> Grads {
             const Tensor tx = x.get(g);
             if (!g.create_graph()) {
               return {
                   run_backward("cross_entropy", &Backend::cross_entropy_backward, g, g[0], tx, s)};
             }
             const int dim = layout_of(tx).class_dim;
             const Tensor to_log = nll_grad_ops(g, tx, s);
             return {to_log - softmax(tx, dim) * sum(to_log, {{dim}}, true)};
           });
  }
  return out;
}

// A weight for every class, shaped to multiply tensors of input's shape.
Tensor class_weight(const Tensor& weight, const Tensor& input, int class_dim) {
  Dims sizes(input.dim(), 1);
  sizes[class_dim] = weight.size(0);
  return reshape(weight, sizes);
}

Tensor probability_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                        Reduction reduction, double smoothing) {
  const Layout l = layout_of(input);
  const double classes = static_cast<double>(l.c);
  Tensor log_p = log_softmax(input, l.class_dim);
  const Tensor p = smoothing > 0 ? target * (1 - smoothing) + smoothing / classes : target;
  if (weight.defined()) log_p = log_p * class_weight(weight, input, l.class_dim);
  const Tensor terms = log_p * p;
  switch (reduction) {
    case Reduction::kMean:
      return neg(sum(terms)) / static_cast<double>(l.n * l.s);
    case Reduction::kSum:
      return neg(sum(terms));
    default:
      return neg(sum(terms, {{l.class_dim}}));
  }
}

// (1 - smoothing) of the usual loss and smoothing of the mean over all classes.
Tensor smoothed_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                     Reduction reduction, int64_t ignore_index, double smoothing) {
  const Layout l = layout_of(input);
  const Tensor log_p = log_softmax(input, l.class_dim);
  double divisor = 0;
  const Tensor usual =
      nll("cross_entropy", log_p, target, weight, reduction, ignore_index, &divisor);
  const Tensor terms = weight.defined() ? log_p * class_weight(weight, input, l.class_dim) : log_p;
  Tensor even = neg(sum(terms, {{l.class_dim}}));
  const Tensor skip = eq(converted(target, DType::kInt64), Tensor::from_scalar(ignore_index));
  even = where(skip, Tensor::from_scalar(0), even);
  if (reduction != Reduction::kNone) even = sum(even);
  if (reduction == Reduction::kMean) even = even / divisor;
  return usual * (1 - smoothing) + even * (smoothing / static_cast<double>(l.c));
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                Reduction reduction, int64_t ignore_index) {
  check_tensors("nll_loss", input, target, weight);
  return nll("nll_loss", input, target, weight, reduction, ignore_index, nullptr);
}

Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                     Reduction reduction, int64_t ignore_index, double label_smoothing) {
  check_tensors("cross_entropy", input, target, weight);
  if (!(label_smoothing >= 0 && label_smoothing <= 1)) {
    fail(Status::kInvalidArgument, "cross_entropy: value out of range: label_smoothing ",
         label_smoothing, ": must be in [0, 1]");
  }
  if (input.sizes() == target.sizes()) {  // class probabilities
    if (!is_floating(target.dtype())) {
      fail(Status::kDType, "cross_entropy: dtype mismatch: target is ", dtype_name(target.dtype()),
           " of input's shape ", shape_string(input.sizes()),
           ": class probabilities must be floating point; class indices have no class dim");
    }
    if (ignore_index >= 0) {
      fail(Status::kInvalidArgument, "cross_entropy: ignore_index ", ignore_index,
           " with class probabilities: it is supported for class indices only");
    }
    return probability_loss(input, target, weight, reduction, label_smoothing);
  }
  if (label_smoothing > 0) {
    return smoothed_loss(input, target, weight, reduction, ignore_index, label_smoothing);
  }
  if (input.dim() <= 2) {
    return fused_cross_entropy(input, target, weight, reduction, ignore_index);
  }
  return nll("cross_entropy", log_softmax(input, 1), target, weight, reduction, ignore_index,
             nullptr);
}

}  // namespace mt
