// Files in C: a checkpoint that comes back, metadata, buffers in memory, and damaged files.
#define _GNU_SOURCE  // mkdtemp
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/minitorch_io_XXXXXX";

static char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void checkpoint(void) {
  mt_module *a = NULL, *b = NULL;
  mt_named_tensors *state = NULL;
  OK(mt_nn_linear(&a, 3, 2, NULL));
  OK(mt_nn_linear(&b, 3, 2, NULL));
  OK(mt_module_state_dict(&state, a));
  OK(mt_save_safetensors(path_of("model.safetensors"), state, NULL, NULL));
  OK(mt_named_tensors_free(state));
  OK(mt_load_safetensors(&state, path_of("model.safetensors"), NULL, NULL));
  OK(mt_module_load_state_dict(b, state, true, NULL, NULL));
  OK(mt_named_tensors_free(state));
  mt_tensor *wa = NULL, *wb = NULL;
  OK(mt_module_get_parameter(&wa, a, "weight"));
  OK(mt_module_get_parameter(&wb, b, "weight"));
  for (int i = 0; i < 6; ++i) CHECK(at(wa, i) == at(wb, i));
  OK(mt_tensor_free(wa));
  OK(mt_tensor_free(wb));
  OK(mt_module_free(a));
  OK(mt_module_free(b));
}

static void metadata_and_memory(void) {
  const char *key_items[] = {"format", "note"}, *value_items[] = {"pt", "\xC3\xA9"};
  mt_strings *keys = NULL, *values = NULL, *keys_back = NULL, *values_back = NULL;
  mt_named_tensors *list = NULL, *back = NULL;
  mt_tensor *bytes = NULL, *t = NULL;
  OK(mt_strings_create(&keys, key_items, 2));
  OK(mt_strings_create(&values, value_items, 2));
  OK(mt_named_tensors_create(&list));
  const float numbers[] = {1, 2, 3};
  t = vec(numbers, 3);
  OK(mt_named_tensors_set(list, "t", t));
  OK(mt_safetensors_encode(&bytes, list, keys, values));
  void *data = NULL;
  int64_t size = 0;
  OK(mt_tensor_data(&data, bytes));
  OK(mt_tensor_numel(&size, bytes));
  OK(mt_safetensors_decode(&back, data, (size_t)size, &keys_back, &values_back));
  char *text = NULL;
  OK(mt_strings_get(&text, values_back, 1));
  CHECK(strcmp(text, value_items[1]) == 0);
  OK(mt_string_free(text));
  mt_tensor *t_back = NULL;
  OK(mt_named_tensors_get(&t_back, back, "t"));
  CHECK(at(t_back, 2) == 3);
  OK(mt_tensor_free(t_back));
  OK(mt_named_tensors_free(back));
  back = NULL;
  FAILS(MT_ERR_FORMAT, "load_safetensors",
        mt_safetensors_decode(&back, data, (size_t)size - 1, NULL, NULL));
  FAILS(MT_ERR_FORMAT, "truncated", mt_safetensors_decode(&back, NULL, 0, NULL, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'data'", mt_safetensors_decode(&back, NULL, 9, NULL, NULL));
  CHECK(back == NULL);
  FAILS(MT_ERR_NULL_ARGUMENT, "metadata_values", mt_safetensors_encode(&bytes, list, keys, NULL));
  const char *one[] = {"x"};
  mt_strings *short_list = NULL;
  OK(mt_strings_create(&short_list, one, 1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "count mismatch",
        mt_save_safetensors(path_of("x"), list, keys, short_list));
  CHECK(access(path_of("x"), F_OK) != 0);
  OK(mt_strings_free(short_list));
  OK(mt_strings_free(keys));
  OK(mt_strings_free(values));
  OK(mt_strings_free(keys_back));
  OK(mt_strings_free(values_back));
  OK(mt_named_tensors_free(list));
  OK(mt_tensor_free(bytes));
  OK(mt_tensor_free(t));
}

static void errors(void) {
  mt_named_tensors *list = NULL;
  FAILS(MT_ERR_IO, "No such file", mt_load_safetensors(&list, path_of("none"), NULL, NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "'path'", mt_load_safetensors(&list, NULL, NULL, NULL));
  FILE *f = fopen(path_of("bad"), "wb");
  CHECK(f != NULL);
  fputs("this is no model", f);
  fclose(f);
  FAILS(MT_ERR_FORMAT, "bad'", mt_load_safetensors(&list, path_of("bad"), NULL, NULL));
  CHECK(list == NULL);
  OK(mt_named_tensors_create(&list));
  FAILS(MT_ERR_IO, "No such file", mt_save_safetensors(path_of("no/dir"), list, NULL, NULL));
  FAILS(MT_ERR_IO, "is a directory", mt_save_safetensors(folder, list, NULL, NULL));
  OK(mt_save_safetensors(path_of("bad"), list, NULL, NULL));  // an empty model replaces it
  OK(mt_named_tensors_free(list));
  OK(mt_load_safetensors(&list, path_of("bad"), NULL, NULL));
  size_t n = 1;
  OK(mt_named_tensors_count(&n, list));
  CHECK(n == 0);
  OK(mt_named_tensors_free(list));
}

// Nothing but what was written on purpose is in the folder.
static void clean_up(void) {
  const char *files[] = {"model.safetensors", "bad"};
  for (int i = 0; i < 2; ++i) CHECK(unlink(path_of(files[i])) == 0);
  CHECK(rmdir(folder) == 0);
}

int main(void) {
  if (!mkdtemp(folder)) return 99;
  RUN(checkpoint);
  RUN(metadata_and_memory);
  RUN(errors);
  RUN(clean_up);
  RUN(nothing_is_left);
  return check_result();
}
