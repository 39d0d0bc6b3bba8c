// Scopes, live counts and bytes: a training loop that frees nothing by hand leaves nothing behind.
#include "check.h"

// Under AddressSanitizer the library keeps no freed blocks, so that each use after free is seen.
#if defined(__SANITIZE_ADDRESS__)
static const bool kCached = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
static const bool kCached = false;
#else
static const bool kCached = true;
#endif
#else
static const bool kCached = true;
#endif

static void nesting(void) {
  mt_tensor *a = NULL, *b = NULL, *c = NULL, *outside = NULL;
  OK(mt_ones(&outside, NULL, 0));
  OK(mt_scope_begin());
  OK(mt_ones(&a, NULL, 0));
  OK(mt_scope_begin());
  CHECK(mt_scope_depth() == 2);
  OK(mt_ones(&b, NULL, 0));
  OK(mt_ones(&c, NULL, 0));
  CHECK(live(MT_HANDLE_TENSOR) == 4);
  OK(mt_scope_keep(c));        // to the outer scope
  OK(mt_scope_keep(outside));  // not of this scope: stays as it is
  OK(mt_tensor_free(b));       // freeing inside is fine
  OK(mt_scope_end());
  CHECK(live(MT_HANDLE_TENSOR) == 3);
  CHECK(item(c) == 1);
  FAILS(MT_ERR_STALE_HANDLE, "scope's end", mt_tensor_mark_written(b));
  OK(mt_scope_keep(a));
  OK(mt_scope_end());
  CHECK(live(MT_HANDLE_TENSOR) == 2);
  CHECK(item(a) == 1 && item(outside) == 1);
  mt_tensor_free(a);
  mt_tensor_free(outside);
  FAILS(MT_ERR_STATE, "no open scope", mt_scope_end());
  FAILS(MT_ERR_STALE_HANDLE, "freed", mt_scope_keep(a));
  mt_handle_class cls = MT_HANDLE_ANY;
  mt_tensors *list = NULL;
  OK(mt_tensors_create(&list, NULL, 0));
  OK(mt_handle_get_class(&cls, list));
  CHECK(cls == MT_HANDLE_TENSORS);
  mt_tensors_free(list);
  int64_t n = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "is 60", mt_live_handles(&n, 60));
}

// The graph of a scope's tensors lives on when one of them is kept.
static void graphs(void) {
  mt_tensor *x = vec((const float[]){2}, 1), *y = NULL, *g = NULL;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_scope_begin());
  mt_tensor *t = NULL;
  OK(mt_mul(&t, x, x));
  OK(mt_mul(&y, t, x));
  OK(mt_scope_keep(y));
  OK(mt_scope_end());
  OK(mt_tensor_backward(y, NULL, false, false));
  OK(mt_tensor_grad(&g, x));
  CHECK(item(g) == 12);
  mt_tensor_free(g);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

// Fits y = 3 x by hand-written gradient descent, each step in a scope.
static void training(void) {
  mt_tensor *x = NULL, *target = NULL, *w = vec((const float[]){0}, 1);
  OK(mt_linspace(&x, -1, 1, 64));
  OK(mt_mul_scalar(&target, x, 3));
  OK(mt_tensor_set_requires_grad(w, true));
  int64_t steady = 0, allocations = 0;
  for (int step = 0; step < 200; ++step) {
    mt_tensor *y, *loss, *g, *update;
    OK(mt_scope_begin());
    OK(mt_mul(&y, x, w));
    OK(mt_mse_loss(&loss, y, target));
    OK(mt_tensor_backward(loss, NULL, false, false));
    OK(mt_tensor_grad(&g, w));
    OK(mt_grad_mode_push(false));
    OK(mt_mul_scalar(&update, g, 0.5));
    OK(mt_sub_(w, update));
    OK(mt_tensor_set_grad(w, NULL));
    OK(mt_grad_mode_pop());
    OK(mt_scope_end());
    mt_memory_stats stats = {sizeof stats, 0, 0, 0, 0};
    OK(mt_memory_get_stats(&stats));
    if (step == 10) {
      steady = stats.current_bytes;
      allocations = stats.system_allocations;
    }
    if (step > 10) CHECK(stats.current_bytes == steady);
    if (step > 10 && kCached) CHECK(stats.system_allocations == allocations);
  }
  CHECK(fabs(item(w) - 3) < 1e-4);
  mt_tensor_free(w);
  mt_tensor_free(x);
  mt_tensor_free(target);
}

// Many handles in one scope, most of them freed at once: the scope does not grow with them.
static void churn(void) {
  mt_tensor *t = NULL, *kept[8];
  OK(mt_scope_begin());
  for (int i = 0; i < 8; ++i) OK(mt_number_int(&kept[i], i));
  for (int i = 0; i < 20000; ++i) {
    OK(mt_number_int(&t, i));
    OK(mt_tensor_free(t));
  }
  for (int i = 0; i < 8; ++i) CHECK(item(kept[i]) == i);
  OK(mt_scope_end());
}

static void statistics(void) {
  mt_memory_stats stats = {sizeof stats, 0, 0, 0, 0};
  mt_tensor *t = NULL;
  OK(mt_memory_reset_peak());
  OK(mt_zeros(&t, (int64_t[]){1000}, 1));
  OK(mt_memory_get_stats(&stats));
  CHECK(stats.current_bytes == 4000 && stats.peak_bytes == 4000);
  mt_tensor_free(t);
  OK(mt_memory_empty_cache());
  OK(mt_memory_get_stats(&stats));
  CHECK(stats.current_bytes == 0 && stats.peak_bytes == 4000 && stats.cached_bytes == 0);
  stats.struct_size = 2 * sizeof(int64_t);  // an older program's struct: only what it knows
  stats.peak_bytes = -1;
  OK(mt_memory_get_stats(&stats));
  CHECK(stats.current_bytes == 0 && stats.peak_bytes == -1);
  stats.struct_size = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "struct_size", mt_memory_get_stats(&stats));
  int32_t n = 0;
  OK(mt_set_num_threads(1));
  OK(mt_get_num_threads(&n));
  CHECK(n == 1);
  CHECK(mt_set_num_threads(0) == MT_ERR_INVALID_ARGUMENT);
}

int main(void) {
  RUN(nesting);
  RUN(graphs);
  RUN(training);
  RUN(churn);
  RUN(nothing_is_left);
  RUN(statistics);
  return check_result();
}
