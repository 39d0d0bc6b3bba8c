// Recurrent layers, attention and transformers in C, containers, packed sequences, computed
// weights, parameters as a vector, and summaries of models.
#include <stdlib.h>

#include "check.h"

static mt_tensor *randn(int64_t a, int64_t b, int64_t c) {
  const int64_t shape[3] = {a, b, c};
  mt_tensor *t = NULL;
  OK(mt_randn(&t, shape, 3));
  return t;
}

static void expect_shape(const mt_tensor *t, int n, const int64_t *want) {
  int64_t dims = 0, size = 0;
  OK(mt_tensor_ndim(&dims, t));
  CHECK(dims == n);
  for (int i = 0; i < n && i < dims; ++i) {
    OK(mt_tensor_size(&size, t, i));
    CHECK(size == want[i]);
  }
}

static mt_tensor *output(const mt_tensors *list, size_t i) {
  mt_tensor *t = NULL;
  OK(mt_tensors_get(&t, list, i));
  return t;
}

static void expect_text(char *got, const char *want) {
  if (!got || strcmp(got, want) != 0) check_report(__FILE__, __LINE__, want, got ? got : "NULL");
  OK(mt_string_free(got));
}

// A sum of each sequence's numbers is learnt by an LSTM and a linear layer.
static void lstm_learns(void) {
  mt_module *lstm = NULL, *head = NULL, *model = NULL;
  mt_lstm_options o;
  mt_lstm_options_init(&o);
  o.batch_first = true;
  o.num_layers = 2;
  o.dropout = 0.1;
  OK(mt_manual_seed(1));
  OK(mt_nn_lstm(&lstm, 1, 16, &o));
  OK(mt_nn_linear(&head, 16, 1, NULL));
  const char *names[] = {"lstm", "head"};
  const mt_module *parts[] = {lstm, head};
  OK(mt_nn_module_dict(&model, names, parts, 2));
  mt_tensors *parameters = NULL;
  mt_optimizer *optimizer = NULL;
  mt_adam_options adam;
  mt_adam_options_init(&adam);
  adam.lr = 0.02;
  OK(mt_module_parameters(&parameters, model));
  OK(mt_adam(&optimizer, parameters, &adam));
  double first = 0, last = 0;
  const int64_t time[] = {1};
  for (int step = 0; step < 60; ++step) {
    OK(mt_scope_begin());
    mt_tensor *x = randn(16, 5, 1), *sum = NULL, *end = NULL, *y = NULL, *loss = NULL;
    mt_tensors *out = NULL;
    const mt_tensor *inputs[] = {x, NULL, NULL};
    OK(mt_sum_dim(&sum, x, time, 1, false, MT_DTYPE_NONE));
    OK(mt_module_call(&out, lstm, inputs, 3));
    OK(mt_select(&end, output(out, 0), 1, 4));
    OK(mt_module_forward(&y, head, end));
    OK(mt_mse_loss(&loss, y, sum));
    OK(mt_optimizer_zero_grad(optimizer, false));
    OK(mt_tensor_backward(loss, NULL, false, false));
    OK(mt_optimizer_step(optimizer));
    last = item(loss);
    if (step == 0) first = last;
    OK(mt_scope_end());
  }
  CHECK(last < first / 3);
  OK(mt_optimizer_free(optimizer));
  OK(mt_tensors_free(parameters));
  mt_module *all[] = {model, head, lstm};
  for (int i = 0; i < 3; ++i) OK(mt_module_free(all[i]));
}

static void recurrent_arguments(void) {
  mt_module *gru = NULL, *lstm = NULL, *cell = NULL;
  char *text = NULL;
  mt_gru_options o;
  mt_gru_options_init(&o);
  o.bidirectional = true;
  OK(mt_nn_gru(&gru, 3, 4, &o));
  OK(mt_module_to_string(&text, gru));
  expect_text(text, "GRU(3, 4, bidirectional=True)");
  OK(mt_nn_lstm(&lstm, 3, 4, NULL));
  OK(mt_nn_lstm_cell(&cell, 3, 4, NULL));
  mt_tensor *x = randn(5, 2, 3), *h = randn(2, 2, 4), *wrong = randn(2, 3, 4), *one = NULL;
  mt_tensors *out = NULL;
  const mt_tensor *with_state[] = {x, h}, *with_wrong[] = {x, wrong}, *without[] = {NULL, h};
  OK(mt_module_call(&out, gru, with_state, 2));
  mt_tensor *y = output(out, 0), *last = output(out, 1);
  expect_shape(y, 3, (const int64_t[]){5, 2, 8});
  expect_shape(last, 3, (const int64_t[]){2, 2, 4});
  OK(mt_tensors_free(out));
  FAILS(MT_ERR_SHAPE, "h_0 (2, 3, 4): must be (2, 2, 4)", mt_module_call(&out, gru, with_wrong, 2));
  FAILS(MT_ERR_NULL_ARGUMENT, "an input is null", mt_module_call(&out, gru, without, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "give both or none", mt_module_call(&out, lstm, with_state, 2));
  FAILS(MT_ERR_INVALID_ARGUMENT, "3 outputs", mt_module_forward(&one, lstm, x));
  OK(mt_select(&one, x, 0, 0));
  OK(mt_module_call(&out, cell, (const mt_tensor *[]){one}, 1));
  size_t n = 0;
  OK(mt_tensors_count(&n, out));
  CHECK(n == 2);
  OK(mt_tensors_free(out));
  mt_rnn_options bad;
  mt_rnn_options_init(&bad);
  bad.nonlinearity = "sigmoid";
  FAILS(MT_ERR_INVALID_ARGUMENT, "unknown nonlinearity", mt_nn_rnn(&gru, 1, 1, &bad));
  mt_tensor *tensors[] = {x, h, wrong, one, y, last};
  for (int i = 0; i < 6; ++i) OK(mt_tensor_free(tensors[i]));
  OK(mt_module_free(gru));
  OK(mt_module_free(lstm));
  OK(mt_module_free(cell));
}

// A packed batch gives what each sequence gives alone.
static void packed_sequences(void) {
  mt_module *gru = NULL;
  OK(mt_nn_gru(&gru, 2, 3, NULL));
  const int64_t lengths[] = {2, 4, 1}, three = 3;
  mt_tensor *x = randn(4, 3, 2), *n = NULL, *data, *sizes, *order, *back, *padded, *counts;
  OK(mt_tensor_from_data(&n, lengths, MT_INT64, &three, 1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "lengths not sorted",
        mt_pack_padded_sequence(&data, &sizes, &order, &back, x, n, false, true));
  OK(mt_pack_padded_sequence(&data, &sizes, &order, &back, x, n, false, false));
  expect_shape(data, 2, (const int64_t[]){7, 2});
  const mt_tensor *inputs[] = {data, NULL, sizes, order, back};
  mt_tensors *out = NULL;
  OK(mt_module_call(&out, gru, inputs, 5));
  mt_tensor *rows = output(out, 0), *last = output(out, 1);
  OK(mt_tensors_free(out));
  OK(mt_pad_packed_sequence(&padded, &counts, rows, sizes, back, false, -1, NULL));
  expect_shape(padded, 3, (const int64_t[]){4, 3, 3});
  for (int i = 0; i < 3; ++i) CHECK(at(counts, i) == (double)lengths[i]);
  CHECK(at(padded, (3 * 3 + 2) * 3) == -1);  // step 3 of the shortest
  mt_tensor *own = NULL, *part = NULL, *alone = NULL;
  OK(mt_select(&own, x, 1, 0));
  OK(mt_narrow(&part, own, 0, 0, 2));
  OK(mt_module_call(&out, gru, (const mt_tensor *[]){part}, 1));
  alone = output(out, 1);
  OK(mt_tensors_free(out));
  for (int i = 0; i < 3; ++i) CLOSE(at(last, i), at(alone, i));
  mt_tensor *ends[] = {x,    n,      data,   sizes, order, back, rows,
                       last, padded, counts, own,   part,  alone};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) OK(mt_tensor_free(ends[i]));
  OK(mt_module_free(gru));
}

static void transformer(void) {
  mt_module *model = NULL;
  mt_transformer_options o;
  mt_transformer_options_init(&o);
  CHECK(o.d_model == 512 && o.num_encoder_layers == 6 && strcmp(o.activation, "relu") == 0);
  o.d_model = 8;
  o.nhead = 2;
  o.num_encoder_layers = 2;
  o.num_decoder_layers = 1;
  o.dim_feedforward = 16;
  OK(mt_nn_transformer(&model, &o));
  mt_tensor *src = randn(5, 3, 8), *tgt = randn(4, 3, 8), *mask = NULL, *y = NULL, *g = NULL;
  OK(mt_square_subsequent_mask(&mask, 4));
  CHECK(at(mask, 0) == 0 && at(mask, 1) == -INFINITY && at(mask, 4) == 0);
  const mt_tensor *inputs[] = {src, tgt, NULL, mask};
  mt_tensors *out = NULL;
  OK(mt_module_call(&out, model, inputs, 4));
  y = output(out, 0);
  OK(mt_tensors_free(out));
  expect_shape(y, 3, (const int64_t[]){4, 3, 8});
  mt_tensor *sum = NULL, *w = NULL;
  OK(mt_sum(&sum, y));
  OK(mt_tensor_backward(sum, NULL, false, false));
  OK(mt_module_get_parameter(&w, model, "encoder.layers.1.self_attn.in_proj_weight"));
  OK(mt_tensor_grad(&g, w));
  CHECK(g != NULL);
  // Causal: what comes later changes nothing before it.
  OK(mt_module_eval(model));
  OK(mt_module_call(&out, model, inputs, 4));
  mt_tensor *before = output(out, 0), *end = NULL;
  OK(mt_tensors_free(out));
  OK(mt_select(&end, tgt, 0, 3));
  OK(mt_mul_scalar_(end, -2));
  OK(mt_module_call(&out, model, inputs, 4));
  mt_tensor *after = output(out, 0);
  OK(mt_tensors_free(out));
  for (int i = 0; i < 3 * 3 * 8; ++i) CHECK(at(before, i) == at(after, i));
  CHECK(at(before, 80) != at(after, 80));
  FAILS(MT_ERR_SHAPE, "one batch size",
        mt_module_call(&out, model, (const mt_tensor *[]){src, mask}, 2));
  mt_tensor *ends[] = {src, tgt, mask, y, sum, w, g, before, after, end};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) OK(mt_tensor_free(ends[i]));
  OK(mt_module_free(model));
}

static void stacks_copy_their_layer(void) {
  mt_module *layer = NULL, *stack = NULL, *first = NULL;
  OK(mt_nn_transformer_encoder_layer(&layer, 4, 2, NULL));
  OK(mt_nn_transformer_encoder(&stack, layer, 3, NULL));
  mt_tensor *a = NULL, *b = NULL;
  OK(mt_module_get_parameter(&a, layer, "linear1.weight"));
  OK(mt_module_get_parameter(&b, stack, "layers.2.linear1.weight"));
  CHECK(at(a, 5) == at(b, 5));
  OK(mt_nn_init_constant_(b, 0));
  CHECK(at(a, 5) != 0);
  OK(mt_module_get_submodule(&first, stack, "layers.0.self_attn"));
  char *text = NULL;
  OK(mt_module_to_string(&text, first));
  expect_text(text,
              "MultiheadAttention(\n  (out_proj): NonDynamicallyQuantizableLinear(in_features=4, "
              "out_features=4, bias=True)\n)");
  OK(mt_tensor_free(a));
  OK(mt_tensor_free(b));
  OK(mt_module_free(first));
  OK(mt_module_free(stack));
  OK(mt_module_free(layer));
}

static void containers(void) {
  mt_module *a = NULL, *b = NULL, *list = NULL, *other = NULL, *first = NULL;
  bool same = false;
  OK(mt_nn_relu(&a, false));
  OK(mt_nn_tanh(&b));
  OK(mt_nn_module_list(&list, (const mt_module *[]){a}, 1));
  OK(mt_module_list_append(list, a));
  OK(mt_module_list_insert(list, 0, b));
  OK(mt_module_get_submodule(&first, list, "0"));
  OK(mt_module_is(&same, first, b));
  CHECK(same);
  FAILS(MT_ERR_INDEX, "index out of range: 9", mt_module_list_insert(list, 9, b));
  FAILS(MT_ERR_INVALID_ARGUMENT, "must be a ModuleList", mt_module_list_append(a, b));
  const float values[] = {1, 2, 3};
  mt_tensor *p = vec(values, 3), *y = NULL, *flat = NULL, *q = NULL;
  FAILS(MT_ERR_NOT_IMPLEMENTED, "no forward", mt_module_forward(&y, list, p));
  OK(mt_nn_parameter_list(&other, (const mt_tensor *[]){p, p}, 2));
  char *text = NULL;
  OK(mt_parameter_list_append(other, p));
  OK(mt_module_free(other));
  OK(mt_nn_parameter_dict(&other, (const char *[]){"v", "w"}, (const mt_tensor *[]){p, p}, 2));
  OK(mt_module_to_string(&text, other));
  expect_text(text,
              "ParameterDict(\n    (v): Parameter containing: [torch.FloatTensor of size 3]\n    "
              "(w): Parameter containing: [torch.FloatTensor of size 3]\n)");
  mt_tensors *parameters = NULL;
  OK(mt_module_parameters(&parameters, other));
  OK(mt_parameters_to_vector(&flat, parameters));
  expect_shape(flat, 1, (const int64_t[]){6});
  OK(mt_module_get_parameter(&q, other, "w"));
  mt_tensor *twice = NULL;
  OK(mt_mul_scalar(&twice, flat, 2));
  OK(mt_vector_to_parameters(twice, parameters));
  CHECK(at(q, 2) == 6);
  FAILS(MT_ERR_SHAPE, "vector (3,): must be (6,)", mt_vector_to_parameters(p, parameters));
  mt_tensor *tensors[] = {p, flat, q, twice};
  for (int i = 0; i < 4; ++i) OK(mt_tensor_free(tensors[i]));
  OK(mt_tensors_free(parameters));
  mt_module *modules[] = {a, b, list, other, first};
  for (int i = 0; i < 5; ++i) OK(mt_module_free(modules[i]));
}

static void computed_weights(void) {
  mt_module *linear = NULL;
  const float ones[] = {1, 1};
  const int64_t shape[] = {1, 2};
  mt_tensor *w = NULL, *x = vec(ones, 2), *y = NULL;
  mt_named_tensors *state = NULL;
  size_t n = 0;
  OK(mt_nn_linear(&linear, 2, 1, NULL));
  OK(mt_tensor_from_data(&w, (const float[]){3, 4}, MT_FLOAT32, shape, 2));
  OK(mt_module_set_computed(linear, "weight", w));
  OK(mt_module_set_computed(linear, "bias", x));
  FAILS(MT_ERR_KEY, "'other'", mt_module_set_computed(linear, "other", w));
  OK(mt_module_state_dict(&state, linear));
  OK(mt_named_tensors_count(&n, state));
  CHECK(n == 0);
  OK(mt_module_register_parameter(linear, "bias", NULL));
  OK(mt_module_forward(&y, linear, x));
  CHECK(item(y) == 7);
  OK(mt_named_tensors_free(state));
  OK(mt_tensor_free(w));
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(y));
  OK(mt_module_free(linear));
}

typedef struct {
  int rows, called;
  int64_t parameters, multiply_adds;
} seen_rows;

static mt_status see_row(const mt_module_info *row, void *user) {
  seen_rows *s = user;
  s->rows++;
  s->called += row->called;
  s->parameters += row->parameters;
  s->multiply_adds += row->multiply_adds;
  if (strcmp(row->path, "1") == 0) {
    CHECK(strcmp(row->type_name, "Conv2d") == 0 && row->depth == 1 && row->n_dims == 4);
    CHECK(row->output_shape[0] == 2 && row->output_shape[1] == 6 && row->output_shape[3] == 8);
    CHECK(row->multiply_adds == 2 * 6 * 64 * 27);
  }
  return s->rows > 100 ? MT_ERR_CALLBACK : MT_OK;
}

static void summaries(void) {
  mt_module *layers[4] = {NULL}, *model = NULL;
  const int64_t kernel = 3;
  mt_conv2d_options o;
  mt_conv2d_options_init(&o);
  o.padding = (const int64_t[]){1};
  o.n_padding = 1;
  OK(mt_nn_identity(&layers[0]));
  OK(mt_nn_conv2d(&layers[1], 3, 6, &kernel, 1, &o));
  OK(mt_nn_flatten(&layers[2], 1, -1));
  OK(mt_nn_linear(&layers[3], 6 * 64, 10, NULL));
  OK(mt_nn_sequential(&model, (const mt_module *const *)layers, 4));
  const int64_t shape[] = {2, 3, 8, 8};
  mt_tensor *x = NULL, *w = NULL;
  OK(mt_empty_with(&x, shape, 4, MT_FLOAT32, MT_META));
  char *text = NULL;
  seen_rows seen = {0, 0, 0, 0};
  const int64_t bytes = bytes_in_use();
  OK(mt_module_summary(&text, model, (const mt_tensor *[]){x}, 1, see_row, &seen));
  CHECK(bytes_in_use() == bytes);
  CHECK(seen.rows == 5 && seen.called == 5 && seen.parameters == 168 + 3850);
  CHECK(seen.multiply_adds == 2 * 6 * 64 * 27 + 2 * 3840);
  CHECK(text && strstr(text, "Total params: 4,018") && strstr(text, "(2, 10)"));
  OK(mt_string_free(text));
  // The model is as it was.
  bool training = false;
  mt_device device = MT_META;
  OK(mt_module_is_training(&training, model));
  OK(mt_module_get_parameter(&w, model, "1.weight"));
  OK(mt_tensor_device(&device, w));
  CHECK(training && device == MT_CPU && at(w, 0) != 0);
  OK(mt_tensor_free(x));
  OK(mt_empty_with(&x, shape, 3, MT_FLOAT32, MT_META));
  FAILS(MT_ERR_SHAPE, "", mt_module_summary(&text, model, (const mt_tensor *[]){x}, 1, NULL, NULL));
  OK(mt_tensor_device(&device, w));
  CHECK(device == MT_CPU);
  OK(mt_tensor_free(x));
  OK(mt_tensor_free(w));
  for (int i = 0; i < 4; ++i) OK(mt_module_free(layers[i]));
  OK(mt_module_free(model));
}

int main(void) {
  RUN(lstm_learns);
  RUN(recurrent_arguments);
  RUN(packed_sequences);
  RUN(transformer);
  RUN(stacks_copy_their_layer);
  RUN(containers);
  RUN(computed_weights);
  RUN(summaries);
  RUN(nothing_is_left);
  return check_result();
}
