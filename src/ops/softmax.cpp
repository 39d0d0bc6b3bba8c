// softmax and log_softmax: one kernel forward, one backward; with create_graph the gradient is
// written in ordinary ops.
#include "ops/softmax.h"

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/power.h"
#include "ops/reduce.h"

namespace mt {
namespace {

void run_scan(std::string_view op, Scan id, const Tensor& a, const Tensor* b, const Tensor& out,
              int dim) {
  if (out.is_meta()) return;
  const ScanKernel kernel =
      backend(out.device()).scan[static_cast<int>(id)][static_cast<int>(out.dtype())];
  if (!kernel) fail_unsupported(op, out.device(), out.dtype());
  if (out.numel() == 0) return;
  int64_t outer = 1, n = 1, inner = 1;
  for (int d = 0; d < out.dim(); ++d) {
    (d < dim ? outer : d == dim ? n : inner) *= out.size(d);
  }
  const Tensor ca = contiguous_values(a);
  const Tensor cb = b ? contiguous_values(*b) : Tensor();
  kernel(ca.data(), b ? cb.data() : nullptr, out.data(), outer, n, inner);
}

// y (g - sum(g y))
Tensor softmax_grad(const GradIn& g, const Tensor& y, int dim) {
  if (g.create_graph()) {
    const Tensor gy = mul(g[0], y);
    return sub(gy, mul(y, sum(gy, {{dim}}, true)));
  }
  Tensor out = Tensor::empty_like(y);
  run_scan("softmax_backward", Scan::kSoftmaxBackward, g[0], &y, out, dim);
  return out;
}

// g - exp(y) sum(g)
Tensor log_softmax_grad(const GradIn& g, const Tensor& y, int dim) {
  if (g.create_graph()) return sub(g[0], mul(exp(y), sum(g[0], {{dim}}, true)));
  Tensor out = Tensor::empty_like(y);
  run_scan("log_softmax_backward", Scan::kLogSoftmaxBackward, g[0], &y, out, dim);
  return out;
}

using Rule = Tensor (*)(const GradIn& g, const Tensor& y, int dim);

Tensor along(const char* op, const char* node, Scan id, Rule rule, const Tensor& self, int64_t dim,
             std::optional<DType> dtype) {
  check_defined(op, "input", self);
  const int d = wrap_dim(op, dim, self.dim());
  const DType result = dtype ? *dtype : self.dtype();
  if (!is_floating(result)) {
    fail(Status::kDType, op, ": dtype mismatch: ", dtype ? "dtype" : "input", " is ",
         dtype_name(result),
         ": a floating-point dtype is needed; give dtype, or convert with mt_tensor_to_dtype");
  }
  Tensor out = Tensor::empty(self.sizes(), result, self.device());
  run_scan(op, id, converted(self, result), nullptr, out, d);
  if (recording(self)) {
    record(node, out, {&self}, [rule, d, y = save_output(out)](const GradIn& g) -> Grads {
      return {rule(g, y.get(g), d)};
    });
  }
  return out;
}

}  // namespace

Tensor softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return along("softmax", "SoftmaxBackward0", Scan::kSoftmax, softmax_grad, self, dim, dtype);
}

Tensor log_softmax(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  return along("log_softmax", "LogSoftmaxBackward0", Scan::kLogSoftmax, log_softmax_grad, self, dim,
               dtype);
}

Tensor softmin(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check_defined("softmin", "input", self);
  return softmax(mul(self, Tensor::from_scalar(-1)), dim, dtype);
}

}  // namespace mt
