// Sorting of rows, and what a partial order is enough for: the top k, the k-th, the median, the
// mode. Elements become unsigned keys of the same order, so that one code serves all dtypes; rows
// are sorted by merging or, when long, by digits of the key (least significant first); both are
// stable.
#include "kernels/sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "core/parallel.h"
#include "core/tensor.h"
#include "kernels/cpu/elements.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 4096;
constexpr int64_t kInsertion = 16;  // runs up to this length are sorted by insertion
constexpr int64_t kMerged = 64;     // rows up to this length for each byte of key are merged

template <class Key, class Index>
struct Pair {
  Key key;
  Index index;
  bool operator<(const Pair& o) const { return key < o.key; }
};
using Narrow = Pair<uint32_t, uint32_t>;
using Wide = Pair<uint64_t, int64_t>;

// NaN is the largest key, and both zeros have one.
template <class Key, class T>
Key key_of(T value) {
  constexpr Key kTop = Key{1} << (sizeof(Key) * 8 - 1);
  if constexpr (kIsHalf<T>) {
    return key_of<Key>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<T, Bool>) {
    return value.byte != 0;
  } else if constexpr (std::is_same_v<T, float> && sizeof(Key) == 8) {
    return key_of<Key>(static_cast<double>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    if (value != value) return std::numeric_limits<Key>::max();
    const Key bits = std::bit_cast<Key>(value == 0 ? T{0} : value);
    return bits & kTop ? static_cast<Key>(~bits) : static_cast<Key>(bits | kTop);
  } else {
    return static_cast<Key>(value) ^ kTop;
  }
}

template <class Item>
using Load = void (*)(const void* in, int64_t n, bool descending, Item* out);

template <class T, class Item>
void load_row(const void* in, int64_t n, bool descending, Item* out) {
  using Key = decltype(Item::key);
  const auto* p = static_cast<const T*>(in);
  const Key flip = descending ? std::numeric_limits<Key>::max() : Key{0};
  for (int64_t i = 0; i < n; ++i) {
    out[i].key = key_of<Key>(p[i]) ^ flip;
    out[i].index = static_cast<decltype(Item::index)>(i);
  }
}

template <class Item>
void insertion_sort(Item* items, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const Item x = items[i];
    int64_t at = i;
    for (; at > 0 && x < items[at - 1]; --at) items[at] = items[at - 1];
    items[at] = x;
  }
}

// The following sort into `items` or `spare` and return which.

// Runs sorted by insertion, merged pairwise.
template <class Item>
Item* merge_sort(Item* items, Item* spare, int64_t n) {
  for (int64_t i = 0; i < n; i += kInsertion)
    insertion_sort(items + i, std::min(kInsertion, n - i));
  for (int64_t width = kInsertion; width < n; width *= 2) {
    for (int64_t i = 0; i < n; i += 2 * width) {
      Item* const middle = items + std::min(n, i + width);
      std::merge(items + i, middle, middle, items + std::min(n, i + 2 * width), spare + i);
    }
    std::swap(items, spare);
  }
  return items;
}

template <class Item>
Item* digit_sort(Item* items, Item* spare, int64_t n) {
  constexpr int kDigits = sizeof(Item::key);
  int64_t places[kDigits][256] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int d = 0; d < kDigits; ++d) ++places[d][items[i].key >> (8 * d) & 255];
  }
  for (int d = 0; d < kDigits; ++d) {
    if (places[d][items[0].key >> (8 * d) & 255] == n) continue;  // all have this digit
    int64_t next = 0;
    for (int64_t& place : places[d]) {
      const int64_t count = place;
      place = next;
      next += count;
    }
    for (int64_t i = 0; i < n; ++i) {
      spare[places[d][items[i].key >> (8 * d) & 255]++] = items[i];
    }
    std::swap(items, spare);
  }
  return items;
}

// What is done with a row: the items, as much room again, and whether the last key means NaN.
template <class Item>
using RowJob = void (*)(Item* items, Item* spare, const SortArgs& a, int64_t row, bool floating);

template <class Item>
struct Sort {
  static void run(Item* items, Item* spare, const SortArgs& a, int64_t row, bool) {
    const auto write = [&](const Item* from) {
      int64_t* const out = a.indices + row * a.n;
      for (int64_t i = 0; i < a.n; ++i) out[i] = static_cast<int64_t>(from[i].index);
    };
    if (!a.stable && a.n > kInsertion) {
      std::sort(items, items + a.n);
      return write(items);
    }
    const bool is_short = a.n <= kMerged * static_cast<int64_t>(sizeof(Item::key));
    write((is_short ? merge_sort<Item> : digit_sort<Item>)(items, spare, a.n));
  }
};

// Here, in Mode and in the sort that is not stable the order of equal elements is that of the
// standard library's algorithms, which PyTorch uses in the same way.
template <class Item>
struct TopK {
  static void run(Item* items, Item*, const SortArgs& a, int64_t row, bool) {
    if (a.k == 0) return;
    if (a.k * 64 <= a.n) {
      std::partial_sort(items, items + a.k, items + a.n);
    } else {
      std::nth_element(items, items + a.k - 1, items + a.n);
      if (a.sorted) std::sort(items, items + a.k - 1);
    }
    int64_t* const out = a.indices + row * a.k;
    for (int64_t i = 0; i < a.k; ++i) out[i] = static_cast<int64_t>(items[i].index);
  }
};

// Hoare's selection with the median of three as in "Numerical Recipes" (Press et al.), "select":
// the elements at both ends are sentinels for the inner loops.
template <class Item>
struct Kth {
  static void run(Item* items, Item*, const SortArgs& a, int64_t row, bool) {
    int64_t left = 0, right = a.n - 1;
    const auto order = [items](int64_t low, int64_t high) {
      if (items[high] < items[low]) std::swap(items[low], items[high]);
    };
    while (right > left + 1) {
      std::swap(items[left + (right - left) / 2], items[left + 1]);
      order(left + 1, right);
      order(left, right);
      order(left + 1, left);
      const Item pivot = items[left];
      int64_t i = left + 1, j = right;
      while (true) {
        do ++i;
        while (items[i] < pivot);
        do --j;
        while (pivot < items[j]);
        if (j < i) break;
        std::swap(items[i], items[j]);
      }
      std::swap(items[left], items[j]);
      if (j <= a.k) left = i;
      if (j >= a.k) right = j - 1;
    }
    if (right == left + 1) order(left, right);
    a.indices[row] = static_cast<int64_t>(items[a.k].index);
  }
};

template <class Item>
struct Median {
  static void run(Item* items, Item*, const SortArgs& a, int64_t row, bool floating) {
    constexpr auto kNaN = std::numeric_limits<decltype(Item::key)>::max();
    int64_t count = a.n;
    if (floating) {
      for (int64_t i = 0; i < a.n; ++i) {
        if (items[i].key != kNaN) continue;
        --count;
        if (a.ignore_nan) continue;
        a.indices[row] = i;
        return;
      }
    }
    const int64_t middle = std::max<int64_t>(count - 1, 0) / 2;
    // Of equal values the one that a stable sort has in the middle.
    std::nth_element(items, items + middle, items + a.n, [](const Item& x, const Item& y) {
      return x.key < y.key || (x.key == y.key && x.index < y.index);
    });
    a.indices[row] = static_cast<int64_t>(items[middle].index);
  }
};

template <class Item>
struct Mode {
  static void run(Item* items, Item*, const SortArgs& a, int64_t row, bool floating) {
    constexpr auto kNaN = std::numeric_limits<decltype(Item::key)>::max();
    std::sort(items, items + a.n);
    int64_t best = 0, length = 0;
    for (int64_t i = 0; i < a.n; ++i) {
      ++length;
      const bool same =
          i + 1 < a.n && items[i].key == items[i + 1].key && !(floating && items[i].key == kNaN);
      if (same) continue;
      if (length > best) {
        best = length;
        a.indices[row] = static_cast<int64_t>(items[i].index);
      }
      length = 0;
    }
  }
};

template <class Item>
void each_row(const SortArgs& a, size_t element, Load<Item> load, RowJob<Item> job, bool floating) {
  const int64_t row_bytes = a.n * static_cast<int64_t>(element);
  parallel_for(0, a.rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(a.n, 1)),
               [&](int64_t begin, int64_t end) {
                 const Tensor room = Tensor::empty(
                     Dims{2 * a.n * static_cast<int64_t>(sizeof(Item))}, DType::kUInt8);
                 auto* const items = static_cast<Item*>(room.data());
                 for (int64_t row = begin; row < end; ++row) {
                   load(static_cast<const char*>(a.in) + row * row_bytes, a.n, a.descending, items);
                   job(items, items + a.n, a, row, floating);
                 }
               });
}

template <class T, template <class> class Job>
void kernel(const SortArgs& a) {
  if (a.n == 0) return;
  if constexpr (sizeof(T) <= 4) {
    if (a.n <= int64_t{UINT32_MAX}) {
      return each_row<Narrow>(a, sizeof(T), load_row<T, Narrow>, Job<Narrow>::run, kIsFloat<T>);
    }
  }
  each_row<Wide>(a, sizeof(T), load_row<T, Wide>, Job<Wide>::run, kIsFloat<T>);
}

}  // namespace

void fill_sort(SortKernels& k) {
  for_each_element([&]<class T>(T) {
    constexpr int i = kDTypeIndex<T>;
    k.sort[i] = kernel<T, Sort>;
    k.topk[i] = kernel<T, TopK>;
    k.kth[i] = kernel<T, Kth>;
    k.median[i] = kernel<T, Median>;
    k.mode[i] = kernel<T, Mode>;
  });
}

const SortKernels* sort_kernels() {
  static const SortKernels table = [] {
    SortKernels k{};
    fill_sort(k);
    fill_search(k);
    fill_complex_running(k);
    return k;
  }();
  return &table;
}

}  // namespace mt::cpu
