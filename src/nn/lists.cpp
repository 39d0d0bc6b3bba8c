// ModuleList, ModuleDict, ParameterList and ParameterDict: see containers.h.
#include "core/error.h"
#include "nn/containers.h"
#include "ops/common.h"
#include "ops/join.h"
#include "ops/view.h"

namespace mt::nn {
namespace {

[[noreturn]] void fail_forward(const std::string& type_name) {
  fail(Status::kNotImplemented, type_name,
       ": not implemented: it has no forward: use what it contains");
}

// How torch names a tensor type: "torch.float32" in lists, "torch.FloatTensor" in dicts.
std::string tensor_type(DType t, bool dict) {
  if (!dict) return cat("torch.", dtype_name(t));
  switch (t) {
    case DType::kFloat32:
      return "torch.FloatTensor";
    case DType::kFloat64:
      return "torch.DoubleTensor";
    case DType::kFloat16:
      return "torch.HalfTensor";
    case DType::kBFloat16:
      return "torch.BFloat16Tensor";
    default:
      return cat("torch.", dtype_name(t));
  }
}

}  // namespace

void List::insert(int64_t index, ModuleRef m) {
  const int64_t n = size(), at = index < 0 ? index + n : index;
  if (at < 0 || at > n) {
    fail(Status::kIndex, type_name_, ": index out of range: ", index, ": must be in [-", n, ", ", n,
         "]");
  }
  append(std::move(m));
  for (int64_t i = n; i > at; --i) {
    std::swap(children_[static_cast<size_t>(i)].second,
              children_[static_cast<size_t>(i - 1)].second);
  }
}

TensorList List::forward(std::span<const Tensor>) { fail_forward(type_name_); }

Ref<List> module_list(std::span<const ModuleRef> modules) {
  auto list = Ref<List>::adopt(new List("ModuleList"));
  for (const ModuleRef& m : modules) list->append(m);
  return list;
}

Ref<List> module_dict() { return Ref<List>::adopt(new List("ModuleDict")); }

void Parameters::set(std::string_view name, const Tensor& t) {
  const bool ready = !t.defined() || t.impl()->is_parameter;
  register_parameter(name, ready ? t : make_parameter(t, is_floating(t.dtype())));
}

TensorList Parameters::forward(std::span<const Tensor>) { fail_forward(type_name_); }

std::string Parameters::extra_repr() const {
  const bool dict = type_name_ == "ParameterDict";
  std::string out;
  for (const auto& [name, t] : parameters_) {
    if (!out.empty()) out += '\n';
    out += "  (" + name + "): ";
    if (!t.defined()) {
      out += "Object of type: NoneType";
      continue;
    }
    std::string sizes;
    for (const int64_t s : t.sizes()) sizes += (sizes.empty() ? "" : "x") + std::to_string(s);
    out += "Parameter containing: [" + tensor_type(t.dtype(), dict) + " of size " + sizes + "]";
  }
  return out;
}

Ref<Parameters> parameter_list(std::span<const Tensor> parameters) {
  auto list = Ref<Parameters>::adopt(new Parameters("ParameterList"));
  for (const Tensor& t : parameters) list->append(t);
  return list;
}

Ref<Parameters> parameter_dict() { return Ref<Parameters>::adopt(new Parameters("ParameterDict")); }

Tensor parameters_to_vector(std::span<const Tensor> parameters) {
  if (parameters.empty()) {
    fail(Status::kInvalidArgument, "parameters_to_vector: no parameters: 0 given: at least one is ",
         "needed");
  }
  TensorList flat;
  for (const Tensor& p : parameters) {
    check_defined("parameters_to_vector", "parameter", p);
    flat.push_back(reshape(p, {{p.numel()}}));
  }
  return mt::cat(flat);
}

void vector_to_parameters(const Tensor& vector, std::span<const Tensor> parameters) {
  constexpr std::string_view kOp = "vector_to_parameters";
  int64_t n = 0;
  for (const Tensor& p : parameters) {
    check_defined(kOp, "parameter", p);
    n += p.numel();
  }
  if (vector.dim() != 1 || vector.numel() != n) {
    fail(Status::kShape, kOp, ": shape mismatch: vector ", shape_string(vector.sizes()),
         ": must be (", n, ",), the parameters' number of elements");
  }
  GradMode off(false);
  int64_t at = 0;
  for (const Tensor& p : parameters) {
    copy_(p, reshape(narrow(vector, 0, at, p.numel()), p.sizes()));
    at += p.numel();
  }
}

}  // namespace mt::nn
