// uint16, uint32 and uint64, which are stored and converted but not computed with. What looks at
// bits only is the signed dtype's kernel of the same size: integers wrap around in two's
// complement. Left for here are the conversions that see a value's sign. The reference is NumPy's
// astype, and for what does not fit PyTorch's rules (elements.h).
#include <complex>

#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {
namespace {

template <class To, class From>
To converted(const From& x) {
  return convert<To>(x);
}
// To a real dtype the real part goes.
template <class To, class T>
To converted(const std::complex<T>& z) {
  return convert<To>(z.real());
}

template <class T>
struct Complex {
  static constexpr int kIndex = static_cast<int>(complex_type(dtype_of(static_cast<T*>(nullptr))));
};

template <class From, class To>
void cast_run(char* const* data, const int64_t* strides, int64_t n, const void*) {
  char* to = data[0];
  const char* from = data[1];
  for (; n > 0; --n, to += strides[0], from += strides[1]) {
    *reinterpret_cast<To*>(to) = converted<To>(*reinterpret_cast<const From*>(from));
  }
}

// The imaginary part is zero.
template <class From, class T>
void complex_run(char* const* data, const int64_t* strides, int64_t n, const void*) {
  char* to = data[0];
  const char* from = data[1];
  for (; n > 0; --n, to += strides[0], from += strides[1]) {
    *reinterpret_cast<std::complex<T>*>(to) = convert<T>(*reinterpret_cast<const From*>(from));
  }
}

template <class From, class To>
void cast(const Iter& it, const Params&) {
  run_iter(it, cast_run<From, To>, nullptr);
}
template <class From, class T>
void to_complex(const Iter& it, const Params&) {
  run_iter(it, complex_run<From, T>, nullptr);
}

// What looks at bits only.
template <class U>
void share_signed(Backend& b) {
  using Signed = std::make_signed_t<U>;
  constexpr int to = kDTypeIndex<U>, from = kDTypeIndex<Signed>;
  b.fill[to] = b.fill[from];
  for (const Elementwise id : {Elementwise::kEq, Elementwise::kNe, Elementwise::kWhere}) {
    auto& kernels = b.elementwise[static_cast<int>(id)];
    kernels[to] = kernels[from];
  }
}

// Integers, and bool, to U; the narrower ones and bool from U.
template <class U>
void cast_integers(Backend& b) {
  constexpr int own = kDTypeIndex<U>, like = kDTypeIndex<std::make_signed_t<U>>;
  for (int t = 0; t < kNumComputeDTypes; ++t) {
    const auto dtype = static_cast<DType>(t);
    if (is_floating(dtype)) continue;
    if (t == like) {
      b.cast[t][own] = b.cast[own][t] = b.cast[t][t];
      continue;
    }
    b.cast[t][own] = b.cast[t][like];
    if (dtype_size(dtype) < sizeof(U)) b.cast[own][t] = b.cast[like][t];
  }
}

// From T, a floating type, and its complex dtype, and back.
template <class U, class T>
void cast_floating(Backend& b) {
  constexpr int own = kDTypeIndex<U>, real = kDTypeIndex<T>;
  b.cast[real][own] = cast<T, U>;
  b.cast[own][real] = cast<U, T>;
  if constexpr (!kIsHalf<T>) {
    b.cast[Complex<T>::kIndex][own] = cast<std::complex<T>, U>;
    b.cast[own][Complex<T>::kIndex] = to_complex<U, T>;
  }
}

template <class U>
void fill_type(Backend& b) {
  share_signed<U>(b);
  cast_integers<U>(b);
  cast_floating<U, float>(b);
  cast_floating<U, double>(b);
  cast_floating<U, Half>(b);
  cast_floating<U, BFloat16>(b);
}

// From U to the wider From and its like: zeros go in front.
template <class U, class Wide>
void widen(Backend& b) {
  constexpr int own = kDTypeIndex<U>;
  b.cast[own][kDTypeIndex<Wide>] = cast<U, Wide>;
  b.cast[own][kDTypeIndex<std::make_unsigned_t<Wide>>] = cast<U, Wide>;
}

}  // namespace

void fill_barebones(Backend& b) {
  fill_type<uint16_t>(b);
  fill_type<uint32_t>(b);
  fill_type<uint64_t>(b);
  widen<uint16_t, int32_t>(b);
  widen<uint16_t, int64_t>(b);
  widen<uint32_t, int64_t>(b);
  // To the narrower of the three.
  const auto like = [&b](DType from, DType to, DType signed_from, DType signed_to) {
    b.cast[static_cast<int>(from)][static_cast<int>(to)] =
        b.cast[static_cast<int>(signed_from)][static_cast<int>(signed_to)];
  };
  like(DType::kUInt32, DType::kUInt16, DType::kInt32, DType::kInt16);
  like(DType::kUInt64, DType::kUInt16, DType::kInt64, DType::kInt16);
  like(DType::kUInt64, DType::kUInt32, DType::kInt64, DType::kInt32);
}

}  // namespace mt::cpu
