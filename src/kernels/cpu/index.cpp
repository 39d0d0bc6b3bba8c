// Indexed copies and additions. Copies look at element sizes only. Additions of one place happen in
// the order of the indices, whatever the number of threads: only outer and inner are shared out.
#include <algorithm>
#include <bit>
#include <cstring>

#include "core/parallel.h"
#include "kernels/backend.h"
#include "kernels/cpu/elements.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/index.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kGrain = 16384;

// a + b rounded to T; integers wrap, bools are or-ed.
template <class T>
HWY_INLINE T add(T a, T b) {
  if constexpr (std::is_same_v<T, Bool>) {
    return Bool{static_cast<uint8_t>((a.byte | b.byte) != 0)};
  } else if constexpr (kIsHalf<T>) {
    return T(static_cast<float>(a) + static_cast<float>(b));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}

template <class T>
HWY_INLINE void add_row(const T* in, T* out, int64_t n) {
  int64_t i = 0;
  if constexpr (kIsFloat<T> || (std::is_integral_v<T> && sizeof(T) >= 4)) {
    const hn::ScalableTag<el::Compute<T>> d;
    for (; i + el::lanes(d) <= n; i += el::lanes(d)) {
      el::store(d, hn::Add(el::load(d, out + i), el::load(d, in + i)), out + i);
    }
  }
  for (; i < n; ++i) out[i] = add(out[i], in[i]);
}

// Shares the work on [outer, rows, inner] out over outer and, where that is too little, over strips
// of inner: body(o, i_begin, i_end).
template <class F>
void over_columns(const IndexArgs& a, int64_t rows, const F& body) {
  const int64_t threads = num_threads();
  int64_t strips = 1;
  if (a.outer < threads && a.inner >= 64 && a.outer * rows * a.inner > kGrain) {
    strips = std::min(threads, a.inner / 32);
  }
  const int64_t unit = std::max<int64_t>(1, rows * a.inner / strips);
  parallel_for(0, a.outer * strips, std::max<int64_t>(1, kGrain / unit),
               [&](int64_t begin, int64_t end) {
                 for (int64_t k = begin; k < end; ++k) {
                   const int64_t s = k % strips;
                   body(k / strips, a.inner * s / strips, a.inner * (s + 1) / strips);
                 }
               });
}

template <class T>
void scatter_add(const IndexArgs& a) {
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  over_columns(a, a.n_in, [&](int64_t o, int64_t begin, int64_t end) {
    if (a.inner == 1) {
      const T* const values = in + o * a.n_in;
      const int64_t* const index = a.index + o * a.n_in;
      T* const places = out + o * a.n_out;
      const int64_t n = a.n_in;
      for (int64_t j = 0; j < n; ++j) places[index[j]] = add(places[index[j]], values[j]);
      return;
    }
    for (int64_t j = 0; j < a.n_in; ++j) {
      const int64_t from = (o * a.n_in + j) * a.inner, to = o * a.n_out * a.inner;
      for (int64_t i = begin; i < end; ++i) {
        T& place = out[to + a.index[from + i] * a.inner + i];
        place = add(place, in[from + i]);
      }
    }
  });
}

template <class T>
void index_add(const IndexArgs& a) {
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  over_columns(a, a.n_in, [&](int64_t o, int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t j = 0; j < a.n_in; ++j) {
      add_row(in + (o * a.n_in + j) * a.inner + begin,
              out + (o * a.n_out + a.index[j]) * a.inner + begin, end - begin);
    }
  });
}

void fill_table(Backend& b) {
  for_each_element([&]<class T>(T) {
    b.scatter_add[kDTypeIndex<T>] = scatter_add<T>;
    b.index_add[kDTypeIndex<T>] = index_add<T>;
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 16384;

// Calls f(o, j, count) for runs of output rows (o, j) .. (o, j + count - 1), in parallel.
template <class F>
void over_rows(const IndexArgs& a, const F& f) {
  if (a.inner == 0) return;  // nothing to move, and no addresses
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, a.inner));
  parallel_for(0, a.outer * a.n_out, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t j = begin % a.n_out, count = std::min(a.n_out - j, end - begin);
      f(begin / a.n_out, j, count);
      begin += count;
    }
  });
}

template <class U>
void gather(const IndexArgs& a) {
  over_rows(a, [&](int64_t o, int64_t j, int64_t count) {
    const U* const from = static_cast<const U*>(a.in) + o * a.n_in * a.inner;
    const int64_t inner = a.inner, start = (o * a.n_out + j) * inner;
    const int64_t* index = a.index + start;
    U* to = static_cast<U*>(a.out) + start;
    if (inner == 1) {
      for (int64_t k = 0; k < count; ++k) to[k] = from[index[k]];
      return;
    }
    for (int64_t k = 0; k < count; ++k, to += inner, index += inner) {
      for (int64_t i = 0; i < inner; ++i) to[i] = from[index[i] * inner + i];
    }
  });
}

template <class U>
void index_select(const IndexArgs& a) {
  over_rows(a, [&](int64_t o, int64_t j, int64_t count) {
    const U* const from = static_cast<const U*>(a.in) + o * a.n_in * a.inner;
    const int64_t inner = a.inner;
    const int64_t* const index = a.index + j;
    U* to = static_cast<U*>(a.out) + (o * a.n_out + j) * inner;
    if (inner == 1) {
      for (int64_t k = 0; k < count; ++k) to[k] = from[index[k]];
      return;
    }
    for (int64_t k = 0; k < count; ++k, to += inner) {
      std::memcpy(to, from + index[k] * inner, static_cast<size_t>(inner) * sizeof(U));
    }
  });
}

HWY_EXPORT(fill_table);

}  // namespace

void fill_index(Backend& b) {
  constexpr IndexKernel kGathers[] = {gather<uint8_t>, gather<uint16_t>, gather<uint32_t>,
                                      gather<uint64_t>, gather<Bits128>};
  constexpr IndexKernel kSelects[] = {index_select<uint8_t>, index_select<uint16_t>,
                                      index_select<uint32_t>, index_select<uint64_t>,
                                      index_select<Bits128>};
  for (int t = 0; t < kNumDTypes; ++t) {
    const int size = std::countr_zero(dtype_size(static_cast<DType>(t)));
    b.gather[t] = kGathers[size];
    b.index_select[t] = kSelects[size];
  }
  HWY_DYNAMIC_DISPATCH(fill_table)(b);
}

}  // namespace mt::cpu
#endif
