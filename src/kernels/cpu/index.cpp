// Indexed copies and additions. Copies look at element sizes only. Additions of one place happen in
// the order of the indices, whatever the number of threads: only outer and inner are shared out.
#include <algorithm>
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

template <class U>
void gather(const IndexArgs& a) {
  const auto* const in = static_cast<const U*>(a.in);
  auto* const out = static_cast<U*>(a.out);
  // By rows (o, j) of inner elements.
  parallel_for(0, a.outer * a.n_out, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, a.inner)),
               [&](int64_t begin, int64_t end) {
                 int64_t o = begin / a.n_out, left = a.n_out - begin % a.n_out;
                 const U* from = in + o * a.n_in * a.inner;
                 for (int64_t row = begin; row < end; ++row) {
                   const int64_t* const index = a.index + row * a.inner;
                   U* const to = out + row * a.inner;
                   for (int64_t i = 0; i < a.inner; ++i) to[i] = from[index[i] * a.inner + i];
                   if (--left == 0) {
                     left = a.n_out;
                     from += a.n_in * a.inner;
                   }
                 }
               });
}

template <class U>
void index_select(const IndexArgs& a) {
  const auto* const in = static_cast<const U*>(a.in);
  auto* const out = static_cast<U*>(a.out);
  parallel_for(0, a.outer * a.n_out, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, a.inner)),
               [&](int64_t begin, int64_t end) {
                 int64_t j = begin % a.n_out;
                 const U* from = in + begin / a.n_out * a.n_in * a.inner;
                 for (int64_t row = begin; row < end; ++row) {
                   const U* const line = from + a.index[j] * a.inner;
                   U* const to = out + row * a.inner;
                   if (a.inner < 8) {
                     for (int64_t i = 0; i < a.inner; ++i) to[i] = line[i];
                   } else {
                     std::memcpy(to, line, static_cast<size_t>(a.inner) * sizeof(U));
                   }
                   if (++j == a.n_out) {
                     j = 0;
                     from += a.n_in * a.inner;
                   }
                 }
               });
}

HWY_EXPORT(fill_table);

}  // namespace

void fill_index(Backend& b) {
  constexpr IndexKernel kGathers[] = {gather<uint8_t>, gather<uint16_t>, gather<uint32_t>,
                                      gather<uint64_t>};
  constexpr IndexKernel kSelects[] = {index_select<uint8_t>, index_select<uint16_t>,
                                      index_select<uint32_t>, index_select<uint64_t>};
  for (int t = 0; t < kNumDTypes; ++t) {
    const size_t size = dtype_size(static_cast<DType>(t));
    b.gather[t] = kGathers[size == 8 ? 3 : size / 2];
    b.index_select[t] = kSelects[size == 8 ? 3 : size / 2];
  }
  HWY_DYNAMIC_DISPATCH(fill_table)(b);
}

}  // namespace mt::cpu
#endif
