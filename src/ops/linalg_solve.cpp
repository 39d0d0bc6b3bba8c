// LU and what it gives: solutions, inverses, determinants. Gradients after M. Giles, "Collected
// matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
#include <cmath>

#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/linalg_common.h"
#include "ops/matmul.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

constexpr std::string_view kSingular = "singular matrix: it has no inverse: a pivot is zero";

struct LuValues {
  Tensor columns, pivots, info;  // columns: the packed factors in column-major order
};

LuValues lu_values(std::string_view op, const Tensor& a) {
  const int m = lapack_int(op, rows_of(a)), n = lapack_int(op, columns_of(a));
  const auto getrf = linalg_kernel(op, a, &LinalgKernels::getrf);
  LuValues r{column_major(a),
             Tensor::empty(batch_with(a, {std::min(m, n)}), DType::kInt32, a.device()),
             Tensor::empty(batch_dims(a), DType::kInt32, a.device())};
  if (a.is_meta()) return r;
  fill_values(r.info, 0);
  if (a.numel() == 0) return r;
  const int64_t count = batch_count(a);
  const Parts lu(r.columns, count), pivots(r.pivots, count);
  for (int64_t i = 0; i < count; ++i) {
    r.info.data_as<int32_t>()[i] = getrf(m, n, lu[i], static_cast<int32_t*>(pivots[i]));
  }
  return r;
}

// b (column-major, overwritten) by the factors; trans: by those of the transposed matrix.
void solve_with(std::string_view op, const LuValues& lu, bool trans, const Tensor& b) {
  const auto getrs = linalg_kernel(op, lu.columns, &LinalgKernels::getrs);
  if (!getrs || b.numel() == 0) return;
  const int n = lapack_int(op, columns_of(b)), k = lapack_int(op, rows_of(b));
  const int64_t count = batch_count(b);
  const Parts factors(lu.columns, count), pivots(lu.pivots, count), sides(b, count);
  for (int64_t i = 0; i < count; ++i) {
    getrs(trans, n, k, factors[i], static_cast<const int32_t*>(pivots[i]), sides[i]);
  }
}

// Identity matrices in column-major order.
Tensor identity_columns(const Tensor& a) {
  Tensor out = empty_columns(a, rows_of(a), rows_of(a));
  copy_values(out, eye(rows_of(a), {}, a.dtype(), a.device()));
  return out;
}

// Where row i of P^T B comes from (int64, one permutation a matrix), by LAPACK's swaps; inverse:
// the other way round.
Tensor permutation(const Tensor& pivots, int64_t rows, bool inverse) {
  Dims sizes = pivots.sizes();
  const int64_t k = sizes.back();
  sizes[sizes.size() - 1] = rows;
  Tensor out = Tensor::empty(sizes, DType::kInt64, pivots.device());
  if (out.is_meta() || out.numel() == 0) return out;
  const Tensor swaps = contiguous_values(converted(pivots, DType::kInt64));
  const auto* from = swaps.data_as<int64_t>();
  auto* to = out.data_as<int64_t>();
  Dims order(static_cast<int>(rows));
  for (int64_t b = 0; b < out.numel() / rows; ++b, from += k, to += rows) {
    for (int i = 0; i < rows; ++i) order[i] = i;
    for (int i = 0; i < k; ++i) {
      if (from[i] < 1 || from[i] > rows) {
        fail(Status::kIndex, "lu: pivot out of range: ", from[i], " for ", rows,
             " rows: must be in [1, ", rows, "]");
      }
      std::swap(order[i], order[static_cast<int>(from[i] - 1)]);
    }
    for (int i = 0; i < rows; ++i) {
      if (inverse) {
        to[order[i]] = i;
      } else {
        to[i] = order[i];
      }
    }
  }
  return out;
}

// Rows of b (..., n, k) in the order of `order` (..., n); recorded.
Tensor rows_in_order(const Tensor& b, const Tensor& order) {
  return gather(b, -2, expand(unsqueeze(order, -1), b.sizes()));
}

Tensor permutation_matrix(const Tensor& order, DType dtype) {
  Dims sizes = order.sizes();
  sizes.push_back(sizes.back());
  Tensor p = Tensor::empty(sizes, dtype, order.device());
  fill_values(p, 0);
  return unrecorded([&] { return scatter(p, -2, unsqueeze(order, -2), Scalar(1)); });
}

Tensor lower_of(const Tensor& lu) {
  const int64_t m = rows_of(lu), k = std::min(m, columns_of(lu));
  return tril(narrow(lu, -1, 0, k), -1) + eye(m, k, lu.dtype(), lu.device());
}

Tensor upper_of(const Tensor& lu) {
  return triu(narrow(lu, -2, 0, std::min(rows_of(lu), columns_of(lu))));
}

// The gradient of A = P L U, g being that of the packed factors. With the square part first: inner
// = tril(L^T gL, -1) + triu(gU U^T), gA = P L^-T inner U^-T. A wide A = [A1 A2] has U2 = L^-1 P^T
// A2, a tall one (rows of P^T A) L2 = A2 U^-1, which brings terms of gU2 and gL2.
Tensor lu_backward(const Tensor& g, const Tensor& lu, const Tensor& pivots) {
  const int64_t m = rows_of(lu), n = columns_of(lu), k = std::min(m, n);
  const Tensor l = narrow(lower_of(lu), -2, 0, k), u = narrow(upper_of(lu), -1, 0, k);
  const Tensor square = narrow(narrow(g, -2, 0, k), -1, 0, k);
  Tensor gl = tril(square, -1), gu = triu(square), beside;
  if (n > k) {
    const Tensor u2 = narrow(lu, -1, k, n - k), gu2 = narrow(g, -1, k, n - k);
    beside = linalg_solve_triangular(mT(l), gu2, true, true, true);
    gl = gl - matmul(beside, mT(u2));
  } else if (m > k) {
    const Tensor l2 = narrow(lu, -2, k, m - k), gl2 = narrow(g, -2, k, m - k);
    beside = linalg_solve_triangular(mT(u), gl2, false, false);
    gu = gu - matmul(mT(l2), beside);
  }
  Tensor inner = tril(matmul(mT(l), gl), -1) + triu(matmul(gu, mT(u)));
  inner = linalg_solve_triangular(mT(l), inner, true, true, true);
  inner = linalg_solve_triangular(mT(u), inner, false, false);
  if (n > k || m > k) {
    const Tensor parts[] = {inner, beside};
    inner = cat(Tensors(parts), n > k ? -1 : -2);
  }
  return rows_in_order(inner, permutation(pivots, m, true));
}

}  // namespace

LuFactorEx linalg_lu_factor_ex(const Tensor& self, bool check_errors) {
  check_matrix("linalg.lu_factor", self);
  const LuValues values = lu_values("linalg.lu_factor", self);
  if (check_errors) check_info("linalg.lu_factor", values.info, kSingular);
  LuFactorEx r{as_matrices(values.columns), values.pivots, values.info};
  if (recording(self)) {
    record("LinalgLuFactorExBackward0", r.lu, {&self},
           [lu = save_output(r.lu), pivots = save(r.pivots)](const GradIn& g) -> Grads {
             return {lu_backward(g[0], lu.get(g), pivots.get(g))};
           });
  }
  return r;
}

LuFactor linalg_lu_factor(const Tensor& self) {
  LuFactorEx r = linalg_lu_factor_ex(self);
  return {r.lu, r.pivots};
}

Plu lu_unpack(const Tensor& lu, const Tensor& pivots, bool unpack_data, bool unpack_pivots) {
  check_matrix_shape("lu_unpack", lu);
  check_defined("lu_unpack", "pivots", pivots);
  check_devices("lu_unpack", {&lu, &pivots});
  if (unpack_pivots && pivots.dtype() != DType::kInt32) {
    fail(Status::kDType, "lu_unpack: dtype mismatch: pivots are ", dtype_name(pivots.dtype()),
         ": must be int32, as lu_factor gives them");
  }
  const int64_t k = std::min(rows_of(lu), columns_of(lu));
  if (unpack_pivots && !(pivots.sizes() == batch_with(lu, {k}))) {
    fail(Status::kShape, "lu_unpack: shape mismatch: factors ", shape_string(lu.sizes()),
         ", pivots ", shape_string(pivots.sizes()), ": must be those of one lu_factor");
  }
  const Tensor none = Tensor::empty(Dims{0}, lu.dtype(), lu.device());
  Plu r{none, none, none};
  if (unpack_pivots) {
    r.p = permutation_matrix(permutation(pivots, rows_of(lu), false), lu.dtype());
  }
  if (unpack_data) {
    r.l = lower_of(lu);
    r.u = upper_of(lu);
  }
  return r;
}

Plu linalg_lu(const Tensor& self) {
  const LuFactorEx f = linalg_lu_factor_ex(self);
  return lu_unpack(f.lu, f.pivots);
}

Tensor linalg_lu_solve(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left,
                       bool adjoint) {
  constexpr std::string_view kOp = "linalg.lu_solve";
  check_square(kOp, lu);
  check_matrix(kOp, b);
  check_defined(kOp, "pivots", pivots);
  check_devices(kOp, {&lu, &pivots, &b});
  check_same_dtype(kOp, "LU", lu, "B", b);
  if (!left) return mT(linalg_lu_solve(lu, pivots, mT(b), true, !adjoint));
  if (rows_of(lu) != rows_of(b) || !(pivots.sizes() == batch_with(lu, {rows_of(lu)}))) {
    fail(Status::kShape, kOp, ": shape mismatch: LU ", shape_string(lu.sizes()), ", pivots ",
         shape_string(pivots.sizes()), ", B ", shape_string(b.sizes()),
         ": pivots must be LU's, B have as many rows");
  }
  Tensor f = lu, side = b;
  broadcast_batches(kOp, f, side);
  Dims order_sizes = batch_with(f, {rows_of(f)});
  const Tensor order = expand(permutation(pivots, rows_of(lu), adjoint), order_sizes);
  if (!adjoint) {
    const Tensor y = linalg_solve_triangular(f, rows_in_order(side, order), false, true, true);
    return linalg_solve_triangular(f, y, true);
  }
  const Tensor y = linalg_solve_triangular(mT(f), side, false);
  return rows_in_order(linalg_solve_triangular(mT(f), y, true, true, true), order);
}

Tensor linalg_solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left,
                               bool unitriangular) {
  constexpr std::string_view kOp = "linalg.solve_triangular";
  check_square(kOp, a);
  check_matrix(kOp, b);
  check_devices(kOp, {&a, &b});
  check_same_dtype(kOp, "A", a, "B", b);
  if (rows_of(a) != (left ? rows_of(b) : columns_of(b))) {
    fail(Status::kShape, kOp, ": shape mismatch: A ", shape_string(a.sizes()), ", B ",
         shape_string(b.sizes()), ": B must have as many ", left ? "rows" : "columns");
  }
  Tensor ta = a, tb = b;
  broadcast_batches(kOp, ta, tb);
  const auto trsm = linalg_kernel(kOp, ta, &LinalgKernels::trsm);
  const Tensor x = column_major(tb);
  if (trsm && x.numel() > 0) {
    const Tensor factors = column_major(ta);
    const int m = lapack_int(kOp, rows_of(b)), n = lapack_int(kOp, columns_of(b));
    const int64_t count = batch_count(x);
    const Parts fs(factors, count), xs(x, count);
    for (int64_t i = 0; i < count; ++i) {
      trsm(left, upper, false, unitriangular, m, n, fs[i], xs[i]);
    }
  }
  Tensor out = as_matrices(x);
  if (recording(ta, tb)) {
    record("LinalgSolveTriangularBackward0", out, {&ta, &tb},
           [upper, left, unitriangular, sa = save(ta),
            sx = save_output(out)](const GradIn& g) -> Grads {
             Grads r(2);
             const Tensor gb =
                 linalg_solve_triangular(mT(sa.get(g)), g[0], !upper, left, unitriangular);
             if (g.needs(0)) {
               const Tensor x = sx.get(g);
               const Tensor ga = neg(left ? matmul(gb, mT(x)) : matmul(mT(x), gb));
               const int64_t skip = unitriangular ? 1 : 0;
               r[0] = upper ? triu(ga, skip) : tril(ga, -skip);
             }
             if (g.needs(1)) r[1] = gb;
             return r;
           });
  }
  return out;
}

Tensor solve_square(std::string_view op, const Tensor& a, const Tensor& b, Tensor* info) {
  const LuValues lu = lu_values(op, a);
  const Tensor x = column_major(b);
  solve_with(op, lu, false, x);
  if (info) *info = lu.info;
  Tensor out = as_matrices(x);
  if (recording(a, b)) {
    record("LinalgSolveExBackward0", out, {&a, &b},
           [sa = save(a), sx = save_output(out)](const GradIn& g) -> Grads {
             const Tensor gb = solve_square("linalg.solve", mT(sa.get(g)), g[0], nullptr);
             return {g.needs(0) ? neg(matmul(gb, mT(sx.get(g)))) : Tensor(), gb};
           });
  }
  return out;
}

SolveEx linalg_solve_ex(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  constexpr std::string_view kOp = "linalg.solve";
  check_square(kOp, a);
  check_defined(kOp, "B", b);
  check_devices(kOp, {&a, &b});
  check_same_dtype(kOp, "A", a, "B", b);
  // A vector, or a batch of them of exactly A's batch.
  const bool vector = b.dim() == 1 || (b.dim() == a.dim() - 1 && b.sizes() == batch_dims(a, 1));
  if (b.dim() == 0 || (vector && !left)) {
    fail(Status::kShape, kOp, ": wrong shape: B ", shape_string(b.sizes()),
         ": a vector (only on the right) or matrix is needed");
  }
  Tensor ta = left ? a : mT(a), tb = vector ? unsqueeze(b, -1) : left ? b : mT(b);
  if (rows_of(ta) != rows_of(tb)) {
    fail(Status::kShape, kOp, ": shape mismatch: A ", shape_string(a.sizes()), ", B ",
         shape_string(b.sizes()), ": B must have as many ", left ? "rows" : "columns");
  }
  broadcast_batches(kOp, ta, tb);
  SolveEx r;
  r.result = solve_square(kOp, ta, tb, &r.info);
  if (check_errors) check_info(kOp, r.info, kSingular);
  if (vector) r.result = squeeze(r.result, -1);
  if (!left) r.result = mT(r.result);
  return r;
}

Tensor linalg_solve(const Tensor& a, const Tensor& b, bool left) {
  return linalg_solve_ex(a, b, left, true).result;
}

SolveEx linalg_inv_ex(const Tensor& self, bool check_errors) {
  constexpr std::string_view kOp = "linalg.inv";
  check_square(kOp, self);
  const LuValues lu = lu_values(kOp, self);
  if (check_errors) check_info(kOp, lu.info, kSingular);
  const Tensor x = identity_columns(self);
  solve_with(kOp, lu, false, x);
  SolveEx r{as_matrices(x), lu.info};
  if (recording(self)) {
    record("LinalgInvExBackward0", r.result, {&self},
           [s = save_output(r.result)](const GradIn& g) -> Grads {
             const Tensor xt = mT(s.get(g));
             return {neg(matmul(xt, matmul(g[0], xt)))};
           });
  }
  return r;
}

Tensor linalg_inv(const Tensor& self) { return linalg_inv_ex(self, true).result; }

namespace {

// Per matrix: the sign of the determinant, and its absolute value or that one's logarithm.
Slogdet determinants(std::string_view op, const Tensor& a, const LuValues& lu, bool log) {
  const Dims batch = batch_dims(a);
  Slogdet r{Tensor::empty(batch, a.dtype(), a.device()),
            Tensor::empty(batch, a.dtype(), a.device())};
  if (a.is_meta()) return r;
  linalg_kernel(op, a, &LinalgKernels::getrf);
  const int64_t n = rows_of(a), count = r.sign.numel();
  const auto run = [&]<class T>(const T* factors) {
    const auto* pivots = lu.pivots.data_as<int32_t>();
    for (int64_t i = 0; i < count; ++i, factors += n * n, pivots += n) {
      T sign = 1, size = log ? 0 : 1;
      for (int64_t j = 0; j < n; ++j) {
        const T d = factors[j * n + j];
        if (pivots[j] != j + 1) sign = -sign;
        if (d < 0) sign = -sign;
        if (d == 0 && log) sign = 0;
        size = log ? size + std::log(std::abs(d)) : size * std::abs(d);
      }
      r.sign.data_as<T>()[i] = sign;
      r.logabsdet.data_as<T>()[i] = size;
    }
  };
  if (a.dtype() == DType::kFloat32) {
    run(lu.columns.data_as<const float>());
  } else {
    run(lu.columns.data_as<const double>());
  }
  return r;
}

Tensor as_column(const Tensor& t) { return unsqueeze(unsqueeze(t, -1), -1); }

// A matrix has the determinant of its transpose, which a contiguous tensor is in column-major
// order. (PyTorch does the same, so that values agree to the last bit.)
Tensor either_way(const Tensor& a) { return a.is_contiguous() ? as_matrices(a) : a; }

// det(A) A^-T, where a zero pivot is moved a little: 0 for a determinant of exactly 0, as PyTorch
// gives. Values only.
Tensor cofactors(const Tensor& a, const Tensor& det) {
  const bool transposed = a.is_contiguous();
  LuValues lu = lu_values("linalg.det", either_way(a));
  const int64_t n = rows_of(a), count = batch_count(a);
  const auto nudge = [&]<class T>(T* p) {
    for (int64_t i = 0; i < count; ++i, p += n * n) {
      T largest = 0;
      for (int64_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(p[j * n + j]));
      const T least = std::numeric_limits<T>::epsilon() * (largest > 0 ? largest : T(1));
      for (int64_t j = 0; j < n; ++j) {
        if (p[j * n + j] == 0) p[j * n + j] = least;
      }
    }
  };
  if (!a.is_meta() && a.numel() > 0) {
    if (a.dtype() == DType::kFloat32) {
      nudge(lu.columns.data_as<float>());
    } else {
      nudge(lu.columns.data_as<double>());
    }
  }
  const Tensor x = identity_columns(a);
  solve_with("linalg.det", lu, !transposed, x);
  return as_matrices(x) * as_column(det);
}

// The same in recorded ops, for second derivatives: U diag(products of the other singular values)
// V^T det(U) det(V).
Tensor cofactors_recorded(const Tensor& a, const Tensor& det) {
  if (a.is_meta() || all(ne(det, Tensor::from_scalar(0))).item().to_bool()) {
    return mT(linalg_inv_ex(a).result) * as_column(det);
  }
  const Svd svd = linalg_svd(a, false);
  const int64_t n = rows_of(a);
  const Tensor off = unsqueeze(svd.s, -2) * (1.0 - eye(n, {}, a.dtype(), a.device())) +
                     eye(n, {}, a.dtype(), a.device());
  const Tensor others = prod(off, -1);
  const Tensor sign = linalg_det(svd.u) * linalg_det(svd.vh);
  return matmul(svd.u * unsqueeze(others, -2), svd.vh) * as_column(sign);
}

}  // namespace

Tensor linalg_det(const Tensor& self) {
  check_square("linalg.det", self);
  const LuValues lu = lu_values("linalg.det", either_way(self));
  const Slogdet d = determinants("linalg.det", self, lu, false);
  Tensor out = unrecorded([&] { return d.sign * d.logabsdet; });
  if (recording(self)) {
    record("LinalgDetBackward0", out, {&self},
           [a = save(self), r = save_output(out)](const GradIn& g) -> Grads {
             const Tensor ta = a.get(g), det = r.get(g);
             if (ta.numel() == 0) return {Tensor()};
             return {as_column(g[0]) *
                     (g.create_graph() ? cofactors_recorded(ta, det) : cofactors(ta, det))};
           });
  }
  return out;
}

Slogdet linalg_slogdet(const Tensor& self) {
  check_square("linalg.slogdet", self);
  const LuValues lu = lu_values("linalg.slogdet", either_way(self));
  Slogdet r = determinants("linalg.slogdet", self, lu, true);
  if (recording(self)) {
    const Tensor* const inputs[] = {&self};
    const Ref<Node> node = make_rule<true>(
        "LinalgSlogdetBackward0", inputs, [a = save(self)](const GradIn& g) -> Grads {
          return {as_column(g.or_zeros(1)) * mT(linalg_inv_ex(a.get(g)).result)};
        });
    attach(node, r.sign);
    attach(node, r.logabsdet);
  }
  return r;
}

Tensor logdet(const Tensor& self) {
  check_square("logdet", self);
  const Slogdet r = linalg_slogdet(self);
  // The logarithm of a negative number is NaN.
  return where(eq(r.sign, Tensor::from_scalar(-1)), Tensor::from_scalar(std::nan("")), r.logabsdet);
}

}  // namespace mt
