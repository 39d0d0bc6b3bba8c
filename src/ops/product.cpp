// Chooses the kernel's transpose flags and leading dimensions from strides; copies an operand only
// when neither its rows nor its columns are contiguous.
#include "ops/product.h"

#include <algorithm>

#include "ops/common.h"

namespace mt {
namespace {

// How the kernel reads a matrix: as stored, or as the transpose of what is stored.
struct Layout {
  bool known, trans;
  int64_t ld;
};

Layout layout_of(const Matrix& m) {
  if ((m.col_stride == 1 || m.cols <= 1) && (m.row_stride >= m.cols || m.rows <= 1)) {
    if (m.row_stride > 0 || m.rows <= 1) {
      return {true, false, m.rows <= 1 ? std::max<int64_t>(m.cols, 1) : m.row_stride};
    }
  }
  if ((m.row_stride == 1 || m.rows <= 1) && (m.col_stride >= m.rows || m.cols <= 1)) {
    if (m.col_stride > 0 || m.cols <= 1) {
      return {true, true, m.cols <= 1 ? std::max<int64_t>(m.rows, 1) : m.col_stride};
    }
  }
  return {false, false, 0};
}

GemmKernel kernel_for(std::string_view op, const Tensor& t) {
  if (t.dtype() == DType::kBool) fail_unsupported(op, t.device(), t.dtype());
  if (t.is_meta()) return nullptr;
  const GemmKernel kernel = backend(t.device()).gemm[static_cast<int>(t.dtype())];
  if (!kernel) fail_unsupported(op, t.device(), t.dtype());
  return kernel;
}

// An operand with its batch dims: strides in elements, 0 where it broadcasts.
struct Batched {
  Layout layout;
  const char* data;
  int64_t stride[kMaxDims];
  Tensor copy;
};

// `m`'s matrices copied to contiguous ones; batches that share one matrix still do.
Tensor copy_matrices(const Matrix& m, int batch_dims) {
  const Tensor& t = *m.source;
  Dims sizes(batch_dims), strides(batch_dims);
  for (int d = 0; d < batch_dims; ++d) {
    sizes[d] = t.stride(d) == 0 ? 1 : t.size(d);
    strides[d] = t.stride(d);
  }
  sizes.push_back(m.rows);
  sizes.push_back(m.cols);
  strides.push_back(m.row_stride);
  strides.push_back(m.col_stride);
  const Tensor view = t.alias(sizes, strides, t.offset());
  Tensor out = Tensor::empty(sizes, t.dtype(), t.device());
  copy_values(out, view);
  return out;
}

void prepare(Batched& b, const Matrix& m, int out_batch_dims) {
  const Tensor* t = m.source;
  const int own = t->dim() - 2;
  b.layout = layout_of(m);
  if (!b.layout.known) {
    b.copy = copy_matrices(m, own);
    t = &b.copy;
    b.layout = {true, false, std::max<int64_t>(m.cols, 1)};
  }
  b.data = static_cast<const char*>(t->data());
  for (int d = 0; d < out_batch_dims; ++d) {
    const int at = d - (out_batch_dims - own);
    b.stride[d] = at < 0 || t->size(at) == 1 ? 0 : t->stride(at);
  }
}

}  // namespace

void multiply_into(std::string_view op, const Tensor& out, const Matrix& a, const Matrix& b,
                   double alpha, double beta) {
  const GemmKernel kernel = kernel_for(op, out);
  if (!kernel || out.numel() == 0) return;
  Layout la = layout_of(a), lb = layout_of(b);
  const Tensor *ta = a.source, *tb = b.source;
  Tensor copy_a, copy_b;
  if (!la.known) {
    copy_a = copy_matrices(a, 0);
    ta = &copy_a;
    la = {true, false, std::max<int64_t>(a.cols, 1)};
  }
  if (!lb.known) {
    copy_b = copy_matrices(b, 0);
    tb = &copy_b;
    lb = {true, false, std::max<int64_t>(b.cols, 1)};
  }
  kernel({la.trans, lb.trans, a.rows, b.cols, a.cols, alpha, beta, ta->data(), la.ld, tb->data(),
          lb.ld, out.data(), b.cols});
}

Tensor multiply(std::string_view op, const Matrix& a, const Matrix& b, double alpha) {
  Tensor out = Tensor::empty({{a.rows, b.cols}}, a.source->dtype(), a.source->device());
  multiply_into(op, out, a, b, alpha);
  return out;
}

void multiply_batches_into(std::string_view op, const Tensor& out, const Matrix& a, const Matrix& b,
                           double alpha, double beta) {
  const GemmKernel kernel = kernel_for(op, out);
  if (!kernel || out.numel() == 0) return;
  const int n = out.dim() - 2;
  Batched pa, pb;
  prepare(pa, a, n);
  prepare(pb, b, n);
  // Merge the batch dims: the innermost group is the kernel's batch, the others are looped over.
  int64_t size[kMaxDims], stride_a[kMaxDims], stride_b[kMaxDims], stride_c[kMaxDims];
  int groups = 0;
  for (int d = n - 1; d >= 0; --d) {
    if (out.size(d) == 1) continue;
    const int last = groups - 1;
    if (groups > 0 && pa.stride[d] == stride_a[last] * size[last] &&
        pb.stride[d] == stride_b[last] * size[last] &&
        out.stride(d) == stride_c[last] * size[last]) {
      size[last] *= out.size(d);
      continue;
    }
    size[groups] = out.size(d);
    stride_a[groups] = pa.stride[d];
    stride_b[groups] = pb.stride[d];
    stride_c[groups++] = out.stride(d);
  }
  const auto bytes = static_cast<int64_t>(dtype_size(out.dtype()));
  GemmArgs args{pa.layout.trans, pb.layout.trans, a.rows,  b.cols,       a.cols,     alpha, beta,
                pa.data,         pa.layout.ld,    pb.data, pb.layout.ld, out.data(), b.cols};
  if (groups > 0) {
    args.batch = size[0];
    args.stride_a = stride_a[0];
    args.stride_b = stride_b[0];
    args.stride_c = stride_c[0];
  }
  int64_t outer = 1;
  for (int g = 1; g < groups; ++g) outer *= size[g];
  for (int64_t i = 0; i < outer; ++i) {
    int64_t rest = i, at_a = 0, at_b = 0, at_c = 0;
    for (int g = 1; g < groups; ++g) {
      const int64_t index = rest % size[g];
      rest /= size[g];
      at_a += index * stride_a[g];
      at_b += index * stride_b[g];
      at_c += index * stride_c[g];
    }
    // Operands of no elements, an inner size of 0, have no address to add to.
    if (a.cols > 0) {
      args.a = pa.data + at_a * bytes;
      args.b = pb.data + at_b * bytes;
    }
    args.c = static_cast<char*>(out.data()) + at_c * bytes;
    kernel(args);
  }
}

}  // namespace mt
