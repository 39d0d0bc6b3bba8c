// QR and Householder reflectors. The gradient of QR after J. Townsend, "Differentiating the QR
// decomposition" (2018).
#include <algorithm>

#include "ops/creation.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/linalg_common.h"
#include "ops/matmul.h"
#include "ops/rearrange.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {

namespace {

using namespace tensor_math;

// geqrf of every matrix: the buffer becomes reflectors and R, tau is filled.
void reflect(std::string_view op, const Tensor& buffer, const Tensor& tau) {
  const auto geqrf = linalg_kernel(op, buffer, &LinalgKernels::geqrf);
  if (!geqrf || buffer.numel() == 0) return;
  const int m = lapack_int(op, columns_of(buffer)), n = lapack_int(op, rows_of(buffer));
  const int64_t count = batch_count(buffer);
  const Parts matrices(buffer, count), taus(tau, count);
  for (int64_t i = 0; i < count; ++i) geqrf(m, n, matrices[i], taus[i]);
}

// orgqr of every matrix: the first columns of the buffer hold the reflectors of tau.
void expand_reflectors(std::string_view op, const Tensor& buffer, const Tensor& tau) {
  const auto orgqr = linalg_kernel(op, buffer, &LinalgKernels::orgqr);
  if (!orgqr || buffer.numel() == 0) return;
  const int m = lapack_int(op, columns_of(buffer)), n = lapack_int(op, rows_of(buffer));
  const int k = lapack_int(op, tau.size(tau.dim() - 1));
  const int64_t count = batch_count(buffer);
  const Parts matrices(buffer, count), taus(tau, count);
  for (int64_t i = 0; i < count; ++i) orgqr(m, n, k, matrices[i], taus[i]);
}

// The gradient of a square or tall A = Q R: [gQ + Q sym(triu(gR R^T - Q^T gQ))] R^-T, where sym
// mirrors the upper triangle. Either gradient may be undefined.
Tensor qr_backward(const Tensor& gq, const Tensor& gr, const Tensor& q, const Tensor& r) {
  Tensor inner;
  if (gr.defined()) inner = matmul(gr, mT(r));
  if (gq.defined()) {
    const Tensor m = matmul(mT(q), gq);
    inner = inner.defined() ? inner - m : neg(m);
  }
  inner = triu(inner, 1) + mT(triu(inner, 1)) + diag_embed(diagonal(inner, 0, -2, -1));
  Tensor sum = matmul(q, inner);
  if (gq.defined()) sum = sum + gq;
  return linalg_solve_triangular(mT(r), sum, false, false);
}

void check_qr_differentiable(bool possible, std::string_view what) {
  if (possible) return;
  fail(Status::kAutograd, "linalg.qr: not differentiable: mode ", what,
       ": the gradient needs the reduced Q; use mode 'reduced'");
}

}  // namespace

Qr linalg_qr(const Tensor& self, std::string_view mode) {
  constexpr std::string_view kOp = "linalg.qr";
  check_matrix(kOp, self);
  if (mode != "reduced" && mode != "complete" && mode != "r") {
    fail(Status::kInvalidArgument, kOp, ": unknown mode: '", mode,
         "': must be 'reduced', 'complete' or 'r'");
  }
  const int64_t m = rows_of(self), n = columns_of(self), k = std::min(m, n);
  const bool complete = mode == "complete", wants_q = mode != "r";
  const Tensor buffer = column_major(self);
  const Tensor tau = Tensor::empty(batch_with(self, {k}), self.dtype(), self.device());
  reflect(kOp, buffer, tau);
  Qr out;
  const int64_t columns = complete ? m : k;
  out.r = unrecorded([&] { return triu(narrow(as_matrices(buffer), -2, 0, columns)); });
  if (!wants_q) {
    out.q = Tensor::empty(Dims{0}, self.dtype(), self.device());
  } else {
    const Tensor q = empty_columns(self, m, columns);
    fill_values(q, 0);
    unrecorded([&] {
      copy_values(narrow(as_matrices(q), -1, 0, k), narrow(as_matrices(buffer), -1, 0, k));
      return q;
    });
    expand_reflectors(kOp, q, tau);
    out.q = as_matrices(q);
  }
  if (!recording(self)) return out;
  const Tensor* const inputs[] = {&self};
  const Ref<Node> node = make_rule<true>(
      "LinalgQrBackward0", inputs,
      [m, n, wants_q, complete, sq = wants_q ? save_output(out.q) : SavedTensor(),
       sr = save_output(out.r)](const GradIn& g) -> Grads {
        check_qr_differentiable(wants_q, "'r'");
        check_qr_differentiable(!complete || m <= n, "'complete' of a tall matrix");
        const Tensor q = saved_output(sq, g, 0), r = saved_output(sr, g, 1);
        if (!g[0].defined() && !g[1].defined()) return {Tensor()};
        if (m >= n) return {qr_backward(g[0], g[1], q, r)};
        // Wide: A = [A1 A2] = Q [R1 R2] with R2 = Q^T A2, which passes gradients on to Q and A2.
        const Tensor r1 = narrow(r, -1, 0, m);
        if (!g[1].defined()) {
          const Tensor ga = qr_backward(g[0], Tensor(), q, r1);
          return {constant_pad_nd(ga, Dims{0, n - m}, 0)};
        }
        const Tensor r2 = narrow(r, -1, m, n - m), gr2 = narrow(g[1], -1, m, n - m);
        Tensor gq = matmul(matmul(q, r2), mT(gr2));
        if (g[0].defined()) gq = gq + g[0];
        const Tensor parts[] = {qr_backward(gq, narrow(g[1], -1, 0, m), q, r1), matmul(q, gr2)};
        return {cat(Tensors(parts), -1)};
      });
  if (wants_q) attach(node, out.q);
  if (!wants_q) node->outputs.push_back({out.q.sizes(), out.q.dtype(), out.q.device()});
  attach(node, out.r);
  return out;
}

Geqrf geqrf(const Tensor& self) {
  check_matrix("geqrf", self);
  const Tensor buffer = column_major(self);
  const int64_t k = std::min(rows_of(self), columns_of(self));
  Geqrf r{as_matrices(buffer), Tensor::empty(batch_with(self, {k}), self.dtype(), self.device())};
  reflect("geqrf", buffer, r.tau);
  record_no_gradient("geqrf", r.a, self);
  record_no_gradient("geqrf", r.tau, self);
  return r;
}

namespace {

// wide: more columns than rows are fine, of which those of tau count.
void check_reflectors(std::string_view op, const Tensor& a, const Tensor& tau, bool wide) {
  check_matrix(op, a);
  check_defined(op, "tau", tau);
  check_devices(op, {&a, &tau});
  check_same_dtype(op, "input", a, "tau", tau);
  const bool fits = tau.dim() == a.dim() - 1 && batch_dims(tau, 1) == batch_dims(a) &&
                    tau.size(tau.dim() - 1) <= std::min(rows_of(a), columns_of(a));
  if (fits && (wide || columns_of(a) <= rows_of(a))) return;
  fail(Status::kShape, op, ": shape mismatch: input ", shape_string(a.sizes()), ", tau ",
       shape_string(tau.sizes()), ": (..., m, n)", wide ? "" : " with n <= m",
       " and (..., k) with k <= n are needed");
}

// c times the product H0 H1 ... of reflectors I - tau v v^T (or its transpose) from one side, in
// recorded ops.
Tensor apply_reflectors(const Tensor& a, const Tensor& tau, Tensor c, bool left, bool transposed) {
  const int64_t k = tau.size(tau.dim() - 1);
  const Tensor vs = tril(a, -1) + eye(rows_of(a), columns_of(a), a.dtype(), a.device());
  for (int64_t step = 0; step < k; ++step) {
    const int64_t i = left != transposed ? k - 1 - step : step;
    const Tensor v = narrow(vs, -1, i, 1), t = unsqueeze(narrow(tau, -1, i, 1), -1);
    c = left ? c - t * matmul(v, matmul(mT(v), c)) : c - t * matmul(matmul(c, v), mT(v));
  }
  return c;
}

}  // namespace

Tensor linalg_householder_product(const Tensor& self, const Tensor& tau) {
  check_reflectors("linalg.householder_product", self, tau, false);
  if (recording(self, tau) && tau.numel() > 0) {
    const Tensor one = eye(rows_of(self), columns_of(self), self.dtype(), self.device());
    return apply_reflectors(self, tau, expand(one, self.sizes()), true, false);
  }
  const Tensor buffer = column_major(self);
  expand_reflectors("linalg.householder_product", buffer, contiguous_values(tau));
  Tensor out = as_matrices(buffer);
  if (recording(self, tau)) {  // without a reflector nothing depends on the input
    record_light("LinalgHouseholderProductBackward0", out, {&self, &tau},
                 [](const GradIn&) -> Grads {
                   return {Tensor(), Tensor()};
                 });
  }
  return out;
}

Tensor ormqr(const Tensor& self, const Tensor& tau, const Tensor& other, bool left,
             bool transposed) {
  constexpr std::string_view kOp = "ormqr";
  check_reflectors(kOp, self, tau, true);
  check_matrix(kOp, other);
  check_devices(kOp, {&self, &other});
  check_same_dtype(kOp, "input", self, "other", other);
  if (!(batch_dims(self) == batch_dims(other)) ||
      rows_of(self) != (left ? rows_of(other) : columns_of(other))) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()), ", other ",
         shape_string(other.sizes()), ": other must have as many ", left ? "rows" : "columns",
         " as input has rows, and its batch");
  }
  if (recording(self, tau, other)) return apply_reflectors(self, tau, other, left, transposed);
  const Tensor reflectors = column_major(self), c = column_major(other);
  const Tensor factors = contiguous_values(tau);
  const auto kernel = linalg_kernel(kOp, self, &LinalgKernels::ormqr);
  if (kernel && c.numel() > 0) {
    const int m = lapack_int(kOp, rows_of(other)), n = lapack_int(kOp, columns_of(other));
    const int k = lapack_int(kOp, tau.size(tau.dim() - 1));
    const int64_t count = batch_count(c);
    const Parts as(reflectors, count), ts(factors, count), cs(c, count);
    for (int64_t i = 0; i < count; ++i) kernel(left, transposed, m, n, k, as[i], ts[i], cs[i]);
  }
  return as_matrices(c);
}

}  // namespace mt
