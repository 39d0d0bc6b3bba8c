// The elementary steps of the optimizers' kernels on vectors, rounded where PyTorch's are: add with
// alpha is one fma, addcmul is fma(value * a, b, x), addcdiv is x + (value * a) / b. For half types
// each is rounded to the half type, and the factors of add and mul are too. A target without fma
// rounds twice. Included once per SIMD target.
#if defined(MT_OPTIM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_OPTIM_INL_H_
#undef MT_OPTIM_INL_H_
#else
#define MT_OPTIM_INL_H_
#endif

#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kOptimGrain = 16384;

// The elementary steps on vectors of elements T.
template <class T>
struct Ops {
  using C = el::Compute<T>;
  using D = hn::ScalableTag<C>;
  using V = hn::Vec<D>;
  static constexpr D d{};

  // A Python float as a factor of mul or add: of the element type; of addcmul: of the compute type.
  static HWY_INLINE V factor(double x) { return hn::Set(d, convert<C>(convert<T>(x))); }
  static HWY_INLINE V value(double x) { return hn::Set(d, static_cast<C>(x)); }

  static HWY_INLINE V round(V v) { return el::round_to<T>(d, v); }
  static HWY_INLINE V add(V x, V y) { return round(hn::Add(x, y)); }
  static HWY_INLINE V mul(V x, V y) { return round(hn::Mul(x, y)); }
  static HWY_INLINE V div(V x, V y) { return round(hn::Div(x, y)); }
  static HWY_INLINE V sqrt(V x) { return round(hn::Sqrt(x)); }
  // x + alpha * y. PyTorch's binary16 rounds the product as well.
  static HWY_INLINE V add_scaled(V x, V y, V alpha) {
    if constexpr (std::is_same_v<T, Half>) return add(x, mul(alpha, y));
    return round(hn::MulAdd(y, alpha, x));
  }
  static HWY_INLINE V addcmul(V x, V a, V b, V value) {
    return round(hn::MulAdd(hn::Mul(value, a), b, x));
  }
  static HWY_INLINE V addcdiv(V x, V a, V b, V value) {
    return round(hn::Add(x, hn::Div(hn::Mul(value, a), b)));
  }
  static HWY_INLINE V maximum(V x, V y) {  // NaN wins
    const auto keep = hn::Or(hn::Ge(x, y), hn::IsNaN(x));
    return hn::IfThenElse(keep, x, y);
  }

  static HWY_INLINE V load(const T* p, int64_t count) {
    return el::load_up_to(d, p, count, hn::Zero(d));
  }
  static HWY_INLINE void store(V v, T* p, int64_t count) { el::store_up_to(d, v, p, count); }
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#endif
