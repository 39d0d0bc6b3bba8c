// Products and extremes at indexed places, one after the other: several may meet at one place.
#include "kernels/scatter_fold.h"

#include "kernels/cpu/elements.h"

namespace mt {
namespace cpu {
namespace {

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <Fold fold, class T>
T folded(T a, T b) {
  if constexpr (kIsHalf<T>) {
    return T(folded<fold>(static_cast<float>(a), static_cast<float>(b)));
  } else if constexpr (std::is_same_v<T, Bool>) {
    const bool x = a.byte != 0, y = b.byte != 0;
    return Bool{static_cast<uint8_t>(fold == Fold::kMax ? x || y : x && y)};
  } else if constexpr (fold == Fold::kProd) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    } else {
      return a * b;
    }
  } else if constexpr (fold == Fold::kMax) {
    return is_nan(a) || a >= b ? a : b;
  } else {
    return is_nan(a) || a <= b ? a : b;
  }
}

template <Fold fold, class T>
void run(const IndexArgs& a) {
  const auto* const in = static_cast<const T*>(a.in);
  auto* const out = static_cast<T*>(a.out);
  for (int64_t j = 0; j < a.n_in; ++j) {
    T& place = out[a.index[j]];
    place = folded<fold>(place, in[j]);
  }
}

struct FoldTable {
  IndexKernel kernels[3][kNumDTypes];
};

FoldTable make_table() {
  FoldTable t{};
  for_each_element([&]<class T>(T) {
    t.kernels[static_cast<int>(Fold::kProd)][kDTypeIndex<T>] = run<Fold::kProd, T>;
    t.kernels[static_cast<int>(Fold::kMax)][kDTypeIndex<T>] = run<Fold::kMax, T>;
    t.kernels[static_cast<int>(Fold::kMin)][kDTypeIndex<T>] = run<Fold::kMin, T>;
  });
  return t;
}

}  // namespace
}  // namespace cpu

IndexKernel scatter_fold(Device device, Fold fold, DType dtype) {
  static const cpu::FoldTable kTable = cpu::make_table();
  if (device != Device::kCPU) return nullptr;
  return kTable.kernels[static_cast<int>(fold)][static_cast<int>(dtype)];
}

}  // namespace mt
