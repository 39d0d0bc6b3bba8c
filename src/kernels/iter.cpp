// Builds and runs elementwise loops: see iter.h.
#include "kernels/iter.h"

#include <algorithm>
#include <cstdlib>

#include "core/parallel.h"

namespace mt {
namespace {

// Whether dim a should lie inside dim b: smaller strides first, the output's strides deciding.
bool is_inner(const Iter& it, int a, int b) {
  for (int k = 0; k < it.operands; ++k) {
    const int64_t sa = std::llabs(it.strides[k][a]), sb = std::llabs(it.strides[k][b]);
    if (sa == 0 || sb == 0 || sa == sb) continue;
    return sa < sb;
  }
  return false;
}

void swap_dims(Iter& it, int a, int b) {
  std::swap(it.sizes[a], it.sizes[b]);
  for (int k = 0; k < it.operands; ++k) std::swap(it.strides[k][a], it.strides[k][b]);
}

void sort_and_merge(Iter& it) {
  for (int i = 1; i < it.ndim; ++i) {  // insertion sort: few dims, mostly sorted
    for (int j = i; j > 0 && is_inner(it, j, j - 1); --j) swap_dims(it, j, j - 1);
  }
  int out = 0;
  for (int d = 1; d < it.ndim; ++d) {
    bool mergeable = true;
    for (int k = 0; k < it.operands; ++k) {
      mergeable = mergeable && it.strides[k][d] == it.strides[k][out] * it.sizes[out];
    }
    if (mergeable) {
      it.sizes[out] *= it.sizes[d];
      continue;
    }
    ++out;
    it.sizes[out] = it.sizes[d];
    for (int k = 0; k < it.operands; ++k) it.strides[k][out] = it.strides[k][d];
  }
  it.ndim = out + 1;
}

}  // namespace

Iter::Iter(std::initializer_list<const Tensor*> tensors) {
  const Tensor& first = **tensors.begin();
  numel = first.numel();
  operands = static_cast<int>(tensors.size());
  bool flat = true;
  int k = 0;
  for (const Tensor* t : tensors) {
    data[k++] = static_cast<char*>(t->data());
    const bool simple = t->is_contiguous() && t->numel() == numel;
    flat = flat && (simple || (t->numel() == 1 && k > 1));
  }
  if (numel == 0) return;
  if (flat) {  // all contiguous, or single values beside them
    ndim = 1;
    sizes[0] = numel;
    k = 0;
    for (const Tensor* t : tensors) {
      const auto size = static_cast<int64_t>(dtype_size(t->dtype()));
      strides[k++][0] = t->numel() == 1 && numel != 1 ? 0 : size;
    }
    return;
  }
  const int n = first.dim();
  for (int d = 0; d < n; ++d) {
    const int64_t size = first.size(n - 1 - d);
    if (size == 1) continue;
    sizes[ndim] = size;
    k = 0;
    for (const Tensor* t : tensors) {
      const int td = t->dim() - 1 - d;
      const auto bytes = static_cast<int64_t>(dtype_size(t->dtype()));
      strides[k++][ndim] = td < 0 || t->size(td) == 1 ? 0 : t->stride(td) * bytes;
    }
    ++ndim;
  }
  if (ndim == 0) {  // one element
    ndim = 1;
    sizes[0] = 1;
    k = 0;
    for (const Tensor* t : tensors) {
      strides[k++][0] = static_cast<int64_t>(dtype_size(t->dtype()));
    }
    return;
  }
  sort_and_merge(*this);
}

void run_iter(const Iter& it, InnerLoop inner, const void* ctx, int64_t grain) {
  if (it.numel == 0) return;
  int64_t inner_strides[Iter::kMaxOperands];
  for (int k = 0; k < it.operands; ++k) inner_strides[k] = it.strides[k][0];
  if (it.ndim == 1) {
    parallel_for(0, it.numel, grain, [&](int64_t begin, int64_t end) {
      char* data[Iter::kMaxOperands];
      for (int k = 0; k < it.operands; ++k) data[k] = it.data[k] + begin * inner_strides[k];
      inner(data, inner_strides, end - begin, ctx);
    });
    return;
  }
  const int64_t run = it.sizes[0];
  const int64_t rows = it.numel / run;
  const int64_t row_grain = std::max<int64_t>(1, grain / run);
  parallel_for(0, rows, row_grain, [&](int64_t begin, int64_t end) {
    int64_t index[kMaxDims];
    char* data[Iter::kMaxOperands];
    for (int k = 0; k < it.operands; ++k) data[k] = it.data[k];
    int64_t rest = begin;
    for (int d = 1; d < it.ndim; ++d) {
      index[d] = rest % it.sizes[d];
      rest /= it.sizes[d];
      for (int k = 0; k < it.operands; ++k) data[k] += index[d] * it.strides[k][d];
    }
    for (int64_t row = begin; row < end; ++row) {
      inner(data, inner_strides, run, ctx);
      for (int d = 1; d < it.ndim; ++d) {
        if (++index[d] < it.sizes[d]) {
          for (int k = 0; k < it.operands; ++k) data[k] += it.strides[k][d];
          break;
        }
        index[d] = 0;
        for (int k = 0; k < it.operands; ++k) data[k] -= it.strides[k][d] * (it.sizes[d] - 1);
      }
    }
  });
}

}  // namespace mt
