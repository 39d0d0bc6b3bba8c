// Modules of the host in C: forward, printing and hooks as callbacks, and what they may do wrong.
#include "check.h"

static void expect_string(char *got, const char *want) {
  if (!got || strcmp(got, want) != 0) check_report(__FILE__, __LINE__, want, got ? got : "NULL");
  OK(mt_string_free(got));
}

static void expect_repr(const mt_module *m, const char *want) {
  char *text = NULL;
  OK(mt_module_to_string(&text, m));
  expect_string(text, want);
}

// --- modules of the host
// --------------------------------------------------------------------------
struct net {
  int destroyed, forwards;
  mt_status fail_with;
  size_t outputs;
};

static mt_status net_forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
                             mt_module *self, const mt_tensor *const *inputs, size_t n_inputs,
                             void *user) {
  struct net *net = user;
  ++net->forwards;
  if (net->fail_with == MT_ERR_CALLBACK) return mt_callback_error("net is tired");
  if (n_inputs != 1) return mt_callback_error("one input, please");
  CHECK(capacity >= 64 && *n_outputs == 1);
  if (net->outputs != 1) {
    *n_outputs = net->outputs;
    for (size_t i = 0; i < net->outputs && i < capacity; ++i) {
      OK(mt_tensor_ref(&outputs[i], inputs[0]));
    }
    return MT_OK;
  }
  mt_module *fc = NULL;
  mt_status s = mt_module_get_submodule(&fc, self, "fc");
  if (s == MT_OK) s = mt_module_forward(&outputs[0], fc, inputs[0]);
  mt_module_free(fc);
  return s;
}

static mt_status net_repr(char *buffer, size_t capacity, size_t *length, const mt_module *self,
                          void *user) {
  (void)self;
  (void)user;
  enum { kLength = 300 };  // more than the first try has room for
  if (capacity > kLength) {
    memset(buffer, 'x', kLength);
    buffer[kLength] = 0;
  }
  *length = kLength;
  return MT_OK;
}

static void net_destroy(void *user) { ++((struct net *)user)->destroyed; }

static mt_status count_modules(mt_module *module, void *user) {
  char *name = NULL;
  OK(mt_module_type_name(&name, module));
  const bool stop = strcmp(name, "Linear") != 0 && *(int *)user < 0;
  OK(mt_string_free(name));
  ++*(int *)user;
  return stop ? mt_callback_error("stop") : MT_OK;
}

static void custom(void) {
  struct net net = {0, 0, MT_OK, 1};
  mt_module_def def;
  mt_module_def_init(&def);
  def.type_name = "Net";
  def.forward = net_forward;
  def.user = &net;
  def.destroy = net_destroy;
  mt_module *m = NULL, *fc = NULL;
  OK(mt_nn_custom(&m, &def));
  OK(mt_nn_linear(&fc, 2, 1, NULL));
  OK(mt_module_register_module(m, "fc", fc));
  OK(mt_module_free(fc));
  expect_repr(m, "Net(\n  (fc): Linear(in_features=2, out_features=1, bias=True)\n)");
  const float values[] = {1, 2};
  mt_tensor *x = vec(values, 2), *y = NULL;
  OK(mt_module_forward(&y, m, x));
  OK(mt_tensor_backward(y, NULL, false, false));
  OK(mt_tensor_free(y));
  mt_tensors *list = NULL;
  size_t n = 0;
  net.outputs = 3;
  OK(mt_module_call(&list, m, (const mt_tensor *const *)&x, 1));
  OK(mt_tensors_count(&n, list));
  CHECK(n == 3);
  OK(mt_tensors_free(list));
  FAILS(MT_ERR_INVALID_ARGUMENT, "3 outputs", mt_module_forward(&y, m, x));
  net.outputs = 65;
  FAILS(MT_ERR_CALLBACK, "too many outputs",
        mt_module_call(&list, m, (const mt_tensor *const *)&x, 1));
  net.outputs = 0;
  OK(mt_module_call(&list, m, (const mt_tensor *const *)&x, 1));
  OK(mt_tensors_free(list));
  net.outputs = 1;
  FAILS(MT_ERR_CALLBACK, "one input, please", mt_module_call(&list, m, NULL, 0));
  net.fail_with = MT_ERR_CALLBACK;
  FAILS(MT_ERR_CALLBACK, "net is tired", mt_module_forward(&y, m, x));
  net.fail_with = MT_OK;
  OK(mt_module_register_module(m, "fc", NULL));
  FAILS(MT_ERR_KEY, "no child 'fc'", mt_module_forward(&y, m, x));

  // Its parts may be replaced, and its handle freed, while it runs.
  int count = 0;
  OK(mt_module_apply(m, count_modules, &count));
  CHECK(count == 1);
  count = -5;
  FAILS(MT_ERR_CALLBACK, "stop", mt_module_apply(m, count_modules, &count));
  CHECK(net.destroyed == 0);
  OK(mt_module_free(m));
  CHECK(net.destroyed == 1);

  def.forward = NULL;
  def.extra_repr = net_repr;
  def.type_name = NULL;
  OK(mt_nn_custom(&m, &def));
  char *text = NULL;
  OK(mt_module_to_string(&text, m));
  CHECK(text && strlen(text) == 300 + strlen("Module()"));
  OK(mt_string_free(text));
  FAILS(MT_ERR_STATE, "no forward", mt_module_forward(&y, m, x));
  OK(mt_module_free(m));
  CHECK(net.destroyed == 2);
  FAILS(MT_ERR_NULL_ARGUMENT, "'out'", mt_nn_custom(NULL, &def));
  CHECK(net.destroyed == 3);
  OK(mt_tensor_free(x));
}

static mt_status free_itself(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
                             mt_module *self, const mt_tensor *const *inputs, size_t n_inputs,
                             void *user) {
  (void)capacity, (void)n_outputs, (void)self, (void)n_inputs;
  OK(mt_module_free(*(mt_module **)user));
  return mt_tensor_ref(&outputs[0], inputs[0]);
}

static mt_status left_over(mt_tensor **outputs, size_t capacity, size_t *n_outputs, mt_module *self,
                           const mt_tensor *const *inputs, size_t n_inputs, void *user) {
  (void)capacity, (void)self, (void)n_inputs, (void)user;
  OK(mt_tensor_ref(&outputs[5], inputs[0]));  // beyond the count: taken all the same
  *n_outputs = 2;
  return MT_OK;
}

static mt_status call_itself(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
                             mt_module *self, const mt_tensor *const *inputs, size_t n_inputs,
                             void *user) {
  (void)capacity, (void)n_outputs, (void)n_inputs, (void)user;
  return mt_module_forward(&outputs[0], self, inputs[0]);
}

static void odd_modules(void) {
  mt_module_def def;
  mt_module_def_init(&def);
  mt_module *m = NULL;
  const float values[] = {4};
  mt_tensor *x = vec(values, 1), *y = NULL;
  def.forward = free_itself;
  def.user = &m;
  OK(mt_nn_custom(&m, &def));
  OK(mt_module_forward(&y, m, x));
  OK(mt_tensor_free(y));
  FAILS(MT_ERR_STALE_HANDLE, "self", mt_module_forward(&y, m, x));
  FAILS(MT_ERR_DOUBLE_FREE, "self", mt_module_free(m));
  def.forward = left_over;
  OK(mt_nn_custom(&m, &def));
  FAILS(MT_ERR_CALLBACK, "outputs[0] NULL", mt_module_forward(&y, m, x));
  OK(mt_module_free(m));
  def.forward = call_itself;
  OK(mt_nn_custom(&m, &def));
  FAILS(MT_ERR_STATE, "nested too deep", mt_module_forward(&y, m, x));
  OK(mt_module_free(m));
  FAILS(MT_ERR_WRONG_HANDLE, "self", mt_module_forward(&y, (mt_module *)x, x));
  OK(mt_tensor_free(x));
}

// --- hooks
// ----------------------------------------------------------------------------------------
static int hook_runs, hook_destroyed;

static mt_status double_inputs(mt_tensor **replacements, mt_module *module,
                               const mt_tensor *const *inputs, size_t n_inputs, void *user) {
  (void)module, (void)user;
  ++hook_runs;
  return n_inputs == 1 ? mt_mul_scalar(&replacements[0], inputs[0], 2) : MT_OK;
}

static mt_status add_input(mt_tensor **replacements, mt_module *module,
                           const mt_tensor *const *inputs, size_t n_inputs,
                           const mt_tensor *const *outputs, size_t n_outputs, void *user) {
  (void)module, (void)n_inputs;
  ++hook_runs;
  if (user) return mt_callback_error("hook says no");
  return n_outputs == 1 ? mt_add(&replacements[0], outputs[0], inputs[0]) : MT_OK;
}

static void hook_destroy(void *user) {
  (void)user;
  ++hook_destroyed;
}

static void hooks(void) {
  mt_module *m = NULL;
  uint64_t pre = 0, post = 0;
  const float values[] = {5};
  mt_tensor *x = vec(values, 1), *y = NULL;
  OK(mt_nn_identity(&m));
  OK(mt_module_register_forward_pre_hook(&pre, m, double_inputs, NULL, hook_destroy));
  OK(mt_module_register_forward_hook(&post, m, add_input, NULL, hook_destroy));
  OK(mt_module_forward(&y, m, x));
  CLOSE(item(y), 20);  // 5 doubled, and the doubled input added
  OK(mt_tensor_free(y));
  CHECK(hook_runs == 2);
  OK(mt_module_remove_hook(m, pre));
  CHECK(hook_destroyed == 1);
  FAILS(MT_ERR_KEY, "no such hook", mt_module_remove_hook(m, pre));
  uint64_t refusing = 0;
  OK(mt_module_register_forward_hook(&refusing, m, add_input, &pre, hook_destroy));
  FAILS(MT_ERR_CALLBACK, "hook says no", mt_module_forward(&y, m, x));
  FAILS(MT_ERR_NULL_ARGUMENT, "'hook'",
        mt_module_register_forward_hook(&refusing, m, NULL, NULL, hook_destroy));
  CHECK(hook_destroyed == 2);
  OK(mt_module_free(m));
  CHECK(hook_destroyed == 4);
  OK(mt_tensor_free(x));
}

struct backward_log {
  int calls, destroyed, missing;
  double grad_in, grad_out;
};

static void log_destroy(void *user) { ++((struct backward_log *)user)->destroyed; }

// Notes the gradients; triples the first one of the inputs.
static mt_status backward_hook(mt_tensor **replacements, mt_module *module,
                               const mt_tensor *const *grad_inputs, size_t n_inputs,
                               const mt_tensor *const *grad_outputs, size_t n_outputs, void *user) {
  struct backward_log *log = user;
  (void)module;
  ++log->calls;
  CHECK(n_inputs == 1 && n_outputs == 1);
  log->grad_out = at(grad_outputs[0], 0);
  if (!grad_inputs[0]) {
    ++log->missing;
    return MT_OK;
  }
  log->grad_in = at(grad_inputs[0], 0);
  return mt_mul_scalar(&replacements[0], grad_inputs[0], 3);
}

static void full_backward_hooks(void) {
  struct backward_log log = {0, 0, 0, 0, 0};
  mt_module *m = NULL;
  uint64_t id = 0;
  OK(mt_nn_linear(&m, 1, 1, NULL));
  mt_tensor *w = NULL, *g = NULL, *y = NULL, *sum = NULL;
  OK(mt_module_get_parameter(&w, m, "weight"));
  OK(mt_nn_init_constant_(w, 5));
  OK(mt_module_register_full_backward_hook(&id, m, backward_hook, &log, log_destroy));
  const float values[] = {2};
  mt_tensor *x = vec(values, 1);
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_module_forward(&y, m, x));
  OK(mt_mul_scalar(&sum, y, 7));
  OK(mt_tensor_backward(sum, NULL, false, false));
  OK(mt_tensor_grad(&g, x));
  CHECK(log.calls == 1 && log.grad_out == 7 && log.grad_in == 35);
  CLOSE(item(g), 105);  // three times what it would be
  mt_tensor_free(g);
  g = NULL;
  OK(mt_tensor_grad(&g, w));
  CLOSE(item(g), 14);  // the parameters' gradients are not the hook's
  mt_tensor_free(g);
  mt_tensor_free(sum);
  mt_tensor_free(y);
  sum = y = NULL;

  // An input that wants no gradient: the hook runs once the outputs' gradients are there.
  OK(mt_tensor_set_requires_grad(x, false));
  OK(mt_module_forward(&y, m, x));
  OK(mt_tensor_backward(y, NULL, false, false));
  CHECK(log.calls == 2 && log.missing == 1 && log.grad_out == 1);
  mt_tensor_free(y);

  OK(mt_module_remove_hook(m, id));
  CHECK(log.destroyed == 1);
  FAILS(MT_ERR_KEY, "no such hook", mt_module_remove_hook(m, id));
  FAILS(MT_ERR_NULL_ARGUMENT, "'hook'",
        mt_module_register_full_backward_hook(&id, m, NULL, &log, log_destroy));
  CHECK(log.destroyed == 2);
  mt_tensor_free(x);
  mt_tensor_free(w);
  mt_module_free(m);
}

static void unregistering(void) {
  mt_module *m = NULL, *child = NULL;
  mt_named_tensors *state = NULL;
  size_t n = 0;
  OK(mt_nn_linear(&m, 2, 2, NULL));
  OK(mt_nn_identity(&child));
  OK(mt_module_register_module(m, "extra", child));
  OK(mt_module_unregister(m, "bias"));
  OK(mt_module_unregister(m, "extra"));
  OK(mt_module_child_count(&n, m));
  CHECK(n == 0);
  OK(mt_module_state_dict(&state, m));
  OK(mt_named_tensors_count(&n, state));
  CHECK(n == 1);
  FAILS(MT_ERR_KEY, "unregister: not found: 'bias': Linear has no",
        mt_module_unregister(m, "bias"));
  OK(mt_module_register_module(m, "bias", child));  // the name is free for anything
  mt_named_tensors_free(state);
  mt_module_free(child);
  mt_module_free(m);
}

int main(void) {
  RUN(custom);
  RUN(odd_modules);
  RUN(hooks);
  RUN(full_backward_hooks);
  RUN(unregistering);
  RUN(nothing_is_left);
  return check_result();
}
