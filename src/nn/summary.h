// What a model consists of and costs, found by running it on the meta device: no values are
// computed, and no memory is needed.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace mt::nn {

struct SummaryRow {
  std::string path;  // "body.0"; "" for the model itself
  std::string type_name;
  int depth = 0;
  bool called = false;
  Dims output_sizes;          // of the first output of the last call
  int64_t parameters = 0;     // of its own, without its children's
  int64_t trainable = 0;      // of these
  int64_t multiply_adds = 0;  // of all calls, without its children's
  int64_t output_bytes = 0;   // of all calls; 0 for a module with children
};

struct Summary {
  std::vector<SummaryRow> rows;  // the model and its descendants, each once, in torch's order
  int64_t parameters = 0, trainable = 0, multiply_adds = 0;
  int64_t input_bytes = 0, parameter_bytes = 0, output_bytes = 0;
  std::string text() const;  // a table
};

// Runs the model once in eval mode on tensors of the inputs' sizes and dtypes; undefined inputs
// stay so. The model is as it was afterwards.
Summary summarise(Module& model, std::span<const Tensor> inputs);

}  // namespace mt::nn
