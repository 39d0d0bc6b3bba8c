// Complex numbers and their parts: see complex.h. The engine conjugates gradients around the rules
// of ops with complex outputs (autograd/engine.cpp); those here are written for that.
#include "ops/complex.h"

#include "ops/compare.h"
#include "ops/elementary.h"
#include "ops/power.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

void check_complex(std::string_view op, const Tensor& t) {
  check_defined(op, "input", t);
  if (is_complex(t.dtype())) return;
  fail(Status::kDType, op, ": dtype mismatch: input is ", dtype_name(t.dtype()),
       ": a complex dtype is needed");
}

// The same bytes as elements of another dtype.
Tensor reinterpreted(const Tensor& t, DType dtype, IntSpan sizes, IntSpan strides, int64_t offset) {
  Tensor out = t.alias(sizes, strides, offset);
  out.impl()->dtype = dtype;
  return out;
}

// The real (0) or imaginary (1) parts, without history.
Tensor part_view(const Tensor& z, int part) {
  Dims strides = z.strides();
  for (int64_t& s : strides) s *= 2;
  Tensor out = reinterpreted(z, real_type(z.dtype()), z.sizes(), strides, z.offset() * 2 + part);
  mark_view(out, z);
  return out;
}

// The complex tensor of which g is one part and the other is 0.
Tensor as_part(const Tensor& g, int part) {
  const Tensor zero = zeros_for(g);
  return part == 0 ? complex(g, zero) : complex(zero, g);
}

void check_parts(std::string_view op, const Tensor& a, const Tensor& b, std::string_view a_name,
                 std::string_view b_name) {
  check_defined(op, a_name, a);
  check_defined(op, b_name, b);
  for (const Tensor* t : {&a, &b}) {
    if (t->dtype() == DType::kFloat32 || t->dtype() == DType::kFloat64) continue;
    fail(Status::kDType, op, ": dtype mismatch: ", t == &a ? a_name : b_name, " is ",
         dtype_name(t->dtype()), ": must be float32 or float64; convert with mt_tensor_to_dtype");
  }
  check_same_dtype(op, a_name, a, b_name, b);
}

Tensor sgn_values(const Tensor& self) {
  return unary_forward(Elementwise::kSign, self, self.dtype(), self.dtype());
}

}  // namespace

Tensor complex(const Tensor& re, const Tensor& im) {
  check_parts("complex", re, im, "real", "imag");
  const Device device = check_devices("complex", {&re, &im});
  const Dims sizes = broadcast_shapes("complex", re.sizes(), im.sizes());
  const DType dtype = complex_type(re.dtype());
  Tensor out = empty_output(re, sizes, dtype, device);
  {
    GradMode off(false);
    copy_values(part_view(out, 0), re);
    copy_values(part_view(out, 1), im);
  }
  if (recording(re, im)) {
    record_light("ComplexBackward0", out, {&re, &im}, [](const GradIn& g) -> Grads {
      return {g.needs(0) ? real(g[0]) : Tensor(), g.needs(1) ? neg(imag(g[0])) : Tensor()};
    });
  }
  return out;
}

Tensor polar(const Tensor& abs, const Tensor& angle) {
  check_parts("polar", abs, angle, "abs", "angle");
  return complex(abs * cos(angle), abs * sin(angle));
}

Tensor real(const Tensor& self) {
  check_defined("real", "input", self);
  if (!is_complex(self.dtype())) return self;
  Tensor out = part_view(self, 0);
  if (recording(self)) {
    record_light("RealBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {as_part(g[0], 0)}; });
  }
  return out;
}

Tensor imag(const Tensor& self) {
  check_complex("imag", self);
  Tensor out = part_view(self, 1);
  if (recording(self)) {
    record_light("ImagBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {as_part(g[0], 1)}; });
  }
  return out;
}

Tensor view_as_real(const Tensor& self) {
  check_complex("view_as_real", self);
  Dims sizes = self.sizes(), strides = self.strides();
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  Tensor out = reinterpreted(self, real_type(self.dtype()), sizes, strides, self.offset() * 2);
  mark_view(out, self);
  if (recording(self)) {
    record_light("ViewAsRealBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {view_as_complex(contiguous(g[0]))}; });
  }
  return out;
}

Tensor view_as_complex(const Tensor& self) {
  check_defined("view_as_complex", "input", self);
  if (self.dtype() != DType::kFloat32 && self.dtype() != DType::kFloat64) {
    fail(Status::kDType, "view_as_complex: dtype mismatch: input is ", dtype_name(self.dtype()),
         ": must be float32 or float64; convert with mt_tensor_to_dtype");
  }
  const int last = self.dim() - 1;
  bool fits = last >= 0 && self.size(last) == 2 && self.stride(last) == 1 && self.offset() % 2 == 0;
  for (int d = 0; d < last; ++d) fits = fits && self.stride(d) % 2 == 0;
  if (!fits) {
    fail(Status::kShape, "view_as_complex: bad layout: tensor of shape ",
         shape_string(self.sizes()), " and strides ", shape_string(self.strides()), ", offset ",
         self.offset(),
         ": the last dim must be of size 2 and stride 1, offset and other strides even; use "
         "contiguous");
  }
  Dims sizes = self.sizes(), strides = self.strides();
  sizes.resize(last);
  strides.resize(last);
  for (int64_t& s : strides) s /= 2;
  Tensor out = reinterpreted(self, complex_type(self.dtype()), sizes, strides, self.offset() / 2);
  mark_view(out, self);
  if (recording(self)) {
    record_light("ViewAsComplexBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {view_as_real(conj(g[0]))}; });
  }
  return out;
}

Tensor conj(const Tensor& self) {
  check_defined("conj", "input", self);
  if (!is_complex(self.dtype())) return self;
  Tensor out = empty_output(self, self.sizes(), self.dtype(), self.device());
  {
    GradMode off(false);
    copy_values(out, self);
    const Tensor im = part_view(out, 1);
    launch(Elementwise::kNeg, im.dtype(), {&im, &im});
  }
  if (recording(self)) {
    record_light("ConjBackward0", out, {&self},
                 [](const GradIn& g) -> Grads { return {conj(g[0])}; });
  }
  return out;
}

Tensor sgn(const Tensor& self) {
  check_defined("sgn", "input", self);
  if (!is_complex(self.dtype())) return sign(self);
  if (!recording(self)) return sgn_values(self);
  const Tensor r = complex_abs(self), none = eq(r, Tensor::from_scalar(0));
  return div(self, where(none, Tensor::from_scalar(1), r));
}

const Tensor& sgn_(const Tensor& self) {
  check_defined("sgn_", "input", self);
  if (!is_complex(self.dtype())) return sign_(self);
  return inplace(
      "sgn_", self, recording(self), true,
      [&](const Tensor& out) { copy_values(out, sgn_values(self)); },
      [](const Tensor& before) { return sgn(before); });
}

Tensor complex_abs(const Tensor& self) {
  const DType parts = real_type(self.dtype());
  Tensor out = unary_forward(Elementwise::kAbs, self, self.dtype(), parts);
  if (recording(self)) {
    record("AbsBackward0", out, {&self},
           [x = save(self)](const GradIn& g) -> Grads { return {g[0] * sgn(x.get(g))}; });
  }
  return out;
}

Tensor complex_angle(const Tensor& self) {
  Tensor out = unrecorded([&] { return atan2(imag(self), real(self)); });
  if (recording(self)) {
    // angle(z) = Im(log(z)), whose gradient is g * i / conj(z) = g * i z / |z|^2, and 0 at 0.
    record("AngleBackward0", out, {&self}, [x = save(self)](const GradIn& g) -> Grads {
      const Tensor z = x.get(g), re = real(z), im = imag(z);
      const Tensor norm = square(re) + square(im);
      const Tensor scale =
          where(eq(norm, Tensor::from_scalar(0)), Tensor::from_scalar(0.0), g[0] / norm);
      return {complex(neg(im) * scale, re * scale)};
    });
  }
  return out;
}

}  // namespace mt
