// Vector sin, cos and erf for float32 and float64 lanes, included once for every SIMD target; see
// math-inl.h for accuracy and method.
#if defined(MT_KERNELS_CPU_TRIG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MT_KERNELS_CPU_TRIG_INL_H_
#undef MT_KERNELS_CPU_TRIG_INL_H_
#else
#define MT_KERNELS_CPU_TRIG_INL_H_
#endif

#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

// x - n pi/2. Without fused multiply-add the parts of pi/2 are short, so that n times a part is
// exact.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V reduce_pi(D d, V x, V n) {
  const auto minus = [d, n](V r, double part)
                         HWY_ATTR { return hn::NegMulAdd(n, constant(d, part), r); };
#if HWY_NATIVE_FMA
  if constexpr (kIsFloat<D>) {
    return minus(minus(minus(x, 0x1.921fb6p0), -0x1.777a5cp-25), -0x1.ee59dap-50);
  } else {
    return minus(minus(minus(x, 0x1.921fb54442d18p0), 0x1.1a62633145c07p-54),
                 -0x1.f1976b7ed8fbcp-110);
  }
#else
  if constexpr (kIsFloat<D>) {
    const V r = minus(minus(minus(x, 0x1.92p0), 0x1.fb4p-12), 0x1.444p-24);
    return minus(minus(r, 0x1.68cp-39), 0x1.1a6264p-54);
  } else {
    const V r = minus(minus(x, 0x1.921fb544p0), 0x1.0b4611a6p-34);
    return minus(minus(r, 0x1.3198a2ep-69), 0x1.b839a252049c1p-104);
  }
#endif
}

// sin(x + quarter * pi/2).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sin_shifted(D d, V x, int quarter, hn::TFromD<D> (*f)(hn::TFromD<D>)) {
  const hn::RebindToSigned<D> di;
  const V shifter = constant(d, FormatOf<D>::kShifter);
  const V shifted = hn::MulAdd(x, constant(d, 0x1.45f306dc9c883p-1), shifter);
  const V r = reduce_pi(d, x, shifted - shifter);
  const auto quadrant =
      hn::BitCast(di, shifted) + hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(quarter));
  const V z = r * r;
  V s, c;
  if constexpr (kIsFloat<D>) {
    s = poly(d, z, -0.16666655, 0.008332176, -0.00019516972);
    c = poly(d, z, 0.041666646, -0.0013887365, 2.4438121e-5);
  } else {
    s = poly(d, z, -0x1.5555555555549p-3, 0x1.111111110f86ap-7, -0x1.a01a019c0f2bcp-13,
             0x1.71de357555dd8p-19, -0x1.ae5e642cd4279p-26, 0x1.5d925bfa5be27p-33);
    c = poly(d, z, 0x1.555555555554cp-5, -0x1.6c16c16c15164p-10, 0x1.a01a019caf14bp-16,
             -0x1.27e4f807e5d10p-22, 0x1.1ee9ea735011fp-29, -0x1.8fadd2465565dp-37);
  }
  const V sine = hn::MulAdd(r * z, s, r);
  const V cosine = hn::MulAdd(z * z, c, hn::NegMulAdd(constant(d, 0.5), z, constant(d, 1)));
  const auto one = hn::Set(di, 1);
  const auto odd = hn::RebindMask(d, hn::Eq(quadrant & one, one));
  const auto negative = hn::ShiftLeft<sizeof(hn::TFromD<D>) * 8 - 2>(quadrant & hn::Set(di, 2));
  V result = hn::Xor(hn::IfThenElse(odd, cosine, sine), hn::BitCast(d, negative));
  if (quarter == 0) result = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, result);  // keeps -0
  // Beyond the reduction's range, and for NaN and inf, libm does the lane.
  const auto fast = hn::Lt(hn::Abs(x), constant(d, kIsFloat<D> ? 8192 : 0x1p20));
  if (HWY_LIKELY(hn::AllTrue(d, fast))) return result;
  return patch_lanes(d, x, result, hn::Not(fast), f);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sin(D d, V x) {
  using T = hn::TFromD<D>;
  return sin_shifted(d, x, 0, static_cast<T (*)(T)>(std::sin));
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V cos(D d, V x) {
  using T = hn::TFromD<D>;
  return sin_shifted(d, x, 1, static_cast<T (*)(T)>(std::cos));
}

// x p(x^2) up to 1, then 1 - exp(-p(x)), where p fits -log(erfc(x)); 1 from `limit` on.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erf(D d, V x) {
  const V one = constant(d, 1);
  const V a = at_most(d, hn::Abs(x), constant(d, kIsFloat<D> ? 4 : 5.95));
  const V z = a * a;
  V small, exponent;
  if constexpr (kIsFloat<D>) {
    small = poly(d, z, 1.1283791, -0.37612626, 0.11283585, -0.026853815, 0.0051883305,
                 -0.00080102024, 7.8538498e-5);
    exponent = poly(d, a, 0.00034152518, 1.1270891, 0.63814485, 0.10310674, -0.021838054,
                    0.0029476553, -0.00018637885);
  } else {
    small = poly(d, z, 0x1.20dd750429b6dp+0, -0x1.812746b0379bdp-2, 0x1.ce2f21a040d21p-4,
                 -0x1.b82ce311fab6fp-6, 0x1.565bccf92eaadp-8, -0x1.c02db03e3cd72p-11,
                 0x1.f9a2bab00ed8ep-14, -0x1.f4ca4dbca9a02p-17, 0x1.b97fd5d5cea58p-20,
                 -0x1.5c072df7c0e9ep-23, 0x1.d71b21cf3dcd1p-27, -0x1.abae353b8c9f6p-31);
    exponent = poly(d, a, 0x1.0dfc42c335d3ap-21, 0x1.20dd1fd244580p+0, 0x1.45f6276414ae0p-1,
                    0x1.a4ac5b18bbdc7p-4, -0x1.372288d78d09cp-6, -0x1.ae97b8f69303dp-12,
                    0x1.f642168b03978p-10, -0x1.940c430b39312p-11, 0x1.1b3ed77a91e68p-13,
                    0x1.53e9f5b5f750dp-16, -0x1.7edab27647519p-16, 0x1.22cb09bd0aceep-17,
                    -0x1.1e9dea09fa288p-19, 0x1.90c96a96126d5p-22, -0x1.8eb86c5706ef7p-25,
                    0x1.0e529a60cdab8p-28, -0x1.c19f20e317df7p-33, 0x1.5ac29444700ecp-38);
  }
  const V large = one - exp_bounded(d, hn::Neg(exponent));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, one), small * a, large), x);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
