// Recurrent layers over whole sequences: one node for all steps of one layer in one direction.
// Differentiable to any order.
#pragma once

#include "kernels/recurrent.h"
#include "core/tensor.h"

namespace mt {

struct Recurrent {
  Tensor out;     // [rows, width], the hidden state after every step
  Tensor hidden;  // [batch, width], the last one of every sample
  Tensor memory;  // [batch, hidden], an LSTM's cell state
};

// What a layer starts from and its weights; undefined where a layer has none.
struct RecurrentState {
  Tensor hidden;  // [batch, width]
  Tensor memory;  // [batch, hidden], of an LSTM
};
struct RecurrentWeights {
  Tensor hidden;      // [gates * hidden, width]
  Tensor bias;        // [gates * hidden], added to the hidden state's part of the gates; or none
  Tensor projection;  // [width, hidden], what an LSTM's output goes through; or none
};

// `x` is the input's part of the gates, [rows, gates * hidden], in a floating dtype: step t has
// batch_sizes[t] rows, those of t = 0 first, and sample i is row i of every step it takes part in.
// Sizes never grow from one step to the next. `reverse` begins with the last step.
Recurrent recurrent(Cell cell, const Tensor& x, const RecurrentState& state,
                    const RecurrentWeights& weights, IntSpan batch_sizes, bool reverse = false);

}  // namespace mt
