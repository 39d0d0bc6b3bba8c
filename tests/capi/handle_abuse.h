// Runs the generated table of abuse cases: see handle_abuse_generated.c. A new class of handles
// adds a line to abuse_make below.
#ifndef MINITORCH_TESTS_HANDLE_ABUSE_H
#define MINITORCH_TESTS_HANDLE_ABUSE_H

#include <stdint.h>
#include <stdlib.h>

#include "check.h"

enum { ABUSE_NULL_OK = 1, ABUSE_FREES = 2, ABUSE_CLASSES = 64 };

struct abuse_case {
  mt_status (*call)(const void *bad);
  const char *function, *argument;
  mt_handle_class handle_class;
  int flags;
};

// Every out-argument points here; a failing call must leave it as it is.
static unsigned char abuse_scratch[512];
static inline void *abuse_out(void) { return abuse_scratch; }

// One live handle a class.
static void *abuse_valid_handles[ABUSE_CLASSES];
static inline void *abuse_valid(mt_handle_class c) { return abuse_valid_handles[c]; }
static const mt_tensor *abuse_list_items[1];
static inline void *abuse_list(void) { return (void *)abuse_list_items; }

static mt_function_ctx *abuse_dead_ctx;
static const struct abuse_case *abuse_cases;
static size_t abuse_count;

// A new handle of the class, or NULL when it cannot be made at will.
static void *abuse_make(mt_handle_class c) {
  mt_tensor *t = NULL, *y = NULL;
  mt_tensors *list = NULL;
  mt_optimizer *o = NULL;
  mt_dataset *d = NULL;
  void *h = NULL;
  switch (c) {
    case MT_HANDLE_TENSOR:
      OK(mt_number_float((mt_tensor **)&h, 1));
      break;
    case MT_HANDLE_TENSORS:
      OK(mt_tensors_create((mt_tensors **)&h, NULL, 0));
      break;
    case MT_HANDLE_NODE:
      OK(mt_ones(&t, NULL, 0));
      OK(mt_tensor_set_requires_grad(t, true));
      OK(mt_grad_mode_push(true));
      OK(mt_mul(&y, t, t));
      OK(mt_grad_mode_pop());
      OK(mt_tensor_grad_fn((mt_node **)&h, y));
      mt_tensor_free(y);
      mt_tensor_free(t);
      break;
    case MT_HANDLE_GENERATOR:
      OK(mt_generator_create((mt_generator **)&h));
      break;
    case MT_HANDLE_MODULE:
      OK(mt_nn_identity((mt_module **)&h));
      break;
    case MT_HANDLE_OPTIMIZER:
      OK(mt_ones(&t, NULL, 0));
      OK(mt_tensor_set_requires_grad(t, true));
      OK(mt_tensors_create(&list, (const mt_tensor *const *)&t, 1));
      OK(mt_sgd((mt_optimizer **)&h, list, NULL));
      mt_tensors_free(list);
      mt_tensor_free(t);
      break;
    case MT_HANDLE_SCHEDULER:
      o = abuse_make(MT_HANDLE_OPTIMIZER);
      OK(mt_exponential_lr((mt_scheduler **)&h, o, 0.9, -1));
      OK(mt_optimizer_free(o));
      break;
    case MT_HANDLE_NAMED_TENSORS:
      OK(mt_named_tensors_create((mt_named_tensors **)&h));
      break;
    case MT_HANDLE_TRANSFORM:
      OK(mt_transform_to_tensor((mt_transform **)&h));
      break;
    case MT_HANDLE_STRINGS:
      OK(mt_strings_create((mt_strings **)&h, NULL, 0));
      break;
    case MT_HANDLE_VALUE:
      OK(mt_value_list((mt_value **)&h));
      break;
    case MT_HANDLE_DATASET:
      OK(mt_dataset_fake((mt_dataset **)&h, 2, (const int64_t[]){1, 2, 2}, 3, 2, 0));
      break;
    case MT_HANDLE_SAMPLER:
      OK(mt_sampler_sequential((mt_sampler **)&h, 2));
      break;
    case MT_HANDLE_DATA_LOADER:
      d = abuse_make(MT_HANDLE_DATASET);
      OK(mt_data_loader_create((mt_data_loader **)&h, d, NULL, NULL, NULL));
      OK(mt_dataset_free(d));
      break;
    default:
      break;
  }
  return h;
}

static void abuse_free(mt_handle_class c, void *h) {
  switch (c) {
    case MT_HANDLE_TENSOR:
      OK(mt_tensor_free(h));
      break;
    case MT_HANDLE_TENSORS:
      OK(mt_tensors_free(h));
      break;
    case MT_HANDLE_NODE:
      OK(mt_node_free(h));
      break;
    case MT_HANDLE_GENERATOR:
      OK(mt_generator_free(h));
      break;
    case MT_HANDLE_MODULE:
      OK(mt_module_free(h));
      break;
    case MT_HANDLE_OPTIMIZER:
      OK(mt_optimizer_free(h));
      break;
    case MT_HANDLE_SCHEDULER:
      OK(mt_scheduler_free(h));
      break;
    case MT_HANDLE_NAMED_TENSORS:
      OK(mt_named_tensors_free(h));
      break;
    case MT_HANDLE_TRANSFORM:
      OK(mt_transform_free(h));
      break;
    case MT_HANDLE_STRINGS:
      OK(mt_strings_free(h));
      break;
    case MT_HANDLE_VALUE:
      OK(mt_value_free(h));
      break;
    case MT_HANDLE_DATASET:
      OK(mt_dataset_free(h));
      break;
    case MT_HANDLE_SAMPLER:
      OK(mt_sampler_free(h));
      break;
    case MT_HANDLE_DATA_LOADER:
      OK(mt_data_loader_free(h));
      break;
    default:
      break;
  }
}

static void abuse_expect(const struct abuse_case *c, const char *what, const void *bad,
                         mt_status want) {
  char prefix[128], argument[128], detail[1024];
  mt_clear_error();
  memset(abuse_scratch, 0x5A, sizeof abuse_scratch);
  const mt_status got = c->call(bad);
  const char *message = mt_last_error();
  snprintf(prefix, sizeof prefix, "%s: ", c->function);
  snprintf(argument, sizeof argument, "'%s", c->argument);
  bool good = got == want && mt_last_status() == want;
  if (want != MT_OK) {
    good = good && strncmp(message, prefix, strlen(prefix)) == 0 && strstr(message, argument);
    for (size_t i = 0; i < sizeof abuse_scratch; ++i) good = good && abuse_scratch[i] == 0x5A;
  }
  if (good) return;
  snprintf(detail, sizeof detail, "%s, argument %s, %s: expected %s, got %s: '%s'", c->function,
           c->argument, what, mt_status_name(want), mt_status_name(got), message);
  check_report(__FILE__, __LINE__, "abuse", detail);
}

static void abuse_one(const struct abuse_case *c) {
  const mt_handle_class any = MT_HANDLE_ANY;
  const mt_handle_class cls = c->handle_class == any ? MT_HANDLE_TENSOR : c->handle_class;
  const bool frees = (c->flags & ABUSE_FREES) != 0;
  if (frees) {
    abuse_expect(c, "NULL", NULL, MT_OK);
  } else if (!(c->flags & ABUSE_NULL_OK)) {
    abuse_expect(c, "NULL", NULL, MT_ERR_NULL_ARGUMENT);
  }
  void *freed = cls == MT_HANDLE_FUNCTION_CTX ? abuse_dead_ctx : abuse_make(cls);
  if (freed) {
    if (cls != MT_HANDLE_FUNCTION_CTX) abuse_free(cls, freed);
    abuse_expect(c, "freed", freed, frees ? MT_ERR_DOUBLE_FREE : MT_ERR_STALE_HANDLE);
  } else {
    check_report(__FILE__, __LINE__, "abuse_make knows no class of", c->function);
  }
  if (c->handle_class != any) {
    const mt_handle_class other = cls == MT_HANDLE_TENSOR ? MT_HANDLE_TENSORS : MT_HANDLE_TENSOR;
    abuse_expect(c, "another class", abuse_valid(other), MT_ERR_WRONG_HANDLE);
  }
  // Small numbers, addresses, all ones, and numbers that look like handles but were not given out.
  const uint64_t of_class = (uint64_t)cls << 56;
  const uint64_t made_up[] = {1,
                              0x100,
                              (uint64_t)(uintptr_t)&made_up,
                              (uint64_t)(uintptr_t)abuse_scratch,
                              UINT64_MAX,
                              UINT64_C(0x8000000000000000),
                              of_class | UINT64_C(0x0FFFFFFF),
                              of_class | UINT64_C(0xFFFFFFF0000000),
                              UINT64_C(0x7F) << 56,
                              UINT64_C(0x3F) << 56 | 5};
  for (size_t i = 0; i < sizeof made_up / sizeof made_up[0]; ++i) {
    abuse_expect(c, "made up", (const void *)(uintptr_t)made_up[i], MT_ERR_INVALID_HANDLE);
  }
}

// The cases run inside a function's forward, where a function context is live.
static mt_status abuse_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs,
                               size_t n_inputs, mt_tensor **outputs, size_t n_outputs, void *user) {
  (void)inputs, (void)n_inputs, (void)outputs, (void)n_outputs;
  if (user) {  // the first run only leaves a context that is over
    abuse_dead_ctx = ctx;
    return MT_OK;
  }
  abuse_valid_handles[MT_HANDLE_FUNCTION_CTX] = ctx;
  for (size_t i = 0; i < abuse_count; ++i) {
    char name[256];
    const int before = check_failures;
    abuse_one(&abuse_cases[i]);
    snprintf(name, sizeof name, "%s %s", abuse_cases[i].function, abuse_cases[i].argument);
    check_case(name, before);
  }
  return MT_OK;
}

static int abuse_run(const struct abuse_case *cases, size_t count) {
  mt_function f;
  abuse_cases = cases;
  abuse_count = count;
  for (mt_handle_class c = 1; c < ABUSE_CLASSES; ++c) abuse_valid_handles[c] = abuse_make(c);
  abuse_list_items[0] = abuse_valid(MT_HANDLE_TENSOR);
  mt_function_init(&f);
  f.forward = abuse_forward;
  f.user = &f;
  OK(mt_function_apply(NULL, 0, &f, NULL, 0));
  f.user = NULL;
  OK(mt_function_apply(NULL, 0, &f, NULL, 0));
  for (mt_handle_class c = 1; c < ABUSE_CLASSES; ++c) {
    if (abuse_valid_handles[c] && c != MT_HANDLE_FUNCTION_CTX)
      abuse_free(c, abuse_valid_handles[c]);
  }
  RUN(nothing_is_left);
  return check_result();
}

#endif  // MINITORCH_TESTS_HANDLE_ABUSE_H
