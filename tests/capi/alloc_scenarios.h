// What the test of failing allocations runs: each scenario goes through a part of the API, stops at
// the first failure, and frees what it made in any case.
#ifndef MINITORCH_TESTS_ALLOC_SCENARIOS_H
#define MINITORCH_TESTS_ALLOC_SCENARIOS_H

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "minitorch/minitorch.h"

namespace {

// A handle that is freed at the end of the scenario. Freeing must work without memory.
template <class T, mt_status (*kFree)(T *)>
class Held {
 public:
  Held() = default;
  Held(const Held &) = delete;
  Held &operator=(const Held &) = delete;
  ~Held() { kFree(handle_); }
  T **out() {
    kFree(handle_);
    handle_ = nullptr;
    return &handle_;
  }
  operator T *() const { return handle_; }  // NOLINT
  T *give() {
    T *h = handle_;
    handle_ = nullptr;
    return h;
  }

 private:
  T *handle_ = nullptr;
};
using TensorHeld = Held<mt_tensor, mt_tensor_free>;
using TensorsHeld = Held<mt_tensors, mt_tensors_free>;
using NamedHeld = Held<mt_named_tensors, mt_named_tensors_free>;
using StringsHeld = Held<mt_strings, mt_strings_free>;
using ModuleHeld = Held<mt_module, mt_module_free>;
using OptimizerHeld = Held<mt_optimizer, mt_optimizer_free>;
using GeneratorHeld = Held<mt_generator, mt_generator_free>;
using NodeHeld = Held<mt_node, mt_node_free>;
using TextHeld = Held<char, mt_string_free>;

#define TRY(call)                                            \
  do {                                                       \
    if (const mt_status s_ = (call); s_ != MT_OK) return s_; \
  } while (0)

mt_status filled(TensorHeld &t, int64_t rows, int64_t columns) {
  const int64_t shape[] = {rows, columns};
  return mt_randn(t.out(), shape, 2);
}

// Tensors, ops of each kind, printing, lists, a generator.
mt_status ops() {
  TensorHeld a, b, c, d, e;
  TRY(filled(a, 40, 30));
  TRY(filled(b, 30, 50));
  TRY(mt_matmul(c.out(), a, b));
  TRY(mt_add_scalar(d.out(), c, 1.5));
  TRY(mt_exp(e.out(), d));
  TRY(mt_sum(d.out(), e));
  TRY(mt_transpose(b.out(), a, 0, 1));
  TRY(mt_contiguous(c.out(), b));
  TRY(mt_tensor_to_dtype(d.out(), c, MT_FLOAT64));
  TRY(mt_softmax(e.out(), d, 1));
  TensorsHeld parts;
  TRY(mt_chunk(parts.out(), e, 3, 0));
  size_t n = 0;
  TRY(mt_tensors_count(&n, parts));
  TRY(mt_tensors_get(a.out(), parts, 0));
  TRY(mt_tensors_get(b.out(), parts, 0));
  const mt_tensor *both[] = {a, b};
  TRY(mt_cat(c.out(), both, 2, 0));
  TRY(mt_gt_scalar(d.out(), c, 0));
  TRY(mt_nonzero(e.out(), d));
  TextHeld text;
  TRY(mt_tensor_to_string(text.out(), c));
  GeneratorHeld generator;
  TRY(mt_generator_create(generator.out()));
  const int64_t size = 100;
  TRY(mt_rand_with(a.out(), &size, 1, MT_FLOAT32, MT_CPU, generator));
  return MT_OK;
}

// A recorded computation, backward with and without graph, hooks, the graph as data.
mt_status count_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)user;
  return mt_mul_scalar(replacement, grad, 2);
}

mt_status gradients() {
  TensorHeld x, y, z, g;
  TRY(filled(x, 6, 5));
  TRY(mt_tensor_set_requires_grad(x, true));
  TRY(mt_mul(y.out(), x, x));
  uint64_t id = 0;
  TRY(mt_tensor_register_hook(&id, y, count_hook, nullptr, nullptr));
  TRY(mt_tensor_retain_grad(y));
  TRY(mt_tanh(z.out(), y));
  TRY(mt_mean(g.out(), z));
  NodeHeld node;
  TextHeld text;
  TRY(mt_tensor_grad_fn(node.out(), g));
  TRY(mt_node_name(text.out(), node));
  TRY(mt_graph_dot(text.out(), g, nullptr, 0));
  TRY(mt_tensor_backward(g, nullptr, true, false));
  TRY(mt_tensor_grad(z.out(), x));
  TensorsHeld grads;
  const mt_tensor *outputs[] = {g}, *inputs[] = {x};
  mt_backward_options options;
  mt_backward_options_init(&options);
  options.create_graph = true;
  TRY(mt_grad(grads.out(), outputs, 1, inputs, 1, &options));
  TRY(mt_tensors_get(y.out(), grads, 0));
  TRY(mt_sum(z.out(), y));
  TRY(mt_tensor_backward(z, nullptr, false, false));
  return MT_OK;
}

mt_status make_model(ModuleHeld &model) {
  ModuleHeld layers[4];
  TRY(mt_nn_linear(layers[0].out(), 4, 8, nullptr));
  TRY(mt_nn_relu(layers[1].out(), false));
  TRY(mt_nn_dropout(layers[2].out(), 0.5, false));
  TRY(mt_nn_linear(layers[3].out(), 8, 2, nullptr));
  const mt_module *list[] = {layers[0], layers[1], layers[2], layers[3]};
  return mt_nn_sequential(model.out(), list, 4);
}

// Building, listing, copying and moving modules.
mt_status modules() {
  ModuleHeld model, child;
  TRY(make_model(model));
  NamedHeld named, state;
  StringsHeld names, missing, unexpected;
  TextHeld text;
  TRY(mt_module_named_parameters(named.out(), model));
  TRY(mt_module_named_modules(names.out(), model));
  TRY(mt_module_to_string(text.out(), model));
  TRY(mt_module_get_submodule(child.out(), model, "3"));
  TRY(mt_module_state_dict(state.out(), model));
  TRY(mt_module_load_state_dict(model, state, false, missing.out(), unexpected.out()));
  TensorHeld buffer;
  TRY(filled(buffer, 2, 2));
  TRY(mt_module_register_buffer(model, "table", buffer, true));
  TRY(mt_module_unregister(model, "table"));
  TRY(mt_module_to_dtype(model, MT_FLOAT64));
  TRY(mt_module_train(model, false));
  TensorHeld x, y;
  const int64_t shape[] = {3, 4};
  TRY(mt_ones_with(x.out(), shape, 2, MT_FLOAT64, MT_CPU));
  return mt_module_forward(y.out(), model, x);
}

// Steps of SGD and Adam, with the optimizers' state saved and loaded.
mt_status training() {
  ModuleHeld model, loss_fn;
  TRY(mt_manual_seed(1));
  TRY(make_model(model));
  TRY(mt_nn_mse_loss(loss_fn.out(), MT_REDUCTION_MEAN));
  TensorsHeld parameters;
  TRY(mt_module_parameters(parameters.out(), model));
  for (int kind = 0; kind < 2; ++kind) {
    OptimizerHeld optimizer;
    if (kind == 0) {
      mt_sgd_options options;
      mt_sgd_options_init(&options);
      options.lr = 0.1;
      options.momentum = 0.9;
      TRY(mt_sgd(optimizer.out(), parameters, &options));
    } else {
      TRY(mt_adam(optimizer.out(), parameters, nullptr));
    }
    TensorHeld x, y, out, loss;
    TRY(filled(x, 5, 4));
    TRY(filled(y, 5, 2));
    for (int step = 0; step < 2; ++step) {
      TRY(mt_optimizer_zero_grad(optimizer, step == 0));
      TRY(mt_module_forward(out.out(), model, x));
      TRY(mt_module_forward2(loss.out(), loss_fn, out, y));
      TRY(mt_tensor_backward(loss, nullptr, false, false));
      double norm = 0;
      TRY(mt_clip_grad_norm_(&norm, parameters, 1, 2, false));
      TRY(mt_optimizer_step(optimizer));
    }
    NamedHeld state;
    TRY(mt_optimizer_state_dict(state.out(), optimizer));
    TRY(mt_optimizer_load_state_dict(optimizer, state));
  }
  return MT_OK;
}

// A safetensors file and back, in a folder that must be empty after the file is removed: a failed
// save leaves nothing of its own.
mt_status files() {
  char folder[64], path[96];
  snprintf(folder, sizeof folder, "alloc_failure_%ld", static_cast<long>(getpid()));
  snprintf(path, sizeof path, "%s/state.safetensors", folder);
  if (mkdir(folder, 0700) != 0) {
    printf("# cannot make the folder %s\n", folder);
    return MT_ERR_IO;
  }
  const auto run = [&path]() -> mt_status {
    ModuleHeld model;
    TRY(make_model(model));
    NamedHeld state, loaded;
    StringsHeld keys, values;
    const char *key[] = {"about"}, *value[] = {"a test"};
    TRY(mt_module_state_dict(state.out(), model));
    TRY(mt_strings_create(keys.out(), key, 1));
    TRY(mt_strings_create(values.out(), value, 1));
    TRY(mt_save_safetensors(path, state, keys, values));
    TRY(mt_load_safetensors(loaded.out(), path, nullptr, nullptr));
    return mt_module_load_state_dict(model, loaded, true, nullptr, nullptr);
  };
  const mt_status status = run();
  unlink(path);
  if (rmdir(folder) != 0) {
    printf("# a file is left in %s\n", folder);
    return MT_ERR_IO;
  }
  return status;
}

// An archive of both kinds of entries and back.
mt_status archives() {
  char path[64];
  snprintf(path, sizeof path, "alloc_failure_%ld.npz", static_cast<long>(getpid()));
  const auto run = [&path](bool compressed) -> mt_status {
    TensorHeld t;
    NamedHeld named, loaded;
    TRY(filled(t, 3, 4));
    TRY(mt_named_tensors_create(named.out()));
    TRY(mt_named_tensors_set(named, "t", t));
    TRY(mt_save_npz(path, named, compressed));
    return mt_load_npz(loaded.out(), path, nullptr);
  };
  mt_status status = run(false);
  if (status == MT_OK) status = run(true);
  unlink(path);
  return status;
}

mt_status halve(double *factor, int64_t epoch, size_t group, void *user) {
  (void)group, (void)user;
  *factor = 1.0 / static_cast<double>(epoch + 1);
  return MT_OK;
}

mt_status squares(mt_tensor **loss, void *user) {
  auto *const x = static_cast<mt_tensor *>(user);
  TensorHeld y;
  TRY(mt_tensor_set_grad(x, nullptr));
  TRY(mt_mul(y.out(), x, x));
  TRY(mt_sum(loss, y));
  return mt_tensor_backward(*loss, nullptr, false, false);
}

// The other optimizers, closures, schedulers, an averaged model, and all of it in a checkpoint.
mt_status schedules() {
  ModuleHeld model, shadow, averaged;
  TRY(make_model(model));
  TRY(make_model(shadow));
  TensorsHeld parameters, one;
  TRY(mt_module_parameters(parameters.out(), model));
  OptimizerHeld adagrad, lbfgs;
  TRY(mt_adagrad(adagrad.out(), parameters, nullptr));
  TensorHeld x;
  TRY(filled(x, 2, 2));
  TRY(mt_tensor_set_requires_grad(x, true));
  const mt_tensor *const items[] = {x};
  TRY(mt_tensors_create(one.out(), items, 1));
  mt_lbfgs_options options;
  mt_lbfgs_options_init(&options);
  options.strong_wolfe = true;
  options.max_iter = 3;
  TRY(mt_lbfgs(lbfgs.out(), one, &options));
  TRY(mt_optimizer_step_closure(nullptr, lbfgs, squares, static_cast<mt_tensor *>(x)));
  Held<mt_scheduler, mt_scheduler_free> first, second, both;
  TRY(mt_lambda_lr(first.out(), adagrad, halve, nullptr, nullptr, -1));
  TRY(mt_exponential_lr(second.out(), adagrad, 0.9, -1));
  const mt_scheduler *const pair[] = {first, second};
  TRY(mt_chained_scheduler(both.out(), pair, 2));
  TRY(mt_scheduler_step(both));
  mt_averaged_model_options ema;
  mt_averaged_model_options_init(&ema);
  ema.ema_decay = 0.5;
  TRY(mt_averaged_model(averaged.out(), shadow, &ema));
  TRY(mt_averaged_model_update(averaged, model));
  TRY(mt_averaged_model_update(averaged, model));
  char path[64];
  snprintf(path, sizeof path, "alloc_failure_%ld.checkpoint", static_cast<long>(getpid()));
  const mt_optimizer *const optimizers[] = {adagrad, lbfgs};
  const mt_scheduler *const schedulers[] = {both};
  mt_checkpoint parts;
  mt_checkpoint_init(&parts);
  parts.model = averaged;
  parts.optimizers = optimizers;
  parts.n_optimizers = 2;
  parts.schedulers = schedulers;
  parts.n_schedulers = 1;
  const mt_status saved = mt_checkpoint_save(path, &parts);
  const mt_status loaded =
      saved ? saved : mt_checkpoint_load(path, &parts, nullptr, nullptr, nullptr, nullptr, nullptr);
  unlink(path);
  return loaded;
}

// Modules and functions of the host; their `destroy` runs once whatever fails.
int g_made = 0, g_destroyed = 0;
void note_destroy(void *user) {
  (void)user;
  ++g_destroyed;
}

mt_status square_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs, size_t n_inputs,
                         mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)n_inputs, (void)n_outputs, (void)user;
  TRY(mt_function_ctx_save(ctx, inputs, 1));
  return mt_mul(&outputs[0], inputs[0], inputs[0]);
}

mt_status square_backward(mt_function_ctx *ctx, const mt_tensor *const *grads, size_t n_outputs,
                          mt_tensor **grad_inputs, size_t n_inputs, void *user) {
  (void)n_inputs, (void)n_outputs, (void)user;
  TensorHeld x, twice;
  TRY(mt_function_ctx_saved(x.out(), ctx, 0));
  TRY(mt_mul_scalar(twice.out(), x, 2));
  return mt_mul(&grad_inputs[0], twice, grads[0]);
}

mt_status custom_forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs, mt_module *self,
                         const mt_tensor *const *inputs, size_t n_inputs, void *user) {
  (void)capacity, (void)n_outputs, (void)n_inputs, (void)user;
  ModuleHeld fc;
  TensorHeld y;
  TRY(mt_module_get_submodule(fc.out(), self, "fc"));
  TRY(mt_module_forward(y.out(), fc, inputs[0]));
  mt_function square;
  mt_function_init(&square);
  square.name = "Square";
  square.forward = square_forward;
  square.backward = square_backward;
  square.destroy = note_destroy;
  ++g_made;
  const mt_tensor *in[] = {y};
  return mt_function_apply(outputs, 1, &square, in, 1);
}

mt_status backward_hook(mt_tensor **replacements, mt_module *module,
                        const mt_tensor *const *grad_inputs, size_t n_inputs,
                        const mt_tensor *const *grad_outputs, size_t n_outputs, void *user) {
  (void)module, (void)n_inputs, (void)grad_outputs, (void)n_outputs, (void)user;
  return grad_inputs[0] ? mt_neg(&replacements[0], grad_inputs[0]) : MT_OK;
}

mt_status callbacks() {
  g_made = g_destroyed = 0;
  const auto run = []() -> mt_status {
    ModuleHeld module, fc;
    mt_module_def def;
    mt_module_def_init(&def);
    def.type_name = "Mine";
    def.forward = custom_forward;
    def.destroy = note_destroy;
    ++g_made;
    TRY(mt_nn_custom(module.out(), &def));
    TRY(mt_nn_linear(fc.out(), 3, 2, nullptr));
    TRY(mt_module_register_module(module, "fc", fc));
    uint64_t id = 0;
    ++g_made;
    TRY(mt_module_register_full_backward_hook(&id, module, backward_hook, nullptr, note_destroy));
    TensorHeld x, y, sum;
    TRY(filled(x, 4, 3));
    TRY(mt_tensor_set_requires_grad(x, true));
    TRY(mt_module_forward(y.out(), module, x));
    TRY(mt_sum(sum.out(), y));
    return mt_tensor_backward(sum, nullptr, false, false);
  };
  const mt_status status = run();
  if (g_made != g_destroyed) {
    printf("# %d callbacks' data made, %d destroyed\n", g_made, g_destroyed);
    return MT_ERR_INTERNAL;
  }
  return status;
}

// Scopes free what a failing call left behind.
mt_status scopes() {
  TRY(mt_scope_begin());
  const auto run = []() -> mt_status {
    mt_tensor *a = nullptr, *b = nullptr;
    const int64_t n = 10;
    TRY(mt_ones(&a, &n, 1));
    for (int i = 0; i < 200; ++i) {
      TRY(mt_add_scalar(&b, a, i));
      a = b;
    }
    TRY(mt_scope_begin());
    mt_status s = mt_exp(&b, a);
    if (s == MT_OK) s = mt_scope_keep(b);
    mt_scope_end();
    return s;
  };
  const mt_status status = run();
  char kept[256];
  snprintf(kept, sizeof kept, "%s", mt_last_error());
  const mt_status ended = mt_scope_end();
  return status != MT_OK ? status : ended;
}

// Memory of the host's, in and out, and DLPack both ways.
void free_nothing(void *user) { (void)user; }

mt_status exchange() {
  static float values[64];
  const int64_t shape[] = {8, 8};
  TensorHeld blob, back;
  TRY(mt_tensor_from_blob(blob.out(), values, MT_FLOAT32, shape, 2, nullptr, free_nothing,
                          nullptr));
  mt_dl_managed_tensor_versioned *managed = nullptr;
  TRY(mt_tensor_to_dlpack(&managed, blob));
  const mt_status imported = mt_tensor_from_dlpack(back.out(), managed);
  if (imported != MT_OK) {
    managed->deleter(managed);
    return imported;
  }
  TensorHeld sum;
  return mt_sum(sum.out(), back);
}

// Data sets, samplers and loaders with and without workers.
mt_status loading() {
  const int64_t size[] = {3, 6, 6}, indices[] = {5, 2, 0, 1, 7};
  Held<mt_dataset, mt_dataset_free> images, some, ready;
  Held<mt_transform, mt_transform_free> crop;
  Held<mt_sampler, mt_sampler_free> order;
  TensorsHeld batch;
  TRY(mt_dataset_fake(images.out(), 8, size, 3, 5, 0));
  TRY(mt_dataset_subset(some.out(), images, indices, 5));
  TRY(mt_transform_random_crop(crop.out(), 4, 4, nullptr));
  TRY(mt_dataset_transform(ready.out(), some, crop, nullptr));
  TRY(mt_sampler_random(order.out(), 5, false, 0, nullptr));
  for (int32_t workers = 0; workers < 3; workers += 2) {
    Held<mt_data_loader, mt_data_loader_free> loader;
    mt_data_loader_options options;
    mt_data_loader_options_init(&options);
    options.num_workers = workers;
    options.batch_size = 2;
    TRY(mt_data_loader_create(loader.out(), ready, order, nullptr, &options));
    for (int i = 0; i < 3; ++i) TRY(mt_data_loader_next(batch.out(), loader));
  }
  return MT_OK;
}

struct Scenario {
  const char *name;
  mt_status (*run)();
};

constexpr Scenario kScenarios[] = {
    {"ops", ops},           {"gradients", gradients}, {"modules", modules},
    {"training", training}, {"files", files},         {"callbacks", callbacks},
    {"scopes", scopes},     {"exchange", exchange},   {"schedules", schedules},
    {"loading", loading},   {"archives", archives},
};

}  // namespace

#endif  // MINITORCH_TESTS_ALLOC_SCENARIOS_H
