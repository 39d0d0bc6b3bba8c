// Threads: handles made in one and freed in another, racing frees, per-thread state, fork.
#define _POSIX_C_SOURCE 200809L  // barriers, fork, alarm
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 2000 };

static atomic_int wins, double_frees, others;
static mt_tensor *_Atomic victim;
static pthread_barrier_t barrier;

// All threads free the same handle at once: exactly one may succeed.
static void *race_to_free(void *unused) {
  for (int i = 0; i < ROUNDS; ++i) {
    pthread_barrier_wait(&barrier);
    const mt_status s = mt_tensor_free(victim);
    if (s == MT_OK) {
      atomic_fetch_add(&wins, 1);
    } else if (s == MT_ERR_DOUBLE_FREE) {
      atomic_fetch_add(&double_frees, 1);
    } else {
      atomic_fetch_add(&others, 1);
    }
    pthread_barrier_wait(&barrier);
  }
  return unused;
}

static void racing_frees(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&barrier, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, race_to_free, NULL);
  for (int i = 0; i < ROUNDS; ++i) {
    mt_tensor *t = NULL;
    OK(mt_number_int(&t, i));
    victim = t;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
  }
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
  CHECK(wins == ROUNDS && double_frees == ROUNDS * (THREADS - 1) && others == 0);
}

// Handles made here are freed by the next thread, as a finaliser thread does.
static void *make_many(void *into) {
  mt_tensor **out = into;
  for (int i = 0; i < ROUNDS; ++i) OK(mt_number_int(&out[i], i));
  return NULL;
}
static void *free_many(void *from) {
  mt_tensor **in = from;
  for (int i = 0; i < ROUNDS; ++i) {
    CHECK(item(in[i]) == i);
    OK(mt_tensor_free(in[i]));
  }
  return NULL;
}
static void handing_over(void) {
  mt_tensor **handles = calloc(ROUNDS, sizeof *handles);
  for (int round = 0; round < 3; ++round) {
    pthread_t t;
    pthread_create(&t, NULL, make_many, handles);
    pthread_join(t, NULL);
    CHECK(live(MT_HANDLE_TENSOR) == ROUNDS);
    pthread_create(&t, NULL, free_many, handles);
    pthread_join(t, NULL);
    CHECK(live(MT_HANDLE_TENSOR) == 0);
  }
  free(handles);
}

// Error, grad mode and scopes are the thread's own; an open scope ends with its thread.
static void *own_state(void *unused) {
  CHECK(strcmp(mt_last_error(), "") == 0);
  CHECK(mt_grad_mode_enabled());
  CHECK(mt_scope_depth() == 0);
  mt_tensor *t = NULL;
  OK(mt_scope_begin());
  OK(mt_ones(&t, NULL, 0));
  FAILS(MT_ERR_INDEX, "5", mt_softmax(&t, t, 5));
  return unused;
}
static void per_thread(void) {
  pthread_t t;
  int64_t n = 0;
  FAILS(MT_ERR_NULL_ARGUMENT, "'self'", mt_tensor_ndim(&n, NULL));
  OK(mt_grad_mode_push(false));
  OK(mt_scope_begin());
  pthread_create(&t, NULL, own_state, NULL);
  pthread_join(t, NULL);
  CHECK(strstr(mt_last_error(), "mt_tensor_ndim") != NULL);
  CHECK(!mt_grad_mode_enabled());
  OK(mt_scope_end());
  OK(mt_grad_mode_pop());
  CHECK(live(MT_HANDLE_ANY) == 0);
}

// The same graph walked back by several threads, each with retain_graph.
static mt_tensor *root;
static void *walk_back(void *unused) {
  for (int i = 0; i < 50; ++i) OK(mt_tensor_backward(root, NULL, true, false));
  return unused;
}
static void shared_graph(void) {
  pthread_t threads[THREADS];
  mt_tensor *x = vec((const float[]){2}, 1), *y = NULL, *g = NULL;
  OK(mt_tensor_set_requires_grad(x, true));
  OK(mt_mul(&y, x, x));
  OK(mt_sum(&root, y));
  for (int i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, walk_back, NULL);
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  OK(mt_tensor_grad(&g, x));
  CHECK(item(g) == 4.0 * THREADS * 50);
  mt_tensor_free(g);
  mt_tensor_free(root);
  mt_tensor_free(y);
  mt_tensor_free(x);
}

static void forked(void) {
  mt_tensor *t = NULL;
  OK(mt_ones(&t, (int64_t[]){100}, 1));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    mt_tensor *s = NULL;
    alarm(20);  // a hang fails the test
    OK(mt_sum(&s, t));
    CHECK(item(s) == 100);
    OK(mt_tensor_free(s));
    OK(mt_tensor_free(t));
    CHECK(live(MT_HANDLE_ANY) == 0);
    fflush(stdout);
    _exit(check_failures != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  OK(mt_tensor_free(t));
}

int main(void) {
  RUN(racing_frees);
  RUN(handing_over);
  RUN(per_thread);
  RUN(shared_graph);
  RUN(forked);
  RUN(nothing_is_left);
  return check_result();
}
