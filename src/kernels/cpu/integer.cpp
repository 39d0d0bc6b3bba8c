// Integer division, remainder and power: element by element, since no SIMD target divides integers.
// Sums and products wrap around by way of unsigned types; nothing here can trap.
#include <type_traits>

#include "core/error.h"
#include "kernels/cpu/elementwise.h"

namespace mt::cpu {
namespace {

template <class T>
T wrapping_mul(T a, T b) {
  using U = std::conditional_t<sizeof(T) < 4, uint32_t, std::make_unsigned_t<T>>;
  return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
}
template <class T>
T wrapping_neg(T a) {
  return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
}

template <class T>
void check_divisor(const char* op, T b) {
  if (b != 0) return;
  fail(Status::kInvalidArgument, op,
       ": division by zero: an integer was divided by 0: integer divisors must not be zero; "
       "convert to a floating dtype for inf or nan");
}

struct DivTrunc {
  template <class T>
  static T apply(T a, T b) {
    check_divisor("div", b);
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return wrapping_neg(a);  // the least value has no opposite and would trap
    }
    return static_cast<T>(a / b);
  }
};
struct DivFloor {
  template <class T>
  static T apply(T a, T b) {
    const T q = DivTrunc::apply(a, b);
    if constexpr (std::is_signed_v<T>) {
      if (b != -1 && (a < 0) != (b < 0) && a % b != 0) return static_cast<T>(q - 1);
    }
    return q;
  }
};
struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    check_divisor("remainder", b);
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
      const T r = static_cast<T>(a % b);
      return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
    }
    return static_cast<T>(a % b);
  }
};
struct Pow {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_signed_v<T>) {
      if (b < 0) {  // the fraction 1 / a^-b, cut to an integer
        if (a == 1) return 1;
        if (a == -1) return b % 2 == 0 ? T{1} : T{-1};
        return 0;
      }
    }
    return raise(a, static_cast<uint64_t>(b));
  }
  template <class T>
  static T raise(T base, uint64_t exponent) {
    T result = 1;
    for (; exponent != 0; exponent >>= 1) {
      if (exponent & 1) result = wrapping_mul(result, base);
      base = wrapping_mul(base, base);
    }
    return result;
  }
};

template <class Op, class T>
void binary_loop(const Flat& flat, const Params&) {
  const auto* a = reinterpret_cast<const T*>(flat.in[0]);
  const auto* b = reinterpret_cast<const T*>(flat.in[1]);
  auto* out = reinterpret_cast<T*>(flat.out);
  const size_t step_a = flat.splat & 1 ? 0 : 1, step_b = flat.splat & 2 ? 0 : 1;
  for (size_t i = 0; i < flat.n; ++i) out[i] = Op::apply(a[i * step_a], b[i * step_b]);
}
template <class T>
void pow_scalar_loop(const Flat& flat, const Params& p) {
  const auto* a = reinterpret_cast<const T*>(flat.in[0]);
  auto* out = reinterpret_cast<T*>(flat.out);
  const size_t step = flat.splat & 1 ? 0 : 1;
  const auto exponent = static_cast<uint64_t>(p.i[0]);
  for (size_t i = 0; i < flat.n; ++i) out[i] = Pow::raise(a[i * step], exponent);
}

constexpr uint32_t kGrain = 8192;

template <class Op, class T>
void binary_kernel(const Iter& it, const Params& p) {
  static constexpr Spec kSpec = {binary_loop<Op, T>,
                                 2,
                                 {sizeof(T), sizeof(T), 0},
                                 sizeof(T),
                                 kGrain,
                                 nullptr,
                                 nullptr,
                                 nullptr};
  drive(it, p, kSpec);
}
template <class T>
void pow_scalar_kernel(const Iter& it, const Params& p) {
  static constexpr Spec kSpec = {
      pow_scalar_loop<T>, 1, {sizeof(T), 0, 0}, sizeof(T), kGrain, nullptr, nullptr, nullptr};
  drive(it, p, kSpec);
}

template <class T>
void fill_type(Backend& b, DType dtype) {
  using E = Elementwise;
  set(b, E::kDivTrunc, dtype, binary_kernel<DivTrunc, T>);
  set(b, E::kDivFloor, dtype, binary_kernel<DivFloor, T>);
  set(b, E::kRemainder, dtype, binary_kernel<Remainder, T>);
  set(b, E::kPow, dtype, binary_kernel<Pow, T>);
  set(b, E::kPowScalar, dtype, pow_scalar_kernel<T>);
}

}  // namespace

void fill_integer(Backend& b) {
  fill_type<int8_t>(b, DType::kInt8);
  fill_type<int16_t>(b, DType::kInt16);
  fill_type<int32_t>(b, DType::kInt32);
  fill_type<int64_t>(b, DType::kInt64);
  fill_type<uint8_t>(b, DType::kUInt8);
}

}  // namespace mt::cpu
