// Tests of float and double matrix multiplication against the triple loop in long double: on every
// SIMD target, with every number of threads, for the values of IEEE arithmetic.
#include "kernels/gemm_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <tuple>
#include <vector>

namespace mt::cpu {
namespace {

// Compares with the triple loop in long double, made once for several runs of one case. The error
// of k rounded products summed in any order is at most about k * epsilon times the sum of their
// magnitudes; the pairwise and random nature of real sums stays far below 40 * epsilon.
template <class T>
class Reference {
 public:
  Reference(const Case& x, unsigned seed) : case_(x), input_(x, seed) {
    const size_t size = static_cast<size_t>(x.m * x.n);
    expected_.resize(size);
    bound_.resize(size);
    const long double epsilon = std::numeric_limits<T>::epsilon();
    const long double alpha = static_cast<T>(x.alpha), beta = static_cast<T>(x.beta);
    const long double terms = std::min<long double>(static_cast<long double>(x.k) + 3, 40);
    for (int64_t i = 0; i < x.m; ++i) {
      for (int64_t j = 0; j < x.n; ++j) {
        long double sum = 0, magnitude = 0;
        for (int64_t k = 0; k < x.k; ++k) {
          const long double product =
              static_cast<long double>(element(input_.a, input_.lda, x.trans_a, i, k)) *
              element(input_.b, input_.ldb, x.trans_b, k, j);
          sum += product;
          magnitude += std::fabs(product);
        }
        const size_t at = static_cast<size_t>(i * x.n + j);
        const long double before =
            x.beta == 0 ? 0 : beta * input_.c[static_cast<size_t>(i * input_.ldc + j)];
        expected_[at] = static_cast<double>(alpha * sum + before);
        bound_[at] = static_cast<double>(epsilon * terms *
                                         (std::fabs(alpha) * magnitude + std::fabs(before)));
      }
    }
  }

  void check() const {
    SCOPED_TRACE(case_.text());
    Matrices<T> d = input_;
    call(case_, d);
    int failures = 0;
    for (int64_t i = 0; i < case_.m && failures < 3; ++i) {
      for (int64_t j = 0; j < case_.n; ++j) {
        const size_t at = static_cast<size_t>(i * case_.n + j);
        const double got = d.c[static_cast<size_t>(i * d.ldc + j)];
        // Negated, so that NaN fails.
        if (!(std::fabs(got - expected_[at]) <= bound_[at])) {
          ++failures;
          ADD_FAILURE() << "C[" << i << "][" << j << "] is " << got << ", expected "
                        << expected_[at] << " within " << bound_[at];
        }
      }
      for (int64_t j = case_.n; j < d.ldc && i + 1 < case_.m; ++j) {
        ASSERT_TRUE(std::isnan(d.c[static_cast<size_t>(i * d.ldc + j)])) << "padding written";
      }
    }
  }

 private:
  Case case_;
  Matrices<T> input_;
  std::vector<double> expected_, bound_;
};

template <class T>
class GemmFloat : public testing::Test {};
using FloatTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmFloat, FloatTypes);

TYPED_TEST(GemmFloat, EverySmallSize) {
  std::vector<Reference<TypeParam>> references;
  unsigned seed = 0;
  for (int64_t m = 1; m <= 14; ++m) {
    for (int64_t n = 1; n <= 19; ++n) {
      for (const int64_t k : {1, 2, 3, 8, 17}) {
        for (int t = 0; t < 4; ++t) {
          const Case x{(t & 1) != 0, (t & 2) != 0, m, n, k, 1, 0, seed % 3};
          references.emplace_back(x, seed++);
        }
      }
    }
  }
  on_every_target([&] {
    for (const auto& reference : references) reference.check();
  });
}

TYPED_TEST(GemmFloat, RandomSizesAndScalars) {
  std::vector<Reference<TypeParam>> references;
  std::mt19937 random(7);
  const int64_t sizes[] = {1, 2, 4, 5, 7, 8, 11, 16, 23, 24, 25, 32, 33, 47, 64, 65, 100, 129};
  const double scalars[] = {0, 1, -1, 0.5, 2.25};
  const auto size = [&] { return sizes[random() % std::size(sizes)]; };
  for (int i = 0; i < 250; ++i) {
    Case x;
    x.trans_a = random() % 2 != 0;
    x.trans_b = random() % 2 != 0;
    x.m = size();
    x.n = size();
    x.k = size();
    x.alpha = scalars[1 + random() % 4];
    x.beta = scalars[random() % 5];
    x.pad = static_cast<int64_t>(random() % 4);
    references.emplace_back(x, static_cast<unsigned>(i));
  }
  on_every_target([&] {
    for (const auto& reference : references) reference.check();
  });
}

// Each crosses one of the borders between the ways to multiply: several blocks of k, of A, of B,
// packed or not, one row, one column, threads by row, by column and by k.
TYPED_TEST(GemmFloat, BlocksAndThreads) {
  const Case cases[] = {
      {false, false, 170, 150, 800, 1, 1, 1},  {true, true, 160, 140, 420, -1, 0.5, 1},
      {true, false, 150, 130, 450, 2, 0, 0},   {false, true, 150, 140, 390, 1, 0, 3},
      {false, false, 2, 4200, 450, 1, 1, 0},   {false, false, 25, 2100, 40, 1, 0, 0},
      {false, false, 150, 4200, 5, 1, 0.5, 1}, {false, true, 7, 1200, 100, 1, 1, 0},
      {false, false, 1, 3000, 100, 1, 1, 0},   {false, true, 1, 3000, 100, 1, 1, 1},
      {false, false, 3000, 1, 100, 1, 1, 0},   {true, false, 3000, 1, 100, 1, 1, 3},
      {true, true, 1, 1, 5000, 1, 1, 1},       {false, false, 16, 27, 3000, 1, 0, 0},
      {true, false, 8, 27, 5000, 2, -1, 1},    {false, true, 9, 10, 6000, 1, 1, 0},
      {false, false, 3, 2600, 1000, 1, 0, 0},  {true, false, 1000, 3, 2, 1, 0, 0},
  };
  for (const Case& x : cases) {
    const Reference<TypeParam> reference(x, 3);
    for (const int threads : {1, 2, 3, 8}) {
      ThreadsGuard guard(threads);
      SCOPED_TRACE(threads);
      reference.check();
    }
    on_every_target([&] { reference.check(); });
  }
}

TYPED_TEST(GemmFloat, SameThreadCountSameBits) {
  const Case cases[] = {{false, false, 150, 103, 401, 1, 0, 0},
                        {false, true, 16, 27, 5000, 1, 0, 0},
                        {true, false, 1, 5000, 300, 1, 0, 0}};
  for (const int threads : {1, 2, 3, 8}) {
    ThreadsGuard guard(threads);
    for (const Case& x : cases) {
      SCOPED_TRACE(x.text());
      Matrices<TypeParam> first(x, 1);
      call(x, first);
      std::atomic<int> different{0};
      const auto again = [&] {
        Matrices<TypeParam> d(x, 1);
        call(x, d);
        if (std::memcmp(d.c.data(), first.c.data(), d.c.size() * sizeof(TypeParam)) != 0) {
          ++different;
        }
      };
      again();
      // Also when several host threads want the pool at once.
      std::vector<std::thread> hosts;
      for (int i = 0; i < 3; ++i) hosts.emplace_back(again);
      for (std::thread& host : hosts) host.join();
      EXPECT_EQ(different, 0);
    }
  }
}

TYPED_TEST(GemmFloat, BetaZeroDoesNotReadC) {
  on_every_target([] {
    for (const auto& [m, n, k] :
         {std::tuple{1, 9, 5}, {9, 1, 5}, {3, 3, 40}, {30, 21, 50}, {4, 17, 3}, {200, 130, 500}}) {
      for (int t = 0; t < 4; ++t) {
        const Case x{(t & 1) != 0, (t & 2) != 0, m, n, k, 1, 0, 0};
        SCOPED_TRACE(x.text());
        Matrices<TypeParam> d(x, 1);
        d.c.assign(d.c.size(), std::numeric_limits<TypeParam>::quiet_NaN());
        call(x, d);
        for (const TypeParam value : d.c) ASSERT_TRUE(std::isfinite(value));
      }
    }
  });
}

TYPED_TEST(GemmFloat, NanAndInfSpreadAsTheSumsSay) {
  on_every_target([] {
    const TypeParam inf = std::numeric_limits<TypeParam>::infinity();
    for (const auto& [m, n, k] : {std::tuple{1, 9, 5},
                                  {9, 1, 5},
                                  {3, 3, 40},
                                  {30, 21, 50},
                                  {4, 17, 3},
                                  {8, 70, 400},
                                  {40, 40, 40}}) {
      for (int t = 0; t < 4; ++t) {
        const Case x{(t & 1) != 0, (t & 2) != 0, m, n, k, 1, 0, 0};
        SCOPED_TRACE(x.text());
        Matrices<TypeParam> d(x, 1);
        // A row of zeros times an infinite element is NaN; every other row gets the infinity.
        const int64_t zero_row = m - 1, inf_k = k - 1, inf_col = n / 2;
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t p = 0; p < k; ++p) {
            d.a[static_cast<size_t>(x.trans_a ? p * d.lda + i : i * d.lda + p)] =
                i == zero_row ? 0 : 1;
          }
        }
        d.b[static_cast<size_t>(x.trans_b ? inf_col * d.ldb + inf_k : inf_k * d.ldb + inf_col)] =
            inf;
        call(x, d);
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            const TypeParam value = d.c[static_cast<size_t>(i * d.ldc + j)];
            if (j != inf_col) {
              ASSERT_TRUE(std::isfinite(value));
            } else if (i == zero_row) {
              ASSERT_TRUE(std::isnan(value));
            } else {
              ASSERT_EQ(value, inf);
            }
          }
        }
      }
    }
  });
}

TYPED_TEST(GemmFloat, NoProduct) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  const std::vector<TypeParam> a(12, nan), b(12, nan);
  for (const bool no_k : {true, false}) {
    const int64_t k = no_k ? 0 : 3;
    const TypeParam alpha = no_k ? TypeParam(1) : TypeParam(0);
    std::vector<TypeParam> c{1, 2, nan, 3, 4, nan};
    gemm<TypeParam>(false, false, 2, 2, k, alpha, a.data(), 3, b.data(), 2, 1, c.data(), 3);
    EXPECT_EQ(c[0], 1);
    EXPECT_EQ(c[4], 4);
    gemm<TypeParam>(false, false, 2, 2, k, alpha, a.data(), 3, b.data(), 2, 2, c.data(), 3);
    EXPECT_EQ(c[1], 4);
    EXPECT_EQ(c[3], 6);
    EXPECT_TRUE(std::isnan(c[2]));
    c[0] = nan;
    gemm<TypeParam>(false, false, 2, 2, k, alpha, a.data(), 3, b.data(), 2, 0, c.data(), 3);
    EXPECT_EQ(c[0], 0);
    EXPECT_EQ(c[4], 0);
    EXPECT_TRUE(std::isnan(c[2]));
  }
  std::vector<TypeParam> untouched{7};
  const TypeParam* const none = nullptr;
  gemm<TypeParam>(false, false, 0, 5, 3, 1, none, 3, none, 5, 0, untouched.data(), 5);
  gemm<TypeParam>(false, false, 5, 0, 3, 1, none, 3, none, 1, 0, untouched.data(), 1);
  EXPECT_EQ(untouched[0], 7);
}

}  // namespace
}  // namespace mt::cpu
