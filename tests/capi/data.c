// The loader in C: PyTorch's orders, any number of workers, callbacks that fail or call back, and
// every order of freeing.
#include "numbers.h"

// torch.manual_seed(7); DataLoader(range(10), 4, shuffle=True), two epochs.
static void shuffles_as_torch(void) {
  static const int64_t want[] = {3, 2, 7, 8, 6, 1, 5, 9, 0, 4, 1, 3, 5, 2, 8, 9, 6, 7, 4, 0};
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 10);
  for (int32_t workers = 0; workers < 4; ++workers) {
    int64_t got[32];
    mt_data_loader *l = loader_of(d, 4, true, workers);
    int64_t batches = 0;
    OK(mt_data_loader_size(&batches, l));
    CHECK(batches == 3);
    OK(mt_manual_seed(7));
    CHECK(epoch(got, l) == 10 && epoch(got + 10, l) == 10);
    for (int i = 0; i < 20; ++i) CHECK(got[i] == want[i]);
    OK(mt_data_loader_free(l));
  }
  destroyed = 0;
  OK(mt_dataset_free(d));
  CHECK(destroyed == 1);
}

// An error comes in its batch's place with the sample's index, and the batches around it come too.
static void errors_in_their_place(void) {
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 12);
  self.fail_at = 5;
  for (int32_t workers = 0; workers < 4; ++workers) {
    mt_data_loader *l = loader_of(d, 2, false, workers);
    mt_tensors *batch = NULL;
    for (int i = 0; i < 6; ++i) {
      if (i == 2) {
        FAILS(MT_ERR_CALLBACK, "DataLoader: batch 2: sample 5: dataset: callback failed: this one",
              mt_data_loader_next(&batch, l));
        continue;
      }
      mt_tensor *y = NULL;
      OK(mt_data_loader_next(&batch, l));
      OK(mt_tensors_get(&y, batch, 1));
      CHECK(at(y, 0) == 2 * i);
      mt_tensor_free(y);
      OK(mt_tensors_free(batch));
      batch = NULL;
    }
    OK(mt_data_loader_next(&batch, l));
    CHECK(batch == NULL);
    OK(mt_data_loader_free(l));
  }
  OK(mt_dataset_free(d));
}

static void callbacks_that_call_back(void) {
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 6);
  for (int32_t workers = 0; workers < 3; ++workers) {
    mt_data_loader *l = loader_of(d, 2, false, workers);
    int64_t got[8];
    self.loader = l;
    CHECK(epoch(got, l) == 6);
    CHECK(self.inner == MT_ERR_STATE);
    self.loader = NULL;
    OK(mt_data_loader_free(l));
  }
  OK(mt_dataset_free(d));
}

static void freed_in_any_order(void) {
  for (int32_t workers = 0; workers < 5; ++workers) {
    for (int taken = 0; taken < 4; ++taken) {
      struct numbers self = {0};
      mt_dataset *d = numbers(&self, 100);
      mt_data_loader *l = loader_of(d, 4, true, workers);
      destroyed = 0;
      OK(mt_dataset_free(d));
      mt_tensors *batches[4];
      for (int i = 0; i < taken; ++i) OK(mt_data_loader_next(&batches[i], l));
      CHECK(destroyed == 0);
      if (taken == 3) {  // in the middle of an epoch: a new one
        int64_t got[128];
        OK(mt_data_loader_reset(l));
        CHECK(epoch(got, l) == 100);
      }
      OK(mt_data_loader_free(l));
      CHECK(destroyed == 1);
      for (int i = 0; i < taken; ++i) OK(mt_tensors_free(batches[i]));
    }
  }
}

struct stream {
  int64_t at, size;
  int starts;
};
static mt_status stream_start(void *user) {
  struct stream *s = user;
  s->at = 0;
  ++s->starts;
  return MT_OK;
}
static mt_status stream_next(mt_tensor **fields, size_t capacity, size_t *n_fields, void *user) {
  struct stream *s = user;
  const int64_t i = s->at++;
  const float values[] = {(float)i, (float)-i};
  const int64_t two = 2;
  (void)capacity;
  *n_fields = i < s->size ? 2 : 0;
  if (i >= s->size) return MT_OK;
  mt_status status = mt_tensor_from_data(&fields[0], values, MT_FLOAT32, &two, 1);
  return status ? status : mt_tensor_from_data(&fields[1], &i, MT_INT64, NULL, 0);
}

static void iterated(void) {
  struct stream state = {0, 11, 0};
  mt_dataset_def def;
  mt_dataset *d = NULL, *both = NULL, *never = NULL;
  int64_t n = 0, got[32];
  mt_dataset_def_init(&def);
  def.next = stream_next;
  def.start = stream_start;
  def.user = &state;
  OK(mt_dataset_custom(&d, &def));
  FAILS(MT_ERR_STATE, "no size", mt_dataset_size(&n, d));
  for (int32_t workers = 0; workers < 4; ++workers) {
    mt_data_loader *l = loader_of(d, 3, false, workers);
    for (int e = 0; e < 2; ++e) {
      CHECK(epoch(got, l) == 11);
      for (int i = 0; i < 11; ++i) CHECK(got[i] == i);
    }
    OK(mt_data_loader_free(l));
  }
  CHECK(state.starts == 8);
  const mt_dataset *twice[] = {d, d};
  OK(mt_dataset_concat(&both, twice, 2));
  mt_data_loader *l = loader_of(both, 3, false, 2);
  CHECK(epoch(got, l) == 22 && got[10] == 10 && got[11] == 0);
  OK(mt_data_loader_free(l));
  OK(mt_dataset_free(both));
  def.size = numbers_size;
  FAILS(MT_ERR_NULL_ARGUMENT, "callbacks", mt_dataset_custom(&never, &def));
  CHECK(never == NULL);
  OK(mt_dataset_free(d));
}

static mt_status double_up(mt_tensor **batch, size_t capacity, size_t *n_batch,
                           const mt_tensor *const *fields, size_t n_samples, size_t n_fields,
                           void *user) {
  (void)capacity;
  (void)user;
  if (n_fields != 2) return mt_callback_error("two fields, please");
  *n_batch = 1;
  const mt_tensor *labels[16];
  for (size_t s = 0; s < n_samples; ++s) labels[s] = fields[s * n_fields + 1];
  return mt_stack(&batch[0], labels, n_samples, 0);
}

static mt_status note_worker(int32_t worker, int32_t num_workers, void *user) {
  atomic_fetch_add((atomic_int *)user, 1 << (8 * worker));
  return num_workers == 2 ? MT_OK : mt_callback_error("not so many workers");
}

static mt_status note_progress(int64_t done, int64_t total, void *user) {
  int64_t *seen = user;
  CHECK(total == 4 && done == *seen);
  ++*seen;
  return MT_OK;
}

static void callbacks_of_the_loader(void) {
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 8);
  mt_data_loader *l = loader_of(d, 2, false, 2), *three = loader_of(d, 2, false, 3);
  mt_tensors *batch = NULL;
  mt_tensor *y = NULL;
  atomic_int workers = 0;
  int64_t progress = 0;
  size_t count = 0;
  OK(mt_data_loader_set_collate(l, double_up, NULL, NULL));
  OK(mt_data_loader_set_worker_init(l, note_worker, &workers, NULL));
  OK(mt_data_loader_set_progress(l, note_progress, &progress, NULL));
  for (int i = 0; i < 4; ++i) {
    OK(mt_data_loader_next(&batch, l));
    OK(mt_tensors_count(&count, batch));
    OK(mt_tensors_get(&y, batch, 0));
    CHECK(count == 1 && at(y, 1) == 2 * i + 1);
    mt_tensor_free(y);
    OK(mt_tensors_free(batch));
  }
  OK(mt_data_loader_next(&batch, l));
  CHECK(batch == NULL);
  CHECK(progress == 5 && workers == 0x101);  // both have begun when the epoch is over
  OK(mt_data_loader_free(l));
  OK(mt_data_loader_set_worker_init(three, note_worker, &workers, NULL));
  for (int i = 0; i < 2; ++i) {
    FAILS(MT_ERR_CALLBACK, "not so many workers", mt_data_loader_next(&batch, three));
  }
  OK(mt_data_loader_set_worker_init(three, NULL, NULL, NULL));
  int64_t got[8];
  CHECK(epoch(got, three) == 8);
  OK(mt_data_loader_free(three));
  OK(mt_dataset_free(d));
}

// Random transforms give the same pixels with any number of workers, and with none those of a plain
// loop over the samples.
static double sum_of(const mt_tensor *t) {
  mt_tensor *weights = NULL, *product = NULL, *sum = NULL;
  int64_t n = 0;
  OK(mt_tensor_numel(&n, t));
  mt_tensor *flat = NULL;
  const int64_t all = -1;
  OK(mt_reshape(&flat, t, &all, 1));
  OK(mt_arange(&weights, 1, (double)(n + 1), 1));
  OK(mt_mul(&product, flat, weights));
  OK(mt_sum(&sum, product));
  const double v = item(sum);
  mt_tensor_free(flat);
  mt_tensor_free(weights);
  mt_tensor_free(product);
  mt_tensor_free(sum);
  return v;
}

static void random_transforms(void) {
  const int64_t size[] = {3, 20, 20};
  mt_dataset *plain = NULL, *d = NULL;
  mt_transform *list[3], *all = NULL;
  double sums[4][8], loop[8];
  OK(mt_dataset_fake(&plain, 16, size, 3, 5, 0));
  OK(mt_transform_random_resized_crop(&list[0], 12, 12, NULL));
  OK(mt_transform_random_horizontal_flip(&list[1], 0.5));
  OK(mt_transform_to_tensor(&list[2]));
  OK(mt_transform_compose(&all, (const mt_transform *const *)list, 3));
  OK(mt_dataset_transform(&d, plain, all, NULL));
  mt_tensors *batch = NULL;
  mt_tensor *x = NULL;
  for (int32_t workers = 0; workers < 4; ++workers) {
    mt_data_loader *l = loader_of(d, 2, false, workers);
    OK(mt_manual_seed(5));
    for (int i = 0; i < 8; ++i) {
      OK(mt_data_loader_next(&batch, l));
      OK(mt_tensors_get(&x, batch, 0));
      sums[workers][i] = sum_of(x);
      mt_tensor_free(x);
      OK(mt_tensors_free(batch));
    }
    OK(mt_data_loader_free(l));
  }
  OK(mt_manual_seed(5));
  mt_tensor *seed = NULL;  // the loader's base seed
  OK(mt_empty_with(&seed, NULL, 0, MT_INT64, MT_CPU));
  OK(mt_random_(seed));
  mt_tensor_free(seed);
  for (int i = 0; i < 8; ++i) {
    const int64_t indices[] = {2 * i, 2 * i + 1};
    OK(mt_dataset_get_batch(&batch, d, indices, 2, NULL));
    OK(mt_tensors_get(&x, batch, 0));
    loop[i] = sum_of(x);
    mt_tensor_free(x);
    OK(mt_tensors_free(batch));
  }
  for (int i = 0; i < 8; ++i) {
    CHECK(sums[0][i] == loop[i]);
    CHECK(sums[1][i] == sums[2][i] && sums[1][i] == sums[3][i]);
    CHECK(sums[0][i] != sums[1][i]);
  }
  for (int i = 0; i < 3; ++i) OK(mt_transform_free(list[i]));
  OK(mt_transform_free(all));
  OK(mt_dataset_free(d));
  OK(mt_dataset_free(plain));
}

int main(void) {
  RUN(shuffles_as_torch);
  RUN(errors_in_their_place);
  RUN(callbacks_that_call_back);
  RUN(freed_in_any_order);
  RUN(iterated);
  RUN(callbacks_of_the_loader);
  RUN(random_transforms);
  RUN(nothing_is_left);
  return check_result();
}
