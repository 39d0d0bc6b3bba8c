// What the tests of matrix multiplication share: cases, random matrices with guarded paddings, and
// runs on every SIMD target.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "core/parallel.h"
#include "hwy/targets.h"
#include "kernels/cpu/gemm.h"

namespace mt::cpu {

struct ThreadsGuard {
  int before = num_threads();
  explicit ThreadsGuard(int n) { set_num_threads(n); }
  ~ThreadsGuard() { set_num_threads(before); }
};

// Runs `body` once on every SIMD target that is both built in and present.
inline void on_every_target(const std::function<void()>& body) {
  const int64_t all = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t left = all; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

struct Case {
  bool trans_a = false, trans_b = false;
  int64_t m, n, k;
  double alpha = 1, beta = 0;
  int64_t pad = 0;  // elements between the rows of each matrix

  std::string text() const {
    return std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n) +
           (trans_a ? " T" : " N") + (trans_b ? "T" : "N") + " alpha " + std::to_string(alpha) +
           " beta " + std::to_string(beta) + " pad " + std::to_string(pad);
  }
};

template <class T>
struct Matrices {
  int64_t lda, ldb, ldc;
  std::vector<T> a, b, c;

  // Random contents; NaN (or a loud value) in the paddings, which must neither be used nor written.
  Matrices(const Case& x, unsigned seed) {
    std::mt19937 random(seed);
    lda = (x.trans_a ? x.m : x.k) + x.pad;
    ldb = (x.trans_b ? x.k : x.n) + x.pad;
    ldc = x.n + x.pad;
    fill(a, x.trans_a ? x.k : x.m, x.trans_a ? x.m : x.k, lda, random);
    fill(b, x.trans_b ? x.n : x.k, x.trans_b ? x.k : x.n, ldb, random);
    fill(c, x.m, x.n, ldc, random);
  }

  static T loud() {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(113);
    } else {
      return T(std::numeric_limits<float>::quiet_NaN());
    }
  }

  static void fill(std::vector<T>& v, int64_t rows, int64_t cols, int64_t ld,
                   std::mt19937& random) {
    // The last row has no padding: reading beyond it is out of bounds.
    v.assign(static_cast<size_t>(rows > 0 && cols > 0 ? (rows - 1) * ld + cols : 0), loud());
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        const int64_t r = random();
        T& x = v[static_cast<size_t>(i * ld + j)];
        if constexpr (std::is_integral_v<T>) {
          x = static_cast<T>(static_cast<uint64_t>(r) * 0x9E3779B97F4A7C15u >> 7);
        } else {
          x = T(static_cast<float>(r % 4001 - 2000) / 1000.0f);
        }
      }
    }
  }
};

template <class T>
void call(const Case& x, Matrices<T>& d) {
  gemm<T>(x.trans_a, x.trans_b, x.m, x.n, x.k, static_cast<GemmScalar<T>>(x.alpha), d.a.data(),
          d.lda, d.b.data(), d.ldb, static_cast<GemmScalar<T>>(x.beta), d.c.data(), d.ldc);
}

template <class T>
T element(const std::vector<T>& v, int64_t ld, bool trans, int64_t i, int64_t j) {
  return v[static_cast<size_t>(trans ? j * ld + i : i * ld + j)];
}

}  // namespace mt::cpu
