// Indexed copies and additions on every SIMD target against plain loops: all dtypes, single
// elements and long rows, repeated indices, any number of threads.
#include <gtest/gtest.h>

#include "core/parallel.h"
#include "kernels/kernel_testing.h"

namespace mt::testing {
namespace {

struct Shape {
  int64_t outer, n_in, n_out, inner;
};

const Shape kShapes[] = {{1, 5, 7, 1},  {3, 10, 4, 1},      {2, 6, 9, 3},   {1, 20, 30, 64},
                         {4, 7, 5, 37}, {1, 300, 700, 130}, {0, 3, 3, 2},   {2, 3, 0, 4},
                         {2, 3, 4, 0},  {1, 1000, 9000, 4}, {70, 40, 50, 9}};

template <class F>
void each_case(F&& f) {
  const int threads = num_threads();
  for_each_target([&](int64_t) {
    for (const int t : {1, 3}) {
      set_num_threads(t);
      for_each_element([&]<class T>(T) {
        SCOPED_TRACE(name_of<T>());
        for (const Shape& s : kShapes) {
          SCOPED_TRACE(::testing::Message()
                       << s.outer << " x " << s.n_in << " to " << s.n_out << " x " << s.inner);
          f(T{}, s);
        }
      });
    }
  });
  set_num_threads(threads);
}

std::vector<int64_t> indices(int64_t n, int64_t limit) {
  Random random(31);
  std::vector<int64_t> index(static_cast<size_t>(n));
  for (int64_t& i : index) i = random.below(limit);
  return index;
}

template <class T>
T add(T a, T b) {
  if constexpr (kIsHalf<T>) {
    return T(static_cast<float>(a) + static_cast<float>(b));
  } else if constexpr (std::is_same_v<T, Bool>) {
    return Bool{static_cast<uint8_t>(a.byte | b.byte)};
  } else {
    return static_cast<T>(a + b);
  }
}

size_t at(int64_t o, int64_t n, int64_t j, int64_t inner, int64_t i) {
  return static_cast<size_t>((o * n + j) * inner + i);
}

// Every (o, j, i) of [outer, n, inner].
template <class F>
void each_place(int64_t outer, int64_t n, int64_t inner, F&& f) {
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < inner; ++i) f(o, j, i);
    }
  }
}

TEST(Index, GatherAndSelect) {
  each_case([]<class T>(T, const Shape& s) {
    const auto in = random_values<T>(s.outer * s.n_in * s.inner, 32);
    std::vector<T> expected(static_cast<size_t>(s.outer * s.n_out * s.inner)), out(expected.size());
    const auto full = indices(s.outer * s.n_out * s.inner, s.n_in);
    each_place(s.outer, s.n_out, s.inner, [&](int64_t o, int64_t j, int64_t i) {
      const size_t k = at(o, s.n_out, j, s.inner, i);
      expected[k] = in[at(o, s.n_in, full[k], s.inner, i)];
    });
    IndexArgs a{in.data(), out.data(), full.data(), s.outer, s.n_in, s.n_out, s.inner};
    table().gather[kDTypeIndex<T>](a);
    EXPECT_TRUE(same_bits(out, expected));

    const auto rows = indices(s.n_out, s.n_in);
    each_place(s.outer, s.n_out, s.inner, [&](int64_t o, int64_t j, int64_t i) {
      expected[at(o, s.n_out, j, s.inner, i)] =
          in[at(o, s.n_in, rows[static_cast<size_t>(j)], s.inner, i)];
    });
    a.index = rows.data();
    table().index_select[kDTypeIndex<T>](a);
    EXPECT_TRUE(same_bits(out, expected));
  });
}

TEST(Index, Additions) {
  each_case([]<class T>(T, const Shape& s) {
    if (s.n_out == 0) return;  // nowhere to add to
    const auto in = random_values<T>(s.outer * s.n_in * s.inner, 33);
    const auto start = random_values<T>(s.outer * s.n_out * s.inner, 34);
    auto expected = start, out = start;
    const auto full = indices(s.outer * s.n_in * s.inner, s.n_out);
    each_place(s.outer, s.n_in, s.inner, [&](int64_t o, int64_t j, int64_t i) {
      const size_t k = at(o, s.n_in, j, s.inner, i);
      T& place = expected[at(o, s.n_out, full[k], s.inner, i)];
      place = add(place, in[k]);
    });
    IndexArgs a{in.data(), out.data(), full.data(), s.outer, s.n_in, s.n_out, s.inner};
    table().scatter_add[kDTypeIndex<T>](a);
    EXPECT_TRUE(same_bits(out, expected));

    expected = out = start;
    const auto rows = indices(s.n_in, s.n_out);
    each_place(s.outer, s.n_in, s.inner, [&](int64_t o, int64_t j, int64_t i) {
      T& place = expected[at(o, s.n_out, rows[static_cast<size_t>(j)], s.inner, i)];
      place = add(place, in[at(o, s.n_in, j, s.inner, i)]);
    });
    a.index = rows.data(), a.out = out.data();
    table().index_add[kDTypeIndex<T>](a);
    EXPECT_TRUE(same_bits(out, expected));
  });
}

}  // namespace
}  // namespace mt::testing
