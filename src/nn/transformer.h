// Stacks of transformer layers and what goes with them; the layers themselves and Transformer are
// in layer_options.h.
#pragma once

#include "nn/module.h"

namespace mt::nn {

// num_layers copies of `layer`, then `norm` unless it is null. Inputs of the encoder: src, mask,
// src_key_padding_mask; of the decoder: tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
// memory_key_padding_mask. Masks may be undefined or missing; each layer gets them all.
ModuleRef transformer_encoder(const ModuleRef& layer, int64_t num_layers, ModuleRef norm = {});
ModuleRef transformer_decoder(const ModuleRef& layer, int64_t num_layers, ModuleRef norm = {});

// (size, size): 0 where a position may look, -inf at the positions behind it.
Tensor square_subsequent_mask(int64_t size, DType dtype = default_dtype(),
                              Device device = Device::kCPU);

}  // namespace mt::nn
