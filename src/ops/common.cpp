// Shared machinery of ops: see common.h.
#include "ops/common.h"

#include <cmath>

namespace mt {

void check_defined(std::string_view op, std::string_view arg, const Tensor& t) {
  if (!t.defined()) {
    fail(Status::kNullArgument, op, ": missing argument: ", arg, " is null: a tensor is required");
  }
}

Device check_devices(std::string_view op, std::initializer_list<const Tensor*> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor* t : tensors) {
    if (t->defined() && (t->dim() > 0 || t->device() != Device::kCPU) && !first) first = t;
  }
  if (!first) return Device::kCPU;
  int index = 0;
  for (const Tensor* t : tensors) {
    ++index;
    if (!t->defined() || t->device() == first->device()) continue;
    if (t->dim() == 0 && t->device() == Device::kCPU) continue;
    if (tensors.size() == 2) {
      const Tensor &a = **tensors.begin(), &b = **(tensors.begin() + 1);
      fail(Status::kDevice, op, ": device mismatch: lhs on ", device_name(a.device()), ", rhs on ",
           device_name(b.device()), ": both must be on one device; move with mt_tensor_to_device");
    }
    fail(Status::kDevice, op, ": device mismatch: one tensor on ", device_name(first->device()),
         ", tensor ", index, " on ", device_name(t->device()),
         ": all must be on one device; move with mt_tensor_to_device");
  }
  return first->device();
}

void check_same_dtype(std::string_view op, std::string_view a_name, const Tensor& a,
                      std::string_view b_name, const Tensor& b) {
  if (a.dtype() == b.dtype()) return;
  fail(Status::kDType, op, ": dtype mismatch: ", a_name, " is ", dtype_name(a.dtype()), ", ",
       b_name, " is ", dtype_name(b.dtype()),
       ": both must have one dtype; convert with mt_tensor_to_dtype");
}

void check_floating(std::string_view op, const Tensor& t) {
  if (is_floating(t.dtype())) return;
  fail(Status::kDType, op, ": dtype mismatch: input is ", dtype_name(t.dtype()),
       ": a floating-point dtype is needed; convert with mt_tensor_to_dtype");
}

void fail_unsupported(std::string_view op, Device device, DType dtype) {
  fail(Status::kNotImplemented, op, ": not implemented for device ", device_name(device),
       ", dtype ", dtype_name(dtype));
}

void launch(std::string_view op, Elementwise id, DType dtype,
            std::initializer_list<const Tensor*> tensors, const Params& params) {
  const Tensor& out = **tensors.begin();
  if (out.is_meta()) return;
  for (const Tensor* t : tensors) {  // a 0-dim output of an in-place form passed check_devices
    if (!t->is_meta()) continue;
    fail(Status::kDevice, op, ": device mismatch: the output is on cpu, an input on meta: both ",
         "must be on one device; move with mt_tensor_to_device");
  }
  if (static_cast<int>(dtype) >= kNumDTypes) fail_unsupported(op, out.device(), dtype);
  const ElementwiseKernel kernel =
      backend(out.device()).elementwise[static_cast<int>(id)][static_cast<int>(dtype)];
  if (!kernel) fail_unsupported(op, out.device(), dtype);
  if (out.numel() == 0) return;
  kernel(Iter(tensors), params);
}

void launch(Elementwise id, DType dtype, std::initializer_list<const Tensor*> tensors,
            const Params& params) {
  launch(elementwise_name(id), id, dtype, tensors, params);
}

void copy_values(const Tensor& to, const Tensor& from) {
  if (to.is_meta() || from.is_meta()) {
    if (!to.is_meta()) {
      fail(Status::kDevice, "copy: no data: source on meta: a meta tensor has no values to copy");
    }
    return;
  }
  if (to.numel() == 0) return;
  const ElementwiseKernel kernel =
      backend(Device::kCPU).cast[static_cast<int>(from.dtype())][static_cast<int>(to.dtype())];
  if (!kernel) fail_unsupported("copy", to.device(), to.dtype());
  kernel(Iter({&to, &from}), {});
}

Tensor converted(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  if (is_complex(t.dtype()) && !is_complex(dtype)) {
    fail(Status::kDType, "convert: dtype mismatch: ", dtype_name(t.dtype()), " to ",
         dtype_name(dtype), ": the imaginary part would be lost; use real or abs");
  }
  if (t.numel() == 1 && t.dim() == 0 && !t.is_meta()) {
    return Tensor::from_scalar(load_scalar(t.dtype(), t.data()), dtype);
  }
  Tensor out = empty_output(t, t.sizes(), dtype, t.device());
  copy_values(out, t);
  return out;
}

Tensor contiguous_values(const Tensor& t) {
  if (t.is_contiguous()) return t;
  Tensor out = Tensor::empty_like(t);
  copy_values(out, t);
  return out;
}

void fill_values(const Tensor& t, Scalar value) {
  if (t.is_meta() || t.numel() == 0) return;
  Params p;
  p.f[0] = value.to_double();
  p.f[1] = value.imag();
  p.i[0] = value.to_int();
  if (t.dtype() == DType::kBool) p.i[0] = value.to_bool();
  if (t.dtype() == DType::kUInt64) p.i[0] = static_cast<int64_t>(value.to_uint());
  backend(t.device()).fill[static_cast<int>(t.dtype())](Iter({&t}), p);
}

DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype() && !a.impl()->is_number && !b.impl()->is_number) return a.dtype();
  ResultType r;
  r.add(a.dtype(), a.dim() == 0, a.impl()->is_number);
  r.add(b.dtype(), b.dim() == 0, b.impl()->is_number);
  return r.get();
}

namespace {

// Every element has its own place and there are no gaps: some order of the dims is contiguous.
bool is_dense(const Tensor& t) {
  int order[kMaxDims];
  int n = 0;
  for (int d = 0; d < t.dim(); ++d) {
    if (t.size(d) == 1) continue;
    int at = n++;
    for (; at > 0 && t.stride(order[at - 1]) > t.stride(d); --at) order[at] = order[at - 1];
    order[at] = d;
  }
  int64_t step = 1;
  for (int i = 0; i < n; ++i) {
    if (t.stride(order[i]) != step) return false;
    step *= t.size(order[i]);
  }
  return true;
}

}  // namespace

Tensor empty_output(const Tensor& a, IntSpan sizes, DType dtype, Device device) {
  if (a.is_contiguous() || a.dim() != static_cast<int>(sizes.size()) ||
      !(a.sizes() == Dims(sizes)) || !is_dense(a)) {
    return Tensor::empty(sizes, dtype, device);
  }
  return Tensor::empty_strided(sizes, a.strides(), dtype, device);
}

void check_result_fits(std::string_view op, IntSpan sizes, DType from, const Tensor& to) {
  if (!(to.sizes() == Dims(sizes))) {
    fail(Status::kShape, op, ": shape mismatch: output ", shape_string(to.sizes()), ", result ",
         shape_string(sizes), ": an in-place op cannot change the shape");
  }
  const DType t = to.dtype();
  const bool ok = (!is_floating(from) || is_differentiable(t)) &&
                  (!is_complex(from) || is_complex(t)) &&
                  (from == DType::kBool || t != DType::kBool);
  if (!ok) {
    fail(Status::kDType, op, ": dtype mismatch: result type ", dtype_name(from),
         " can't be cast to the desired output type ", dtype_name(t), ": use the out-of-place op");
  }
}

Tensor apart_from(std::string_view op, const Tensor& out, const Tensor& t) {
  if (!(t.storage() == out.storage()) || t.numel() == 0 || out.numel() == 0) return t;
  if (t.offset() == out.offset() && t.sizes() == out.sizes() && t.strides() == out.strides()) {
    return t;
  }
  const auto last = [](const Tensor& x) {  // byte behind the last one that x reaches
    int64_t at = x.offset() + 1;
    for (int d = 0; d < x.dim(); ++d) at += (x.size(d) - 1) * x.stride(d);
    return at * static_cast<int64_t>(dtype_size(x.dtype()));
  };
  const auto first = [](const Tensor& x) {
    return x.offset() * static_cast<int64_t>(dtype_size(x.dtype()));
  };
  if (last(t) <= first(out) || last(out) <= first(t)) return t;
  if (is_dense(t) && is_dense(out)) {
    fail(Status::kInvalidArgument, op, ": overlapping memory: operand of shape ",
         shape_string(t.sizes()), " shares elements with the output of shape ",
         shape_string(out.sizes()), ": the two must not overlap; use clone on the operand");
  }
  Tensor copy = Tensor::empty_like(t);
  copy_values(copy, t);
  return copy;
}

Tensor unary_forward(Elementwise id, const Tensor& a, DType compute, DType result,
                     const Params& params, const Tensor* out) {
  const std::string_view op = elementwise_name(id);
  const Tensor in = converted(a, compute);
  if (out) {
    check_result_fits(op, a.sizes(), result, *out);
    if (out->dtype() == result) {
      launch(op, id, compute, {out, &in}, params);
      return *out;
    }
  }
  Tensor r = empty_output(in, in.sizes(), result, in.device());
  launch(op, id, compute, {&r, &in}, params);
  if (!out) return r;
  copy_values(*out, r);
  return *out;
}

Tensor binary_forward(Elementwise id, const Tensor& a, const Tensor& b, const Params& params,
                      std::optional<DType> compute, std::optional<DType> result,
                      const Tensor* out) {
  const std::string_view op = elementwise_name(id);
  const Device device = a.device() == b.device() ? a.device() : check_devices(op, {&a, &b});
  const DType dtype = compute ? *compute : result_type(a, b);
  const DType out_dtype = result ? *result : dtype;
  const Tensor* pa = &a;
  const Tensor* pb = &b;
  Tensor ca, cb;
  if (a.dtype() != dtype) {
    ca = converted(a, dtype);
    pa = &ca;
  }
  if (b.dtype() != dtype) {
    cb = converted(b, dtype);
    pb = &cb;
  }
  Tensor r;
  const bool equal = a.sizes() == b.sizes();
  if (out) {
    check_result_fits(op, equal ? Dims(a.sizes()) : broadcast_shapes(op, a.sizes(), b.sizes()),
                      out_dtype, *out);
    if (out->dtype() == out_dtype) {
      r = *out;
      if (pa->storage() == r.storage()) {
        ca = apart_from(op, r, *pa);
        pa = &ca;
      }
      if (pb->storage() == r.storage()) {
        cb = apart_from(op, r, *pb);
        pb = &cb;
      }
    }
  }
  if (!r.defined()) {
    if (equal) {
      r = empty_output(*pa, a.sizes(), out_dtype, device);
    } else {
      const Dims sizes = broadcast_shapes(op, a.sizes(), b.sizes());
      r = empty_output(pa->numel() >= pb->numel() ? *pa : *pb, sizes, out_dtype, device);
    }
  }
  launch(op, id, dtype, {&r, pa, pb}, params);
  if (out && !same(r, *out)) {
    copy_values(*out, r);
    return *out;
  }
  return r;
}

void inplace_recorded(std::string_view name, const Tensor& self, bool saves_self,
                      Tensor (*op)(void* context, const Tensor& before), void* context) {
  // The op runs on a stand-in for self's old value: its history, and its data when the rule
  // will need them.
  Tensor before;
  if (saves_self) {
    before = Tensor::empty_like(self);
    copy_values(before, self);
  } else {
    before = self.alias();
  }
  if (self.requires_grad()) {
    const Edge e = gradient_edge(self);
    AutogradMeta& m = autograd_meta(before);
    m.grad_fn = e.node;
    m.output_nr = e.nr;
    before.impl()->requires_grad = true;
  }
  Tensor r = op(context, before);
  check_result_fits(name, r.sizes(), r.dtype(), self);
  {
    GradMode off(false);
    copy_values(self, r);
  }
  inplace_done(self, grad_fn(r));
}

}  // namespace mt
