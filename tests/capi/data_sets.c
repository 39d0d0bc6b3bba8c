// Samplers and data sets made of others in C: PyTorch's numbers, checks of arguments and options.
#include "numbers.h"

static void samplers(void) {
  static const int64_t permutation[] = {5, 3, 4, 6, 0, 2, 1},
                       draws[] = {5, 3, 3, 4, 0, 6, 2, 4, 5, 0, 6, 6, 0, 6, 6, 2, 6, 5, 6, 5,
                                  6, 6, 5, 0, 2, 2, 4, 5, 5, 2, 4, 1, 2, 5, 3, 5, 6, 2, 4, 4},
                       weighted[] = {1, 3, 4, 1, 4}, some[] = {1, 3, 15, 9, 4};
  static const int64_t indices[] = {3, 1, 4, 15, 9};
  static const double weights[] = {0.1, 0.9, 0.4, 0.7, 3.0, 0.6};
  const struct {
    const int64_t *want;
    int n;
  } cases[] = {{permutation, 7}, {draws, 40}, {weighted, 5}, {some, 5}};
  for (int i = 0; i < 4; ++i) {
    mt_sampler *s = NULL, *batches = NULL;
    mt_generator *g = NULL;
    mt_tensor *t = NULL;
    int64_t n = 0;
    OK(mt_generator_create(&g));
    OK(mt_generator_manual_seed(g, 3));
    if (i == 0) OK(mt_sampler_random(&s, 7, false, 0, g));
    if (i == 1) OK(mt_sampler_random(&s, 7, true, 40, g));
    if (i == 2) OK(mt_sampler_weighted_random(&s, weights, 6, 5, true, g));
    if (i == 3) OK(mt_sampler_subset_random(&s, indices, 5, g));
    OK(mt_generator_free(g));  // the sampler keeps it
    OK(mt_sampler_batch(&batches, s, 3, true));
    OK(mt_sampler_indices(&t, s));
    OK(mt_tensor_numel(&n, t));
    CHECK(n == cases[i].n);
    for (int64_t k = 0; k < n; ++k) CHECK(at(t, k) == (double)cases[i].want[k]);
    mt_tensor_free(t);
    OK(mt_sampler_indices(&t, batches));
    OK(mt_tensor_numel(&n, t));
    CHECK(n == cases[i].n / 3 * 3);
    mt_tensor_free(t);
    FAILS(MT_ERR_INVALID_ARGUMENT, "nested", mt_sampler_batch(&s, batches, 2, false));
    OK(mt_sampler_free(batches));
    OK(mt_sampler_free(s));
  }
  mt_sampler *s = NULL;
  FAILS(MT_ERR_INVALID_ARGUMENT, "bad size", mt_sampler_random(&s, 0, false, 0, NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "bad number", mt_sampler_random(&s, 3, true, -1, NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "weights",
        mt_sampler_weighted_random(&s, weights, 0, 1, true, NULL));
  CHECK(s == NULL);
}

static mt_status evens(mt_tensor **indices, void *user) {
  const int64_t n = 3, values[] = {4, 0, -8};
  if (user) return mt_callback_error("no order today");
  return mt_tensor_from_data(indices, values, MT_INT64, &n, 1);
}

static void own_samplers(void) {
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 10);
  mt_sampler *s = NULL;
  mt_data_loader *l = NULL;
  mt_tensors *batch = NULL;
  int64_t got[8], n = 0;
  OK(mt_sampler_custom(&s, evens, NULL, count_destroy));
  OK(mt_data_loader_create(&l, d, s, NULL, NULL));
  FAILS(MT_ERR_STATE, "not known", mt_data_loader_size(&n, l));
  CHECK(epoch(got, l) == 3 && got[0] == 4 && got[1] == 0 && got[2] == 2);
  OK(mt_data_loader_free(l));
  OK(mt_sampler_free(s));
  OK(mt_sampler_custom(&s, evens, &self, count_destroy));
  OK(mt_data_loader_create(&l, d, s, NULL, NULL));
  FAILS(MT_ERR_CALLBACK, "no order today", mt_data_loader_next(&batch, l));
  OK(mt_data_loader_free(l));
  OK(mt_sampler_free(s));
  destroyed = 0;
  FAILS(MT_ERR_NULL_ARGUMENT, "function", mt_sampler_custom(&s, NULL, NULL, count_destroy));
  CHECK(destroyed == 1);
  OK(mt_dataset_free(d));
}

static void splits_and_parts(void) {
  static const int64_t want[] = {2, 6, 1, 8, 4, 5, 0, 9, 3, 7};
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 10), *parts[2] = {NULL, NULL}, *joined = NULL, *some = NULL;
  const double lengths[] = {0.3, 0.7}, wrong[] = {3, 8};
  int64_t got[16], n = 0;
  mt_generator *g = NULL;
  OK(mt_generator_create(&g));
  OK(mt_generator_manual_seed(g, 42));
  OK(mt_dataset_random_split(parts, d, lengths, 2, g));
  OK(mt_generator_free(g));
  OK(mt_dataset_concat(&joined, (const mt_dataset *const *)parts, 2));
  mt_data_loader *l = loader_of(joined, 5, false, 1);
  CHECK(epoch(got, l) == 10);
  for (int i = 0; i < 10; ++i) CHECK(got[i] == want[i]);
  OK(mt_data_loader_free(l));
  OK(mt_dataset_size(&n, parts[0]));
  CHECK(n == 3);
  mt_dataset *none[2] = {NULL, NULL};
  FAILS(MT_ERR_INVALID_ARGUMENT, "bad lengths", mt_dataset_random_split(none, d, wrong, 2, NULL));
  CHECK(none[0] == NULL);
  const int64_t out_of_range[] = {3, 10};
  FAILS(MT_ERR_INDEX, "index 10", mt_dataset_subset(&some, d, out_of_range, 2));
  mt_tensors *sample = NULL;
  FAILS(MT_ERR_INDEX, "index -11", mt_dataset_get(&sample, d, -11));
  mt_strings *names = NULL;
  FAILS(MT_ERR_STATE, "no classes", mt_dataset_classes(&names, d));
  FAILS(MT_ERR_IO, "FashionMNIST: file not found: 'train-images-idx3-ubyte'",
        mt_dataset_mnist(&some, "/no/such", "FashionMNIST", NULL, true));
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown split",
        mt_dataset_mnist(&some, "/no/such", "EMNIST", "letter", true));
  FAILS(MT_ERR_IO, "data_batch_1", mt_dataset_cifar(&some, "/no/such", 10, true));
  FAILS(MT_ERR_IO, "image_folder: cannot read folder: '/no/such'",
        mt_dataset_image_folder(&some, "/no/such", NULL));
  for (int i = 0; i < 2; ++i) OK(mt_dataset_free(parts[i]));
  OK(mt_dataset_free(joined));
  OK(mt_dataset_free(d));
}

static void options_are_checked(void) {
  struct numbers self = {0};
  mt_dataset *d = numbers(&self, 4);
  mt_data_loader *l = NULL;
  mt_data_loader_options o;
  mt_sampler *s = NULL;
  OK(mt_sampler_sequential(&s, 4));
  const struct {
    const char *text;
    mt_data_loader_options o;
    const mt_sampler *sampler;
  } cases[] = {
      {"batch_size is 0", {sizeof o, 0, false, false, false, 0, 2, 0}, NULL},
      {"num_workers is -1", {sizeof o, 1, false, false, false, -1, 2, 0}, NULL},
      {"num_workers is 100000", {sizeof o, 1, false, false, false, 100000, 2, 0}, NULL},
      {"prefetch_factor is 0", {sizeof o, 1, false, false, false, 0, 0, 0}, NULL},
      {"timeout is -1", {sizeof o, 1, false, false, false, 0, 2, -1}, NULL},
      {"persistent", {sizeof o, 1, false, false, true, 0, 2, 0}, NULL},
      {"shuffle beside a sampler", {sizeof o, 1, true, false, false, 0, 2, 0}, s},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    CHECK(mt_data_loader_create(&l, d, cases[i].sampler, NULL, &cases[i].o) ==
          MT_ERR_INVALID_ARGUMENT);
    CHECK(strstr(mt_last_error(), cases[i].text));
  }
  CHECK(l == NULL);
  mt_data_loader_options_init(&o);
  o.persistent_workers = true;
  o.num_workers = 2;
  o.timeout = 60;
  OK(mt_data_loader_create(&l, d, s, NULL, &o));
  int64_t got[8];
  for (int i = 0; i < 3; ++i) CHECK(epoch(got, l) == 4 && got[3] == 3);
  OK(mt_data_loader_free(l));
  OK(mt_sampler_free(s));
  OK(mt_dataset_free(d));
}

int main(void) {
  RUN(samplers);
  RUN(own_samplers);
  RUN(splits_and_parts);
  RUN(options_are_checked);
  RUN(nothing_is_left);
  return check_result();
}
