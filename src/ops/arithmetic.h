// Arithmetic with broadcasting and type promotion. Every function takes tensors or numbers
// (Tensor::from_scalar) and follows torch's result types; `op_` forms write into self.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// self + alpha * other
Tensor add(const Tensor& self, const Tensor& other, Scalar alpha = 1);
const Tensor& add_(const Tensor& self, const Tensor& other, Scalar alpha = 1);
// self - alpha * other; not for bool
Tensor sub(const Tensor& self, const Tensor& other, Scalar alpha = 1);
const Tensor& sub_(const Tensor& self, const Tensor& other, Scalar alpha = 1);
// other - alpha * self; not for bool
Tensor rsub(const Tensor& self, const Tensor& other, Scalar alpha = 1);
Tensor mul(const Tensor& self, const Tensor& other);
const Tensor& mul_(const Tensor& self, const Tensor& other);
// True division: integers give the default floating dtype. rounding_mode: "", "floor" or "trunc"
// (these keep integers, where a zero divisor is an error; their gradients are zero).
Tensor div(const Tensor& self, const Tensor& other, std::string_view rounding_mode = "");
const Tensor& div_(const Tensor& self, const Tensor& other, std::string_view rounding_mode = "");
// Python's //. Not differentiable: backward through it is an error, as in torch.
Tensor floor_divide(const Tensor& self, const Tensor& other);
const Tensor& floor_divide_(const Tensor& self, const Tensor& other);
// Python's %: self - other * floor(self / other), with the sign of other.
Tensor remainder(const Tensor& self, const Tensor& other);
const Tensor& remainder_(const Tensor& self, const Tensor& other);

// self + value * tensor1 * tensor2
Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, Scalar value = 1);
const Tensor& addcmul_(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       Scalar value = 1);
// self + value * tensor1 / tensor2; tensor1 and tensor2 not both of integers
Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2, Scalar value = 1);
const Tensor& addcdiv_(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
                       Scalar value = 1);
// self + weight * (end - self); floating dtype, the same for all tensors. weight: number or tensor.
Tensor lerp(const Tensor& self, const Tensor& end, const Tensor& weight);
const Tensor& lerp_(const Tensor& self, const Tensor& end, const Tensor& weight);

// The larger (smaller) of the two; NaN wins. Equal operands share the gradient half and half.
Tensor maximum(const Tensor& self, const Tensor& other);
Tensor minimum(const Tensor& self, const Tensor& other);

}  // namespace mt
