// A value that a gradient rule needs later. It never forms a reference cycle with the graph, and
// notices when the value was overwritten in place in the meantime.
#pragma once

#include "autograd/meta.h"

namespace mt {

class SavedTensor {
 public:
  SavedTensor() = default;
  // `is_output`: t is (to be) an output of the node that holds this.
  explicit SavedTensor(const Tensor& t, bool is_output = false);

  // The value; with its gradient history when grad mode is on. Throws kAutograd when t was
  // written in place after it was saved.
  Tensor get(const GradIn& in) const;
  bool defined() const { return tensor_.defined(); }

 private:
  Tensor tensor_;      // an alias without history, or the leaf itself
  Ref<Node> grad_fn_;  // history of an input
  uint32_t output_nr_ = 0;
  uint32_t version_ = 0;
  bool is_output_ = false;
  bool is_leaf_ = false;
};

// Saves t only when `wanted` (the gradient that needs it will be asked for).
inline SavedTensor save_if(bool wanted, const Tensor& t) {
  return wanted ? SavedTensor(t) : SavedTensor();
}
inline SavedTensor save(const Tensor& t) { return SavedTensor(t); }
inline SavedTensor save_output(const Tensor& t) { return SavedTensor(t, true); }

}  // namespace mt
