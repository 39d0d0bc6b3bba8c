// Embedding and EmbeddingBag.
#include <utility>

#include "nn/arity.h"
#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/common.h"
#include "ops/embedding.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

// Both kinds of table: registers the weight.
template <class Self, class Options>
class Table : public Layer<Self, Options> {
 public:
  explicit Table(Options given) : Layer<Self, Options>(std::move(given)) {
    Options& o = this->options_;
    const std::string& name = this->type_name();
    if (o.num_embeddings < 0 || o.embedding_dim < 0) {
      fail(Status::kInvalidArgument, name, ": negative size: num_embeddings ", o.num_embeddings,
           ", embedding_dim ", o.embedding_dim, ": both must be >= 0");
    }
    if (o.sparse) {
      fail(Status::kNotImplemented, name,
           ": not implemented: sparse gradients: sparse must be false");
    }
    if (o.padding_idx) {
      int64_t& i = *o.padding_idx;
      if (i >= o.num_embeddings || i < -o.num_embeddings) {
        fail(Status::kIndex, name, ": padding_idx out of range: ", i,
             ": must be within num_embeddings ", o.num_embeddings);
      }
      if (i < 0) i += o.num_embeddings;
    }
    const Dims sizes{o.num_embeddings, o.embedding_dim};
    const Tensor given_weight = std::exchange(o._weight, Tensor());
    if (given_weight.defined()) {
      if (!(given_weight.sizes() == sizes)) {
        fail(Status::kShape, name, ": shape mismatch: weight ", shape_string(given_weight.sizes()),
             ": must be (num_embeddings, embedding_dim), ", shape_string(sizes));
      }
      this->register_parameter("weight", make_parameter(detach(given_weight)));
      return;
    }
    const Tensor weight = make_parameter(Tensor::empty(sizes, o.dtype, o.device, name));
    this->register_parameter("weight", weight);
    init::normal_(weight, 0, 1);
    if (o.padding_idx) {
      GradMode off(false);
      fill_(select(weight, 0, *o.padding_idx), 0);
    }
  }

 protected:
  const Tensor& weight() const { return this->parameter(0); }
  void renormalise(const Tensor& indices) const {
    const Options& o = this->options_;
    if (!o.max_norm) return;
    GradMode off(false);
    embedding_renorm_(weight(), indices, *o.max_norm, o.norm_type);
  }
};

class Embedding final : public Table<Embedding, EmbeddingOptions> {
 public:
  using Table::Table;
  TensorList forward(std::span<const Tensor> inputs) override {
    const Tensor& x = one_input("Embedding", inputs);
    renormalise(x);
    return {mt::embedding(weight(), x, options_.padding_idx, options_.scale_grad_by_freq)};
  }
};

class EmbeddingBag final : public Table<EmbeddingBag, EmbeddingBagOptions> {
 public:
  explicit EmbeddingBag(EmbeddingBagOptions given) : Table(std::move(given)) {
    const std::string& mode = options_.mode;
    if (mode != "sum" && mode != "mean" && mode != "max") {
      fail(Status::kInvalidArgument, "EmbeddingBag: unknown mode: '", mode,
           "': must be sum, mean or max");
    }
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    check_some_inputs("EmbeddingBag", inputs, 1, 3);
    renormalise(inputs[0]);
    return {mt::embedding_bag(
        weight(), inputs[0], optional_input(inputs, 1), optional_input(inputs, 2), options_.mode,
        options_.include_last_offset, options_.padding_idx, options_.scale_grad_by_freq)};
  }
};

}  // namespace

ModuleRef embedding(EmbeddingOptions o) { return ModuleRef::adopt(new Embedding(std::move(o))); }

ModuleRef embedding_bag(EmbeddingBagOptions o) {
  return ModuleRef::adopt(new EmbeddingBag(std::move(o)));
}

}  // namespace mt::nn
