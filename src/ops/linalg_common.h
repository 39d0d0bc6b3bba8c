// What the linear algebra ops share: checks, column-major buffers and batches of matrices.
// Not for users.
#pragma once

#include "kernels/linalg.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {

// With at least two dims; check_matrix: floating too.
void check_matrix_shape(std::string_view op, const Tensor& t);
void check_matrix(std::string_view op, const Tensor& t);
void check_square(std::string_view op, const Tensor& t);
inline int64_t rows_of(const Tensor& t) { return t.size(t.dim() - 2); }
inline int64_t columns_of(const Tensor& t) { return t.size(t.dim() - 1); }
// Sizes without the last `n` dims, then with others behind them.
Dims batch_dims(const Tensor& t, int n = 2);
Dims batch_with(const Tensor& t, std::initializer_list<int64_t> sizes);
inline Tensor mT(const Tensor& t) { return transpose(t, -2, -1); }

// A fresh buffer with t's matrices in column-major order: (..., n, m) in memory for (..., m, n).
Tensor column_major(const Tensor& t);
// An uninitialised one for matrices of m rows and n columns.
Tensor empty_columns(const Tensor& like, int64_t m, int64_t n);
// The buffer seen as matrices again: its last two dims swapped. Without history.
Tensor as_matrices(const Tensor& buffer);

// A kernel for t's dtype; null on meta (nothing to do), an error where there is none.
template <class F>
F linalg_kernel(std::string_view op, const Tensor& t, F (LinalgKernels::*table)[kNumDTypes]) {
  if (t.is_meta()) return nullptr;
  const LinalgKernels* const k = backend(t.device()).linalg;
  const F f = k ? (k->*table)[static_cast<int>(t.dtype())] : nullptr;
  if (!f) fail_unsupported(op, t.device(), t.dtype());
  return f;
}
// LAPACK counts in int.
int lapack_int(std::string_view op, int64_t n);

// A tensor as a sequence of equal parts, one a matrix (or vector, or number) of the batch.
class Parts {
 public:
  Parts(const Tensor& t, int64_t count)
      : base_(static_cast<char*>(t.data())),
        step_(count > 0 ? t.numel() / count * static_cast<int64_t>(dtype_size(t.dtype())) : 0) {}
  void* operator[](int64_t i) const { return base_ ? base_ + i * step_ : nullptr; }

 private:
  char* base_;
  int64_t step_;
};
inline int64_t batch_count(const Tensor& t) { return numel_of(batch_dims(t)); }

// Fails when an entry of info is not 0, naming the matrix of a batch; `trouble` says what it means.
void check_info(std::string_view op, const Tensor& info, std::string_view trouble);
// Fails when t holds NaN or infinity, which LAPACK's iterations cannot stand.
void check_finite(std::string_view op, const Tensor& t);

// The solution of a x = b for equal batches, recorded; info into *info when given.
Tensor solve_square(std::string_view op, const Tensor& a, const Tensor& b, Tensor* info);
// Both with the batch dims that theirs broadcast to; recorded views.
void broadcast_batches(std::string_view op, Tensor& a, Tensor& b);

// A saved output of a node with several, the nr-th one, with its history.
Tensor saved_output(const SavedTensor& saved, const GradIn& g, uint32_t nr);

// An output that cannot be differentiated though its input wants a gradient, as in PyTorch:
// backward through it is an error.
void record_no_gradient(const char* name, Tensor& out, const Tensor& input);

}  // namespace mt
