// Packing of sequences of different lengths, as rows of an index_select both ways; see
// packed_sequence.h.
#include "nn/packed_sequence.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "nn/arity.h"
#include "ops/common.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/rearrange.h"

namespace mt::nn {

std::vector<int64_t> integers(std::string_view op, std::string_view arg, const Tensor& t) {
  check_defined(op, arg, t);
  if (t.dim() != 1 || t.dtype() != DType::kInt64 || t.is_meta()) {
    fail(Status::kInvalidArgument, op, ": wrong ", arg, ": ", dtype_name(t.dtype()), " ",
         shape_string(t.sizes()), ": must be int64, 1-D and on cpu");
  }
  const Tensor plain = contiguous_values(t);
  const auto* p = plain.data_as<const int64_t>();
  return {p, p + t.numel()};
}

namespace {

Tensor tensor_of(const std::vector<int64_t>& v) {
  const Tensor t = Tensor::empty({{static_cast<int64_t>(v.size())}}, DType::kInt64);
  std::copy(v.begin(), v.end(), t.data_as<int64_t>());
  return t;
}

// The first two dims as one.
Tensor as_rows(const Tensor& t) {
  Dims sizes{t.size(0) * t.size(1)};
  for (int d = 2; d < t.dim(); ++d) sizes.push_back(t.size(d));
  return reshape(t, sizes);
}

}  // namespace

PackedSequence pack_padded_sequence(const Tensor& input, const Tensor& lengths, bool batch_first,
                                    bool enforce_sorted) {
  constexpr std::string_view kOp = "pack_padded_sequence";
  check_defined(kOp, "input", input);
  const std::vector<int64_t> length = integers(kOp, "lengths", lengths);
  const int64_t n = static_cast<int64_t>(length.size());
  if (input.dim() < 2 || input.size(batch_first ? 0 : 1) != n || n == 0) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", ", n,
         " lengths: input must be ", batch_first ? "(batch, time, *)" : "(time, batch, *)",
         " with one length a sample");
  }
  const int64_t steps = input.size(batch_first ? 1 : 0);
  std::vector<int64_t> order(length.size());
  std::iota(order.begin(), order.end(), 0);
  const auto of = [&](int64_t i) { return length[static_cast<size_t>(i)]; };
  if (!enforce_sorted) {
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return of(a) > of(b); });
  }
  for (int64_t k = 0; k < n; ++k) {
    const int64_t now = of(order[static_cast<size_t>(k)]);
    if (now <= 0 || now > steps) {
      fail(Status::kInvalidArgument, kOp, ": length out of range: ", now,
           ": lengths must be in [1, ", steps, "], the steps of input");
    }
    if (k > 0 && now > of(order[static_cast<size_t>(k - 1)])) {
      fail(Status::kInvalidArgument, kOp, ": lengths not sorted: ", now, " at position ", k,
           ": must not grow; sort them, or give enforce_sorted false");
    }
  }
  std::vector<int64_t> rows, sizes;
  for (int64_t t = 0; t < of(order[0]); ++t) {
    int64_t k = 0;
    for (; k < n && of(order[static_cast<size_t>(k)]) > t; ++k) {
      const int64_t sample = order[static_cast<size_t>(k)];
      rows.push_back(batch_first ? sample * steps + t : t * n + sample);
    }
    sizes.push_back(k);
  }
  PackedSequence p{index_select(as_rows(input), 0, tensor_of(rows)), tensor_of(sizes), {}, {}};
  if (!enforce_sorted) {
    std::vector<int64_t> back(order.size());
    for (int64_t k = 0; k < n; ++k) back[static_cast<size_t>(order[static_cast<size_t>(k)])] = k;
    p.sorted_indices = tensor_of(order);
    p.unsorted_indices = tensor_of(back);
  }
  return p;
}

PaddedSequence pad_packed_sequence(const PackedSequence& packed, bool batch_first,
                                   double padding_value, std::optional<int64_t> total_length) {
  constexpr std::string_view kOp = "pad_packed_sequence";
  check_defined(kOp, "data", packed.data);
  const std::vector<int64_t> sizes = integers(kOp, "batch_sizes", packed.batch_sizes);
  const int64_t longest = static_cast<int64_t>(sizes.size());
  const int64_t n = sizes.empty() ? 0 : sizes[0], steps = total_length.value_or(longest);
  if (steps < longest) {
    fail(Status::kInvalidArgument, kOp, ": total_length too small: ", steps,
         ": must be at least the longest sequence's length ", longest);
  }
  int64_t rows = 0, before = n;
  for (const int64_t s : sizes) {
    if (s <= 0 || s > before) rows = -1;
    if (rows < 0) break;
    rows += s;
    before = s;
  }
  if (packed.data.dim() < 1 || sizes.empty() || rows != packed.data.size(0)) {
    fail(Status::kShape, kOp, ": shape mismatch: data ", shape_string(packed.data.sizes()), ", ",
         longest, " batch sizes: they must be positive, not grow and add up to the rows of data");
  }
  // Sample b of the result is sample place[b] of the packed rows.
  std::vector<int64_t> place(static_cast<size_t>(n));
  std::iota(place.begin(), place.end(), 0);
  if (packed.unsorted_indices.defined()) {
    place = integers(kOp, "unsorted_indices", packed.unsorted_indices);
    const bool fits =
        static_cast<int64_t>(place.size()) == n &&
        std::all_of(place.begin(), place.end(), [&](int64_t i) { return i >= 0 && i < n; });
    if (!fits) {
      fail(Status::kInvalidArgument, kOp, ": wrong unsorted_indices: ", place.size(),
           " values: must be ", n, " places of samples");
    }
  }
  Dims pad_sizes = packed.data.sizes();
  pad_sizes[0] = 1;  // the row behind data: padding
  const Tensor with_padding[] = {
      packed.data, full(pad_sizes, padding_value, packed.data.dtype(), packed.data.device())};
  std::vector<int64_t> source(static_cast<size_t>(steps * n), rows), length(place.size(), 0);
  int64_t first = 0;
  for (int64_t t = 0; t < longest; first += sizes[static_cast<size_t>(t)], ++t) {
    for (int64_t b = 0; b < n; ++b) {
      const int64_t at = place[static_cast<size_t>(b)];
      if (at >= sizes[static_cast<size_t>(t)]) continue;
      source[static_cast<size_t>(batch_first ? b * steps + t : t * n + b)] = first + at;
      length[static_cast<size_t>(b)] = t + 1;
    }
  }
  Dims result = batch_first ? Dims{n, steps} : Dims{steps, n};
  for (int d = 1; d < packed.data.dim(); ++d) result.push_back(packed.data.size(d));
  const Tensor flat =
      index_select(mt::cat(std::span<const Tensor>(with_padding)), 0, tensor_of(source));
  return {reshape(flat, result), tensor_of(length)};
}

Tensor pad_sequence(std::span<const Tensor> sequences, bool batch_first, double padding_value) {
  constexpr std::string_view kOp = "pad_sequence";
  if (sequences.empty()) {
    fail(Status::kInvalidArgument, kOp, ": no sequences: 0 given: at least one is needed");
  }
  int64_t longest = 0;
  for (const Tensor& s : sequences) {
    check_defined(kOp, "sequence", s);
    bool fits = s.dim() >= 1 && s.dim() == sequences[0].dim();
    for (int d = 1; fits && d < s.dim(); ++d) fits = s.size(d) == sequences[0].size(d);
    if (!fits) {
      fail(Status::kShape, kOp, ": shape mismatch: sequences ", shape_string(sequences[0].sizes()),
           " and ", shape_string(s.sizes()), ": must have one shape but for the first dim");
    }
    longest = std::max(longest, s.size(0));
  }
  TensorList padded;
  for (const Tensor& s : sequences) {
    Dims pad(2 * s.dim());
    pad[2 * s.dim() - 1] = longest - s.size(0);
    padded.push_back(s.size(0) == longest ? s : constant_pad_nd(s, pad, padding_value));
  }
  return stack(padded, batch_first ? 0 : 1);
}

}  // namespace mt::nn
