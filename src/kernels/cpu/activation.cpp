// Activation kernels, each beside its slope: sigmoid, tanh, relu and gelu in both forms.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/trig-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Sigmoid : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return sigmoid(d, x);
  }
};
template <class T>
struct SigmoidBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V y) const {
    return g * (constant(d, 1) - y) * y;
  }
};

template <class T>
struct Tanh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return tanh(d, x);
  }
};
template <class T>
struct TanhBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V y) const {
    return g * hn::NegMulAdd(y, y, constant(d, 1));
  }
};

template <class T>
struct Relu : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    if constexpr (std::is_floating_point_v<T>) return at_least(d, x, V(hn::Zero(d)));
    return hn::Max(x, hn::Zero(d));
  }
};
template <class T>
struct ReluBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V y) const {
    return hn::IfThenZeroElse(hn::Le(y, hn::Zero(d)), g);  // a NaN lets the gradient through
  }
};

// The normal distribution's Phi(x), whose product with x is gelu, and its density phi(x). float32
// has one polynomial each for log Phi(-a) and for phi(a) / Phi(-a), off by 2^-26 of the whole up to
// a = 6.6, where nothing is left that a gelu or its slope could show.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_tail(D d, V a) {
  const V log_tail = poly(d, a, -0.69314718, -0.79788536, -0.31830159, -0.036368385, 0.0048459237,
                          -3.0472611e-5, -0.00017402395, 4.4538108e-5, -5.3639865e-6, 2.6798074e-7);
  return hn::IfThenElseZero(hn::Le(a, constant(d, 6.6)), exp_bounded(d, log_tail));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_cdf(D d, V x, V tail) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, constant(d, 1) - tail);
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_cdf(D d, V x) {
  if constexpr (kIsFloat<D>) return normal_cdf(d, x, normal_tail(d, hn::Abs(x)));
  const V half = constant(d, 0.5);
  return hn::MulAdd(half, erf(d, x * constant(d, 0.70710678118654752440)), half);
}
template <class T>
struct Gelu : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return x * normal_cdf(d, x);
  }
};
template <class T>
struct GeluBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    if constexpr (kIsFloat<D>) {
      const V a = hn::Abs(x);
      const V tail = normal_tail(d, a);
      const V ratio = poly(d, a, 0.79788572, 0.63660157, 0.10910329, -0.019366389, 0.00012191861,
                           0.0010686299, -0.0003218888, 4.4992285e-5, -2.5796203e-6);
      return g * hn::MulAdd(x, tail * ratio, normal_cdf(d, x, tail));
    } else {
      const V inverse_root = constant(d, 0.39894228040143267794);  // 1 / sqrt(2 pi)
      const V density = exp(d, x * x * constant(d, -0.5)) * inverse_root;
      return g * hn::MulAdd(x, density, normal_cdf(d, x));
    }
  }
};

// gelu's tanh form: x (1 + tanh u) / 2 = x sigmoid(2u) with u = beta (x + kappa x^3).
struct GeluTanhForm {
  static constexpr double kTwoBeta = 1.59576912160573071176;  // 2 sqrt(2 / pi)
  static constexpr double kKappa = 0.044715;
};
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu_argument(D d, V x, V square) {  // 2u
  const V cubic = hn::MulAdd(constant(d, GeluTanhForm::kKappa) * square, x, x);
  return constant(d, GeluTanhForm::kTwoBeta) * cubic;
}
template <class T>
struct GeluTanh : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return x * sigmoid(d, gelu_argument(d, x, x * x));
  }
};
template <class T>
struct GeluTanhBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    using F = GeluTanhForm;
    const V one = constant(d, 1);
    const V square = x * x;
    const V argument = gelu_argument(d, x, square);
    const V e = exp(d, hn::Neg(hn::Abs(argument)));
    const V large = one / (one + e), small = e * large;  // sigmoid of the argument and its opposite
    const V gate = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), small, large);
    const V argument_slope =
        constant(d, F::kTwoBeta) * hn::MulAdd(constant(d, 3 * F::kKappa), square, one);
    return g * hn::MulAdd(x * small * large, argument_slope, gate);
  }
};

void fill_activation_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Sigmoid>(b, E::kSigmoid);
  set_floating<SigmoidBackward>(b, E::kSigmoidBackward);
  set_floating<Tanh>(b, E::kTanh);
  set_floating<TanhBackward>(b, E::kTanhBackward);
  set_floating<Relu>(b, E::kRelu);
  set_integers<Relu>(b, E::kRelu);
  set_floating<ReluBackward>(b, E::kReluBackward);
  set_floating<Gelu>(b, E::kGelu);
  set_floating<GeluBackward>(b, E::kGeluBackward);
  set_floating<GeluTanh>(b, E::kGeluTanh);
  set_floating<GeluTanhBackward>(b, E::kGeluTanhBackward);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_activation_of_target);
void fill_activation(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_activation_of_target)(b); }
}  // namespace mt::cpu
#endif
