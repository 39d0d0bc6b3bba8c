// Unary kernels beside the core set: log2, log10, tan, and the activations leaky_relu, elu, silu,
// softplus and hardtanh's slope, each activation beside its slope. Floating dtypes only.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/unary_more.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/trig-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// The logarithm to base 2 or 10, as k log(2) + log(m) for x = 2^k m: exact for powers of two in
// base 2. log(2) in that base comes as two parts, the first short enough for exact products with k.
struct Base2 {
  static constexpr double kOfE = 0x1.71547652b82fep0, kOf2High = 1, kOf2Low = 0;
};
struct Base10 {
  static constexpr double kOfE = 0x1.bcb7b1526e50ep-2;
  static constexpr double kOf2High = 0x1.34413509f7p-2, kOf2Low = 0x1.3fde623e2566bp-43;
};
template <class Base, class D, class V = hn::Vec<D>>
HWY_INLINE V log_of_base(D d, V x) {
  using F = FormatOf<D>;
  const hn::RebindToUnsigned<D> du;
  using TU = hn::TFromD<decltype(du)>;
  const V zero = hn::Zero(d);
  const auto small = hn::Lt(x, constant(d, kIsFloat<D> ? 0x1p-126 : 0x1p-1022));
  const V scaled = hn::IfThenElse(small, x * constant(d, 0x1p54), x);
  const auto bits = hn::BitCast(du, scaled) + hn::Set(du, static_cast<TU>(F::kOne - F::kRootHalf));
  const auto biased = hn::ShiftRight<F::kMantissa>(bits);
  const V k = hn::BitCast(d, biased | hn::Set(du, static_cast<TU>(F::kTwoPow))) -
              constant(d, F::kTwoPowValue + F::kBias) + hn::IfThenElseZero(small, constant(d, -54));
  const auto fraction = bits & hn::Set(du, (TU{1} << F::kMantissa) - 1);
  const V m = hn::BitCast(d, fraction + hn::Set(du, static_cast<TU>(F::kRootHalf)));
  const V low = hn::MulAdd(log(d, m), constant(d, Base::kOfE), k * constant(d, Base::kOf2Low));
  const V result = hn::MulAdd(k, constant(d, Base::kOf2High), low);
  const auto inf = constant(d, std::numeric_limits<double>::infinity());
  const auto defined = hn::And(hn::Gt(x, zero), hn::Lt(x, inf));
  if (HWY_LIKELY(hn::AllTrue(d, defined))) return result;
  return hn::IfThenElse(defined, result, log(d, x));
}

// f on float32 lanes by way of float64 ones, so that there is one rounding worth speaking of.
template <class D, class V, class F>
HWY_INLINE V in_float64(D d, V x, F&& f) {
  if constexpr (kIsFloat<D>) {
#if HWY_TARGET == HWY_SCALAR  // one lane; its DemoteTo would make inf the largest number
    const hn::Rebind<double, D> dd;
    return hn::Set(d, static_cast<float>(hn::GetLane(f(dd, hn::PromoteTo(dd, x)))));
#else
    const hn::Half<D> dh;
    const hn::Repartition<double, D> dd;
    const auto low = f(dd, hn::PromoteTo(dd, hn::LowerHalf(dh, x)));
    const auto high = f(dd, hn::PromoteTo(dd, hn::UpperHalf(dh, x)));
    return hn::Combine(d, hn::DemoteTo(dh, high), hn::DemoteTo(dh, low));
#endif
  } else {
    return f(d, x);
  }
}

template <class T>
struct Log2 : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log_of_base<Base2>(d, x);
  }
};
template <class T>
struct Log10 : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return in_float64(d, x,
                      [](auto wide, auto v) HWY_ATTR { return log_of_base<Base10>(wide, v); });
  }
};
template <class T>
struct Tan : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return sin(d, x) / cos(d, x);
  }
};

// f[0]: the slope where x is not positive.
template <class T>
struct LeakyRelu : UnaryOp {
  T slope;
  explicit LeakyRelu(const Params& p) : slope(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, x * hn::Set(d, slope));
  }
};
template <class T>
struct LeakyReluBackward : BinaryOp {
  T slope;
  explicit LeakyReluBackward(const Params& p) : slope(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), g, g * hn::Set(d, slope));
  }
};

// f[0]: the factor of the exponential, f[1]: of positive values, f[2]: of the exponent.
template <class T>
struct EluFactors {
  T negative, positive, input;
  explicit EluFactors(const Params& p)
      : negative(static_cast<T>(p.f[0])),
        positive(static_cast<T>(p.f[1])),
        input(static_cast<T>(p.f[2])) {}
};
template <class T>
struct Elu : UnaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  EluFactors<T> k;
  explicit Elu(const Params& p) : k(p) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V bent = expm1(d, x * hn::Set(d, k.input)) * hn::Set(d, k.negative);
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x * hn::Set(d, k.positive), bent);
  }
};
template <class T>
struct EluBackward : BinaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  EluFactors<T> k;
  explicit EluBackward(const Params& p) : k(p) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const V bent = hn::Set(d, k.input * k.negative) * exp(d, x * hn::Set(d, k.input));
    return g * hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, k.positive), bent);
  }
};

template <class T>
struct Silu : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return x * sigmoid(d, x);
  }
};
template <class T>
struct SiluBackward : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    // sigmoid(x) and sigmoid(-x) from one exponential; 1 - sigmoid(x) would cancel.
    const V one = constant(d, 1);
    const V e = exp(d, hn::Neg(hn::Abs(x)));
    const V larger = one / (one + e), smaller = e * larger;
    const auto negative = hn::Lt(x, hn::Zero(d));
    const V s = hn::IfThenElse(negative, smaller, larger);
    const V complement = hn::IfThenElse(negative, larger, smaller);
    return g * s * hn::MulAdd(x, complement, one);
  }
};

// f[0]: beta, f[1]: the threshold of beta x from where on softplus is x.
template <class T>
struct Softplus : UnaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  T beta, threshold;
  explicit Softplus(const Params& p)
      : beta(static_cast<T>(p.f[0])), threshold(static_cast<T>(p.f[1])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V scaled = x * hn::Set(d, beta);
    const V bent = log1p(d, exp(d, scaled)) / hn::Set(d, beta);
    return hn::IfThenElse(hn::Gt(scaled, hn::Set(d, threshold)), x, bent);
  }
};
template <class T>
struct SoftplusBackward : BinaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  T beta, threshold;
  explicit SoftplusBackward(const Params& p)
      : beta(static_cast<T>(p.f[0])), threshold(static_cast<T>(p.f[1])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const V scaled = x * hn::Set(d, beta);
    const auto linear = hn::Gt(scaled, hn::Set(d, threshold));
    return hn::IfThenElse(linear, g, g * sigmoid(d, scaled));
  }
};

// f[0], f[1]: the limits, where the slope is 0 already; so it is for NaN.
template <class T>
struct HardtanhBackward : BinaryOp {
  T low, high;
  explicit HardtanhBackward(const Params& p)
      : low(static_cast<T>(p.f[0])), high(static_cast<T>(p.f[1])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V g, V x) const {
    const auto inside = hn::And(hn::Gt(x, hn::Set(d, low)), hn::Lt(x, hn::Set(d, high)));
    return hn::IfThenElseZero(inside, g);
  }
};

void fill_unary_more_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Log2>(b, E::kLog2);
  set_floating<Log10>(b, E::kLog10);
  set_floating<Tan>(b, E::kTan);
  set_floating<LeakyRelu>(b, E::kLeakyRelu);
  set_floating<LeakyReluBackward>(b, E::kLeakyReluBackward);
  set_floating<Elu>(b, E::kElu);
  set_floating<EluBackward>(b, E::kEluBackward);
  set_floating<Silu>(b, E::kSilu);
  set_floating<SiluBackward>(b, E::kSiluBackward);
  set_floating<Softplus>(b, E::kSoftplus);
  set_floating<SoftplusBackward>(b, E::kSoftplusBackward);
  set_floating<HardtanhBackward>(b, E::kHardtanhBackward);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_unary_more_of_target);
void fill_unary_more(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_unary_more_of_target)(b); }
}  // namespace mt::cpu
#endif
