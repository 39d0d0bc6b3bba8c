// Checks, forward and gradients of the matrix products. d(a x b) = g x b^T and a^T x g throughout;
// without create_graph the transposes are flags of the kernel, with it they are recorded views.
#include "ops/matmul.h"

#include <cstring>

#include "core/parallel.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/product.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

// One device and one dtype for two operands, which errors call by their names.
void check_pair(std::string_view op, std::string_view a_name, const Tensor& a,
                std::string_view b_name, const Tensor& b) {
  check_defined(op, a_name, a);
  check_defined(op, b_name, b);
  if (a.device() != b.device()) {
    fail(Status::kDevice, op, ": device mismatch: ", a_name, " on ", device_name(a.device()), ", ",
         b_name, " on ", device_name(b.device()),
         ": both must be on one device; move with mt_tensor_to_device");
  }
  check_same_dtype(op, a_name, a, b_name, b);
}

void check_dim(std::string_view op, std::string_view name, const Tensor& t, int dim) {
  if (t.dim() == dim) return;
  fail(Status::kShape, op, ": shape mismatch: ", name, " ", shape_string(t.sizes()), ": must have ",
       dim, dim == 1 ? " dim" : " dims", ", has ", t.dim());
}

// The dims that are summed over must agree.
void check_inner(std::string_view op, const Tensor& a, int da, const Tensor& b, int db) {
  if (a.size(da) == b.size(db)) return;
  fail(Status::kShape, op, ": shape mismatch: lhs ", shape_string(a.sizes()), ", rhs ",
       shape_string(b.sizes()), ": lhs dim ", da, " (", a.size(da), ") must equal rhs dim ", db,
       " (", b.size(db), ")");
}

// A factor as the kernel takes it: integers multiply by integers.
double factor_for(DType dtype, Scalar s) {
  return is_differentiable(dtype) ? s.to_double() : static_cast<double>(s.to_int());
}

bool is_column_major(const Tensor& t) {
  return t.dim() == 2 && !t.is_contiguous() && t.stride(0) == 1;
}

// alpha * a x b for gradients, in column-major order when `like_columns`: the gradient of a
// transposed view then transposes back to a contiguous one.
Tensor multiply_like(const char* op, const Matrix& a, const Matrix& b, bool like_columns,
                     double alpha) {
  if (!like_columns) return multiply(op, a, b, alpha);
  const Tensor r = multiply(op, b.t(), a.t(), alpha);
  return r.alias({{r.size(1), r.size(0)}}, {{1, r.size(1)}}, r.offset());
}

// What the gradients of alpha * a x b need; 2-dim operands.
struct SavedPair {
  SavedTensor a, b;
  bool columns_a, columns_b;
  double alpha;

  SavedPair(const Tensor& ta, const Tensor& tb, double factor)
      : a(save_if(tb.requires_grad(), ta)),
        b(save_if(ta.requires_grad(), tb)),
        columns_a(is_column_major(ta)),
        columns_b(is_column_major(tb)),
        alpha(factor) {}

  // Gradient of a is the node's input `at`, of b the next.
  Tensor to_a(const GradIn& g, int at) const {
    if (!g.needs(at)) return {};
    const Tensor tb = b.get(g);
    if (g.create_graph()) return scaled(mm(g[0], t(tb)), alpha);
    return multiply_like("mm", matrix_of(g[0]), matrix_of(tb).t(), columns_a, alpha);
  }
  Tensor to_b(const GradIn& g, int at) const {
    if (!g.needs(at)) return {};
    const Tensor ta = a.get(g);
    if (g.create_graph()) return scaled(mm(t(ta), g[0]), alpha);
    return multiply_like("mm", matrix_of(ta).t(), matrix_of(g[0]), columns_b, alpha);
  }
};

// a x b over the batch dims before the last two, which broadcast; one node, like bmm.
Tensor batched_product(std::string_view op, const Tensor& a, const Tensor& b);

Tensor batched_values(std::string_view op, const Matrix& a, const Matrix& b) {
  const Dims &sa = a.source->sizes(), &sb = b.source->sizes();
  Dims sizes = broadcast_shapes(op, IntSpan(sa).first(static_cast<size_t>(sa.size() - 2)),
                                IntSpan(sb).first(static_cast<size_t>(sb.size() - 2)));
  sizes.push_back(a.rows);
  sizes.push_back(b.cols);
  Tensor out = Tensor::empty(sizes, a.source->dtype(), a.source->device(), op);
  multiply_batches_into(op, out, a, b);
  return out;
}

Tensor batched_grad_a(const GradIn& g, const SavedTensor& b, double alpha) {
  const Tensor tb = b.get(g);
  if (g.create_graph()) return scaled(batched_product("bmm", g[0], transpose(tb, -2, -1)), alpha);
  return scaled(batched_values("bmm", matrix_of(g[0]), matrix_of(tb).t()), alpha);
}

Tensor batched_grad_b(const GradIn& g, const SavedTensor& a, double alpha) {
  const Tensor ta = a.get(g);
  if (g.create_graph()) return scaled(batched_product("bmm", transpose(ta, -2, -1), g[0]), alpha);
  return scaled(batched_values("bmm", matrix_of(ta).t(), matrix_of(g[0])), alpha);
}

Tensor batched_product(std::string_view op, const Tensor& a, const Tensor& b) {
  Tensor out = batched_values(op, matrix_of(a), matrix_of(b));
  if (recording(a, b)) {
    record("BmmBackward0", out, {&a, &b},
           [sa = save_if(b.requires_grad(), a),
            sb = save_if(a.requires_grad(), b)](const GradIn& g) -> Grads {
             return {g.needs(0) ? batched_grad_a(g, sb, 1) : Tensor(),
                     g.needs(1) ? batched_grad_b(g, sa, 1) : Tensor()};
           });
  }
  return out;
}

// A fresh result in another shape. Not a view in the sense of in-place writes: nobody else sees r.
Tensor reshaped_result(const char* name, const Tensor& r, IntSpan sizes) {
  Tensor out = r.alias(sizes, contiguous_strides(sizes), r.offset());
  if (recording(r)) {
    record_light(name, out, {&r}, [before = r.sizes()](const GradIn& g) -> Grads {
      return {reshape(g[0], before)};
    });
  }
  return out;
}

// All dims but the last become one.
Tensor flatten_rows(const Tensor& t) {
  int64_t rows = 1;
  for (int d = 0; d + 1 < t.dim(); ++d) rows *= t.size(d);
  return reshape(t, {{rows, t.size(t.dim() - 1)}});
}

// matmul of a (..., n, k) with a matrix or vector: the leading dims become rows of one product.
Tensor folded_product(const Tensor& a, const Tensor& b) {
  Dims sizes = a.sizes();
  sizes.resize(a.dim() - 1);
  if (b.dim() == 2) sizes.push_back(b.size(1));
  const Tensor rows = flatten_rows(a);
  return reshaped_result("UnsafeViewBackward0", b.dim() == 1 ? mv(rows, b) : mm(rows, b), sizes);
}

void check_batches(std::string_view op, const Tensor& a, const Tensor& b) {
  const int na = a.dim() - 2, nb = b.dim() - 2, n = na > nb ? na : nb;
  for (int i = 0; i < n; ++i) {
    const int da = i - (n - na), db = i - (n - nb);
    if (da < 0 || db < 0) continue;
    const int64_t sa = a.size(da), sb = b.size(db);
    if (sa == sb || sa == 1 || sb == 1) continue;
    fail(Status::kShape, op, ": shape mismatch: lhs ", shape_string(a.sizes()), ", rhs ",
         shape_string(b.sizes()), ": batch sizes lhs dim ", da, " (", sa, ") and rhs dim ", db,
         " (", sb, ") must be equal, or one of them 1");
  }
}

// Writes `self`, broadcast, into the product's memory, for the kernel to add to.
void prefill(const Tensor& out, const Tensor& self) {
  if (out.is_meta() || out.numel() == 0) return;
  const size_t size = dtype_size(out.dtype());
  if (self.dim() != 1 || self.size(0) != out.size(out.dim() - 1) || !self.is_contiguous() ||
      (size != 4 && size != 8)) {
    return copy_values(out, self);
  }
  const int64_t cols = self.size(0), numel = out.numel();
  const auto rows = [&]<class T>(T* to, const T* from) {
    if (cols == 1 && numel <= 32768) {
      for (int64_t i = 0; i < numel; ++i) to[i] = *from;
      return;
    }
    parallel_for(0, numel / cols, 1 + 32768 / cols, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        std::memcpy(to + i * cols, from, static_cast<size_t>(cols) * sizeof(T));
      }
    });
  };
  if (size == 4) {
    rows(out.data_as<uint32_t>(), self.data_as<const uint32_t>());
  } else {
    rows(out.data_as<uint64_t>(), self.data_as<const uint64_t>());
  }
}

void check_addend(std::string_view op, const Tensor& self, IntSpan sizes, std::string_view name) {
  if (is_broadcastable_to(self.sizes(), sizes)) return;
  fail(Status::kShape, op, ": shape mismatch: ", name, " ", shape_string(self.sizes()),
       ", product ", shape_string(sizes), ": ", name, " must broadcast to the product's shape");
}

// Gradients of input x weight^T (+ bias): `at` is input's place among the node's inputs.
struct LinearRule {
  SavedTensor x, w;
  bool columns;
  int at;

  Grads operator()(const GradIn& g) const {
    Grads r(at + 2);
    if (at == 1) r[0] = g[0];  // the engine sums it to the bias's shape
    if (g.needs(at)) {
      const Tensor tw = w.get(g);
      r[at] = g.create_graph()
                  ? mm(g[0], tw)
                  : multiply_like("linear", matrix_of(g[0]), matrix_of(tw), columns, 1);
    }
    if (g.needs(at + 1)) {
      const Tensor tx = x.get(g);
      r[at + 1] = g.create_graph() ? mm(t(g[0]), tx)
                                   : multiply("linear", matrix_of(g[0]).t(), matrix_of(tx));
    }
    return r;
  }
};

// input (n, in) x weight^T (in, out) + bias: one kernel call, one node.
Tensor linear_2d(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  const Matrix x = matrix_of(input), w = matrix_of(weight).t();
  Tensor out = Tensor::empty({{x.rows, w.cols}}, input.dtype(), input.device());
  if (bias.defined()) {
    check_addend("linear", bias, out.sizes(), "bias");
    prefill(out, bias);
  }
  multiply_into("linear", out, x, w, 1, bias.defined() ? 1 : 0);
  if (!recording(input, weight, bias)) return out;
  LinearRule rule{save_if(weight.requires_grad(), input), save_if(input.requires_grad(), weight),
                  is_column_major(input), bias.defined() ? 1 : 0};
  if (bias.defined()) {
    record("AddmmBackward0", out, {&bias, &input, &weight}, std::move(rule));
  } else {
    record("MmBackward0", out, {&input, &weight}, std::move(rule));
  }
  return out;
}

}  // namespace

Tensor mm(const Tensor& self, const Tensor& mat2) {
  check_pair("mm", "lhs", self, "rhs", mat2);
  check_dim("mm", "lhs", self, 2);
  check_dim("mm", "rhs", mat2, 2);
  check_inner("mm", self, 1, mat2, 0);
  Tensor out = multiply("mm", matrix_of(self), matrix_of(mat2));
  if (recording(self, mat2)) {
    record("MmBackward0", out, {&self, &mat2},
           [saved = SavedPair(self, mat2, 1)](const GradIn& g) -> Grads {
             return {saved.to_a(g, 0), saved.to_b(g, 1)};
           });
  }
  return out;
}

Tensor bmm(const Tensor& self, const Tensor& mat2) {
  check_pair("bmm", "lhs", self, "rhs", mat2);
  check_dim("bmm", "lhs", self, 3);
  check_dim("bmm", "rhs", mat2, 3);
  check_inner("bmm", self, 0, mat2, 0);
  check_inner("bmm", self, 2, mat2, 1);
  return batched_product("bmm", self, mat2);
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  check_pair("mv", "lhs", self, "rhs", vec);
  check_dim("mv", "lhs", self, 2);
  check_dim("mv", "rhs", vec, 1);
  check_inner("mv", self, 1, vec, 0);
  Tensor out = Tensor::empty({{self.size(0)}}, self.dtype(), self.device());
  multiply_into("mv", out, matrix_of(self), column_of(vec));
  if (recording(self, vec)) {
    record("MvBackward0", out, {&self, &vec},
           [a = save_if(vec.requires_grad(), self),
            v = save_if(self.requires_grad(), vec)](const GradIn& g) -> Grads {
             return {g.needs(0) ? mul(unsqueeze(g[0], 1), v.get(g)) : Tensor(),
                     g.needs(1) ? mv(t(a.get(g)), g[0]) : Tensor()};
           });
  }
  return out;
}

Tensor dot(const Tensor& self, const Tensor& tensor) {
  check_pair("dot", "lhs", self, "rhs", tensor);
  check_dim("dot", "lhs", self, 1);
  check_dim("dot", "rhs", tensor, 1);
  check_inner("dot", self, 0, tensor, 0);
  Tensor out = Tensor::empty({}, self.dtype(), self.device());
  multiply_into("dot", out, row_of(self), column_of(tensor));
  if (recording(self, tensor)) {
    record("DotBackward0", out, {&self, &tensor},
           [a = save_if(tensor.requires_grad(), self),
            b = save_if(self.requires_grad(), tensor)](const GradIn& g) -> Grads {
             return {g.needs(0) ? mul(g[0], b.get(g)) : Tensor(),
                     g.needs(1) ? mul(g[0], a.get(g)) : Tensor()};
           });
  }
  return out;
}

Tensor outer(const Tensor& self, const Tensor& vec2) {
  check_defined("outer", "lhs", self);
  check_defined("outer", "rhs", vec2);
  check_dim("outer", "lhs", self, 1);
  check_dim("outer", "rhs", vec2, 1);
  return mul(unsqueeze(self, 1), vec2);
}

Tensor matmul(const Tensor& self, const Tensor& other) {
  check_pair("matmul", "lhs", self, "rhs", other);
  const int na = self.dim(), nb = other.dim();
  if (na == 0 || nb == 0) {
    fail(Status::kShape, "matmul: shape mismatch: lhs ", shape_string(self.sizes()), ", rhs ",
         shape_string(other.sizes()), ": both must have at least 1 dim; use mul for scalars");
  }
  check_inner("matmul", self, na - 1, other, nb == 1 ? 0 : nb - 2);
  if (na == 1 && nb == 1) return dot(self, other);
  if (na == 2 && nb == 1) return mv(self, other);
  if (na == 1 && nb == 2) return squeeze(mm(unsqueeze(self, 0), other), 0);
  if (na == 2 && nb == 2) return mm(self, other);
  if (nb <= 2) return folded_product(self, other);
  if (na == 1) {
    const Tensor row = batched_product("matmul", unsqueeze(self, 0), other);
    Dims sizes = row.sizes();
    sizes.erase(sizes.size() - 2);
    return reshaped_result("UnsafeViewBackward0", row, sizes);
  }
  check_batches("matmul", self, other);
  const Tensor r = batched_product("matmul", self, other);
  return recording(r) ? reshaped_result("UnsafeViewBackward0", r, r.sizes()) : r;
}

Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, Scalar beta,
             Scalar alpha) {
  check_pair("addmm", "lhs", mat1, "rhs", mat2);
  check_pair("addmm", "input", self, "lhs", mat1);
  check_dim("addmm", "lhs", mat1, 2);
  check_dim("addmm", "rhs", mat2, 2);
  check_inner("addmm", mat1, 1, mat2, 0);
  const double b = factor_for(self.dtype(), beta), a = factor_for(self.dtype(), alpha);
  Tensor out = Tensor::empty({{mat1.size(0), mat2.size(1)}}, self.dtype(), self.device());
  check_addend("addmm", self, out.sizes(), "input");
  if (b != 0) prefill(out, self);
  multiply_into("addmm", out, matrix_of(mat1), matrix_of(mat2), a, b);
  if (recording(self, mat1, mat2)) {
    record("AddmmBackward0", out, {&self, &mat1, &mat2},
           [b, saved = SavedPair(mat1, mat2, a)](const GradIn& g) -> Grads {
             return {g.needs(0) ? scaled(g[0], b) : Tensor(), saved.to_a(g, 1), saved.to_b(g, 2)};
           });
  }
  return out;
}

Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
               Scalar alpha) {
  check_pair("baddbmm", "lhs", batch1, "rhs", batch2);
  check_pair("baddbmm", "input", self, "lhs", batch1);
  check_dim("baddbmm", "lhs", batch1, 3);
  check_dim("baddbmm", "rhs", batch2, 3);
  check_inner("baddbmm", batch1, 0, batch2, 0);
  check_inner("baddbmm", batch1, 2, batch2, 1);
  const double b = factor_for(self.dtype(), beta), a = factor_for(self.dtype(), alpha);
  Tensor out = Tensor::empty({{batch1.size(0), batch1.size(1), batch2.size(2)}}, self.dtype(),
                             self.device());
  check_addend("baddbmm", self, out.sizes(), "input");
  if (b != 0) prefill(out, self);
  multiply_batches_into("baddbmm", out, matrix_of(batch1), matrix_of(batch2), a, b);
  if (recording(self, batch1, batch2)) {
    record("BaddbmmBackward0", out, {&self, &batch1, &batch2},
           [a, b, s1 = save_if(batch2.requires_grad(), batch1),
            s2 = save_if(batch1.requires_grad(), batch2)](const GradIn& g) -> Grads {
             return {g.needs(0) ? scaled(g[0], b) : Tensor(),
                     g.needs(1) ? batched_grad_a(g, s2, a) : Tensor(),
                     g.needs(2) ? batched_grad_b(g, s1, a) : Tensor()};
           });
  }
  return out;
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_pair("linear", "input", input, "weight", weight);
  if (bias.defined()) check_pair("linear", "input", input, "bias", bias);
  const int n = input.dim();
  if (weight.dim() != 1 && weight.dim() != 2) {
    fail(Status::kShape, "linear: shape mismatch: weight ", shape_string(weight.sizes()),
         ": must be (out_features, in_features) or (in_features,)");
  }
  if (n == 0) {
    fail(Status::kShape, "linear: shape mismatch: input (), weight ", shape_string(weight.sizes()),
         ": input must have at least 1 dim");
  }
  const int last = weight.dim() - 1;
  if (input.size(n - 1) != weight.size(last)) {
    fail(Status::kShape, "linear: shape mismatch: input ", shape_string(input.sizes()), ", weight ",
         shape_string(weight.sizes()), ": input's last dim (", input.size(n - 1),
         ") must equal weight's dim ", last, " (", weight.size(last), ")");
  }
  if (weight.dim() == 2 && n == 2) return linear_2d(input, weight, bias);
  if (weight.dim() == 1 || n == 1 || (bias.defined() && bias.dim() > 1)) {
    const Tensor r = weight.dim() == 1 ? matmul(input, weight)
                     : n == 1          ? mv(weight, input)
                                       : folded_product(input, t(weight));
    if (!bias.defined()) return r;
    check_addend("linear", bias, r.sizes(), "bias");
    return add(r, bias);
  }
  Dims sizes = input.sizes();
  sizes[n - 1] = weight.size(0);
  return reshaped_result(bias.defined() ? "ViewBackward0" : "UnsafeViewBackward0",
                         linear_2d(flatten_rows(input), weight, bias), sizes);
}

}  // namespace mt
