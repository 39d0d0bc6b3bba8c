// The discrete draws: bernoulli_, random_ and randperm. PyTorch takes words modulo the number of
// values, so small biases are part of the stream and kept.
#include <cmath>

#include "kernels/cpu/random_common.h"
#include "kernels/random.h"

namespace mt {
namespace {

using namespace cpu;  // NOLINT: the helpers of this folder

template <class T>
T from_int(int64_t x) {
  if constexpr (kIsReduced<T>) return T(static_cast<float>(x));
  return static_cast<T>(x);
}

// x86's conversion of a float to int64, which gives the lowest int64 for what does not fit.
template <class T>
int64_t round_trip(int64_t x) {
  const auto y =
      static_cast<double>(static_cast<std::conditional_t<kIsReduced<T>, float, T>>(from_int<T>(x)));
  return y >= -0x1p63 && y < 0x1p63 ? static_cast<int64_t>(y) : std::numeric_limits<int64_t>::min();
}

// The distance of values of T at x, doubled at most: 2^(floor(log2 |x|) - digits + 1).
template <class T>
int64_t spacing(int64_t x) {
  const uint64_t magnitude =
      x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  int log2 = 0;
  while ((magnitude >> log2) > 1) ++log2;
  const int shift = log2 - digits<T>() + 1;
  return shift > 0 ? int64_t{1} << shift : 1;
}

// A draw could round past a limit that T cannot hold; then the limit moves to the next value of T
// inside. Additions wrap like PyTorch's; what wraps is out of range and refused below.
template <class T>
int64_t inward_from(int64_t from) {
  if (from == std::numeric_limits<int64_t>::max()) return from;
  const int64_t rounded = round_trip<T>(from + 1);
  return rounded < from ? static_cast<int64_t>(static_cast<uint64_t>(rounded) +
                                               static_cast<uint64_t>(spacing<T>(from + 1)))
                        : from;
}

template <class T>
int64_t inward_to(int64_t to) {
  const int64_t rounded = round_trip<T>(to - 1);
  return rounded >= to ? static_cast<int64_t>(static_cast<uint64_t>(rounded) -
                                              static_cast<uint64_t>(spacing<T>(to - 1)))
                       : to;
}

// Both limits included.
template <class T>
void check_limits(DType dtype, int64_t from, int64_t last) {
  bool inside;
  if constexpr (kIsFloating<T>) {
    inside =
        static_cast<double>(from) >= -largest<T>() && static_cast<double>(last) <= largest<T>();
  } else {
    inside = from >= static_cast<int64_t>(std::numeric_limits<T>::lowest()) &&
             last <= static_cast<int64_t>(std::numeric_limits<T>::max());
  }
  if (!inside || from > last) {
    fail(Status::kInvalidArgument, "random_: invalid argument: values from ", from, " to ", last,
         ", dtype ", dtype_name(dtype), ": all must be values of the dtype");
  }
}

// word modulo range, plus base, in 64-bit wrapping arithmetic.
template <class T>
void fill_range(T* out, int64_t n, uint64_t range, int64_t base, Generator& generator) {
  constexpr bool kWide = std::is_same_v<T, int64_t> || std::is_same_v<T, double> ||
                         std::is_same_v<T, float> || std::is_same_v<T, BFloat16>;
  const auto shifted = [base](uint64_t x) {
    return from_int<T>(static_cast<int64_t>(x + static_cast<uint64_t>(base)));
  };
  std::lock_guard<std::mutex> lock(generator.mutex());
  if (range < uint64_t{1} << 32) {
    const auto narrow_range = static_cast<uint32_t>(range);
    if ((narrow_range & (narrow_range - 1)) == 0) {  // a power of two: no division
      each_word(generator, n,
                [&](int64_t i, uint32_t word) { out[i] = shifted(word & (narrow_range - 1)); });
    } else {
      each_word(generator, n,
                [&](int64_t i, uint32_t word) { out[i] = shifted(word % narrow_range); });
    }
  } else if (kWide) {
    each_word64(generator, n, [&](int64_t i, uint64_t word) { out[i] = shifted(word % range); });
  } else {
    each_word(generator, n, [&](int64_t i, uint32_t word) { out[i] = shifted(word); });
  }
}

// All of int64, for the types that PyTorch draws it in.
template <class T>
void fill_all_int64(DType dtype, T* out, int64_t n, Generator& generator) {
  if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double> ||
                std::is_same_v<T, float> || std::is_same_v<T, BFloat16>) {
    std::lock_guard<std::mutex> lock(generator.mutex());
    each_word64(generator, n, [&](int64_t i, uint64_t word) {
      out[i] = from_int<T>(static_cast<int64_t>(word));
    });
  } else {
    fail_dtype("random_ of all int64 values", dtype, "int64, float32, float64 or bfloat16");
  }
}

template <class T>
void fill_random_of(DType dtype, T* out, int64_t n, int64_t from, std::optional<int64_t> to,
                    Generator& generator) {
  if (!to && from == std::numeric_limits<int64_t>::min()) {
    return fill_all_int64(dtype, out, n, generator);
  }
  int64_t last;  // included
  if (to) {
    int64_t end = *to;
    if constexpr (kIsFloating<T>) {
      if (from < end) {
        from = inward_from<T>(from);
        end = inward_to<T>(end);
      }
    }
    if (from >= end) {
      fail(Status::kInvalidArgument, "random_: invalid argument: from ", from, ", to ", end,
           ", dtype ", dtype_name(dtype), ": from must be less than to, as values of the dtype");
    }
    last = end - 1;
  } else if constexpr (kIsFloating<T>) {
    last = int64_t{1} << digits<T>();
    from = inward_from<T>(from);
  } else {
    last = static_cast<int64_t>(std::numeric_limits<T>::max());
  }
  check_limits<T>(dtype, from, last);
  const uint64_t range = static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1;
  fill_range(out, n, range, from, generator);
}

template <class T>
T bit(bool value) {
  if constexpr (kIsReduced<T>) return T(value ? 1.0f : 0.0f);
  return static_cast<T>(value);
}

// Probabilities of float64 meet a uniform of 53 bits, all others a uniform of 24 bits.
template <class T, class P>
void fill_bernoulli_of(T* out, int64_t n, const P* p, Generator& generator) {
  using Wide = std::conditional_t<std::is_same_v<P, double>, double, float>;
  for (int64_t i = 0; i < n; ++i) {
    const auto x = static_cast<Wide>(p[i]);
    if (!(x >= 0 && x <= 1)) {
      fail(Status::kInvalidArgument, "bernoulli: invalid argument: probability ", x, " at index ",
           i, ": every probability must be in [0, 1]");
    }
  }
  std::lock_guard<std::mutex> lock(generator.mutex());
  if constexpr (std::is_same_v<P, double>) {
    each_uniform(generator, n, [&](int64_t i, double u) { out[i] = bit<T>(u < p[i]); });
  } else {
    each_word(generator, n, [&](int64_t i, uint32_t word) {
      const float u = static_cast<float>(static_cast<int32_t>(word & 0xFFFFFFu)) * 0x1p-24f;
      out[i] = bit<T>(u < static_cast<float>(p[i]));
    });
  }
}

}  // namespace

void fill_bernoulli(DType dtype, void* out, int64_t n, double p, Generator& generator) {
  if (!(p >= 0 && p <= 1)) {
    fail(Status::kInvalidArgument, "bernoulli_: invalid argument: p ", p, ": p must be in [0, 1]");
  }
  // u < p for u a count of 2^-53: the count is below p * 2^53, which is exact, rounded up.
  const auto threshold = static_cast<uint64_t>(std::ceil(p * 0x1p53));
  with_any("bernoulli_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    if constexpr (std::is_same_v<T, float>) {
      uint32_t words[kPiece];
      constexpr int64_t kStep = kPiece / 2;
      for (int64_t done = 0; done < n; done += kStep) {
        const auto m = static_cast<size_t>(std::min(kStep, n - done));
        generator.fill_random(words, 2 * m);
        bernoulli_f32(words, data + done, m, threshold);
      }
    } else {
      constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
      each_word64(generator, n,
                  [&](int64_t i, uint64_t word) { data[i] = bit<T>((word & kMask) < threshold); });
    }
  });
}

void fill_bernoulli(DType dtype, void* out, int64_t n, DType p_dtype, const void* p,
                    Generator& generator) {
  with_floating("bernoulli", p_dtype, [&](auto probability) {
    using P = decltype(probability);
    with_any("bernoulli", dtype, [&](auto element) {
      using T = decltype(element);
      fill_bernoulli_of(static_cast<T*>(out), n, static_cast<const P*>(p), generator);
    });
  });
}

void fill_random(DType dtype, void* out, int64_t n, Generator& generator) {
  with_any("random_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
      constexpr uint64_t kRange =
          std::is_same_v<T, double> ? (uint64_t{1} << 53) + 1 : uint64_t{1} << 63;
      std::lock_guard<std::mutex> lock(generator.mutex());
      each_word64(generator, n, [&](int64_t i, uint64_t word) {
        data[i] = static_cast<T>(static_cast<int64_t>(word % kRange));
      });
    } else {
      constexpr uint64_t kRange =
          kIsFloating<T> ? (uint64_t{1} << digits<T>()) + 1
                         : static_cast<uint64_t>(std::is_same_v<T, bool> ? 1 : largest<T>()) + 1;
      std::lock_guard<std::mutex> lock(generator.mutex());
      each_word(generator, n, [&](int64_t i, uint32_t word) {
        data[i] = from_int<T>(static_cast<int64_t>(word % static_cast<uint32_t>(kRange)));
      });
    }
  });
}

void fill_random(DType dtype, void* out, int64_t n, int64_t from, std::optional<int64_t> to,
                 Generator& generator) {
  with_any("random_", dtype, [&](auto element) {
    using T = decltype(element);
    fill_random_of(dtype, static_cast<T*>(out), n, from, to, generator);
  });
}

void fill_randperm(DType dtype, void* out, int64_t n, Generator& generator) {
  if (n < 0) {
    fail(Status::kInvalidArgument, "randperm: invalid argument: n ", n, ": n must be at least 0");
  }
  with_number("randperm", dtype, [&](auto element) {
    using T = decltype(element);
    const double last = kIsFloating<T> ? std::ldexp(1.0, digits<T>()) : largest<T>();
    if (static_cast<double>(n) - 1 > last) {
      fail(Status::kInvalidArgument, "randperm: invalid argument: n ", n, ", dtype ",
           dtype_name(dtype), ": the dtype must hold every integer below n");
    }
    T* const data = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) data[i] = from_int<T>(i);
    std::lock_guard<std::mutex> lock(generator.mutex());
    // Fisher and Yates' shuffle from the front.
    each_word(generator, n - 1, [&](int64_t i, uint32_t word) {
      const auto rest = static_cast<uint64_t>(n - i);
      const uint64_t z = rest <= UINT32_MAX ? word % static_cast<uint32_t>(rest) : word;
      std::swap(data[i], data[i + static_cast<int64_t>(z)]);
    });
  });
}

}  // namespace mt
