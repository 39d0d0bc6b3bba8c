// Views in place: the tensor itself takes the view's geometry and history; its values stay.
#include "ops/rearrange.h"
#include "ops/rules.h"

namespace mt {
namespace {

const Tensor& become(std::string_view op, const Tensor& self, const Tensor& view) {
  if (self.requires_grad() && grad_enabled()) {
    if (is_leaf(self)) {
      fail(Status::kAutograd, op,
           ": leaf changed in place: a leaf tensor that requires grad is being used in an in-place "
           "operation: its gradient would be lost; do it inside no_grad or on a clone");
    }
    AutogradMeta& m = autograd_meta(self);
    m.grad_fn = grad_fn(view);
    m.output_nr = autograd_meta(view).output_nr;
    if (m.base.defined()) m.view_version = self.version() + 1;
  }
  TensorImpl& to = *self.impl();
  const TensorImpl& from = *view.impl();
  to.sizes = from.sizes;
  to.strides = from.strides;
  to.offset = from.offset;
  to.numel = from.numel;
  to.contiguous = from.contiguous;
  mark_written(self);  // as PyTorch counts
  return self;
}

}  // namespace

const Tensor& squeeze_(const Tensor& self) { return become("squeeze_", self, squeeze(self)); }

const Tensor& squeeze_(const Tensor& self, int64_t dim) {
  return become("squeeze_", self, squeeze(self, dim));
}

const Tensor& unsqueeze_(const Tensor& self, int64_t dim) {
  return become("unsqueeze_", self, unsqueeze(self, dim));
}

const Tensor& transpose_(const Tensor& self, int64_t dim0, int64_t dim1) {
  return become("transpose_", self, transpose(self, dim0, dim1));
}

const Tensor& t_(const Tensor& self) { return become("t_", self, t(self)); }

const Tensor& as_strided_(const Tensor& self, IntSpan sizes, IntSpan strides,
                          std::optional<int64_t> offset) {
  return become("as_strided_", self, as_strided(self, sizes, strides, offset));
}

}  // namespace mt
