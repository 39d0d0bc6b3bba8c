// Cholesky, singular values, eigenvalues and LDL. Gradients after M. Giles (2008) and, for singular
// vectors, J. Townsend, "Differentiating the singular value decomposition" (2016).
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/linalg_common.h"
#include "ops/matmul.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

// Zeros in the part of every matrix above (lower: what tril keeps) or below its diagonal.
Tensor triangle(const Tensor& matrices, bool upper) {
  return unrecorded([&] { return upper ? triu(matrices) : tril(matrices); });
}

Tensor new_info(const Tensor& a) {
  Tensor info = Tensor::empty(batch_dims(a), DType::kInt32, a.device());
  fill_values(info, 0);
  return info;
}

// The lower triangle with half the diagonal.
Tensor half_lower(const Tensor& t) {
  return tril(t, -1) + diag_embed(diagonal(t, 0, -2, -1)) * 0.5;
}

}  // namespace

CholeskyEx linalg_cholesky_ex(const Tensor& self, bool upper, bool check_errors) {
  constexpr std::string_view kOp = "linalg.cholesky";
  check_square(kOp, self);
  const auto potrf = linalg_kernel(kOp, self, &LinalgKernels::potrf);
  const Tensor buffer = column_major(self);
  CholeskyEx r{Tensor(), new_info(self)};
  const int n = lapack_int(kOp, rows_of(self));
  if (potrf && buffer.numel() > 0) {
    const int64_t count = batch_count(self);
    const Parts matrices(buffer, count);
    for (int64_t i = 0; i < count; ++i) {
      r.info.data_as<int32_t>()[i] = potrf(upper, n, matrices[i]);
    }
  }
  if (check_errors) {
    check_info(kOp, r.info,
               "not positive-definite: a leading minor is not positive: the input must be "
               "symmetric positive-definite");
  }
  r.l = triangle(as_matrices(buffer), upper);
  if (recording(self)) {
    record("LinalgCholeskyExBackward0", r.l, {&self},
           [upper, saved = save_output(r.l)](const GradIn& g) -> Grads {
             const Tensor out = saved.get(g);
             const Tensor l = upper ? mT(out) : out, gl = upper ? mT(g[0]) : g[0];
             // L^-T half_lower(L^T gL) L^-1, made symmetric
             Tensor s = half_lower(matmul(mT(l), gl));
             s = linalg_solve_triangular(mT(l), s, true);
             s = linalg_solve_triangular(l, s, false, false);
             return {(s + mT(s)) * 0.5};
           });
  }
  return r;
}

Tensor linalg_cholesky(const Tensor& self, bool upper) {
  return linalg_cholesky_ex(self, upper, true).l;
}

namespace {

// The gradient of l from that of A = l l^T (upper: l^T l), as PyTorch gives it: of the other
// triangle too.
Tensor through_product(const Tensor& ga, const Tensor& l, bool upper) {
  const Tensor both = ga + mT(ga);
  return upper ? matmul(triu(l), both) : matmul(both, tril(l));
}

}  // namespace

Tensor cholesky_solve(const Tensor& self, const Tensor& input2, bool upper) {
  constexpr std::string_view kOp = "cholesky_solve";
  check_matrix(kOp, self);
  check_square(kOp, input2);
  check_devices(kOp, {&self, &input2});
  check_same_dtype(kOp, "B", self, "L", input2);
  if (rows_of(self) != rows_of(input2)) {
    fail(Status::kShape, kOp, ": shape mismatch: B ", shape_string(self.sizes()), ", L ",
         shape_string(input2.sizes()), ": B must have as many rows");
  }
  Tensor b = self, factor = input2;
  broadcast_batches(kOp, b, factor);
  Tensor out = unrecorded([&] {
    const Tensor l = upper ? mT(factor) : factor;
    return linalg_solve_triangular(mT(l), linalg_solve_triangular(l, b, false), true);
  });
  if (recording(b, factor)) {
    record("CholeskySolveBackward0", out, {&b, &factor},
           [upper, sl = save(factor), sx = save_output(out)](const GradIn& g) -> Grads {
             const Tensor l = sl.get(g), gb = cholesky_solve(g[0], l, upper);
             Grads r{gb, Tensor()};
             if (g.needs(1)) r[1] = through_product(neg(matmul(gb, mT(sx.get(g)))), l, upper);
             return r;
           });
  }
  return out;
}

Tensor cholesky_inverse(const Tensor& self, bool upper) {
  check_square("cholesky_inverse", self);
  const Tensor one = eye(rows_of(self), {}, self.dtype(), self.device());
  return cholesky_solve(expand(one, self.sizes()), self, upper);
}

namespace {

// U, S, Vh; without vectors S alone.
Svd svd_values(std::string_view op, const Tensor& a, bool vectors, bool full) {
  check_finite(op, a);
  const int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
  Svd r;
  r.s = Tensor::empty(batch_with(a, {k}), a.dtype(), a.device());
  Tensor u, vt;
  if (vectors) {
    u = empty_columns(a, m, full ? m : k);
    vt = empty_columns(a, full ? n : k, n);
  }
  const auto gesdd = linalg_kernel(op, a, &LinalgKernels::gesdd);
  if (gesdd && k > 0 && batch_count(a) > 0) {
    const Tensor buffer = column_major(a);
    const int64_t count = batch_count(a);
    const Parts matrices(buffer, count), values(r.s, count);
    const Parts us(vectors ? u : r.s, count), vts(vectors ? vt : r.s, count);
    for (int64_t i = 0; i < count; ++i) {
      const int info = gesdd(full, lapack_int(op, m), lapack_int(op, n), matrices[i], values[i],
                             vectors ? us[i] : nullptr, vectors ? vts[i] : nullptr);
      if (info != 0) {
        fail(Status::kInvalidArgument, op, ": no convergence: matrix ", i,
             ": the algorithm did not find all singular values (code ", info, ")");
      }
    }
  } else if (gesdd && vectors) {
    copy_values(as_matrices(u), eye(m, u.size(u.dim() - 2), a.dtype()));
    copy_values(as_matrices(vt), eye(rows_of(as_matrices(vt)), n, a.dtype()));
  }
  if (vectors) {
    r.u = as_matrices(u);
    r.vh = as_matrices(vt);
  }
  return r;
}

// x_k - x_j for every pair, 1 on the diagonal.
Tensor differences(const Tensor& x) {
  return unsqueeze(x, -2) - unsqueeze(x, -1) + eye(x.size(x.dim() - 1), {}, x.dtype(), x.device());
}

Tensor svd_backward(const Tensor& gu, const Tensor& gs, const Tensor& gvh, const Tensor& u,
                    const Tensor& s, const Tensor& vh) {
  const int64_t m = rows_of(u), n = columns_of(vh), k = s.size(s.dim() - 1);
  if (!gu.defined() && !gvh.defined()) return matmul(u * unsqueeze(gs, -2), vh);
  // s_k^2 - s_j^2 as a product, which cancels less.
  const Tensor sums = unsqueeze(s, -2) + unsqueeze(s, -1);
  const Tensor one = eye(k, {}, s.dtype(), s.device());
  const Tensor gaps = differences(s) * (sums * (1.0 - one) + one);
  const auto skew = [](const Tensor& t) { return t - mT(t); };
  Tensor inner, ga;
  const auto plus = [](Tensor& sum, const Tensor& t) { sum = sum.defined() ? sum + t : t; };
  if (gs.defined()) plus(inner, diag_embed(gs));
  if (gu.defined()) plus(inner, skew(matmul(mT(u), gu)) / gaps * unsqueeze(s, -2));
  if (gvh.defined()) plus(inner, unsqueeze(s, -1) * (skew(matmul(vh, mT(gvh))) / gaps));
  ga = matmul(matmul(u, inner), vh);
  if (gu.defined() && m > k) {
    const Tensor outside = gu - matmul(u, matmul(mT(u), gu));
    ga = ga + matmul(outside / unsqueeze(s, -2), vh);
  }
  if (gvh.defined() && n > k) {
    const Tensor outside = gvh - matmul(matmul(gvh, mT(vh)), vh);
    ga = ga + matmul(u / unsqueeze(s, -2), outside);
  }
  return ga;
}

}  // namespace

Svd linalg_svd(const Tensor& self, bool full_matrices) {
  check_matrix("linalg.svd", self);
  Svd r = svd_values("linalg.svd", self, true, full_matrices);
  if (!recording(self)) return r;
  const Tensor* const inputs[] = {&self};
  const Ref<Node> node = make_rule<true>(
      "LinalgSvdBackward0", inputs,
      [su = save_output(r.u), ss = save_output(r.s),
       sv = save_output(r.vh)](const GradIn& g) -> Grads {
        const Tensor s = saved_output(ss, g, 1);
        const int64_t k = s.size(s.dim() - 1);
        // Of full matrices the first k columns have a gradient.
        const auto columns = [k](const Tensor& t) {
          return !t.defined() || columns_of(t) == k ? t : narrow(t, -1, 0, k);
        };
        const auto rows = [k](const Tensor& t) {
          return !t.defined() || rows_of(t) == k ? t : narrow(t, -2, 0, k);
        };
        if (!g[0].defined() && !g[1].defined() && !g[2].defined()) return {Tensor()};
        return {svd_backward(columns(g[0]), g[1], rows(g[2]), columns(saved_output(su, g, 0)), s,
                             rows(saved_output(sv, g, 2)))};
      });
  attach(node, r.u);
  attach(node, r.s);
  attach(node, r.vh);
  return r;
}

Tensor linalg_svdvals(const Tensor& self) {
  check_matrix("linalg.svdvals", self);
  if (recording(self)) return linalg_svd(self, false).s;
  return svd_values("linalg.svdvals", self, false, false).s;
}

namespace {

Eigh eigh_values(std::string_view op, const Tensor& a, bool vectors, std::string_view uplo) {
  check_square(op, a);
  if (uplo != "L" && uplo != "U" && uplo != "l" && uplo != "u") {
    fail(Status::kInvalidArgument, op, ": unknown triangle: '", uplo, "': must be 'L' or 'U'");
  }
  check_finite(op, a);
  const int n = lapack_int(op, rows_of(a));
  Eigh r;
  r.eigenvalues = Tensor::empty(batch_with(a, {n}), a.dtype(), a.device());
  const Tensor buffer = column_major(a);
  const auto syevd = linalg_kernel(op, a, &LinalgKernels::syevd);
  if (syevd && buffer.numel() > 0) {
    const int64_t count = batch_count(a);
    const Parts matrices(buffer, count), values(r.eigenvalues, count);
    for (int64_t i = 0; i < count; ++i) {
      const int info = syevd(vectors, uplo == "U" || uplo == "u", n, matrices[i], values[i]);
      if (info != 0) {
        fail(Status::kInvalidArgument, op, ": no convergence: matrix ", i,
             ": the algorithm did not find all eigenvalues (code ", info, ")");
      }
    }
  }
  r.eigenvectors = as_matrices(buffer);
  return r;
}

}  // namespace

Eigh linalg_eigh(const Tensor& self, std::string_view uplo) {
  Eigh r = eigh_values("linalg.eigh", self, true, uplo);
  if (!recording(self)) return r;
  const Tensor* const inputs[] = {&self};
  const Ref<Node> node =
      make_rule<true>("LinalgEighBackward0", inputs,
                      [sw = save_output(r.eigenvalues),
                       sv = save_output(r.eigenvectors)](const GradIn& g) -> Grads {
                        const Tensor w = saved_output(sw, g, 0), v = saved_output(sv, g, 1);
                        if (!g[1].defined()) {
                          if (!g[0].defined()) return {Tensor()};
                          return {matmul(v * unsqueeze(g[0], -2), mT(v))};
                        }
                        // V (diag(gw) + (V^T gV) / (w_j - w_i)) V^T without the diagonal of the
                        // second part, made symmetric
                        const Tensor rotation = matmul(mT(v), g[1]) / differences(w);
                        Tensor inner = triu(rotation, 1) + tril(rotation, -1);
                        inner = (inner + mT(inner)) * 0.5;
                        if (g[0].defined()) inner = inner + diag_embed(g[0]);
                        return {matmul(matmul(v, inner), mT(v))};
                      });
  attach(node, r.eigenvalues);
  attach(node, r.eigenvectors);
  return r;
}

Tensor linalg_eigvalsh(const Tensor& self, std::string_view uplo) {
  check_defined("linalg.eigvalsh", "input", self);
  if (recording(self)) return linalg_eigh(self, uplo).eigenvalues;
  return eigh_values("linalg.eigvalsh", self, false, uplo).eigenvalues;
}

LdlFactorEx linalg_ldl_factor_ex(const Tensor& self, bool check_errors) {
  constexpr std::string_view kOp = "linalg.ldl_factor";
  check_square(kOp, self);
  const int n = lapack_int(kOp, rows_of(self));
  const Tensor buffer = column_major(self);
  LdlFactorEx r{Tensor(), Tensor::empty(batch_with(self, {n}), DType::kInt32, self.device()),
                new_info(self)};
  const auto sytrf = linalg_kernel(kOp, self, &LinalgKernels::sytrf);
  if (sytrf && buffer.numel() > 0) {
    const int64_t count = batch_count(self);
    const Parts matrices(buffer, count), pivots(r.pivots, count);
    for (int64_t i = 0; i < count; ++i) {
      r.info.data_as<int32_t>()[i] = sytrf(false, n, matrices[i], static_cast<int32_t*>(pivots[i]));
    }
  }
  if (check_errors) check_info(kOp, r.info, "singular: a diagonal block is zero");
  r.ld = triangle(as_matrices(buffer), false);
  record_no_gradient("linalg.ldl_factor", r.ld, self);
  return r;
}

LdlFactor linalg_ldl_factor(const Tensor& self) {
  const LdlFactorEx r = linalg_ldl_factor_ex(self, true);
  return {r.ld, r.pivots};
}

Tensor linalg_ldl_solve(const Tensor& ld, const Tensor& pivots, const Tensor& b) {
  constexpr std::string_view kOp = "linalg.ldl_solve";
  check_square(kOp, ld);
  check_matrix(kOp, b);
  check_defined(kOp, "pivots", pivots);
  check_devices(kOp, {&ld, &pivots, &b});
  check_same_dtype(kOp, "LD", ld, "B", b);
  if (pivots.dtype() != DType::kInt32 || !(pivots.sizes() == batch_with(ld, {rows_of(ld)})) ||
      rows_of(b) != rows_of(ld)) {
    fail(Status::kShape, kOp, ": shape mismatch: LD ", shape_string(ld.sizes()), ", pivots ",
         shape_string(pivots.sizes()), ", B ", shape_string(b.sizes()),
         ": pivots must be LD's (int32), B have as many rows");
  }
  Tensor f = ld, side = b;
  broadcast_batches(kOp, f, side);
  const Tensor factors = column_major(f), x = column_major(side);
  const Tensor swaps =
      contiguous_values(unrecorded([&] { return expand(pivots, batch_with(f, {rows_of(f)})); }));
  const auto sytrs = linalg_kernel(kOp, f, &LinalgKernels::sytrs);
  const int n = lapack_int(kOp, rows_of(f)), k = lapack_int(kOp, columns_of(b));
  if (sytrs && x.numel() > 0) {
    const auto* p = swaps.data_as<int32_t>();
    for (int64_t i = 0; i < swaps.numel(); ++i) {
      // A pair of equal negative entries stands for a block of 2 x 2.
      if (p[i] == 0 || std::abs(static_cast<int64_t>(p[i])) > n) {
        fail(Status::kIndex, kOp, ": pivot out of range: ", p[i], ": must be within [1, ", n,
             "], negative for a block of two");
      }
    }
    const int64_t count = batch_count(x);
    const Parts fs(factors, count), ps(swaps, count), xs(x, count);
    for (int64_t i = 0; i < count; ++i) {
      sytrs(false, n, k, fs[i], static_cast<const int32_t*>(ps[i]), xs[i]);
    }
  }
  Tensor out = as_matrices(x);
  record_no_gradient("linalg.ldl_solve", out, ld.requires_grad() ? ld : b);
  return out;
}

}  // namespace mt
