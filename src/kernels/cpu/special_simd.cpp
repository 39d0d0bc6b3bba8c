// Vector kernels of those special functions that are built from elementary ones, and of erfc and
// its inverses: sinc, logit, entr, xlog1py, logaddexp2, nan_to_num, the shrinking activations.
// Floating dtypes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/special_simd.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/elementwise-inl.h"
#include "kernels/cpu/math-inl.h"
#include "kernels/cpu/trig-inl.h"
#include "kernels/special.h"
HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

constexpr double kPi = 0x1.921fb54442d18p1, kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kRoot2 = 0x1.6a09e667f3bcdp0, kErfSlope = 0x1.20dd750429b6dp0;  // 2 / sqrt(pi)

// exp(x^2) erfc(x) for x >= 0: (1 + 2x) times it is smooth in (x - k) / (x + k), which the
// polynomial follows to 2^-52 (2^-27) over all of [0, inf). The form is that of M. M. Shepherd and
// J. G. Laframboise, Math. Comp. 36 (1981); the coefficients were computed for this file.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erfcx_positive(D d, V x) {
  const V k = constant(d, kIsFloat<D> ? 3 : 3.75), one = constant(d, 1);
  const V bounded = at_most(d, x, constant(d, 1e30));
  const V t = (bounded - k) / (bounded + k);
  V p;
  if constexpr (kIsFloat<D>) {
    p = poly(d, t, 1.25300806, -0.1356211, -0.0475621561, 0.129644721, -0.119275281, 0.0683131967,
             -0.0237635597, 0.00250677867, 0.00187506025, -0.00073408205, -9.25376913e-5,
             8.00745497e-5);
  } else {
    p = poly(d, t, 0x1.3ccda0b5d5dc2p+0, -0x1.1f367683f8966p-3, 0x1.d5f294815b4eep-9,
             0x1.510169d093b1ep-4, -0x1.bda9309a2ca2ap-4, 0x1.7a14188ae2e10p-4,
             -0x1.e0d0fa6d2ae2fp-5, 0x1.d0b0037001e32p-6, -0x1.3f603c5c10bdbp-7,
             0x1.cc3a13ec5fe8bp-10, 0x1.33fb466bf4b0fp-12, -0x1.303ffce61d791p-12,
             0x1.b13fe29c4adcbp-15, 0x1.7799fa84f9929p-16, -0x1.7fd98bfdd146cp-17,
             -0x1.06e0d05323891p-20, 0x1.d41cfdd12ab86p-20, -0x1.b48392232d543p-25,
             -0x1.0c65f5e7a1e6cp-22, 0x1.429cb8b3e4f47p-26, 0x1.17bb2c134e042p-25,
             -0x1.0c63b219c1bd8p-29, -0x1.772004cd8d1abp-29);
  }
  return p / (one + (x + x));
}

// x^2 as an exact square and the rest, so that rounding it does not count in its exponential.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V split_square(D d, V x, V& rest) {
  const hn::RebindToUnsigned<D> du;
  using TU = hn::TFromD<decltype(du)>;
  const auto upper = hn::Set(du, static_cast<TU>(~TU{0} << (kIsFloat<D> ? 12 : 27)));
  const V high = hn::BitCast(d, hn::And(hn::BitCast(du, x), upper));
  rest = (x - high) * (x + high);
  return high * high;
}

template <class T>
struct Erfc : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = at_most(d, hn::Abs(x), constant(d, 30));  // 0 from there on
    V rest;
    const V square = split_square(d, a, rest);
    const V scale = exp(d, V(hn::Neg(square))) * exp(d, V(hn::Neg(rest)));
    const V tail = scale * erfcx_positive(d, a);
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), constant(d, 2) - tail, tail);
  }
};
template <class T>
struct Erfcx : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V a = hn::Abs(x);
    const V right = erfcx_positive(d, a);
    if (hn::AllFalse(d, hn::Lt(x, hn::Zero(d)))) return right;
    const V bounded = at_most(d, a, constant(d, 30));  // beyond the range from there on
    V rest;
    const V square = split_square(d, bounded, rest);
    const V twice = exp(d, square) * exp(d, rest) * constant(d, 2);
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), twice - right, right);
  }
};

// x >= 0 with erfc(x) = c, for 0 < c <= 1: a normal quantile to 4.5e-4 (Abramowitz and Stegun,
// 26.2.23), then Halley's method, which cubes the error.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erfc_inverse(D d, V c) {
  const V one = constant(d, 1);
  const V t = hn::Sqrt(constant(d, -2) * log(d, V(c * constant(d, 0.5))));
  const V z =
      t - poly(d, t, 2.515517, 0.802853, 0.010328) / poly(d, t, 1, 1.432788, 0.189269, 0.001308);
  V x = z * constant(d, kRoot2 / 2);
  for (int i = 0; i < 2; ++i) {
    V rest;
    const V square = split_square(d, x, rest);
    const V root = exp(d, V(square * constant(d, 0.5)));  // exp(x^2) may be beyond the range
    const V scaled = c * root * (root * exp(d, rest));
    const V step = (erfcx_positive(d, x) - scaled) * constant(d, 1 / kErfSlope);
    x = x + step / hn::NegMulAdd(x, step, one);
  }
  return x;
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V erfinv(D d, V y) {
  const V a = hn::Abs(y), one = constant(d, 1), scale = constant(d, 1 / kErfSlope);
  const auto far = hn::Gt(a, constant(d, 0.5));
  // Near 0 by the series to 1e-3 and Halley's method on erf.
  const V near = hn::IfThenZeroElse(far, y), u = near * scale;
  V x = u * poly(d, V(u * u), 1, 1.0 / 3, 7.0 / 30, 127.0 / 630);
  for (int i = 0; i < 2; ++i) {
    const V step = (erf(d, x) - near) * exp(d, V(x * x)) * scale;
    x = x - step / hn::MulAdd(x, step, one);
  }
  if (hn::AllFalse(d, far)) return x;
  const V inf = constant(d, std::numeric_limits<double>::infinity());
  const V nan = constant(d, std::numeric_limits<double>::quiet_NaN());
  const auto inside = hn::And(far, hn::Lt(a, one));
  const V tail = erfc_inverse(d, V(hn::IfThenElse(inside, one - a, one)));
  const V ends = hn::IfThenElse(inside, tail, hn::IfThenElse(hn::Eq(a, one), inf, nan));
  return hn::IfThenElse(far, hn::CopySign(ends, y), x);
}

template <class T>
struct Erfinv : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V y) const {
    return erfinv(d, y);
  }
};
template <class T>
struct Ndtri : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V p) const {
    const V root2 = constant(d, kRoot2), twice = p + p, one = constant(d, 1);
    const auto low = hn::And(hn::Gt(p, hn::Zero(d)), hn::Lt(p, constant(d, 0.25)));
    const V upper = erfinv(d, V(hn::IfThenZeroElse(low, twice - one)));
    const auto negative = hn::Lt(p, hn::Zero(d));  // also where 2p - 1 rounds to -1
    const V defined =
        hn::IfThenElse(negative, constant(d, std::numeric_limits<double>::quiet_NaN()), upper);
    if (hn::AllFalse(d, low)) return root2 * defined;
    const V lower = hn::Neg(erfc_inverse(d, V(hn::IfThenElse(low, twice, one))));
    return root2 * hn::IfThenElse(low, lower, defined);
  }
};

template <class T>
struct Sinc : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V z = x * constant(d, kPi);
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), constant(d, 1), sin(d, z) / z);
  }
};

// x limited to [f[0], 1 - f[0]] when i[0].
template <class T>
struct Logit : UnaryOp {
  static constexpr uint32_t kGrain = kCostlyGrain;
  T low, high;
  explicit Logit(const Params& p)
      : low(p.i[0] ? static_cast<T>(p.f[0]) : -std::numeric_limits<T>::infinity()),
        high(p.i[0] ? static_cast<T>(1) - static_cast<T>(p.f[0])
                    : std::numeric_limits<T>::infinity()) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    x = hn::IfThenElse(hn::Lt(x, hn::Set(d, low)), hn::Set(d, low),
                       hn::IfThenElse(hn::Gt(x, hn::Set(d, high)), hn::Set(d, high), x));
    return log(d, V(x / (constant(d, 1) - x)));
  }
};

template <class T>
struct Entr : UnaryOp {
  using UnaryOp::UnaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    const V below = constant(d, -std::numeric_limits<double>::infinity());
    const V r = hn::IfThenElse(hn::Lt(x, zero), below, hn::Neg(x) * log(d, x));
    return hn::IfThenElse(hn::Eq(x, zero), zero, r);
  }
};

// f[0], f[1], f[2] for NaN, inf, -inf
template <class T>
struct NanToNum : UnaryOp {
  T nan, high, low;
  explicit NanToNum(const Params& p)
      : nan(static_cast<T>(p.f[0])), high(static_cast<T>(p.f[1])), low(static_cast<T>(p.f[2])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V inf = constant(d, std::numeric_limits<double>::infinity());
    x = hn::IfThenElse(hn::Eq(x, inf), hn::Set(d, high),
                       hn::IfThenElse(hn::Eq(x, hn::Neg(inf)), hn::Set(d, low), x));
    return hn::IfThenElse(hn::IsNaN(x), hn::Set(d, nan), x);
  }
};

// f[0]: lambda
template <class T>
struct Hardshrink : UnaryOp {
  T lambda;
  explicit Hardshrink(const Params& p) : lambda(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V high = hn::Set(d, lambda);
    const auto inside = hn::And(hn::Ge(x, hn::Neg(high)), hn::Le(x, high));
    return hn::IfThenZeroElse(inside, x);  // keeps NaN
  }
};
template <class T>
struct Softshrink : UnaryOp {
  T lambda;
  explicit Softshrink(const Params& p) : lambda(static_cast<T>(p.f[0])) {}
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V high = hn::Set(d, lambda);
    const V right = hn::IfThenElseZero(hn::Gt(x, high), x - high);
    return hn::IfThenElse(hn::Lt(x, hn::Neg(high)), x + high, right);
  }
};

template <class T>
struct Logaddexp2 : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V distance = hn::Neg(hn::Abs(a - b)) * constant(d, kLn2);
    const V rest = log1p(d, exp(d, distance)) * constant(d, 1 / kLn2);
    const V twice = a + constant(d, 1);  // also for equal infinities
    return hn::IfThenElse(hn::Eq(a, b), twice, hn::Max(a, b) + rest);
  }
};
template <class T>
struct Xlog1py : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr uint32_t kGrain = kCostlyGrain;
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    const V zero = hn::Zero(d);
    const V r = hn::IfThenElse(hn::Eq(a, zero), zero, a * log1p(d, b));
    return hn::IfThenElse(hn::IsNaN(b), b, r);
  }
};

template <template <class> class Op>
void set_vector(SpecialKernels& k, Special id) {
  ElementwiseKernel* row = k.vector[static_cast<int>(id)];
  row[static_cast<int>(DType::kFloat32)] = kernel<Op<float>, float>;
  row[static_cast<int>(DType::kFloat64)] = kernel<Op<double>, double>;
  row[static_cast<int>(DType::kFloat16)] = kernel_half<Op<float>>;
  row[static_cast<int>(DType::kBFloat16)] = kernel_bfloat16<Op<float>>;
}

void fill_special_of_target(SpecialKernels& k) {
  set_vector<Erfc>(k, Special::kErfc);
  set_vector<Erfcx>(k, Special::kErfcx);
  set_vector<Erfinv>(k, Special::kErfinv);
  set_vector<Ndtri>(k, Special::kNdtri);
  set_vector<Sinc>(k, Special::kSinc);
  set_vector<Logit>(k, Special::kLogit);
  set_vector<Entr>(k, Special::kEntr);
  set_vector<NanToNum>(k, Special::kNanToNum);
  set_vector<Hardshrink>(k, Special::kHardshrink);
  set_vector<Softshrink>(k, Special::kSoftshrink);
  set_vector<Logaddexp2>(k, Special::kLogaddexp2);
  set_vector<Xlog1py>(k, Special::kXlog1py);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_special_of_target);
void fill_special_vectors(SpecialKernels& k) { HWY_DYNAMIC_DISPATCH(fill_special_of_target)(k); }
}  // namespace mt::cpu
#endif
