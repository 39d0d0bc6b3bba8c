// Kernels of inverse trigonometry, hyperbolic functions and their inverses, exp2, and of functions
// of two numbers: atan2, hypot, fmod, copysign, logaddexp, xlogy, fmax, fmin. Floating dtypes only.
// Methods are the textbook ones (see math-inl.h); the polynomials were computed for this file.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementary.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

constexpr double kPi = 0x1.921fb54442d18p1, kHalfPi = kPi / 2;
constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;  // what float64 lacks of pi / 2
constexpr double kTanPi8 = 0x1.a827999fcef32p-2, kTan3Pi8 = 0x1.3504f333f9de6p1;

// asin for |x| <= 1/2.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V asin_core(D d, V x) {
  const V z = x * x;
  V p;
  if constexpr (kIsFloat<D>) {
    p = poly(d, z, 0.16666666, 0.075000945, 0.044599402, 0.031100663, 0.017149238, 0.033690847);
  } else {
    p = poly(d, z, 0x1.5555555555556p-3, 0x1.3333333332ecap-4, 0x1.6db6db6e31f13p-5,
             0x1.f1c71c1db0623p-6, 0x1.6e8bb1c8209a2p-6, 0x1.1c4d35cf95421p-6, 0x1.c9cf07674736ap-7,
             0x1.782651caa6547p-7, 0x1.52420b04b37bep-7, 0x1.65a9c4dfcf8b2p-8, 0x1.1d189408314eep-6,
             -0x1.e6aaa8a0a04ccp-7, 0x1.d72b2bc8155f8p-6);
  }
  return hn::MulAdd(x * z, p, x);
}

// pi/2 - y, or pi - y for two halves.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V from_half_pi(D d, V y, double halves) {
  if constexpr (kIsFloat<D>) {
    constexpr double kLow = kHalfPi - 0x1.921fb6p0;
    return (constant(d, halves * 0x1.921fb6p0) - y) + constant(d, halves * kLow);
  } else {
    return (constant(d, halves * kHalfPi) - y) + constant(d, halves * kHalfPiLow);
  }
}

// The argument of the core: x itself, or sqrt((1 - |x|) / 2) beyond 1/2 (NaN beyond 1).
template <class D, class V = hn::Vec<D>, class M>
HWY_INLINE V asin_argument(D d, V x, M far) {
  const V half = constant(d, 0.5);
  return hn::IfThenElse(far, hn::Sqrt((constant(d, 1) - hn::Abs(x)) * half), x);
}

template <class T>
struct Asin : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const auto far = hn::Gt(hn::Abs(x), constant(d, 0.5));
    const V y = asin_core(d, asin_argument(d, x, far));
    return hn::IfThenElse(far, hn::CopySign(from_half_pi(d, V(y + y), 1), x), y);
  }
};
template <class T>
struct Acos : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const auto far = hn::Gt(hn::Abs(x), constant(d, 0.5));
    const V y = asin_core(d, asin_argument(d, x, far));
    const V twice = y + y;
    const V ends = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), from_half_pi(d, twice, 2), twice);
    return hn::IfThenElse(far, ends, from_half_pi(d, y, 1));
  }
};

// atan for |x| <= tan(pi / 8).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V atan_core(D d, V x) {
  const V z = x * x;
  V p;
  if constexpr (kIsFloat<D>) {
    p = poly(d, z, -0.33333332, 0.1999954, -0.14263956, 0.10743731, -0.064519282);
  } else {
    p = poly(d, z, -0x1.5555555555555p-2, 0x1.9999999999953p-3, -0x1.249249248d7eep-3,
             0x1.c71c71c304b68p-4, -0x1.745d165df3f95p-4, 0x1.3b1392d9e785cp-4,
             -0x1.110e880a7a521p-4, 0x1.e19a13b9fc6dfp-5, -0x1.ac7a938b69c93p-5,
             0x1.74ddd408bb4c1p-5, -0x1.1b33b923aa954p-5, 0x1.0ad36a455cafbp-6);
  }
  return hn::MulAdd(x * z, p, x);
}

template <class T>
struct Atan : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), one = constant(d, 1), zero = hn::Zero(d);
    const auto middle = hn::Gt(a, constant(d, kTanPi8)), far = hn::Gt(a, constant(d, kTan3Pi8));
    // a, (a - 1) / (a + 1) with pi/4 to add, or -1 / a with pi/2.
    const V top = hn::IfThenElse(far, hn::Neg(one), a - hn::IfThenElseZero(middle, one));
    const V bottom = hn::IfThenElse(far, a, hn::MulAdd(hn::IfThenElseZero(middle, one), a, one));
    const V turn = hn::IfThenElse(far, constant(d, kHalfPi),
                                  hn::IfThenElse(middle, constant(d, kHalfPi / 2), zero));
    return hn::CopySign(turn + atan_core(d, V(top / bottom)), x);
  }
};

template <class T>
struct Atan2 : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y, V x) const {
    const V a = hn::Abs(y), b = hn::Abs(x), one = constant(d, 1), zero = hn::Zero(d);
    const V inf = constant(d, std::numeric_limits<double>::infinity());
    V high = hn::Max(a, b), low = hn::Min(a, b);
    const auto infinite = hn::Eq(low, inf);
    high = hn::IfThenElse(infinite, one, high);
    low = hn::IfThenElse(infinite, one, low);
    // Of the smaller over the larger, 0 for both 0.
    const auto middle = hn::Gt(low, high * constant(d, kTanPi8));
    const V top = hn::IfThenElse(middle, low - high, low);
    V bottom = hn::IfThenElse(middle, low + high, high);
    bottom = hn::IfThenElse(hn::Eq(bottom, zero), one, bottom);
    const V huge = constant(d, kIsFloat<D> ? 0x1p126 : 0x1p1022);  // whose sum would overflow
    const auto scale = hn::And(middle, hn::Gt(high, huge));
    const V quarter = constant(d, 0.25);
    bottom = hn::IfThenElse(scale, hn::MulAdd(low, quarter, high * quarter), bottom);
    V r = atan_core(d, V(hn::IfThenElse(scale, top * quarter, top) / bottom));
    r = hn::IfThenElse(middle, r + constant(d, kHalfPi / 2), r);
    r = hn::IfThenElse(hn::Gt(a, b), from_half_pi(d, r, 1), r);
    const auto left = hn::Lt(hn::CopySign(one, x), zero);
    r = hn::IfThenElse(left, from_half_pi(d, r, 2), r);
    const auto nan = hn::Or(hn::IsNaN(x), hn::IsNaN(y));
    return hn::IfThenElse(nan, x + y, hn::CopySign(r, y));
  }
};

// exp(a) / 2 for a >= 0, also where exp(a) is beyond the range.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V half_exp(D d, V a) {
  return exp(d, V(a - constant(d, 1))) * constant(d, 0x1.5bf0a8b145769p0);  // e / 2
}
template <class T>
struct Sinh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), z = x * x;
    V p;
    if constexpr (kIsFloat<D>) {
      p = poly(d, z, 0.16666667, 0.0083333397, 0.00019838102, 2.8062803e-6);
    } else {
      p = poly(d, z, 0x1.5555555555555p-3, 0x1.11111111110fdp-7, 0x1.a01a01a01ee70p-13,
               0x1.71de3a4e14f40p-19, 0x1.ae6460fae3728p-26, 0x1.611cb330c1fe8p-33,
               0x1.b41232cf9950fp-41);
    }
    const V h = half_exp(d, a);
    const V large = hn::CopySign(h - constant(d, 0.25) / h, x);
    return hn::IfThenElse(hn::Lt(a, constant(d, 1)), hn::MulAdd(x * z, p, x), large);
  }
};
template <class T>
struct Cosh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V h = half_exp(d, V(hn::Abs(x)));
    return h + constant(d, 0.25) / h;
  }
};

// log(2 a), for a whose square is beyond the range or drowns what is added to it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_twice(D d, V a) {
  return log(d, a) + constant(d, 0x1.62e42fefa39efp-1);
}
template <class D>
inline constexpr double kHugeSquare = kIsFloat<D> ? 1e5 : 1e10;

template <class T>
struct Asinh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x), one = constant(d, 1), z = a * a;
    const V near = log1p(d, V(a + z / (one + hn::Sqrt(z + one))));
    const auto huge = hn::Gt(a, constant(d, kHugeSquare<D>));
    return hn::CopySign(hn::IfThenElse(huge, log_twice(d, a), near), x);
  }
};
template <class T>
struct Acosh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V t = x - constant(d, 1);
    const V near = log1p(d, V(t + hn::Sqrt(t * t + (t + t))));
    const V r = hn::IfThenElse(hn::Gt(x, constant(d, kHugeSquare<D>)), log_twice(d, x), near);
    const V nan = constant(d, std::numeric_limits<double>::quiet_NaN());
    return hn::IfThenElse(hn::Lt(t, hn::Zero(d)), nan, r);
  }
};
template <class T>
struct Atanh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x);
    const V r = log1p(d, V((a + a) / (constant(d, 1) - a)));
    return hn::CopySign(r * constant(d, 0.5), x);
  }
};

template <class T>
struct Exp2 : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const hn::RebindToSigned<D> di;
    x = at_least(d, x, constant(d, kIsFloat<D> ? -151 : -1076));
    x = at_most(d, x, constant(d, kIsFloat<D> ? 128 : 1024));
    const V shifter = constant(d, FormatOf<D>::kShifter);
    const V shifted = x + shifter;
    const V n = shifted - shifter;
    const V p = expm1_reduced(d, V((x - n) * constant(d, 0x1.62e42fefa39efp-1)));
    const V half = hn::MulAdd(n, constant(d, 0.5), shifter);  // as in exp: two factors
    const Bits<D> half_bits = hn::BitCast(di, half);
    const Bits<D> other_bits = hn::BitCast(di, shifted) - half_bits;
    return (p + constant(d, 1)) * pow2(d, half_bits) * pow2(d, other_bits);
  }
};

template <class T>
struct Frac : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return x - hn::Trunc(x);
  }
};

template <class T>
struct Hypot : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V a = hn::Abs(x), b = hn::Abs(y), zero = hn::Zero(d);
    const V inf = constant(d, std::numeric_limits<double>::infinity());
    const V high = hn::Max(a, b), low = hn::Min(a, b);
    const V ratio = low / high;
    V r = high * hn::Sqrt(hn::MulAdd(ratio, ratio, constant(d, 1)));
    r = hn::IfThenElse(hn::Eq(high, zero), zero, r);
    r = hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::IsNaN(y)), x + y, r);
    return hn::IfThenElse(hn::Or(hn::Eq(a, inf), hn::Eq(b, inf)), inf, r);
  }
};

template <class T>
struct Fmod : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return fmod(d, a, b);
  }
};

template <class T>
struct Copysign : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::CopySign(a, b);
  }
};

template <class T>
struct Logaddexp : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V rest = log1p(d, exp(d, V(hn::Neg(hn::Abs(a - b)))));
    const V twice = a + constant(d, 0x1.62e42fefa39efp-1);  // also for equal infinities
    return hn::IfThenElse(hn::Eq(a, b), twice, hn::Max(a, b) + rest);
  }
};

template <class T>
struct Xlogy : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V zero = hn::Zero(d);
    const V r = hn::IfThenElse(hn::Eq(a, zero), zero, a * log(d, b));
    return hn::IfThenElse(hn::IsNaN(b), b, r);
  }
};

// The larger or smaller one; a NaN loses against a number.
template <class T>
struct Fmax : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Ge(a, b), hn::IsNaN(b)), a, b);
  }
};
template <class T>
struct Fmin : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Le(a, b), hn::IsNaN(b)), a, b);
  }
};

void fill_elementary_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Asin>(b, E::kAsin);
  set_floating<Acos>(b, E::kAcos);
  set_floating<Atan>(b, E::kAtan);
  set_floating<Atan2>(b, E::kAtan2);
  set_floating<Sinh>(b, E::kSinh);
  set_floating<Cosh>(b, E::kCosh);
  set_floating<Asinh>(b, E::kAsinh);
  set_floating<Acosh>(b, E::kAcosh);
  set_floating<Atanh>(b, E::kAtanh);
  set_floating<Exp2>(b, E::kExp2);
  set_floating<Frac>(b, E::kFrac);
  set_floating<Hypot>(b, E::kHypot);
  set_floating<Fmod>(b, E::kFmod);
  set_floating<Copysign>(b, E::kCopysign);
  set_floating<Logaddexp>(b, E::kLogaddexp);
  set_floating<Xlogy>(b, E::kXlogy);
  set_floating<Fmax>(b, E::kFmax);
  set_floating<Fmin>(b, E::kFmin);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_elementary_of_target);
void fill_elementary(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_elementary_of_target)(b); }
}  // namespace mt::cpu
#endif
