// Scalar special functions in float64, each within about 1e-14 of the exact value unless said
// otherwise. Values at the ends of their domains are PyTorch's.
#pragma once

#include <cstdint>

namespace mt::cpu::special {

// Gamma and its relatives (special_gamma.cpp).
double lgamma(double x);  // log |Gamma(x)|
double digamma(double x);
// The n-th derivative of digamma, n >= 1; `narrow` for float32 results.
double polygamma(int64_t n, double x, bool narrow);
double zeta(double s, double q);     // Hurwitz's sum of (q + k)^-s
double igamma(double a, double x);   // the lower incomplete gamma function over Gamma(a)
double igammac(double a, double x);  // the upper one

// The error function's relatives (special_erf.cpp).
double erfcx(double x);     // exp(x^2) erfc(x)
double log_ndtr(double x);  // log of the normal distribution function

// Bessel functions (special_bessel.cpp). "e": times exp(-|x|), or exp(x) for K.
double bessel_j0(double x);
double bessel_j1(double x);
double bessel_y0(double x);
double bessel_y1(double x);
double i0(double x);
double i0e(double x);
double i1(double x);
double i1e(double x);
double k0(double x);
double k0e(double x);
double k1(double x);
double k1e(double x);
double airy_ai(double x);

// Orthogonal polynomials of degree trunc(n); 0 for n < 0 (special_polynomials.cpp).
double chebyshev_t(double x, double n);
double chebyshev_u(double x, double n);
double chebyshev_v(double x, double n);
double chebyshev_w(double x, double n);
double hermite_h(double x, double n);   // the physicists'
double hermite_he(double x, double n);  // the probabilists'
double laguerre_l(double x, double n);
double legendre_p(double x, double n);

}  // namespace mt::cpu::special
