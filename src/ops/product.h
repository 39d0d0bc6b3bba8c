// Matrix products of values, without recording: operands go to the gemm kernel by their strides.
// What matmul.cpp's functions and their gradients are made of.
#pragma once

#include <string_view>

#include "core/tensor.h"

namespace mt {

// A matrix operand: the last two dims of a tensor, or a vector as a row or column.
struct Matrix {
  const Tensor* source;
  int64_t rows, cols, row_stride, col_stride;

  Matrix t() const { return {source, cols, rows, col_stride, row_stride}; }
};
inline Matrix matrix_of(const Tensor& t) {
  const int n = t.dim();
  return {&t, t.size(n - 2), t.size(n - 1), t.stride(n - 2), t.stride(n - 1)};
}
inline Matrix row_of(const Tensor& v) { return {&v, 1, v.size(0), v.size(0), v.stride(0)}; }
inline Matrix column_of(const Tensor& v) { return {&v, v.size(0), 1, v.stride(0), 1}; }

// out = alpha * a x b + beta * out; out contiguous (a.rows, b.cols), or any shape of that many
// elements. beta 0: out is not read. a.cols == b.rows was checked.
void multiply_into(std::string_view op, const Tensor& out, const Matrix& a, const Matrix& b,
                   double alpha = 1, double beta = 0);
// A new (a.rows, b.cols) tensor.
Tensor multiply(std::string_view op, const Matrix& a, const Matrix& b, double alpha = 1);

// The same for every batch of the leading dims of the sources, which broadcast to those of the
// contiguous `out`.
void multiply_batches_into(std::string_view op, const Tensor& out, const Matrix& a, const Matrix& b,
                           double alpha = 1, double beta = 0);

}  // namespace mt
