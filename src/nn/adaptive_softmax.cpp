// AdaptiveLogSoftmaxWithLoss (Grave et al., "Efficient softmax approximation for GPUs", 2017):
// frequent classes in a head, rare ones in clusters, each of which the head has one entry for.
#include "nn/adaptive_softmax.h"

#include <cmath>

#include "nn/arity.h"
#include "nn/containers.h"
#include "nn/layer_options.h"
#include "nn/layers.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/index_more.h"
#include "ops/join.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

Tensor number(int64_t v) { return Tensor::from_scalar(Scalar(v)); }

class AdaptiveSoftmax final : public Layer<AdaptiveSoftmax, AdaptiveLogSoftmaxWithLossOptions> {
 public:
  explicit AdaptiveSoftmax(AdaptiveLogSoftmaxWithLossOptions given) : Layer(std::move(given)) {
    const auto& o = options_;
    check_cutoffs();
    const auto add_linear = [&](int64_t in, int64_t out, bool bias) {
      LinearOptions l;
      l.in_features = in;
      l.out_features = out;
      l.bias = bias;
      l.dtype = o.dtype;
      l.device = o.device;
      return linear(l);
    };
    register_module("head", add_linear(o.in_features, shortlist() + clusters(), o.head_bias));
    const Ref<List> tail = module_list();
    for (int64_t i = 0; i < clusters(); ++i) {
      // Each cluster's vectors are narrower than those of the one before.
      const double width = std::floor(static_cast<double>(o.in_features) /
                                      std::pow(o.div_value, static_cast<double>(i + 1)));
      if (!(width >= 0 && width <= static_cast<double>(o.in_features))) {
        fail(Status::kInvalidArgument, type_name_, ": value out of range: div_value ", o.div_value,
             ": must be at least 1");
      }
      const auto hidden = static_cast<int64_t>(width);
      const ModuleRef parts[] = {add_linear(o.in_features, hidden, false),
                                 add_linear(hidden, end(i) - begin(i), false)};
      tail->append(ModuleRef::share(sequential(parts).get()));
    }
    register_module("tail", ModuleRef::share(tail.get()));
  }

  // (the target's log-probability, the mean of its negative)
  TensorList forward(std::span<const Tensor> inputs) override {
    check_inputs(type_name_, inputs, 2);
    const bool batched = inputs[1].dim() == 1;
    if (inputs[1].dim() > 1 || inputs[0].dim() != inputs[1].dim() + 1 ||
        (batched && inputs[0].size(0) != inputs[1].size(0)) || inputs[1].dtype() != DType::kInt64) {
      fail(Status::kShape, type_name_, ": shape mismatch: input ", shape_string(inputs[0].sizes()),
           ", target ", dtype_name(inputs[1].dtype()), " ", shape_string(inputs[1].sizes()),
           ": must be (n, in_features) and int64 (n), or (in_features) and int64 ()");
    }
    const Tensor x = batched ? inputs[0] : unsqueeze(inputs[0], 0);
    const Tensor target = batched ? inputs[1] : unsqueeze(inputs[1], 0);
    check_target(target);
    const Tensor head = log_softmax(head_output(x), 1);
    Tensor entry = target, inside = zeros({{x.size(0)}}, head.dtype(), head.device());
    for (int64_t i = 0; i < clusters() && !x.is_meta(); ++i) {
      const Tensor member = logical_and(ge(target, number(begin(i))), lt(target, number(end(i))));
      const Tensor rows = reshape(nonzero(member), {{-1}});
      if (rows.numel() == 0) continue;
      entry = masked_fill(entry, member, Scalar(shortlist() + i));
      const Tensor own = sub(index_select(target, 0, rows), number(begin(i)));
      const Tensor all = cluster(i, index_select(x, 0, rows));
      inside = index_copy(inside, 0, rows, squeeze(gather(all, 1, unsqueeze(own, 1)), 1));
    }
    const Tensor output = add(inside, squeeze(gather(head, 1, unsqueeze(entry, 1)), 1));
    return {batched ? output : squeeze(output, 0), mt::neg(mean(output))};
  }

  Tensor log_prob(const Tensor& x) const {
    check_rows(x);
    return all_classes(x, head_output(x));
  }

  Tensor predict(const Tensor& x) const {
    check_rows(x);
    const Tensor head = head_output(x);
    const Tensor best = argmax(head, 1);
    const Tensor rows = reshape(nonzero(ge(best, number(shortlist()))), {{-1}});
    if (rows.numel() == 0) return best;
    const Tensor all = all_classes(index_select(x, 0, rows), index_select(head, 0, rows));
    return index_copy(best, 0, rows, argmax(all, 1));
  }

 private:
  // The first class and the one behind the last of a cluster.
  int64_t begin(int64_t i) const { return options_.cutoffs.at(static_cast<size_t>(i)); }
  int64_t end(int64_t i) const { return i + 1 < clusters() ? begin(i + 1) : options_.n_classes; }
  int64_t shortlist() const { return begin(0); }
  int64_t clusters() const { return static_cast<int64_t>(options_.cutoffs.size()); }

  void check_cutoffs() const {
    const auto& c = options_.cutoffs;
    bool good = !c.empty() && c.size() <= static_cast<size_t>(kMostLayers) && c.front() > 0 &&
                c.back() < options_.n_classes;
    for (size_t i = 1; good && i < c.size(); ++i) good = c[i - 1] < c[i];
    if (good) return;
    fail(Status::kInvalidArgument, type_name_, ": bad cutoffs: ", shape_string(c),
         ": cutoffs should be a sequence of unique, positive integers sorted in an increasing "
         "order, where each value is between 1 and n_classes-1");
  }
  void check_rows(const Tensor& x) const {
    check_defined(type_name_, "input", x);
    if (x.dim() == 2) return;
    fail(Status::kShape, type_name_, ": wrong number of dims: input ", shape_string(x.sizes()),
         ": must be (n, in_features)");
  }
  void check_target(const Tensor& target) const {
    if (target.is_meta() || target.numel() == 0) return;
    const int64_t low = min(target).item(type_name_).to_int();
    const int64_t high = max(target).item(type_name_).to_int();
    if (low >= 0 && high < options_.n_classes) return;
    fail(Status::kIndex, type_name_, ": target out of range: Target values should be in [0, ",
         options_.n_classes - 1, "], but values in range [", low, ", ", high, "] were found");
  }

  Tensor head_output(const Tensor& x) const {
    return const_cast<AdaptiveSoftmax*>(this)->get_submodule("head")->call(x);
  }
  Tensor cluster(int64_t i, const Tensor& x) const {
    auto* self = const_cast<AdaptiveSoftmax*>(this);
    return log_softmax(self->get_submodule("tail." + std::to_string(i))->call(x), 1);
  }
  Tensor all_classes(const Tensor& x, const Tensor& head) const {
    const Tensor scores = log_softmax(head, 1);
    TensorList parts{narrow(scores, 1, 0, shortlist())};
    for (int64_t i = 0; i < clusters(); ++i) {
      parts.push_back(add(cluster(i, x), narrow(scores, 1, shortlist() + i, 1)));
    }
    return mt::cat(parts, 1);
  }
};

AdaptiveSoftmax& adaptive(Module& m) {
  auto* found = dynamic_cast<AdaptiveSoftmax*>(&m);
  if (!found) {
    fail(Status::kInvalidArgument, "adaptive_log_softmax: wrong module: 'self' is a ",
         m.type_name(), ": must be an AdaptiveLogSoftmaxWithLoss");
  }
  return *found;
}

}  // namespace

ModuleRef adaptive_log_softmax_with_loss(AdaptiveLogSoftmaxWithLossOptions o) {
  return ModuleRef::adopt(new AdaptiveSoftmax(std::move(o)));
}
Tensor adaptive_log_prob(Module& m, const Tensor& input) { return adaptive(m).log_prob(input); }
Tensor adaptive_predict(Module& m, const Tensor& input) { return adaptive(m).predict(input); }

}  // namespace mt::nn
