// Look-up of rows of a table by int64 or int32 indices, and products with pairs of vectors.
// Differentiable to any order in floating arguments. kIndex for an index that is out of range.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"
#include "ops/random.h"

namespace mt {

// weight[indices]; the row padding_idx (negative: from the end) gets no gradient. The gradient of a
// row may be divided by how often it was looked up.
Tensor embedding(const Tensor& weight, const Tensor& indices,
                 std::optional<int64_t> padding_idx = {}, bool scale_grad_by_freq = false);
// Scales the rows that `indices` name and whose norm is above max_norm down to it.
const Tensor& embedding_renorm_(const Tensor& weight, const Tensor& indices, double max_norm,
                                double norm_type = 2);
// Sums, means or maxima of bags of rows: the rows of `indices` (b, n) are bags, or bags of 1-D
// `indices` begin at `offsets`. Rows at padding_idx do not count; empty bags give zeros.
Tensor embedding_bag(const Tensor& weight, const Tensor& indices, const Tensor& offsets = {},
                     const Tensor& per_sample_weights = {}, std::string_view mode = "mean",
                     bool include_last_offset = false, std::optional<int64_t> padding_idx = {},
                     bool scale_grad_by_freq = false);
// int64 (..., num_classes) of zeros with a one at each index; -1: as many as the largest index + 1.
Tensor one_hot(const Tensor& self, int64_t num_classes = -1);

// input1 (..., i) and input2 (..., j) by weight (o, i, j): sum of input1 weight input2, plus bias.
Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias = {});

struct Attention {
  Tensor output, weights;
};
// softmax(query key^T / sqrt(e) + attn_mask) value, and the softmax. A bool mask is true where a
// query may look; is_causal: query i looks at keys up to i. dropout_p > 0 drops from the softmax.
Attention scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                       const Tensor& attn_mask = {}, double dropout_p = 0,
                                       bool is_causal = false, Generator* generator = nullptr);

}  // namespace mt
