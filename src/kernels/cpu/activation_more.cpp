// Activation kernels beside the core set: hardsigmoid, hardswish and mish, each beside its slope.
// Floating dtypes only.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation_more.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// min(max(x + 3, 0), 6) / 6
template <class D, class V = hn::Vec<D>>
HWY_INLINE V hard_gate(D d, V x) {
  const V shifted = at_least(d, V(x + constant(d, 3)), V(hn::Zero(d)));
  return at_most(d, shifted, constant(d, 6)) / constant(d, 6);
}

template <class T>
struct Hardsigmoid : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hard_gate(d, x);
  }
};
template <class T>
struct HardsigmoidBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    // torch's 1/6 is a float32 also here.
    const V slope = g * constant(d, static_cast<double>(1.0f / 6.0f));
    return hn::IfThenElseZero(hn::Lt(hn::Abs(x), constant(d, 3)), slope);
  }
};

template <class T>
struct Hardswish : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return x * hard_gate(d, x);
  }
};
template <class T>
struct HardswishBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const V three = constant(d, 3);
    const V bent = g * hn::MulAdd(x, constant(d, 1.0 / 3), constant(d, 0.5));
    const V right = hn::IfThenElse(hn::Gt(x, three), g, bent);
    return hn::IfThenZeroElse(hn::Lt(x, hn::Neg(three)), right);
  }
};

// tanh(log(1 + e)) = n / (n + 2) for e = exp(x) and n = e (e + 2); 1 from `kOne` on.
template <class D>
inline constexpr double kOne = kIsFloat<D> ? 20 : 40;
template <class D, class V = hn::Vec<D>>
HWY_INLINE V mish_n(V e) {
  return e * (e + constant(D(), 2));
}

template <class T>
struct Mish : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V n = mish_n<D>(exp(d, at_most(d, x, constant(d, kOne<D>))));
    return x * (n / (n + constant(d, 2)));
  }
};
template <class T>
struct MishBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const V one = constant(d, 1), two = constant(d, 2);
    const V e = exp(d, at_most(d, x, constant(d, kOne<D>)));
    const V n = mish_n<D>(e);
    const V t = n / (n + two);  // and 1 - t, not by cancelling
    const V rest = hn::IfThenZeroElse(hn::Ge(x, constant(d, kOne<D>)), two / (n + two));
    const V s = e / (one + e);  // sigmoid(x)
    return g * hn::MulAdd(x * s, rest * (one + t), t);
  }
};

void fill_activation_more_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Hardsigmoid>(b, E::kHardsigmoid);
  set_floating<HardsigmoidBackward>(b, E::kHardsigmoidBackward);
  set_floating<Hardswish>(b, E::kHardswish);
  set_floating<HardswishBackward>(b, E::kHardswishBackward);
  set_floating<Mish>(b, E::kMish);
  set_floating<MishBackward>(b, E::kMishBackward);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_activation_more_of_target);
void fill_activation_more(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_activation_more_of_target)(b); }
}  // namespace mt::cpu
#endif
