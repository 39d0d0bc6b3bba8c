// Embeddings, one-hot, bilinear forms and attention.
#include "ops/embedding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/softmax.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

Tensor number(double x) { return Tensor::from_scalar(x); }

void check_table(std::string_view op, const Tensor& weight, const Tensor& indices) {
  check_defined(op, "weight", weight);
  check_defined(op, "indices", indices);
  check_one_device(op, {&weight, &indices});
  if (weight.dim() != 2) {
    fail(Status::kShape, op, ": wrong number of dims: weight ", shape_string(weight.sizes()),
         ": must be (rows, columns)");
  }
  if (indices.dtype() != DType::kInt64 && indices.dtype() != DType::kInt32) {
    fail(Status::kDType, op, ": dtype mismatch: indices are ", dtype_name(indices.dtype()),
         ": must be int64 or int32");
  }
}

std::optional<int64_t> checked_padding(std::string_view op, const Tensor& weight,
                                       std::optional<int64_t> padding_idx) {
  if (!padding_idx) return {};
  const int64_t rows = weight.size(0), i = *padding_idx;
  if (i < -rows || i >= rows) {
    fail(Status::kIndex, op, ": padding_idx out of range: ", i, ": weight has ", rows, " rows");
  }
  return i < 0 ? i + rows : i;
}

// Flat int64 indices, contiguous and in range.
Tensor flat_indices(std::string_view op, const Tensor& weight, const Tensor& indices) {
  const Tensor plain = contiguous_values(converted(indices, DType::kInt64));
  const Tensor flat = plain.alias({{plain.numel()}}, {{1}}, plain.offset());
  if (flat.is_meta()) return flat;
  const auto* at = flat.data_as<const int64_t>();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    if (at[i] >= 0 && at[i] < weight.size(0)) continue;
    fail(Status::kIndex, op, ": index out of range: ", at[i], " at position ", i, ": weight has ",
         weight.size(0), " rows");
  }
  return flat;
}

// What each looked-up row's gradient is multiplied by; undefined for ones.
Tensor row_factors(const Tensor& weight, const Tensor& flat, std::optional<int64_t> padding_idx,
                   bool by_frequency) {
  if ((!padding_idx && !by_frequency) || flat.is_meta()) return {};
  const Tensor out = Tensor::empty({{flat.numel(), 1}}, DType::kFloat64);
  const auto* at = flat.data_as<const int64_t>();
  auto* to = out.data_as<double>();
  std::vector<int64_t> counts(by_frequency ? static_cast<size_t>(weight.size(0)) : 0);
  if (by_frequency) {
    for (int64_t i = 0; i < flat.numel(); ++i) ++counts[static_cast<size_t>(at[i])];
  }
  for (int64_t i = 0; i < flat.numel(); ++i) {
    to[i] = padding_idx && at[i] == *padding_idx ? 0
            : by_frequency ? 1 / static_cast<double>(counts[static_cast<size_t>(at[i])])
                           : 1;
  }
  return converted(out, weight.dtype());
}

// The bag of every index: bags of flat indices begin at offsets.
Tensor bag_numbers(const Tensor& offsets, int64_t n, int64_t bags) {
  const Tensor out = Tensor::empty({{n}}, DType::kInt64);
  auto* to = out.data_as<int64_t>();
  const auto* starts = offsets.data_as<const int64_t>();
  for (int64_t b = 0; b < bags; ++b) {
    const int64_t end = b + 1 < offsets.numel() ? starts[b + 1] : n;
    std::fill(to + starts[b], to + end, b);
  }
  return out;
}

// For every bag and column the position of its largest value; -1 for none.
Tensor largest_positions(const Tensor& rows, const Tensor& bag, const Tensor& skip, int64_t bags) {
  const Tensor values = contiguous_values(converted(rows, DType::kFloat64));
  const int64_t n = values.size(0), columns = values.size(1);
  const Tensor out = Tensor::empty({{bags, columns}}, DType::kInt64);
  fill_values(out, -1);
  const auto* x = values.data_as<const double>();
  const auto* of = bag.data_as<const int64_t>();
  const auto* skipped = skip.defined() ? skip.data_as<const uint8_t>() : nullptr;
  auto* best = out.data_as<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    if (skipped && skipped[i]) continue;
    for (int64_t c = 0; c < columns; ++c) {
      int64_t& at = best[of[i] * columns + c];
      if (at < 0 || x[i * columns + c] > x[at * columns + c]) at = i;
    }
  }
  return out;
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, std::optional<int64_t> padding_idx,
                 bool scale_grad_by_freq) {
  constexpr std::string_view kOp = "embedding";
  check_table(kOp, weight, indices);
  const auto padding = checked_padding(kOp, weight, padding_idx);
  const Tensor flat = flat_indices(kOp, weight, indices);
  Dims sizes = indices.sizes();
  sizes.push_back(weight.size(1));
  Tensor out;
  {
    GradMode off(false);
    out = reshape(index_select(weight, 0, flat), sizes);
  }
  if (recording(weight)) {
    const Tensor factors = row_factors(weight, flat, padding, scale_grad_by_freq);
    record("EmbeddingBackward0", out, {&weight},
           [flat = save(flat), rows = weight.size(0), columns = weight.size(1),
            factors = save_if(factors.defined(), factors), dtype = weight.dtype(),
            device = weight.device()](const GradIn& g) -> Grads {
             const Tensor at = flat.get(g);
             Tensor each = reshape(g[0], {{at.numel(), columns}});
             if (factors.defined()) each = each * factors.get(g);
             return {index_add(zeros({{rows, columns}}, dtype, device), 0, at, each)};
           });
  }
  return out;
}

const Tensor& embedding_renorm_(const Tensor& weight, const Tensor& indices, double max_norm,
                                double norm_type) {
  constexpr std::string_view kOp = "embedding_renorm_";
  check_table(kOp, weight, indices);
  check_floating(kOp, weight);
  const Tensor flat = flat_indices(kOp, weight, indices);
  check_inplace(kOp, weight);
  if (!flat.is_meta() && flat.numel() != 0) {
    GradMode off(false);
    std::vector<int64_t> rows(flat.data_as<const int64_t>(),
                              flat.data_as<const int64_t>() + flat.numel());
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    for (const int64_t r : rows) {
      const Tensor row = select(weight, 0, r);
      const double length = norm(row, norm_type).item().to_double();
      if (length > max_norm) copy_values(row, row * (max_norm / (length + 1e-7)));
    }
  }
  mark_written(weight);
  return weight;
}

Tensor embedding_bag(const Tensor& weight, const Tensor& indices, const Tensor& offsets,
                     const Tensor& per_sample_weights, std::string_view mode,
                     bool include_last_offset, std::optional<int64_t> padding_idx,
                     bool scale_grad_by_freq) {
  constexpr std::string_view kOp = "embedding_bag";
  check_table(kOp, weight, indices);
  const auto padding = checked_padding(kOp, weight, padding_idx);
  if (mode != "sum" && mode != "mean" && mode != "max") {
    fail(Status::kInvalidArgument, kOp, ": unknown mode: '", mode, "': must be sum, mean or max");
  }
  if (per_sample_weights.defined()) {
    check_same_dtype(kOp, "weight", weight, "per_sample_weights", per_sample_weights);
    if (mode != "sum" || !(per_sample_weights.sizes() == indices.sizes())) {
      fail(Status::kInvalidArgument, kOp, ": wrong arguments: per_sample_weights ",
           shape_string(per_sample_weights.sizes()), " with indices ",
           shape_string(indices.sizes()), " and mode '", mode,
           "': they must have the indices' shape, and the mode must be sum");
    }
  }
  const int64_t n = indices.numel();
  int64_t bags = 0;
  Tensor starts;
  if (indices.dim() == 2 && !offsets.defined()) {
    const int64_t rows = indices.size(0);
    starts = rows == 0 ? Tensor::empty({{0}}, DType::kInt64)
                       : mul(arange(rows), Tensor::from_scalar(indices.size(1)));
    bags = rows - (include_last_offset ? 1 : 0);
  } else if (indices.dim() == 1 && offsets.defined() && offsets.dim() == 1) {
    starts = contiguous_values(converted(offsets, DType::kInt64));
    bags = starts.numel() - (include_last_offset ? 1 : 0);
  } else {
    fail(Status::kShape, kOp, ": wrong number of dims: indices ", shape_string(indices.sizes()),
         ": must be (bags, n) without offsets, or (n) with offsets (bags)");
  }
  const Dims sizes{std::max<int64_t>(bags, 0), weight.size(1)};
  if (weight.is_meta()) return Tensor::empty(sizes, weight.dtype(), Device::kMeta);
  const auto* at = starts.data_as<const int64_t>();
  for (int64_t b = 0; b < starts.numel(); ++b) {
    if (at[b] >= (b == 0 ? 0 : at[b - 1]) && at[b] <= n && (b != 0 || at[b] == 0)) continue;
    fail(Status::kIndex, kOp, ": offsets out of range: ", at[b], " at position ", b,
         ": must begin with 0, not fall and not pass the ", n, " indices");
  }
  if (bags < 0) {
    fail(Status::kShape, kOp, ": shape mismatch: offsets (0,) with include_last_offset: ",
         "at least one offset is needed");
  }
  // With include_last_offset what is behind the last offset belongs to no bag.
  const int64_t used = include_last_offset ? at[bags] : n;
  const Tensor ids = narrow(flat_indices(kOp, weight, indices), 0, 0, used);
  const Tensor bag = bag_numbers(starts, used, bags);
  Tensor rows = embedding(weight, ids, padding, scale_grad_by_freq);
  const Tensor skip = padding ? eq(ids, Tensor::from_scalar(*padding)) : Tensor();
  if (mode == "max") {
    const Tensor best = largest_positions(rows, bag, skip, bags);
    if (used == 0) return zeros(sizes, weight.dtype());
    const Tensor none = lt(best, number(0));
    const Tensor values = gather(rows, 0, where(none, Tensor::from_scalar(0), best));
    return where(none, number(0), values);
  }
  if (skip.defined()) rows = masked_fill(rows, unsqueeze(skip, 1), Scalar(0));
  if (per_sample_weights.defined()) {
    const Tensor factors = narrow(reshape(per_sample_weights, {{n}}), 0, 0, used);
    rows = rows * unsqueeze(factors, 1);
  }
  const Tensor total = index_add(zeros(sizes, weight.dtype()), 0, bag, rows);
  if (mode == "sum") return total;
  std::vector<double> count(static_cast<size_t>(bags), 0);
  for (int64_t i = 0; i < used; ++i) {
    if (skip.defined() && skip.data_as<const uint8_t>()[i]) continue;
    ++count[static_cast<size_t>(bag.data_as<const int64_t>()[i])];
  }
  const Tensor divisor = Tensor::empty({{bags, 1}}, DType::kFloat64);
  for (int64_t b = 0; b < bags; ++b) {
    divisor.data_as<double>()[b] = std::max(1.0, count[static_cast<size_t>(b)]);
  }
  return total / converted(divisor, weight.dtype());
}

Tensor one_hot(const Tensor& self, int64_t num_classes) {
  constexpr std::string_view kOp = "one_hot";
  check_defined(kOp, "self", self);
  if (self.dtype() != DType::kInt64) {
    fail(Status::kDType, kOp, ": dtype mismatch: input is ", dtype_name(self.dtype()),
         ": must be int64");
  }
  if (num_classes < -1 || (num_classes < 1 && self.numel() == 0)) {
    fail(Status::kInvalidArgument, kOp, ": value out of range: num_classes ", num_classes,
         ": must be positive, or -1 for as many as a tensor that is not empty needs");
  }
  int64_t classes = num_classes;
  if (classes == -1) {
    if (self.is_meta()) {
      fail(Status::kDevice, kOp, ": no data: input on meta: num_classes must be given");
    }
    classes = max(self).item().to_int() + 1;
  }
  if (!self.is_meta() && self.numel() != 0) {
    const int64_t low = min(self).item().to_int(), high = max(self).item().to_int();
    if (low < 0 || high >= classes) {
      fail(Status::kIndex, kOp, ": class out of range: ", low < 0 ? low : high, ": must be in [0, ",
           classes, ")");
    }
  }
  Dims sizes = self.sizes();
  sizes.push_back(classes);
  const Tensor out = zeros(sizes, DType::kInt64, self.device());
  if (out.numel() == 0) return out;
  return scatter(out, -1, unsqueeze(self, -1), Scalar(1));
}

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  constexpr std::string_view kOp = "bilinear";
  check_defined(kOp, "input1", input1);
  check_defined(kOp, "input2", input2);
  check_defined(kOp, "weight", weight);
  check_devices(kOp, {&input1, &input2, &weight, &bias});
  const int n = input1.dim();
  bool fits = n >= 1 && input2.dim() == n && weight.dim() == 3 &&
              input1.size(n - 1) == weight.size(1) && input2.size(n - 1) == weight.size(2);
  for (int d = 0; fits && d + 1 < n; ++d) fits = input1.size(d) == input2.size(d);
  if (!fits) {
    fail(Status::kShape, kOp, ": shape mismatch: input1 ", shape_string(input1.sizes()),
         ", input2 ", shape_string(input2.sizes()), ", weight ", shape_string(weight.sizes()),
         ": must be (..., i), (..., j) and (o, i, j)");
  }
  const int64_t o = weight.size(0), i = weight.size(1), j = weight.size(2);
  const int64_t rows = input1.numel() / std::max<int64_t>(1, i);
  Dims sizes = input1.sizes();
  sizes[n - 1] = o;
  const int64_t count = i == 0 ? numel_of(sizes) / std::max<int64_t>(1, o) : rows;
  const Tensor x = reshape(input1, {{count, i}}), y = reshape(input2, {{count, 1, j}});
  const Tensor by_i = reshape(permute(weight, {{1, 0, 2}}), {{i, o * j}});
  const Tensor pairs = reshape(mm(x, by_i), {{count, o, j}}) * y;
  const Tensor out = reshape(sum(pairs, {{2}}, false, pairs.dtype()), sizes);
  if (!bias.defined()) return out;
  if (bias.dim() != 1 || bias.size(0) != o) {
    fail(Status::kShape, kOp, ": shape mismatch: bias ", shape_string(bias.sizes()), ": must be (",
         o, ",)");
  }
  return out + bias;
}

Attention scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                       const Tensor& attn_mask, double dropout_p, bool is_causal,
                                       Generator* generator) {
  constexpr std::string_view kOp = "scaled_dot_product_attention";
  check_defined(kOp, "query", query);
  check_defined(kOp, "key", key);
  check_defined(kOp, "value", value);
  check_devices(kOp, {&query, &key, &value, &attn_mask});
  check_floating(kOp, query);
  if (query.dim() < 2 || key.dim() < 2 || value.dim() < 2) {
    fail(Status::kShape, kOp, ": too few dims: query ", shape_string(query.sizes()), ", key ",
         shape_string(key.sizes()), ", value ", shape_string(value.sizes()),
         ": at least 2 are needed, (..., sequence, features)");
  }
  if (is_causal && attn_mask.defined()) {
    fail(Status::kInvalidArgument, kOp,
         ": wrong arguments: is_causal with attn_mask: only one can be given");
  }
  const double features = static_cast<double>(query.size(query.dim() - 1));
  Tensor scores = matmul(query / std::sqrt(features), transpose(key, -2, -1));
  Tensor mask = attn_mask;
  if (is_causal) {
    const Dims sizes{query.size(query.dim() - 2), key.size(key.dim() - 2)};
    mask = tril(ones(sizes, DType::kBool, query.device()));
  }
  if (mask.defined()) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    scores = mask.dtype() == DType::kBool ? masked_fill(scores, logical_not(mask), Scalar(-kInf))
                                          : scores + mask;
  }
  Tensor weights = softmax(scores, -1);
  if (dropout_p > 0) weights = dropout(weights, dropout_p, true, generator);
  Tensor output = matmul(weights, value);
  return {std::move(output), std::move(weights)};
}

}  // namespace mt
