// Matrix products. Operands must have one dtype (no promotion, as in PyTorch); integers work,
// bool does not. Transposed and expanded operands are passed to the kernel by their strides, not
// copied. Every function is differentiable in all tensors, to any order.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace mt {

// (n, k) x (k, m) -> (n, m)
Tensor mm(const Tensor& self, const Tensor& mat2);
// (b, n, k) x (b, k, m) -> (b, n, m)
Tensor bmm(const Tensor& self, const Tensor& mat2);
// (n, k) x (k) -> (n)
Tensor mv(const Tensor& self, const Tensor& vec);
// (k) . (k) -> ()
Tensor dot(const Tensor& self, const Tensor& tensor);
// (n) x (m) -> (n, m)
Tensor outer(const Tensor& self, const Tensor& vec2);
// torch.matmul: 1-D operands are vectors, more than 2 dims are batches that broadcast.
Tensor matmul(const Tensor& self, const Tensor& other);
// beta * self + alpha * mat1 x mat2; self broadcasts to the product. With beta 0 self is not read,
// so that its NaNs do not spread.
Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, Scalar beta = 1,
             Scalar alpha = 1);
Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1,
               Scalar alpha = 1);
const Tensor& addmm_(const Tensor& self, const Tensor& mat1, const Tensor& mat2, Scalar beta = 1,
                     Scalar alpha = 1);
const Tensor& baddbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                       Scalar beta = 1, Scalar alpha = 1);
// input (..., in) x weight (out, in) transposed + bias (out) -> (..., out). A weight of shape (in)
// gives (...). `bias` may be undefined.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {});

}  // namespace mt
