// Uniform and normal numbers from words of the twister. The logarithm, sine and cosine are those of
// Cephes' single-precision logf, sinf and cosf (Moshier, "Methods and Programs for Mathematical
// Functions", 1989) with the multiply-adds fused where PyTorch's AVX2 build fuses them.
//
// Each fused multiply-add is part of the result: a target without the instruction computes it with
// std::fma, lane by lane. Nothing else here rounds differently between targets.
#include "kernels/cpu/random_simd.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/random_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// a * b + c, rounded once.
template <class D, class V>
HWY_INLINE V fma(D d, V a, V b, V c) {
#if HWY_NATIVE_FMA
  (void)d;
  return hn::MulAdd(a, b, c);
#else
  using T = hn::TFromD<D>;
  constexpr size_t kMax = HWY_MAX_BYTES / sizeof(T);
  HWY_ALIGN T x[kMax], y[kMax], z[kMax];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (size_t i = 0; i < hn::Lanes(d); ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#endif
}

// A lambda would not inherit the target's instruction set, hence the functions below.
template <class D>
HWY_INLINE hn::Vec<D> to_uniform(D d, hn::Vec<hn::RebindToUnsigned<D>> bits, uint32_t mask,
                                 float unit, float range, float from, bool affine) {
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  const auto kept = hn::BitCast(di, hn::And(bits, hn::Set(du, mask)));
  const auto x = hn::Mul(hn::ConvertTo(d, kept), hn::Set(d, unit));
  return affine ? fma(d, x, hn::Set(d, range), hn::Set(d, from)) : x;
}

void uniform_f32_impl(const uint32_t* HWY_RESTRICT words, float* HWY_RESTRICT out, size_t n,
                      uint32_t mask, float unit, float range, float from) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const bool affine = range != 1 || from != 0;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::LoadU(du, words + i);
    hn::StoreU(to_uniform(d, bits, mask, unit, range, from, affine), d, out + i);
  }
  for (; i < n; ++i) {
    const float x = static_cast<float>(static_cast<int32_t>(words[i] & mask)) * unit;
    out[i] = affine ? std::fma(x, range, from) : x;
  }
}

void uniform_f64_impl(const uint32_t* HWY_RESTRICT words, double* HWY_RESTRICT out, size_t n,
                      double range, double from) {
  constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t bits = (static_cast<uint64_t>(words[2 * i]) << 32) | words[2 * i + 1];
    out[i] = static_cast<double>(static_cast<int64_t>(bits & kMask)) * 0x1p-53;
  }
  if (range == 1 && from == 0) return;
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, range);
  const auto offset = hn::Set(d, from);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(fma(d, hn::LoadU(d, out + i), scale, offset), d, out + i);
  }
  for (; i < n; ++i) out[i] = std::fma(out[i], range, from);
}

// log(x) of a normal x > 0: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), log x = log m + e log 2,
// log 2 being split in two so that the product with e is exact in its upper part.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_positive(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto one = hn::Set(d, 1.0f);
  const auto half = hn::Set(d, 0.5f);
  const auto bits = hn::BitCast(di, x);
  const auto exponent = hn::Sub(hn::ShiftRight<23>(bits), hn::Set(di, 126));
  auto e = hn::ConvertTo(d, exponent);
  // The significand with the exponent of [0.5, 1).
  auto m = hn::BitCast(d, hn::Or(hn::And(bits, hn::Set(di, 0x007FFFFF)), hn::Set(di, 0x3F000000)));
  const auto low = m < hn::Set(d, 0.707106781186547524f);
  const auto doubled = hn::IfThenElseZero(low, m);
  e = hn::Sub(e, hn::IfThenElseZero(low, one));
  m = hn::Add(hn::Sub(m, one), doubled);
  const auto z = hn::Mul(m, m);
  auto y = hn::Set(d, 7.0376836292E-2f);
  y = fma(d, y, m, hn::Set(d, -1.1514610310E-1f));
  y = fma(d, y, m, hn::Set(d, 1.1676998740E-1f));
  y = fma(d, y, m, hn::Set(d, -1.2420140846E-1f));
  y = fma(d, y, m, hn::Set(d, 1.4249322787E-1f));
  y = fma(d, y, m, hn::Set(d, -1.6668057665E-1f));
  y = fma(d, y, m, hn::Set(d, 2.0000714765E-1f));
  y = fma(d, y, m, hn::Set(d, -2.4999993993E-1f));
  y = fma(d, y, m, hn::Set(d, 3.3333331174E-1f));
  y = hn::Mul(y, m);
  y = fma(d, y, z, hn::Mul(e, hn::Set(d, -2.12194440e-4f)));
  y = fma(d, hn::Neg(z), half, y);
  return fma(d, e, hn::Set(d, 0.693359375f), hn::Add(m, y));
}

// Sine and cosine of x in [0, 2 pi]: x minus the nearest even multiple of pi / 4, which is split in
// three, then one polynomial each, swapped and negated by the octant.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void sin_cos(D d, V x, V& sine, V& cosine) {
  const hn::RebindToSigned<D> di;
  const auto two = hn::Set(di, 2);
  const auto four = hn::Set(di, 4);
  const auto one = hn::Set(di, 1);
  const auto scaled = hn::Mul(x, hn::Set(d, 1.27323954473516f));  // 4 / pi
  auto octant = hn::Add(hn::ConvertTo(di, scaled), one);
  octant = hn::AndNot(one, octant);
  const auto k = hn::ConvertTo(d, octant);
  x = fma(d, k, hn::Set(d, -0.78515625f), x);
  x = fma(d, k, hn::Set(d, -2.4187564849853515625e-4f), x);
  x = fma(d, k, hn::Set(d, -3.77489497744594108e-8f), x);
  const auto z = hn::Mul(x, x);
  auto c = hn::Set(d, 2.443315711809948E-005f);
  c = fma(d, c, z, hn::Set(d, -1.388731625493765E-003f));
  c = fma(d, c, z, hn::Set(d, 4.166664568298827E-002f));
  c = hn::Mul(c, z);
  c = fma(d, c, z, hn::Neg(hn::Mul(z, hn::Set(d, 0.5f))));
  c = hn::Add(c, hn::Set(d, 1.0f));
  auto s = hn::Set(d, -1.9515295891E-4f);
  s = fma(d, s, z, hn::Set(d, 8.3321608736E-3f));
  s = fma(d, s, z, hn::Set(d, -1.6666654611E-1f));
  s = hn::Mul(s, z);
  s = fma(d, s, x, x);
  const auto straight = hn::RebindMask(d, hn::And(octant, two) == hn::Zero(di));
  const auto sine_sign = hn::ShiftLeft<29>(hn::And(octant, four));
  const auto cosine_sign = hn::ShiftLeft<29>(hn::AndNot(hn::Sub(octant, two), four));
  sine = hn::Xor(hn::IfThenElse(straight, s, c), hn::BitCast(d, sine_sign));
  cosine = hn::Xor(hn::IfThenElse(straight, c, s), hn::BitCast(d, cosine_sign));
}

// Box and Muller, "A note on the generation of random normal deviates", 1958.
void normal_blocks_f32_impl(float* HWY_RESTRICT data, size_t blocks, float mean, float std) {
  const hn::CappedTag<float, 8> d;
  const size_t lanes = hn::Lanes(d);
  const auto means = hn::Set(d, mean);
  const auto stds = hn::Set(d, std);
  for (size_t block = 0; block < blocks; ++block, data += 16) {
    for (size_t j = 0; j < 8; j += lanes) {
      const auto u1 = hn::Sub(hn::Set(d, 1.0f), hn::LoadU(d, data + j));  // in (0, 1]
      const auto u2 = hn::LoadU(d, data + 8 + j);
      const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0f), log_positive(d, u1)));
      const auto angle = hn::Mul(hn::Set(d, 6.283185307179586f), u2);
      hn::Vec<decltype(d)> sine, cosine;
      sin_cos(d, angle, sine, cosine);
      hn::StoreU(fma(d, hn::Mul(radius, cosine), stds, means), d, data + j);
      hn::StoreU(fma(d, hn::Mul(radius, sine), stds, means), d, data + 8 + j);
    }
  }
}

void bernoulli_f32_impl(const uint32_t* HWY_RESTRICT words, float* HWY_RESTRICT out, size_t n,
                        uint64_t threshold) {
  constexpr uint32_t kUpperMask = (1u << 21) - 1;
  const auto threshold_upper = static_cast<uint32_t>(threshold >> 32);
  const auto threshold_lower = static_cast<uint32_t>(threshold);
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const auto mask = hn::Set(du, kUpperMask);
  const auto t_upper = hn::Set(du, threshold_upper);
  const auto t_lower = hn::Set(du, threshold_lower);
  const auto one = hn::Set(d, 1.0f);
  for (; i + lanes <= n; i += lanes) {
    hn::Vec<decltype(du)> upper, lower;
    hn::LoadInterleaved2(du, words + 2 * i, upper, lower);
    upper = hn::And(upper, mask);
    const auto below = hn::Or(upper < t_upper, hn::And(upper == t_upper, lower < t_lower));
    hn::StoreU(hn::IfThenElseZero(hn::RebindMask(d, below), one), d, out + i);
  }
#endif
  for (; i < n; ++i) {
    const uint32_t upper = words[2 * i] & kUpperMask;
    const bool below =
        upper < threshold_upper || (upper == threshold_upper && words[2 * i + 1] < threshold_lower);
    out[i] = below ? 1.0f : 0.0f;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {

HWY_EXPORT(uniform_f32_impl);
HWY_EXPORT(uniform_f64_impl);
HWY_EXPORT(normal_blocks_f32_impl);
HWY_EXPORT(bernoulli_f32_impl);

void uniform_f32(const uint32_t* words, float* out, size_t n, uint32_t mask, float unit,
                 float range, float from) {
  HWY_DYNAMIC_DISPATCH(uniform_f32_impl)(words, out, n, mask, unit, range, from);
}
void uniform_f64(const uint32_t* words, double* out, size_t n, double range, double from) {
  HWY_DYNAMIC_DISPATCH(uniform_f64_impl)(words, out, n, range, from);
}
void normal_blocks_f32(float* data, size_t blocks, float mean, float std) {
  HWY_DYNAMIC_DISPATCH(normal_blocks_f32_impl)(data, blocks, mean, std);
}
void bernoulli_f32(const uint32_t* words, float* out, size_t n, uint64_t threshold) {
  HWY_DYNAMIC_DISPATCH(bernoulli_f32_impl)(words, out, n, threshold);
}

}  // namespace mt::cpu
#endif  // HWY_ONCE
