// Forwards by the table of special functions: see map.h.
#include "ops/map.h"

namespace mt {
namespace {

void launch(std::string_view op, Special id, DType t, std::initializer_list<const Tensor*> tensors,
            const Params& p) {
  const Tensor& out = **tensors.begin();
  if (out.is_meta()) return;
  const SpecialKernels* group = backend(out.device()).special;
  if (!group || static_cast<int>(t) >= kNumDTypes) fail_unsupported(op, out.device(), t);
  if (out.numel() == 0) return;
  const Iter it(tensors);
  if (const auto vector = group->vector[static_cast<int>(id)][static_cast<int>(t)]) {
    vector(it, p);
  } else if (const auto map = group->map[static_cast<int>(t)]) {
    map(id, it, p);
  } else {
    fail_unsupported(op, out.device(), t);
  }
}

}  // namespace

Tensor map(std::string_view op, Special id, const Tensor& a, DType t, const Params& p) {
  check_defined(op, "input", a);
  const Tensor x = converted(a, t);
  Tensor out = empty_output(x, x.sizes(), t, x.device());
  launch(op, id, t, {&out, &x}, p);
  return out;
}

Tensor map(std::string_view op, Special id, const Tensor& a, const Tensor& b, DType t,
           const Params& p) {
  check_defined(op, "input", a);
  check_defined(op, "other", b);
  const Device device = check_devices(op, {&a, &b});
  const Tensor x = converted(a, t), y = converted(b, t);
  const Dims sizes = broadcast_shapes(op, a.sizes(), b.sizes());
  Tensor out = empty_output(x.numel() >= y.numel() ? x : y, sizes, t, device);
  launch(op, id, t, {&out, &x, &y}, p);
  return out;
}

void fail_no_gradient(std::string_view op, std::string_view input) {
  fail(Status::kAutograd, op, ": not differentiable: a gradient of ", input,
       " was asked for: there is no rule for it; use detach on it");
}

}  // namespace mt
