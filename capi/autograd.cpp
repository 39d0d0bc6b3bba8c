// C functions of autograd.h: backward, grad, grad mode, gradient checks and the graph as data.
// User-defined functions are in function.cpp.
#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/gradcheck.h"
#include "autograd/meta.h"
#include "autograd/dot.h"
#include "capi/host_text.h"
#include "capi/hooks.h"
#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Status;
using mt::Tensor;

using Span = std::span<const Tensor>;

mt_backward_options backward_options(const Call& c, const mt_backward_options* given) {
  mt_backward_options o;
  mt_backward_options_init(&o);
  if (given) c.read_options("options", given, o);
  return o;
}

// A host's account of where it is.
class HostTrace final : public mt::TraceSource {
 public:
  HostTrace(mt_trace_fn fn, mt::Ref<UserData> user) : fn_(fn), user_(std::move(user)) {}
  std::string here() override {
    return host_text("trace", [&](char* text, size_t capacity, size_t* length) {
      return fn_(text, capacity, length, user_->user());
    });
  }

 private:
  mt_trace_fn fn_;
  mt::Ref<UserData> user_;
};

const mt::Edge& input_edge(const Call& c, const mt::Node& node, size_t index) {
  if (index >= static_cast<size_t>(node.edges.size())) {
    mt::fail(Status::kIndex, c.fn(), ": index out of range: index ", index, " of ",
             node.edges.size(), " inputs: must be less than mt_node_input_count");
  }
  return node.edges[static_cast<int>(index)];
}

}  // namespace

extern "C" {

mt_status mt_tensor_backward(const mt_tensor* self, const mt_tensor* gradient, bool retain_graph,
                             bool create_graph) {
  return guard("mt_tensor_backward", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    const TensorArg g = c.optional_tensor("gradient", gradient);
    mt::backward({&t.get(), 1}, gradient ? Span(&g.get(), 1) : Span(), retain_graph, create_graph);
  });
}

void mt_backward_options_init(mt_backward_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
}

mt_status mt_backward(const mt_tensor* const* outputs, size_t n_outputs,
                      const mt_backward_options* options) {
  return guard("mt_backward", [&](Call& c) {
    const TensorArgs out = c.tensors("outputs", outputs, n_outputs);
    const mt_backward_options o = backward_options(c, options);
    const TensorArgs grads =
        c.tensors("options.grad_outputs", o.grad_outputs, o.n_grad_outputs, true);
    const TensorArgs inputs = c.tensors("options.inputs", o.inputs, o.n_inputs);
    mt::backward(out, grads, o.retain_graph, o.create_graph, inputs);
  });
}

mt_status mt_grad(mt_tensors** out, const mt_tensor* const* outputs, size_t n_outputs,
                  const mt_tensor* const* inputs, size_t n_inputs,
                  const mt_backward_options* options) {
  return guard("mt_grad", [&](Call& c) {
    c.pointer("out", out);
    const TensorArgs outs = c.tensors("outputs", outputs, n_outputs);
    const TensorArgs ins = c.tensors("inputs", inputs, n_inputs);
    const mt_backward_options o = backward_options(c, options);
    const TensorArgs grads =
        c.tensors("options.grad_outputs", o.grad_outputs, o.n_grad_outputs, true);
    c.put_list(out, mt::grad(outs, ins, grads, o.retain_graph, o.create_graph, o.allow_unused));
  });
}

// --- anomaly mode ------------------------------------------------------------------------------

void mt_anomaly_options_init(mt_anomaly_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->check_nan = true;
}

mt_status mt_anomaly_mode_set(bool enabled, const mt_anomaly_options* options) {
  if (!abi_thread()) return options ? refuse(options) : MT_ERR_OUT_OF_MEMORY;
  return guard("mt_anomaly_mode_set", [&](Call& c) {
    mt_anomaly_options o;
    mt_anomaly_options_init(&o);
    if (options) c.read_options("options", options, o);
    mt::Ref<UserData> user = UserData::make(o.user, o.destroy);
    mt::Ref<mt::TraceSource> trace;
    if (o.trace) trace = mt::Ref<mt::TraceSource>::adopt(new HostTrace(o.trace, std::move(user)));
    mt::set_anomaly_mode(enabled, o.check_nan, std::move(trace));
  });
}

bool mt_anomaly_mode_enabled(void) { return mt::anomaly_mode(); }
bool mt_anomaly_mode_checks_nan(void) { return mt::anomaly_checks_nan(); }

// --- grad mode ---------------------------------------------------------------------------------

bool mt_grad_mode_enabled(void) {
  const mt::ThreadState* s = mt::tls_state;  // a thread without a state has the mode it starts with
  return !s || s->grad_enabled;
}

mt_status mt_grad_mode_push(bool enabled) {
  return guard("mt_grad_mode_push", [&](Call& c) {
    c.thread().grad_modes.push_back(mt::grad_enabled());
    mt::thread_state().grad_enabled = enabled;
  });
}

mt_status mt_grad_mode_pop(void) {
  return guard("mt_grad_mode_pop", [&](Call& c) {
    auto& modes = c.thread().grad_modes;
    if (modes.empty()) {
      mt::fail(Status::kState, c.fn(),
               ": nothing to pop: no mt_grad_mode_push on this thread is open: call pop once for "
               "each push");
    }
    mt::thread_state().grad_enabled = modes.back();
    modes.pop_back();
  });
}

mt_status mt_grad_mode_set(bool enabled) {
  return guard("mt_grad_mode_set", [&](Call&) { mt::thread_state().grad_enabled = enabled; });
}

// --- checks ------------------------------------------------------------------------------------

mt_status mt_gradcheck(mt_gradcheck_fn function, void* user, const mt_tensor* const* inputs,
                       size_t n_inputs, double eps, double atol, double rtol) {
  return guard("mt_gradcheck", [&](Call& c) {
    const TensorArgs in = c.tensors("inputs", inputs, n_inputs);
    c.pointer("function", function);
    const auto fn = [&](Span values) {
      CallbackTensors args(c.thread());
      for (const Tensor& t : values) args.add(t);
      mt_tensor* result = nullptr;
      CallbackScope scope(c.thread());
      const mt_status status = function(&result, args.data(), args.size(), user);
      const Tensor t = take_result(c.thread(), c.fn(), "out", -1, result);
      scope.check(status, "mt_gradcheck");
      if (!t.defined()) {
        mt::fail(Status::kCallback, c.fn(),
                 ": missing output: the function left *out NULL: it must set it to a new tensor");
      }
      return std::vector<Tensor>{t};
    };
    const mt::GradCheckResult result =
        mt::gradcheck(mt::GradCheckFn(fn), in, mt::GradCheckOptions{eps, atol, rtol});
    if (!result) mt::fail(Status::kAutograd, c.fn(), ": wrong gradient: ", result.message);
  });
}

// --- the graph ---------------------------------------------------------------------------------

mt_status mt_node_free(mt_node* self) {
  return free_handle<mt::Node>("mt_node_free", "self", self);
}

mt_status mt_node_name(char** out, const mt_node* self) {
  return guard("mt_node_name", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(c.object<mt::Node>("self", self)->display_name());
  });
}

mt_status mt_node_sequence(uint64_t* out, const mt_node* self) {
  return guard("mt_node_sequence", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<mt::Node>("self", self)->sequence();
  });
}

mt_status mt_node_input_count(size_t* out, const mt_node* self) {
  return guard("mt_node_input_count", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<size_t>(c.object<mt::Node>("self", self)->edges.size());
  });
}

mt_status mt_node_input_node(mt_node** out, const mt_node* self, size_t index) {
  return guard("mt_node_input_node", [&](Call& c) {
    c.pointer("out", out);
    const mt::Edge& e = input_edge(c, *c.object<mt::Node>("self", self), index);
    *out = NewHandle<mt::Node>(c.thread(), e.node).release();
  });
}

mt_status mt_node_input_leaf(mt_tensor** out, const mt_node* self, size_t index) {
  return guard("mt_node_input_leaf", [&](Call& c) {
    c.pointer("out", out);
    const mt::Edge& e = input_edge(c, *c.object<mt::Node>("self", self), index);
    c.put(out, Tensor(e.leaf));
  });
}

mt_status mt_graph_dot(char** out, const mt_tensor* root, const mt_named_tensors* names,
                       size_t max_nodes) {
  return guard("mt_graph_dot", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("root", root);
    static const mt::NamedTensors kNone;
    const auto* list = names ? c.object<NamedTensorsObject>("names", names) : nullptr;
    *out = new_string(mt::graph_dot(t, list ? list->items() : kNone, max_nodes));
  });
}

}  // extern "C"
