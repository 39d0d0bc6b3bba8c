// Softmax, log_softmax and their slopes on every SIMD target against long double: rows and columns,
// all floating dtypes, rows of -inf, NaN and huge values.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/parallel.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

struct Shape {
  int64_t outer, n, inner;
  int64_t size() const { return outer * n * inner; }
};

const Shape kShapes[] = {{1, 1, 1}, {3, 7, 1},   {4, 10, 1},   {2, 64, 1},    {2, 1000, 1},
                         {1, 5, 3}, {2, 10, 16}, {2, 33, 17},  {1, 100, 40},  {0, 4, 1},
                         {3, 0, 2}, {2, 3, 0},   {300, 33, 1}, {1, 20000, 1}, {2, 300, 70}};

template <class T>
std::vector<T> scan(Scan op, const std::vector<T>& a, const std::vector<T>& b, const Shape& s) {
  std::vector<T> out(a.size());
  const auto kernel = table().scan[static_cast<int>(op)][kDTypeIndex<T>];
  kernel(a.data(), b.empty() ? nullptr : b.data(), out.data(), s.outer, s.n, s.inner);
  return out;
}

// Calls f(places) with the indices of every run along n.
template <class F>
void each_run(const Shape& s, F&& f) {
  std::vector<size_t> places(static_cast<size_t>(s.n));
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t i = 0; i < s.inner; ++i) {
      for (int64_t j = 0; j < s.n; ++j) {
        places[static_cast<size_t>(j)] = static_cast<size_t>((o * s.n + j) * s.inner + i);
      }
      f(places);
    }
  }
}

template <class F>
void each_case(F&& f) {
  for_each_target([&](int64_t) {
    for_each_element([&]<class T>(T) {
      if constexpr (kIsFloat<T>) {
        SCOPED_TRACE(name_of<T>());
        for (const Shape& s : kShapes) {
          SCOPED_TRACE(::testing::Message() << s.outer << " x " << s.n << " x " << s.inner);
          f(T{}, s);
        }
      }
    });
  });
}

// The error of the compute type, and one rounding to T.
template <class T>
double tolerance(double units) {
  return units * (kIsHalf<T> ? 0x1p-24 : epsilon<T>()) + epsilon<T>();
}

TEST(Scan, SoftmaxAndLog) {
  each_case([]<class T>(T, const Shape& s) {
    auto in = random_values<T>(s.size(), 21);
    for (T& x : in) x = narrow<T>(wide(x) * 5);
    const auto soft = scan<T>(Scan::kSoftmax, in, {}, s),
               log = scan<T>(Scan::kLogSoftmax, in, {}, s);
    each_run(s, [&](const std::vector<size_t>& run) {
      long double max = -HUGE_VALL, sum = 0;
      for (size_t k : run) max = std::max(max, wide(in[k]));
      for (size_t k : run) sum += std::exp(wide(in[k]) - max);
      for (size_t k : run) {
        // Subtracting the maximum rounds; exp turns that into a relative error.
        const long double exact = std::exp(wide(in[k]) - max) / sum;
        const auto units = static_cast<double>(8 + max - wide(in[k]));
        ASSERT_LE(std::fabs(wide(soft[k]) - exact),
                  tolerance<T>(units) * exact + 0x1p-25 * (sizeof(T) == 2))
            << static_cast<double>(wide(in[k]));
        const long double exact_log = wide(in[k]) - max - std::log(sum);
        const long double scale = std::fabs(exact_log) + std::fabs(wide(in[k]) - max) + 1;
        ASSERT_LE(std::fabs(wide(log[k]) - exact_log), tolerance<T>(4) * scale);
      }
    });
  });
}

TEST(Scan, Slopes) {
  each_case([]<class T>(T, const Shape& s) {
    const auto g = random_values<T>(s.size(), 22), x = random_values<T>(s.size(), 23);
    const auto y = scan<T>(Scan::kSoftmax, x, {}, s), log = scan<T>(Scan::kLogSoftmax, x, {}, s);
    const auto soft = scan<T>(Scan::kSoftmaxBackward, g, y, s);
    const auto of_log = scan<T>(Scan::kLogSoftmaxBackward, g, log, s);
    each_run(s, [&](const std::vector<size_t>& run) {
      long double gy = 0, sum = 0, magnitude = 0;
      for (size_t k : run) {
        gy += wide(g[k]) * wide(y[k]);
        sum += wide(g[k]);
        magnitude += std::fabs(wide(g[k]));
      }
      for (size_t k : run) {
        const long double a = (wide(g[k]) - gy) * wide(y[k]);
        ASSERT_LE(std::fabs(wide(soft[k]) - a),
                  tolerance<T>(16) * wide(y[k]) * 4 + 0x1p-25 * (sizeof(T) == 2));
        const long double p = std::exp(wide(log[k])), b = wide(g[k]) - p * sum;
        ASSERT_LE(std::fabs(wide(of_log[k]) - b),
                  tolerance<T>(8) * (std::fabs(wide(g[k])) + p * magnitude));
      }
    });
  });
}

TEST(Scan, Infinities) {
  for_each_target([](int64_t) {
    for_each_element([]<class T>(T) {
      if constexpr (kIsFloat<T>) {
        SCOPED_TRACE(name_of<T>());
        for (const int64_t inner : {1, 5, 9}) {
          const Shape s{1, 11, inner};
          const auto at = [inner](int64_t j) { return static_cast<size_t>(j * inner + inner / 2); };
          const auto base = random_values<T>(s.size(), 24);
          const auto is_nan = [](T x) { return std::isnan(wide(x)); };
          // -inf for one: probability 0, log -inf, the others as without it.
          auto in = base;
          in[at(3)] = narrow<T>(-HUGE_VAL);
          EXPECT_EQ(wide(scan<T>(Scan::kSoftmax, in, {}, s)[at(3)]), 0);
          EXPECT_EQ(wide(scan<T>(Scan::kLogSoftmax, in, {}, s)[at(3)]), -HUGE_VALL);
          EXPECT_FALSE(is_nan(scan<T>(Scan::kSoftmax, in, {}, s)[at(4)]));
          // +inf, NaN, or nothing but -inf: NaN in this run and nowhere else.
          for (const int kind : {0, 1, 2}) {
            in = base;
            if (kind == 0) in[at(10)] = narrow<T>(HUGE_VAL);
            if (kind == 1) in[at(2)] = narrow<T>(std::nan(""));
            for (int64_t j = 0; j < s.n && kind == 2; ++j) in[at(j)] = narrow<T>(-HUGE_VAL);
            for (const Scan op : {Scan::kSoftmax, Scan::kLogSoftmax}) {
              const auto out = scan<T>(op, in, {}, s);
              for (int64_t j = 0; j < s.n; ++j) {
                for (int64_t i = 0; i < inner; ++i) {
                  const T x = out[static_cast<size_t>(j * inner + i)];
                  if (i != inner / 2) {
                    ASSERT_FALSE(is_nan(x));
                  } else if (op == Scan::kSoftmax || kind != 0 || j == 10) {
                    ASSERT_TRUE(is_nan(x)) << kind << " " << j;
                  }
                }
              }
            }
          }
        }
      }
    });
  });
}

TEST(Scan, HugeValuesAreStable) {
  for_each_target([](int64_t) {
    const std::vector<float> in = {3e38f, 3e38f, -3e38f, 1e30f};
    const Shape s{1, 4, 1};
    EXPECT_EQ(scan<float>(Scan::kSoftmax, in, {}, s), (std::vector<float>{0.5f, 0.5f, 0, 0}));
    const std::vector<float> far = {1000, 0, 990};
    const auto log = scan<float>(Scan::kLogSoftmax, far, {}, {1, 3, 1});
    EXPECT_FLOAT_EQ(log[1], -1000.0000454f);
    EXPECT_FLOAT_EQ(log[2], -10.0000454f);
  });
}

TEST(Scan, InPlaceAndThreads) {
  const int threads = num_threads();
  for (const Shape& s : {Shape{400, 100, 1}, Shape{2, 100, 300}}) {
    const auto in = random_values<float>(s.size(), 25);
    set_num_threads(1);
    const auto one = scan<float>(Scan::kSoftmax, in, {}, s);
    set_num_threads(3);
    EXPECT_TRUE(same_bits(one, scan<float>(Scan::kSoftmax, in, {}, s)));
    auto place = in;
    table().scan[static_cast<int>(Scan::kSoftmax)][0](place.data(), nullptr, place.data(), s.outer,
                                                      s.n, s.inner);
    EXPECT_TRUE(same_bits(one, place));
  }
  set_num_threads(threads);
}

}  // namespace
}  // namespace mt::testing
