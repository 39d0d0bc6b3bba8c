// Checks for the C tests of the API. A program runs its cases with RUN(function), each of which is
// a line of TAP output, and returns `check_result()` from main.
#ifndef MINITORCH_TESTS_CHECK_H
#define MINITORCH_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "minitorch/minitorch.h"

static int check_failures, check_failed_cases, check_cases;

static inline void check_report(const char *file, int line, const char *what, const char *detail) {
  ++check_failures;
  printf("# %s:%d: %s%s%s\n", file, line, what, detail[0] ? ": " : "", detail);
}

static inline void check_case(const char *name, int failures_before) {
  const bool good = check_failures == failures_before;
  check_failed_cases += !good;
  printf("%sok %d - %s\n", good ? "" : "not ", ++check_cases, name);
  fflush(stdout);
}

// Runs one case.
#define RUN(function)                   \
  do {                                  \
    const int before_ = check_failures; \
    function();                         \
    check_case(#function, before_);     \
  } while (0)

#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) check_report(__FILE__, __LINE__, #condition, ""); \
  } while (0)

// The call must succeed.
#define OK(call)                                                                   \
  do {                                                                             \
    if ((call) != MT_OK) check_report(__FILE__, __LINE__, #call, mt_last_error()); \
  } while (0)

// The call must fail with this status and a message that contains the text.
#define FAILS(expected, text, call)                                                         \
  do {                                                                                      \
    const mt_status got_ = (call);                                                          \
    if (got_ != (expected)) {                                                               \
      const char *name_ = mt_status_name(got_);                                             \
      check_report(__FILE__, __LINE__, #call " gave", name_ ? name_ : "an unknown status"); \
    } else if (!strstr(mt_last_error(), (text))) {                                          \
      check_report(__FILE__, __LINE__, "message without '" text "'", mt_last_error());      \
    }                                                                                       \
  } while (0)

#define CLOSE(a, b) CHECK(fabs((double)(a) - (double)(b)) <= 1e-6 * (1 + fabs((double)(b))))

static inline int64_t live(mt_handle_class handle_class) {
  int64_t n = -1;
  OK(mt_live_handles(&n, handle_class));
  return n;
}

static inline int64_t bytes_in_use(void) {
  mt_memory_stats stats = {sizeof stats, 0, 0, 0, 0};
  OK(mt_memory_get_stats(&stats));
  return stats.current_bytes;
}

// A float32 tensor of one dim.
static inline mt_tensor *vec(const float *values, int64_t n) {
  mt_tensor *t = NULL;
  OK(mt_tensor_from_data(&t, values, MT_FLOAT32, &n, 1));
  return t;
}

static inline double item(const mt_tensor *t) {
  double v = NAN;
  OK(mt_tensor_item_double(&v, t));
  return v;
}

// Element i of a tensor in row-major order, whatever its dtype.
static inline double at(const mt_tensor *t, int64_t i) {
  mt_tensor *flat = NULL, *one = NULL;
  const int64_t all = -1;
  double v = NAN;
  OK(mt_reshape(&flat, t, &all, 1));
  OK(mt_select(&one, flat, 0, i));
  OK(mt_tensor_item_double(&v, one));
  mt_tensor_free(one);
  mt_tensor_free(flat);
  return v;
}

// The last case of a program: it left no handle and no byte behind.
static inline void nothing_is_left(void) {
  CHECK(live(MT_HANDLE_ANY) == 0);
  CHECK(bytes_in_use() == 0);
}

static inline int check_result(void) {
  printf("1..%d\n", check_cases);
  return check_failed_cases != 0;
}

#endif  // MINITORCH_TESTS_CHECK_H
