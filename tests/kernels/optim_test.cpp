// The SGD and Adam steps on every SIMD target: 50 steps against PyTorch, bit for bit where the
// target multiplies and adds with one rounding (tests/golden/optim_kernels.txt), and every length
// alike.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/parallel.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

struct Golden {
  std::string kind, dtype;
  int64_t n = 0, steps = 0;
  double lr = 0, momentum = 0, dampening = 0, weight_decay = 0, nesterov = 0, maximize = 0,
         beta1 = 0, beta2 = 0, eps = 0, amsgrad = 0;
  std::vector<uint64_t> bits;
};

std::vector<Golden> read_goldens() {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  std::ifstream file(std::string(dir != nullptr ? dir : "tests/golden") + "/optim_kernels.txt");
  std::vector<Golden> all;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    Golden g;
    std::istringstream header(line);
    header >> g.kind >> g.dtype >> g.n >> g.steps;
    for (double* x : {&g.lr, &g.momentum, &g.dampening, &g.weight_decay, &g.nesterov, &g.maximize,
                      &g.beta1, &g.beta2, &g.eps, &g.amsgrad}) {
      std::string word;
      header >> word;
      *x = std::strtod(word.c_str(), nullptr);
    }
    std::getline(file, line);
    std::istringstream words(line);
    for (std::string word; words >> word;)
      g.bits.push_back(std::strtoull(word.c_str(), nullptr, 16));
    all.push_back(g);
  }
  return all;
}

// The generator of gen_optim_kernels.py.
class Values {
 public:
  explicit Values(uint32_t seed) : state_(seed) {}
  template <class T>
  std::vector<T> take(int64_t n) {
    std::vector<T> values(static_cast<size_t>(n));
    for (T& v : values) {
      state_ = state_ * 1664525u + 1013904223u;
      v = narrow<T>(static_cast<double>((state_ >> 8) & 0xFFFF) / 32768 - 1);
    }
    return values;
  }

 private:
  uint32_t state_;
};

template <class T>
struct State {
  std::vector<T> param, a, b, c;  // the optimizer's buffers: momentum, or the averages
  explicit State(std::vector<T> p)
      : param(std::move(p)), a(param.size(), narrow<T>(0)), b(a), c(a) {}
};

template <class T>
void step(const Golden& g, State<T>& s, const std::vector<T>& grad, int64_t number) {
  const auto n = static_cast<int64_t>(s.param.size());
  if (g.kind == "sgd") {
    SgdArgs args{s.param.data(),
                 grad.data(),
                 g.momentum != 0 ? s.a.data() : nullptr,
                 n,
                 g.lr,
                 g.momentum,
                 g.dampening,
                 g.weight_decay,
                 g.nesterov != 0,
                 g.maximize != 0,
                 number == 1};
    table().sgd[kDTypeIndex<T>](args);
  } else {
    AdamArgs args{s.param.data(),
                  grad.data(),
                  s.a.data(),
                  s.b.data(),
                  g.amsgrad != 0 ? s.c.data() : nullptr,
                  n,
                  number,
                  g.lr,
                  g.beta1,
                  g.beta2,
                  g.eps,
                  g.weight_decay,
                  g.amsgrad != 0,
                  g.maximize != 0,
                  g.kind == "adamw"};
    table().adam[kDTypeIndex<T>](args);
  }
}

template <class T>
void check(const Golden& g, bool exact) {
  Values values(static_cast<uint32_t>(g.n));
  State<T> state(values.take<T>(g.n));
  for (int64_t k = 1; k <= g.steps; ++k) step(g, state, values.take<T>(g.n), k);
  ASSERT_EQ(g.bits.size(), state.param.size());
  for (size_t i = 0; i < g.bits.size(); ++i) {
    T expected;
    std::memcpy(&expected, &g.bits[i], sizeof(T));
    if (exact) {
      EXPECT_EQ(std::memcmp(&state.param[i], &expected, sizeof(T)), 0)
          << i << ": " << static_cast<double>(wide(state.param[i])) << " for "
          << static_cast<double>(wide(expected));
    } else {
      EXPECT_NEAR(static_cast<double>(wide(state.param[i])), static_cast<double>(wide(expected)),
                  200 * epsilon<T>());
    }
  }
}

TEST(Optim, FiftyStepsAsPyTorch) {
  const std::vector<Golden> goldens = read_goldens();
  ASSERT_EQ(goldens.size(), 35u) << "golden file not found or cut; set MT_GOLDEN_DIR";
  for_each_target([&](int64_t target) {
    for (const Golden& g : goldens) {
      SCOPED_TRACE(g.kind + " " + g.dtype + " lr " + std::to_string(g.lr));
      const bool exact = has_fma(target);
      if (g.dtype == "float32") check<float>(g, exact);
      if (g.dtype == "float64") check<double>(g, exact);
      if (g.dtype == "float16") check<Half>(g, true);  // rounds its products: needs no fma
      if (g.dtype == "bfloat16") check<BFloat16>(g, exact);
    }
  });
}

// An element's result does not depend on its place, the length, or the number of threads.
template <class T>
void check_lengths(Golden g) {
  Values values(99);
  constexpr int64_t kMost = 33001;
  const std::vector<T> start = values.take<T>(kMost);
  const std::vector<T> grads[] = {values.take<T>(kMost), values.take<T>(kMost)};
  const auto run = [&](int64_t offset, int64_t n) {
    const auto part = [&](const std::vector<T>& v) {
      return std::vector<T>(v.begin() + offset, v.begin() + offset + n);
    };
    State<T> state(part(start));
    for (int64_t k = 1; k <= 2; ++k) step(g, state, part(grads[k - 1]), k);
    return state.param;
  };
  set_num_threads(1);
  const std::vector<T> whole = run(0, kMost);
  set_num_threads(3);
  EXPECT_TRUE(same_bits(run(0, kMost), whole));
  for (int64_t n : {0, 1, 2, 7, 8, 9, 31, 100}) {
    for (int64_t offset : {0, 1, 33}) {
      const std::vector<T> expected(whole.begin() + offset, whole.begin() + offset + n);
      EXPECT_TRUE(same_bits(run(offset, n), expected)) << n << " from " << offset;
    }
  }
}

TEST(Optim, EveryLengthAlike) {
  const int threads = num_threads();
  for_each_target([](int64_t) {
    for_each_element([]<class T>(T) {
      if constexpr (kIsFloat<T>) {
        SCOPED_TRACE(name_of<T>());
        Golden g;
        g.kind = "sgd", g.lr = 0.013, g.momentum = 0.9, g.nesterov = 1, g.weight_decay = 0.01;
        check_lengths<T>(g);
        g = {}, g.kind = "adam", g.lr = 0.013, g.beta1 = 0.9, g.beta2 = 0.999, g.eps = 1e-8;
        g.weight_decay = 0.01, g.amsgrad = 1;
        check_lengths<T>(g);
        g.kind = "adamw";
        check_lengths<T>(g);
      }
    });
  });
  set_num_threads(threads);
}

// amsgrad keeps a NaN, as torch.maximum does; a zero second moment divides by eps alone.
TEST(Optim, SpecialValues) {
  for_each_target([](int64_t) {
    Golden g;
    g.kind = "adam", g.lr = 0.1, g.beta1 = 0.9, g.beta2 = 0.999, g.eps = 1e-8, g.amsgrad = 1;
    State<float> s({1, 2, 3});
    s.c[1] = NAN;
    step<float>(g, s, {0, 1, HUGE_VALF}, 1);
    EXPECT_EQ(s.param[0], 1);
    EXPECT_TRUE(std::isnan(s.param[1]) && std::isnan(s.c[1]));
    EXPECT_TRUE(std::isnan(s.param[2]));
  });
}

}  // namespace
}  // namespace mt::testing
