// User-defined autograd functions in C: mt_function_apply, its node and its context.
#include "capi/function.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/meta.h"
#include "capi/hooks.h"

namespace mt::capi {
namespace {

// Runs a host's backward. Holds all that forward saved.
class FunctionNode final : public Node {
 public:
  FunctionNode(Ref<FunctionDef> def, Ref<FunctionState> state)
      : Node(def->node_name.c_str()), def_(std::move(def)), state_(std::move(state)) {}

  Grads backward(const GradIn& in) override {
    AbiThread& t = this_abi_thread();
    const Ref<FunctionDef> def = def_;  // stays while the callback runs
    CallbackTensors upstream(t);
    for (int i = 0; i < in.size(); ++i) {
      upstream.add(state_->materialize_grads ? in.or_zeros(i) : in[i]);
    }
    const int n = edges.size();
    std::vector<mt_tensor*> results(static_cast<size_t>(n), nullptr);
    Grads grads(n);  // before the callback: taking its results needs no memory
    CallbackScope scope(t);
    mt_status status;
    {
      NewHandle<FunctionCtx> ctx(
          t, Ref<FunctionCtx>::adopt(new FunctionCtx(state_, FunctionCtx::Phase::kBackward, &in)),
          false);
      status = def->backward(ctx.get(), upstream.data(), upstream.size(), results.data(),
                             results.size(), def->user->user());
    }
    std::exception_ptr bad;
    for (int i = 0; i < n; ++i) {  // take every handle before anything may throw for good
      try {
        grads[i] = take_result(t, def->node_name.c_str(), "grad_inputs", i,
                               results[static_cast<size_t>(i)]);
      } catch (...) {
        if (!bad) bad = std::current_exception();
      }
    }
    scope.check(status, def->node_name);
    if (bad) std::rethrow_exception(bad);
    for (int i = 0; i < n; ++i) check_gradient(i, grads[i]);
    return grads;
  }

  void release_saved() override { state_->saved.clear(); }
  bool saves() const override { return saves_; }
  bool conjugates() const override { return true; }

  std::vector<Dims> input_sizes;
  bool saves_ = false;

 private:
  void check_gradient(int i, Tensor& g) const {
    if (!g.defined()) return;
    if (!edges[i]) {
      g.reset();
      return;
    }
    const Dims& want = input_sizes[static_cast<size_t>(i)];
    if (!(g.sizes() == want) && !is_broadcastable_to(want, g.sizes())) {
      fail(Status::kShape, def_->node_name, ": shape mismatch: input ", i, " is ",
           shape_string(want), ", its gradient ", shape_string(g.sizes()),
           ": a gradient must have its input's shape");
    }
  }

  Ref<FunctionDef> def_;
  Ref<FunctionState> state_;
};

FunctionCtx* in_phase(Call& c, mt_function_ctx* handle, FunctionCtx::Phase phase) {
  auto* ctx = c.object<FunctionCtx>("ctx", handle);
  if (ctx->phase != phase) {
    const char* phase_name = phase == FunctionCtx::Phase::kForward ? "forward" : "backward";
    fail(Status::kState, c.fn(), ": wrong time: the function's ", phase_name,
         " is not running: call it only from inside ", phase_name);
  }
  return ctx;
}

std::vector<Tensor> run_forward(AbiThread& t, const FunctionDef& def,
                                const Ref<FunctionState>& state, const mt_tensor* const* inputs,
                                size_t n_inputs, size_t n_outputs) {
  std::vector<mt_tensor*> results(n_outputs, nullptr);
  std::vector<Tensor> outputs(n_outputs);
  CallbackScope scope(t);
  mt_status status;
  {
    GradMode off(false);
    NewHandle<FunctionCtx> ctx(
        t, Ref<FunctionCtx>::adopt(new FunctionCtx(state, FunctionCtx::Phase::kForward, nullptr)),
        false);
    status = def.forward(ctx.get(), inputs, n_inputs, results.data(), n_outputs, def.user->user());
  }
  std::exception_ptr bad;
  for (size_t i = 0; i < n_outputs; ++i) {
    try {
      outputs[i] = take_result(t, def.name.c_str(), "outputs", static_cast<int64_t>(i), results[i]);
    } catch (...) {
      if (!bad) bad = std::current_exception();
    }
  }
  scope.check(status, def.name);
  if (bad) std::rethrow_exception(bad);
  for (size_t i = 0; i < n_outputs; ++i) {
    if (!outputs[i].defined()) {
      fail(Status::kCallback, def.name, ": missing output: forward left outputs[", i,
           "] NULL: it must set every output");
    }
  }
  return outputs;
}

}  // namespace
}  // namespace mt::capi

using namespace mt::capi;  // NOLINT: the C functions below

extern "C" {

void mt_function_init(mt_function* function) {
  if (!function) return;
  *function = {};
  function->struct_size = sizeof *function;
}

mt_status mt_function_apply(mt_tensor** outputs, size_t n_outputs, const mt_function* function,
                            const mt_tensor* const* inputs, size_t n_inputs) {
  if (!abi_thread()) return refuse(function);
  return guard("mt_function_apply", [&](Call& c) {
    mt_function f;
    mt_function_init(&f);
    c.read_options("function", function, f);
    mt::Ref<UserData> user = UserData::make(f.user, f.destroy);
    if (n_outputs != 0) c.pointer("outputs", outputs);
    c.pointer("function.forward", f.forward);
    const TensorArgs in = c.tensors("inputs", inputs, n_inputs);
    auto def = mt::Ref<FunctionDef>::adopt(new FunctionDef(f, std::move(user)));
    auto state = mt::Ref<FunctionState>::adopt(new FunctionState);
    bool records = false;
    for (const mt::Tensor& t : in) {
      state->needs_input_grad.push_back(t.requires_grad());
      records = records || mt::recording(t);
    }
    records = records && def->backward;
    std::vector<mt::Tensor> results =
        run_forward(c.thread(), *def, state, inputs, n_inputs, n_outputs);

    const auto is_dirty = [&](const mt::Tensor& t) {
      return std::any_of(state->dirty.begin(), state->dirty.end(),
                         [&](const mt::Tensor& d) { return same(d, t); });
    };
    for (const mt::Tensor& d : state->dirty) {
      const auto among = [&](const auto& list) {
        return std::any_of(list.begin(), list.end(), [&](const auto& t) { return same(t, d); });
      };
      if (among(in) && among(results)) continue;
      mt::fail(
          mt::Status::kCallback, def->name,
          ": wrong dirty tensor: forward marked one that is not both an input and an output: an "
          "input changed in place must be given back as an output");
    }
    if (records) {
      auto node_object = new FunctionNode(def, state);
      auto node = mt::Ref<mt::Node>::adopt(node_object);
      mt::SmallVector<const mt::Tensor*, 8> pointers;
      for (const mt::Tensor& t : in) {
        pointers.push_back(&t);
        node_object->input_sizes.push_back(t.sizes());
      }
      mt::connect(*node, {pointers.data(), static_cast<size_t>(pointers.size())});
      std::vector<bool> is_output(state->to_save.size());
      for (mt::Tensor& out : results) {
        const mt::TensorImpl* given = out.impl();
        const bool no_grad = std::find(state->without_grad.begin(), state->without_grad.end(),
                                       given) != state->without_grad.end();
        const bool dirty = is_dirty(out) && !no_grad;
        // An input given back, or a tensor with a history of its own, gets a new identity.
        if (!dirty &&
            (out.requires_grad() || mt::autograd_meta_or_null(out) ||
             std::any_of(in.begin(), in.end(), [&](const auto& t) { return same(t, out); }))) {
          out = out.alias();
        }
        for (size_t i = 0; i < state->to_save.size(); ++i) {
          if (state->to_save[i].impl() != given || no_grad) continue;
          state->to_save[i] = out;
          is_output[i] = true;
        }
        if (no_grad) {
          node->outputs.push_back({out.sizes(), out.dtype(), out.device()});
        } else if (dirty) {
          mt::rebase_history(out, node);
        } else {
          mt::attach(node, out);
        }
      }
      for (size_t i = 0; i < state->to_save.size(); ++i) {
        const mt::Tensor& t = state->to_save[i];
        if (t.defined()) {
          state->saved.emplace_back(t, is_output[i]);
        } else {
          state->saved.emplace_back();
        }
      }
      node_object->saves_ = !state->saved.empty();
    }
    state->to_save.clear();
    state->dirty.clear();

    std::vector<mt_tensor*> handles;  // all or none
    handles.reserve(n_outputs);
    try {
      for (const mt::Tensor& t : results) handles.push_back(c.make(t).release());
    } catch (...) {
      for (mt_tensor* h : handles) mt_tensor_free(h);
      throw;
    }
    std::copy(handles.begin(), handles.end(), outputs);
  });
}

mt_status mt_function_ctx_save(mt_function_ctx* ctx, const mt_tensor* const* tensors, size_t n) {
  return guard("mt_function_ctx_save", [&](Call& c) {
    FunctionCtx* x = in_phase(c, ctx, FunctionCtx::Phase::kForward);
    const TensorArgs list = c.tensors("tensors", tensors, n, true);
    x->state->to_save.assign(list.begin(), list.end());
  });
}

mt_status mt_function_ctx_saved_count(size_t* out, mt_function_ctx* ctx) {
  return guard("mt_function_ctx_saved_count", [&](Call& c) {
    c.pointer("out", out);
    *out = in_phase(c, ctx, FunctionCtx::Phase::kBackward)->state->saved.size();
  });
}

mt_status mt_function_ctx_saved(mt_tensor** out, mt_function_ctx* ctx, size_t index) {
  return guard("mt_function_ctx_saved", [&](Call& c) {
    c.pointer("out", out);
    FunctionCtx* x = in_phase(c, ctx, FunctionCtx::Phase::kBackward);
    if (index >= x->state->saved.size()) {
      mt::fail(mt::Status::kIndex, c.fn(), ": index out of range: index ", index, " of ",
               x->state->saved.size(), " saved tensors: must be less than their count");
    }
    const mt::SavedTensor& s = x->state->saved[index];
    c.put(out, s.defined() ? s.get(*x->grads) : mt::Tensor());
  });
}

mt_status mt_function_ctx_needs_input_grad(bool* out, mt_function_ctx* ctx, size_t index) {
  return guard("mt_function_ctx_needs_input_grad", [&](Call& c) {
    c.pointer("out", out);
    const auto& needs = c.object<FunctionCtx>("ctx", ctx)->state->needs_input_grad;
    if (index >= needs.size()) {
      mt::fail(mt::Status::kIndex, c.fn(), ": index out of range: index ", index, " of ",
               needs.size(), " inputs: must be less than their count");
    }
    *out = needs[index];
  });
}

mt_status mt_function_ctx_mark_non_differentiable(mt_function_ctx* ctx, const mt_tensor* output) {
  return guard("mt_function_ctx_mark_non_differentiable", [&](Call& c) {
    FunctionCtx* x = in_phase(c, ctx, FunctionCtx::Phase::kForward);
    x->state->without_grad.push_back(c.object<mt::TensorImpl>("output", output));
  });
}

mt_status mt_function_ctx_mark_dirty(mt_function_ctx* ctx, const mt_tensor* input) {
  return guard("mt_function_ctx_mark_dirty", [&](Call& c) {
    FunctionCtx* x = in_phase(c, ctx, FunctionCtx::Phase::kForward);
    const TensorArg t = c.tensor("input", input);
    const mt::AutogradMeta* m = mt::autograd_meta_or_null(t.get());
    if (m && m->base.defined() && m->base.requires_grad()) {
      mt::fail(mt::Status::kAutograd, c.fn(),
               ": view changed in place: 'input' is a view of a tensor in the graph: return a new "
               "tensor from forward instead");
    }
    const mt::GradMode on(true);  // forward runs without, and leaves must be refused
    mt::check_inplace(c.fn(), t.get());
    x->state->dirty.push_back(t.get());
  });
}

mt_status mt_function_ctx_set_materialize_grads(mt_function_ctx* ctx, bool value) {
  return guard("mt_function_ctx_set_materialize_grads", [&](Call& c) {
    in_phase(c, ctx, FunctionCtx::Phase::kForward)->state->materialize_grads = value;
  });
}

mt_status mt_function_ctx_set_data(mt_function_ctx* ctx, void* data, mt_destroy_fn destroy) {
  if (!abi_thread()) return refuse(data, destroy);
  return guard("mt_function_ctx_set_data", [&](Call& c) {
    mt::Ref<UserData> owner = UserData::make(data, destroy);
    FunctionCtx* x = c.object<FunctionCtx>("ctx", ctx);
    x->state->data.swap(owner);
  });
}

mt_status mt_function_ctx_data(void** out, mt_function_ctx* ctx) {
  return guard("mt_function_ctx_data", [&](Call& c) {
    c.pointer("out", out);
    const FunctionCtx* x = c.object<FunctionCtx>("ctx", ctx);
    *out = x->state->data ? x->state->data->user() : nullptr;
  });
}

}  // extern "C"
