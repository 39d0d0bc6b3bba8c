// Casts between all dtypes, transposed copies, fill and range, on every SIMD target: against
// conversions written out in long double, index arithmetic, and values taken from PyTorch.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "core/parallel.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

// Integer conversion modulo 2^64 of what fits a 32- or 64-bit integer; else the lowest one.
template <class To>
To integer_from(long double x, bool from_float) {
  if (from_float) {
    const bool through_32 = sizeof(To) == 4 || (sizeof(To) < 4 && std::is_signed_v<To>);
    const long double limit = through_32 ? 0x1p31L : 0x1p63L;
    if (!(x >= -limit && x < limit)) x = -limit;
  }
  return static_cast<To>(static_cast<uint64_t>(static_cast<int64_t>(x)));
}

template <class To, class From>
To reference(From from) {
  const long double x = wide(from);
  if constexpr (std::is_same_v<To, From>) {
    return from;
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool{static_cast<uint8_t>(!(x == 0))};
  } else if constexpr (kIsFloat<To>) {
    return narrow<To>(x);
  } else {
    return integer_from<To>(x, kIsFloat<From>);
  }
}

// NaNs count as one value: their payloads are not promised.
template <class T>
bool equal(T a, T b) {
  if constexpr (kIsFloat<T>) {
    if (std::isnan(wide(a))) return std::isnan(wide(b));
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
std::vector<T> interesting() {
  std::vector<T> values;
  if constexpr (kIsFloat<T>) {
    const double inf = std::numeric_limits<double>::infinity();
    for (double x : {0.0,           -0.0,         1.9,           -1.9,  127.5, 128.0,
                     200.7,         255.9,        256.0,         300.0, -1.0,  -128.9,
                     -129.0,        -200.0,       1e5,           3e9,   -3e9,  4294967301.0,
                     1e10,          1e19,         -1e19,         1e20,  1e39,  -1e39,
                     65504.,        65520.0,      1e-8,          6e-8,  1e-40, 1e-46,
                     -2147483648.0, 2147483647.0, 1.00048828125, inf,   -inf,  std::nan("")}) {
      values.push_back(narrow<T>(x));
    }
  } else if constexpr (std::is_same_v<T, Bool>) {
    values = {Bool{0}, Bool{1}};
  } else {
    using Limits = std::numeric_limits<T>;
    values = {T(0), T(1), T(2), T(-1), T(100), Limits::max(), Limits::min(), T(Limits::max() - 1)};
    if (sizeof(T) == 8)
      values.insert(values.end(), {T(16777217), T(9007199254740993), T(-16777219)});
  }
  const std::vector<T> more = random_values<T>(100, 7);
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

template <class T>
Tensor make(const std::vector<T>& values) {
  Tensor t = Tensor::empty(Dims{static_cast<int64_t>(values.size())}, dtype_of<T>());
  if (!values.empty()) std::memcpy(t.data(), values.data(), values.size() * sizeof(T));
  return t;
}

void cast(const Tensor& to, const Tensor& from) {
  const auto kernel = table().cast[static_cast<int>(from.dtype())][static_cast<int>(to.dtype())];
  kernel(Iter({&to, &from}), Params{});
}

// The first i for which to[i * to_step] is not the converted from[i * from_step], or -1.
template <class From, class To>
int64_t first_wrong(const void* from, int64_t from_step, const void* to, int64_t to_step,
                    int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const To expected = reference<To>(static_cast<const From*>(from)[i * from_step]);
    if (!equal(static_cast<const To*>(to)[i * to_step], expected)) return i;
  }
  return -1;
}
using Check = int64_t (*)(const void*, int64_t, const void*, int64_t, int64_t);

// Calls f(values, dtype, check) for all pairs: a tensor of interesting values and what compares a
// conversion of it to `dtype`.
template <class F>
void each_pair(F&& f) {
  for_each_target([&](int64_t) {
    for_each_element([&]<class From>(From) {
      const Tensor values = make(interesting<From>());
      Check checks[kNumComputeDTypes];
      for_each_element([&]<class To>(To) { checks[kDTypeIndex<To>] = first_wrong<From, To>; });
      for (int to = 0; to < kNumComputeDTypes; ++to) {
        SCOPED_TRACE(name_of<From>() + " to " + std::string(dtype_name(static_cast<DType>(to))));
        f(values, static_cast<DType>(to), checks[to]);
      }
    });
  });
}

TEST(Copy, AllPairsOfDTypes) {
  each_pair([](const Tensor& values, DType to, Check check) {
    for (int64_t n : {values.numel(), int64_t{0}, int64_t{1}, int64_t{7}, int64_t{33}}) {
      const Tensor in = values.alias(Dims{n}, Dims{1}, 0), out = Tensor::empty(Dims{n}, to);
      cast(out, in);
      EXPECT_EQ(check(in.data(), 1, out.data(), 1, n), -1);
    }
  });
}

TEST(Copy, StridedAndBroadcast) {
  each_pair([](const Tensor& values, DType to, Check check) {
    const Tensor gaps = Tensor::empty(Dims{30, 2}, to);
    std::memset(gaps.data(), 0, gaps.bytes());
    const auto* const from = values.data_as<char>();
    auto* const at = gaps.data_as<char>();
    // Every other element, both sides strided; then one column of the output from one element.
    cast(gaps.alias(Dims{30}, Dims{2}, 0), values.alias(Dims{30}, Dims{2}, 1));
    cast(gaps.alias(Dims{30}, Dims{2}, 1), values.alias(Dims(), Dims(), 5));
    EXPECT_EQ(check(from + dtype_size(values.dtype()), 2, at, 2, 30), -1);
    EXPECT_EQ(check(from + 5 * dtype_size(values.dtype()), 0, at + dtype_size(to), 2, 30), -1);
    const Tensor row = Tensor::empty(Dims{30}, to);
    cast(row, values.alias(Dims{1}, Dims{1}, 9));
    EXPECT_EQ(check(from + 9 * dtype_size(values.dtype()), 0, row.data(), 1, 30), -1);
  });
}

// Values PyTorch 1.13 gives on x86 for floats out of the integer's range.
TEST(Copy, FloatToIntegerAsPyTorch) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {200.7, 255.9,        300,  -1,   -129,        1e5,
                                      3e9,   4294967301.0, 1e19, -inf, std::nan("")};
  const Tensor in = make(values);
  for_each_target([&](int64_t) {
    const auto check = [&]<class T>(const std::vector<T>& expected) {
      const Tensor out = Tensor::empty(in.sizes(), dtype_of<T>());
      cast(out, in);
      const std::vector<T> got(out.data_as<T>(), out.data_as<T>() + expected.size());
      EXPECT_EQ(got, expected) << name_of<T>();
    };
    check(std::vector<int8_t>{-56, -1, 44, -1, 127, -96, 0, 0, 0, 0, 0});
    check(std::vector<uint8_t>{200, 255, 44, 255, 127, 160, 0, 5, 0, 0, 0});
    check(std::vector<int16_t>{200, 255, 300, -1, -129, -31072, 0, 0, 0, 0, 0});
    const int32_t low = INT32_MIN;
    check(std::vector<int32_t>{200, 255, 300, -1, -129, 100000, low, low, low, low, low});
    const int64_t lowest = INT64_MIN;
    check(std::vector<int64_t>{200, 255, 300, -1, -129, 100000, 3000000000, 4294967301, lowest,
                               lowest, lowest});
  });
}

// A permuted view into a contiguous tensor of every element size.
void check_permuted(const Dims& sizes, const std::vector<int>& order) {
  for (DType dtype : {DType::kUInt8, DType::kFloat16, DType::kFloat32, DType::kInt64}) {
    SCOPED_TRACE(std::string(dtype_name(dtype)));
    const Tensor base = Tensor::empty(sizes, dtype);
    auto* bytes = base.data_as<uint8_t>();
    Random random(5);
    for (size_t i = 0; i < base.bytes(); ++i) bytes[i] = static_cast<uint8_t>(random.bits() >> 8);
    Dims view_sizes = sizes, view_strides = sizes;
    for (size_t d = 0; d < order.size(); ++d) {
      view_sizes[static_cast<int>(d)] = base.size(order[d]);
      view_strides[static_cast<int>(d)] = base.stride(order[d]);
    }
    const Tensor view = base.alias(view_sizes, view_strides, 0);
    const Tensor out = Tensor::empty(view_sizes, dtype);
    cast(out, view);
    // And back: a contiguous input into a permuted output.
    const Tensor back = Tensor::empty(sizes, dtype);
    cast(back.alias(view_sizes, view_strides, 0), out);
    ASSERT_EQ(std::memcmp(back.data(), base.data(), base.bytes()), 0);
    const auto size = static_cast<int64_t>(dtype_size(dtype));
    for (int64_t i = 0; i < out.numel(); ++i) {
      int64_t rest = i, at = 0;
      for (int d = out.dim() - 1; d >= 0; --d) {
        at += rest % out.size(d) * view.stride(d);
        rest /= out.size(d);
      }
      ASSERT_EQ(std::memcmp(out.data_as<uint8_t>() + i * size, bytes + at * size,
                            static_cast<size_t>(size)),
                0)
          << "element " << i;
    }
  }
}

TEST(Copy, Transposed) {
  const int threads = num_threads();
  for_each_target([](int64_t) {
    for (int t : {1, 3}) {
      set_num_threads(t);
      check_permuted({1, 5}, {1, 0});
      check_permuted({3, 2}, {1, 0});
      check_permuted({16, 16}, {1, 0});
      check_permuted({64, 128}, {1, 0});
      check_permuted({65, 131}, {1, 0});
      check_permuted({300, 301}, {1, 0});
      check_permuted({2, 3, 40, 41}, {0, 2, 3, 1});
      check_permuted({2, 33, 20, 3}, {0, 3, 1, 2});
      check_permuted({4, 17, 18, 5}, {3, 1, 0, 2});
      check_permuted({5, 18, 33}, {2, 1, 0});
    }
  });
  set_num_threads(threads);
}

TEST(Copy, LargeContiguousInParallel) {
  const std::vector<float> values = random_values<float>(100003, 9);
  const Tensor in = make(values), same = Tensor::empty_like(in);
  const Tensor wide_copy = Tensor::empty(in.sizes(), DType::kFloat64);
  cast(same, in);
  cast(wide_copy, in);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(same.data_as<float>()[i], values[i]);
    ASSERT_EQ(wide_copy.data_as<double>()[i], values[i]);
  }
}

TEST(Copy, Fill) {
  for_each_target([](int64_t) {
    for_each_element([]<class T>(T) {
      SCOPED_TRACE(name_of<T>());
      Params p;
      p.f[0] = 1.25;
      p.i[0] = 77;
      const T expected = kIsFloat<T> ? narrow<T>(1.25L) : narrow<T>(77);
      for (int64_t n : {0, 1, 31, 100, 40000}) {
        const Tensor t = Tensor::empty(Dims{n}, dtype_of<T>());
        table().fill[kDTypeIndex<T>](Iter({&t}), p);
        EXPECT_EQ(std::count_if(t.data_as<T>(), t.data_as<T>() + n,
                                [&](T x) { return equal(x, expected); }),
                  n);
      }
      const Tensor t = Tensor::empty(Dims{10, 4}, dtype_of<T>());
      std::memset(t.data(), 0, t.bytes());
      const Tensor column = t.alias(Dims{10}, Dims{4}, 2);
      table().fill[kDTypeIndex<T>](Iter({&column}), p);
      for (int64_t i = 0; i < 40; ++i) {
        ASSERT_TRUE(equal(t.data_as<T>()[i], i % 4 == 2 ? expected : narrow<T>(0)));
      }
    });
  });
}

template <class T>
std::vector<T> range(double start, double step, int64_t istart, int64_t istep, int64_t n) {
  Params p;
  p.f[0] = start, p.f[1] = step, p.i[0] = istart, p.i[1] = istep;
  const Tensor t = Tensor::empty(Dims{n}, dtype_of<T>());
  table().range[kDTypeIndex<T>](Iter({&t}), p);
  return std::vector<T>(t.data_as<T>(), t.data_as<T>() + n);
}

TEST(Copy, Range) {
  for_each_target([](int64_t) {
    EXPECT_EQ(range<int64_t>(0, 0, 5, -3, 4), (std::vector<int64_t>{5, 2, -1, -4}));
    EXPECT_EQ(range<uint8_t>(0, 0, 250, 3, 3), (std::vector<uint8_t>{250, 253, 0}));
    EXPECT_EQ(range<int32_t>(0, 0, 0, 1, 0), (std::vector<int32_t>{}));
    const std::vector<float> f = range<float>(0.3, 0.1, 0, 0, 1000);
    const std::vector<double> d = range<double>(0.3, 0.1, 0, 0, 1000);
    for (size_t i = 0; i < 1000; ++i) {
      const double x = 0.3 + 0.1 * static_cast<double>(i);
      EXPECT_NEAR(f[i], x, x * 1.3e-7 + 1e-7);
      EXPECT_NEAR(d[i], x, x * 2.3e-16 + 2e-16);
    }
    // Elements of torch.arange(0.3, 100.25, 0.1) that are not the nearest to their exact values.
    EXPECT_EQ(std::bit_cast<uint32_t>(f[28]), 0x40466667u);
    EXPECT_EQ(std::bit_cast<uint32_t>(f[290]), 0x41EA6667u);
    EXPECT_EQ(std::bit_cast<uint32_t>(f[690]), 0x428A9999u);
    EXPECT_EQ(std::bit_cast<uint32_t>(f[991]), 0x42C6CCCCu);
  });
}

}  // namespace
}  // namespace mt::testing
