// MultiheadAttention, with the parameters, order of draws and masks of torch.nn's.
#include <cmath>
#include <limits>

#include "nn/arity.h"
#include "nn/init.h"
#include "nn/layer_options.h"
#include "ops/attention.h"
#include "ops/common.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

using namespace tensor_math;

constexpr double kInf = std::numeric_limits<double>::infinity();

// torch gives the projection of the output this name, and it is printed.
class OutProjection final : public Layer<OutProjection, LinearOptions> {
 public:
  explicit OutProjection(LinearOptions given) : Layer(std::move(given)) {
    type_name_ = "NonDynamicallyQuantizableLinear";
    const auto& o = options_;
    const Tensor weight = make_parameter(
        Tensor::empty({{o.out_features, o.in_features}}, o.dtype, o.device, type_name_));
    const Tensor bias =
        o.bias ? make_parameter(Tensor::empty({{o.out_features}}, o.dtype, o.device, type_name_))
               : Tensor();
    register_parameter("weight", weight);
    register_parameter("bias", bias);
    init::kaiming_uniform_(weight, std::sqrt(5.0));
    const double bound = 1 / std::sqrt(static_cast<double>(o.in_features));
    if (o.bias) init::uniform_(bias, -bound, bound);
  }
  TensorList forward(std::span<const Tensor> inputs) override {
    return {mt::linear(one_input(type_name_, inputs), parameter(0), parameter(1))};
  }
};

// True where a query may not look, as what is added to its scores.
Tensor additive(const Tensor& mask, DType dtype) {
  if (is_floating(mask.dtype())) return to(mask, dtype);
  return masked_fill(zeros(mask.sizes(), dtype, mask.device()), mask, -kInf);
}

Tensor both_masks(const Tensor& attention, const Tensor& padding, DType dtype) {
  if (!attention.defined()) return additive(padding, dtype);
  if (!padding.defined()) return additive(attention, dtype);
  const bool bools[] = {attention.dtype() == DType::kBool, padding.dtype() == DType::kBool};
  if (bools[0] && bools[1]) return additive(logical_or(attention, padding), dtype);
  if (!bools[0] && bools[1]) {
    return where(padding, Tensor::from_scalar(-kInf, dtype), to(attention, dtype));
  }
  return additive(attention, dtype) + additive(padding, dtype);
}

class MultiheadAttention final : public Layer<MultiheadAttention, MultiheadAttentionOptions> {
 public:
  explicit MultiheadAttention(MultiheadAttentionOptions given);
  TensorList forward(std::span<const Tensor> inputs) override;

 private:
  // Places of the parameters: torch registers the weights that are not there as None.
  enum Place { kJoined = 0, kSeparate = 0, kBias = 4, kBiasK = 5, kBiasV = 6 };
  struct Projected {
    HeadSource q, k, v;
  };

  int64_t embed() const { return options_.embed_dim; }
  bool joined() const { return parameters_[0].first == "in_proj_weight"; }
  Tensor bias(int64_t part, int64_t parts = 1) const {
    const Tensor& b = parameter(kBias);
    return b.defined() ? narrow(b, 0, part * embed(), parts * embed()) : b;
  }
  Projected project(const Tensor& q, const Tensor& k, const Tensor& v) const;
  // Key and value with the learnt row and the row of zeros behind the others; how many these are.
  int64_t extend(Projected& p, bool batch_first) const;
  Tensor mask(const Tensor& attention, const Tensor& padding, int64_t batch, int64_t queries,
              int64_t keys, int64_t extra, DType dtype) const;
  void check(const Tensor& q, const Tensor& k, const Tensor& v) const;
};

MultiheadAttention::MultiheadAttention(MultiheadAttentionOptions given) : Layer(std::move(given)) {
  auto& o = options_;
  if (o.embed_dim <= 0 || o.num_heads <= 0 || o.embed_dim % o.num_heads != 0) {
    fail(Status::kInvalidArgument, type_name_, ": size out of range: embed_dim ", o.embed_dim,
         ", num_heads ", o.num_heads, ": both must be positive, embed_dim divisible by num_heads");
  }
  if (!(o.dropout >= 0 && o.dropout <= 1)) {
    fail(Status::kInvalidArgument, type_name_, ": dropout out of range: ", o.dropout,
         ": the probability must be in [0, 1]");
  }
  if (!o.kdim) o.kdim = o.embed_dim;
  if (!o.vdim) o.vdim = o.embed_dim;
  const int64_t e = o.embed_dim;
  const auto make = [&](IntSpan sizes) {
    return make_parameter(Tensor::empty(sizes, o.dtype, o.device, type_name_));
  };
  const bool separate = *o.kdim != e || *o.vdim != e;
  if (separate) {
    register_parameter("q_proj_weight", make({{e, e}}));
    register_parameter("k_proj_weight", make({{e, *o.kdim}}));
    register_parameter("v_proj_weight", make({{e, *o.vdim}}));
    register_parameter("in_proj_weight", Tensor());
  } else {
    register_parameter("in_proj_weight", make({{3 * e, e}}));
    for (const char* name : {"q_proj_weight", "k_proj_weight", "v_proj_weight"}) {
      register_parameter(name, Tensor());
    }
  }
  register_parameter("in_proj_bias", o.bias ? make({{3 * e}}) : Tensor());
  LinearOptions out;
  out.in_features = out.out_features = e;
  out.bias = o.bias;
  out.dtype = o.dtype;
  out.device = o.device;
  const ModuleRef projection = ModuleRef::adopt(new OutProjection(out));
  register_module("out_proj", projection);
  if (o.add_bias_kv) {
    register_parameter("bias_k", make({{1, 1, e}}));
    register_parameter("bias_v", make({{1, 1, e}}));
  }
  for (size_t i = 0; i < (separate ? 3 : 1); ++i) init::xavier_uniform_(parameter(i), 1);
  if (o.bias) {
    init::constant_(parameter(kBias), 0);
    init::constant_(projection->get_parameter("bias"), 0);
  }
  if (o.add_bias_kv) {
    init::xavier_normal_(parameter(kBiasK), 1);
    init::xavier_normal_(parameter(kBiasV), 1);
  }
}

void MultiheadAttention::check(const Tensor& q, const Tensor& k, const Tensor& v) const {
  // Options may have been changed since the parameters were made.
  const auto& o = options_;
  if (o.embed_dim <= 0 || o.num_heads <= 0 || o.embed_dim % o.num_heads != 0) {
    fail(Status::kInvalidArgument, type_name_, ": size out of range: embed_dim ", o.embed_dim,
         ", num_heads ", o.num_heads, ": both must be positive, embed_dim divisible by num_heads");
  }
  if (o.add_bias_kv && parameters_.size() <= kBiasV) {
    fail(Status::kState, type_name_,
         ": no parameters: add_bias_kv was set later: bias_k and bias_v ",
         "are only made by the constructor");
  }
  const int n = q.dim();
  bool fits = (n == 2 || n == 3) && k.dim() == n && v.dim() == n && q.size(n - 1) == embed() &&
              k.size(n - 1) == options_.kdim.value_or(embed()) &&
              v.size(n - 1) == options_.vdim.value_or(embed());
  for (int d = 0; fits && d + 1 < n; ++d) fits = k.size(d) == v.size(d);
  if (fits && n == 3)
    fits = q.size(options_.batch_first ? 0 : 1) == k.size(options_.batch_first ? 0 : 1);
  if (fits) return;
  fail(Status::kShape, type_name_, ": shape mismatch: query ", shape_string(q.sizes()), ", key ",
       shape_string(k.sizes()), ", value ", shape_string(v.sizes()), ": must be ",
       n == 2                 ? "(time, *)"
       : options_.batch_first ? "(batch, time, *)"
                              : "(time, batch, *)",
       " with ", embed(), ", ", options_.kdim.value_or(embed()), " and ",
       options_.vdim.value_or(embed()), " features, key and value of one length");
}

MultiheadAttention::Projected MultiheadAttention::project(const Tensor& q, const Tensor& k,
                                                          const Tensor& v) const {
  const int64_t e = embed();
  if (!joined()) {
    return {{linear(q, parameter(0), bias(0))},
            {linear(k, parameter(1), bias(1))},
            {linear(v, parameter(2), bias(2))}};
  }
  const Tensor& w = parameter(kJoined);
  if (same(k, v) && same(q, k)) {
    const Tensor all = linear(q, w, parameter(kBias));
    return {{all, 0}, {all, e}, {all, 2 * e}};
  }
  const Tensor queries = linear(q, narrow(w, 0, 0, e), bias(0));
  if (same(k, v)) {
    const Tensor both = linear(k, narrow(w, 0, e, 2 * e), bias(1, 2));
    return {{queries}, {both, 0}, {both, e}};
  }
  return {{queries},
          {linear(k, narrow(w, 0, e, e), bias(1))},
          {linear(v, narrow(w, 0, 2 * e, e), bias(2))}};
}

int64_t MultiheadAttention::extend(Projected& p, bool batch_first) const {
  const bool learnt = options_.add_bias_kv, zero = options_.add_zero_attn;
  if (!learnt && !zero) return 0;
  const auto extended = [&](const HeadSource& s, size_t bias_at) {
    const Tensor own = narrow(s.tensor, 2, s.column, embed());
    Dims row = own.sizes();
    row[batch_first ? 1 : 0] = 1;
    TensorList parts{own};
    if (learnt) parts.push_back(expand(parameter(bias_at), row));
    if (zero) parts.push_back(zeros(row, own.dtype(), own.device()));
    return HeadSource{mt::cat(parts, batch_first ? 1 : 0)};
  };
  p.k = extended(p.k, kBiasK);
  p.v = extended(p.v, kBiasV);
  return (learnt ? 1 : 0) + (zero ? 1 : 0);
}

Tensor MultiheadAttention::mask(const Tensor& attention, const Tensor& padding, int64_t batch,
                                int64_t queries, int64_t keys, int64_t extra, DType dtype) const {
  if (!attention.defined() && !padding.defined()) return {};
  const auto refuse = [&](const char* name, const Tensor& m, const std::string& wanted) {
    fail(Status::kShape, type_name_, ": shape mismatch: ", name, " ", dtype_name(m.dtype()), " ",
         shape_string(m.sizes()), ": must be bool or floating, of shape ", wanted);
  };
  Tensor a = attention, p = padding;
  if (a.defined()) {
    if (a.dtype() == DType::kUInt8) a = mt::to(a, DType::kBool);
    const Dims one{queries, keys}, each{batch * options_.num_heads, queries, keys};
    if (!(a.sizes() == one || a.sizes() == each) ||
        !(a.dtype() == DType::kBool || is_floating(a.dtype()))) {
      refuse("attn_mask", a, shape_string(one) + " or " + shape_string(each));
    }
    a = a.dim() == 2 ? reshape(a, {{1, 1, queries, keys}})
                     : reshape(a, {{batch, options_.num_heads, queries, keys}});
  }
  if (p.defined()) {
    const Dims wanted{batch, keys};
    if (!(p.sizes() == wanted) || !(p.dtype() == DType::kBool || is_floating(p.dtype()))) {
      refuse("key_padding_mask", p, shape_string(wanted));
    }
    p = reshape(p, {{batch, 1, 1, keys}});
  }
  if (extra != 0) {  // the rows behind the keys are seen by all
    const int64_t pad[] = {0, extra};
    if (a.defined()) a = constant_pad_nd(a, pad, 0);
    if (p.defined()) p = constant_pad_nd(p, pad, 0);
  }
  return both_masks(a, p, dtype);
}

TensorList MultiheadAttention::forward(std::span<const Tensor> inputs) {
  check_some_inputs(type_name_, inputs, 3, 7);
  Tensor q = inputs[0], k = inputs[1], v = inputs[2];
  check(q, k, v);
  const auto flag = [&](size_t i) {
    const Tensor t = optional_input(inputs, i);
    return !t.defined() || t.is_meta() || t.item(type_name_).to_bool();
  };
  const bool need_weights = flag(5), average = flag(6), batched = q.dim() == 3;
  const bool batch_first = options_.batch_first && batched;
  Tensor padding = optional_input(inputs, 3);
  if (!batched) {
    const Tensor was_q = q, was_k = k;
    q = unsqueeze(q, 1);
    k = same(was_k, was_q) ? q : unsqueeze(k, 1);
    v = same(v, was_k) ? k : unsqueeze(v, 1);
    if (padding.defined()) padding = unsqueeze(padding, 0);
  }
  const int64_t batch = q.size(batch_first ? 0 : 1), queries = q.size(batch_first ? 1 : 0);
  const int64_t keys = k.size(batch_first ? 1 : 0);
  Projected p = project(q, k, v);
  const int64_t extra = extend(p, batch_first);
  HeadOptions o;
  o.heads = options_.num_heads;
  o.size = embed() / o.heads;
  o.batch_first = batch_first;
  o.dropout_p = training_ ? options_.dropout : 0;
  o.want_weights = need_weights;
  const Tensor added =
      mask(optional_input(inputs, 4), padding, batch, queries, keys, extra, p.q.tensor.dtype());
  const Attention a = head_attention(p.q, p.k, p.v, added, o);
  const ModuleRef projection = get_submodule("out_proj");
  Tensor out = projection->call(a.output);
  if (!batched) out = squeeze(out, 1);
  if (!need_weights) return {out};
  Tensor weights = average ? sum(a.weights, {{1}}) / static_cast<double>(o.heads) : a.weights;
  if (!batched) weights = squeeze(weights, 0);
  return {out, weights};
}

}  // namespace

ModuleRef multihead_attention(MultiheadAttentionOptions o) {
  return ModuleRef::adopt(new MultiheadAttention(std::move(o)));
}

}  // namespace mt::nn
