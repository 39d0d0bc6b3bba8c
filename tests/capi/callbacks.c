// Callbacks: hooks, errors that travel through them, destroy, and frees from inside a running call.
#include "check.h"

struct hook_state {
  int calls, destroyed;
  mt_tensor *victim;  // freed by the hook
  uint64_t id;        // of the hook, to remove itself
  mt_tensor *owner;
};

static void state_destroy(void *user) { ++((struct hook_state *)user)->destroyed; }

static mt_status count_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)replacement, (void)grad;
  ++((struct hook_state *)user)->calls;
  return MT_OK;
}

static mt_status double_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  ++((struct hook_state *)user)->calls;
  return mt_mul_scalar(replacement, grad, 2);
}

static mt_status failing_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)replacement, (void)grad, (void)user;
  return mt_callback_error("the host says no: 50% of %s");
}

static mt_status silent_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)replacement, (void)grad, (void)user;
  return 4711;
}

// Fails as the library call inside it fails.
static mt_status inner_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  mt_tensor *bad = NULL;
  (void)user;
  OK(mt_ones(&bad, (int64_t[]){5, 5}, 2));
  const mt_status s = mt_matmul(replacement, grad, bad);
  mt_tensor_free(bad);
  return s;
}

static mt_status reshaping_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)grad, (void)user;
  return mt_ones(replacement, (int64_t[]){7}, 1);
}

static mt_status stale_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  (void)user;
  const mt_status s = mt_clone(replacement, grad);
  mt_tensor_free(*replacement);
  return s;
}

static mt_status freeing_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  struct hook_state *s = user;
  (void)replacement, (void)grad;
  OK(mt_tensor_free(s->victim));
  FAILS(MT_ERR_STALE_HANDLE, "'self'", mt_tensor_mark_written(s->victim));
  return MT_OK;
}

static mt_status leaving_hook(mt_tensor **replacement, const mt_tensor *grad, void *user) {
  struct hook_state *s = user;
  const int before = s->destroyed;
  (void)replacement, (void)grad;
  ++s->calls;
  OK(mt_tensor_remove_hook(s->owner, s->id));
  CHECK(s->destroyed == before);  // not while it runs
  return MT_OK;
}

// Runs backward through y = x * x with a hook on y.
static mt_status run(mt_tensor_hook_fn hook, struct hook_state *state, double *gradient) {
  mt_tensor *x = vec((const float[]){3}, 1), *y = NULL, *g = NULL;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_mul(&y, x, x));
  state->owner = y;
  OK(mt_tensor_register_hook(&state->id, y, hook, state, state_destroy));
  mt_status s = MT_OK;
  if (hook == freeing_hook) {
    // The root of the running backward itself is freed by its hook.
    state->victim = y;
    y = NULL;
    s = mt_tensor_backward(state->victim, NULL, false, false);
  } else {
    s = mt_tensor_backward(y, NULL, false, false);
  }
  OK(mt_tensor_grad(&g, x));
  if (gradient) *gradient = g ? item(g) : NAN;
  mt_tensor_free(g);
  mt_tensor_free(y);
  mt_tensor_free(x);
  return s;
}

static void hooks(void) {
  struct hook_state s = {0, 0, NULL, 0, NULL};
  double g = 0;
  OK(run(count_hook, &s, &g));
  CHECK(s.calls == 1 && s.destroyed == 1 && g == 6);
  OK(run(double_hook, &s, &g));
  CHECK(s.calls == 2 && s.destroyed == 2 && g == 12);
  OK(run(freeing_hook, &s, &g));
  CHECK(s.destroyed == 3 && g == 6);
  OK(run(leaving_hook, &s, &g));
  CHECK(s.calls == 3 && s.destroyed == 4 && g == 6);

  mt_tensor *x = vec((const float[]){3}, 1), *y = NULL;
  uint64_t id = 99;
  FAILS(MT_ERR_AUTOGRAD, "requires_grad",
        mt_tensor_register_hook(&id, x, count_hook, &s, state_destroy));
  CHECK(s.destroyed == 5 && id == 99);
  FAILS(MT_ERR_NULL_ARGUMENT, "'hook'", mt_tensor_register_hook(&id, x, NULL, &s, state_destroy));
  CHECK(s.destroyed == 6);
  FAILS(MT_ERR_NULL_ARGUMENT, "'self'",
        mt_tensor_register_hook(&id, NULL, count_hook, &s, state_destroy));
  CHECK(s.destroyed == 7);
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_tensor_register_hook(&id, x, count_hook, &s, state_destroy));  // of a leaf
  OK(mt_mul(&y, x, x));
  s.calls = 0;
  OK(mt_tensor_backward(y, NULL, true, false));
  CHECK(s.calls == 1);
  OK(mt_tensor_remove_hook(x, id));
  CHECK(s.destroyed == 8);
  FAILS(MT_ERR_KEY, "no such hook", mt_tensor_remove_hook(x, id));
  OK(mt_tensor_backward(y, NULL, false, false));
  CHECK(s.calls == 1);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

static void errors(void) {
  struct hook_state s = {0, 0, NULL, 0, NULL};
  FAILS(MT_ERR_CALLBACK, "hook: callback failed: the host says no: 50% of %s",
        run(failing_hook, &s, NULL));
  FAILS(MT_ERR_CALLBACK, "it returned 4711", run(silent_hook, &s, NULL));
  FAILS(MT_ERR_SHAPE, "matmul: shape mismatch", run(inner_hook, &s, NULL));
  FAILS(MT_ERR_SHAPE, "replacement (7,)", run(reshaping_hook, &s, NULL));
  FAILS(MT_ERR_STALE_HANDLE, "'replacement'", run(stale_hook, &s, NULL));
  CHECK(s.destroyed == 5);
}

// A forward that fails after it set an output: nothing leaks.
static mt_status half_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs, size_t n_inputs,
                              mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)ctx, (void)n_inputs, (void)n_outputs;
  OK(mt_clone(&outputs[0], inputs[0]));
  return user ? MT_OK : mt_callback_error("half way");
}

static void outputs_on_failure(void) {
  mt_tensor *x = vec((const float[]){1}, 1), *out[2] = {NULL, NULL};
  mt_function f;
  int set = 1;
  mt_function_init(&f);
  f.name = "Half";
  f.forward = half_forward;
  FAILS(MT_ERR_CALLBACK, "Half: callback failed: half way",
        mt_function_apply(out, 2, &f, (const mt_tensor *const[]){x}, 1));
  f.user = &set;
  FAILS(MT_ERR_CALLBACK, "outputs[1]",
        mt_function_apply(out, 2, &f, (const mt_tensor *const[]){x}, 1));
  CHECK(out[0] == NULL && out[1] == NULL);
  mt_tensor_free(x);
}

static bool give_up(void *user, size_t bytes) {
  CHECK(bytes > 0);
  ++*(int *)user;
  return false;
}
static bool try_again(void *user, size_t bytes) {
  (void)bytes;
  ++*(int *)user;
  return true;
}
static void count_destroy(void *user) { *(int *)user += 100; }

static void pressure(void) {
  mt_tensor *huge = NULL;
  int first = 0, second = 0;
  const int64_t size = INT64_C(1) << 50;
  OK(mt_set_pressure_callback(give_up, &first, count_destroy));
  FAILS(MT_ERR_OUT_OF_MEMORY, "out of memory", mt_empty(&huge, &size, 1));
  CHECK(first == 1 && huge == NULL);
  OK(mt_set_pressure_callback(try_again, &second, count_destroy));
  CHECK(first == 101);
  FAILS(MT_ERR_OUT_OF_MEMORY, "out of memory", mt_empty(&huge, &size, 1));
  CHECK(second == 1);
  OK(mt_set_pressure_callback(NULL, NULL, NULL));
  CHECK(second == 101);
}

int main(void) {
  RUN(hooks);
  RUN(errors);
  RUN(outputs_on_failure);
  RUN(pressure);
  RUN(nothing_is_left);
  return check_result();
}
