// Copies, conversions, overwriting in place and the reverse of broadcasting: see view.h.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/as_strided.h"
#include "ops/overwrite.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt {
namespace {

Tensor copied(const Tensor& self, IntSpan strides, DType dtype, Device device) {
  if (self.is_meta() && device != Device::kMeta) {
    fail(Status::kDevice, "to: no data: tensor on meta: a meta tensor has a shape but no values");
  }
  Tensor out = Tensor::empty_strided(self.sizes(), strides, dtype, device);
  copy_values(out, self);
  return out;
}

// ToCopyBackward0: the engine converts the gradient; only the device is left to the rule.
Tensor converted_copy(const Tensor& self, DType dtype, Device device) {
  Tensor out = copied(self, dense_strides(self), dtype, device);
  if (recording(self) && is_differentiable(dtype)) {
    record_light("ToCopyBackward0", out, {&self}, [from = self.device()](const GradIn& g) -> Grads {
      return {g[0].device() == from ? g[0] : to_device(g[0], from)};
    });
  }
  return out;
}

bool is_dense(const Tensor& t) {
  if (t.is_contiguous()) return true;
  int64_t last = 0;
  for (int d = 0; d < t.dim(); ++d) last += (t.size(d) - 1) * t.stride(d);
  return last + 1 == t.numel() && !may_overlap(geometry(t));
}

// The bytes that t reaches in its storage, as [first, last].
void reach(const Tensor& t, int64_t& first, int64_t& last) {
  const auto size = static_cast<int64_t>(dtype_size(t.dtype()));
  first = last = t.offset() * size;
  for (int d = 0; d < t.dim(); ++d) last += (t.size(d) - 1) * t.stride(d) * size;
  last += size - 1;
}

// Source of a copy into `to`. A partial overlap of the two has no defined result.
Tensor overlap_free(const Tensor& to, const Tensor& from) {
  if (!(to.storage() == from.storage()) || to.numel() == 0 || from.numel() == 0) return from;
  int64_t a, b, c, d;
  reach(to, a, b);
  reach(from, c, d);
  if (b < c || d < a) return from;
  const bool one = to.offset() == from.offset() && to.sizes() == from.sizes() &&
                   to.strides() == from.strides() && to.dtype() == from.dtype();
  if (one) return from;
  if (is_dense(to) && is_dense(from)) {
    fail(Status::kInvalidArgument, "copy_: overlapping memory: source of shape ",
         shape_string(from.sizes()), " and destination of shape ", shape_string(to.sizes()),
         " share elements: the two must not overlap; use clone on the source");
  }
  return copied(from, contiguous_strides(from.sizes()), from.dtype(), from.device());
}

}  // namespace

Dims dense_strides(const Tensor& t) {
  if (is_dense(t)) return t.strides();
  // Dims from the innermost outwards: a later dim of the shape lies inside unless strides say
  // otherwise. Expanded dims (stride 0) say nothing; of equal strides the larger dim is outside.
  const int n = t.dim();
  int order[kMaxDims];
  for (int i = 0; i < n; ++i) order[i] = n - 1 - i;
  const auto compare = [&t](int inner, int outer) {
    const int64_t a = t.stride(inner), b = t.stride(outer);
    if (a == 0 || b == 0) return 0;
    if (a != b) return a < b ? -1 : 1;
    return t.size(inner) > t.size(outer) ? 1 : 0;
  };
  for (int i = 1; i < n; ++i) {
    int at = i;
    for (int j = i - 1; j >= 0; --j) {
      const int c = compare(order[j], order[at]);
      if (c < 0) break;
      if (c == 0) continue;
      std::swap(order[j], order[at]);
      at = j;
    }
  }
  Dims strides(n);
  int64_t step = 1;
  for (int i = 0; i < n; ++i) {
    strides[order[i]] = step;
    step *= std::max<int64_t>(t.size(order[i]), 1);
  }
  return strides;
}

Tensor contiguous(const Tensor& self) {
  check_defined("contiguous", "self", self);
  if (self.is_contiguous()) return self;
  Tensor out = contiguous_values(self);
  if (recording(self)) {
    record_light("CloneBackward0", out, {&self}, [](const GradIn& g) -> Grads { return {g[0]}; });
  }
  return out;
}

Tensor clone(const Tensor& self) {
  check_defined("clone", "self", self);
  Tensor out = copied(self, dense_strides(self), self.dtype(), self.device());
  if (recording(self)) {
    record_light("CloneBackward0", out, {&self}, [](const GradIn& g) -> Grads { return {g[0]}; });
  }
  return out;
}

Tensor to(const Tensor& self, DType dtype, bool copy) {
  check_defined("to", "self", self);
  if (dtype == self.dtype() && !copy) return self;
  return converted_copy(self, dtype, self.device());
}

Tensor to_device(const Tensor& self, Device device, bool copy) {
  check_defined("to", "self", self);
  if (device == self.device() && !copy) return self;
  return converted_copy(self, self.dtype(), device);
}

const Tensor& copy_(const Tensor& self, const Tensor& from) {
  check_defined("copy_", "self", self);
  check_defined("copy_", "from", from);
  check_inplace("copy_", self);
  if (same(self, from)) return self;
  if (!is_broadcastable_to(from.sizes(), self.sizes())) {
    fail(Status::kShape, "copy_: shape mismatch: destination ", shape_string(self.sizes()),
         ", source ", shape_string(from.sizes()),
         ": the source must broadcast to the destination's shape");
  }
  if (from.is_meta() && !self.is_meta()) {
    fail(Status::kDevice,
         "copy_: no data: source on meta: a meta tensor has a shape but no values");
  }
  const Tensor source = overlap_free(self, from);
  Ref<Node> node;
  if (is_differentiable(self.dtype()) && recording(self, from)) {
    const Tensor* const inputs[] = {&self, &from};
    node = make_rule<false>(
        "CopyBackwards", inputs, [device = from.device()](const GradIn& g) -> Grads {
          return {g.needs(0) ? erased_gradient(g[0]) : Tensor(),
                  !g.needs(1) || g[0].device() == device ? g[0] : to_device(g[0], device)};
        });
  }
  copy_values(self, source);
  inplace_done(self, std::move(node));
  return self;
}

void check_value_fits(std::string_view op, Scalar value, DType dtype) {
  const double v = value.to_double();
  bool fits = value.imag() == 0 || is_complex(dtype);
  if (!fits) {
    fail(Status::kInvalidArgument, op, ": value out of range: a complex number for ",
         dtype_name(dtype), ": the dtype must be able to hold its imaginary part");
  }
  if (is_complex(dtype)) return;
  if (is_floating(dtype)) {
    const double limit = dtype == DType::kFloat32    ? std::numeric_limits<float>::max()
                         : dtype == DType::kFloat16  ? 65504.0
                         : dtype == DType::kBFloat16 ? 3.3895313892515355e38
                                                     : std::numeric_limits<double>::max();
    fits = !std::isfinite(v) || std::fabs(v) <= limit;
  } else if (dtype != DType::kBool) {
    // Unsigned dtypes take negative values, which wrap around.
    const int bits = static_cast<int>(dtype_size(dtype)) * 8;
    const bool no_sign = is_unsigned(dtype);
    if (value.is_float() || value.is_complex()) {
      const double limit = std::ldexp(1.0, no_sign ? bits : bits - 1);
      fits = v < limit && v > (no_sign ? -limit : -limit - 1);
    } else if (value.is_big()) {
      fits = dtype == DType::kUInt64;
    } else if (bits < 64) {
      const int64_t limit = int64_t{1} << (no_sign ? bits : bits - 1);
      const int64_t i = value.to_int();
      fits = i < limit && (no_sign ? i > -limit : i >= -limit);
    }
  }
  if (fits) return;
  fail(Status::kInvalidArgument, op, ": value out of range: ",
       value.is_float() ? cat(v)
       : value.is_big() ? cat(value.to_uint())
                        : cat(value.to_int()),
       " for ", dtype_name(dtype), ": the dtype must be able to hold it");
}

namespace {

const Tensor& filled(const char* op, const char* node_name, const Tensor& self, Scalar value) {
  check_defined(op, "self", self);
  check_value_fits(op, value, self.dtype());
  check_inplace(op, self);
  Ref<Node> node = erasing_node(node_name, self);
  // Small unsigned integers wrap negative values around.
  if (self.dtype() == DType::kUInt8 && value.to_double() < 0) {
    value = Scalar(static_cast<int64_t>(static_cast<uint8_t>(value.to_int())));
  }
  fill_values(self, value);
  inplace_done(self, std::move(node));
  return self;
}

}  // namespace

const Tensor& fill_(const Tensor& self, Scalar value) {
  return filled("fill_", "FillBackward2", self, value);
}

const Tensor& fill_(const Tensor& self, const Tensor& value) {
  check_defined("fill_", "self", self);
  check_defined("fill_", "value", value);
  if (value.dim() != 0) {
    fail(Status::kShape, "fill_: not a single value: value of shape ", shape_string(value.sizes()),
         ": a 0-dim tensor is needed; use copy_ to broadcast");
  }
  if (self.is_meta() && value.is_meta()) {
    check_inplace("fill_", self);
  } else if (!is_differentiable(self.dtype()) || !recording(self, value)) {
    return fill_(self, value.item("fill_"));
  } else {
    check_value_fits("fill_", value.item("fill_"), self.dtype());
    check_inplace("fill_", self);
  }
  Ref<Node> node;
  if (is_differentiable(self.dtype()) && recording(self, value)) {
    const Tensor* const inputs[] = {&self, &value};
    node = make_rule<false>("FillBackward3", inputs, [](const GradIn& g) -> Grads {
      return {g.needs(0) ? erased_gradient(g[0]) : Tensor(), g[0]};
    });
  }
  if (!self.is_meta()) fill_values(self, value.item("fill_"));
  inplace_done(self, std::move(node));
  return self;
}

const Tensor& zero_(const Tensor& self) { return filled("zero_", "ZeroBackward0", self, 0); }

Tensor erased_gradient(const Tensor& g) {
  Tensor out = Tensor::empty_like(g);
  fill_values(out, 0);
  return out;
}

namespace {

// Sums the dims of `mask` of a contiguous tensor, one run of neighbours at a time, the innermost
// first. The result has `sizes`.
Tensor reduced(Tensor t, uint64_t mask, IntSpan sizes) {
  const DType dtype = t.dtype();
  const ReduceKernel kernel =
      backend(t.device()).reduce[static_cast<int>(Reduce::kSum)][static_cast<int>(dtype)];
  if (!kernel) fail_unsupported("sum", t.device(), dtype);
  Dims left = t.sizes();
  int d = t.dim() - 1;
  while (mask != 0) {
    while (!(mask >> d & 1)) --d;
    const int end = d;
    int64_t n = 1, inner = 1, outer = 1;
    // A dim of size 1 between two reduced dims does not part them.
    for (; d >= 0 && ((mask >> d & 1) || left[d] == 1); --d) {
      n *= left[d];
      mask &= ~(uint64_t{1} << d);
    }
    for (int i = end + 1; i < left.size(); ++i) inner *= left[i];
    for (int i = 0; i <= d; ++i) outer *= left[i];
    for (int i = d + 1; i <= end; ++i) left[i] = 1;
    Tensor out = mask == 0 ? Tensor::empty(sizes, dtype, t.device())
                           : Tensor::empty(Dims{outer, inner}, dtype, t.device());
    if (out.numel() > 0) kernel(t.data(), out.data(), outer, n, inner, {});
    t = std::move(out);
  }
  return t;
}

Tensor summed_to(const Tensor& self, IntSpan sizes) {
  const DType dtype = is_integral(self.dtype(), true) ? DType::kInt64 : self.dtype();
  if (self.is_meta() || numel_of(sizes) == 0) return Tensor::empty(sizes, dtype, self.device());
  if (self.numel() == 0) {
    Tensor zeros = Tensor::empty(sizes, dtype);
    fill_values(zeros, 0);
    return zeros;
  }
  const int lead = self.dim() - static_cast<int>(sizes.size());
  uint64_t mask = 0;
  int runs = 0;
  bool inside = false;
  for (int d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 1) continue;
    const bool reduce = d < lead || sizes[static_cast<size_t>(d - lead)] == 1;
    if (reduce) mask |= uint64_t{1} << d;
    if (reduce && !inside) ++runs;
    inside = reduce;
  }
  Tensor t = contiguous_values(converted(self, dtype));
  if (mask == 0) return reshape(t, sizes);  // only dims of size 1 go
  // Sums of sums in a narrow dtype would round twice.
  if (runs > 1 && is_reduced_float(dtype)) {
    return converted(reduced(converted(t, DType::kFloat32), mask, sizes), dtype);
  }
  return reduced(t, mask, sizes);
}

}  // namespace

Tensor sum_to_size(const Tensor& self, IntSpan sizes) {
  check_defined("sum_to_size", "self", self);
  if (sizes.empty()) return sum(self);  // torch's rule, also where nothing is to be summed
  if (self.sizes() == Dims(sizes)) return self;
  if (!is_broadcastable_to(sizes, self.sizes())) {
    fail(Status::kShape, "sum_to_size: shape mismatch: ", shape_string(self.sizes()), " to ",
         shape_string(sizes), ": the target must broadcast to the tensor's shape");
  }
  Tensor out;
  if (numel_of(sizes) == self.numel() && is_differentiable(self.dtype()))
    return reshape(self, sizes);
  {
    GradMode off(false);
    out = summed_to(self, sizes);
  }
  if (recording(self)) {
    record_light("SumBackward1", out, {&self}, [sizes = self.sizes()](const GradIn& g) -> Grads {
      return {expand(g[0], sizes)};
    });
  }
  return out;
}

}  // namespace mt
