// Feature extraction: a module that gives the outputs of submodules, taken by forward hooks. Once
// the last one is there, the rest of the model is left out.
#include <algorithm>
#include <mutex>

#include "core/error.h"
#include "nn/layers.h"
#include "vision/models/models.h"

namespace mt::vision::models {
namespace {

// One forward of an extractor on this thread; extractors may run inside each other.
struct Recording {
  const void* extractor;
  TensorList outputs;
  size_t missing;
  bool may_stop;
  Recording* outer;
};
thread_local Recording* t_recording = nullptr;

// Thrown by a hook when nothing is missing.
struct AllRecorded {};

class RecordHook final : public ModuleHook {
 public:
  RecordHook(const void* extractor, size_t index) : extractor_(extractor), index_(index) {}
  void call(Module&, TensorList&, TensorList* outputs) override {
    for (Recording* r = t_recording; r; r = r->outer) {
      if (r->extractor != extractor_) continue;
      Tensor& place = r->outputs[index_];
      if (!place.defined() && !outputs->empty()) {
        place = (*outputs)[0];
        --r->missing;
      }
      if (r->missing == 0 && r->may_stop && r == t_recording) throw AllRecorded();
      return;
    }
  }

 private:
  const void* extractor_;
  size_t index_;
};

class FeatureExtractor final : public Module {
 public:
  FeatureExtractor(const ModuleRef& model, std::vector<std::string> nodes)
      : Module(model->type_name()), model_(model->copy()), nodes_(std::move(nodes)) {
    training_ = model->training();
    children_ = model->children();
    parameters_ = model->own_parameters();
    buffers_ = model->own_buffers();
    connect();
  }
  ~FeatureExtractor() override { disconnect(); }
  FeatureExtractor& operator=(const FeatureExtractor&) = delete;

  ModuleRef copy() const override { return ModuleRef::adopt(new FeatureExtractor(*this)); }

  TensorList forward(std::span<const Tensor> inputs) override {
    connect();
    Recording r{this, {}, nodes_.size(), may_stop_, t_recording};
    for (size_t i = 0; i < nodes_.size(); ++i) r.outputs.push_back(Tensor());
    const struct Entered {
      explicit Entered(Recording* now) { t_recording = now; }
      ~Entered() { t_recording = t_recording->outer; }
      Entered(const Entered&) = delete;
      Entered& operator=(const Entered&) = delete;
    } entered(&r);
    try {
      model_->call(inputs);
    } catch (const AllRecorded&) {  // what was wanted
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!r.outputs[i].defined()) {
        fail(Status::kState, "feature extractor: no output: '", nodes_[i], "' of ", type_name_,
             " did not run: every named submodule must be part of the forward");
      }
    }
    return std::move(r.outputs);
  }

 private:
  FeatureExtractor(const FeatureExtractor& other)
      : Module(other), model_(other.model_->copy()), nodes_(other.nodes_) {}

  // Brings the inner model and the hooks up to date with this module's contents, which may have
  // been replaced since.
  void connect() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (model_->training() != training_) model_->set_training(training_);
    // Nothing is written where nothing has changed: another thread may be in the model's forward.
    for (const auto& entry : children_) {
      const auto& own = model_->children();
      if (std::find(own.begin(), own.end(), entry) == own.end()) {
        model_->register_module(entry.first, entry.second);
      }
    }
    for (const auto& [name, t] : parameters_) {
      if (changed(model_->own_parameters(), name, t)) model_->register_parameter(name, t);
    }
    for (const auto& [name, t] : buffers_) {
      if (changed(model_->own_buffers(), name, t)) model_->register_buffer(name, t);
    }
    std::vector<ModuleRef> now;
    for (const std::string& node : nodes_) now.push_back(model_->get_submodule(node));
    if (std::equal(now.begin(), now.end(), hooked_.begin(), hooked_.end())) return;
    disconnect();
    for (size_t i = 0; i < now.size(); ++i) {
      const auto hook = Ref<ModuleHook>::adopt(new RecordHook(this, i));
      ids_.push_back(now[i]->register_forward_hook(hook));
      hooked_.push_back(now[i]);
    }
    // An exception must not pass through a forward of the host program.
    may_stop_ = std::none_of(nodes_.begin(), nodes_.end(), [&](const std::string& node) {
      for (size_t end = 0; end != std::string::npos; end = node.find('.', end + 1)) {
        const ModuleRef m = model_->get_submodule(std::string_view(node).substr(0, end));
        if (dynamic_cast<nn::CustomModule*>(m.get())) return true;
      }
      return false;
    });
  }

  static bool changed(const NamedTensors& list, const std::string& name, const Tensor& t) {
    return std::none_of(list.begin(), list.end(), [&](const auto& e) {
      return e.first == name && e.second.impl() == t.impl();
    });
  }

  void disconnect() {
    for (size_t i = 0; i < hooked_.size(); ++i) hooked_[i]->remove_hook(ids_[i]);
    hooked_.clear();
    ids_.clear();
  }

  ModuleRef model_;  // of the same children
  std::vector<std::string> nodes_;
  std::vector<ModuleRef> hooked_;
  std::vector<uint64_t> ids_;
  bool may_stop_ = false;
  std::mutex mutex_;
};

}  // namespace

ModuleRef feature_extractor(const ModuleRef& model, std::vector<std::string> nodes) {
  if (nodes.empty()) {
    fail(Status::kInvalidArgument, "feature extractor: no names: 0 given: at least one submodule ",
         "must be named");
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].empty() || std::find(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(i),
                                      nodes[i]) != nodes.begin() + static_cast<std::ptrdiff_t>(i)) {
      fail(Status::kInvalidArgument, "feature extractor: bad name: '", nodes[i],
           "': names must not be empty or come twice");
    }
  }
  return ModuleRef::adopt(new FeatureExtractor(model, std::move(nodes)));
}

}  // namespace mt::vision::models
