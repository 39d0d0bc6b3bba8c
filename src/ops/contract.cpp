// Products over chosen dims, with addends and in chains: see contract.h.
#include "ops/contract.h"

#include <cmath>

#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/cumulative.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/power.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

void check_operands(std::string_view op, const Tensor& a, const Tensor& b) {
  check_defined(op, "self", a);
  check_defined(op, "other", b);
  check_devices(op, {&a, &b});
}

template <class Op>
const Tensor& in_place(std::string_view name, const Tensor& self, bool records, Op&& op) {
  return inplace(
      name, self, records, false,
      [&](const Tensor& out) { delivered(name, unrecorded([&] { return op(out); }), &out); },
      [&](const Tensor& before) { return op(before); });
}

// beta * self + alpha * product for values of the product's dtype; integers multiply by integers.
Tensor with_addend(std::string_view op, const Tensor& self, const Tensor& product, Scalar beta,
                   Scalar alpha) {
  if (!is_broadcastable_to(self.sizes(), product.sizes())) {
    fail(Status::kShape, op, ": shape mismatch: input ", shape_string(self.sizes()), ", product ",
         shape_string(product.sizes()), ": input must broadcast to the product's shape");
  }
  const auto times = [](const Tensor& t, Scalar s) {
    if (is_differentiable(t.dtype())) return scaled(t, s.to_double());
    return s.to_int() == 1 ? t : mul(t, Tensor::from_scalar(s.to_int()));
  };
  check_devices(op, {&self, &product});
  const Tensor scaled_product = times(product, alpha);
  if (beta.to_double() == 0) {  // self is not read, but stays in the graph with a zero gradient
    if (!recording(self)) return scaled_product;
    const Tensor all = full(self.sizes(), true, DType::kBool, self.device());
    return add(masked_fill(self, all, 0), scaled_product);
  }
  return add(times(self, beta), scaled_product);
}

}  // namespace

Tensor tensordot(const Tensor& self, const Tensor& other, IntSpan dims_self, IntSpan dims_other) {
  check_operands("tensordot", self, other);
  if (dims_self.size() != dims_other.size()) {
    fail(Status::kInvalidArgument, "tensordot: length mismatch: ", dims_self.size(),
         " dims of self, ", dims_other.size(), " of other: both must have one length");
  }
  const uint64_t mask_a = dims_self.empty() ? 0 : dim_mask("tensordot", dims_self, self.dim());
  const uint64_t mask_b = dims_other.empty() ? 0 : dim_mask("tensordot", dims_other, other.dim());
  Tensor a = self, b = other;
  Dims order_a, order_b, sum_a, sum_b, result;
  int64_t summed = 1;
  for (size_t i = 0; i < dims_self.size(); ++i) {
    const int da = wrap_dim("tensordot", dims_self[i], a.dim());
    const int db = wrap_dim("tensordot", dims_other[i], b.dim());
    sum_a.push_back(da);
    sum_b.push_back(db);
    if (a.dim() == 0 || b.dim() == 0) continue;
    if (b.size(db) == 1 && a.size(da) != 1) a = sum(a, Dims{da}, true, a.dtype());
    if (a.size(da) == 1 && b.size(db) != 1) b = sum(b, Dims{db}, true, b.dtype());
    if (a.size(da) != b.size(db)) {
      fail(Status::kShape, "tensordot: shape mismatch: self ", shape_string(self.sizes()),
           ", other ", shape_string(other.sizes()), ": self dim ", da, " (", a.size(da),
           ") must equal other dim ", db, " (", b.size(db), ")");
    }
    summed *= a.size(da);
  }
  int64_t rows = 1, columns = 1;
  for (int d = 0; d < a.dim(); ++d) {
    if (mask_a >> d & 1) continue;
    order_a.push_back(d);
    result.push_back(a.size(d));
    rows *= a.size(d);
  }
  if (a.dim() > 0) {
    for (int64_t d : sum_a) order_a.push_back(d);
  }
  if (b.dim() > 0) order_b = sum_b;
  for (int d = 0; d < b.dim(); ++d) {
    if (mask_b >> d & 1) continue;
    order_b.push_back(d);
    result.push_back(b.size(d));
    columns *= b.size(d);
  }
  const Tensor left = reshape(permute(a, order_a), Dims{rows, summed});
  const Tensor right = reshape(permute(b, order_b), Dims{summed, columns});
  return reshape(mm(left, right), result);
}

Tensor inner(const Tensor& self, const Tensor& other) {
  check_operands("inner", self, other);
  if (self.dim() == 0 || other.dim() == 0) return mul(self, other);
  if (self.size(self.dim() - 1) != other.size(other.dim() - 1)) {
    fail(Status::kShape, "inner: shape mismatch: self ", shape_string(self.sizes()), ", other ",
         shape_string(other.sizes()), ": the last dims must have one size");
  }
  return tensordot(self, other, Dims{-1}, Dims{-1});
}

Tensor vdot(const Tensor& self, const Tensor& other) {
  check_defined("vdot", "self", self);
  return dot(conj(self), other);
}

Tensor kron(const Tensor& self, const Tensor& other) {
  check_operands("kron", self, other);
  const int n = std::max(self.dim(), other.dim());
  if (2 * n > kMaxDims) {
    fail(Status::kShape, "kron: too many dims: ", n, ": at most 32");
  }
  Dims a, b, result;
  for (int i = 0; i < n; ++i) {
    const int da = i - (n - self.dim()), db = i - (n - other.dim());
    const int64_t sa = da < 0 ? 1 : self.size(da), sb = db < 0 ? 1 : other.size(db);
    a.push_back(sa);
    a.push_back(1);
    b.push_back(1);
    b.push_back(sb);
    result.push_back(sa * sb);
  }
  return reshape(mul(reshape(self, a), reshape(other, b)), result);
}

Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha) {
  check_defined("addmv", "self", self);
  check_defined("addmv", "mat", mat);
  check_same_dtype("addmv", "input", self, "mat", mat);
  return with_addend("addmv", self, mv(mat, vec), beta, alpha);
}

Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta, Scalar alpha) {
  check_defined("addr", "self", self);
  const Tensor product = outer(vec1, vec2);
  if (product.dtype() == DType::kBool && self.dtype() == DType::kBool) {
    const Tensor kept = alpha.to_bool() ? product : zeros_for(product);
    if (!is_broadcastable_to(self.sizes(), product.sizes())) {
      return with_addend("addr", self, product, beta, alpha);  // which fails
    }
    return beta.to_bool() ? add(expand(self, product.sizes()), kept) : kept;
  }
  const DType t = result_type(self, product);
  return with_addend("addr", to(self, t), to(product, t), beta, alpha);
}

Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
              Scalar alpha) {
  check_defined("addbmm", "self", self);
  check_operands("addbmm", batch1, batch2);
  for (const Tensor* t : {&batch1, &batch2}) {
    if (t->dim() == 3) continue;
    fail(Status::kShape, "addbmm: shape mismatch: batch of shape ", shape_string(t->sizes()),
         ": must have 3 dims");
  }
  if (batch1.size(0) != batch2.size(0) || batch1.size(2) != batch2.size(1)) {
    fail(Status::kShape, "addbmm: shape mismatch: batch1 ", shape_string(batch1.sizes()),
         ", batch2 ", shape_string(batch2.sizes()),
         ": batches and inner sizes must be equal: (b, n, k) x (b, k, m)");
  }
  // The sum over the batch is part of one long sum over (b, k).
  const int64_t k = batch1.size(0) * batch1.size(2);
  const Tensor left = reshape(permute(batch1, Dims{1, 0, 2}), Dims{batch1.size(1), k});
  return addmm(self, left, reshape(batch2, Dims{k, batch2.size(2)}), beta, alpha);
}

#define MT_ADDEND_INPLACE(op)                                                            \
  const Tensor& op##_(const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta, \
                      Scalar alpha) {                                                    \
    check_defined(#op "_", "self", self);                                                \
    return in_place(#op "_", self, recording(self, a, b),                                \
                    [&](const Tensor& t) { return op(t, a, b, beta, alpha); });          \
  }
MT_ADDEND_INPLACE(addmm)
MT_ADDEND_INPLACE(baddbmm)
MT_ADDEND_INPLACE(addmv)
MT_ADDEND_INPLACE(addr)
MT_ADDEND_INPLACE(addbmm)
#undef MT_ADDEND_INPLACE

namespace {

// The cheapest order by dynamic programming (Cormen et al., Introduction to Algorithms, 15.2):
// split[i][j] is where the best product of matrices i..j is cut.
struct ChainPlan {
  int n;
  SmallVector<double, 16> cost;
  SmallVector<int, 16> split;

  explicit ChainPlan(Tensors m) : n(static_cast<int>(m.size())), cost(n * n), split(n * n) {
    const auto dim = [&](int i) {
      return static_cast<double>(i == 0 ? m[0].size(0) : m[static_cast<size_t>(i - 1)].size(1));
    };
    for (int i = 0; i < n * n; ++i) cost[i] = 0;
    for (int length = 2; length <= n; ++length) {
      for (int i = 0; i + length <= n; ++i) {
        const int j = i + length - 1;
        for (int k = i; k < j; ++k) {
          const double c =
              cost[i * n + k] + cost[(k + 1) * n + j] + dim(i) * dim(k + 1) * dim(j + 1);
          if (k == i || c < cost[i * n + j]) {
            cost[i * n + j] = c;
            split[i * n + j] = k;
          }
        }
      }
    }
  }

  Tensor multiply(Tensors m, int i, int j) const {
    if (i == j) return m[static_cast<size_t>(i)];
    const int k = split[i * n + j];
    return mm(multiply(m, i, k), multiply(m, k + 1, j));
  }
};

void check_chain(std::string_view op, Tensors tensors, bool ends_may_be_vectors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    check_defined(op, "tensor", tensors[i]);
    const bool end = i == 0 || i + 1 == tensors.size();
    const int n = tensors[i].dim();
    if (n == 2 || (n == 1 && end && ends_may_be_vectors)) continue;
    fail(Status::kShape, op, ": wrong number of dims: tensor ", i, " of shape ",
         shape_string(tensors[i].sizes()), ": must be a matrix",
         ends_may_be_vectors ? "; only the first and last may be vectors" : "");
  }
}

}  // namespace

Tensor linalg_multi_dot(Tensors tensors) {
  if (tensors.size() < 2) {
    fail(Status::kInvalidArgument, "linalg.multi_dot: too few tensors: ", tensors.size(),
         ": at least 2 are needed");
  }
  check_chain("linalg.multi_dot", tensors, true);
  SmallVector<Tensor, 8> list;
  for (const Tensor& t : tensors) list.push_back(t);
  const bool row = list[0].dim() == 1, column = list.back().dim() == 1;
  if (row) list[0] = unsqueeze(list[0], 0);
  if (column) list.back() = unsqueeze(list.back(), 1);
  Tensor out = ChainPlan(list).multiply(list, 0, list.size() - 1);
  if (column) out = squeeze(out, -1);
  return row ? squeeze(out, 0) : out;
}

Tensor chain_matmul(Tensors matrices) {
  if (matrices.empty()) {
    fail(Status::kInvalidArgument, "chain_matmul: no matrices: 0 given: at least one is needed");
  }
  check_chain("chain_matmul", matrices, false);
  if (matrices.size() == 1) return matrices[0];
  return ChainPlan(matrices).multiply(matrices, 0, static_cast<int>(matrices.size()) - 1);
}

Tensor linalg_cross(const Tensor& self, const Tensor& other, int64_t dim) {
  check_operands("linalg.cross", self, other);
  if (self.dim() != other.dim()) {
    fail(Status::kShape, "linalg.cross: shape mismatch: self ", shape_string(self.sizes()),
         ", other ", shape_string(other.sizes()), ": both must have the same number of dims");
  }
  const int d = wrap_dim("linalg.cross", dim, self.dim());
  if (self.dim() == 0 || self.size(d) != 3 || other.size(d) != 3) {
    fail(Status::kShape, "linalg.cross: wrong size: self ", shape_string(self.sizes()), ", other ",
         shape_string(other.sizes()), ": both must have size 3 at dim ", d);
  }
  // a[i+1] b[i+2] - a[i+2] b[i+1], indices modulo 3
  const auto shifted = [d](const Tensor& t, int64_t by) { return roll(t, Dims{by}, Dims{d}); };
  return shifted(self, -1) * shifted(other, -2) - shifted(self, -2) * shifted(other, -1);
}

Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim) {
  check_operands("cross", self, other);
  if (dim) return linalg_cross(self, other, *dim);
  for (int d = 0; d < self.dim(); ++d) {
    if (self.size(d) == 3) return linalg_cross(self, other, d);
  }
  fail(Status::kShape, "cross: no dim of size 3: self ", shape_string(self.sizes()),
       ": vectors of 3 elements are needed");
}

namespace {

// Distances of all pairs by |a|^2 + |b|^2 - 2 a b, for many rows; values only.
Tensor euclidean_by_product(const Tensor& x1, const Tensor& x2) {
  const Tensor a = sum(square(x1), Dims{-1}, true), b = sum(square(x2), Dims{-1}, true);
  const Tensor squares = a + transpose(b, -2, -1) - matmul(x1, transpose(x2, -2, -1)) * 2.0;
  return sqrt(clamp_min(squares, Tensor::from_scalar(0)));
}

}  // namespace

Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  check_operands("cdist", x1, x2);
  check_floating("cdist", x1);
  check_same_dtype("cdist", "x1", x1, "x2", x2);
  const int na = x1.dim(), nb = x2.dim();
  if (na < 2 || nb < 2 || x1.size(na - 1) != x2.size(nb - 1)) {
    fail(Status::kShape, "cdist: shape mismatch: x1 ", shape_string(x1.sizes()), ", x2 ",
         shape_string(x2.sizes()), ": (..., P, M) and (..., R, M) are needed");
  }
  if (!(p >= 0)) {
    fail(Status::kInvalidArgument, "cdist: p out of range: ", p, ": must be >= 0");
  }
  const auto difference = [](const Tensor& a, const Tensor& b) {
    return unsqueeze(a, -2) - unsqueeze(b, -3);
  };
  if (x1.size(na - 1) == 0) return sum(difference(x1, x2), Dims{-1});
  if (p == 0) {  // a count, whose gradient is 0
    const Tensor count = unrecorded([&] { return norm(difference(x1, x2), 0, Dims{-1}); });
    if (!recording(x1, x2)) return count;
    const Tensor zero = sum(difference(x1, x2), Dims{-1});
    return add(masked_fill(zero, full(zero.sizes(), true, DType::kBool, zero.device()), 0), count);
  }
  if (p != 2) return norm(difference(x1, x2), p, Dims{-1});
  const bool many = x1.size(na - 2) > 25 || x2.size(nb - 2) > 25;
  Tensor out = unrecorded(
      [&] { return many ? euclidean_by_product(x1, x2) : norm(difference(x1, x2), 2, Dims{-1}); });
  if (recording(x1, x2)) {
    record("CdistBackward0", out, {&x1, &x2},
           [a = save(x1), b = save(x2), saved = save_output(out)](const GradIn& g) -> Grads {
             const Tensor distance = saved.get(g), u = a.get(g), v = b.get(g);
             // Where two rows are equal the gradient is 0.
             const Tensor apart = ne(distance, Tensor::from_scalar(0));
             const Tensor w = masked(apart, g[0] / distance), wt = transpose(w, -2, -1);
             return {g.needs(0) ? sum(w, Dims{-1}, true) * u - matmul(w, v) : Tensor(),
                     g.needs(1) ? sum(wt, Dims{-1}, true) * v - matmul(wt, u) : Tensor()};
           });
  }
  return out;
}

Tensor linalg_vecdot(const Tensor& x, const Tensor& y, int64_t dim) {
  check_operands("linalg.vecdot", x, y);
  if (!is_complex(x.dtype())) check_floating("linalg.vecdot", x);
  check_same_dtype("linalg.vecdot", "x", x, "y", y);
  return sum(conj(x) * y, Dims{dim});
}

Tensor vander(const Tensor& x, std::optional<int64_t> n, bool increasing) {
  check_defined("vander", "x", x);
  if (x.dim() != 1 || n.value_or(0) < 0) {
    fail(Status::kShape, "vander: shape mismatch: x ", shape_string(x.sizes()), ", n ",
         n.value_or(0), ": x must have one dim, and n be >= 0");
  }
  const int64_t count = n.value_or(x.size(0));
  const DType t = is_integral(x.dtype(), true) ? DType::kInt64 : x.dtype();
  if (count < 2) return ones(Dims{x.size(0), count}, t, x.device());
  const Tensor powers = linalg_vander(to(x, t), count);
  return increasing ? powers : flip(powers, Dims{1});
}

Tensor linalg_vander(const Tensor& x, std::optional<int64_t> n) {
  check_defined("linalg.vander", "x", x);
  if (x.dtype() == DType::kBool) fail_unsupported("linalg.vander", x.device(), x.dtype());
  if ((x.dim() == 0 && !n) || (n && *n <= 1)) {
    fail(Status::kInvalidArgument, "linalg.vander: out of range: shape ", shape_string(x.sizes()),
         ", N ", n.value_or(-1), ": N > 1 is needed, or a tensor with at least 1 dim");
  }
  if (x.dim() == 0) return linalg_vander(reshape(x, Dims{1}), n);
  const int64_t count = n.value_or(x.size(x.dim() - 1));
  const DType t = is_integral(x.dtype(), true) ? DType::kInt64 : x.dtype();
  Dims sizes = x.sizes();
  sizes.push_back(count);
  if (checked_numel("linalg.vander", sizes) == 0) {
    return to(expand(unsqueeze(x, -1), sizes), t);
  }
  const Tensor base = unsqueeze(to(x, t), -1);
  if (count == 1) return ones_like(base);
  sizes[sizes.size() - 1] = count - 1;
  const Tensor parts[] = {ones_like(base), cumprod(expand(base, sizes), -1)};
  return cat(Tensors(parts), int64_t{-1});
}

}  // namespace mt
