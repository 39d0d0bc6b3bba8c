// weight_norm and spectral_norm of torch.nn.utils: a parameter that is computed from others before
// each forward. The parameter's name then stands for a computed tensor (Module::set_computed).
#pragma once

#include <optional>

#include "nn/module.h"

namespace mt::nn {

// Replaces the parameter by its length along dim, `name`_g, and its direction, `name`_v (Salimans
// and Kingma, 2016): name = g v / |v|. dim -1: one length for the whole. kKey when the module has
// no such parameter, kState when it is normed already.
void weight_norm(Module& m, std::string_view name, int64_t dim);
// Ends that with a parameter of the present value; kKey when there is none.
void remove_weight_norm(Module& m, std::string_view name);

// Replaces the parameter by `name`_orig, and divides by its largest singular value, which the
// buffers `name`_u and `name`_v follow by n_power_iterations of the power method in each training
// forward (Miyato et al., 2018). dim: of the outputs; none: 1 for transposed convolutions, else 0.
struct SpectralNormOptions {
  int64_t n_power_iterations = 1;
  double eps = 1e-12;
  std::optional<int64_t> dim;
};
void spectral_norm(Module& m, std::string_view name, const SpectralNormOptions& o);
void remove_spectral_norm(Module& m, std::string_view name);

}  // namespace mt::nn
