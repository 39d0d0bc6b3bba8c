// Special functions and their gradients.
#include "ops/special.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "ops/compare.h"
#include "ops/map.h"
#include "ops/power.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT
using std::numbers::inv_sqrtpi;
using std::numbers::pi;
using std::numbers::sqrt2;

// Records a function of which the slope is known from its result y.
template <class Slope>
void record_slope_at_result(const char* name, const Tensor& x, Tensor& out, Slope slope) {
  if (!recording(x)) return;
  record(name, out, {&x}, [v = save(x), y = save_output(out), slope](const GradIn& g) -> Grads {
    return {g[0] * slope(v.get(g), y.get(g))};
  });
}

double epsilon(DType t) {
  return t == DType::kFloat64 ? std::numeric_limits<double>::epsilon()
                              : std::numeric_limits<float>::epsilon();
}

// The incomplete gamma functions and zeta: only their second operand has a slope.
template <class Slope>
void record_second(const char* name, const char* op, const Tensor& a, const Tensor& b, Tensor& out,
                   Slope slope) {
  if (!recording(a, b)) return;
  record(
      name, out, {&a, &b},
      [op, s = save(operand(a, out)), x = save(operand(b, out)), slope](const GradIn& g) -> Grads {
        if (g.needs(0)) fail_no_gradient(op, "input");
        return {Tensor(), g[0] * slope(s.get(g), x.get(g))};
      });
}

void check_floating_result(const char* op, const Tensor& a, const Tensor& b) {
  const DType t = result_type(a, b);
  if (!is_floating(t)) fail_unsupported(op, a.device(), t);
}

// x^(a - 1) exp(-x) / Gamma(a)
Tensor gamma_density(const Tensor& a, const Tensor& x) {
  return exp((a - 1.0) * log(x) - x - lgamma(a));
}

}  // namespace

Tensor erfc(const Tensor& self) {
  Tensor out = float_map("erfc", Special::kErfc, self);
  record_slope("ErfcBackward0", self, out,
               [](const Tensor& x) { return exp(neg(square(x))) * (-2 * inv_sqrtpi); });
  return out;
}
MT_INPLACE_OF(erfc, true)

Tensor erfinv(const Tensor& self) {
  Tensor out = float_map("erfinv", Special::kErfinv, self);
  // From the input, so that the result may be written over.
  record_slope("ErfinvBackward0", self, out,
               [](const Tensor& x) { return exp(square(erfinv(x))) * (0.5 / inv_sqrtpi); });
  return out;
}
MT_INPLACE_OF(erfinv, true)

Tensor special_erfcx(const Tensor& self) {
  Tensor out = float_map("special_erfcx", Special::kErfcx, self);
  record_slope_at_result("SpecialErfcxBackward0", self, out, [](const Tensor& x, const Tensor& y) {
    return x * y * 2.0 + -2 * inv_sqrtpi;
  });
  return out;
}

Tensor special_ndtr(const Tensor& self) { return erfc(self * (-1 / sqrt2)) * 0.5; }

Tensor special_ndtri(const Tensor& self) {
  Tensor out = float_map("special_ndtri", Special::kNdtri, self);
  record_slope_at_result("SpecialNdtriBackward0", self, out, [](const Tensor&, const Tensor& y) {
    return exp(square(y) * 0.5) * (sqrt2 / inv_sqrtpi);
  });
  return out;
}

Tensor special_log_ndtr(const Tensor& self) {
  Tensor out = float_map("special_log_ndtr", Special::kLogNdtr, self);
  record_slope("SpecialLogNdtrBackward0", self, out, [](const Tensor& x) {
    return sqrt2 * inv_sqrtpi / special_erfcx(x * (-1 / sqrt2));
  });
  return out;
}

Tensor special_entr(const Tensor& self) {
  Tensor out = float_map("special_entr", Special::kEntr, self);
  record_slope("SpecialEntrBackward0", self, out,
               [](const Tensor& x) { return neg(log(x) + 1.0); });
  return out;
}

Tensor logit(const Tensor& self, std::optional<double> eps) {
  const bool limited = eps && *eps >= 0;
  const double low = limited ? *eps : 0;
  Params p;
  p.f[0] = low;
  p.i[0] = limited;
  Tensor out = map("logit", Special::kLogit, self, float_dtype(self), p);
  if (recording(self)) {
    record("LogitBackward0", out, {&self},
           [x = save(self), low, limited](const GradIn& g) -> Grads {
             const Tensor v = x.get(g);
             const Tensor inside =
                 logical_and(ge(v, Tensor::from_scalar(low)), le(v, Tensor::from_scalar(1 - low)));
             const double beyond = limited ? 0 : std::numeric_limits<double>::quiet_NaN();
             return {where(inside, g[0] / (v * (1.0 - v)), Tensor::from_scalar(beyond))};
           });
  }
  return out;
}
const Tensor& logit_(const Tensor& self, std::optional<double> eps) {
  return inplace_of("logit_", self, recording(self), true,
                    [&](const Tensor& before) { return logit(before, eps); });
}

Tensor lgamma(const Tensor& self) {
  Tensor out = float_map("lgamma", Special::kLgamma, self);
  record_slope("LgammaBackward0", self, out, [](const Tensor& x) { return digamma(x); });
  return out;
}
MT_INPLACE_OF(lgamma, true)

Tensor digamma(const Tensor& self) {
  Tensor out = float_map("digamma", Special::kDigamma, self);
  record_slope("DigammaBackward0", self, out, [](const Tensor& x) { return polygamma(1, x); });
  return out;
}
MT_INPLACE_OF(digamma, true)

Tensor polygamma(int64_t n, const Tensor& self) {
  if (n < 0) {
    fail(Status::kInvalidArgument, "polygamma: n out of range: ", n,
         ": polygamma(n, x) does not support negative n");
  }
  if (n == 0) return digamma(self);
  Params p;
  p.i[0] = n;
  p.i[1] = float_dtype(self) != DType::kFloat64;
  Tensor out = map("polygamma", Special::kPolygamma, self, float_dtype(self), p);
  record_slope("PolygammaBackward0", self, out,
               [n](const Tensor& x) { return polygamma(n == INT64_MAX ? n : n + 1, x); });
  return out;
}
const Tensor& polygamma_(const Tensor& self, int64_t n) {
  return inplace_of("polygamma_", self, recording(self), true,
                    [n](const Tensor& before) { return polygamma(n, before); });
}

Tensor mvlgamma(const Tensor& self, int64_t p) {
  if (p < 1) {
    fail(Status::kInvalidArgument, "mvlgamma: p out of range: ", p,
         ": p has to be greater than or equal to 1");
  }
  if (p > (int64_t{1} << 24)) {  // one term a dim
    fail(Status::kInvalidArgument, "mvlgamma: p out of range: ", p, ": must be <= 16777216");
  }
  const double dims = static_cast<double>(p);
  Tensor sum = lgamma(self) + dims * (dims - 1) / 4 * std::log(pi);
  for (int64_t j = 1; j < p && self.numel() > 0; ++j) {
    sum = sum + lgamma(self + -0.5 * static_cast<double>(j));
  }
  return sum;
}
const Tensor& mvlgamma_(const Tensor& self, int64_t p) {
  return inplace_of("mvlgamma_", self, recording(self), true,
                    [p](const Tensor& before) { return mvlgamma(before, p); });
}

Tensor igamma(const Tensor& self, const Tensor& other) {
  check_floating_result("igamma", self, other);
  Tensor out = float_map("igamma", Special::kIgamma, self, other);
  record_second("IgammaBackward0", "igamma", self, other, out, gamma_density);
  return out;
}
MT_INPLACE_OF_TWO(igamma, true)

Tensor igammac(const Tensor& self, const Tensor& other) {
  check_floating_result("igammac", self, other);
  Tensor out = float_map("igammac", Special::kIgammac, self, other);
  record_second("IgammacBackward0", "igammac", self, other, out,
                [](const Tensor& a, const Tensor& x) { return neg(gamma_density(a, x)); });
  return out;
}
MT_INPLACE_OF_TWO(igammac, true)

Tensor special_zeta(const Tensor& self, const Tensor& other) {
  Tensor out = float_map("special_zeta", Special::kZeta, self, other);
  record_second("SpecialZetaBackward0", "special_zeta", self, other, out,
                [](const Tensor& s, const Tensor& q) { return neg(s) * special_zeta(s + 1.0, q); });
  return out;
}

Tensor i0(const Tensor& self) {
  Tensor out = float_map("i0", Special::kI0, self);
  record_slope("I0Backward0", self, out, [](const Tensor& x) { return special_i1(x); });
  return out;
}
MT_INPLACE_OF(i0, true)

Tensor special_i0e(const Tensor& self) {
  Tensor out = float_map("special_i0e", Special::kI0e, self);
  record_slope_at_result("SpecialI0EBackward0", self, out, [](const Tensor& x, const Tensor& y) {
    return special_i1e(x) - sign(x) * y;
  });
  return out;
}

// Both divide by x, with the limit 1/2 at 0.
Tensor special_i1(const Tensor& self) {
  Tensor out = float_map("special_i1", Special::kI1, self);
  record_slope_at_result("SpecialI1Backward0", self, out, [](const Tensor& x, const Tensor& y) {
    const Tensor tiny = logical_not(gt(abs(x), Tensor::from_scalar(epsilon(x.dtype()))));
    const Tensor divisor = where(tiny, Tensor::from_scalar(1), x);
    return where(tiny, Tensor::from_scalar(0.5), i0(divisor) - y / divisor);
  });
  return out;
}

Tensor special_i1e(const Tensor& self) {
  Tensor out = float_map("special_i1e", Special::kI1e, self);
  record_slope_at_result("SpecialI1EBackward0", self, out, [](const Tensor& x, const Tensor& y) {
    const Tensor tiny = logical_not(gt(abs(x), Tensor::from_scalar(epsilon(x.dtype()))));
    const Tensor divisor = where(tiny, Tensor::from_scalar(1), x);
    const Tensor slope = special_i0e(divisor) - y * (sign(divisor) + 1.0 / divisor);
    return where(tiny, Tensor::from_scalar(0.5), slope);
  });
  return out;
}

#define MT_PLAIN(op, id) \
  Tensor op(const Tensor& self) { return float_map(#op, Special::id, self); }
MT_PLAIN(special_modified_bessel_i0, kI0)
MT_PLAIN(special_modified_bessel_i1, kI1)
MT_PLAIN(special_modified_bessel_k0, kK0)
MT_PLAIN(special_modified_bessel_k1, kK1)
MT_PLAIN(special_scaled_modified_bessel_k0, kK0e)
MT_PLAIN(special_scaled_modified_bessel_k1, kK1e)
MT_PLAIN(special_bessel_j0, kBesselJ0)
MT_PLAIN(special_bessel_j1, kBesselJ1)
MT_PLAIN(special_bessel_y0, kBesselY0)
MT_PLAIN(special_bessel_y1, kBesselY1)
MT_PLAIN(special_spherical_bessel_j0, kSphericalJ0)
MT_PLAIN(special_airy_ai, kAiryAi)
#undef MT_PLAIN

#define MT_POLYNOMIAL(op, id) \
  Tensor op(const Tensor& self, const Tensor& n) { return float_map(#op, Special::id, self, n); }
MT_POLYNOMIAL(special_chebyshev_polynomial_t, kChebyshevT)
MT_POLYNOMIAL(special_chebyshev_polynomial_u, kChebyshevU)
MT_POLYNOMIAL(special_chebyshev_polynomial_v, kChebyshevV)
MT_POLYNOMIAL(special_chebyshev_polynomial_w, kChebyshevW)
MT_POLYNOMIAL(special_shifted_chebyshev_polynomial_t, kShiftedChebyshevT)
MT_POLYNOMIAL(special_shifted_chebyshev_polynomial_u, kShiftedChebyshevU)
MT_POLYNOMIAL(special_shifted_chebyshev_polynomial_v, kShiftedChebyshevV)
MT_POLYNOMIAL(special_shifted_chebyshev_polynomial_w, kShiftedChebyshevW)
MT_POLYNOMIAL(special_hermite_polynomial_h, kHermiteH)
MT_POLYNOMIAL(special_hermite_polynomial_he, kHermiteHe)
MT_POLYNOMIAL(special_laguerre_polynomial_l, kLaguerreL)
MT_POLYNOMIAL(special_legendre_polynomial_p, kLegendreP)
#undef MT_POLYNOMIAL

}  // namespace mt
