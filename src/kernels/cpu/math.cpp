// Kernels of the elementary functions: exp, log, their neighbours, sin, cos, erf and powers with a
// scalar exponent. Floating dtypes only.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/math.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/trig-inl.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Exp : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return exp(d, x);
  }
};

template <class T>
struct Log : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log(d, x);
  }
};

template <class T>
struct Log1p : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return log1p(d, x);
  }
};

template <class T>
struct Expm1 : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return expm1(d, x);
  }
};

template <class T>
struct Sin : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return sin(d, x);
  }
};

template <class T>
struct Cos : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return cos(d, x);
  }
};

template <class T>
struct Erf : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return erf(d, x);
  }
};

// x to the exponents that need no logarithm.
enum class Power { kZero, kOne, kTwo, kThree, kMinusOne, kMinusTwo, kHalf, kMinusHalf };
template <class T, Power kPower>
struct EasyPower : UnaryOp {
  using UnaryOp::UnaryOp;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = constant(d, 1);
    if constexpr (kPower == Power::kZero) return one;
    if constexpr (kPower == Power::kOne) return x;
    if constexpr (kPower == Power::kTwo) return x * x;
    if constexpr (kPower == Power::kThree) return x * x * x;
    if constexpr (kPower == Power::kMinusOne) return one / x;
    if constexpr (kPower == Power::kMinusTwo) return one / (x * x);
    if constexpr (kPower == Power::kHalf) return hn::Sqrt(x);
    if constexpr (kPower == Power::kMinusHalf) return one / hn::Sqrt(x);
  }
};
template <class T>
struct AnyPower : UnaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  T exponent;
  explicit AnyPower(const Params& p) : exponent(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return pow(d, x, hn::Set(d, exponent));
  }
};

template <class Op, DType kType>
void kernel_of(const Iter& it, const Params& p) {
  if constexpr (kType == DType::kFloat32) return kernel<Op, float>(it, p);
  if constexpr (kType == DType::kFloat64) return kernel<Op, double>(it, p);
  if constexpr (kType == DType::kFloat16) return kernel_half<Op>(it, p);
  if constexpr (kType == DType::kBFloat16) return kernel_bfloat16<Op>(it, p);
}
template <DType kType>
void pow_scalar(const Iter& it, const Params& p) {
  using T = std::conditional_t<kType == DType::kFloat64, double, float>;
  const double e = p.f[0];
  if (e == 2) return kernel_of<EasyPower<T, Power::kTwo>, kType>(it, p);
  if (e == 3) return kernel_of<EasyPower<T, Power::kThree>, kType>(it, p);
  if (e == 0.5) return kernel_of<EasyPower<T, Power::kHalf>, kType>(it, p);
  if (e == -0.5) return kernel_of<EasyPower<T, Power::kMinusHalf>, kType>(it, p);
  if (e == -1) return kernel_of<EasyPower<T, Power::kMinusOne>, kType>(it, p);
  if (e == -2) return kernel_of<EasyPower<T, Power::kMinusTwo>, kType>(it, p);
  if (e == 1) return kernel_of<EasyPower<T, Power::kOne>, kType>(it, p);
  if (e == 0) return kernel_of<EasyPower<T, Power::kZero>, kType>(it, p);
  kernel_of<AnyPower<T>, kType>(it, p);
}

void fill_math_of_target(Backend& b) {
  using E = Elementwise;
  set_floating<Exp>(b, E::kExp);
  set_floating<Log>(b, E::kLog);
  set_floating<Log1p>(b, E::kLog1p);
  set_floating<Expm1>(b, E::kExpm1);
  set_floating<Sin>(b, E::kSin);
  set_floating<Cos>(b, E::kCos);
  set_floating<Erf>(b, E::kErf);
  set(b, E::kPowScalar, DType::kFloat32, pow_scalar<DType::kFloat32>);
  set(b, E::kPowScalar, DType::kFloat64, pow_scalar<DType::kFloat64>);
  set(b, E::kPowScalar, DType::kFloat16, pow_scalar<DType::kFloat16>);
  set(b, E::kPowScalar, DType::kBFloat16, pow_scalar<DType::kBFloat16>);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_math_of_target);
void fill_math(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_math_of_target)(b); }
}  // namespace mt::cpu
#endif
