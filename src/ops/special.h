// Special functions, element by element: relatives of the error and gamma functions, Bessel
// functions, orthogonal polynomials. Integers are computed in the default floating dtype. Those
// below "no gradient" record nothing, as in torch.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace mt {

Tensor erfc(const Tensor& self);
const Tensor& erfc_(const Tensor& self);
Tensor erfinv(const Tensor& self);
const Tensor& erfinv_(const Tensor& self);
Tensor special_erfcx(const Tensor& self);     // exp(self^2) erfc(self)
Tensor special_ndtr(const Tensor& self);      // the normal distribution function
Tensor special_ndtri(const Tensor& self);     // its inverse
Tensor special_log_ndtr(const Tensor& self);  // its logarithm
Tensor special_entr(const Tensor& self);      // -self log(self); 0 at 0, -inf below
// log(self / (1 - self)); with eps, self is first limited to [eps, 1 - eps].
Tensor logit(const Tensor& self, std::optional<double> eps = {});
const Tensor& logit_(const Tensor& self, std::optional<double> eps = {});

Tensor lgamma(const Tensor& self);  // log |Gamma(self)|
const Tensor& lgamma_(const Tensor& self);
Tensor digamma(const Tensor& self);
const Tensor& digamma_(const Tensor& self);
// The n-th derivative of digamma, n >= 0.
Tensor polygamma(int64_t n, const Tensor& self);
const Tensor& polygamma_(const Tensor& self, int64_t n);
// log of the multivariate gamma function of dimension p >= 1
Tensor mvlgamma(const Tensor& self, int64_t p);
const Tensor& mvlgamma_(const Tensor& self, int64_t p);
// The regularised incomplete gamma functions P(self, other) and Q = 1 - P; floating dtypes only,
// gradient for other only.
Tensor igamma(const Tensor& self, const Tensor& other);
const Tensor& igamma_(const Tensor& self, const Tensor& other);
Tensor igammac(const Tensor& self, const Tensor& other);
const Tensor& igammac_(const Tensor& self, const Tensor& other);
// Hurwitz's sum of (other + k)^-self over k >= 0; gradient for other only.
Tensor special_zeta(const Tensor& self, const Tensor& other);

// Modified Bessel functions; "e": times exp(-|self|).
Tensor i0(const Tensor& self);
const Tensor& i0_(const Tensor& self);
Tensor special_i0e(const Tensor& self);
Tensor special_i1(const Tensor& self);
Tensor special_i1e(const Tensor& self);

// --- no gradient ----------------------------------------------------------------------------
Tensor special_modified_bessel_i0(const Tensor& self);
Tensor special_modified_bessel_i1(const Tensor& self);
Tensor special_modified_bessel_k0(const Tensor& self);
Tensor special_modified_bessel_k1(const Tensor& self);
Tensor special_scaled_modified_bessel_k0(const Tensor& self);  // times exp(self)
Tensor special_scaled_modified_bessel_k1(const Tensor& self);
Tensor special_bessel_j0(const Tensor& self);
Tensor special_bessel_j1(const Tensor& self);
Tensor special_bessel_y0(const Tensor& self);
Tensor special_bessel_y1(const Tensor& self);
Tensor special_spherical_bessel_j0(const Tensor& self);  // sin(self) / self
Tensor special_airy_ai(const Tensor& self);

// Orthogonal polynomials of degree n (cut to an integer; 0 for a negative one) at self.
Tensor special_chebyshev_polynomial_t(const Tensor& self, const Tensor& n);
Tensor special_chebyshev_polynomial_u(const Tensor& self, const Tensor& n);
Tensor special_chebyshev_polynomial_v(const Tensor& self, const Tensor& n);
Tensor special_chebyshev_polynomial_w(const Tensor& self, const Tensor& n);
Tensor special_shifted_chebyshev_polynomial_t(const Tensor& self, const Tensor& n);
Tensor special_shifted_chebyshev_polynomial_u(const Tensor& self, const Tensor& n);
Tensor special_shifted_chebyshev_polynomial_v(const Tensor& self, const Tensor& n);
Tensor special_shifted_chebyshev_polynomial_w(const Tensor& self, const Tensor& n);
Tensor special_hermite_polynomial_h(const Tensor& self, const Tensor& n);
Tensor special_hermite_polynomial_he(const Tensor& self, const Tensor& n);
Tensor special_laguerre_polynomial_l(const Tensor& self, const Tensor& n);
Tensor special_legendre_polynomial_p(const Tensor& self, const Tensor& n);

}  // namespace mt
