// An optimizer whose step is one fused kernel of kernels/optim.h: a class says what the kernel
// gets.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "kernels/optim.h"
#include "ops/common.h"
#include "optim/optimizers.h"

namespace mt {

class FusedOptimizer : public Optimizer {
 protected:
  FusedOptimizer(const char* type_name, std::span<const OptionSpec> specs, OptimStep step)
      : Optimizer(type_name, specs), step_(step) {}

  // Makes the state and computes the numbers of this step. Options 4 is weight_decay unless the
  // class says otherwise in a.weight_decay.
  virtual void prepare(const ParamGroup& g, ParamState& s, const Tensor& p, OptimArgs& a) = 0;
  // Whether the group's options use a state tensor; one left from other options stays as it is.
  virtual bool uses_state(const ParamGroup&, size_t) const { return true; }

  // Fills in a state tensor that is not there yet; whether it did.
  static bool make_state(ParamState& s, size_t k, const Tensor& p, double value = 0) {
    if (s.tensors[k].defined()) return false;
    s.tensors[k] = filled_like(p, value);
    return true;
  }
  static void set(OptimArgs& a, std::initializer_list<double> f) {
    std::copy(f.begin(), f.end(), a.f);
  }

  void update(const ParamGroup& g, ParamState& s, const Tensor& p, const Tensor& grad) final {
    const OptimKernel kernel = optim_kernel(step_, p.device(), p.dtype());
    if (!kernel) fail_unsupported(type_name_, p.device(), p.dtype());
    OptimArgs a{};
    a.weight_decay = value(g, 4);
    prepare(g, s, p, a);
    a.param = p.data();
    a.grad = grad.data();
    for (size_t k = 0; k < s.tensors.size(); ++k) {
      a.state[k] = uses_state(g, k) ? s.tensors[k].data() : nullptr;
    }
    a.n = p.numel();
    kernel(a);
  }

 private:
  OptimStep step_;
};

}  // namespace mt
