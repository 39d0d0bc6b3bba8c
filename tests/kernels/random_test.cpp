// Random numbers against PyTorch's own draws (tests/golden/random.txt), on every SIMD target; the
// saved state; and the refusal of bad arguments without a draw.
#include "kernels/random.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/half.h"
#include "core/parallel.h"

namespace mt {
namespace {

using Bytes = std::vector<uint8_t>;

const std::map<std::string, DType> kDTypes = {{"f32", DType::kFloat32},   {"f64", DType::kFloat64},
                                              {"f16", DType::kFloat16},   {"i8", DType::kInt8},
                                              {"bf16", DType::kBFloat16}, {"i16", DType::kInt16},
                                              {"i32", DType::kInt32},     {"i64", DType::kInt64},
                                              {"u8", DType::kUInt8},      {"bool", DType::kBool}};

std::string hex(uint64_t value, size_t digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llx", static_cast<int>(digits),
                static_cast<unsigned long long>(value));
  return text;
}

std::string checksum(const Bytes& bytes) {
  uint64_t h = 0xCBF29CE484222325u;
  for (uint8_t byte : bytes) h = (h ^ byte) * 0x100000001B3u;
  return hex(h, 16);
}

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// The parameters of torch.nn.Linear as kernels/random.h tells module authors to draw them.
Bytes linear(int64_t fan_in, int64_t fan_out, Generator& g) {
  std::vector<float> values(static_cast<size_t>(fan_in * fan_out + fan_out));
  const double a = std::sqrt(5.0);
  const double gain = std::sqrt(2.0 / (1 + a * a));
  const double fan = std::sqrt(static_cast<double>(fan_in));
  const double weight = std::sqrt(3.0) * (gain / fan);
  const double bias = 1 / fan;
  fill_uniform(DType::kFloat32, values.data(), fan_in * fan_out, -weight, weight, g);
  fill_uniform(DType::kFloat32, values.data() + fan_in * fan_out, fan_out, -bias, bias, g);
  return bytes_of(values);
}

// Dropout of 1, 2, 3, ... likewise.
Bytes dropout(int64_t n, double p, Generator& g) {
  std::vector<float> noise(static_cast<size_t>(n));
  fill_bernoulli(DType::kFloat32, noise.data(), n, 1 - p, g);
  for (int64_t i = 0; i < n; ++i) {
    float& x = noise[static_cast<size_t>(i)];
    x = static_cast<float>(i + 1) * (x / static_cast<float>(1 - p));
  }
  return bytes_of(noise);
}

// One epoch's order of a shuffling DataLoader likewise.
Bytes loader(int64_t n, Generator& g) {
  int64_t base_seed, seed;
  fill_random(DType::kInt64, &base_seed, 1, g);
  fill_random(DType::kInt64, &seed, 1, g);
  Generator own(static_cast<uint64_t>(seed));
  std::vector<int64_t> order(static_cast<size_t>(n));
  fill_randperm(DType::kInt64, order.data(), n, own);
  return bytes_of(order);
}

Bytes bernoulli_tensor(DType dtype, int64_t n, DType p_dtype, Generator& g) {
  Bytes out(static_cast<size_t>(n) * dtype_size(dtype));
  std::vector<double> p(static_cast<size_t>(n));
  for (size_t i = 0; i < p.size(); ++i) p[i] = static_cast<double>(i % 11) / 10;
  const std::vector<float> p_float(p.begin(), p.end());
  std::vector<BFloat16> p_bfloat16;
  for (float x : p_float) p_bfloat16.push_back(BFloat16(x));
  const void* data = p_dtype == DType::kFloat64   ? static_cast<const void*>(p.data())
                     : p_dtype == DType::kFloat32 ? static_cast<const void*>(p_float.data())
                                                  : p_bfloat16.data();
  fill_bernoulli(dtype, out.data(), n, p_dtype, data, g);
  return out;
}

// Runs one line of the golden file's language (gen_random.py).
Bytes run(const std::string& call, Generator& g) {
  std::istringstream in(call);
  std::string op, word;
  std::vector<std::string> a;
  in >> op;
  while (in >> word) a.push_back(word);
  const auto number = [&](size_t i) { return std::strtod(a.at(i).c_str(), nullptr); };
  const auto integer = [&](size_t i) {
    return static_cast<int64_t>(std::strtoll(a.at(i).c_str(), nullptr, 10));
  };
  if (op == "state") {
    const Generator::State state = g.get_state();
    return Bytes(state.begin(), state.end());
  }
  if (op == "linear") return linear(integer(0), integer(1), g);
  if (op == "dropout") return dropout(integer(0), number(1), g);
  if (op == "loader") return loader(integer(0), g);
  const DType t = kDTypes.at(a.at(0));
  const int64_t n = integer(1);
  if (op == "bernoulli_tensor") return bernoulli_tensor(t, n, kDTypes.at(a.at(2)), g);
  Bytes out(static_cast<size_t>(n) * dtype_size(t));
  if (op == "uniform") {
    fill_uniform(t, out.data(), n, number(2), number(3), g);
  } else if (op == "normal" || op == "normal_strided") {
    fill_normal(t, out.data(), n, number(2), number(3), g, op == "normal");
  } else if (op == "log_normal") {
    fill_log_normal(t, out.data(), n, number(2), number(3), g);
  } else if (op == "cauchy") {
    fill_cauchy(t, out.data(), n, number(2), number(3), g);
  } else if (op == "exponential") {
    fill_exponential(t, out.data(), n, number(2), g);
  } else if (op == "geometric") {
    fill_geometric(t, out.data(), n, number(2), g);
  } else if (op == "bernoulli") {
    fill_bernoulli(t, out.data(), n, number(2), g);
  } else if (op == "randperm") {
    fill_randperm(t, out.data(), n, g);
  } else if (op == "random" && a.size() == 2) {
    fill_random(t, out.data(), n, g);
  } else if (op == "random") {
    std::optional<int64_t> to;
    if (a.at(3) != "none") to = integer(3);
    fill_random(t, out.data(), n, integer(2), to, g);
  } else {
    ADD_FAILURE() << "unknown op in the golden file: " << op;
  }
  return out;
}

// The element size of a result, for printing its first elements.
size_t element_size(const std::string& call) {
  std::istringstream in(call);
  std::string op, dtype;
  in >> op >> dtype;
  if (op == "state") return 1;
  if (op == "linear" || op == "dropout") return 4;
  if (op == "loader") return 8;
  return dtype_size(kDTypes.at(dtype));
}

std::string summary(const Bytes& bytes, size_t size) {
  std::string text = checksum(bytes);
  for (size_t i = 0; i < 2 && (i + 1) * size <= bytes.size(); ++i) {
    uint64_t value = 0;
    for (size_t k = size; k-- > 0;) value = value << 8 | bytes[i * size + k];
    text.append(1, ' ').append(hex(value, 2 * size));
  }
  return text;
}

void expect_golden() {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  std::ifstream file(std::string(dir != nullptr ? dir : "tests/golden") + "/random.txt");
  Generator g;
  int calls = 0, wrong = 0;
  std::string line;
  while (std::getline(file, line) && wrong < 20) {
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find(" = ");
    if (equals == std::string::npos) {  // "seed N"
      g.manual_seed(std::strtoull(line.c_str() + 5, nullptr, 10));
      continue;
    }
    const std::string call = line.substr(0, equals);
    std::string expected = line.substr(equals + 3);
    while (!expected.empty() && expected.back() == ' ') expected.pop_back();
    const std::string got = summary(run(call, g), element_size(call));
    if (got != expected) {
      ++wrong;
      ADD_FAILURE() << call << ": got " << got << ", PyTorch has " << expected;
    }
    ++calls;
  }
  EXPECT_GT(calls, 1500) << "golden file not found or short; set MT_GOLDEN_DIR";
}

TEST(Random, DrawsWhatPyTorchDraws) { expect_golden(); }

TEST(Random, DrawsTheSameOnEverySimdTarget) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    expect_golden();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(Random, DrawsTheSameOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (DType t : {DType::kFloat32, DType::kFloat64}) {
    const int64_t n = 200003;
    Bytes one(static_cast<size_t>(n) * dtype_size(t)), four(one.size());
    Generator g(9);
    set_num_threads(1);
    fill_normal(t, one.data(), n, 0.5, 2, g);
    g.manual_seed(9);
    set_num_threads(4);
    fill_normal(t, four.data(), n, 0.5, 2, g);
    EXPECT_EQ(one, four);
  }
  set_num_threads(before);
}

TEST(Random, FillsAsSingleDrawsDo) {
  Generator a(3), b(3);
  std::vector<uint32_t> words(3000);
  for (size_t n : {1, 0, 622, 1, 1, 623, 624, 625, 5, 1500}) {
    a.fill_random(words.data(), n);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(words[i], b.random());
    ASSERT_EQ(a.get_state(), b.get_state());
    ASSERT_EQ(a.random64(), b.random64());
  }
}

// The reference sequence of mt19937: the 10000th word for seed 5489 (C++ standard, [rand.predef]).
TEST(Random, IsTheMersenneTwister) {
  Generator g(5489);
  uint32_t word = 0;
  for (int i = 0; i < 10000; ++i) word = g.random();
  EXPECT_EQ(word, 4123659995u);
}

TEST(Random, RestoresASavedState) {
  Generator a(11), b(12);
  float waiting[3], x[40], y[40];
  fill_normal(DType::kFloat32, waiting, 3, 0, 1, a);  // leaves one waiting
  b.set_next_float_normal_sample(1.5f);
  const Generator::State state = a.get_state();
  b.set_state(state.data(), state.size());
  EXPECT_EQ(b.initial_seed(), 11u);
  EXPECT_FALSE(b.next_float_normal_sample().has_value());
  EXPECT_EQ(b.get_state(), state);
  fill_normal(DType::kFloat32, x, 7, 0, 1, a);
  fill_normal(DType::kFloat32, y, 7, 0, 1, b);
  EXPECT_EQ(0, std::memcmp(x, y, 7 * sizeof(float)));
  EXPECT_EQ(a.get_state(), b.get_state());
  a.set_next_float_normal_sample(0.25f);
  const Generator::State with_float = a.get_state();
  b.set_state(with_float.data(), with_float.size());
  EXPECT_EQ(b.next_float_normal_sample(), 0.25f);
}

TEST(Random, RefusesADamagedState) {
  Generator g(1);
  const Generator::State good = g.get_state();
  const auto refuses = [&](size_t offset, int32_t value) {
    Generator::State bad = good;
    std::memcpy(bad.data() + offset, &value, sizeof value);
    EXPECT_THROW(g.set_state(bad.data(), bad.size()), Error) << offset << " " << value;
    EXPECT_EQ(g.get_state(), good);
  };
  refuses(8, 0);  // left
  refuses(8, -1);
  refuses(8, 625);
  refuses(12, 0);    // seeded
  refuses(16, 625);  // next
  refuses(20, 1);    // next, upper half
  Generator::State bad = good;
  const int32_t left = 600, next = 600;  // would read past the end of the words
  std::memcpy(bad.data() + 8, &left, sizeof left);
  std::memcpy(bad.data() + 16, &next, sizeof next);
  EXPECT_THROW(g.set_state(bad.data(), bad.size()), Error);
  EXPECT_THROW(g.set_state(good.data(), good.size() - 1), Error);
  EXPECT_EQ(g.get_state(), good);
}

TEST(Random, SeedsTheDefaultGenerator) {
  EXPECT_EQ(Generator().initial_seed(), 67280421310721u);
  manual_seed(123);
  EXPECT_EQ(initial_seed(), 123u);
  const uint64_t a = seed();
  EXPECT_EQ(initial_seed(), a);
  EXPECT_LT(a, uint64_t{1} << 53);
  EXPECT_NE(a, seed());
  Generator g(0), h(0);
  double x;
  fill_normal(DType::kFloat64, &x, 1, 0, 1, g);
  g.manual_seed(0);  // also forgets the value that waits
  EXPECT_EQ(g.get_state(), h.get_state());
}

TEST(Random, RefusesBadArgumentsWithoutADraw) {
  Generator g(1);
  const Generator::State before = g.get_state();
  std::vector<double> space(64, 7.0);
  void* const out = space.data();
  const double nan = std::nan(""), inf = HUGE_VAL;
  const DType f32 = DType::kFloat32, i32 = DType::kInt32, u8 = DType::kUInt8;
  const auto refuses = [&](Status status, const std::string& start, auto call) {
    try {
      call();
      ADD_FAILURE() << "no error: " << start;
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), status) << e.message();
      EXPECT_EQ(e.message().substr(0, start.size()), start);
    }
  };
  const Status bad = Status::kInvalidArgument;
  for (auto [from, to] : {std::pair{1.0, 0.0},
                          {nan, 1.0},
                          {0.0, nan},
                          {-3e38, 3e38},
                          {0.0, inf},
                          {-inf, 0.0},
                          {0.0, 1e39}}) {
    refuses(bad, "uniform_: invalid argument: ", [&, from = from, to = to] {
      fill_uniform(f32, out, 8, from, to, g);
    });
  }
  refuses(bad, "uniform_: ", [&] { fill_uniform(DType::kFloat16, out, 8, 0, 65505, g); });
  for (double std : {-1.0, nan}) {
    refuses(bad, "normal_: ", [&] { fill_normal(f32, out, 20, 0, std, g); });
    refuses(bad, "log_normal_: ", [&] { fill_log_normal(f32, out, 8, 0, std, g); });
    refuses(bad, "exponential_: ", [&] { fill_exponential(f32, out, 8, std, g); });
    refuses(bad, "geometric_: ", [&] { fill_geometric(f32, out, 8, std, g); });
    refuses(bad, "bernoulli_: ", [&] { fill_bernoulli(f32, out, 8, std, g); });
  }
  refuses(bad, "log_normal_: ", [&] { fill_log_normal(f32, out, 8, 0, 0, g); });
  refuses(bad, "geometric_: ", [&] { fill_geometric(f32, out, 8, 1, g); });
  refuses(bad, "bernoulli_: ", [&] { fill_bernoulli(f32, out, 8, 1.5, g); });
  const float p[3] = {0, 1, 1.5f};
  refuses(bad, "bernoulli: invalid argument: probability 1.5 at index 2",
          [&] { fill_bernoulli(f32, out, 3, f32, p, g); });
  using Limits = std::pair<int64_t, std::optional<int64_t>>;
  for (auto [from, to] : {Limits{5, 5}, {6, 5}, {-1, 3}, {0, 257}, {256, {}}, {-1, {}}}) {
    refuses(bad, "random_: invalid argument: ", [&, from = from, to = to] {
      fill_random(u8, out, 8, from, to, g);
    });
  }
  for (auto [from, to] : {Limits{0, 70000}, {-70000, 0}, {INT64_MAX, {}}, {4096, {}}}) {
    refuses(bad, "random_: invalid argument: ", [&, from = from, to = to] {
      fill_random(DType::kFloat16, out, 8, from, to, g);
    });
  }
  refuses(Status::kDType, "random_ of all int64 values: ", [&] {
    fill_random(i32, out, 8, INT64_MIN, std::nullopt, g);
  });
  refuses(bad, "randperm: ", [&] { fill_randperm(i32, out, -1, g); });
  refuses(bad, "randperm: ", [&] { fill_randperm(u8, out, 257, g); });
  refuses(bad, "randperm: ", [&] { fill_randperm(DType::kFloat16, out, 2050, g); });
  refuses(Status::kDType, "randperm: ", [&] { fill_randperm(DType::kBool, out, 2, g); });
  refuses(Status::kDType,
          "uniform_: dtype not supported: int32: ", [&] { fill_uniform(i32, out, 8, 0, 1, g); });
  refuses(Status::kDType, "normal_: ", [&] { fill_normal(i32, out, 8, 0, 1, g); });
  refuses(Status::kDType, "geometric_: ", [&] { fill_geometric(DType::kBool, out, 8, 0.5, g); });
  refuses(Status::kDType, "bernoulli: ", [&] { fill_bernoulli(f32, out, 8, i32, out, g); });
  EXPECT_EQ(g.get_state(), before);
  for (double x : space) EXPECT_EQ(x, 7.0);
}

TEST(Random, GivesBernoulliToHalfToo) {  // PyTorch 1.13 has no kernel for it
  Generator a(2), b(2);
  Half narrow[50];
  float wide[50];
  fill_bernoulli(DType::kFloat16, narrow, 50, 0.3, a);
  fill_bernoulli(DType::kFloat32, wide, 50, 0.3, b);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(static_cast<float>(narrow[i]), wide[i]);
}

}  // namespace
}  // namespace mt
