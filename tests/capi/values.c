// Checkpoints of other programs in C: values made and read, PyTorch's and NumPy's files, state
// dicts with options, and what is refused.
#define _GNU_SOURCE  // mkdtemp
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/minitorch_values_XXXXXX";

static char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

// {"epoch": 3, "model": {"module.w": tensor}, "lrs": [0.5, None]}
static mt_value *checkpoint(void) {
  const float numbers[] = {1, 2, 3};
  mt_tensor *t = vec(numbers, 3);
  mt_value *root = NULL, *model = NULL, *lrs = NULL, *v = NULL;
  OK(mt_value_dict(&root, false));
  OK(mt_value_int(&v, 3));
  OK(mt_value_set(root, "epoch", v));
  OK(mt_value_free(v));
  OK(mt_value_dict(&model, true));
  OK(mt_value_tensor(&v, t));
  OK(mt_value_set(model, "module.w", v));
  OK(mt_value_free(v));
  OK(mt_value_set(root, "model", model));
  OK(mt_value_free(model));
  OK(mt_value_list(&lrs));
  OK(mt_value_float(&v, 0.5));
  OK(mt_value_append(lrs, v));
  OK(mt_value_free(v));
  OK(mt_value_none(&v));
  OK(mt_value_append(lrs, v));
  OK(mt_value_free(v));
  OK(mt_value_set(root, "lrs", lrs));
  OK(mt_value_free(lrs));
  OK(mt_tensor_free(t));
  return root;
}

static void check_checkpoint(const mt_value *root) {
  mt_value *v = NULL, *item = NULL;
  size_t n = 0;
  int64_t epoch = 0;
  double lr = 0;
  mt_value_kind kind = 0;
  OK(mt_value_count(&n, root));
  CHECK(n == 3);
  OK(mt_value_get(&v, root, "epoch"));
  OK(mt_value_as_int(&epoch, v));
  CHECK(epoch == 3);
  OK(mt_value_free(v));
  OK(mt_value_get(&v, root, "lrs"));
  OK(mt_value_at(&item, v, 0));
  OK(mt_value_as_float(&lr, item));
  CHECK(lr == 0.5);
  OK(mt_value_free(item));
  OK(mt_value_at(&item, v, 1));
  OK(mt_value_kind_of(&kind, item));
  CHECK(kind == MT_VALUE_NONE);
  OK(mt_value_free(item));
  OK(mt_value_free(v));
  OK(mt_value_key_at(&v, root, 1));
  char *text = NULL;
  OK(mt_value_as_string(&text, v));
  CHECK(strcmp(text, "model") == 0);
  OK(mt_string_free(text));
  OK(mt_value_free(v));
  OK(mt_value_get(&v, root, "model"));
  OK(mt_value_type_name(&text, v));
  CHECK(strcmp(text, "collections.OrderedDict") == 0);
  OK(mt_string_free(text));
  OK(mt_value_free(v));
}

static void files_and_memory(void) {
  if (!mt_has("zip")) return;
  mt_value *root = checkpoint(), *back = NULL;
  OK(mt_save(path_of("c.pth"), root));
  OK(mt_load(&back, path_of("c.pth"), NULL));
  check_checkpoint(back);
  OK(mt_value_free(back));
  mt_tensor *bytes = NULL;
  void *data = NULL;
  int64_t size = 0;
  OK(mt_save_memory(&bytes, root));
  OK(mt_tensor_data(&data, bytes));
  OK(mt_tensor_numel(&size, bytes));
  OK(mt_load_memory(&back, data, (size_t)size, NULL));
  check_checkpoint(back);
  OK(mt_value_free(back));
  for (int64_t n = 0; n < size; ++n) {
    FAILS(MT_ERR_FORMAT, "load", mt_load_memory(&back, data, (size_t)n, NULL));
  }
  OK(mt_tensor_free(bytes));

  mt_load_options options;
  mt_load_options_init(&options);
  options.strip_prefix = "module.";
  mt_named_tensors *state = NULL;
  mt_tensor *w = NULL;
  OK(mt_load_state_dict(&state, path_of("c.pth"), &options));
  OK(mt_named_tensors_get(&w, state, "w"));
  CHECK(at(w, 2) == 3);
  OK(mt_tensor_free(w));
  OK(mt_named_tensors_free(state));
  options.key = "ema";
  FAILS(MT_ERR_KEY, "no 'ema'", mt_load_state_dict(&state, path_of("c.pth"), &options));
  OK(mt_value_state_dict(&state, root, NULL));
  OK(mt_named_tensors_get(&w, state, "module.w"));
  OK(mt_tensor_free(w));
  OK(mt_named_tensors_free(state));
  OK(mt_value_free(root));
}

static void numpy_files(void) {
  const float numbers[] = {1, 2, 3};
  mt_tensor *t = vec(numbers, 3), *back = NULL;
  mt_named_tensors *list = NULL, *again = NULL;
  OK(mt_save_npy(path_of("a.npy"), t));
  OK(mt_load_npy(&back, path_of("a.npy")));
  CHECK(at(back, 1) == 2);
  OK(mt_tensor_free(back));
  OK(mt_load_state_dict(&again, path_of("a.npy"), NULL));
  OK(mt_named_tensors_get(&back, again, ""));
  OK(mt_tensor_free(back));
  OK(mt_named_tensors_free(again));
  if (mt_has("zip")) {
    OK(mt_named_tensors_create(&list));
    OK(mt_named_tensors_set(list, "x", t));
    OK(mt_save_npz(path_of("a.npz"), list, true));
    OK(mt_load_npz(&again, path_of("a.npz"), NULL));
    OK(mt_named_tensors_get(&back, again, "x"));
    CHECK(at(back, 2) == 3);
    OK(mt_tensor_free(back));
    OK(mt_named_tensors_free(again));
    OK(mt_named_tensors_free(list));
  }
  OK(mt_tensor_free(t));
}

static void data_files(void) {
  const unsigned char idx[] = {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9};
  unsigned char record[3073] = {9, 1, 2};
  mt_tensor *t = NULL, *labels = NULL;
  FILE *f = fopen(path_of("a.idx"), "wb");
  CHECK(f && fwrite(idx, 1, sizeof idx, f) == sizeof idx && fclose(f) == 0);
  OK(mt_load_idx(&t, path_of("a.idx")));
  OK(mt_tensor_free(t));
  f = fopen(path_of("a.bin"), "wb");
  CHECK(f && fwrite(record, 1, sizeof record, f) == sizeof record && fclose(f) == 0);
  OK(mt_load_cifar(&t, &labels, path_of("a.bin"), 10));
  OK(mt_tensor_free(t));
  OK(mt_tensor_free(labels));
  FAILS(MT_ERR_FORMAT, "records of CIFAR-100", mt_load_cifar(&t, &labels, path_of("a.bin"), 100));
  FAILS(MT_ERR_INVALID_ARGUMENT, "10 or 100", mt_load_cifar(&t, &labels, path_of("a.bin"), 7));
  FAILS(MT_ERR_FORMAT, "not an IDX file", mt_load_idx(&t, path_of("a.bin")));
  FAILS(MT_ERR_IO, "none", mt_load_idx(&t, path_of("none")));
}

static void mapped(void) {
  const float numbers[] = {1, 2, 3};
  mt_tensor *t = vec(numbers, 3), *back = NULL;
  mt_named_tensors *list = NULL;
  OK(mt_named_tensors_create(&list));
  OK(mt_named_tensors_set(list, "x", t));
  OK(mt_save_safetensors(path_of("m.safetensors"), list, NULL, NULL));
  OK(mt_named_tensors_free(list));
  OK(mt_map_safetensors(&list, path_of("m.safetensors"), NULL, NULL));
  OK(mt_named_tensors_get(&back, list, "x"));
  OK(mt_named_tensors_free(list));
  CHECK(at(back, 2) == 3);
  OK(mt_tensor_free(back));
  OK(mt_tensor_free(t));
}

static void kinds_and_errors(void) {
  mt_value *v = NULL, *list = NULL, *item = NULL;
  bool b = false;
  int64_t i = 0;
  double d = 0, imag = 0;
  char *text = NULL, raw[16];
  size_t n = 0;
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_value_bool(&v, true));
  OK(mt_value_as_bool(&b, v));
  CHECK(b);
  OK(mt_value_free(v));
  OK(mt_value_string(&v, "a\0b", 3));
  FAILS(MT_ERR_INVALID_ARGUMENT, "NUL", mt_value_as_string(&text, v));
  n = 2;
  FAILS(MT_ERR_INVALID_ARGUMENT, "no room", mt_value_as_bytes(raw, &n, v));
  n = sizeof raw;
  OK(mt_value_as_bytes(raw, &n, v));
  CHECK(n == 3 && memcmp(raw, "a\0b", 3) == 0);
  FAILS(MT_ERR_INVALID_ARGUMENT, "wrong kind", mt_value_as_int(&i, v));
  FAILS(MT_ERR_INVALID_ARGUMENT, "wrong kind", mt_value_count(&n, v));
  OK(mt_value_free(v));
  FAILS(MT_ERR_INVALID_ARGUMENT, "UTF-8", mt_value_string(&v, "\xff", 1));
  OK(mt_value_complex(&v, 1, -2));
  OK(mt_value_as_complex(&d, &imag, v));
  CHECK(d == 1 && imag == -2);
  OK(mt_value_free(v));
  OK(mt_value_dtype(&v, MT_FLOAT16));
  OK(mt_value_as_dtype(&dtype, v));
  CHECK(dtype == MT_FLOAT16);
  OK(mt_value_free(v));
  OK(mt_value_device(&v, "cuda:0"));
  OK(mt_value_free(v));
  FAILS(MT_ERR_INVALID_ARGUMENT, "bad device", mt_value_device(&v, "a b"));
  const unsigned char big[] = {0, 0, 0, 0, 0, 0, 0, 0, 1};
  OK(mt_value_big_int(&v, big, sizeof big));
  FAILS(MT_ERR_INVALID_ARGUMENT, "64 bits", mt_value_as_int(&i, v));
  OK(mt_value_free(v));
  OK(mt_value_big_int(&v, big, 8));
  OK(mt_value_as_int(&i, v));
  CHECK(i == 0);
  OK(mt_value_free(v));
  OK(mt_value_bytes(&v, NULL, 0));
  OK(mt_value_free(v));
  OK(mt_value_list(&list));
  FAILS(MT_ERR_INVALID_ARGUMENT, "cycle", mt_value_append(list, list));
  FAILS(MT_ERR_INDEX, "index", mt_value_at(&item, list, 0));
  FAILS(MT_ERR_INVALID_ARGUMENT, "wrong kind", mt_value_get(&item, list, "a"));
  FAILS(MT_ERR_IO, "/proc/none/x", mt_save("/proc/none/x", list));
  FAILS(MT_ERR_IO, "none", mt_load(&item, path_of("none"), NULL));
  OK(mt_value_free(list));
  const int64_t sizes[] = {2, 3};
  OK(mt_value_size(&v, sizes, 2));
  OK(mt_value_at(&item, v, 1));
  uint64_t id = 0, other = 0;
  OK(mt_value_id(&id, item));
  OK(mt_value_id(&other, v));
  CHECK(id != other);
  OK(mt_value_free(item));
  OK(mt_value_free(v));
  OK(mt_value_dict(&v, true));
  OK(mt_value_attributes(&item, v));
  CHECK(item == NULL);
  FAILS(MT_ERR_KEY, "'x'", mt_value_get(&item, v, "x"));
  OK(mt_value_free(v));
}

static void clean_up(void) {
  const char *names[] = {"c.pth", "a.npy", "a.npz", "m.safetensors", "a.idx", "a.bin"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) unlink(path_of(names[i]));
  CHECK(rmdir(folder) == 0);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  RUN(files_and_memory);
  RUN(numpy_files);
  RUN(data_files);
  RUN(mapped);
  RUN(kinds_and_errors);
  RUN(clean_up);
  RUN(nothing_is_left);
  return check_result();
}
