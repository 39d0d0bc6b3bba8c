// Reductions on every SIMD target against long double and plain loops: all dtypes, rows and
// columns, empty and long ones, NaN and infinities, and the same bits for every number of threads.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/parallel.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

struct Shape {
  int64_t outer, n, inner;
  int64_t in_size() const { return outer * n * inner; }
  int64_t out_size() const { return outer * inner; }
};

// Rows and columns about the vector and block lengths; the last ones are split among threads.
const Shape kShapes[] = {{1, 1, 1}, {3, 7, 1},   {2, 64, 1},    {5, 129, 1},   {1, 2500, 1},
                         {2, 5, 3}, {1, 100, 2}, {2, 77, 16},   {3, 40, 33},   {1, 70, 300},
                         {0, 5, 1}, {2, 3, 0},   {1, 70001, 1}, {2, 9001, 11}, {1, 700, 129}};

ReduceKernel kernel(Reduce op, DType dtype) {
  return table().reduce[static_cast<int>(op)][static_cast<int>(dtype)];
}

template <class Out, class T>
std::vector<Out> reduce(Reduce op, const std::vector<T>& in, const Shape& s, double f0 = 0) {
  std::vector<Out> out(static_cast<size_t>(s.out_size()));
  Params p;
  p.f[0] = f0;
  kernel(op, dtype_of<T>())(in.data(), out.data(), s.outer, s.n, s.inner, p);
  return out;
}

// Calls f(k, column) with the values that output k is made of.
template <class T, class F>
void each_column(const std::vector<T>& in, const Shape& s, F&& f) {
  std::vector<T> column(static_cast<size_t>(s.n));
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t i = 0; i < s.inner; ++i) {
      for (int64_t j = 0; j < s.n; ++j) {
        column[static_cast<size_t>(j)] = in[static_cast<size_t>((o * s.n + j) * s.inner + i)];
      }
      f(static_cast<size_t>(o * s.inner + i), column);
    }
  }
}

template <class F>
void each_shape(F&& f) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(::testing::Message() << s.outer << " x " << s.n << " x " << s.inner);
    f(s);
  }
}

template <class F>
void each_float(F&& f) {
  for_each_element([&]<class T>(T) {
    if constexpr (kIsFloat<T>) {
      SCOPED_TRACE(name_of<T>());
      f(T{});
    }
  });
}

// |got - expected| within `units` halves of a last place of `scale`.
template <class T>
void expect_close(T got, long double expected, long double scale, double units) {
  const long double error = std::fabs(wide(got) - expected);
  EXPECT_LE(error, units * epsilon<T>() * scale + std::numeric_limits<double>::denorm_min())
      << static_cast<double>(wide(got)) << " for " << static_cast<double>(expected);
}

TEST(Reduce, Sum) {
  for_each_target([](int64_t) {
    each_float([]<class T>(T) {
      each_shape([](const Shape& s) {
        const auto in = random_values<T>(s.in_size(), 11);
        const auto out = reduce<T>(Reduce::kSum, in, s);
        each_column(in, s, [&](size_t k, const std::vector<T>& column) {
          long double sum = 0, magnitude = 0;
          for (T x : column) sum += wide(x), magnitude += std::fabs(wide(x));
          // One rounding of the result, and less than one of the terms' magnitude for the order:
          // blocks of 32 in float32, all else in double.
          const double order = kIsHalf<T> ? 0x1p-24 : epsilon<T>();
          const long double error = std::fabs(wide(out[k]) - sum);
          EXPECT_LE(error, epsilon<T>() * std::fabs(sum) + 4 * order * magnitude) << k;
        });
      });
    });
  });
}

TEST(Reduce, SumOfManyEqualFloatsIsAccurate) {
  for_each_target([](int64_t) {
    const std::vector<float> in(3000000, 0.1f);
    const auto sum = reduce<float>(Reduce::kSum, in, {1, 3000000, 1});
    EXPECT_NEAR(sum[0], 3000000 * static_cast<double>(0.1f), 0.06);
    const auto columns = reduce<float>(Reduce::kSum, in, {1, 1000000, 3});
    EXPECT_NEAR(columns[2], 1000000 * static_cast<double>(0.1f), 0.02);
  });
}

TEST(Reduce, SumAndProductOfInt64Wrap) {
  for_each_target([](int64_t) {
    each_shape([](const Shape& s) {
      auto in = random_values<int64_t>(s.in_size(), 12);
      for (int64_t& x : in) x = x * 0x0123456789ABCDEF + 1;
      const auto sum = reduce<int64_t>(Reduce::kSum, in, s);
      const auto product = reduce<int64_t>(Reduce::kProd, in, s);
      each_column(in, s, [&](size_t k, const std::vector<int64_t>& column) {
        uint64_t a = 0, m = 1;
        for (int64_t x : column) a += static_cast<uint64_t>(x), m *= static_cast<uint64_t>(x);
        EXPECT_EQ(static_cast<uint64_t>(sum[k]), a);
        EXPECT_EQ(static_cast<uint64_t>(product[k]), m);
      });
    });
  });
}

TEST(Reduce, Product) {
  for_each_target([](int64_t) {
    each_float([]<class T>(T) {
      each_shape([](const Shape& s) {
        auto in = random_values<T>(s.in_size(), 13);
        for (T& x : in) x = narrow<T>(wide(x) < 0 ? -1 : 1);
        for (size_t i = 0; i < in.size(); i += 29) in[i] = narrow<T>(i % 58 == 0 ? 1.5 : 0.75);
        const auto out = reduce<T>(Reduce::kProd, in, s);
        each_column(in, s, [&](size_t k, const std::vector<T>& column) {
          long double product = 1;
          for (T x : column) product *= wide(x);
          if (std::fabs(product) < 1e-4L || std::fabs(product) > 1e4L) return;
          expect_close(out[k], product, std::fabs(product),
                       1.01 + (std::is_same_v<T, double> ? static_cast<double>(s.n) : 0));
        });
      });
    });
  });
}

// A float32 product whose blocks overflow though the whole does not.
TEST(Reduce, ProductOverflowsLate) {
  for_each_target([](int64_t) {
    std::vector<float> in(64, 1e4f);
    std::fill(in.begin() + 32, in.end(), 1e-4f);
    EXPECT_NEAR(reduce<float>(Reduce::kProd, in, {1, 64, 1})[0], 1, 1e-5);
  });
}

template <class T>
void check_extremes(const std::vector<T>& in, const Shape& s) {
  const auto largest = reduce<T>(Reduce::kAmax, in, s), smallest = reduce<T>(Reduce::kAmin, in, s);
  const auto argmax = reduce<int64_t>(Reduce::kArgmax, in, s);
  const auto argmin = reduce<int64_t>(Reduce::kArgmin, in, s);
  each_column(in, s, [&](size_t k, const std::vector<T>& column) {
    size_t max = 0, min = 0;
    for (size_t j = 1; j < column.size(); ++j) {
      const long double x = wide(column[j]), a = wide(column[max]), b = wide(column[min]);
      if (!std::isnan(a) && (x > a || std::isnan(x))) max = j;
      if (!std::isnan(b) && (x < b || std::isnan(x))) min = j;
    }
    ASSERT_EQ(argmax[k], static_cast<int64_t>(max)) << k;
    ASSERT_EQ(argmin[k], static_cast<int64_t>(min)) << k;
    const auto same = [](T x, T y) {
      return wide(x) == wide(y) || (std::isnan(wide(x)) && std::isnan(wide(y)));
    };
    ASSERT_TRUE(same(largest[k], column[max])) << k;
    ASSERT_TRUE(same(smallest[k], column[min])) << k;
  });
}

TEST(Reduce, ExtremesAndTheirPlaces) {
  for_each_target([](int64_t) {
    for_each_element([]<class T>(T) {
      SCOPED_TRACE(name_of<T>());
      each_shape([](const Shape& s) {
        auto in = random_values<T>(s.in_size(), 14);
        check_extremes(in, s);
        Random random(15);
        if constexpr (kIsFloat<T>) {  // a NaN or an infinity here and there
          for (int64_t i = 0; i < s.in_size() / 50; ++i) {
            const double special[] = {std::nan(""), HUGE_VAL, -HUGE_VAL};
            in[static_cast<size_t>(random.below(s.in_size()))] = narrow<T>(special[i % 3]);
          }
          check_extremes(in, s);
          std::fill(in.begin(), in.end(), narrow<T>(-HUGE_VAL));
          check_extremes(in, s);
        } else if constexpr (!std::is_same_v<T, Bool>) {
          for (int64_t i = 0; i < s.in_size() / 50; ++i) {
            in[static_cast<size_t>(random.below(s.in_size()))] =
                i % 2 == 0 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
          }
          check_extremes(in, s);
        }
      });
    });
  });
}

TEST(Reduce, AnyAndAll) {
  for_each_target([](int64_t) {
    for_each_element([]<class T>(T) {
      SCOPED_TRACE(name_of<T>());
      each_shape([](const Shape& s) {
        for (const bool mostly : {false, true}) {
          std::vector<T> in(static_cast<size_t>(s.in_size()), narrow<T>(mostly));
          Random random(16);
          for (int64_t i = 0; i < s.out_size() / 2 && s.in_size() > 0; ++i) {
            in[static_cast<size_t>(random.below(s.in_size()))] = narrow<T>(!mostly);
          }
          if constexpr (kIsFloat<T>) {  // -0.0 is false, NaN is true
            for (T& x : in) x = narrow<T>(wide(x) == 0 ? -0.0L : std::nanl(""));
          }
          const auto any = reduce<uint8_t>(Reduce::kAny, in, s);
          const auto all = reduce<uint8_t>(Reduce::kAll, in, s);
          each_column(in, s, [&](size_t k, const std::vector<T>& column) {
            const auto is_true = [](T x) { return wide(x) != 0; };
            ASSERT_EQ(any[k], std::any_of(column.begin(), column.end(), is_true));
            ASSERT_EQ(all[k], std::all_of(column.begin(), column.end(), is_true));
          });
        }
      });
    });
  });
}

TEST(Reduce, Variance) {
  for_each_target([](int64_t) {
    each_float([]<class T>(T) {
      each_shape([](const Shape& s) {
        for (const double correction : {0.0, 1.0}) {
          auto in = random_values<T>(s.in_size(), 17);
          for (T& x : in) x = narrow<T>(wide(x) + 100);  // the mean is large beside the deviations
          const auto out = reduce<T>(Reduce::kVar, in, s, correction);
          each_column(in, s, [&](size_t k, const std::vector<T>& column) {
            long double mean = 0, squares = 0;
            for (T x : column) mean += wide(x);
            mean /= static_cast<long double>(s.n);
            for (T x : column) squares += (wide(x) - mean) * (wide(x) - mean);
            const double divisor = std::max(0.0, static_cast<double>(s.n) - correction);
            if (divisor == 0) {
              EXPECT_TRUE(std::isnan(wide(out[k])));
              return;
            }
            const long double var = squares / divisor;
            expect_close(out[k], var, var + 1e-12L, std::is_same_v<T, double> ? 64 : 1.01);
          });
        }
      });
    });
  });
}

TEST(Reduce, Nothing) {
  for_each_target([](int64_t) {
    for (const int64_t inner : {1, 5, 40}) {
      const Shape s{2, 0, inner};
      const auto all_of = [](const auto& v, double x) {
        return std::all_of(v.begin(), v.end(), [x](auto y) { return wide(y) == x; });
      };
      each_float([&]<class T>(T) {
        EXPECT_TRUE(all_of(reduce<T>(Reduce::kSum, std::vector<T>(), s), 0));
        EXPECT_TRUE(all_of(reduce<T>(Reduce::kProd, std::vector<T>(), s), 1));
        for (const T x : reduce<T>(Reduce::kVar, std::vector<T>(), s, 1)) {
          EXPECT_TRUE(std::isnan(wide(x)));
        }
      });
      EXPECT_TRUE(all_of(reduce<int64_t>(Reduce::kSum, std::vector<int64_t>(), s), 0));
      EXPECT_TRUE(all_of(reduce<int64_t>(Reduce::kProd, std::vector<int64_t>(), s), 1));
      for_each_element([&]<class T>(T) {
        EXPECT_TRUE(all_of(reduce<uint8_t>(Reduce::kAny, std::vector<T>(), s), 0));
        EXPECT_TRUE(all_of(reduce<uint8_t>(Reduce::kAll, std::vector<T>(), s), 1));
      });
    }
  });
}

TEST(Reduce, NanAndInfinityInSums) {
  for_each_target([](int64_t) {
    for (const Shape& s : {Shape{1, 100, 1}, Shape{1, 100000, 1}, Shape{1, 100, 4}}) {
      std::vector<float> in(static_cast<size_t>(s.in_size()), 1.0f);
      in[20] = HUGE_VALF;
      EXPECT_EQ(reduce<float>(Reduce::kSum, in, s)[0], HUGE_VALF);
      in[40] = -HUGE_VALF;
      EXPECT_TRUE(std::isnan(reduce<float>(Reduce::kSum, in, s)[0]));
      in[40] = 1, in[20] = NAN;
      EXPECT_TRUE(std::isnan(reduce<float>(Reduce::kSum, in, s)[0]));
      EXPECT_TRUE(std::isnan(reduce<float>(Reduce::kProd, in, s)[0]));
      EXPECT_TRUE(std::isnan(reduce<float>(Reduce::kVar, in, s, 1)[0]));
    }
  });
}

TEST(Reduce, SameBitsForEveryNumberOfThreads) {
  const int threads = num_threads();
  for (const Shape& s : {Shape{1, 500001, 1}, Shape{3, 70001, 1}, Shape{1, 30001, 13},
                         Shape{1, 5001, 300}, Shape{500, 300, 1}}) {
    const auto in = random_values<float>(s.in_size(), 18);
    for (const Reduce op : {Reduce::kSum, Reduce::kProd, Reduce::kVar, Reduce::kAmax}) {
      set_num_threads(1);
      const auto one = reduce<float>(op, in, s, 1);
      for (const int t : {2, 3, 7}) {
        set_num_threads(t);
        EXPECT_TRUE(same_bits(one, reduce<float>(op, in, s, 1)));
      }
    }
  }
  set_num_threads(threads);
}

}  // namespace
}  // namespace mt::testing
