// The continuous distributions: uniform, normal, log-normal, Cauchy, exponential, and geometric,
// which is an exponential rounded up. Each formula, its operation order and its fused steps are
// PyTorch's.
#include "kernels/random.h"

#include <cmath>
#include <numbers>

#include "core/parallel.h"
#include "kernels/cpu/random_common.h"

namespace mt {
namespace {

using namespace cpu;  // NOLINT: the helpers of this folder

constexpr double kTwoPi = 2 * std::numbers::pi;

[[noreturn]] void fail_uniform(DType dtype, double from, double to) {
  fail(Status::kInvalidArgument, "uniform_: invalid argument: from ", from, ", to ", to, ", dtype ",
       dtype_name(dtype), ": from must not exceed to, and from, to and to - from must be finite ",
       "values of the dtype");
}

template <class T>
void fill_uniform_of(DType dtype, T* out, int64_t n, double from, double to, Generator& generator) {
  constexpr double kMax = largest<T>();
  const bool inside = from >= -kMax && to <= kMax && from <= to && to - from <= kMax;
  if (!inside) fail_uniform(dtype, from, to);
  // The limits and their difference are rounded to T; the arithmetic on uniforms is float's for the
  // types narrower than float.
  using Arithmetic = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const auto low = static_cast<Arithmetic>(narrow<T>(from));
  const auto high = static_cast<Arithmetic>(narrow<T>(to));
  const auto range = static_cast<Arithmetic>(narrow<T>(high - low));
  if (!std::isfinite(range)) fail_uniform(dtype, from, to);
  std::lock_guard<std::mutex> lock(generator.mutex());
  uniforms(generator, out, n, range, low);
}

// Half computes in float and rounds what is stored in a variable; BFloat16 has its own log, sqrt,
// sin, cos and operators, so that every step is rounded.
template <class T>
void normal_block_reduced(T* data, T mean, T std) {
  const auto rounded = [](float x) {
    return std::is_same_v<T, BFloat16> ? static_cast<float>(T(x)) : x;
  };
  const auto m = static_cast<float>(mean);
  const auto s = static_cast<float>(std);
  for (int j = 0; j < 8; ++j) {
    const auto u1 = static_cast<float>(T(1 - static_cast<float>(data[j])));
    const auto u2 = static_cast<float>(data[j + 8]);
    const float log_u1 = rounded(std::log(u1));
    const auto radius = static_cast<float>(T(std::sqrt(rounded(-2 * log_u1))));
    const auto theta = static_cast<float>(narrow<T>(kTwoPi * static_cast<double>(u2)));
    const float along = rounded(radius * rounded(std::cos(theta)));
    const float across = rounded(radius * rounded(std::sin(theta)));
    if constexpr (std::is_same_v<T, BFloat16>) {
      data[j] = T(rounded(along * s) + m);
      data[j + 8] = T(rounded(across * s) + m);
    } else {
      data[j] = T(std::fma(along, s, m));
      data[j + 8] = T(std::fma(across, s, m));
    }
  }
}

void normal_block_double(double* data, double mean, double std) {
  for (int j = 0; j < 8; ++j) {
    const double u1 = 1 - data[j];  // [0, 1) to (0, 1] for the logarithm
    const double theta = kTwoPi * data[j + 8];
    const double radius = std::sqrt(-2 * std::log(u1));
    data[j] = std::fma(radius * std::cos(theta), std, mean);
    data[j + 8] = std::fma(radius * std::sin(theta), std, mean);
  }
}

template <class T>
void normal_blocks(T* data, int64_t blocks, T mean, T std) {
  if constexpr (std::is_same_v<T, float>) {
    normal_blocks_f32(data, static_cast<size_t>(blocks), mean, std);
  } else {
    for (int64_t b = 0; b < blocks; ++b) {
      if constexpr (std::is_same_v<T, double>) {
        normal_block_double(data + 16 * b, mean, std);
      } else {
        normal_block_reduced(data + 16 * b, mean, std);
      }
    }
  }
}

template <class T>
void draw_uniforms(Generator& generator, T* out, int64_t n) {
  using Arithmetic = std::conditional_t<std::is_same_v<T, double>, double, float>;
  uniforms(generator, out, n, Arithmetic{1}, Arithmetic{0});
}

// n >= 16. The stream is serial; the blocks are independent, so a large fill spreads them over the
// pool, and a small one turns each piece into normals while it is in cache.
template <class T>
void normal_vectorized(T* out, int64_t n, T mean, T std, Generator& generator) {
  constexpr int64_t kGrain = 1024;  // blocks, 16K elements
  const int64_t blocks = n / 16;
  if (blocks >= 2 * kGrain && num_threads() > 1) {
    draw_uniforms(generator, out, n);
    parallel_for(0, blocks, kGrain, [&](int64_t begin, int64_t end) {
      normal_blocks(out + 16 * begin, end - begin, mean, std);
    });
  } else {
    for (int64_t done = 0; done < n; done += kPiece) {
      const int64_t m = std::min(kPiece, n - done);
      draw_uniforms(generator, out + done, m);
      normal_blocks(out + done, m / 16, mean, std);
    }
  }
  if (n % 16 != 0) {
    T* const tail = out + n - 16;
    draw_uniforms(generator, tail, 16);
    normal_blocks(tail, 1, mean, std);
  }
}

// Calls body(i, normal of mean 0 and deviation 1) for i in [0, n), pair by pair.
template <class Body>
void each_normal(Generator& generator, int64_t n, Body&& body) {
  int64_t i = 0;
  if (n > 0) {
    if (const auto waiting = generator.next_double_normal_sample()) {
      generator.set_next_double_normal_sample(std::nullopt);
      body(i++, *waiting);
    }
  }
  const int64_t pairs = (n - i + 1) / 2;
  double u1 = 0;
  each_uniform(generator, 2 * pairs, [&](int64_t k, double u) {
    if (k % 2 == 0) {
      u1 = u;
      return;
    }
    const double radius = std::sqrt(-2 * std::log(1 - u));
    const double theta = kTwoPi * u1;
    body(i++, radius * std::cos(theta));
    const double second = radius * std::sin(theta);
    if (i < n) {
      body(i++, second);
    } else {
      generator.set_next_double_normal_sample(second);
    }
  });
}

// What PyTorch's conversions give on x86 for values outside the type, here without undefined
// behaviour: the lowest int64, and for narrower integers the low bits of the lowest int32.
template <class T>
T truncated(double x) {
  using Wide = std::conditional_t<std::is_same_v<T, int64_t>, int64_t, int32_t>;
  constexpr auto kLowest = static_cast<double>(std::numeric_limits<Wide>::min());
  const bool inside = x > kLowest - 1 && x < -kLowest;
  return static_cast<T>(inside ? static_cast<Wide>(x) : std::numeric_limits<Wide>::min());
}

}  // namespace

void fill_uniform(DType dtype, void* out, int64_t n, double from, double to, Generator& generator) {
  with_floating("uniform_", dtype, [&](auto element) {
    using T = decltype(element);
    fill_uniform_of(dtype, static_cast<T*>(out), n, from, to, generator);
  });
}

void fill_normal(DType dtype, void* out, int64_t n, double mean, double std, Generator& generator,
                 bool contiguous) {
  if (!(std >= 0)) {
    fail(Status::kInvalidArgument, "normal_: invalid argument: std ", std,
         ": std must be at least 0");
  }
  with_floating("normal_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    if (n >= 16 && contiguous) {
      normal_vectorized(data, n, narrow<T>(mean), narrow<T>(std), generator);
    } else {
      each_normal(generator, n,
                  [&](int64_t i, double x) { data[i] = narrow<T>(std::fma(x, std, mean)); });
    }
  });
}

void fill_log_normal(DType dtype, void* out, int64_t n, double mean, double std,
                     Generator& generator) {
  if (!(std > 0)) {
    fail(Status::kInvalidArgument, "log_normal_: invalid argument: std ", std,
         ": std must be greater than 0");
  }
  with_floating("log_normal_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    each_normal(generator, n, [&](int64_t i, double x) {
      data[i] = narrow<T>(std::exp(std::fma(x, std, mean)));
    });
  });
}

void fill_cauchy(DType dtype, void* out, int64_t n, double median, double sigma,
                 Generator& generator) {
  with_floating("cauchy_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    each_uniform(generator, n, [&](int64_t i, double u) {
      data[i] = narrow<T>(std::fma(sigma, std::tan(std::numbers::pi * (u - 0.5)), median));
    });
  });
}

void fill_exponential(DType dtype, void* out, int64_t n, double lambda, Generator& generator) {
  if (!(lambda >= 0)) {
    fail(Status::kInvalidArgument, "exponential_: invalid argument: lambda ", lambda,
         ": lambda must be at least 0");
  }
  const double scale = -1 / lambda;  // -inf for 0, whose draws are infinite, as in PyTorch
  with_floating("exponential_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    each_uniform(generator, n,
                 [&](int64_t i, double u) { data[i] = narrow<T>(scale * std::log(1 - u)); });
  });
}

void fill_geometric(DType dtype, void* out, int64_t n, double p, Generator& generator) {
  if (!(p > 0 && p < 1)) {
    fail(Status::kInvalidArgument, "geometric_: invalid argument: p ", p, ": p must be in (0, 1)");
  }
  const double log_failure = std::log(1 - p);
  with_number("geometric_", dtype, [&](auto element) {
    using T = decltype(element);
    T* const data = static_cast<T*>(out);
    std::lock_guard<std::mutex> lock(generator.mutex());
    each_uniform(generator, n, [&](int64_t i, double u) {
      const double trials = std::ceil(std::log(u) / log_failure);
      if constexpr (kIsFloating<T>) {
        data[i] = narrow<T>(trials);
      } else {
        data[i] = truncated<T>(trials);
      }
    });
  });
}

}  // namespace mt
