// Losses of pairs: mse, l1, smooth l1, huber, the two binary cross entropies, kl_div. Each is one
// node with a fused slope; with create_graph the slope is written in ordinary ops.
#include "ops/loss.h"

#include "ops/activation.h"
#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/reduce_values.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

// A loss of x - y that differs from its kin in three kernels and one formula.
struct PairKind {
  const char* op;
  const char* nodes[3];  // by reduction, as PyTorch prints them
  Elementwise value, slope;
  PairLoss sum;
  double factor;  // of the slope kernel
  // d loss / d x in differentiable ops
  Tensor (*slope_ops)(const Tensor& x, const Tensor& y, double param);
};

constexpr PairKind kMse = {"mse_loss",
                           {"MseLossBackward0", "MseLossBackward0", "MseLossBackward0"},
                           Elementwise::kMse,
                           Elementwise::kMseBackward,
                           PairLoss::kMse,
                           2,
                           [](const Tensor& x, const Tensor& y, double) { return (x - y) * 2; }};

constexpr PairKind kL1 = {"l1_loss",
                          {"AbsBackward0", "MeanBackward0", "SumBackward0"},
                          Elementwise::kL1,
                          Elementwise::kL1Backward,
                          PairLoss::kL1,
                          1,
                          [](const Tensor& x, const Tensor& y, double) { return sign(x - y); }};

constexpr PairKind kSmoothL1 = {
    "smooth_l1_loss",
    {"SmoothL1LossBackward0", "SmoothL1LossBackward0", "SmoothL1LossBackward0"},
    Elementwise::kSmoothL1,
    Elementwise::kSmoothL1Backward,
    PairLoss::kSmoothL1,
    1,
    [](const Tensor& x, const Tensor& y, double beta) {
      return beta == 0 ? sign(x - y) : hardtanh((x - y) / beta);
    }};

constexpr PairKind kHuber = {
    "huber_loss",
    {"HuberLossBackward0", "HuberLossBackward0", "HuberLossBackward0"},
    Elementwise::kHuber,
    Elementwise::kHuberBackward,
    PairLoss::kHuber,
    1,
    [](const Tensor& x, const Tensor& y, double delta) { return hardtanh(x - y, -delta, delta); }};

void check_pair(std::string_view op, const Tensor& input, const Tensor& target) {
  check_defined(op, "input", input);
  check_defined(op, "target", target);
  if (input.device() != target.device() && input.dim() > 0 && target.dim() > 0) {
    fail(Status::kDevice, op, ": device mismatch: input on ", device_name(input.device()),
         ", target on ", device_name(target.device()),
         ": both must be on one device; move with mt_tensor_to_device");
  }
}

void check_same_shape(std::string_view op, const Tensor& input, const Tensor& target) {
  if (input.sizes() == target.sizes()) return;
  fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()), ", target ",
       shape_string(target.sizes()), ": both must have one shape");
}

// The mean's divisor, or 1.
double divisor_of(Reduction r, int64_t numel) {
  return r == Reduction::kMean ? static_cast<double>(numel) : 1;
}

Tensor reduced(Tensor losses, Reduction r) {
  if (r == Reduction::kNone) return losses;
  Tensor out = sum_values(losses, Over("sum", losses, IntSpan(), false));
  if (r == Reduction::kMean) divide_values(out, static_cast<double>(losses.numel()));
  return out;
}

Tensor pair_forward(const PairKind& kind, const Tensor& x, const Tensor& y, DType dtype,
                    Reduction reduction, double param) {
  Params p;
  p.f[1] = param;
  const bool flat = x.dtype() == dtype && y.dtype() == dtype && x.is_contiguous() &&
                    y.is_contiguous() && x.sizes() == y.sizes() && x.device() == y.device();
  if (reduction == Reduction::kNone || !flat) {
    return reduced(binary_forward(kind.value, x, y, p, dtype), reduction);
  }
  Tensor out = Tensor::empty({}, dtype, x.device());
  if (out.is_meta()) return out;
  const PairLossKernel kernel =
      backend(x.device()).pair_loss[static_cast<int>(kind.sum)][static_cast<int>(dtype)];
  if (!kernel) fail_unsupported(kind.op, x.device(), dtype);
  p.f[0] = divisor_of(reduction, x.numel());
  kernel(x.data(), y.data(), out.data(), x.numel(), p);
  return out;
}

Grads pair_grads(const PairKind& kind, const GradIn& g, const Tensor& x, const Tensor& y,
                 DType dtype, double divisor, double param) {
  Tensor to_x;
  if (g.create_graph()) {
    to_x = kind.slope_ops(x, y, param) * (g[0] / divisor);
  } else {
    const Tensor cx = converted(x, dtype), cy = converted(y, dtype);
    const bool equal = cx.sizes() == cy.sizes();
    Tensor out = equal ? empty_output(cx, cx.sizes(), dtype, cx.device())
                       : Tensor::empty(broadcast_shapes(kind.op, cx.sizes(), cy.sizes()), dtype,
                                       cx.device());
    Params p;
    p.f[0] = kind.factor / divisor;
    p.f[1] = param;
    launch(kind.slope, dtype, {&out, &g[0], &cx, &cy}, p);
    to_x = std::move(out);
  }
  return {to_x, g.needs(1) ? neg(to_x) : Tensor()};
}

Tensor pair_loss(const PairKind& kind, const Tensor& input, const Tensor& target,
                 Reduction reduction, double param) {
  check_pair(kind.op, input, target);
  const DType dtype = result_type(input, target);
  if (!is_floating(dtype)) check_floating(kind.op, input);
  Tensor out = pair_forward(kind, input, target, dtype, reduction, param);
  if (recording(input, target)) {
    const int64_t numel = input.sizes() == target.sizes()
                              ? input.numel()
                              : numel_of(broadcast_shapes(kind.op, input.sizes(), target.sizes()));
    record(kind.nodes[static_cast<int>(reduction)], out, {&input, &target},
           [&kind, dtype, param, divisor = divisor_of(reduction, numel), x = save(input),
            y = save(target)](const GradIn& g) -> Grads {
             return pair_grads(kind, g, x.get(g), y.get(g), dtype, divisor, param);
           });
  }
  return out;
}

// d loss / d each element's loss: the gradient shared out by the mean, and weighted.
Tensor weighted_grad(const GradIn& g, const SavedTensor& weight, double divisor) {
  const Tensor each = divisor == 1 ? g[0] : g[0] / divisor;
  return weight.defined() ? each * weight.get(g) : each;
}

SavedTensor save_optional(const Tensor& t) { return save_if(t.defined(), t); }

// `weight` must broadcast to the input's shape.
void check_weight(std::string_view op, std::string_view name, const Tensor& weight,
                  const Tensor& input) {
  if (!weight.defined()) return;
  if (!is_broadcastable_to(weight.sizes(), input.sizes())) {
    fail(Status::kShape, op, ": shape mismatch: ", name, " ", shape_string(weight.sizes()),
         ", input ", shape_string(input.sizes()), ": ", name, " must broadcast to input's shape");
  }
}

// -log(sigmoid(x)): the loss of x against a target of ones.
Tensor minus_log_sigmoid(const Tensor& x) {
  const Tensor ones = Tensor::empty_like(x);
  fill_values(ones, 1);
  return binary_cross_entropy_with_logits(x, ones, {}, Reduction::kNone);
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return pair_loss(kMse, input, target, reduction, 0);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  check_pair("l1_loss", input, target);
  if (!is_floating(result_type(input, target)) && reduction != Reduction::kMean) {
    const Tensor d = abs(sub(input, target));
    return reduction == Reduction::kSum ? sum(d) : d;
  }
  return pair_loss(kL1, input, target, reduction, 0);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta) {
  if (!(beta >= 0)) {
    fail(Status::kInvalidArgument, "smooth_l1_loss: value out of range: beta ", beta,
         ": must be at least 0");
  }
  return pair_loss(kSmoothL1, input, target, reduction, beta);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction, double delta) {
  if (!(delta > 0)) {
    fail(Status::kInvalidArgument, "huber_loss: value out of range: delta ", delta,
         ": must be greater than 0");
  }
  return pair_loss(kHuber, input, target, reduction, delta);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            Reduction reduction) {
  constexpr std::string_view kOp = "binary_cross_entropy";
  check_pair(kOp, input, target);
  check_floating(kOp, input);
  check_same_dtype(kOp, "input", input, "target", target);
  check_same_shape(kOp, input, target);
  check_weight(kOp, "weight", weight, input);
  Tensor out;
  {
    GradMode off(false);
    out = binary_forward(Elementwise::kBce, input, target);
    if (weight.defined()) out = out * weight;
    out = reduced(out, reduction);
  }
  if (recording(input, target)) {
    record("BinaryCrossEntropyBackward0", out, {&input, &target},
           [x = save(input), y = save(target), w = save_optional(weight),
            divisor = divisor_of(reduction, input.numel())](const GradIn& g) -> Grads {
             const Tensor each = weighted_grad(g, w, divisor), tx = x.get(g), ty = y.get(g);
             Grads r(2);
             if (g.needs(0)) {
               if (g.create_graph()) {
                 r[0] = each * (tx - ty) / clamp_min((1 - tx) * tx, Tensor::from_scalar(1e-12));
               } else {
                 r[0] = empty_output(tx, tx.sizes(), tx.dtype(), tx.device());
                 const Tensor ce = converted(each, tx.dtype());
                 launch(Elementwise::kBceBackward, tx.dtype(), {&r[0], &ce, &tx, &ty});
               }
             }
             if (g.needs(1)) {
               const Tensor floor = Tensor::from_scalar(-100);
               r[1] = each * (clamp_min(log1p(neg(tx)), floor) - clamp_min(log(tx), floor));
             }
             return r;
           });
  }
  return out;
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, Reduction reduction,
                                        const Tensor& pos_weight) {
  constexpr std::string_view kOp = "binary_cross_entropy_with_logits";
  check_pair(kOp, input, target);
  check_floating(kOp, input);
  check_same_shape(kOp, input, target);
  if (!is_floating(target.dtype())) {
    fail(Status::kDType, kOp, ": dtype mismatch: target is ", dtype_name(target.dtype()),
         ": a floating-point dtype is needed; convert with mt_tensor_to_dtype");
  }
  check_weight(kOp, "weight", weight, input);
  check_weight(kOp, "pos_weight", pos_weight, input);
  Tensor out;
  {
    GradMode off(false);
    if (pos_weight.defined()) {
      const Tensor one = Tensor::from_scalar(1);
      const Tensor miss =
          binary_forward(Elementwise::kBceWithLogits, input, one, {}, result_type(input, target));
      out = (1 - target) * input + ((pos_weight - 1) * target + 1) * miss;
    } else {
      out = binary_forward(Elementwise::kBceWithLogits, input, target);
    }
    if (weight.defined()) out = out * weight;
    out = reduced(out, reduction);
  }
  if (recording(input, target)) {
    record("BinaryCrossEntropyWithLogitsBackward0", out, {&input, &target},
           [x = save(input), y = save(target), w = save_optional(weight),
            pw = save_optional(pos_weight),
            divisor = divisor_of(reduction, input.numel())](const GradIn& g) -> Grads {
             const Tensor each = weighted_grad(g, w, divisor), tx = x.get(g), ty = y.get(g);
             Grads r(2);
             if (g.needs(0)) {
               if (pw.defined()) {
                 const Tensor t = (pw.get(g) - 1) * ty + 1;
                 r[0] = each * ((1 - ty) + t * (sigmoid(tx) - 1));
               } else if (g.create_graph() || tx.dtype() != ty.dtype()) {
                 r[0] = each * (sigmoid(tx) - ty);
               } else {
                 r[0] = empty_output(tx, tx.sizes(), tx.dtype(), tx.device());
                 const Tensor ce = converted(each, tx.dtype());
                 Params p;
                 p.f[0] = 1;
                 launch(Elementwise::kBceWithLogitsBackward, tx.dtype(), {&r[0], &ce, &tx, &ty}, p);
               }
             }
             if (g.needs(1)) {
               const Tensor slope =
                   pw.defined() ? (pw.get(g) - 1) * minus_log_sigmoid(tx) - tx : neg(tx);
               r[1] = each * slope;
             }
             return r;
           });
  }
  return out;
}

Tensor kl_div(const Tensor& input, const Tensor& target, Reduction reduction, bool log_target) {
  check_pair("kl_div", input, target);
  Tensor losses;
  if (log_target) {
    losses = exp(target) * (target - input);
  } else {
    const Tensor zero = Tensor::from_scalar(0);
    losses = where(eq(target, zero), zero, target * log(target)) - target * input;
  }
  switch (reduction) {
    case Reduction::kMean:
      return mean(losses);
    case Reduction::kSum:
      return sum(losses);
    default:
      return losses;
  }
}

}  // namespace mt
