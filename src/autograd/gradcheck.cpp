// Numeric and analytic Jacobians and their comparison: see gradcheck.h.
// Names no op: values are read and poked one element at a time.
#include "autograd/gradcheck.h"

#include <cmath>

#include "autograd/engine.h"
#include "autograd/meta.h"
#include "core/error.h"

namespace mt {
namespace {

using Values = std::vector<double>;

// Position of element i in row-major order, in elements from the start of the tensor's data.
int64_t place(const Tensor& t, int64_t i) {
  int64_t at = 0;
  for (int d = t.dim() - 1; d >= 0; --d) {
    at += i % t.size(d) * t.stride(d);
    i /= t.size(d);
  }
  return at;
}

std::string index_string(const Tensor& t, int64_t i) {
  Dims index(t.dim());
  for (int d = t.dim() - 1; d >= 0; --d) {
    index[d] = i % t.size(d);
    i /= t.size(d);
  }
  return shape_string(index);
}

void* address(const Tensor& t, int64_t i) {
  return static_cast<char*>(t.data()) + place(t, i) * static_cast<int64_t>(dtype_size(t.dtype()));
}

double value_at(const Tensor& t, int64_t i) {
  return load_scalar(t.dtype(), address(t, i)).to_double();
}

void poke(const Tensor& t, int64_t i, double value) {
  store_scalar(t.dtype(), address(t, i), value);
}

// Changes one element of a tensor for the life of the object.
class Poked {
 public:
  Poked(const Tensor& t, int64_t i) : t_(t), i_(i), before_(value_at(t, i)) {}
  ~Poked() { poke(t_, i_, before_); }
  Poked(const Poked&) = delete;
  Poked& operator=(const Poked&) = delete;
  void shift(double by) { poke(t_, i_, before_ + by); }

 private:
  const Tensor& t_;
  int64_t i_;
  double before_;
};

struct Input {
  int index;  // among all inputs
  Tensor tensor;
};

// The inputs that the derivatives are taken with respect to.
std::vector<Input> wanted_inputs(std::string_view op, std::span<const Tensor> inputs) {
  std::vector<Input> wanted;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Tensor& t = inputs[k];
    if (!t.defined() || !t.requires_grad()) continue;
    if (t.dtype() != DType::kFloat64) {
      fail(Status::kDType, op, ": dtype mismatch: input ", k, " is ", dtype_name(t.dtype()),
           ": inputs that require grad must be float64, or differences are too coarse; convert "
           "with mt_tensor_to_dtype");
    }
    if (t.is_meta()) {
      fail(Status::kDevice, op, ": no data: input ", k,
           " on meta: a meta tensor has no values to differentiate at");
    }
    for (int d = 0; d < t.dim(); ++d) {
      if (t.stride(d) == 0 && t.size(d) > 1) {
        fail(Status::kInvalidArgument, op, ": overlapping memory: input ", k, " of shape ",
             shape_string(t.sizes()), " and strides ", shape_string(t.strides()),
             ": every element needs its own place; use contiguous first");
      }
    }
    wanted.push_back({static_cast<int>(k), t});
  }
  if (wanted.empty()) {
    fail(Status::kInvalidArgument, op, ": no gradients to check: ", inputs.size(),
         " inputs, none requires grad: at least one input must; call requires_grad_");
  }
  return wanted;
}

struct Output {
  int index;  // among all outputs
  Tensor tensor;
};

std::vector<Output> floating_outputs(const std::vector<Tensor>& all) {
  std::vector<Output> outputs;
  for (size_t k = 0; k < all.size(); ++k) {
    if (all[k].defined() && is_floating(all[k].dtype())) {
      outputs.push_back({static_cast<int>(k), all[k]});
    }
  }
  return outputs;
}

// All elements of all floating outputs, one output after the other.
Values run(const GradCheckFn& fn, std::span<const Tensor> inputs) {
  Values values;
  for (const Output& o : floating_outputs(fn(inputs))) {
    for (int64_t i = 0; i < o.tensor.numel(); ++i) values.push_back(value_at(o.tensor, i));
  }
  return values;
}

// Columns of the Jacobian: the outputs' change for each element of one input.
std::vector<Values> numeric_columns(const GradCheckFn& fn, std::span<const Tensor> inputs,
                                    const Tensor& input, double eps) {
  std::vector<Values> columns;
  for (int64_t j = 0; j < input.numel(); ++j) {
    Values up, down;
    {
      Poked element(input, j);
      element.shift(eps);
      up = run(fn, inputs);
      element.shift(-eps);
      down = run(fn, inputs);
    }
    if (up.size() != down.size()) {
      fail(Status::kInvalidArgument, "gradcheck: the function's outputs have ", up.size(),
           " elements in one call and ", down.size(), " in another: it must be deterministic");
    }
    for (size_t i = 0; i < up.size(); ++i) up[i] = (up[i] - down[i]) / (2 * eps);
    columns.push_back(std::move(up));
  }
  return columns;
}

// The gradients of all wanted inputs for one gradient of one output; zeros where there are none.
std::vector<Values> pull_back(const Tensor& output, const Tensor& g,
                              const std::vector<Tensor>& wanted) {
  std::vector<Values> result;
  const Grads grads = grad({&output, 1}, wanted, {&g, 1}, /*retain_graph=*/true,
                           /*create_graph=*/false, /*allow_unused=*/true);
  for (int k = 0; k < grads.size(); ++k) {
    Values values(static_cast<size_t>(wanted[k].numel()));
    for (size_t j = 0; grads[k].defined() && j < values.size(); ++j) {
      values[j] = value_at(grads[k], static_cast<int64_t>(j));
    }
    result.push_back(std::move(values));
  }
  return result;
}

GradCheckResult refuse(std::string message) { return {false, std::move(message)}; }

bool same_bits(const std::vector<Values>& a, const std::vector<Values>& b) {
  for (size_t k = 0; k < a.size(); ++k) {
    for (size_t j = 0; j < a[k].size(); ++j) {
      const bool equal = a[k][j] == b[k][j] || (std::isnan(a[k][j]) && std::isnan(b[k][j]));
      if (!equal) return false;
    }
  }
  return true;
}

bool close(double analytic, double numeric, const GradCheckOptions& o) {
  if (analytic == numeric) return true;
  return std::fabs(analytic - numeric) <= o.atol + o.rtol * std::fabs(numeric);
}

Tensor zeros_like(const Tensor& t) { return kGradMath.full(t.sizes(), t.dtype(), t.device(), 0); }

// Compares the rows of the Jacobian that belong to one output. numeric[k][j][first + i] is the
// derivative of its element i by element j of input k.
GradCheckResult check_output(const Output& output, size_t first,
                             const std::vector<std::vector<Values>>& numeric,
                             const std::vector<Input>& inputs, const GradCheckOptions& options) {
  std::vector<Tensor> wanted;
  for (const Input& in : inputs) wanted.push_back(in.tensor);
  const Tensor& out = output.tensor;
  const bool has_graph = out.requires_grad();
  for (int64_t i = 0; i < out.numel(); ++i) {
    std::vector<Values> row;
    if (has_graph) {
      const Tensor one_hot = zeros_like(out);
      poke(one_hot, i, 1);
      row = pull_back(out, one_hot, wanted);
      if (!same_bits(row, pull_back(out, one_hot, wanted))) {
        return refuse(cat("gradcheck: not deterministic: output ", output.index, " element ",
                          index_string(out, i), ": two backwards gave different gradients"));
      }
    } else {
      for (const Tensor& t : wanted) row.emplace_back(static_cast<size_t>(t.numel()));
    }
    for (size_t k = 0; k < inputs.size(); ++k) {
      for (size_t j = 0; j < row[k].size(); ++j) {
        const double analytic = row[k][j], expected = numeric[k][j][first + static_cast<size_t>(i)];
        if (close(analytic, expected, options)) continue;
        return refuse(cat("gradcheck: gradient mismatch: output ", output.index, " element ",
                          index_string(out, i), ", input ", inputs[k].index, " element ",
                          index_string(wanted[k], static_cast<int64_t>(j)), ": numeric ", expected,
                          ", analytic ", analytic,
                          has_graph ? "" : " (the output does not require grad)"));
      }
    }
  }
  if (!has_graph) return {};
  const std::vector<Values> none = pull_back(out, zeros_like(out), wanted);
  for (size_t k = 0; k < none.size(); ++k) {
    for (size_t j = 0; j < none[k].size(); ++j) {
      if (none[k][j] == 0) continue;
      return refuse(cat("gradcheck: not linear in the gradient: output ", output.index, ", input ",
                        inputs[k].index, " element ",
                        index_string(wanted[k], static_cast<int64_t>(j)), ": a zero gradient gave ",
                        none[k][j]));
    }
  }
  return {};
}

GradCheckResult check(std::string_view op, const GradCheckFn& fn, std::span<const Tensor> inputs,
                      const GradCheckOptions& options) {
  GradMode on(true);  // `fn` may itself ask for gradients
  const std::vector<Input> wanted = wanted_inputs(op, inputs);
  std::vector<std::vector<Values>> numeric;
  for (const Input& in : wanted) {
    numeric.push_back(numeric_columns(fn, inputs, in.tensor, options.eps));
  }
  size_t first = 0;
  for (const Output& o : floating_outputs(fn(inputs))) {
    GradCheckResult r = check_output(o, first, numeric, wanted, options);
    if (!r) return r;
    first += static_cast<size_t>(o.tensor.numel());
  }
  return {};
}

// Values in [0.5, 1.5) of changing sign: arbitrary, the same in every run, none near zero.
Tensor arbitrary_like(const Tensor& t, uint64_t seed) {
  Tensor r = zeros_like(t);
  uint64_t state = seed * 2 + 1;
  for (int64_t i = 0; i < r.numel(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    const double size = 0.5 + static_cast<double>(state >> 33) / 2147483648.0;
    poke(r, i, (state >> 32 & 1) ? size : -size);
  }
  set_requires_grad(r, true);
  return r;
}

}  // namespace

GradCheckResult gradcheck(const GradCheckFn& fn, std::span<const Tensor> inputs,
                          const GradCheckOptions& options) {
  return check("gradcheck", fn, inputs, options);
}

GradCheckResult gradgradcheck(const GradCheckFn& fn, std::span<const Tensor> inputs,
                              std::span<const Tensor> grad_outputs,
                              const GradCheckOptions& options) {
  GradMode on(true);
  const std::vector<Input> wanted = wanted_inputs("gradgradcheck", inputs);
  std::vector<Tensor> all(inputs.begin(), inputs.end());
  const std::vector<Output> outputs = floating_outputs(fn(inputs));
  if (!grad_outputs.empty() && grad_outputs.size() != outputs.size()) {
    fail(Status::kInvalidArgument, "gradgradcheck: count mismatch: ", outputs.size(),
         " floating outputs, ", grad_outputs.size(), " gradients: give one an output, or none");
  }
  for (size_t k = 0; k < outputs.size(); ++k) {
    all.push_back(grad_outputs.empty() ? arbitrary_like(outputs[k].tensor, k) : grad_outputs[k]);
  }
  const size_t count = inputs.size();
  const GradCheckFn gradients = [&](std::span<const Tensor> in) {
    std::vector<Tensor> roots, root_grads, leaves, result;
    size_t k = count;
    for (const Output& o : floating_outputs(fn(in.first(count)))) {
      const Tensor& g = in[k++];
      if (!o.tensor.requires_grad()) continue;
      roots.push_back(o.tensor);
      root_grads.push_back(g);
    }
    if (roots.empty()) return result;
    for (const Input& i : wanted) leaves.push_back(in[static_cast<size_t>(i.index)]);
    for (Tensor& g : grad(roots, leaves, root_grads, /*retain_graph=*/true, /*create_graph=*/true,
                          /*allow_unused=*/true)) {
      if (g.defined()) result.push_back(g);
    }
    return result;
  };
  return check("gradgradcheck", gradients, all, options);
}

}  // namespace mt
