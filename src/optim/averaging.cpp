// Averaged models; see averaging.h.
#include "optim/averaging.h"

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/view.h"

namespace mt {

AveragedModel::AveragedModel(ModuleRef module, AverageFn average, bool use_buffers)
    : Module("AveragedModel"), average_(std::move(average)), use_buffers_(use_buffers) {
  register_buffer("n_averaged", Tensor::from_scalar(int64_t{0}, DType::kInt64));
  register_module("module", std::move(module));
}

TensorList AveragedModel::forward(std::span<const Tensor> inputs) {
  return get_submodule("module")->call(inputs);
}

void AveragedModel::update_parameters(const Module& model) {
  GradMode off(false);
  const ModuleRef averaged = get_submodule("module");
  NamedTensors own = averaged->named_parameters(), from = model.named_parameters();
  if (use_buffers_) {
    for (auto& b : averaged->named_buffers()) own.push_back(std::move(b));
    for (auto& b : model.named_buffers()) from.push_back(std::move(b));
  }
  if (own.size() != from.size()) {
    fail(Status::kState, "update_parameters: structure mismatch: the average has ", own.size(),
         " tensors, the model ", from.size(), ": both must be of one structure");
  }
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i].second.sizes() == from[i].second.sizes()) continue;
    fail(Status::kShape, "update_parameters: shape mismatch: '", own[i].first, "' is ",
         shape_string(own[i].second.sizes()), ", '", from[i].first, "' of the model ",
         shape_string(from[i].second.sizes()), ": both must be of one structure");
  }
  const Tensor count = get_buffer("n_averaged");
  const int64_t n = count.item("update_parameters").to_int();
  std::vector<Tensor> averages;  // all before any is written
  for (size_t i = 0; i < own.size(); ++i) {
    const Tensor mine = detach(own[i].second), value = detach(from[i].second);
    if (n == 0) {
      averages.push_back(value);
    } else if (average_) {
      averages.push_back(average_(mine, value, n));
      check_defined("update_parameters", "the average", averages.back());
    } else {
      const Tensor divisor = Tensor::from_scalar(static_cast<double>(n + 1));
      averages.push_back(add(mine, div(sub(value, mine), divisor)));
    }
  }
  for (size_t i = 0; i < own.size(); ++i) copy_(detach(own[i].second), averages[i]);
  copy_(count, Tensor::from_scalar(n + 1, DType::kInt64));
}

namespace {

// BatchNorm layers with their momentum, which they get back.
class Collecting {
 public:
  explicit Collecting(Module& model) : model_(model), was_training_(model.training()) {
    for (const auto& [path, m] : model.named_modules()) {
      const std::string& type = m->type_name();
      if (type.starts_with("BatchNorm") || type == "SyncBatchNorm") layers_.emplace_back(m, "");
    }
  }
  Collecting(const Collecting&) = delete;
  Collecting& operator=(const Collecting&) = delete;
  ~Collecting() {
    for (const auto& [m, momentum] : layers_) {
      if (!momentum.empty()) m->set_option("momentum", momentum);
    }
    if (begun_) model_.train(was_training_);
  }
  bool begin() {
    if (layers_.empty()) return false;
    begun_ = true;
    model_.train(true);
    for (auto& [m, momentum] : layers_) {
      for (const auto& [name, t] : m->own_buffers()) {
        if (!t.defined()) continue;
        fill_values(t, name == "running_var" ? 1 : 0);
        mark_written(t);
      }
      momentum = m->get_option("momentum");
      m->set_option("momentum", "None");  // averages of all batches
    }
    return true;
  }

 private:
  Module& model_;
  bool was_training_, begun_ = false;
  std::vector<std::pair<ModuleRef, std::string>> layers_;
};

}  // namespace

void update_bn(Module& model, const std::function<Tensor()>& next) {
  GradMode off(false);
  Collecting layers(model);
  if (!layers.begin()) return;
  while (true) {
    const Tensor batch = next();
    if (!batch.defined()) break;
    model.call(std::span<const Tensor>(&batch, 1));
  }
}

AverageFn ema_average(double decay) {
  return [decay](const Tensor& averaged, const Tensor& value, int64_t) {
    return add(mul(averaged, Tensor::from_scalar(decay)),
               mul(value, Tensor::from_scalar(1 - decay)));
  };
}

}  // namespace mt
