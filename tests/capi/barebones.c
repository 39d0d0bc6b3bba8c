// uint16, uint32 and uint64 in C: made, printed, converted, indexed, joined, compared, shared by
// DLPack and saved bit for bit; what computes refuses them.
#define _GNU_SOURCE  // mkdtemp
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/minitorch_barebones_XXXXXX";
static const mt_dtype kinds[] = {MT_UINT16, MT_UINT32, MT_UINT64};
static const uint64_t large[] = {UINT64_MAX, 0, 1, (uint64_t)1 << 63, 9007199254740993u, 77};

static mt_tensor *large_tensor(void) {
  mt_tensor *t = NULL;
  OK(mt_tensor_from_data(&t, large, MT_UINT64, (int64_t[]){2, 3}, 2));
  return t;
}

static mt_dtype dtype_of(const mt_tensor *t) {
  mt_dtype dtype = MT_DTYPE_NONE;
  OK(mt_tensor_dtype(&dtype, t));
  return dtype;
}

// The bits of a contiguous uint64 tensor of six elements.
static bool is_large(const mt_tensor *t) {
  uint64_t got[6];
  if (dtype_of(t) != MT_UINT64 || mt_tensor_copy_to_host(t, got, sizeof got) != MT_OK) return false;
  return memcmp(got, large, sizeof got) == 0;
}

static void made_and_filled(void) {
  const char *names[] = {"uint16", "uint32", "uint64"};
  for (int i = 0; i < 3; ++i) {
    const mt_dtype d = kinds[i];
    const size_t size = (size_t)2 << i;
    CHECK(strcmp(mt_dtype_name(d), names[i]) == 0 && mt_dtype_size(d) == size);
    mt_tensor *t = NULL;
    int64_t v = 0;
    OK(mt_full_with(&t, (int64_t[]){3}, 1, 40000, d, MT_CPU));
    mt_tensor *one = NULL;
    OK(mt_select(&one, t, 0, 2));
    OK(mt_tensor_item_int64(&v, one));
    CHECK(v == 40000);
    OK(mt_fill_scalar_(one, 7));
    OK(mt_tensor_item_int64(&v, one));
    CHECK(v == 7);
    mt_tensor_free(one);
    mt_tensor_free(t);
    OK(mt_zeros_with(&t, (int64_t[]){1}, 1, d, MT_CPU));
    CHECK(item(t) == 0);
    mt_tensor_free(t);
    OK(mt_ones_with(&t, (int64_t[]){1}, 1, d, MT_CPU));
    CHECK(item(t) == 1);
    FAILS(MT_ERR_DTYPE, "uint", mt_tensor_set_requires_grad(t, true));
    mt_tensor_free(t);
    t = NULL;
    FAILS(MT_ERR_INVALID_ARGUMENT, "must be able to hold it",
          mt_full_with(&t, (int64_t[]){1}, 1, 1e30, d, MT_CPU));
    FAILS(MT_ERR_DTYPE, "floating-point types", mt_set_default_dtype(d));
    CHECK(t == NULL);
  }
  mt_tensor *t = NULL;
  FAILS(MT_ERR_INVALID_ARGUMENT, "65536", mt_full_with(&t, NULL, 0, 65536, MT_UINT16, MT_CPU));
  FAILS(MT_ERR_INVALID_ARGUMENT, "dtype", mt_zeros_with(&t, NULL, 0, MT_UINT64 + 1, MT_CPU));
  // A double beyond int64.
  OK(mt_full_with(&t, NULL, 0, 0x1p63, MT_UINT64, MT_CPU));
  int64_t v = 5;
  FAILS(MT_ERR_INVALID_ARGUMENT, "9223372036854775808", mt_tensor_item_int64(&v, t));
  FAILS(MT_ERR_INVALID_ARGUMENT, "mt_tensor_copy_to_host", mt_tensor_item_int64(&v, t));
  CHECK(v == 5);
  CHECK(item(t) == 0x1p63);
  bool b = false;
  OK(mt_tensor_item_bool(&b, t));
  CHECK(b);
  mt_tensor *i64 = NULL;
  OK(mt_zeros_with(&i64, NULL, 0, MT_INT64, MT_CPU));
  FAILS(MT_ERR_INVALID_ARGUMENT, "9223372036854775808 for int64", mt_fill_(i64, t));
  mt_tensor_free(i64);
  mt_tensor_free(t);
}

static void text(void) {
  mt_tensor *t = large_tensor();
  char *s = NULL;
  OK(mt_tensor_to_string(&s, t));
  CHECK(strcmp(s,
               "tensor([[18446744073709551615,                    0,                    1],\n"
               "        [ 9223372036854775808,     9007199254740993,                   77]],\n"
               "       dtype=torch.uint64)") == 0);
  mt_string_free(s);
  mt_tensor_free(t);
}

static void converted(void) {
  mt_tensor *t = large_tensor(), *i64 = NULL, *back = NULL, *f64 = NULL;
  OK(mt_tensor_to_dtype(&i64, t, MT_INT64));
  int64_t ints[6];
  OK(mt_tensor_copy_to_host(i64, ints, sizeof ints));
  for (int i = 0; i < 6; ++i) CHECK(ints[i] == (int64_t)large[i]);
  OK(mt_tensor_to_dtype(&back, i64, MT_UINT64));
  CHECK(is_large(back));
  OK(mt_tensor_to_dtype(&f64, t, MT_FLOAT64));
  double doubles[6];
  OK(mt_tensor_copy_to_host(f64, doubles, sizeof doubles));
  for (int i = 0; i < 6; ++i) CHECK(doubles[i] == (double)large[i]);
  mt_tensor_free(back);
  OK(mt_tensor_to_dtype(&back, t, MT_UINT16));
  uint16_t narrow[6];
  OK(mt_tensor_copy_to_host(back, narrow, sizeof narrow));
  for (int i = 0; i < 6; ++i) CHECK(narrow[i] == (uint16_t)large[i]);
  mt_tensor_free(back);
  mt_tensor_free(i64);
  mt_tensor_free(f64);
  mt_tensor_free(t);
}

static void moved(void) {
  mt_tensor *t = large_tensor(), *turned = NULL, *copy = NULL, *index = NULL, *rows = NULL,
            *all = NULL;
  OK(mt_transpose(&turned, t, 0, 1));
  OK(mt_contiguous(&copy, turned));
  uint64_t got[12];
  OK(mt_tensor_copy_to_host(copy, got, 6 * sizeof *got));
  for (int i = 0; i < 6; ++i) CHECK(got[i] == large[i % 2 * 3 + i / 2]);
  const int64_t order[] = {1, 0};
  OK(mt_tensor_from_data(&index, order, MT_INT64, (int64_t[]){2}, 1));
  OK(mt_index_select(&rows, t, 0, index));
  OK(mt_cat(&all, (const mt_tensor *[]){t, rows}, 2, 0));
  OK(mt_tensor_copy_to_host(all, got, sizeof got));
  for (int i = 0; i < 12; ++i) CHECK(got[i] == large[i < 6 ? i : i < 9 ? i - 3 : i - 9]);
  bool same = true;
  OK(mt_equal(&same, t, rows));
  CHECK(!same);
  mt_tensor_free(copy);
  OK(mt_clone(&copy, t));
  OK(mt_equal(&same, t, copy));
  CHECK(same && is_large(copy));
  mt_tensor *const made[] = {t, turned, copy, index, rows, all};
  for (int i = 0; i < 6; ++i) mt_tensor_free(made[i]);
}

static void refused(void) {
  mt_tensor *t = large_tensor(), *out = NULL, *i64 = NULL;
  FAILS(MT_ERR_NOT_IMPLEMENTED, "add: not implemented for device cpu, dtype uint64",
        mt_add(&out, t, t));
  FAILS(MT_ERR_NOT_IMPLEMENTED, "uint64", mt_sum(&out, t));
  FAILS(MT_ERR_NOT_IMPLEMENTED, "uint64", mt_neg(&out, t));
  FAILS(MT_ERR_NOT_IMPLEMENTED, "arange", mt_arange_with(&out, 0, 5, 1, MT_UINT32, MT_CPU));
  OK(mt_zeros_with(&i64, (int64_t[]){2, 3}, 2, MT_INT64, MT_CPU));
  FAILS(MT_ERR_DTYPE, ".to(int64)", mt_add(&out, t, i64));
  mt_dtype dtype = MT_DTYPE_NONE;
  FAILS(MT_ERR_DTYPE, "uint64 and uint16", mt_promote_types(&dtype, MT_UINT64, MT_UINT16));
  OK(mt_promote_types(&dtype, MT_UINT64, MT_FLOAT16));
  CHECK(dtype == MT_FLOAT16);
  OK(mt_promote_types(&dtype, MT_BOOL, MT_UINT16));
  CHECK(dtype == MT_UINT16);
  mt_value *v = NULL;
  OK(mt_value_tensor(&v, t));
  char path[256];
  snprintf(path, sizeof path, "%s/a.pt", folder);
  FAILS(MT_ERR_DTYPE, "safetensors or npz", mt_save(path, v));
  mt_value_free(v);
  mt_tensor_free(i64);
  mt_tensor_free(t);
  CHECK(out == NULL);
}

static void shared_by_dlpack(void) {
  for (int i = 0; i < 3; ++i) {
    mt_tensor *t = NULL, *back = NULL;
    mt_dl_managed_tensor *m = NULL;
    OK(mt_full_with(&t, (int64_t[]){2}, 1, 65535, kinds[i], MT_CPU));
    OK(mt_tensor_to_dlpack_legacy(&m, t));
    CHECK(m->dl_tensor.dtype.code == MT_DL_UINT && m->dl_tensor.dtype.bits == 16 << i);
    OK(mt_tensor_from_dlpack_legacy(&back, m));
    CHECK(dtype_of(back) == kinds[i]);
    bool same = false;
    OK(mt_equal(&same, t, back));
    CHECK(same);
    mt_tensor_free(t);
    mt_tensor_free(back);
  }
}

static void saved(void) {
  char path[256];
  mt_tensor *t = large_tensor(), *back = NULL;
  snprintf(path, sizeof path, "%s/a.npy", folder);
  OK(mt_save_npy(path, t));
  OK(mt_load_npy(&back, path));
  CHECK(is_large(back));
  mt_tensor_free(back);
  unlink(path);
  mt_named_tensors *list = NULL, *again = NULL;
  OK(mt_named_tensors_create(&list));
  OK(mt_named_tensors_set(list, "big", t));
  for (int i = 0; i < 3; ++i) {
    mt_tensor *small = NULL;
    OK(mt_full_with(&small, (int64_t[]){i + 1}, 1, 65535 - i, kinds[i], MT_CPU));
    OK(mt_named_tensors_set(list, mt_dtype_name(kinds[i]), small));
    mt_tensor_free(small);
  }
  for (int zip = 0; zip <= mt_has("zip"); ++zip) {
    snprintf(path, sizeof path, "%s/a.%s", folder, zip ? "npz" : "safetensors");
    if (zip) {
      OK(mt_save_npz(path, list, true));
      OK(mt_load_npz(&again, path, NULL));
    } else {
      OK(mt_save_safetensors(path, list, NULL, NULL));
      OK(mt_load_safetensors(&again, path, NULL, NULL));
    }
    OK(mt_named_tensors_get(&back, again, "big"));
    CHECK(is_large(back));
    mt_tensor_free(back);
    for (int i = 0; i < 3; ++i) {
      OK(mt_named_tensors_get(&back, again, mt_dtype_name(kinds[i])));
      CHECK(dtype_of(back) == kinds[i]);
      mt_tensor *one = NULL;
      OK(mt_select(&one, back, 0, i));
      CHECK(item(one) == 65535 - i);
      mt_tensor_free(one);
      mt_tensor_free(back);
    }
    mt_named_tensors_free(again);
    unlink(path);
  }
  mt_named_tensors_free(list);
  mt_tensor_free(t);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  RUN(made_and_filled);
  RUN(text);
  RUN(converted);
  RUN(moved);
  RUN(refused);
  RUN(shared_by_dlpack);
  RUN(saved);
  RUN(nothing_is_left);
  rmdir(folder);
  return check_result();
}
