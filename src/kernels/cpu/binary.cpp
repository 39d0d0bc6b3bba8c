// Binary kernels of arithmetic and bits. Integers wrap around; their division and power are in
// integer.cpp.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/binary.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// a + alpha b; sub is the same with -alpha, so that one rounding gives PyTorch's bits.
template <class T>
struct Add : BinaryOp {
  static constexpr bool kRoundParams = true;
  T alpha;
  explicit Add(const Params& p) {
    if constexpr (std::is_floating_point_v<T>) {
      alpha = static_cast<T>(p.f[0]);
    } else {
      alpha = static_cast<T>(p.i[0]);
    }
  }
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::MulAdd(b, hn::Set(d, alpha), a);
    } else {
      if (HWY_LIKELY(alpha == 1)) return a + b;
      return a + multiply(d, b, hn::Set(d, alpha));
    }
  }
};
template <class T>
struct Sub : BinaryOp {
  static constexpr bool kRoundParams = true;
  Add<T> add;
  explicit Sub(const Params& p) : add(p) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::NegMulAdd(b, hn::Set(d, add.alpha), a);
    } else {
      if (HWY_LIKELY(add.alpha == 1)) return a - b;
      return a - multiply(d, b, hn::Set(d, add.alpha));
    }
  }
};
template <class T>
struct AddBool : BinaryOp {
  T mask;
  explicit AddBool(const Params& p) : mask(p.i[0] != 0 ? 1 : 0) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return a | (b & hn::Set(d, mask));
  }
};

template <class T>
struct Mul : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return multiply(d, a, b);
  }
};

template <class T>
struct Div : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return a / b;
  }
};

template <class T>
struct DivTrunc : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Trunc(a / b);
  }
};

// Whether a remainder of C's kind must move by one divisor to have the divisor's sign.
template <class D, class V>
HWY_INLINE auto of_other_sign(D d, V mod, V b) {
  const auto differ = hn::Xor(hn::Lt(b, hn::Zero(d)), hn::Lt(mod, hn::Zero(d)));
  return hn::AndNot(hn::Eq(mod, hn::Zero(d)), differ);
}

// Python's //: by the exact remainder, so that the result agrees with %.
template <class T>
struct DivFloor : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V one = constant(d, 1), zero = hn::Zero(d);
    const V mod = fmod(d, a, b);
    const V exact = (a - mod) / b;
    const V div = exact - hn::IfThenElseZero(of_other_sign(d, mod, b), one);
    const V floor = hn::Floor(div);
    const auto low = hn::Gt(div - floor, constant(d, 0.5));
    const V whole = floor + hn::IfThenElseZero(low, one);
    const V plain = a / b;
    const V result = hn::IfThenElse(hn::Eq(div, zero), hn::CopySign(zero, plain), whole);
    return hn::IfThenElse(hn::Eq(b, zero), plain, result);
  }
};

template <class T>
struct Remainder : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V mod = fmod(d, a, b);
    return hn::IfThenElse(of_other_sign(d, mod, b), mod + b, mod);
  }
};

template <class T>
struct Pow : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return pow(d, a, b);
  }
};

template <class T>
struct Maximum : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::IfThenElse(hn::IsNaN(a), a, at_least(d, b, a));
    } else {
      return hn::Max(a, b);
    }
  }
};
template <class T>
struct Minimum : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::IfThenElse(hn::IsNaN(a), a, at_most(d, b, a));
    } else {
      return hn::Min(a, b);
    }
  }
};

template <class T>
struct BitwiseAnd : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return a & b;
  }
};
template <class T>
struct BitwiseOr : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return a | b;
  }
};
template <class T>
struct BitwiseXor : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return a ^ b;
  }
};

void fill_binary_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Add>(b, E::kAdd);
  set_integers_by_size<Add>(b, E::kAdd);
  set_bool<AddBool>(b, E::kAdd);
  set_floating<Sub>(b, E::kSub);
  set_integers_by_size<Sub>(b, E::kSub);
  set_floating<Mul>(b, E::kMul);
  set_integers_by_size<Mul>(b, E::kMul);
  set_bool<BitwiseAnd>(b, E::kMul);
  set_floating<Div>(b, E::kDiv);
  set_floating<DivFloor>(b, E::kDivFloor);
  set_floating<DivTrunc>(b, E::kDivTrunc);
  set_floating<Remainder>(b, E::kRemainder);
  set_floating<Pow>(b, E::kPow);
  set_floating<Maximum>(b, E::kMaximum);
  set_integers<Maximum>(b, E::kMaximum);
  set_bool<Maximum>(b, E::kMaximum);
  set_floating<Minimum>(b, E::kMinimum);
  set_integers<Minimum>(b, E::kMinimum);
  set_bool<Minimum>(b, E::kMinimum);
  set_integers_by_size<BitwiseAnd>(b, E::kBitwiseAnd);
  set_bool<BitwiseAnd>(b, E::kBitwiseAnd);
  set_integers_by_size<BitwiseOr>(b, E::kBitwiseOr);
  set_bool<BitwiseOr>(b, E::kBitwiseOr);
  set_integers_by_size<BitwiseXor>(b, E::kBitwiseXor);
  set_bool<BitwiseXor>(b, E::kBitwiseXor);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_binary_of_target);
void fill_binary(Backend& b) {
  HWY_DYNAMIC_DISPATCH(fill_binary_of_target)(b);
  fill_compare(b);
  fill_integer(b);
}
}  // namespace mt::cpu
#endif
