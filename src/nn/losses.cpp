// Loss modules: thin faces of ops/loss.h that hold their options.
#include "nn/arity.h"
#include "nn/layers.h"

namespace mt::nn {
namespace {

// A loss of (input, target); `weights` become buffers, as in torch, so that they move and save
// with the module.
class Loss final : public Module {
 public:
  using Function = std::function<Tensor(const Loss&, const Tensor& input, const Tensor& target)>;
  Loss(std::string name, Function f) : Module(std::move(name)), f_(std::move(f)) {}
  TensorList forward(std::span<const Tensor> inputs) override {
    check_inputs(type_name_, inputs, 2);
    return {f_(*this, inputs[0], inputs[1])};
  }
  const Tensor& buffer(int i) const { return buffers_[static_cast<size_t>(i)].second; }

 private:
  Function f_;
};

ModuleRef loss(std::string name, Loss::Function f) {
  return ModuleRef::adopt(new Loss(std::move(name), std::move(f)));
}

}  // namespace

ModuleRef mse_loss(Reduction r) {
  return loss("MSELoss",
              [r](const Loss&, const Tensor& x, const Tensor& y) { return mt::mse_loss(x, y, r); });
}

ModuleRef l1_loss(Reduction r) {
  return loss("L1Loss",
              [r](const Loss&, const Tensor& x, const Tensor& y) { return mt::l1_loss(x, y, r); });
}

ModuleRef bce_loss(const Tensor& weight, Reduction r) {
  ModuleRef m = loss("BCELoss", [r](const Loss& self, const Tensor& x, const Tensor& y) {
    return mt::binary_cross_entropy(x, y, self.buffer(0), r);
  });
  m->register_buffer("weight", weight);
  return m;
}

ModuleRef bce_with_logits_loss(const Tensor& weight, Reduction r, const Tensor& pos_weight) {
  ModuleRef m = loss("BCEWithLogitsLoss", [r](const Loss& self, const Tensor& x, const Tensor& y) {
    return mt::binary_cross_entropy_with_logits(x, y, self.buffer(0), r, self.buffer(1));
  });
  m->register_buffer("weight", weight);
  m->register_buffer("pos_weight", pos_weight);
  return m;
}

ModuleRef nll_loss(const Tensor& weight, int64_t ignore, Reduction r) {
  ModuleRef m = loss("NLLLoss", [r, ignore](const Loss& self, const Tensor& x, const Tensor& y) {
    return mt::nll_loss(x, y, self.buffer(0), r, ignore);
  });
  m->register_buffer("weight", weight);
  return m;
}

ModuleRef cross_entropy_loss(const Tensor& weight, int64_t ignore, Reduction r, double smoothing) {
  ModuleRef m = loss("CrossEntropyLoss",
                     [r, ignore, smoothing](const Loss& self, const Tensor& x, const Tensor& y) {
                       return mt::cross_entropy(x, y, self.buffer(0), r, ignore, smoothing);
                     });
  m->register_buffer("weight", weight);
  return m;
}

}  // namespace mt::nn
