// Sums of products over chosen dims: tensordot, einsum, products with an addend, chains of
// matrices, cross products and distances. Operands have one dtype unless said otherwise. All are
// made of recorded ops, so they are differentiable to any order.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/scalar.h"
#include "core/tensor.h"

namespace mt {

// Over the dims listed for each operand, pair by pair.
Tensor tensordot(const Tensor& self, const Tensor& other, IntSpan dims_self, IntSpan dims_other);
Tensor inner(const Tensor& self, const Tensor& other);  // over the last dims; numbers multiply
Tensor vdot(const Tensor& self, const Tensor& other);   // of real vectors: dot
Tensor kron(const Tensor& self, const Tensor& other);   // promotes
// Einstein's summation: a letter per dim of each operand, "..." for dims that broadcast, after "->"
// the letters of the result (without it: those that appear once, in alphabetical order). A letter
// repeated in one operand takes its diagonal.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);

// beta * self + alpha * product; self broadcasts and is not read with beta 0.
Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta = 1,
             Scalar alpha = 1);
Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1,
            Scalar alpha = 1);  // outer product; promotes, bool too
Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1,
              Scalar alpha = 1);  // the products of a batch, summed
const Tensor& addmv_(const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta = 1,
                     Scalar alpha = 1);
const Tensor& addr_(const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1,
                    Scalar alpha = 1);
const Tensor& addbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                      Scalar beta = 1, Scalar alpha = 1);

// The product of matrices (first and last may be vectors) in the cheapest order.
Tensor linalg_multi_dot(std::span<const Tensor> tensors);
Tensor chain_matmul(std::span<const Tensor> matrices);  // matrices only

// Of vectors with 3 elements along dim (without one: the first dim of size 3); the rest broadcasts.
Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim = {});
Tensor linalg_cross(const Tensor& self, const Tensor& other, int64_t dim = -1);
// p-norm distances of the rows of (..., P, M) and (..., R, M): (..., P, R).
Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);
Tensor linalg_vecdot(const Tensor& x, const Tensor& y, int64_t dim = -1);
// Powers 0, 1, ... of the elements as a new last dim of size n (default: that of the last dim).
Tensor vander(const Tensor& x, std::optional<int64_t> n = {}, bool increasing = false);
Tensor linalg_vander(const Tensor& x, std::optional<int64_t> n = {});

}  // namespace mt
