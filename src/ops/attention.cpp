// Attention of heads: see attention.h. The products read and write the heads where they lie, so
// that nothing is split, transposed or joined. Under create_graph the same is composed of recorded
// ops.
#include "ops/attention.h"

#include <cmath>

#include "autograd/engine.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/random.h"
#include "ops/rules.h"
#include "ops/softmax.h"
#include "ops/view.h"

namespace mt {
namespace {

constexpr std::string_view kOp = "head_attention";

struct Sizes {
  int64_t batch, queries, keys, heads, size;
  bool batch_first;
  double scale() const { return 1 / std::sqrt(static_cast<double>(size)); }
};

// The rows of one sample in a contiguous source: where they begin and how far apart they are.
struct Place {
  const Tensor* tensor;
  int64_t column;
  bool batch_first;

  int64_t columns() const { return tensor->size(2); }
  int64_t row() const { return batch_first ? columns() : tensor->size(1) * columns(); }
  void* at(int64_t sample) const {
    const int64_t first = sample * (batch_first ? tensor->size(1) * columns() : columns()) + column;
    return static_cast<char*>(tensor->data()) +
           first * static_cast<int64_t>(dtype_size(tensor->dtype()));
  }
};

// All products of one kind: a sample at a time, its heads as the kernel's batch.
class Products {
 public:
  Products(const Sizes& s, const Tensor& scores) : s_(s), scores_(scores), kernel_(nullptr) {
    if (scores.is_meta()) return;
    kernel_ = backend(scores.device()).gemm[static_cast<int>(scores.dtype())];
    if (!kernel_) fail_unsupported(kOp, scores.device(), scores.dtype());
  }
  // scores = scale * a b^T (+ scores)
  void into_scores(const Place& a, const Place& b, double scale, bool add) const {
    each([&](int64_t i) {
      return GemmArgs{false,
                      true,
                      s_.queries,
                      s_.keys,
                      s_.size,
                      scale,
                      add ? 1.0 : 0.0,
                      a.at(i),
                      a.row(),
                      b.at(i),
                      b.row(),
                      score(i),
                      s_.keys,
                      s_.heads,
                      s_.size,
                      s_.size,
                      s_.queries * s_.keys};
    });
  }
  // to = scale * scores b, or scale * scores^T b
  void from_scores(bool transposed, const Place& b, double scale, const Place& to) const {
    const int64_t m = transposed ? s_.keys : s_.queries, k = transposed ? s_.queries : s_.keys;
    each([&](int64_t i) {
      return GemmArgs{transposed, false,    m,        s_.size,  k,
                      scale,      0.0,      score(i), s_.keys,  b.at(i),
                      b.row(),    to.at(i), to.row(), s_.heads, s_.queries * s_.keys,
                      s_.size,    s_.size};
    });
  }

 private:
  void* score(int64_t i) const {
    return static_cast<char*>(scores_.data()) +
           i * s_.heads * s_.queries * s_.keys * static_cast<int64_t>(dtype_size(scores_.dtype()));
  }
  template <class F>
  void each(const F& args) const {
    if (!kernel_ || s_.heads * s_.size * s_.queries == 0) return;
    for (int64_t i = 0; i < s_.batch; ++i) kernel_(args(i));
  }

  const Sizes& s_;
  const Tensor& scores_;
  GemmKernel kernel_;
};

void run_scan(Scan id, const Tensor& a, const Tensor* b, const Tensor& out) {
  if (out.is_meta() || out.numel() == 0) return;
  const ScanKernel kernel =
      backend(out.device()).scan[static_cast<int>(id)][static_cast<int>(out.dtype())];
  if (!kernel) fail_unsupported(kOp, out.device(), out.dtype());
  const int64_t n = out.size(3);
  kernel(a.data(), b ? b->data() : nullptr, out.data(), out.numel() / n, n, 1);
}

// The heads of a source as (batch, heads, time, size); recorded.
Tensor heads_of(const Tensor& t, int64_t column, const Sizes& s) {
  const Tensor own = narrow(t, 2, column, s.heads * s.size);
  const Tensor split = unflatten(own, 2, {{s.heads, s.size}});
  return permute(split, s.batch_first ? Dims{0, 2, 1, 3} : Dims{1, 2, 0, 3});
}

struct Composed {
  Tensor output, weights;
};
Composed composed(const Tensor (&t)[3], const int64_t (&column)[3], const Tensor& mask,
                  const Tensor& noise, const Sizes& s) {
  const Tensor q = heads_of(t[0], column[0], s), k = heads_of(t[1], column[1], s);
  Tensor scores = matmul(scaled(q, s.scale()), transpose(k, -2, -1));
  if (mask.defined()) scores = add(scores, mask);
  Tensor weights = softmax(scores, -1);
  if (noise.defined()) weights = mul(weights, noise);
  const Tensor joined = permute(matmul(weights, heads_of(t[2], column[2], s)),
                                s.batch_first ? Dims{0, 2, 1, 3} : Dims{2, 0, 1, 3});
  return {reshape(joined, {{joined.size(0), joined.size(1), s.heads * s.size}}), weights};
}

Sizes checked_sizes(const HeadSource (&sources)[3], const Tensor& mask, const HeadOptions& o) {
  Sizes s{0, 0, 0, o.heads, o.size, o.batch_first};
  const int64_t features = o.heads * o.size;
  for (const HeadSource& source : sources) {
    check_defined(kOp, "source", source.tensor);
    check_same_dtype(kOp, "query", sources[0].tensor, "key or value", source.tensor);
  }
  const Tensor &q = sources[0].tensor, &k = sources[1].tensor, &v = sources[2].tensor;
  check_devices(kOp, {&q, &k, &v, &mask});
  check_floating(kOp, q);
  const int b = o.batch_first ? 0 : 1;
  bool fits = q.dim() == 3 && k.dim() == 3 && v.dim() == 3 && o.heads > 0 && o.size >= 0;
  for (const HeadSource& source : sources) {
    fits = fits && source.tensor.size(b) == q.size(b) && source.column >= 0 &&
           source.column + features <= source.tensor.size(2);
  }
  if (!fits || k.size(1 - b) != v.size(1 - b)) {
    fail(Status::kShape, kOp, ": shape mismatch: query ", shape_string(q.sizes()), ", key ",
         shape_string(k.sizes()), ", value ", shape_string(v.sizes()), ", ", o.heads, " heads of ",
         o.size, ": must have 3 dims and one batch size, key and value one length");
  }
  s.batch = q.size(b);
  s.queries = q.size(1 - b);
  s.keys = k.size(1 - b);
  if (mask.defined()) {
    check_same_dtype(kOp, "query", q, "mask", mask);
    const Dims all{s.batch, s.heads, s.queries, s.keys};
    if (!is_broadcastable_to(mask.sizes(), all)) {
      fail(Status::kShape, kOp, ": shape mismatch: mask ", shape_string(mask.sizes()),
           ": must broadcast to ", shape_string(all));
    }
  }
  return s;
}

// What backward needs. Sources that are one tensor are one input of the node.
struct Rule {
  Sizes sizes;
  int64_t column[3];
  int input[3];
  int inputs, mask_input;  // mask_input: its place among the inputs, or -1
  SavedTensor source[3], mask, noise, probabilities, dropped;

  Grads operator()(const GradIn& g) const {
    if (g.create_graph() || mask_input >= 0) return by_ops(g);
    Tensor t[3], grads[3];
    for (int i = 0; i < 3; ++i) t[i] = contiguous_values(source[i].get(g));
    Grads result(inputs);
    for (int i = 0; i < 3; ++i) {
      Tensor& r = result[input[i]];
      // Columns that no head reads get zeros.
      if (!r.defined()) {
        r = covers(i, t[i]) ? Tensor::empty(t[i].sizes(), t[i].dtype(), t[i].device())
                            : zeros(t[i].sizes(), t[i].dtype(), t[i].device());
      }
      grads[i] = r;
    }
    const auto place = [&](const Tensor& x, int i) {
      return Place{&x, column[i], sizes.batch_first};
    };
    const Tensor p = probabilities.get(g);
    const Tensor used = dropped.defined() ? dropped.get(g) : p;
    const Tensor ds = g.size() > 1 && g[1].defined() ? clone_values(g[1]) : Tensor::empty_like(p);
    const Tensor dout = contiguous_values(g.or_zeros(0));
    const Place dp{&dout, 0, sizes.batch_first};
    Products(sizes, used).from_scores(true, dp, 1, place(grads[2], 2));
    const Products scores(sizes, ds);
    scores.into_scores(dp, place(t[2], 2), 1, g.size() > 1 && g[1].defined());
    if (noise.defined()) mul_(ds, noise.get(g));
    run_scan(Scan::kSoftmaxBackward, ds, &p, ds);
    scores.from_scores(false, place(t[1], 1), sizes.scale(), place(grads[0], 0));
    scores.from_scores(true, place(t[0], 0), sizes.scale(), place(grads[1], 1));
    return result;
  }

  static Tensor clone_values(const Tensor& t) {
    const Tensor c = Tensor::empty(t.sizes(), t.dtype(), t.device());
    copy_values(c, t);
    return c;
  }

  bool covers(int i, const Tensor& t) const {
    int64_t read = 0;
    for (int j = 0; j < 3; ++j) read += input[j] == input[i] ? sizes.heads * sizes.size : 0;
    return read == t.size(2);
  }

  // A tensor to differentiate by: with its history when that is wanted, else a leaf.
  static Tensor own_input(const GradIn& g, int input, const Tensor& t) {
    if (g.create_graph() || input < 0 || !g.needs(input)) return slice(t, 0, {}, {});
    const Tensor leaf = detach(t);
    set_requires_grad(leaf, true);
    return leaf;
  }

  Grads by_ops(const GradIn& g) const {
    const GradMode on(true);
    Tensor own[3], all[4];
    for (int i = 0; i < 3; ++i) {
      if (!all[input[i]].defined()) all[input[i]] = own_input(g, input[i], source[i].get(g));
      own[i] = all[input[i]];
    }
    Tensor m;
    if (mask.defined()) m = own_input(g, mask_input, unsqueeze(mask.get(g), 0));
    Tensor added = m.defined() ? squeeze(m, 0) : m;
    if (mask_input >= 0) all[mask_input] = m;
    const Composed c =
        composed(own, column, added, noise.defined() ? noise.get(g) : Tensor(), sizes);
    TensorList outs, grads, wanted;
    for (int i = 0; i < g.size(); ++i) {
      if (!g[i].defined()) continue;
      outs.push_back(i == 0 ? c.output : c.weights);
      grads.push_back(g[i]);
    }
    for (int i = 0; i < inputs; ++i) {
      if (g.needs(i)) wanted.push_back(all[i]);
    }
    const Grads found = grad(outs, wanted, grads, true, g.create_graph(), true);
    Grads result(inputs);
    for (int i = 0, at = 0; i < inputs; ++i) {
      if (!g.needs(i)) continue;
      result[i] = found[at++];
      if (i == mask_input && result[i].defined()) result[i] = squeeze(result[i], 0);
    }
    return result;
  }
};

}  // namespace

Attention head_attention(const HeadSource& query, const HeadSource& key, const HeadSource& value,
                         const Tensor& mask, const HeadOptions& o) {
  const HeadSource sources[] = {query, key, value};
  const Sizes s = checked_sizes(sources, mask, o);
  Tensor plain[3];
  for (int i = 0; i < 3; ++i) plain[i] = contiguous_values(sources[i].tensor);
  const auto place = [&](int i) { return Place{&plain[i], sources[i].column, o.batch_first}; };
  const Tensor p = Tensor::empty({{s.batch, s.heads, s.queries, s.keys}}, query.tensor.dtype(),
                                 query.tensor.device(), kOp);
  if (mask.defined()) copy_values(p, mask);
  const Products products(s, p);
  products.into_scores(place(0), place(1), s.scale(), mask.defined());
  run_scan(Scan::kSoftmax, p, nullptr, p);
  Tensor noise, used = p;
  if (o.dropout_p > 0) {
    noise = unrecorded([&] { return dropout(ones_like(p), o.dropout_p, true); });
    used = binary_forward(Elementwise::kMul, p, noise, {}, p.dtype());
  }
  Dims sizes = query.tensor.sizes();
  sizes[2] = o.heads * o.size;
  Tensor out = s.keys == 0 ? zeros(sizes, p.dtype(), p.device())
                           : Tensor::empty(sizes, p.dtype(), p.device());
  if (s.keys != 0) {
    Products(s, used).from_scores(false, place(2), 1, Place{&out, 0, o.batch_first});
  }
  if (!recording(query.tensor, key.tensor, value.tensor, mask)) {
    return {out, o.want_weights ? used : Tensor()};
  }
  Rule rule{s, {query.column, key.column, value.column}, {0, 0, 0}, 0, -1, {}, {}, {}, {}, {}};
  const Tensor* inputs[4];
  for (int i = 0; i < 3; ++i) {
    int at = 0;
    while (at < rule.inputs && !same(*inputs[at], sources[i].tensor)) ++at;
    if (at == rule.inputs) inputs[rule.inputs++] = &sources[i].tensor;
    rule.input[i] = at;
    rule.source[i] = save(sources[i].tensor);
  }
  if (recording(mask)) {
    rule.mask_input = rule.inputs;
    inputs[rule.inputs++] = &mask;
  }
  rule.mask = save_if(mask.defined(), mask);
  rule.noise = save_if(noise.defined(), noise);
  rule.probabilities = save(p);
  const bool drops = noise.defined();
  Tensor weights = o.want_weights ? (drops ? used : used.alias()) : Tensor();
  rule.dropped = drops ? SavedTensor(used.alias()) : SavedTensor();
  const auto n = static_cast<size_t>(rule.inputs);
  const Ref<Node> node = make_rule<true>(
      "HeadAttentionBackward0", std::span<const Tensor* const>(inputs, n), std::move(rule));
  attach(node, out);
  if (weights.defined()) attach(node, weights);
  return {out, weights};
}

}  // namespace mt
