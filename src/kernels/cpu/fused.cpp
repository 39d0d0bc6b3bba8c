// Kernels of three inputs: where, addcmul, addcdiv, lerp.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/fused.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Where : TernaryOp {
  using TernaryOp::TernaryOp;
  static constexpr bool kCondition = true;
  template <class D, class M, class V>
  HWY_INLINE V operator()(D, M condition, V a, V b) const {
    return hn::IfThenElse(condition, a, b);
  }
};

// a + value b c and a + value b / c; the order of the roundings is PyTorch's.
template <class T>
struct Addcmul : TernaryOp {
  static constexpr bool kRoundParams = true;
  T value;
  explicit Addcmul(const Params& p) {
    if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(p.f[0]);
    } else {
      value = static_cast<T>(p.i[0]);
    }
  }
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    const V factor = multiply(d, V(hn::Set(d, value)), b);
    if constexpr (std::is_floating_point_v<T>) {
      return hn::MulAdd(factor, c, a);
    } else {
      return a + multiply(d, factor, c);
    }
  }
};
template <class T>
struct Addcdiv : TernaryOp {
  static constexpr bool kRoundParams = true;
  T value;
  explicit Addcdiv(const Params& p) : value(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return a + hn::Set(d, value) * b / c;
  }
};

// From the nearer end, so that weights 0 and 1 give a and b exactly.
template <class T>
struct Lerp : BinaryOp {
  static constexpr bool kRoundParams = true;
  T weight;
  explicit Lerp(const Params& p) : weight(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    if (weight < T(0.5)) return hn::MulAdd(hn::Set(d, weight), b - a, a);
    return hn::NegMulAdd(b - a, hn::Set(d, T(1) - weight), b);
  }
};

void fill_fused_of_target(Backend& b) {
  using E = Elementwise;
  set_integers_by_size<Where>(b, E::kWhere);
  set_bool<Where>(b, E::kWhere);
  set(b, E::kWhere, DType::kFloat32, kernel<Where<uint32_t>, uint32_t>);
  set(b, E::kWhere, DType::kFloat64, kernel<Where<uint64_t>, uint64_t>);
  set(b, E::kWhere, DType::kFloat16, kernel<Where<uint16_t>, uint16_t>);
  set(b, E::kWhere, DType::kBFloat16, kernel<Where<uint16_t>, uint16_t>);
  set_floating<Addcmul>(b, E::kAddcmul);
  set_integers_by_size<Addcmul>(b, E::kAddcmul);
  set_floating<Addcdiv>(b, E::kAddcdiv);
  set_floating<Lerp>(b, E::kLerp);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_fused_of_target);
void fill_fused(Backend& b) {
  HWY_DYNAMIC_DISPATCH(fill_fused_of_target)(b);
  fill_loss(b);
}
}  // namespace mt::cpu
#endif
