// Gradient accumulation: batches too large for memory, as sums of gradients of small ones. Trains
// the same model twice, on whole batches and on quarters of them, and shows that the two agree. The
// learning rate follows one cycle, gradients are clipped, and an exponential moving average of the
// weights is kept.
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>

static void ok(mt_status status) {
  if (status == MT_OK) return;
  fprintf(stderr, "%s\n", mt_last_error());
  exit(1);
}

enum { STEPS = 60, BATCH = 64, FEATURES = 8 };

static mt_module* new_model(void) {
  mt_module *layers[3], *model = NULL;
  ok(mt_nn_linear(&layers[0], FEATURES, 32, NULL));
  ok(mt_nn_tanh(&layers[1]));
  ok(mt_nn_linear(&layers[2], 32, 1, NULL));
  ok(mt_nn_sequential(&model, (const mt_module* const*)layers, 3));
  for (int i = 0; i < 3; ++i) mt_module_free(layers[i]);
  return model;
}

// Adds the gradients of `parts` equal pieces of a batch; gives the mean loss.
static double backward(mt_module* model, mt_module* loss_fn, const mt_tensor* x, const mt_tensor* y,
                       int parts) {
  double total = 0;
  for (int i = 0; i < parts; ++i) {
    mt_tensor *px = NULL, *py = NULL, *out = NULL, *loss = NULL, *part = NULL;
    double value = 0;
    ok(mt_narrow(&px, x, 0, i * BATCH / parts, BATCH / parts));
    ok(mt_narrow(&py, y, 0, i * BATCH / parts, BATCH / parts));
    ok(mt_module_forward(&out, model, px));
    ok(mt_module_forward2(&loss, loss_fn, out, py));
    ok(mt_div_scalar(&part, loss, parts));  // so that the sum is the mean over the whole batch
    ok(mt_tensor_backward(part, NULL, false, false));
    ok(mt_tensor_item_double(&value, part));
    total += value;
    mt_tensor_free(px);
    mt_tensor_free(py);
    mt_tensor_free(out);
    mt_tensor_free(loss);
    mt_tensor_free(part);
  }
  return total;
}

static double train(int parts, double* ema_loss) {
  mt_module *model, *shadow, *averaged, *loss_fn;
  mt_tensors* parameters;
  mt_optimizer* optimizer;
  mt_scheduler* scheduler;
  ok(mt_manual_seed(0));
  model = new_model();
  shadow = new_model();  // of the same structure; it becomes the average
  ok(mt_nn_mse_loss(&loss_fn, MT_REDUCTION_MEAN));
  ok(mt_module_parameters(&parameters, model));
  ok(mt_adamw(&optimizer, parameters, NULL));
  mt_one_cycle_lr_options cycle;
  mt_one_cycle_lr_options_init(&cycle);
  const double max_lr = 0.03;
  cycle.max_lr = &max_lr;
  cycle.n_max_lr = 1;
  cycle.total_steps = STEPS;
  ok(mt_one_cycle_lr(&scheduler, optimizer, &cycle));
  mt_averaged_model_options ema;
  mt_averaged_model_options_init(&ema);
  ema.ema_decay = 0.9;
  ok(mt_averaged_model(&averaged, shadow, &ema));

  double loss = 0;
  for (int step = 0; step < STEPS; ++step) {
    const int64_t shape[] = {BATCH, FEATURES}, dims[] = {1};
    mt_tensor *x, *s, *y;
    ok(mt_randn(&x, shape, 2));
    ok(mt_sum_dim(&s, x, dims, 1, true, MT_DTYPE_NONE));
    ok(mt_sin(&y, s));
    ok(mt_optimizer_zero_grad(optimizer, false));
    loss = backward(model, loss_fn, x, y, parts);
    ok(mt_clip_grad_norm_(NULL, parameters, 1, 2, true));
    ok(mt_optimizer_step(optimizer));
    if (step + 1 < STEPS) ok(mt_scheduler_step(scheduler));
    ok(mt_averaged_model_update(averaged, model));
    if (step + 1 == STEPS) {
      mt_tensor *out, *l;
      ok(mt_module_forward(&out, averaged, x));
      ok(mt_module_forward2(&l, loss_fn, out, y));
      ok(mt_tensor_item_double(ema_loss, l));
      mt_tensor_free(out);
      mt_tensor_free(l);
    }
    mt_tensor_free(x);
    mt_tensor_free(s);
    mt_tensor_free(y);
  }
  mt_scheduler_free(scheduler);
  mt_optimizer_free(optimizer);
  mt_tensors_free(parameters);
  mt_module_free(loss_fn);
  mt_module_free(averaged);
  mt_module_free(shadow);
  mt_module_free(model);
  return loss;
}

int main(void) {
  double ema_whole = 0, ema_parts = 0;
  const double whole = train(1, &ema_whole), parts = train(4, &ema_parts);
  printf("whole batches of %d:   loss %.6f, of the averaged model %.6f\n", BATCH, whole, ema_whole);
  printf("four quarters of each: loss %.6f, of the averaged model %.6f\n", parts, ema_parts);
  const double difference = whole > parts ? whole - parts : parts - whole;
  return difference < 1e-3 ? 0 : 1;
}
