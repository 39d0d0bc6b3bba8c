// The tensor operations that the gradient engine uses (autograd/engine.h). They sit here because
// the engine, a layer that names no op, is linked below them.
#include "autograd/engine.h"

#include "ops/arithmetic.h"
#include "ops/as_strided.h"
#include "ops/common.h"
#include "ops/complex.h"
#include "ops/reduce.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor add_two(const Tensor& a, const Tensor& b) { return add(a, b); }

void add_into(const Tensor& into, const Tensor& t) {
  Params p;
  p.f[0] = 1;
  p.i[0] = 1;
  binary_forward(Elementwise::kAdd, into, t, p, into.dtype(), {}, &into);
}

Tensor cast(const Tensor& t, DType dtype) { return to(t, dtype); }

Tensor full_of(IntSpan sizes, DType dtype, Device device, double value) {
  Tensor out = Tensor::empty(sizes, dtype, device);
  fill_values(out, value);
  return out;
}

bool has_nan(const Tensor& t) {
  const GradMode off(false);
  return t.device() != Device::kMeta && is_differentiable(t.dtype()) &&
         any(isnan(t)).item().to_bool();
}

Tensor clone_contiguous(const Tensor& t) { return t.is_contiguous() ? clone(t) : contiguous(t); }

}  // namespace

const GradMath kGradMath = {
    .add = add_two,
    .add_into = add_into,
    .sum_to = sum_to_size,
    .cast = cast,
    .full = full_of,
    .has_nan = has_nan,
    .clone = clone_contiguous,
    .conj = conj,
    .copy_into = copy_values,
    .view_node = make_view_node,
    .read_part = read_part,
    .write_part = write_part,
};

}  // namespace mt
