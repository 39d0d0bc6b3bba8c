// A data set of numbers by callback, for the tests of data.h.
#ifndef MINITORCH_TESTS_NUMBERS_H
#define MINITORCH_TESTS_NUMBERS_H

#include <stdatomic.h>

#include "check.h"

static int destroyed;
static inline void count_destroy(void *user) {
  (void)user;
  ++destroyed;
}

// Samples {index as float (2,), index as int64}.
struct numbers {
  int64_t size, fail_at;
  mt_data_loader *loader;  // asked from inside the callback, when set
  mt_status inner;
  atomic_int calls;
};

static inline mt_status numbers_size(int64_t *size, void *user) {
  *size = ((struct numbers *)user)->size;
  return MT_OK;
}

static inline mt_status numbers_get(mt_tensor **fields, size_t capacity, size_t *n_fields,
                                    int64_t index, void *user) {
  struct numbers *self = user;
  const float values[] = {(float)index, (float)-index};
  const int64_t two = 2;
  mt_tensors *inner = NULL;
  atomic_fetch_add(&self->calls, 1);
  if (capacity < 2) return mt_callback_error("no room");
  if (self->loader) self->inner = mt_data_loader_next(&inner, self->loader);
  if (index == self->fail_at) return mt_callback_error("this one is broken");
  mt_status s = mt_tensor_from_data(&fields[0], values, MT_FLOAT32, &two, 1);
  if (s == MT_OK) s = mt_tensor_from_data(&fields[1], &index, MT_INT64, NULL, 0);
  *n_fields = 2;
  return s;
}

static inline mt_dataset *numbers(struct numbers *self, int64_t size) {
  mt_dataset *d = NULL;
  mt_dataset_def def;
  mt_dataset_def_init(&def);
  def.size = numbers_size;
  def.get = numbers_get;
  def.user = self;
  def.destroy = count_destroy;
  self->size = size;
  self->fail_at = -1;
  self->loader = NULL;
  OK(mt_dataset_custom(&d, &def));
  return d;
}

static inline mt_data_loader *loader_of(const mt_dataset *d, int64_t batch_size, bool shuffle,
                                        int32_t workers) {
  mt_data_loader *l = NULL;
  mt_data_loader_options o;
  mt_data_loader_options_init(&o);
  o.batch_size = batch_size;
  o.shuffle = shuffle;
  o.num_workers = workers;
  OK(mt_data_loader_create(&l, d, NULL, NULL, &o));
  return l;
}

// The labels of an epoch; the number of them.
static inline int epoch(int64_t *labels, mt_data_loader *l) {
  mt_tensors *batch = NULL;
  mt_tensor *x = NULL, *y = NULL;
  int n = 0;
  while (true) {
    OK(mt_data_loader_next(&batch, l));
    if (!batch) return n;
    int64_t size = 0;
    OK(mt_tensors_get(&x, batch, 0));
    OK(mt_tensors_get(&y, batch, 1));
    OK(mt_tensor_numel(&size, y));
    for (int64_t i = 0; i < size; ++i) {
      labels[n++] = (int64_t)at(y, i);
      CHECK(at(x, 2 * i) == at(y, i) && at(x, 2 * i + 1) == -at(y, i));
    }
    mt_tensor_free(x);
    mt_tensor_free(y);
    mt_tensors_free(batch);
    batch = NULL;
  }
}

#endif  // MINITORCH_TESTS_NUMBERS_H
