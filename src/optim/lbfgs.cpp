// LBFGS: the two-loop recursion over a history of steps and gradient changes, after torch.optim's
// order of operations. All parameters are handled as one flat vector, in tensor ops.
#include <algorithm>
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/unary.h"
#include "ops/view.h"
#include "optim/line_search.h"
#include "optim/optimizers.h"

namespace mt {
namespace {

constexpr OptionSpec kSpecs[] = {{"lr", 1},
                                 {"max_iter", 20},
                                 {"max_eval", 25},
                                 {"tolerance_grad", 1e-7},
                                 {"tolerance_change", 1e-9},
                                 {"history_size", 100},
                                 {"line_search_fn", 0}};

double largest_abs(const Tensor& t) { return max(abs(t)).item("LBFGS").to_double(); }

SearchNumber dot_number(const Tensor& a, const Tensor& b) { return SearchNumber::of(dot(a, b)); }

// A number as state: 0-dim, of the parameters' dtype if torch keeps it in a tensor.
Tensor number_tensor(SearchNumber n, DType dtype) {
  return Tensor::from_scalar(n.value(), n.is_tensor() ? dtype : DType::kFloat64);
}

// What LBFGS remembers from step to step; in the state dict under the first parameter.
struct History {
  int64_t func_evals = 0, n_iter = 0;
  Tensor d, prev_flat_grad;
  SearchNumber t, h_diag = 1;
  double prev_loss = 0;
  std::vector<Tensor> old_dirs, old_stps;
  std::vector<SearchNumber> ro;

  static History from(const NamedTensors& named, int64_t numel);
  NamedTensors to_named() const;
};

NamedTensors History::to_named() const {
  NamedTensors out;
  const auto add = [&](std::string name, Tensor t) {
    out.emplace_back(std::move(name), std::move(t));
  };
  add("func_evals", Tensor::from_scalar(func_evals, DType::kInt64));
  add("n_iter", Tensor::from_scalar(n_iter, DType::kInt64));
  if (!d.defined()) return out;
  add("d", d);
  add("t", number_tensor(t, d.dtype()));
  for (size_t i = 0; i < old_dirs.size(); ++i) add(cat("old_dirs.", i), old_dirs[i]);
  for (size_t i = 0; i < old_stps.size(); ++i) add(cat("old_stps.", i), old_stps[i]);
  for (size_t i = 0; i < ro.size(); ++i) add(cat("ro.", i), number_tensor(ro[i], d.dtype()));
  add("H_diag", number_tensor(h_diag, d.dtype()));
  add("prev_flat_grad", prev_flat_grad);
  add("prev_loss", Tensor::from_scalar(prev_loss, DType::kFloat64));
  return out;
}

History History::from(const NamedTensors& named, int64_t numel) {
  History h;
  const auto find = [&](const std::string& name) -> Tensor {
    for (const auto& [key, t] : named) {
      if (key == name) return t;
    }
    return {};
  };
  const auto number = [&](const std::string& name, SearchNumber& into) {
    const Tensor v = find(name);
    if (!v.defined()) return false;
    into = SearchNumber::of(v);
    // A Python float, unless the parameters are of that dtype.
    const bool wide = h.d.defined() && h.d.dtype() == DType::kFloat64;
    if (v.dtype() == DType::kFloat64 && !wide) into = into.value();
    return true;
  };
  const auto vector = [&](const std::string& name) {
    const Tensor v = find(name);
    if (v.defined() && v.numel() != numel) {
      fail(Status::kState, "LBFGS: state mismatch: ", name, " has ", v.numel(),
           " elements, the parameters ", numel, ": parameters must keep their shapes");
    }
    return v;
  };
  SearchNumber count;
  if (number("func_evals", count)) h.func_evals = static_cast<int64_t>(count.value());
  if (number("n_iter", count)) h.n_iter = static_cast<int64_t>(count.value());
  h.d = vector("d");
  h.prev_flat_grad = vector("prev_flat_grad");
  if (!h.d.defined() || !h.prev_flat_grad.defined()) {
    h.d = Tensor();
    h.n_iter = 0;
    return h;
  }
  number("t", h.t);
  number("H_diag", h.h_diag);
  if (number("prev_loss", count)) h.prev_loss = count.value();
  for (size_t i = 0;; ++i) {
    const Tensor y = vector(cat("old_dirs.", i)), s = vector(cat("old_stps.", i));
    SearchNumber r;
    if (!y.defined() || !s.defined() || !number(cat("ro.", i), r)) return h;
    h.old_dirs.push_back(y);
    h.old_stps.push_back(s);
    h.ro.push_back(r);
  }
}

class Lbfgs final : public Optimizer {
 public:
  Lbfgs() : Optimizer("LBFGS", kSpecs) {}

  void step() override {
    fail(Status::kInvalidArgument,
         "LBFGS: no closure: it evaluates the loss several times a step: give step a closure");
  }
  Tensor step(const Closure& closure) override;

 protected:
  std::span<const char* const> state_names() const override { return {}; }
  std::span<const char* const> printed_constants() const override { return {}; }
  std::string option_value_text(const ParamGroup& g, size_t k) const override {
    if (k == 6) return value(g, 6) != 0 ? "strong_wolfe" : "None";
    return Optimizer::option_value_text(g, k);
  }
  void check_options(std::span<const double> o) const override {
    for (size_t i = 0; i < 6; ++i) {
      if (std::isnan(o[i])) check_not_negative(type_name_, kSpecs[i].name, o[i]);
    }
    check_not_negative(type_name_, "history_size", o[5]);
  }
  void start_state(const ParamGroup&, ParamState&, const Tensor&) const override {
    if (!groups_.empty()) {
      fail(Status::kInvalidArgument,
           "LBFGS: second group: it has one group already: LBFGS has no options per group");
    }
  }
  bool accepts_named(std::string_view name, const Tensor& t) const override {
    if (name == "d" || name == "prev_flat_grad" || name.starts_with("old_dirs.") ||
        name.starts_with("old_stps.")) {
      return t.dim() == 1;
    }
    if (name.starts_with("ro.")) return t.numel() == 1;
    for (const char* number : {"func_evals", "n_iter", "t", "H_diag", "prev_loss"}) {
      if (name == number) return t.numel() == 1;
    }
    return false;
  }
  void update(const ParamGroup&, ParamState&, const Tensor&, const Tensor&) override {}

 private:
  const std::vector<Tensor>& params() const { return groups_[0].params; }
  Tensor flat_gradient() const;
  void move(SearchNumber step, const Tensor& direction) const;
};

Tensor Lbfgs::flat_gradient() const {
  std::vector<Tensor> views;
  for (const Tensor& p : params()) {
    check_floating(type_name_, p);
    const Tensor g = grad_of(p);
    views.push_back(reshape(g.defined() ? detach(g) : filled_like(p, 0), {{-1}}));
  }
  return mt::cat(views, 0);
}

void Lbfgs::move(SearchNumber step, const Tensor& direction) const {
  int64_t at = 0;
  for (const Tensor& p : params()) {
    add_(p, view(narrow(direction, 0, at, p.numel()), p.sizes()), Scalar(step.value()));
    at += p.numel();
  }
}

// The direction that the history makes of a gradient: minus the inverse Hessian times it.
Tensor direction_of(const History& h, const Tensor& flat_grad) {
  const size_t n = h.old_dirs.size();
  std::vector<SearchNumber> al(n);
  const Tensor q = neg(flat_grad);
  for (size_t i = n; i-- > 0;) {
    al[i] = dot_number(h.old_stps[i], q) * h.ro[i];
    add_(q, h.old_dirs[i], Scalar(-al[i].value()));
  }
  const Tensor r = mul(q, Tensor::from_scalar(h.h_diag.value(), q.dtype()));
  for (size_t i = 0; i < n; ++i) {
    const SearchNumber be = dot_number(h.old_dirs[i], r) * h.ro[i];
    add_(r, h.old_stps[i], Scalar((al[i] - be).value()));
  }
  return r;
}

Tensor Lbfgs::step(const Closure& closure) {
  GradMode off(false);
  const auto evaluate = [&]() {
    GradMode on(true);
    Tensor loss = closure();
    check_defined(type_name_, "the closure's loss", loss);
    return loss;
  };
  const ParamGroup options = groups_[0];  // the closure may change them for the next step
  const double lr = value(options, 0), max_iter = value(options, 1), max_eval = value(options, 2);
  const double tolerance_grad = value(options, 3), tolerance_change = value(options, 4);
  const auto history_size = static_cast<size_t>(std::min(value(options, 5), 1e9));
  const bool searches = value(options, 6) != 0;

  const Tensor first_loss = evaluate();
  double loss = first_loss.item(type_name_).to_double();
  Tensor flat_grad = flat_gradient();
  if (flat_grad.numel() == 0 || flat_grad.is_meta()) return first_loss;
  ParamState& state = state_[0][0];
  History h = History::from(state.named, flat_grad.numel());
  ++h.func_evals;
  const auto remember = [&] { state.named = h.to_named(); };
  if (largest_abs(flat_grad) <= tolerance_grad) {
    remember();
    return first_loss;
  }

  int64_t evals = 1;
  for (double iteration = 1; iteration <= max_iter; ++iteration) {
    if (++h.n_iter == 1 || !h.d.defined()) {
      h.d = neg(flat_grad);
      h.old_dirs.clear();
      h.old_stps.clear();
      h.ro.clear();
      h.h_diag = 1;
    } else {
      const Tensor y = sub(flat_grad, h.prev_flat_grad);
      const Tensor s = mul(h.d, Tensor::from_scalar(h.t.value(), h.d.dtype()));
      const SearchNumber ys = dot_number(y, s);
      if (ys > 1e-10 && history_size > 0) {
        while (h.old_dirs.size() >= history_size) {
          h.old_dirs.erase(h.old_dirs.begin());
          h.old_stps.erase(h.old_stps.begin());
          h.ro.erase(h.ro.begin());
        }
        h.old_dirs.push_back(y);
        h.old_stps.push_back(s);
        h.ro.push_back(SearchNumber(1) / ys);
        h.h_diag = ys / dot_number(y, y);
      }
      h.d = direction_of(h, flat_grad);
    }
    h.prev_flat_grad = flat_grad;
    h.prev_loss = loss;

    h.t = lr;
    if (h.n_iter == 1) {
      const SearchNumber scale = SearchNumber(1) / SearchNumber::of(sum(abs(flat_grad)));
      h.t = (scale < SearchNumber(1) ? scale : SearchNumber(1)) * SearchNumber(lr);
    }
    const SearchNumber slope = dot_number(flat_grad, h.d);
    if (slope > -tolerance_change) break;

    int64_t search_evals = 0;
    bool optimal = false;
    if (searches) {
      std::vector<Tensor> start;
      for (const Tensor& p : params()) start.push_back(clone(p));
      const auto at = [&](SearchPoint& point) {
        move(point.step, h.d);
        point.loss = evaluate().item(type_name_).to_double();
        point.grad = flat_gradient();
        point.slope = dot_number(point.grad, h.d);
        for (size_t i = 0; i < start.size(); ++i) copy_(params()[i], start[i]);
      };
      const SearchPoint from{0, loss, flat_grad, slope};
      const SearchPoint found = strong_wolfe(at, from, h.t, SearchNumber::of(max(abs(h.d))),
                                             tolerance_change, search_evals);
      loss = found.loss.value();
      flat_grad = found.grad;
      h.t = found.step;
      move(h.t, h.d);
      optimal = largest_abs(flat_grad) <= tolerance_grad;
    } else {
      move(h.t, h.d);
      if (iteration < max_iter) {  // the next step evaluates there anyway
        loss = evaluate().item(type_name_).to_double();
        flat_grad = flat_gradient();
        optimal = largest_abs(flat_grad) <= tolerance_grad;
        search_evals = 1;
      }
    }
    evals += search_evals;
    h.func_evals += search_evals;
    if (iteration >= max_iter || static_cast<double>(evals) >= max_eval || optimal) break;
    const Tensor moved = mul(h.d, Tensor::from_scalar(h.t.value(), h.d.dtype()));
    if (largest_abs(moved) <= tolerance_change) break;
    if (std::fabs(loss - h.prev_loss) < tolerance_change) break;
  }
  remember();
  return first_loss;
}

}  // namespace

OptimizerRef lbfgs(ParamList params, const LbfgsOptions& o) {
  const auto most = static_cast<double>(o.max_iter);
  const double options[] = {
      o.lr,
      most,
      o.max_eval != 0 ? static_cast<double>(o.max_eval) : std::floor(most * 5 / 4),
      o.tolerance_grad,
      o.tolerance_change,
      static_cast<double>(o.history_size),
      static_cast<double>(o.strong_wolfe)};
  return finish(new Lbfgs, params, options);
}

}  // namespace mt
