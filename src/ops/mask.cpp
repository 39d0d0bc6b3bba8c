// Ops that take a bool mask: see index.h.
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/index.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor as_mask(std::string_view op, const Tensor& mask) {
  check_defined(op, "mask", mask);
  if (mask.dtype() == DType::kBool) return mask;
  if (mask.dtype() == DType::kUInt8) return converted(mask, DType::kBool);
  fail(Status::kDType, op, ": dtype mismatch: mask is ", dtype_name(mask.dtype()),
       ": must be bool; compare, or convert with mt_tensor_to_dtype");
}

Tensor inverted(const Tensor& mask) {
  Tensor out = Tensor::empty_like(mask);
  launch(Elementwise::kLogicalNot, DType::kBool, {&out, &mask});
  return out;
}

// A number in self's dtype.
Tensor number_of(std::string_view op, const Tensor& self, Scalar value) {
  check_value_fits(op, value, self.dtype());
  return Tensor::from_scalar(value, self.dtype());
}

Tensor value_tensor(std::string_view op, const Tensor& self, const Tensor& value) {
  check_defined(op, "value", value);
  if (value.dim() != 0) {
    fail(Status::kShape, op, ": not a single value: value of shape ", shape_string(value.sizes()),
         ": a 0-dim tensor is needed; use where to choose between tensors");
  }
  if (value.is_meta() != self.is_meta() && value.is_meta()) check_devices(op, {&self, &value});
  return value;
}

// The forward of masked_fill: where(mask, value, self).
Tensor filled(std::string_view op, const Tensor& self, const Tensor& mask, const Tensor& value) {
  const Device device = check_devices(op, {&self, &mask});
  Tensor out =
      self.sizes() == mask.sizes() || is_broadcastable_to(mask.sizes(), self.sizes())
          ? empty_output(self, self.sizes(), self.dtype(), device)
          : Tensor::empty(broadcast_shapes(op, self.sizes(), mask.sizes()), self.dtype(), device);
  const Tensor v = converted(value, self.dtype());
  launch(op, Elementwise::kWhere, self.dtype(), {&out, &mask, &v, &self});
  return out;
}

void fill_in_place(std::string_view op, const Tensor& self, const Tensor& mask,
                   const Tensor& value) {
  check_devices(op, {&self, &mask});
  if (!is_broadcastable_to(mask.sizes(), self.sizes())) {
    fail(Status::kShape, op, ": shape mismatch: self ", shape_string(self.sizes()), ", mask ",
         shape_string(mask.sizes()), ": the mask must broadcast to self's shape");
  }
  const Tensor v = converted(value, self.dtype());
  launch(op, Elementwise::kWhere, self.dtype(), {&self, &mask, &v, &self});
}

Tensor fill_recorded(const Tensor& self, const Tensor& mask, const Tensor& value, bool by_tensor) {
  Tensor out = filled("masked_fill", self, mask, value);
  if (!by_tensor && recording(self)) {
    record("MaskedFillBackward0", out, {&self}, [saved = save(mask)](const GradIn& g) -> Grads {
      return {masked_fill(g[0], saved.get(g), 0)};
    });
  } else if (by_tensor && recording(self, value)) {
    record("MaskedFillBackward1", out, {&self, &value},
           [saved = save(mask)](const GradIn& g) -> Grads {
             const Tensor m = saved.get(g);
             return {g.needs(0) ? masked_fill(g[0], m, 0) : Tensor(),
                     g.needs(1) ? masked_fill(g[0], inverted(m), 0) : Tensor()};
           });
  }
  return out;
}

const Tensor& fill_self(const Tensor& self, const Tensor& given_mask, const Tensor& value,
                        bool by_tensor) {
  // A mask inside self's own memory (a bool self) would change under the kernel's feet.
  Tensor mask = as_mask("masked_fill_", given_mask);
  if (mask.storage() == self.storage()) mask = clone(mask);
  return inplace(
      "masked_fill_", self, recording(self) || (by_tensor && recording(value)), false,
      [&](const Tensor& out) { fill_in_place("masked_fill_", out, mask, value); },
      [&](const Tensor& before) { return fill_recorded(before, mask, value, by_tensor); });
}

}  // namespace

Tensor masked_fill(const Tensor& self, const Tensor& mask, Scalar value) {
  check_defined("masked_fill", "self", self);
  return fill_recorded(self, as_mask("masked_fill", mask), number_of("masked_fill", self, value),
                       false);
}

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_defined("masked_fill", "self", self);
  return fill_recorded(self, as_mask("masked_fill", mask), value_tensor("masked_fill", self, value),
                       true);
}

const Tensor& masked_fill_(const Tensor& self, const Tensor& mask, Scalar value) {
  check_defined("masked_fill_", "self", self);
  return fill_self(self, mask, number_of("masked_fill_", self, value), false);
}

const Tensor& masked_fill_(const Tensor& self, const Tensor& mask, const Tensor& value) {
  check_defined("masked_fill_", "self", self);
  return fill_self(self, mask, value_tensor("masked_fill_", self, value), true);
}

Tensor flat_nonzero(std::string_view op, const Tensor& self) {
  if (self.is_meta()) {
    fail(Status::kDevice, op, ": no data: tensor on meta: a meta tensor has a shape but no values");
  }
  const Tensor mask = contiguous_values(
      is_complex(self.dtype()) ? unrecorded([&] { return ne(self, Tensor::from_scalar(0)); })
                               : converted(self, DType::kBool));
  const auto* p = mask.data_as<uint8_t>();
  const int64_t n = mask.numel();
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += p[i] != 0;
  Tensor out = Tensor::empty(Dims{count}, DType::kInt64);
  auto* to = out.data_as<int64_t>();
  // Without a branch, which masks would mispredict: every position is written, kept ones stay.
  int64_t k = 0;
  for (int64_t i = 0; k < count; ++i) {
    to[k] = i;
    k += p[i] != 0;
  }
  return out;
}

Tensor nonzero(const Tensor& self) {
  check_defined("nonzero", "self", self);
  const Tensor flat = flat_nonzero("nonzero", self);
  const int n = self.dim();
  if (n == 1) return flat.alias(Dims{flat.numel(), 1}, Dims{1, 1}, flat.offset());
  Tensor out = Tensor::empty(Dims{flat.numel(), n}, DType::kInt64);
  const auto* p = flat.data_as<int64_t>();
  auto* to = out.data_as<int64_t>();
  for (int64_t i = 0; i < flat.numel(); ++i, to += n) {
    int64_t rest = p[i];
    for (int d = n - 1; d > 0; --d) {
      to[d] = rest % self.size(d);
      rest /= self.size(d);
    }
    if (n > 0) to[0] = rest;
  }
  return out;
}

Tensor masked_select(const Tensor& self, const Tensor& mask) {
  check_defined("masked_select", "self", self);
  const Tensor m = as_mask("masked_select", mask);
  check_one_device("masked_select", {&self, &m});
  const Dims sizes = broadcast_shapes("masked_select", self.sizes(), m.sizes());
  if (sizes.empty()) {
    const Tensor list[] = {reshape(m, Dims{1})};
    return index(reshape(self, Dims{1}), list);
  }
  const Tensor list[] = {expand(m, sizes)};
  return index(expand(self, sizes), list);
}

}  // namespace mt
