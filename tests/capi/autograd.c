// Gradients through the C API: backward, grad, modes, user-defined functions, gradcheck, the graph.
#include "check.h"

static mt_tensor *leaf(const float *values, int64_t n) {
  mt_tensor *t = vec(values, n);
  OK(mt_tensor_set_requires_grad(t, true));
  return t;
}

static void backward(void) {
  // x ** 2 summed: the gradient is 2 x.
  const float values[] = {1, 2, 3};
  mt_tensor *x = leaf(values, 3), *y = NULL, *z = NULL, *g = NULL;
  OK(mt_pow_scalar(&y, x, 2));
  OK(mt_sum(&z, y));
  OK(mt_tensor_backward(z, NULL, true, false));
  OK(mt_tensor_grad(&g, x));
  CHECK(at(g, 0) == 2 && at(g, 1) == 4 && at(g, 2) == 6);
  mt_tensor_free(g);
  OK(mt_tensor_backward(z, NULL, false, false));  // accumulates, and frees the graph
  OK(mt_tensor_grad(&g, x));
  CHECK(at(g, 2) == 12);
  FAILS(MT_ERR_AUTOGRAD, "second time", mt_tensor_backward(z, NULL, false, false));
  OK(mt_tensor_set_grad(x, NULL));
  mt_tensor *none = g;
  OK(mt_tensor_grad(&none, x));
  CHECK(none == NULL);
  bool flag = false;
  OK(mt_tensor_is_leaf(&flag, x));
  CHECK(flag);
  OK(mt_tensor_is_leaf(&flag, y));
  CHECK(!flag);
  FAILS(MT_ERR_AUTOGRAD, "leaf", mt_mul_scalar_(x, 2));
  mt_tensor_free(g);
  mt_tensor_free(z);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

static void grad_of_chosen_inputs(void) {
  const float va[] = {2}, vb[] = {5};
  mt_tensor *a = leaf(va, 1), *b = leaf(vb, 1), *y = NULL, *g = NULL, *gg = NULL;
  mt_tensors *list = NULL;
  mt_backward_options o;
  mt_backward_options_init(&o);
  o.create_graph = true;
  OK(mt_mul(&y, a, a));
  const mt_tensor *outputs[] = {y}, *inputs[] = {a, b};
  OK(mt_grad(&list, outputs, 1, inputs, 1, &o));
  OK(mt_tensors_get(&g, list, 0));
  CHECK(at(g, 0) == 4);
  mt_tensors_free(list);
  OK(mt_grad(&list, (const mt_tensor *const[]){g}, 1, inputs, 1, &o));  // the second derivative
  OK(mt_tensors_get(&gg, list, 0));
  CHECK(at(gg, 0) == 2);
  mt_tensors_free(list);
  list = NULL;
  FAILS(MT_ERR_AUTOGRAD, "allow_unused", mt_grad(&list, outputs, 1, inputs, 2, &o));
  CHECK(list == NULL);
  o.allow_unused = true;
  OK(mt_grad(&list, outputs, 1, inputs, 2, &o));
  mt_tensor *unused = y;
  OK(mt_tensors_get(&unused, list, 1));
  CHECK(unused == NULL);
  mt_tensors_free(list);
  o.struct_size = 1u << 20;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size", mt_grad(&list, outputs, 1, inputs, 2, &o));

  // mt_backward with gradients of the outputs, into one input only.
  mt_tensor *three = vec((const float[]){3}, 1), *p = NULL;
  OK(mt_mul(&p, a, b));
  const mt_tensor *heads[] = {p}, *grads[] = {three}, *only[] = {b};
  mt_backward_options_init(&o);
  o.grad_outputs = grads;
  o.n_grad_outputs = 1;
  o.inputs = only;
  o.n_inputs = 1;
  OK(mt_backward(heads, 1, &o));
  mt_tensor *gb = NULL, *ga = p;
  OK(mt_tensor_grad(&gb, b));
  CHECK(at(gb, 0) == 6);
  OK(mt_tensor_grad(&ga, a));
  CHECK(ga == NULL);
  mt_tensor_free(gb);
  mt_tensor_free(p);
  mt_tensor_free(three);
  mt_tensor_free(gg);
  mt_tensor_free(g);
  mt_tensor_free(y);
  mt_tensor_free(a);
  mt_tensor_free(b);
}

static void modes(void) {
  mt_tensor *x = leaf((const float[]){1}, 1), *y = NULL;
  bool records = true;
  CHECK(mt_grad_mode_enabled());
  OK(mt_grad_mode_push(false));
  OK(mt_grad_mode_push(true));
  CHECK(mt_grad_mode_enabled());
  OK(mt_grad_mode_pop());
  CHECK(!mt_grad_mode_enabled());
  OK(mt_mul(&y, x, x));
  OK(mt_tensor_requires_grad(&records, y));
  CHECK(!records);
  OK(mt_grad_mode_pop());
  CHECK(mt_grad_mode_enabled());
  FAILS(MT_ERR_STATE, "push", mt_grad_mode_pop());
  OK(mt_grad_mode_set(false));
  CHECK(!mt_grad_mode_enabled());
  OK(mt_grad_mode_set(true));
  mt_tensor *d = NULL;
  OK(mt_detach(&d, x));
  OK(mt_tensor_requires_grad(&records, d));
  CHECK(!records);
  mt_tensor_free(d);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

// y = x^3 with its own rule; `user` counts destroys.
static mt_status cube_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs, size_t n_inputs,
                              mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)user;
  CHECK(n_inputs == 1 && n_outputs == 1);
  CHECK(!mt_grad_mode_enabled());
  OK(mt_function_ctx_save(ctx, inputs, n_inputs));
  mt_tensor *saved = NULL;
  FAILS(MT_ERR_STATE, "backward", mt_function_ctx_saved(&saved, ctx, 0));
  return mt_pow_scalar(&outputs[0], inputs[0], 3);
}

static mt_status cube_backward(mt_function_ctx *ctx, const mt_tensor *const *grad_outputs,
                               size_t n_outputs, mt_tensor **grad_inputs, size_t n_inputs,
                               void *user) {
  (void)user;
  CHECK(n_outputs == 1 && n_inputs == 1);
  mt_tensor *x = NULL, *square = NULL, *slope = NULL;
  size_t n = 0;
  bool needs = false;
  OK(mt_function_ctx_saved_count(&n, ctx));
  CHECK(n == 1);
  OK(mt_function_ctx_needs_input_grad(&needs, ctx, 0));
  CHECK(needs);
  mt_status s = mt_function_ctx_saved(&x, ctx, 0);
  if (s == MT_OK) s = mt_mul(&square, x, x);
  if (s == MT_OK) s = mt_mul_scalar(&slope, square, 3);
  if (s == MT_OK) s = mt_mul(&grad_inputs[0], slope, grad_outputs[0]);
  mt_tensor_free(x);
  mt_tensor_free(square);
  mt_tensor_free(slope);
  return s;
}

static void count_destroy(void *user) { ++*(int *)user; }

static void user_functions(void) {
  int destroyed = 0;
  mt_function f;
  mt_function_init(&f);
  f.name = "Cube";
  f.forward = cube_forward;
  f.backward = cube_backward;
  f.user = &destroyed;
  f.destroy = count_destroy;
  mt_tensor *x = leaf((const float[]){2, 3}, 2), *y = NULL, *z = NULL, *g = NULL, *gg = NULL;
  OK(mt_function_apply(&y, 1, &f, (const mt_tensor *const[]){x}, 1));
  CHECK(at(y, 1) == 27);
  mt_node *node = NULL;
  char *name = NULL;
  OK(mt_tensor_grad_fn(&node, y));
  OK(mt_node_name(&name, node));
  CHECK(strcmp(name, "CubeBackward") == 0);
  mt_string_free(name);
  mt_node_free(node);
  OK(mt_sum(&z, y));
  mt_tensors *list = NULL;
  mt_backward_options o;
  mt_backward_options_init(&o);
  o.create_graph = true;
  OK(mt_grad(&list, (const mt_tensor *const[]){z}, 1, (const mt_tensor *const[]){x}, 1, &o));
  OK(mt_tensors_get(&g, list, 0));
  CHECK(at(g, 0) == 12 && at(g, 1) == 27);
  mt_tensors_free(list);
  // The rule is made of ops, so it can be differentiated: 6 x.
  mt_tensor *s = NULL;
  OK(mt_sum(&s, g));
  OK(mt_grad(&list, (const mt_tensor *const[]){s}, 1, (const mt_tensor *const[]){x}, 1, NULL));
  OK(mt_tensors_get(&gg, list, 0));
  CHECK(at(gg, 0) == 12 && at(gg, 1) == 18);
  mt_tensors_free(list);
  CHECK(destroyed == 0);
  mt_tensor_free(gg);
  mt_tensor_free(s);
  mt_tensor_free(g);
  mt_tensor_free(z);
  mt_tensor_free(y);
  CHECK(destroyed == 1);

  // Not recorded: destroyed at once.
  OK(mt_grad_mode_push(false));
  OK(mt_function_apply(&y, 1, &f, (const mt_tensor *const[]){x}, 1));
  OK(mt_grad_mode_pop());
  CHECK(destroyed == 2);
  mt_tensor_free(y);
  // Failed: destroyed too.
  f.forward = NULL;
  y = NULL;
  FAILS(MT_ERR_NULL_ARGUMENT, "forward",
        mt_function_apply(&y, 1, &f, (const mt_tensor *const[]){x}, 1));
  CHECK(destroyed == 3 && y == NULL);
  mt_tensor_free(x);
}

// Two outputs: the input itself, and its sign without a gradient.
static mt_status both_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs, size_t n_inputs,
                              mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)n_inputs, (void)n_outputs, (void)user;
  OK(mt_function_ctx_set_data(ctx, user, count_destroy));
  OK(mt_tensor_ref(&outputs[0], inputs[0]));
  OK(mt_sign(&outputs[1], inputs[0]));
  return mt_function_ctx_mark_non_differentiable(ctx, outputs[1]);
}

static mt_status both_backward(mt_function_ctx *ctx, const mt_tensor *const *grad_outputs,
                               size_t n_outputs, mt_tensor **grad_inputs, size_t n_inputs,
                               void *user) {
  void *data = NULL;
  (void)n_inputs, (void)n_outputs;
  OK(mt_function_ctx_data(&data, ctx));
  CHECK(data == user);
  return mt_mul_scalar(&grad_inputs[0], grad_outputs[0], 10);
}

// Doubles its input in place.
static mt_status dirty_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs,
                               size_t n_inputs, mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)n_inputs, (void)n_outputs, (void)user;
  mt_status s = mt_function_ctx_mark_dirty(ctx, inputs[0]);
  if (s != MT_OK) return s;
  OK(mt_mul_scalar_((mt_tensor *)inputs[0], 2));
  return mt_tensor_ref(&outputs[0], inputs[0]);
}

static mt_status dirty_backward(mt_function_ctx *ctx, const mt_tensor *const *grad_outputs,
                                size_t n_outputs, mt_tensor **grad_inputs, size_t n_inputs,
                                void *user) {
  (void)ctx, (void)n_inputs, (void)n_outputs, (void)user;
  return mt_mul_scalar(&grad_inputs[0], grad_outputs[0], 2);
}

static void functions_in_place(void) {
  mt_function f;
  mt_function_init(&f);
  f.forward = dirty_forward;
  f.backward = dirty_backward;
  mt_tensor *x = leaf((const float[]){3}, 1), *y = NULL, *out = NULL, *g = NULL;
  bool flag = false;
  OK(mt_mul_scalar(&y, x, 5));
  OK(mt_function_apply(&out, 1, &f, (const mt_tensor *const[]){y}, 1));
  OK(mt_tensor_is(&flag, out, y));
  CHECK(flag && at(y, 0) == 30);
  OK(mt_tensor_backward(y, NULL, false, false));
  OK(mt_tensor_grad(&g, x));
  CHECK(at(g, 0) == 10);
  mt_tensor_free(g);
  mt_tensor_free(out);
  mt_tensor_free(y);
  out = NULL;
  FAILS(MT_ERR_AUTOGRAD, "leaf changed in place",
        mt_function_apply(&out, 1, &f, (const mt_tensor *const[]){x}, 1));
  CHECK(out == NULL && at(x, 0) == 3);
  mt_tensor_free(x);
}

// --- anomaly mode ----------------------------------------------------------------------------
static mt_status where(char *buffer, size_t capacity, size_t *length, void *user) {
  *length = 400;  // longer than the first try has room for
  if (capacity <= 400) return MT_OK;
  memset(buffer, '.', 400);
  memcpy(buffer, user, strlen(user));
  buffer[400] = 0;
  return MT_OK;
}

static int traces_gone = 0;
static void trace_gone(void *user) {
  (void)user;
  ++traces_gone;
}

static void anomaly_mode(void) {
  mt_anomaly_options o;
  mt_anomaly_options_init(&o);
  char name[] = "line 7 of my program";
  o.trace = where;
  o.user = name;
  o.destroy = trace_gone;
  CHECK(!mt_anomaly_mode_enabled() && o.check_nan);
  OK(mt_anomaly_mode_set(true, &o));
  CHECK(mt_anomaly_mode_enabled() && mt_anomaly_mode_checks_nan());
  mt_tensor *x = leaf((const float[]){0}, 1), *root = NULL, *zero = NULL, *y = NULL;
  OK(mt_sqrt(&root, x));
  OK(mt_mul_scalar(&y, root, 0));
  FAILS(MT_ERR_AUTOGRAD, "Function 'SqrtBackward0' returned nan values in its 0th output",
        mt_tensor_backward(y, NULL, true, false));
  CHECK(strstr(mt_last_error(), name) != NULL);
  OK(mt_anomaly_mode_set(true, NULL));
  CHECK(traces_gone == 1);
  OK(mt_anomaly_mode_set(false, NULL));
  CHECK(!mt_anomaly_mode_enabled());
  OK(mt_tensor_backward(y, NULL, false, false));
  mt_tensor_free(y);
  mt_tensor_free(zero);
  mt_tensor_free(root);
  mt_tensor_free(x);
  o.struct_size = 3;
  o.trace = NULL;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size", mt_anomaly_mode_set(true, &o));
}

static void outputs_of_functions(void) {
  int destroyed = 0;
  mt_function f;
  mt_function_init(&f);
  f.forward = both_forward;
  f.backward = both_backward;
  f.user = &destroyed;
  mt_tensor *x = leaf((const float[]){-4}, 1), *out[2] = {NULL, NULL}, *g = NULL;
  bool flag = true;
  OK(mt_function_apply(out, 2, &f, (const mt_tensor *const[]){x}, 1));
  OK(mt_tensor_requires_grad(&flag, out[1]));
  CHECK(!flag && at(out[1], 0) == -1);
  OK(mt_tensor_is(&flag, out[0], x));
  CHECK(!flag);
  OK(mt_tensor_is_leaf(&flag, x));
  CHECK(flag);
  OK(mt_tensor_backward(out[0], NULL, false, false));
  OK(mt_tensor_grad(&g, x));
  CHECK(at(g, 0) == 10);
  mt_tensor_free(g);
  mt_tensor_free(out[0]);
  mt_tensor_free(out[1]);
  CHECK(destroyed == 1);  // the context's data
  mt_tensor_free(x);
}

static mt_status norm_squared(mt_tensor **out, const mt_tensor *const *inputs, size_t n_inputs,
                              void *user) {
  mt_tensor *y = NULL;
  (void)n_inputs;
  mt_status s = mt_mul(&y, inputs[0], inputs[user ? 1 : 0]);
  if (s == MT_OK) s = mt_sum(out, y);
  mt_tensor_free(y);
  return s;
}

static mt_status wrong_backward(mt_function_ctx *ctx, const mt_tensor *const *grad_outputs,
                                size_t n_outputs, mt_tensor **grad_inputs, size_t n_inputs,
                                void *user) {
  (void)ctx, (void)n_inputs, (void)n_outputs, (void)user;
  return mt_mul_scalar(&grad_inputs[0], grad_outputs[0], 2);
}

static mt_status identity_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs,
                                  size_t n_inputs, mt_tensor **outputs, size_t n_outputs,
                                  void *user) {
  (void)ctx, (void)n_inputs, (void)n_outputs, (void)user;
  return mt_clone(&outputs[0], inputs[0]);
}

static mt_status wrong(mt_tensor **out, const mt_tensor *const *inputs, size_t n_inputs,
                       void *user) {
  mt_function f;
  (void)user;
  mt_function_init(&f);
  f.forward = identity_forward;
  f.backward = wrong_backward;
  return mt_function_apply(out, 1, &f, inputs, n_inputs);
}

static void checks(void) {
  const double values[] = {0.5, -1.5, 2};
  const int64_t n = 3;
  mt_tensor *x = NULL;
  OK(mt_tensor_from_data(&x, values, MT_FLOAT64, &n, 1));
  OK(mt_tensor_set_requires_grad(x, true));
  const mt_tensor *inputs[] = {x};
  OK(mt_gradcheck(norm_squared, NULL, inputs, 1, 1e-6, 1e-5, 1e-3));
  FAILS(MT_ERR_AUTOGRAD, "wrong gradient", mt_gradcheck(wrong, NULL, inputs, 1, 1e-6, 1e-5, 1e-3));
  FAILS(MT_ERR_NULL_ARGUMENT, "function", mt_gradcheck(NULL, NULL, inputs, 1, 1e-6, 1e-5, 1e-3));
  mt_tensor_free(x);
}

static void graph(void) {
  mt_tensor *x = leaf((const float[]){1, 2}, 2), *y = NULL, *z = NULL, *found = NULL;
  mt_node *sum = NULL, *mul = NULL, *none = NULL;
  char *name = NULL;
  size_t n = 0;
  uint64_t a = 0, b = 0;
  bool same = false;
  OK(mt_mul_scalar(&y, x, 3));
  OK(mt_sum(&z, y));
  OK(mt_tensor_grad_fn(&sum, z));
  OK(mt_node_input_node(&mul, sum, 0));
  OK(mt_node_name(&name, mul));
  CHECK(strcmp(name, "MulBackward0") == 0);
  mt_string_free(name);
  OK(mt_node_sequence(&a, sum));
  OK(mt_node_sequence(&b, mul));
  CHECK(a > b);
  OK(mt_node_input_count(&n, mul));
  CHECK(n == 2);
  OK(mt_node_input_leaf(&found, mul, 0));
  OK(mt_tensor_is(&same, found, x));
  CHECK(same);
  OK(mt_node_input_node(&none, mul, 0));
  CHECK(none == NULL);
  mt_tensor *nothing = x;
  OK(mt_node_input_leaf(&nothing, mul, 1));
  CHECK(nothing == NULL);
  FAILS(MT_ERR_INDEX, "index 2", mt_node_input_node(&none, mul, 2));
  mt_node *of_leaf = sum;
  OK(mt_tensor_grad_fn(&of_leaf, x));
  CHECK(of_leaf == NULL);
  mt_tensor_free(found);
  mt_node_free(sum);
  mt_node_free(mul);
  mt_tensor_free(z);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

// Edges without a limit and with one; names; a graph of many nodes.
static void graph_as_dot(void) {
  const float values[] = {1, 2};
  mt_tensor *x = vec(values, 2), *y = NULL, *z = NULL;
  mt_named_tensors *names = NULL;
  char *text = NULL;
  bool retains = true;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_mul(&y, x, x));
  OK(mt_sum(&z, y));
  OK(mt_tensor_retains_grad(&retains, y));
  CHECK(!retains);
  OK(mt_tensor_retain_grad(y));
  OK(mt_tensor_retains_grad(&retains, y));
  CHECK(retains);
  OK(mt_named_tensors_create(&names));
  OK(mt_named_tensors_set(names, "the \"x\"", x));
  OK(mt_graph_dot(&text, z, names, 0));
  CHECK(strstr(text, "digraph"));
  CHECK(strstr(text, "n0 [label=\"SumBackward0\"]"));
  CHECK(strstr(text, "n1 [label=\"MulBackward0\"]"));
  CHECK(strstr(text, "n1 -> n0 [label=\"(2,)\"]"));
  CHECK(strstr(text, "leaf0 [label=\"the \\\"x\\\"\\n(2,)\""));
  CHECK(strstr(text, "leaf0 -> n1"));
  CHECK(strstr(text, "n0 -> root"));
  OK(mt_string_free(text));
  OK(mt_graph_dot(&text, z, NULL, 1));
  CHECK(!strstr(text, "MulBackward0") && strstr(text, "more -> n0"));
  OK(mt_string_free(text));
  OK(mt_graph_dot(&text, x, NULL, 0));
  CHECK(strstr(text, "leaf0 [label=\"tensor\\n(2,)\"") && !strstr(text, "->"));
  OK(mt_string_free(text));
  FAILS(MT_ERR_NULL_ARGUMENT, "'root'", mt_graph_dot(&text, NULL, NULL, 0));

  mt_tensor *chain = NULL;
  OK(mt_tensor_ref(&chain, z));
  for (int i = 0; i < 100000; ++i) {
    mt_tensor *next = NULL;
    OK(mt_neg(&next, chain));
    mt_tensor_free(chain);
    chain = next;
  }
  OK(mt_graph_dot(&text, chain, NULL, 0));
  CHECK(strstr(text, "n100001 [label=\"MulBackward0\"]"));
  OK(mt_string_free(text));
  mt_tensor_free(chain);
  mt_named_tensors_free(names);
  mt_tensor_free(z);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

int main(void) {
  RUN(backward);
  RUN(grad_of_chosen_inputs);
  RUN(modes);
  RUN(user_functions);
  RUN(outputs_of_functions);
  RUN(functions_in_place);
  RUN(anomaly_mode);
  RUN(checks);
  RUN(graph);
  RUN(graph_as_dot);
  RUN(nothing_is_left);
  return check_result();
}
