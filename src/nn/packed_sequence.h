// Sequences of different lengths: packed for recurrent layers, padded for everything else.
#pragma once

#include <optional>

#include "nn/module.h"

namespace mt::nn {

// Sequences of different lengths, the longest first, as rows: all samples' step 0, then step 1 of
// those that have one, ... Empty index tensors: the samples were in that order.
struct PackedSequence {
  Tensor data;         // (sum of lengths, *)
  Tensor batch_sizes;  // int64: how many samples have a step 0, 1, ...
  Tensor sorted_indices, unsorted_indices;
};
// `lengths` is int64, one a sample. enforce_sorted: they must not grow, and no sorting takes place.
PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths,
                                    bool batch_first = false, bool enforce_sorted = true);
struct PaddedSequence {
  Tensor data, lengths;
};
// total_length: at least this many steps.
PaddedSequence pad_packed_sequence(const PackedSequence& packed, bool batch_first = false,
                                   double padding_value = 0,
                                   std::optional<int64_t> total_length = {});
// Stacks sequences (length_i, *) into (longest, n, *), or (n, longest, *).
Tensor pad_sequence(std::span<const Tensor> sequences, bool batch_first = false,
                    double padding_value = 0);

}  // namespace mt::nn
