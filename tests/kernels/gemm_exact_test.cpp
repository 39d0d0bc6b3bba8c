// Tests of integer and 16-bit float matrix products against exact arithmetic, of batches against
// single products, and of the memory that products use.
#include "kernels/gemm_testing.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

#include "core/error.h"

// Counts, and fails on demand, the one allocation function that kernels use.
namespace {
std::atomic<int> g_allocations{0};
std::atomic<bool> g_fail_allocations{false};
}  // namespace
extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  ++g_allocations;
  void* p = nullptr;
  if (g_fail_allocations || posix_memalign(&p, alignment, size) != 0) return nullptr;
  return p;
}

namespace mt::cpu {
namespace {

template <class T>
class GemmInteger : public testing::Test {};
using IntegerTypes = testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t>;
TYPED_TEST_SUITE(GemmInteger, IntegerTypes);

TYPED_TEST(GemmInteger, WrapsAround) {
  std::mt19937 random(3);
  for (int i = 0; i < 120; ++i) {
    Case x;
    x.trans_a = i % 2 != 0;
    x.trans_b = i / 2 % 2 != 0;
    x.m = 1 + static_cast<int64_t>(random() % 20);
    x.n = i % 10 == 0 ? 300 : 1 + static_cast<int64_t>(random() % 20);
    x.k = i % 11 == 0 ? 0 : 1 + static_cast<int64_t>(random() % 70);
    x.alpha = static_cast<double>(random() % 4);
    x.beta = static_cast<double>(random() % 4);
    x.pad = i % 3;
    SCOPED_TRACE(x.text());
    ThreadsGuard guard(1 + i % 3);
    Matrices<TypeParam> d(x, static_cast<unsigned>(i));
    const std::vector<TypeParam> old = d.c;
    call(x, d);
    for (int64_t r = 0; r < x.m; ++r) {
      for (int64_t j = 0; j < x.n; ++j) {
        uint64_t sum = 0;
        for (int64_t k = 0; k < x.k; ++k) {
          sum += static_cast<uint64_t>(element(d.a, d.lda, x.trans_a, r, k)) *
                 static_cast<uint64_t>(element(d.b, d.ldb, x.trans_b, k, j));
        }
        const size_t at = static_cast<size_t>(r * d.ldc + j);
        const TypeParam expected =
            static_cast<TypeParam>(static_cast<uint64_t>(x.alpha) * sum +
                                   static_cast<uint64_t>(x.beta) * static_cast<uint64_t>(old[at]));
        ASSERT_EQ(d.c[at], expected);
      }
    }
  }
}

template <class T>
class GemmHalf : public testing::Test {};
using HalfTypes = testing::Types<Half, BFloat16>;
TYPED_TEST_SUITE(GemmHalf, HalfTypes);

// Small integers: every sum is exact in float, so the result is the exact one rounded once.
TYPED_TEST(GemmHalf, ExactSumsRoundedOnce) {
  std::mt19937 random(3);
  for (const auto& [m, n, k] : {std::tuple{1, 1, 1},
                                {3, 5, 7},
                                {17, 33, 1100},
                                {300, 20, 40},
                                {2, 600, 9},
                                {70, 1, 513},
                                {5, 4, 0}}) {
    for (int t = 0; t < 8; ++t) {
      Case x{(t & 1) != 0,           (t & 2) != 0,       m,    n, k,
             t % 3 == 0 ? 2.0 : 1.0, t < 4 ? 0.0 : -1.0, t % 2};
      SCOPED_TRACE(x.text());
      ThreadsGuard guard(1 + t % 3);
      Matrices<TypeParam> d(x, 1);
      for (auto* v : {&d.a, &d.b, &d.c}) {
        for (TypeParam& value : *v) value = TypeParam(static_cast<float>(random() % 41) - 14.0f);
      }
      const std::vector<TypeParam> old = d.c;
      if (x.beta == 0) d.c.assign(d.c.size(), TypeParam(NAN));
      call(x, d);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t p = 0; p < k; ++p) {
            sum += static_cast<double>(static_cast<float>(element(d.a, d.lda, x.trans_a, i, p))) *
                   static_cast<float>(element(d.b, d.ldb, x.trans_b, p, j));
          }
          const size_t at = static_cast<size_t>(i * d.ldc + j);
          const double exact =
              x.alpha * sum + x.beta * static_cast<double>(static_cast<float>(old[at]));
          const TypeParam expected(static_cast<float>(exact));
          if (exact == 0) {
            ASSERT_EQ(static_cast<float>(d.c[at]), 0.0f);  // of either sign
          } else {
            ASSERT_EQ(d.c[at].bits, expected.bits) << i << " " << j;
          }
        }
      }
    }
  }
}

TYPED_TEST(GemmHalf, SubnormalsNanAndOverflow) {
  const auto product = [](float x, float y) {
    const TypeParam a(x), b(y);
    TypeParam c(0.0f);
    gemm<TypeParam>(false, false, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1);
    return static_cast<float>(c);
  };
  EXPECT_EQ(product(0x1p-24f, 1.0f), static_cast<float>(TypeParam(0x1p-24f)));
  EXPECT_EQ(product(0x1p-24f, 0x1p12f), 0x1p-12f);
  EXPECT_TRUE(std::isnan(product(NAN, 1.0f)));
  EXPECT_TRUE(std::isnan(product(INFINITY, 0.0f)));
  EXPECT_EQ(product(-INFINITY, 2.0f), -INFINITY);
  const float large = std::is_same_v<TypeParam, Half> ? 60000.0f : 3e38f;
  EXPECT_EQ(product(large, 2.0f), INFINITY);
}

template <class T>
void check_batch(int64_t batch, const Case& x, int64_t stride_a, int64_t stride_b,
                 int64_t stride_c) {
  SCOPED_TRACE(x.text());
  std::mt19937 random(9);
  const int64_t lda = (x.trans_a ? x.m : x.k) + x.pad, ldb = (x.trans_b ? x.k : x.n) + x.pad,
                ldc = x.n + x.pad;
  const auto made = [&](int64_t size) {
    std::vector<T> v(static_cast<size_t>(size));
    for (T& value : v) value = static_cast<T>(static_cast<int64_t>(random() % 19) - 9);
    return v;
  };
  const auto a = made(stride_a * (batch - 1) + lda * (x.trans_a ? x.k : x.m));
  const auto b = made(stride_b * (batch - 1) + ldb * (x.trans_b ? x.n : x.k));
  auto c = made(stride_c * (batch - 1) + ldc * x.m);
  auto expected = c;
  const T alpha = static_cast<T>(x.alpha), beta = static_cast<T>(x.beta);
  // Small integers: exact in every type, so the single products are the reference.
  for (int64_t i = 0; i < batch; ++i) {
    gemm<T>(x.trans_a, x.trans_b, x.m, x.n, x.k, alpha, a.data() + i * stride_a, lda,
            b.data() + i * stride_b, ldb, beta, expected.data() + i * stride_c, ldc);
  }
  gemm_batched<T>(batch, x.trans_a, x.trans_b, x.m, x.n, x.k, alpha, a.data(), lda, stride_a,
                  b.data(), ldb, stride_b, beta, c.data(), ldc, stride_c);
  EXPECT_EQ(c, expected);
}

TEST(GemmBatched, EqualsSingleProducts) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadsGuard guard(threads);
    for (const int64_t batch : {1, 2, 5, 40}) {
      for (int t = 0; t < 4; ++t) {
        for (const auto& [m, n, k] :
             {std::tuple{1, 1, 1}, {3, 5, 7}, {20, 33, 17}, {90, 80, 150}, {4, 6, 0}}) {
          if (m > 50 && batch > 5) continue;
          for (const int64_t pad : {0, 2}) {
            const Case x{(t & 1) != 0, (t & 2) != 0, m, n, k, 2, t % 2 ? 1.0 : 0.0, pad};
            const int64_t a = (m + pad) * (k + pad), b = (k + pad) * (n + pad), c = m * (n + pad);
            check_batch<float>(batch, x, a, b, c);
            check_batch<float>(batch, x, x.trans_a ? a : m * (k + pad), 0, c);
            check_batch<double>(batch, x, 0, b, c + 3);
            if (m < 30) check_batch<int32_t>(batch, x, a, b, c);
          }
        }
      }
    }
  }
  gemm_batched<float>(0, false, false, 1, 1, 1, 1, nullptr, 1, 1, nullptr, 1, 1, 0, nullptr, 1, 1);
}

TEST(GemmMemory, SmallProductsAllocateNothing) {
  on_every_target([] {
    std::thread([] {  // a thread without working memory
      const int before = g_allocations;
      for (const auto& [m, n, k] : {std::tuple{11, 1, 1},
                                    {1, 11, 1},
                                    {1, 1, 11},
                                    {32, 64, 10},
                                    {32, 10, 64},
                                    {64, 10, 128},
                                    {8, 8, 8},
                                    {1, 300, 300}}) {
        for (int t = 0; t < 4; ++t) {
          const Case x{(t & 1) != 0, (t & 2) != 0, m, n, k, 1, 0, 0};
          Matrices<float> d(x, 1);
          call(x, d);
        }
      }
      EXPECT_EQ(g_allocations, before);
    })
        .join();
  });
}

TEST(GemmMemory, SteadyStateAllocatesNothing) {
  ThreadsGuard guard(1);
  const Case x{false, true, 200, 300, 400, 1, 0, 0};
  Matrices<float> d(x, 1);
  call(x, d);
  const int before = g_allocations;
  for (int i = 0; i < 5; ++i) call(x, d);
  EXPECT_EQ(g_allocations, before);
}

TEST(GemmMemory, FailureIsReportedAndPasses) {
  const Case cases[] = {{false, true, 200, 300, 400, 1, 0, 0}, {false, false, 16, 27, 90000}};
  for (const int threads : {1, 4}) {
    ThreadsGuard guard(threads);
    for (const Case& x : cases) {
      std::thread([&] {  // a thread without working memory
        Matrices<float> d(x, 1);
        g_fail_allocations = true;
        try {
          call(x, d);
          // Workers keep memory of earlier products; the caller alone must not.
          EXPECT_GT(threads, 1);
        } catch (const Error& e) {
          EXPECT_EQ(e.status(), Status::kOutOfMemory);
        }
        g_fail_allocations = false;
        call(x, d);
      })
          .join();
    }
  }
}

}  // namespace
}  // namespace mt::cpu
