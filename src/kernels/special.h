// The table of special functions: one function of one or two numbers per id, applied element by
// element. Most are computed in float64 whatever the dtype, which costs less code than it costs
// time; those that are made of elementary functions have vector kernels.
#pragma once

#include "kernels/backend.h"

namespace mt {

enum class Special : uint8_t {
  // Floating dtypes, of x.
  kFrexpMantissa,
  kFrexpExponent,
  kNanToNum,    // f[0], f[1], f[2] for NaN, inf, -inf
  kLogit,       // x clamped to [f[0], 1 - f[0]] when i[0]
  kHardshrink,  // lambda in f[0]
  kSoftshrink,  // lambda in f[0]
  kErfc,
  kErfinv,
  kErfcx,
  kNdtri,
  kLogNdtr,
  kEntr,
  kSinc,
  kLgamma,
  kDigamma,
  kPolygamma,  // of order i[0] >= 1; i[1]: the result is no float64
  kI0,
  kI0e,
  kI1,
  kI1e,
  kK0,
  kK0e,
  kK1,
  kK1e,
  kBesselJ0,
  kBesselJ1,
  kBesselY0,
  kBesselY1,
  kSphericalJ0,
  kAiryAi,
  // Floating dtypes, of x and y.
  kNextafter,  // the float64 after x towards y; the two below for the narrower dtypes
  kNextafterFloat,
  kNextafterBFloat16,
  kLogaddexp2,
  kXlog1py,
  kHeaviside,
  kZeta,  // Hurwitz's, of x and y
  kIgamma,
  kIgammac,
  // Orthogonal polynomials at x, of degree y.
  kChebyshevT,
  kChebyshevU,
  kChebyshevV,
  kChebyshevW,
  kShiftedChebyshevT,
  kShiftedChebyshevU,
  kShiftedChebyshevV,
  kShiftedChebyshevW,
  kHermiteH,
  kHermiteHe,
  kLaguerreL,
  kLegendreP,
  // Integers (heaviside above also for them and for bool).
  kGcd,
  kLcm,
  kFmod,
  kShiftLeft,   // bits of an element in i[0]
  kShiftRight,  // the same
  kCount
};

// Operands of the Iter: the output, x, and for functions of two numbers y; all of one dtype.
using SpecialKernel = void (*)(Special id, const Iter& it, const Params& p);

struct SpecialKernels {
  SpecialKernel map[kNumDTypes];
  // Functions with a kernel of their own; null for the others, which `map` computes.
  ElementwiseKernel vector[static_cast<int>(Special::kCount)][kNumDTypes];
};

namespace cpu {
void fill_special(Backend& b);
void fill_special_vectors(SpecialKernels& k);  // special_simd.cpp
}  // namespace cpu

}  // namespace mt
