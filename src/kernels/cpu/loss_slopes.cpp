// Element by element: smooth l1 and huber loss, each beside its slope, and the slope of binary
// cross entropy on logits.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loss_slopes.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// With d = |x - y|: d^2 / (2 beta) below beta, else d - beta / 2.
template <class T>
struct SmoothL1 : BinaryOp {
  T beta, half_inverse;
  explicit SmoothL1(const Params& p)
      : beta(static_cast<T>(p.f[1])), half_inverse(p.f[1] > 0 ? static_cast<T>(0.5 / p.f[1]) : 0) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V a = hn::Abs(x - y), b = hn::Set(d, beta);
    const V linear = hn::NegMulAdd(b, constant(d, 0.5), a);
    return hn::IfThenElse(hn::Lt(a, b), a * a * hn::Set(d, half_inverse), linear);
  }
};
template <class T>
struct SmoothL1Backward : TernaryOp {
  T factor, beta, inverse;
  explicit SmoothL1Backward(const Params& p)
      : factor(static_cast<T>(p.f[0])),
        beta(static_cast<T>(p.f[1])),
        inverse(p.f[1] > 0 ? static_cast<T>(1 / p.f[1]) : 0) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    const V difference = x - y;
    const auto inside = hn::Lt(hn::Abs(difference), hn::Set(d, beta));
    const V one = hn::CopySign(constant(d, 1), difference);
    const V step = hn::IfThenZeroElse(hn::Eq(difference, hn::Zero(d)), one);
    const V outside = hn::IfThenElse(hn::IsNaN(difference), difference, step);
    return hn::IfThenElse(inside, difference * hn::Set(d, inverse), outside) * hn::Set(d, factor) *
           g;
  }
};

// d^2 / 2 up to delta, else delta (d - delta / 2).
template <class T>
struct Huber : BinaryOp {
  T delta;
  explicit Huber(const Params& p) : delta(static_cast<T>(p.f[1])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V a = hn::Abs(x - y), limit = hn::Set(d, delta), half = constant(d, 0.5);
    return hn::IfThenElse(hn::Le(a, limit), half * a * a, limit * (a - half * limit));
  }
};
template <class T>
struct HuberBackward : TernaryOp {
  T factor, delta;
  explicit HuberBackward(const Params& p)
      : factor(static_cast<T>(p.f[0])), delta(static_cast<T>(p.f[1])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    const V limit = hn::Set(d, delta);
    const V slope = at_most(d, at_least(d, V(x - y), V(hn::Neg(limit))), limit);
    return slope * hn::Set(d, factor) * g;
  }
};

template <class T>
struct BceWithLogitsBackward : TernaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  T factor;
  explicit BceWithLogitsBackward(const Params& p) : factor(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    return (sigmoid(d, x) - y) * hn::Set(d, factor) * g;
  }
};

void fill_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<SmoothL1>(b, E::kSmoothL1);
  set_floating<SmoothL1Backward>(b, E::kSmoothL1Backward);
  set_floating<Huber>(b, E::kHuber);
  set_floating<HuberBackward>(b, E::kHuberBackward);
  set_floating<BceWithLogitsBackward>(b, E::kBceWithLogitsBackward);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_of_target);
void fill_loss_slopes(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_of_target)(b); }
}  // namespace mt::cpu
#endif
