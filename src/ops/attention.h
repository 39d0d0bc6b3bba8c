// Attention of several heads over projected queries, keys and values: one node. Differentiable to
// any order.
#pragma once

#include "core/tensor.h"
#include "ops/embedding.h"

namespace mt {

// Columns [column, column + heads * size) of a tensor of 3 dims. Several may share one tensor,
// where their columns must not overlap.
struct HeadSource {
  Tensor tensor;
  int64_t column = 0;
};

struct HeadOptions {
  int64_t heads = 1;
  int64_t size = 0;  // features of one head; query, key and value have heads * size
  bool batch_first = false;
  double dropout_p = 0;
  bool want_weights = false;
};

// softmax(query key^T / sqrt(size) + mask) value for every sample and head. Sources are
// (time, batch, *), or (batch, time, *) with batch_first; key and value have one length. The mask,
// added, broadcasts to (batch, heads, length of query, length of key); or undefined. Output:
// (time, batch, heads * size) in the sources' order of dims. Weights, after dropout, where wanted:
// (batch, heads, length of query, length of key).
Attention head_attention(const HeadSource& query, const HeadSource& key, const HeadSource& value,
                         const Tensor& mask, const HeadOptions& options);

}  // namespace mt
