// Complex numbers and their parts. A gradient of a complex tensor is PyTorch's: the conjugate
// Wirtinger derivative, so that a step against it lowers a real loss; real inputs of complex ops
// get its real part. Real tensors count as complex ones without imaginary part where nothing is
// said.
#pragma once

#include "core/tensor.h"

namespace mt {

// real + i imag of two tensors of one floating dtype (float32 or float64), broadcast. kDType.
Tensor complex(const Tensor& real, const Tensor& imag);
Tensor polar(const Tensor& abs, const Tensor& angle);  // abs (cos(angle) + i sin(angle))

// The parts, as views: writes to them reach self. real of a real tensor is itself; it has no imag
// (kDType).
Tensor real(const Tensor& self);
Tensor imag(const Tensor& self);
// Views between (...) complex and (..., 2) real. view_as_complex needs a last dim of size 2 and
// stride 1, and even other strides (kShape).
Tensor view_as_real(const Tensor& self);
Tensor view_as_complex(const Tensor& self);

Tensor conj(const Tensor& self);  // a copy; self itself when it is real
Tensor sgn(const Tensor& self);   // self / |self|, 0 for 0; the sign of real numbers
const Tensor& sgn_(const Tensor& self);

// --- for other ops --------------------------------------------------------------------------
Tensor complex_abs(const Tensor& self);    // of complex tensors, recorded
Tensor complex_angle(const Tensor& self);  // of complex tensors, recorded

}  // namespace mt
