// Losses of one element, each beside its slope: mse, l1, binary cross entropy.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/loss.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "core/error.h"
#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/math-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Mse : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x, V y) const {
    const V difference = x - y;
    return difference * difference;
  }
};
template <class T>
struct MseBackward : TernaryOp {
  T factor;
  explicit MseBackward(const Params& p) : factor(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    return hn::Set(d, factor) * (x - y) * g;
  }
};

template <class T>
struct L1 : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D, V x, V y) const {
    if constexpr (std::is_unsigned_v<T>) {
      return x - y;  // wraps, and has no sign to drop
    } else {
      return hn::Abs(x - y);
    }
  }
};
template <class T>
struct L1Backward : TernaryOp {
  T factor;
  explicit L1Backward(const Params& p) : factor(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    return hn::Set(d, factor) * sign(d, x - y) * g;
  }
};

template <class D, class V = hn::Vec<D>>
HWY_NOINLINE void fail_range(D d, V x) {
  constexpr size_t kMax = 64 / sizeof(hn::TFromD<D>);
  alignas(64) hn::TFromD<D> values[kMax];
  hn::Store(x, d, values);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (values[i] >= 0 && values[i] <= 1) continue;
    fail(Status::kInvalidArgument, "binary_cross_entropy: value out of range: input has ",
         values[i],
         ": every element must lie in [0, 1]; for scores use "
         "binary_cross_entropy_with_logits");
  }
}

// Logarithms stop at -100, so that a sure but wrong prediction costs a finite loss.
template <class T>
struct Bce : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V one = constant(d, 1), floor = constant(d, -100);
    const auto inside = hn::And(hn::Ge(x, hn::Zero(d)), hn::Le(x, one));
    if (HWY_UNLIKELY(!hn::AllTrue(d, inside))) fail_range(d, x);
    const V miss = at_least(d, log(d, one - x), floor);
    const V hit = at_least(d, log(d, x), floor);
    return hn::MulSub(y - one, miss, y * hit);
  }
};
template <class T>
struct BceBackward : TernaryOp {
  using TernaryOp::TernaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x, V y) const {
    const V slope = at_least(d, (constant(d, 1) - x) * x, constant(d, 1e-12));
    return g * (x - y) / slope;
  }
};

// (1 - y) x + max(-x, 0) + log(1 + exp(-|x|)): no exponential can overflow.
template <class T>
struct BceWithLogits : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x, V y) const {
    const V one = constant(d, 1);
    const V excess = at_least(d, hn::Neg(x), V(hn::Zero(d)));
    const V rest = log(d, one + exp(d, hn::Neg(hn::Abs(x))));
    return (one - y) * x + excess + rest;
  }
};

void fill_loss_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Mse>(b, E::kMse);
  set_floating<MseBackward>(b, E::kMseBackward);
  set_floating<L1>(b, E::kL1);
  set_integers<L1>(b, E::kL1);
  set_floating<L1Backward>(b, E::kL1Backward);
  set_floating<Bce>(b, E::kBce);
  set_floating<BceBackward>(b, E::kBceBackward);
  set_floating<BceWithLogits>(b, E::kBceWithLogits);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_loss_of_target);
void fill_loss(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_loss_of_target)(b); }
}  // namespace mt::cpu
#endif
