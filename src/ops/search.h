// Searching: places in sorted sequences, membership, distinct values, counts.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace mt {

// The index at which each value would go into the last dim of sorted_sequence (1-D, or with the
// values' other dims): before its equals, or behind them with `right` or side "right". `sorter`
// (int64, may be undefined) sorts the sequence. int64, or int32 with out_int32. Both have one
// dtype; numbers are converted.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool out_int32 = false,
                    bool right = false, std::string_view side = "", const Tensor& sorter = {});
// searchsorted in 1-D boundaries.
Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool out_int32 = false,
                 bool right = false);
// bool: whether each of elements is (is not, with invert) one of test_elements. Either may be a
// number. NaN is equal to nothing.
Tensor isin(const Tensor& elements, const Tensor& test_elements, bool assume_unique = false,
            bool invert = false);

struct UniqueResult {
  Tensor output, inverse, counts;  // the last two have no elements unless asked for
};
// The distinct values of the flattened tensor, in ascending order or else in that of PyTorch's hash
// set. inverse: where each element is in the output.
UniqueResult unique(const Tensor& self, bool sorted = true, bool return_inverse = false,
                    bool return_counts = false);
// The distinct slices along dim, in ascending order.
UniqueResult unique_dim(const Tensor& self, int64_t dim, bool return_inverse = false,
                        bool return_counts = false);
// Only neighbours that are equal become one.
UniqueResult unique_consecutive(const Tensor& self, bool return_inverse = false,
                                bool return_counts = false, std::optional<int64_t> dim = {});

}  // namespace mt
