// The kernels of losses and running sums on every SIMD target, against their definitions in long
// double: all floating dtypes, lengths around the vector and block sizes, one thread and several.
#include <functional>

#include "core/parallel.h"
#include "core/tensor.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

template <class F>
void for_each_float(F&& f) {
  for_each_element([&]<class T>(T) {
    if constexpr (kIsFloat<T>) {
      SCOPED_TRACE(name_of<T>());
      f(T{});
    }
  });
}

// Irregular values in [-scale, scale].
template <class T>
std::vector<T> waves(int64_t n, double phase, double scale = 2) {
  std::vector<T> v(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const double wave = scale * std::sin(static_cast<double>(i) * 1.7 + phase);
    v[static_cast<size_t>(i)] = narrow<T>(kIsFloat<T> ? wave : std::floor(std::fabs(wave) * 10));
  }
  return v;
}

template <class T>
void expect_close(T actual, long double expected, double factor) {
  const long double unit = std::is_same_v<T, double>     ? 0x1p-53L
                           : std::is_same_v<T, float>    ? 0x1p-24L
                           : std::is_same_v<T, BFloat16> ? 0x1p-8L
                                                         : 0x1p-11L;
  const long double scale = std::max(1.0L, std::fabs(expected));
  EXPECT_LE(std::fabs(wide(actual) - expected), unit * scale * factor)
      << static_cast<double>(wide(actual)) << " for " << static_cast<double>(expected);
}

long double pair_reference(PairLoss loss, long double d, long double p) {
  const long double a = std::fabs(d);
  switch (loss) {
    case PairLoss::kMse:
      return d * d;
    case PairLoss::kL1:
      return a;
    case PairLoss::kSmoothL1:
      return a < p ? a * a / (2 * p) : a - p / 2;
    default:
      return a <= p ? a * a / 2 : p * (a - p / 2);
  }
}

TEST(PairLossKernels, MatchDefinition) {
  for_each_target([](int64_t) {
    for_each_float([]<class T>(T) {
      for (int which = 0; which < static_cast<int>(PairLoss::kCount); ++which) {
        for (const int64_t n : {1, 3, 7, 8, 11, 33, 1000, 5000, 200000}) {
          const std::vector<T> x = waves<T>(n, 0), y = waves<T>(n, 1);
          Params p;
          p.f[0] = static_cast<double>(n);
          p.f[1] = 0.75;
          long double sum = 0;
          for (size_t i = 0; i < x.size(); ++i) {
            sum += pair_reference(static_cast<PairLoss>(which), wide(x[i]) - wide(y[i]), 0.75L);
          }
          const PairLossKernel kernel = table().pair_loss[which][kDTypeIndex<T>];
          T out[2];
          for (const int threads : {1, 3}) {
            set_num_threads(threads);
            kernel(x.data(), y.data(), &out[threads == 3], n, p);
          }
          EXPECT_EQ(std::memcmp(&out[0], &out[1], sizeof(T)), 0);
          expect_close(out[0], sum / static_cast<long double>(n), 8);
        }
      }
    });
  });
}

TEST(LossSlopeKernels, MatchDerivative) {
  for_each_target([](int64_t) {
    for_each_float([]<class T>(T) {
      const int64_t n = 37;
      std::vector<T> x = waves<T>(n, 0), y = waves<T>(n, 1), g = waves<T>(n, 2), out(x.size());
      y[5] = x[5];
      const auto check = [&](Elementwise id, const std::function<long double(long double)>& slope) {
        const auto tensor = [](std::vector<T>& v) {
          Tensor t = Tensor::empty({{static_cast<int64_t>(v.size())}}, mt::testing::dtype_of<T>());
          std::memcpy(t.data(), v.data(), t.bytes());
          return t;
        };
        const Tensor tx = tensor(x), ty = tensor(y), tg = tensor(g), to = tensor(out);
        Params p;
        p.f[0] = 0.5;
        p.f[1] = 0.75;
        table().elementwise[static_cast<int>(id)][kDTypeIndex<T>](Iter({&to, &tg, &tx, &ty}), p);
        for (int64_t i = 0; i < n; ++i) {
          const auto k = static_cast<size_t>(i);
          const long double d = wide(x[k]) - wide(y[k]);
          const long double expected = 0.5L * wide(g[k]) *
                                       (id == Elementwise::kBceWithLogitsBackward
                                            ? 1 / (1 + std::exp(-wide(x[k]))) - wide(y[k])
                                            : slope(d));
          expect_close(to.data_as<T>()[i], expected, 4);
        }
      };
      const auto sign = [](long double d) { return static_cast<long double>((d > 0) - (d < 0)); };
      check(Elementwise::kSmoothL1Backward,
            [&](long double d) { return std::fabs(d) < 0.75L ? d / 0.75L : sign(d); });
      check(Elementwise::kHuberBackward,
            [&](long double d) { return std::fabs(d) <= 0.75L ? d : 0.75L * sign(d); });
      check(Elementwise::kBceWithLogitsBackward, {});
    });
  });
}

struct Classes {
  std::vector<int64_t> target;
  int64_t ignore = -100;
};
Classes classes(int64_t n, int64_t c) {
  Classes r;
  for (int64_t i = 0; i < n; ++i) r.target.push_back(i % 5 == 3 ? r.ignore : i * 7 % c);
  return r;
}

TEST(CrossEntropyKernels, MatchDefinition) {
  for_each_target([](int64_t) {
    for_each_float([]<class T>(T) {
      for (const int64_t c : {1, 2, 7, 8, 10, 16, 33, 1000}) {
        const int64_t n = 9;
        const std::vector<T> x = waves<T>(n * c, 0, 6), weight = waves<T>(c, 0.3, 1);
        const Classes k = classes(n, c);
        std::vector<T> loss(static_cast<size_t>(n)), out(x.size());
        std::vector<double> stats(static_cast<size_t>(2 * n));
        const T grad = narrow<T>(1);
        NllArgs a{};
        a.x = x.data();
        a.target = k.target.data();
        a.weight = weight.data();
        a.n = n;
        a.c = c;
        a.s = 1;
        a.ignore_index = k.ignore;
        a.stats = stats.data();
        a.loss = loss.data();
        const NllSums sums = table().cross_entropy[kDTypeIndex<T>](a);
        a.grad = &grad;
        a.scale = 0.5;
        a.out = out.data();
        table().cross_entropy_backward[kDTypeIndex<T>](a);
        long double total = 0, weights = 0;
        for (int64_t i = 0; i < n; ++i) {
          const int64_t t = k.target[static_cast<size_t>(i)];
          const T* const row = x.data() + i * c;
          long double sum = 0, w = 0;
          for (int64_t j = 0; j < c; ++j) sum += std::exp(static_cast<long double>(wide(row[j])));
          if (t != k.ignore) w = wide(weight[static_cast<size_t>(t)]);
          const long double l = t == k.ignore ? 0 : w * (std::log(sum) - wide(row[t]));
          total += l;
          weights += w;
          expect_close(loss[static_cast<size_t>(i)], l, 8);
          for (int64_t j = 0; j < c; ++j) {
            const long double p = std::exp(static_cast<long double>(wide(row[j]))) / sum;
            expect_close(out[static_cast<size_t>(i * c + j)], 0.5L * w * (p - (j == t)), 8);
          }
        }
        EXPECT_NEAR(sums.loss, static_cast<double>(total), 1e-5 * (1 + std::fabs(sums.loss)));
        EXPECT_NEAR(sums.weight, static_cast<double>(weights), 1e-12);
      }
    });
  });
}

TEST(NllKernels, MatchDefinition) {
  for_each_float([]<class T>(T) {
    const int64_t n = 4, c = 5, s = 3;
    const std::vector<T> x = waves<T>(n * c * s, 0), g = waves<T>(n * s, 1);
    const Classes k = classes(n * s, c);
    std::vector<T> loss(static_cast<size_t>(n * s)), out(x.size());
    NllArgs a{};
    a.x = x.data();
    a.target = k.target.data();
    a.n = n;
    a.c = c;
    a.s = s;
    a.ignore_index = k.ignore;
    a.loss = loss.data();
    const NllSums sums = table().nll[kDTypeIndex<T>](a);
    a.grad = g.data();
    a.grad_stride = 1;
    a.scale = 1;
    a.out = out.data();
    table().nll_backward[kDTypeIndex<T>](a);
    long double total = 0;
    for (int64_t i = 0; i < n * s; ++i) {
      const int64_t t = k.target[static_cast<size_t>(i)];
      for (int64_t j = 0; j < c; ++j) {
        const auto at = static_cast<size_t>((i / s * c + j) * s + i % s);
        const long double slope = j == t ? -wide(g[static_cast<size_t>(i)]) : 0;
        EXPECT_EQ(wide(out[at]), slope);
        if (j == t) total -= wide(x[at]);
      }
      const long double own =
          t == k.ignore ? 0 : -wide(x[static_cast<size_t>((i / s * c + t) * s + i % s)]);
      EXPECT_EQ(wide(loss[static_cast<size_t>(i)]), own);
    }
    EXPECT_NEAR(sums.loss, static_cast<double>(total), 1e-12);
  });
}

TEST(CumulativeKernels, MatchDefinition) {
  for_each_element([]<class T>(T) {
    if constexpr (!std::is_same_v<T, Bool>) {
      const int64_t outer = 2, n = 9, inner = 70;
      const std::vector<T> x = waves<T>(outer * n * inner, 0);
      std::vector<T> out(x.size());
      for (const Scan id : {Scan::kCumsum, Scan::kReverseCumsum}) {
        table().scan[static_cast<int>(id)][kDTypeIndex<T>](x.data(), nullptr, out.data(), outer, n,
                                                           inner);
        for (int64_t i = 0; i < outer * inner; ++i) {
          long double sum = 0, magnitude = 0;
          for (int64_t step = 0; step < n; ++step) {
            const int64_t j = id == Scan::kCumsum ? step : n - 1 - step;
            const auto at = static_cast<size_t>((i / inner * n + j) * inner + i % inner);
            sum += wide(x[at]);
            magnitude += std::fabs(wide(x[at]));
            if constexpr (std::is_same_v<T, double>) {
              // One rounding a step, each relative to the terms so far (Higham, section 4.2).
              EXPECT_LE(std::fabs(out[at] - sum),
                        0x1p-53L * static_cast<long double>(n) * magnitude);
            } else if constexpr (kIsFloat<T>) {  // summed in double, rounded once
              expect_close(out[at], sum, 1.01);
            } else {
              EXPECT_EQ(out[at], static_cast<T>(static_cast<int64_t>(sum)));
            }
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace mt::testing
