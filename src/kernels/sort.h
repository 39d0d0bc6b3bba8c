// The kernels of sorting, searching and running extremes. All see contiguous data; NaN counts as
// larger than any number, and 0 and -0 as equal.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace mt {

// Indices into each row of [rows, n]. Ties are ordered as PyTorch's CPU kernels order them.
struct SortArgs {
  const void* in;
  int64_t rows, n;
  int64_t* indices;         // sort: [rows, n]; topk: [rows, k]; the others: [rows]
  int64_t k = 0;            // topk: how many; kth: which, from 0
  bool descending = false;  // topk: the largest
  bool sorted = true;       // topk: in order
  bool stable = false;      // sort: equal elements stay in order
  bool ignore_nan = false;  // median
};
using SortKernel = void (*)(const SortArgs& args);

// The place of each value in a sorted row: before its equals, or behind them with `right`.
struct SearchArgs {
  const void* sequence;   // [rows, n], or [n] for all rows
  const int64_t* sorter;  // the order that sorts the sequence, or null when it is sorted
  const void* values;     // [rows, m]
  int64_t rows, n, m;
  bool one_sequence, right;
  int64_t* out;  // [rows, m]
};
using SearchKernel = void (*)(const SearchArgs& args);

// Along n of [outer, n, inner].
struct RunningArgs {
  const void* in;
  void* out;
  int64_t* indices;  // of the extremes
  int64_t outer, n, inner;
  bool reverse;  // from the end; products and log-sums
};
using RunningKernel = void (*)(const RunningArgs& args);

struct SortKernels {
  SortKernel sort[kNumDTypes], topk[kNumDTypes], kth[kNumDTypes];
  SortKernel median[kNumDTypes];  // of an even number the lower; the first NaN unless ignored
  SortKernel mode[kNumDTypes];    // the most frequent value, the smallest of several
  // The following are for float32, float64 and int64.
  SearchKernel search[kNumDTypes];
  RunningKernel cummax[kNumDTypes], cummin[kNumDTypes];  // the last of equals; NaN wins
  RunningKernel cumprod[kNumDTypes];                     // complex too
  RunningKernel logcumsumexp[kNumDTypes];                // floats
};

namespace cpu {
const SortKernels* sort_kernels();
void fill_sort(SortKernels& k);
void fill_search(SortKernels& k);
void fill_complex_running(SortKernels& k);
}  // namespace cpu

}  // namespace mt
