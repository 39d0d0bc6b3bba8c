// Checks and buffers of linear algebra: see linalg_common.h.
#include "ops/linalg_common.h"

#include <climits>
#include <cmath>

namespace mt {

void check_matrix_shape(std::string_view op, const Tensor& t) {
  check_defined(op, "input", t);
  if (t.dim() < 2) {
    fail(Status::kShape, op, ": too few dims: tensor of shape ", shape_string(t.sizes()),
         ": a matrix or a batch of matrices is needed");
  }
}

void check_matrix(std::string_view op, const Tensor& t) {
  check_matrix_shape(op, t);
  check_floating(op, t);
}

void check_square(std::string_view op, const Tensor& t) {
  check_matrix(op, t);
  if (rows_of(t) == columns_of(t)) return;
  fail(Status::kShape, op, ": not square: tensor of shape ", shape_string(t.sizes()),
       ": the last two dims must be equal");
}

Dims batch_dims(const Tensor& t, int n) {
  Dims sizes = t.sizes();
  sizes.resize(sizes.size() - n);
  return sizes;
}

Dims batch_with(const Tensor& t, std::initializer_list<int64_t> more) {
  Dims sizes = batch_dims(t);
  for (int64_t s : more) sizes.push_back(s);
  return sizes;
}

Tensor empty_columns(const Tensor& like, int64_t m, int64_t n) {
  return Tensor::empty(batch_with(like, {n, m}), like.dtype(), like.device());
}

Tensor as_matrices(const Tensor& buffer) {
  Dims sizes = buffer.sizes(), strides = buffer.strides();
  const int n = sizes.size();
  std::swap(sizes[n - 1], sizes[n - 2]);
  std::swap(strides[n - 1], strides[n - 2]);
  return buffer.alias(sizes, strides, buffer.offset());
}

Tensor column_major(const Tensor& t) {
  Tensor buffer = empty_columns(t, rows_of(t), columns_of(t));
  copy_values(as_matrices(buffer), t);
  return buffer;
}

int lapack_int(std::string_view op, int64_t n) {
  if (n > INT_MAX / 2) {
    fail(Status::kShape, op, ": matrix too large: a side of ", n, ": must be below 2^30");
  }
  return static_cast<int>(n);
}

void check_info(std::string_view op, const Tensor& info, std::string_view trouble) {
  if (info.is_meta()) return;
  const Tensor flat = contiguous_values(info);
  const auto* const p = flat.data_as<int32_t>();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (p[i] == 0) continue;
    if (info.dim() == 0) {
      fail(Status::kInvalidArgument, op, ": ", trouble, " (code ", p[i], ")");
    }
    fail(Status::kInvalidArgument, op, ": batch element ", i, ": ", trouble, " (code ", p[i], ")");
  }
}

void check_finite(std::string_view op, const Tensor& t) {
  if (t.is_meta() || t.numel() == 0) return;
  const Tensor values = contiguous_values(t);
  const auto all_finite = [&]<class T>(const T* p) {
    for (int64_t i = 0; i < values.numel(); ++i) {
      if (!std::isfinite(p[i])) return false;
    }
    return true;
  };
  const bool finite = t.dtype() == DType::kFloat32   ? all_finite(values.data_as<float>())
                      : t.dtype() == DType::kFloat64 ? all_finite(values.data_as<double>())
                                                     : true;
  if (!finite) {
    fail(Status::kInvalidArgument, op, ": not finite: the input has NaN or infinite elements: ",
         "the algorithm would not converge");
  }
}

void broadcast_batches(std::string_view op, Tensor& a, Tensor& b) {
  const Dims batch = broadcast_shapes(op, batch_dims(a), batch_dims(b));
  const auto expanded = [&](const Tensor& t) {
    Dims sizes = batch;
    sizes.push_back(rows_of(t));
    sizes.push_back(columns_of(t));
    return t.sizes() == sizes ? t : expand(t, sizes);
  };
  a = expanded(a);
  b = expanded(b);
}

Tensor saved_output(const SavedTensor& saved, const GradIn& g, uint32_t nr) {
  const Tensor t = saved.get(g);
  if (g.create_graph()) autograd_meta(t).output_nr = nr;
  return t;
}

void record_no_gradient(const char* name, Tensor& out, const Tensor& input) {
  if (!recording(input)) return;
  record_light(name, out, {&input}, [name](const GradIn&) -> Grads {
    fail(Status::kAutograd, name, ": not differentiable: a gradient was asked for: there is no ",
         "rule for it; use detach");
  });
}

}  // namespace mt
