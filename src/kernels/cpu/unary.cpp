// Unary kernels of plain arithmetic: neg, abs, square, roots, rounding, sign, clamp and tests of a
// value. Slopes stand beside their functions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/unary.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Identity : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return x;
  }
};

template <class T>
struct Neg : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    if constexpr (std::is_floating_point_v<T>) return hn::Neg(x);
    return hn::Zero(d) - x;
  }
};

template <class T>
struct Abs : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Abs(x);
  }
};
template <class T>
struct AbsBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    return g * sign(d, x);
  }
};

template <class T>
struct Sign : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return sign(d, x);
  }
};

template <class T>
struct Square : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return multiply(d, x, x);
  }
};

template <class T>
struct Sqrt : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Sqrt(x);
  }
};

template <class T>
struct Rsqrt : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return constant(d, 1) / hn::Sqrt(x);
  }
};

template <class T>
struct Reciprocal : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return constant(d, 1) / x;
  }
};

// A number rounded to an integer keeps its sign, also as -0. Highway's portable targets lose it.
template <class V>
HWY_INLINE V with_sign_of(V x, V rounded) {
#if HWY_TARGET >= HWY_EMU128
  return hn::CopySign(rounded, x);
#else
  (void)x;
  return rounded;
#endif
}

template <class T>
struct Floor : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return with_sign_of(x, hn::Floor(x));
  }
};

template <class T>
struct Ceil : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return with_sign_of(x, hn::Ceil(x));
  }
};

template <class T>
struct Round : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return with_sign_of(x, hn::Round(x));
  }
};

template <class T>
struct Trunc : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Trunc(x);
  }
};

// The bounds of clamp and its slope. The upper bound wins where they cross; a NaN bound makes every
// result NaN. Integer bounds beyond the dtype are brought to its ends.
template <class T>
struct Bounds {
  T low, high;
  bool nan = false;
  explicit Bounds(const Params& p) {
    if constexpr (std::is_floating_point_v<T>) {
      low = static_cast<T>(p.f[0]);
      high = static_cast<T>(p.f[1]);
      nan = std::isnan(low) || std::isnan(high);
    } else {
      low = saturate(p.i[0]);
      high = saturate(p.i[1]);
    }
  }
  static T saturate(int64_t value) {
    using Limits = std::numeric_limits<T>;
    if (value < static_cast<int64_t>(Limits::min())) return Limits::min();
    if (value > static_cast<int64_t>(Limits::max())) return Limits::max();
    return static_cast<T>(value);
  }
};
template <class T>
struct Clamp : UnaryOp {
  Bounds<T> bounds;
  explicit Clamp(const Params& p) : bounds(p) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V low = hn::Set(d, bounds.low), high = hn::Set(d, bounds.high);
    if constexpr (std::is_floating_point_v<T>) {
      if (HWY_UNLIKELY(bounds.nan)) return low + high;
      return at_most(d, at_least(d, x, low), high);
    } else {
      return hn::Min(hn::Max(x, low), high);
    }
  }
};
template <class T>
struct ClampBackward : BinaryOp {
  Bounds<T> bounds;
  explicit ClampBackward(const Params& p) : bounds(p) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const auto inside =
        hn::And(hn::Ge(x, hn::Set(d, bounds.low)), hn::Le(x, hn::Set(d, bounds.high)));
    return hn::IfThenElseZero(inside, g);
  }
};

// Tests of a value; integers are always finite.
template <class T>
struct LogicalNot : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V x) const {
    return hn::Eq(x, hn::Zero(d));
  }
};
template <class T>
struct IsNan : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V x) const {
    return not_equal(x, x);
  }
};
template <class T>
struct IsInf : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V x) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::Eq(hn::Abs(x), constant(d, std::numeric_limits<double>::infinity()));
    } else {
      return not_equal(x, x);
    }
  }
};
template <class T>
struct IsFinite : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V x) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::Lt(hn::Abs(x), constant(d, std::numeric_limits<double>::infinity()));
    } else {
      return hn::Eq(x, x);
    }
  }
};

template <template <class> class Op>
void set_test(Backend& b, Elementwise id) {
  set_floating<Op>(b, id);
  set_integers_by_size<Op>(b, id);
  set_bool<Op>(b, id);
}

void fill_arithmetic_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Neg>(b, E::kNeg);
  set_integers_by_size<Neg>(b, E::kNeg);
  set_floating<Abs>(b, E::kAbs);
  set_signed<Abs>(b, E::kAbs);
  set(b, E::kAbs, DType::kUInt8, kernel<Identity<uint8_t>, uint8_t>);
  set_floating<AbsBackward>(b, E::kAbsBackward);
  set_floating<Sign>(b, E::kSign);
  set_integers<Sign>(b, E::kSign);
  set_bool<Identity>(b, E::kSign);
  set_floating<Square>(b, E::kSquare);
  set_integers_by_size<Square>(b, E::kSquare);
  set_floating<Sqrt>(b, E::kSqrt);
  set_floating<Rsqrt>(b, E::kRsqrt);
  set_floating<Reciprocal>(b, E::kReciprocal);
  set_floating<Floor>(b, E::kFloor);
  set_floating<Ceil>(b, E::kCeil);
  set_floating<Round>(b, E::kRound);
  set_floating<Trunc>(b, E::kTrunc);
  for (const E id : {E::kFloor, E::kCeil, E::kRound, E::kTrunc}) {
    set_integers_by_size<Identity>(b, id);
  }
  set_floating<Clamp>(b, E::kClamp);
  set_integers<Clamp>(b, E::kClamp);
  set_floating<ClampBackward>(b, E::kClampBackward);
  set_test<LogicalNot>(b, E::kLogicalNot);
  set_test<IsNan>(b, E::kIsNan);
  set_test<IsInf>(b, E::kIsInf);
  set_test<IsFinite>(b, E::kIsFinite);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_arithmetic_of_target);
void fill_arithmetic(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_arithmetic_of_target)(b); }

void fill_unary(Backend& b) {
  fill_arithmetic(b);
  fill_math(b);
  fill_activation(b);
  fill_unary_more(b);
  fill_elementary(b);
  fill_activation_more(b);
}
}  // namespace mt::cpu
#endif
