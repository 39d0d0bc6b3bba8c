// What is made of the factorisations: pseudo-inverses, least squares, norms, ranks, exponentials
// and the tensor forms.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/linalg_common.h"
#include "ops/matmul.h"
#include "ops/power.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

double epsilon(DType t) {
  return t == DType::kFloat64 ? std::numeric_limits<double>::epsilon()
                              : static_cast<double>(std::numeric_limits<float>::epsilon());
}

// What singular values must exceed to count: max(atol, rtol * largest). An rtol that is not given
// is eps * max(m, n), or 0 where an atol is.
Tensor threshold(const Tensor& a, const Tensor& largest, const Tensor& atol, const Tensor& rtol) {
  const Tensor zero = Tensor::from_scalar(0);
  Tensor r = rtol;
  if (!r.defined()) {
    const double usual =
        epsilon(a.dtype()) * static_cast<double>(std::max(rows_of(a), columns_of(a)));
    r = Tensor::from_scalar(usual);
    if (atol.defined()) {
      r = where(gt(to(atol, a.dtype()), zero), zeros_like(largest), full_like(largest, usual));
    }
  }
  const Tensor relative = to(r, a.dtype()) * largest;
  return atol.defined() ? maximum(to(atol, a.dtype()), relative) : relative;
}

// Singular values, or the absolute eigenvalues of a symmetric matrix.
Tensor magnitudes(const Tensor& a, bool hermitian) {
  return hermitian ? abs(linalg_eigvalsh(a)) : linalg_svdvals(a);
}

Tensor pinv_values(const Tensor& a, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  const int64_t k = std::min(rows_of(a), columns_of(a));
  if (k == 0) return zeros(batch_with(a, {columns_of(a), rows_of(a)}), a.dtype(), a.device());
  const auto inverted = [&](const Tensor& s, const Tensor& size) {
    const Tensor limit = threshold(a, amax(size, Dims{-1}, true),
                                   atol.defined() && atol.dim() > 0 ? unsqueeze(atol, -1) : atol,
                                   rtol.defined() && rtol.dim() > 0 ? unsqueeze(rtol, -1) : rtol);
    return masked(gt(size, limit), reciprocal(s));
  };
  if (hermitian) {
    const Eigh e = linalg_eigh(a);
    const Tensor w = inverted(e.eigenvalues, abs(e.eigenvalues));
    return matmul(e.eigenvectors * unsqueeze(w, -2), mT(e.eigenvectors));
  }
  const Svd svd = linalg_svd(a, false);
  return matmul(mT(svd.vh) * unsqueeze(inverted(svd.s, svd.s), -2), mT(svd.u));
}

// Golub and Pereyra (1973): dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P.
Tensor pinv_backward(const Tensor& g, const Tensor& a, const Tensor& p) {
  const Tensor pt = mT(p), gt_ = mT(g);
  const Tensor first = matmul(pt, matmul(g, pt));
  const Tensor gpp = matmul(gt_, matmul(p, pt));
  const Tensor ppg = matmul(matmul(pt, p), gt_);
  return gpp - matmul(a, matmul(p, gpp)) + ppg - matmul(matmul(ppg, p), a) - first;
}

}  // namespace

Tensor linalg_pinv(const Tensor& self, const Tensor& atol, const Tensor& rtol, bool hermitian) {
  if (hermitian) {
    check_square("linalg.pinv", self);
  } else {
    check_matrix("linalg.pinv", self);
  }
  Tensor out = unrecorded([&] { return pinv_values(self, atol, rtol, hermitian); });
  if (recording(self)) {
    record("LinalgPinvBackward0", out, {&self},
           [a = save(self), p = save_output(out)](const GradIn& g) -> Grads {
             return {pinv_backward(g[0], a.get(g), p.get(g))};
           });
  }
  return out;
}

Tensor linalg_matrix_rank(const Tensor& self, const Tensor& atol, const Tensor& rtol,
                          bool hermitian) {
  constexpr std::string_view kOp = "linalg.matrix_rank";
  if (hermitian) {
    check_square(kOp, self);
  } else {
    check_matrix(kOp, self);
  }
  return unrecorded([&] {
    if (std::min(rows_of(self), columns_of(self)) == 0) {
      return zeros(batch_dims(self), DType::kInt64, self.device());
    }
    const Tensor s = magnitudes(self, hermitian);
    const Tensor limit = threshold(self, amax(s, Dims{-1}), atol, rtol);
    return sum(gt(s, limit.dim() == 0 ? limit : unsqueeze(limit, -1)), Dims{-1});
  });
}

Lstsq linalg_lstsq(const Tensor& self, const Tensor& b, std::optional<double> rcond,
                   std::string_view driver) {
  constexpr std::string_view kOp = "linalg.lstsq";
  check_matrix(kOp, self);
  check_defined(kOp, "B", b);
  check_devices(kOp, {&self, &b});
  check_same_dtype(kOp, "A", self, "B", b);
  if (driver != "gels" && driver != "gelsy" && driver != "gelsd" && driver != "gelss") {
    fail(Status::kInvalidArgument, kOp, ": unknown driver: '", driver,
         "': must be 'gels', 'gelsy', 'gelsd' or 'gelss'");
  }
  const bool vector = b.dim() == self.dim() - 1;
  Tensor a = self, side = vector ? unsqueeze(b, -1) : b;
  if (side.dim() < 2 || rows_of(side) != rows_of(self)) {
    fail(Status::kShape, kOp, ": shape mismatch: A ", shape_string(self.sizes()), ", B ",
         shape_string(b.sizes()), ": B must have as many rows");
  }
  broadcast_batches(kOp, a, side);
  check_finite(kOp, a);
  check_finite(kOp, side);
  const int64_t m = rows_of(a), n = columns_of(a), k = columns_of(side), least = std::min(m, n);
  const bool with_rank = driver != "gels", with_values = driver == "gelsd" || driver == "gelss";
  const DType t = a.dtype();
  const double limit =
      rcond.value_or(epsilon(t) * static_cast<double>(std::max<int64_t>({m, n, 1})));
  // LAPACK takes B and gives X in one matrix of max(m, n) rows.
  const Tensor buffer = empty_columns(a, std::max(m, n), k);
  fill_values(buffer, 0);
  unrecorded([&] {
    copy_values(narrow(as_matrices(buffer), -2, 0, m), side);
    return side;
  });
  Lstsq r;
  const Tensor factors = column_major(a);
  const Tensor none = Tensor::empty(Dims{0}, t, a.device());
  r.rank = with_rank ? Tensor::empty(batch_dims(a), DType::kInt64, a.device())
                     : Tensor::empty(Dims{0}, DType::kInt64, a.device());
  r.singular_values = with_values ? Tensor::empty(batch_with(a, {least}), t, a.device()) : none;
  fill_values(r.rank, 0);
  fill_values(r.singular_values, 0);
  const auto kernel = linalg_kernel(kOp, a, &LinalgKernels::lstsq);
  bool full_rank = true;
  if (kernel && m > 0 && n > 0) {
    const int64_t count = batch_count(a);
    const Parts as(factors, count), bs(buffer, count), values(r.singular_values, count);
    for (int64_t i = 0; i < count; ++i) {
      int rank = static_cast<int>(least);
      const int info =
          kernel(driver == "gels" ? 'g' : driver[4], lapack_int(kOp, m), lapack_int(kOp, n),
                 lapack_int(kOp, k), as[i], bs[i], limit, &rank, values[i]);
      if (info != 0) {
        fail(Status::kInvalidArgument, kOp, ": no solution: matrix ", i, " (code ", info,
             "): the matrix must have full rank for 'gels'; use another driver");
      }
      if (with_rank) r.rank.data_as<int64_t>()[i] = rank;
      full_rank = full_rank && rank == n;
    }
  }
  r.solution = unrecorded([&] {
    const Tensor x = narrow(as_matrices(buffer), -2, 0, n);
    return vector ? squeeze(x, -1) : x;
  });
  r.residuals = none;
  if (m > n && full_rank && driver != "gelsy") {
    r.residuals = unrecorded(
        [&] { return sum(square(narrow(as_matrices(buffer), -2, n, m - n)), Dims{-2}); });
  }
  if (recording(self, b)) {
    record("LinalgLstsqBackward0", r.solution, {&a, &side},
           [vector, sa = save(a), sb = save(side)](const GradIn& g) -> Grads {
             // X = pinv(A) B
             const Tensor ta = sa.get(g), tb = sb.get(g);
             const Tensor gx = vector ? unsqueeze(g[0], -1) : g[0];
             const Tensor p = linalg_pinv(ta, {}, {}, false);
             return {g.needs(0) ? pinv_backward(matmul(gx, mT(tb)), ta, p) : Tensor(),
                     g.needs(1) ? matmul(mT(p), gx) : Tensor()};
           });
  }
  return r;
}

namespace {

enum class Order { kFro, kNuc, kInf, kMinusInf, kOne, kMinusOne, kTwo, kMinusTwo };

Order order_of(std::string_view op, std::string_view text) {
  constexpr std::pair<std::string_view, Order> kOrders[] = {
      {"fro", Order::kFro},       {"nuc", Order::kNuc},    {"inf", Order::kInf},
      {"-inf", Order::kMinusInf}, {"1", Order::kOne},      {"-1", Order::kMinusOne},
      {"2", Order::kTwo},         {"-2", Order::kMinusTwo}};
  for (const auto& [name, order] : kOrders) {
    if (text == name) return order;
  }
  fail(Status::kInvalidArgument, op, ": unknown order: '", text,
       "': must be fro, nuc, inf, -inf, 1, -1, 2 or -2");
}

// Of the last two dims, which are removed.
Tensor norm_of_matrices(const Tensor& a, Order order) {
  switch (order) {
    case Order::kFro:
      return norm(a, 2, Dims{-2, -1});
    case Order::kNuc:
      return sum(linalg_svdvals(a), Dims{-1});
    case Order::kInf:
      return amax(sum(abs(a), Dims{-1}), Dims{-1});
    case Order::kMinusInf:
      return amin(sum(abs(a), Dims{-1}), Dims{-1});
    case Order::kOne:
      return amax(sum(abs(a), Dims{-2}), Dims{-1});
    case Order::kMinusOne:
      return amin(sum(abs(a), Dims{-2}), Dims{-1});
    case Order::kTwo:
      return amax(linalg_svdvals(a), Dims{-1});
    default:
      return amin(linalg_svdvals(a), Dims{-1});
  }
}

}  // namespace

Tensor linalg_matrix_norm(const Tensor& self, std::string_view ord, IntSpan dims, bool keepdim) {
  constexpr std::string_view kOp = "linalg.matrix_norm";
  check_matrix(kOp, self);
  const Order order = order_of(kOp, ord);
  const Dims pair = dims.empty() ? Dims{-2, -1} : Dims(dims);
  if (pair.size() != 2) {
    fail(Status::kInvalidArgument, kOp, ": wrong number of dims: ", pair.size(), ": must be 2");
  }
  dim_mask(kOp, pair, self.dim());  // refuses equal ones
  const int a = wrap_dim(kOp, pair[0], self.dim()), b = wrap_dim(kOp, pair[1], self.dim());
  Tensor out = norm_of_matrices(movedim(self, pair, Dims{-2, -1}), order);
  if (keepdim) out = unsqueeze(unsqueeze(out, std::min(a, b)), std::max(a, b));
  return out;
}

Tensor linalg_cond(const Tensor& self, std::string_view p) {
  constexpr std::string_view kOp = "linalg.cond";
  check_matrix(kOp, self);
  const Order order = order_of(kOp, p);
  if (order == Order::kTwo || order == Order::kMinusTwo) {
    if (self.numel() == 0) return zeros(batch_dims(self), self.dtype(), self.device());
    const Tensor s = linalg_svdvals(self);
    const Tensor largest = select(s, -1, 0), smallest = select(s, -1, -1);
    return order == Order::kTwo ? largest / smallest : smallest / largest;
  }
  check_square(kOp, self);
  if (self.numel() == 0) return zeros(batch_dims(self), self.dtype(), self.device());
  const SolveEx inverse = linalg_inv_ex(self);
  const Tensor singular = ne(inverse.info, Tensor::from_scalar(0));
  const Tensor product = norm_of_matrices(self, order) * norm_of_matrices(inverse.result, order);
  return masked_fill(product, singular, std::numeric_limits<double>::infinity());
}

namespace {

// The [7/7] and [13/13] Pade approximants of exp and how large a norm they stand (N. Higham, "The
// scaling and squaring method for the matrix exponential revisited", 2005).
constexpr double kPade7[] = {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr double kPade13[] = {64764752532480000.,
                              32382376266240000.,
                              7771770303897600.,
                              1187353796428800.,
                              129060195264000.,
                              10559470521600.,
                              670442572800.,
                              33522128640.,
                              1323241920.,
                              40840800.,
                              960960.,
                              16380.,
                              182.,
                              1.};

Tensor exp_of_small(const Tensor& a, std::span<const double> c) {
  const Tensor one = eye(rows_of(a), {}, a.dtype(), a.device()), a2 = matmul(a, a);
  // Even and odd powers apart: exp(a) = (even - odd)^-1 (even + odd).
  Tensor even = one * c[0], odd = one * c[1], power = a2;
  for (size_t i = 2; i + 1 < c.size(); i += 2) {
    even = even + power * c[i];
    odd = odd + power * c[i + 1];
    if (i + 3 < c.size()) power = matmul(power, a2);
  }
  odd = matmul(a, odd);
  return solve_square("matrix_exp", even - odd, expand(even + odd, a.sizes()), nullptr);
}

Tensor matrix_exp_values(const Tensor& a) {
  const bool is_double = a.dtype() == DType::kFloat64;
  const double limit = is_double ? 5.371920351148152 : 3.925724783138660;
  const auto coefficients =
      is_double ? std::span<const double>(kPade13) : std::span<const double>(kPade7);
  // Halvings of each matrix, 0 where the norm is not finite.
  const Tensor size = norm_of_matrices(a, Order::kOne);
  Tensor halvings = ceil(log2(clamp_min(size / limit, Tensor::from_scalar(1))));
  halvings = where(isfinite(halvings), halvings, Tensor::from_scalar(0));
  const Tensor scale = pow(Tensor::from_scalar(2.0), neg(halvings));
  Tensor r = exp_of_small(a * unsqueeze(unsqueeze(scale, -1), -1), coefficients);
  const int64_t most = a.is_meta() ? 0 : max(halvings).item().to_int();
  for (int64_t i = 0; i < most; ++i) {
    const Tensor left = gt(halvings, Tensor::from_scalar(i));
    r = where(unsqueeze(unsqueeze(left, -1), -1), matmul(r, r), r);
  }
  return r;
}

}  // namespace

Tensor matrix_exp(const Tensor& self) {
  check_square("matrix_exp", self);
  if (self.numel() == 0) return clone(self);
  // On both half types LAPACK has nothing: they are computed in float32.
  if (is_reduced_float(self.dtype())) {
    return to(matrix_exp(to(self, DType::kFloat32)), self.dtype());
  }
  Tensor out = unrecorded([&] { return matrix_exp_values(self); });
  if (recording(self)) {
    record("LinalgMatrixExpBackward0", out, {&self}, [s = save(self)](const GradIn& g) -> Grads {
      // The derivative in direction G is a block of exp([[A^T, G], [0, A^T]]).
      const Tensor at = mT(s.get(g));
      const int64_t n = rows_of(at);
      const Tensor upper[] = {at, g[0]}, lower[] = {zeros_like(at), at};
      const Tensor blocks[] = {cat(Tensors(upper), -1), cat(Tensors(lower), -1)};
      return {narrow(narrow(matrix_exp(cat(Tensors(blocks), -2)), -2, 0, n), -1, n, n)};
    });
  }
  return out;
}

Tensor linalg_tensorinv(const Tensor& self, int64_t ind) {
  constexpr std::string_view kOp = "linalg.tensorinv";
  check_defined(kOp, "input", self);
  if (ind <= 0 || ind > self.dim()) {
    fail(Status::kInvalidArgument, kOp, ": ind out of range: ", ind, " for a ", self.dim(),
         "-dim tensor: must be in [1, ", self.dim(), "]");
  }
  Dims front, back;
  for (int d = 0; d < self.dim(); ++d) (d < ind ? front : back).push_back(self.size(d));
  const int64_t n = numel_of(front);
  if (n != numel_of(back)) {
    fail(Status::kShape, kOp, ": not square: shape ", shape_string(self.sizes()), ", ind ", ind,
         ": the sizes before ind must multiply to those behind it");
  }
  Dims sizes = back;
  for (int64_t s : front) sizes.push_back(s);
  return reshape(linalg_inv(reshape(self, Dims{n, n})), sizes);
}

Tensor linalg_tensorsolve(const Tensor& self, const Tensor& other, IntSpan dims) {
  constexpr std::string_view kOp = "linalg.tensorsolve";
  check_defined(kOp, "input", self);
  check_defined(kOp, "other", other);
  Tensor a = self;
  if (!dims.empty()) {
    Dims last;
    const int n = static_cast<int>(dims.size());
    for (int i = 0; i < n; ++i) last.push_back(i - n);
    a = movedim(self, dims, last);
  }
  if (other.dim() > a.dim()) {
    fail(Status::kShape, kOp, ": shape mismatch: A ", shape_string(a.sizes()), ", B ",
         shape_string(other.sizes()), ": A must have B's dims and those of the result");
  }
  Dims sizes;
  for (int d = other.dim(); d < a.dim(); ++d) sizes.push_back(a.size(d));
  const int64_t n = numel_of(sizes);
  if (n != other.numel() || n * n != a.numel()) {
    fail(Status::kShape, kOp, ": not square: A ", shape_string(a.sizes()), ", B ",
         shape_string(other.sizes()), ": the result's sizes must multiply to B's elements");
  }
  return reshape(linalg_solve(reshape(a, Dims{n, n}), reshape(other, Dims{n})), sizes);
}

Tensor matrix_power(const Tensor& self, int64_t n) {
  check_defined("matrix_power", "self", self);
  const int d = self.dim();
  if (d < 2 || self.size(d - 1) != self.size(d - 2)) {
    fail(Status::kShape, "matrix_power: not square: tensor of shape ", shape_string(self.sizes()),
         ": the last two dims must be equal");
  }
  if (n == 0) {
    const Tensor one = eye(self.size(d - 1), {}, self.dtype(), self.device());
    const Tensor out = clone(self);
    copy_(out, one);
    return out;
  }
  if (n == INT64_MIN) {
    fail(Status::kInvalidArgument, "matrix_power: exponent out of range: ", n);
  }
  Tensor square = n < 0 ? linalg_inv(self) : self, out;
  for (int64_t left = n < 0 ? -n : n; left > 0; left >>= 1) {
    if (left & 1) out = out.defined() ? matmul(out, square) : square;
    if (left > 1) square = matmul(square, square);
  }
  return same(out, self) ? clone(self) : out;
}

}  // namespace mt
