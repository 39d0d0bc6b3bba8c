// The steps beside SGD and Adam on every SIMD target: every length and place in a vector alike, and
// all targets close to each other.
#include "kernels/optim.h"

#include <algorithm>

#include "core/error.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

// Numbers that every step can take: rates, factors and bounds around 1.
OptimArgs arguments(OptimStep step) {
  OptimArgs a{};
  const double common[] = {0.1, 0.9, 0.1, 0.01, 0.5, 0.7, 0.1, 0.6, 0.8};
  const double rprop[] = {0.5, 1.2, 0.01, 0.7};
  std::copy(std::begin(common), std::end(common), a.f);
  if (step == OptimStep::kRprop) std::copy(std::begin(rprop), std::end(rprop), a.f);
  a.weight_decay = 0.05;
  a.maximize = true;
  return a;
}

// Parameters and states after three steps on the first n elements of the same buffers.
template <class T>
std::vector<std::vector<T>> run(OptimStep step, int64_t n) {
  std::vector<std::vector<T>> buffers;
  for (uint64_t k = 0; k < 5; ++k) {
    buffers.push_back(random_values<T>(80, k + 1));
    for (T& v : buffers[k]) {  // squares in the first two states, above that of the third
      if (k > 1) v = narrow<T>(k < 4 ? std::fabs(wide(v)) + 1 : wide(v) / 8);
    }
  }
  OptimArgs a = arguments(step);
  a.n = n;
  a.param = buffers[0].data();
  a.grad = buffers[1].data();
  for (size_t k = 0; k < 3; ++k) a.state[k] = buffers[k + 2].data();
  for (int i = 0; i < 3; ++i) optim_kernel(step, Device::kCPU, dtype_of<T>())(a);
  return buffers;
}

TEST(OptimMore, AllLengthsAndTargetsAgree) {
  for (int s = 0; s < static_cast<int>(OptimStep::kCount); ++s) {
    const auto step = static_cast<OptimStep>(s);
    for_each_element([&]<class T>(T) {
      if constexpr (kIsFloat<T>) {
        SCOPED_TRACE(mt::cat("step ", s, ", ", name_of<T>()));
        const auto best = run<T>(step, 80), untouched = run<T>(step, 0);
        for_each_target([&](int64_t) {
          const auto all = run<T>(step, 80);
          for (const int64_t n : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 79}) {
            const auto some = run<T>(step, n);
            for (size_t k = 0; k < 5; ++k) {
              const auto at = some[k].begin() + n;
              EXPECT_TRUE(same_bits(std::vector<T>(some[k].begin(), at),
                                    std::vector<T>(all[k].begin(), all[k].begin() + n)));
              EXPECT_TRUE(same_bits(std::vector<T>(at, some[k].end()),
                                    std::vector<T>(untouched[k].begin() + n, untouched[k].end())));
            }
          }
          for (size_t k = 0; k < 5; ++k) {
            for (size_t i = 0; i < 80; ++i) {
              const double want = static_cast<double>(wide(best[k][i]));
              EXPECT_NEAR(static_cast<double>(wide(all[k][i])), want,
                          64 * epsilon<T>() * (1 + std::fabs(want)));
            }
          }
        });
      }
    });
  }
}

TEST(OptimMore, MetaHasNoKernel) {
  EXPECT_EQ(optim_kernel(OptimStep::kAsgd, Device::kMeta, DType::kFloat32), nullptr);
  EXPECT_EQ(optim_kernel(OptimStep::kAsgd, Device::kCPU, DType::kInt64), nullptr);
}

}  // namespace
}  // namespace mt::testing
