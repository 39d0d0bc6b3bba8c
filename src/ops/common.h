// What every op shares: operand checks in the one error grammar, promotion, output allocation,
// kernel look-up and the in-place form.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "autograd/saved_tensor.h"
#include "core/error.h"
#include "kernels/backend.h"

namespace mt {

using Tensors = std::span<const Tensor>;

// --- checks ---------------------------------------------------------------------------------
void check_defined(std::string_view op, std::string_view arg, const Tensor& t);
// All on one device; 0-dim CPU tensors (numbers) may join any. Returns that device.
Device check_devices(std::string_view op, std::initializer_list<const Tensor*> tensors);
// Two tensors that must have one dtype, with their argument names.
void check_same_dtype(std::string_view op, std::string_view a_name, const Tensor& a,
                      std::string_view b_name, const Tensor& b);
void check_floating(std::string_view op, const Tensor& t);
[[noreturn]] void fail_unsupported(std::string_view op, Device device, DType dtype);

// --- kernels --------------------------------------------------------------------------------
// Runs an elementwise kernel of `dtype` on out and inputs; nothing to do on meta.
void launch(std::string_view op, Elementwise id, DType dtype,
            std::initializer_list<const Tensor*> out_then_inputs, const Params& params = {});
// The same, named as the kernel is.
void launch(Elementwise id, DType dtype, std::initializer_list<const Tensor*> out_then_inputs,
            const Params& params = {});

// Copies values into `to` (broadcasting, converting), without recording.
void copy_values(const Tensor& to, const Tensor& from);
// t in another dtype, without recording; t itself when it has it already. Complex values do not
// become real ones here (kDType): that needs the user's word.
Tensor converted(const Tensor& t, DType dtype);
// t as a contiguous tensor, without recording; t itself when it is.
Tensor contiguous_values(const Tensor& t);
void fill_values(const Tensor& t, Scalar value);

// --- promotion and outputs ------------------------------------------------------------------
DType result_type(const Tensor& a, const Tensor& b);
// The default dtype for integers, t itself for others (what exp or div compute in).
inline DType floating_type(DType t) { return is_differentiable(t) ? t : default_dtype(); }
// An output of the given shape: like `a` in memory order when it is dense and of that shape.
Tensor empty_output(const Tensor& a, IntSpan sizes, DType dtype, Device device);

// Unary elementwise forward without recording. With `out`: writes there (in-place form).
Tensor unary_forward(Elementwise id, const Tensor& a, DType compute, DType result,
                     const Params& params = {}, const Tensor* out = nullptr);
// Binary elementwise forward: promotion to `compute` (result_type when absent), broadcasting.
// `result` is the output's dtype when it differs (comparisons). The kernel's alpha etc. in params.
Tensor binary_forward(Elementwise id, const Tensor& a, const Tensor& b, const Params& params = {},
                      std::optional<DType> compute = {}, std::optional<DType> result = {},
                      const Tensor* out = nullptr);

// --- in-place forms -------------------------------------------------------------------------
// Checks that values of dtype `from` may be stored into `to` (no float into int, no complex into
// real: PyTorch's rule),
// and that the result's shape is to's.
void check_result_fits(std::string_view op, IntSpan result_sizes, DType from, const Tensor& to);

// An input of a write into `out`: t itself when it is the very same view or lies elsewhere, a copy
// when it may share single elements with out. A partial overlap of two dense tensors is an error.
Tensor apart_from(std::string_view op, const Tensor& out, const Tensor& t);

// `forward_into(self)` writes the result without recording; `op(self_before)` is the recorded
// out-of-place op. `saves_self`: its rule needs self's old value.
template <class ForwardInto, class Op>
const Tensor& inplace(std::string_view name, const Tensor& self, bool records, bool saves_self,
                      ForwardInto&& forward_into, Op&& op);

// Runs the recorded op on self's old value and moves its result and history into self.
void inplace_recorded(std::string_view name, const Tensor& self, bool saves_self,
                      Tensor (*op)(void* context, const Tensor& before), void* context);

template <class ForwardInto, class Op>
const Tensor& inplace(std::string_view name, const Tensor& self, bool records, bool saves_self,
                      ForwardInto&& forward_into, Op&& op) {
  check_inplace(name, self);
  if (!records) {
    forward_into(self);
    mark_written(self);
    return self;
  }
  inplace_recorded(
      name, self, saves_self,
      [](void* context, const Tensor& before) {
        return (*static_cast<std::remove_reference_t<Op>*>(context))(before);
      },
      &op);
  return self;
}

}  // namespace mt
