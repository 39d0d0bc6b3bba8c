// Pooling over windows given by tables, and its ways back. One kernel serves 1 to 3 dims, all
// strides and paddings, and adaptive and fractional windows.
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/conv_line.h"
#include "kernels/cpu/elements.h"
#include "kernels/window.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;  // least values worth a thread

int64_t volume(const Extent& e) { return e[0] * e[1] * e[2]; }

// Calls f(plane, first, last) for shares of the planes.
template <class F>
void over_planes(const PoolArgs& a, const F& f) {
  const int64_t size = std::max<int64_t>(1, std::max(volume(a.in), volume(a.out)));
  parallel_for(0, a.planes, std::max<int64_t>(1, kGrain / size), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) f(p);
  });
}

template <class T>
void max_pool(const PoolArgs& a) {
  const int64_t in = volume(a.in), out = volume(a.out);
  over_planes(a, [&](int64_t p) {
    const T* const x = static_cast<const T*>(a.from) + p * in;
    T* y = static_cast<T*>(a.to) + p * out;
    int64_t* index = a.index + p * out;
    for (int64_t i = 0; i < a.out[0]; ++i) {
      for (int64_t j = 0; j < a.out[1]; ++j) {
        for (int64_t k = 0; k < a.out[2]; ++k) {
          T best = -std::numeric_limits<T>::infinity();
          int64_t at = (a.begin[0][i] * a.in[1] + a.begin[1][j]) * a.in[2] + a.begin[2][k];
          for (int64_t u = a.begin[0][i]; u < a.end[0][i]; u += a.step[0]) {
            for (int64_t v = a.begin[1][j]; v < a.end[1][j]; v += a.step[1]) {
              const int64_t line = (u * a.in[1] + v) * a.in[2], last = a.end[2][k];
              for (int64_t w = a.begin[2][k]; w < last; w += a.step[2]) {
                const T value = x[line + w];
                if (value > best || value != value) {  // the last NaN wins
                  best = value;
                  at = line + w;
                }
              }
            }
          }
          *y++ = best;
          *index++ = at;
        }
      }
    }
  });
}

// sum + x[0] + ... + x[n - 1]. Long lines are added up side by side: no chain of waiting sums.
template <class T>
T add_line(T sum, const T* x, int64_t n) {
  if constexpr (std::is_integral_v<T>) {
    for (; n > 0; --n, ++x)
      sum = static_cast<T>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(*x));
  } else {
    if (n >= 16) {
      T s[8] = {};
      for (; n >= 8; n -= 8, x += 8) {
        for (int i = 0; i < 8; ++i) s[i] += x[i];
      }
      sum += ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
    for (; n > 0; --n, ++x) sum += *x;
  }
  return sum;
}

template <class T>
void avg_pool(const PoolArgs& a) {
  const int64_t in = volume(a.in), out = volume(a.out);
  over_planes(a, [&](int64_t p) {
    const T* const x = static_cast<const T*>(a.from) + p * in;
    T* y = static_cast<T*>(a.to) + p * out;
    for (int64_t i = 0; i < a.out[0]; ++i) {
      for (int64_t j = 0; j < a.out[1]; ++j) {
        const double rows = a.divisor[0][i] * a.divisor[1][j];
        for (int64_t k = 0; k < a.out[2]; ++k) {
          T sum = 0;
          const int64_t v0 = a.begin[1][j], v1 = a.end[1][j], w0 = a.begin[2][k];
          const int64_t width = a.end[2][k] - w0;
          for (int64_t u = a.begin[0][i]; u < a.end[0][i]; ++u) {
            const T* line = x + (u * a.in[1] + v0) * a.in[2] + w0;
            if (width == a.in[2]) {  // whole lines: one piece
              sum = add_line(sum, line, width * std::max<int64_t>(0, v1 - v0));
              continue;
            }
            for (int64_t v = v0; v < v1; ++v, line += a.in[2]) sum = add_line(sum, line, width);
          }
          const double divisor = rows * a.divisor[2][k];
          if constexpr (std::is_integral_v<T>) {
            // Of all quotients only the lowest integer by -1 does not fit.
            const auto d = static_cast<int64_t>(divisor);
            *y++ = d == -1 ? static_cast<T>(0 - static_cast<uint64_t>(sum)) : sum / d;
          } else {
            *y++ = sum / static_cast<T>(divisor);
          }
        }
      }
    }
  });
}

template <class T>
void avg_pool_backward(const PoolArgs& a) {
  const int64_t in = volume(a.in), out = volume(a.out);
  over_planes(a, [&](int64_t p) {
    const T* y = static_cast<const T*>(a.from) + p * out;
    T* const x = static_cast<T*>(a.to) + p * in;
    std::fill_n(x, in, T(0));
    for (int64_t i = 0; i < a.out[0]; ++i) {
      for (int64_t j = 0; j < a.out[1]; ++j) {
        const double rows = a.divisor[0][i] * a.divisor[1][j];
        for (int64_t k = 0; k < a.out[2]; ++k) {
          const T each = *y++ / static_cast<T>(rows * a.divisor[2][k]);
          for (int64_t u = a.begin[0][i]; u < a.end[0][i]; ++u) {
            for (int64_t v = a.begin[1][j]; v < a.end[1][j]; ++v) {
              T* line = x + (u * a.in[1] + v) * a.in[2];
              for (int64_t w = a.begin[2][k]; w < a.end[2][k]; ++w) line[w] += each;
            }
          }
        }
      }
    }
  });
}

template <class T>
void place(const PoolArgs& a) {
  const int64_t in = volume(a.in), out = volume(a.out);
  over_planes(a, [&](int64_t p) {
    const T* const y = static_cast<const T*>(a.from) + p * out;
    T* const x = static_cast<T*>(a.to) + p * in;
    const int64_t* const index = a.index + p * out;
    std::fill_n(x, in, T(0));
    for (int64_t i = 0; i < out; ++i) x[index[i]] += y[i];
  });
}

// Along one dim: the outputs whose patches have value `k` inside of the image.
void inside(const FoldArgs& a, int d, int64_t k, int64_t* first, int64_t* last) {
  const int64_t shift = k * a.dilation[d] - a.padding[d], s = a.stride[d];
  *first = shift >= 0 ? 0 : (-shift + s - 1) / s;
  const int64_t room = a.in[d] - shift;  // o * s < room
  *last = std::max(*first, room <= 0 ? 0 : std::min(a.out[d], (room + s - 1) / s));
  *first = std::min(*first, *last);
}

// Both directions walk the same pairs of a column value and an image value.
template <class T, bool kUnfold>
void fold_plane(const FoldArgs& a, const T* from, T* to) {
  const int64_t in = volume(a.in), out = volume(a.out), kernel = volume(a.kernel);
  std::fill_n(to, kUnfold ? kernel * out : in, T(0));
  for (int64_t u = 0, row = 0; u < a.kernel[0]; ++u) {
    int64_t i0, i1;
    inside(a, 0, u, &i0, &i1);
    for (int64_t v = 0; v < a.kernel[1]; ++v) {
      int64_t j0, j1;
      inside(a, 1, v, &j0, &j1);
      for (int64_t w = 0; w < a.kernel[2]; ++w, ++row) {
        int64_t k0, k1;
        inside(a, 2, w, &k0, &k1);
        for (int64_t i = i0; i < i1; ++i) {
          const int64_t y = i * a.stride[0] + u * a.dilation[0] - a.padding[0];
          for (int64_t j = j0; j < j1; ++j) {
            const int64_t z = j * a.stride[1] + v * a.dilation[1] - a.padding[1];
            const int64_t line = (y * a.in[1] + z) * a.in[2] + w * a.dilation[2] - a.padding[2];
            const int64_t col = ((row * a.out[0] + i) * a.out[1] + j) * a.out[2];
            for (int64_t k = k0; k < k1; ++k) {
              if constexpr (kUnfold) {
                to[col + k] = from[line + k * a.stride[2]];
              } else {
                to[line + k * a.stride[2]] += from[col + k];
              }
            }
          }
        }
      }
    }
  }
}

template <class T, bool kUnfold>
void fold(const FoldArgs& a) {
  const int64_t in = volume(a.in), cols = volume(a.kernel) * volume(a.out);
  const int64_t size = std::max<int64_t>(1, std::max(in, cols));
  parallel_for(0, a.planes, std::max<int64_t>(1, kGrain / size), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      fold_plane<T, kUnfold>(a, static_cast<const T*>(a.from) + p * (kUnfold ? in : cols),
                             static_cast<T*>(a.to) + p * (kUnfold ? cols : in));
    }
  });
}

// The map by its results: result j is the sum of weight[i] * from[place[i] + ...] for i from
// first[j] to first[j + 1].
template <class T>
struct Gather {
  std::vector<int64_t> first, place;
  std::vector<T> weight;

  explicit Gather(const LineArgs& a) : first(static_cast<size_t>((a.transposed ? a.n : a.m) + 1)) {
    const auto to = [&](int64_t o, int64_t i) { return static_cast<size_t>(a.transposed ? i : o); };
    const auto each = [&](const auto& f) {
      for (int64_t o = 0; o < a.m; ++o) {
        for (int64_t t = o * a.taps; t < (o + 1) * a.taps; ++t) {
          if (a.weight[t] != 0) f(o, a.index[t], a.weight[t]);
        }
      }
    };
    each([&](int64_t o, int64_t i, double) { ++first[to(o, i) + 1]; });
    for (size_t j = 1; j < first.size(); ++j) first[j] += first[j - 1];
    place.resize(static_cast<size_t>(first.back()));
    weight.resize(place.size());
    std::vector<int64_t> next = first;
    each([&](int64_t o, int64_t i, double w) {
      const auto at = static_cast<size_t>(next[to(o, i)]++);
      place[at] = (a.transposed ? o : i) * a.inner;
      weight[at] = static_cast<T>(w);
    });
  }
};

template <class T>
void line(const LineArgs& a) {
  const int64_t from_size = (a.transposed ? a.m : a.n) * a.inner;
  const int64_t results = a.transposed ? a.n : a.m;
  const int64_t size = std::max<int64_t>(1, a.m * a.inner * a.taps);
  const Gather<T> map(a);
  parallel_for(0, a.outer, std::max<int64_t>(1, kGrain / size), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const T* const from = static_cast<const T*>(a.from) + p * from_size;
      T* const to = static_cast<T*>(a.to) + p * results * a.inner;
      const int64_t* place = map.place.data();
      const T* weight = map.weight.data();
      for (int64_t j = 0; j < results; ++j) {
        const int64_t n = map.first[static_cast<size_t>(j + 1)] - map.first[static_cast<size_t>(j)];
        if (a.inner == 1) {
          T sum = 0;
          for (int64_t i = 0; i < n; ++i) sum += weight[i] * from[place[i]];
          to[j] = sum;
        } else {
          const T zero = 0;
          conv_lines(from, place, weight, n, &zero, to + j * a.inner, 0, a.inner, 1);
        }
        place += n;
        weight += n;
      }
    }
  });
}

template <class T>
void fill(WindowKernels& w) {
  constexpr int kT = kDTypeIndex<T>;
  w.max_pool[kT] = max_pool<T>;
  w.avg_pool[kT] = avg_pool<T>;
  w.avg_pool_backward[kT] = avg_pool_backward<T>;
  w.place[kT] = place<T>;
  w.unfold[kT] = fold<T, true>;
  w.fold[kT] = fold<T, false>;
  w.line[kT] = line<T>;
}

}  // namespace

void fill_pool(WindowKernels& w) {
  fill<float>(w);
  fill<double>(w);
  // Integers: what PyTorch takes, for transposed convolution too.
  w.avg_pool[kDTypeIndex<int64_t>] = avg_pool<int64_t>;
  w.fold[kDTypeIndex<int64_t>] = fold<int64_t, false>;
}

const WindowKernels* window_kernels() {
  static const WindowKernels table = [] {
    WindowKernels w{};
    fill_conv(w);
    fill_pool(w);
    fill_norm(w);
    return w;
  }();
  return &table;
}

}  // namespace mt::cpu
