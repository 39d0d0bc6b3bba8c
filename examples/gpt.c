/* A GPT of six layers in C: learns a text letter by letter, then writes some of its own. Shows its
 * progress, and saves all it needs to go on where it was when it is started again: see --help. */
#include <math.h>
#include <minitorch/minitorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kLayers = 6, kWidth = 64, kHeads = 4, kLength = 64, kBatch = 16, kSave = 50 };

static const char kHelp[] =
    "Usage: gpt [OPTION...] [TEXT [STEPS [CHECKPOINT]]]\n"
    "\n"
    "Trains a GPT of six layers on the letters of TEXT (examples/data/shakespeare.txt) up to\n"
    "STEPS (300), and writes some text of its own. With a CHECKPOINT file it saves itself there\n"
    "every 50 steps, and goes on from the file when that exists; with as many STEPS as are done\n"
    "already it only writes.\n"
    "\n"
    "  --letters N        writes N letters (300)\n"
    "  --temperature T    below 1 the likely letters become likelier (0.8)\n"
    "  --top-k K          takes only the K likeliest letters (0: all)\n"
    "  --prompt TEXT      begins with this\n"
    "  --seed N           of weights, batches and sampling (1337)\n"
    "  --lr RATE          AdamW's learning rate (0.002)\n"
    "  --help             shows this\n";

static void check(mt_status status) {
  if (status != MT_OK) {
    fprintf(stderr, "error: %s\n", mt_last_error());
    exit(1);
  }
}

/* --- text ---------------------------------------------------------------------------------- */

static unsigned char letters[256]; /* the letters that occur */
static int n_letters;
static int number[256]; /* and their numbers */

/* The file as numbers of letters; frees nothing but the file. */
static int64_t* read_text(const char* path, int64_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  const long bytes = ftell(file);
  rewind(file);
  unsigned char* text = malloc(bytes > 0 ? (size_t)bytes : 1);
  *size = text ? (int64_t)fread(text, 1, (size_t)bytes, file) : 0;
  fclose(file);
  int64_t* out = malloc(sizeof(int64_t) * (size_t)(*size + 1));
  bool there[256] = {false};
  for (int64_t i = 0; i < *size; i++) there[text[i]] = true;
  for (int c = 0; c < 256; c++) {
    if (!there[c]) continue;
    number[c] = n_letters;
    letters[n_letters++] = (unsigned char)c;
  }
  for (int64_t i = 0; out && i < *size; i++) out[i] = number[text[i]];
  free(text);
  return out;
}

/* --- the model ----------------------------------------------------------------------------- */

static mt_module* make_model(void) {
  static const char* const names[] = {"token", "position", "drop", "blocks", "head"};
  mt_module *parts[5] = {NULL}, *layer = NULL, *norm = NULL, *model = NULL;
  mt_transformer_encoder_layer_options options;
  mt_transformer_encoder_layer_options_init(&options);
  options.dim_feedforward = 4 * kWidth;
  options.activation = "gelu";
  options.batch_first = true;
  options.norm_first = true;
  mt_linear_options no_bias;
  mt_linear_options_init(&no_bias);
  no_bias.bias = false;
  const int64_t width = kWidth;
  check(mt_nn_embedding(&parts[0], n_letters, kWidth, NULL));
  check(mt_nn_embedding(&parts[1], kLength, kWidth, NULL));
  check(mt_nn_dropout(&parts[2], 0.1, false));
  check(mt_nn_transformer_encoder_layer(&layer, kWidth, kHeads, &options));
  check(mt_nn_layer_norm(&norm, &width, 1, NULL));
  check(mt_nn_transformer_encoder(&parts[3], layer, kLayers, norm));
  check(mt_nn_linear(&parts[4], kWidth, n_letters, &no_bias));
  check(mt_nn_module_dict(&model, names, (const mt_module* const*)parts, 5));
  /* The copies of a layer are equal at first; GPT-2's initial values make them differ. */
  mt_named_tensors* parameters = NULL;
  size_t count = 0;
  check(mt_module_named_parameters(&parameters, model));
  check(mt_named_tensors_count(&count, parameters));
  for (size_t i = 0; i < count; i++) {
    mt_tensor* p = NULL;
    int64_t dims = 0;
    check(mt_named_tensors_at(&p, parameters, i));
    check(mt_tensor_ndim(&dims, p));
    if (dims > 1) check(mt_nn_init_normal_(p, 0, 0.02));
    mt_tensor_free(p);
  }
  mt_named_tensors_free(parameters);
  for (int i = 0; i < 5; i++) mt_module_free(parts[i]);
  mt_module_free(layer);
  mt_module_free(norm);
  return model;
}

static mt_tensor* run(const mt_module* model, const char* part, const mt_tensor* x) {
  mt_module* m = NULL;
  mt_tensor* out = NULL;
  check(mt_module_get_submodule(&m, model, part));
  check(mt_module_forward(&out, m, x));
  mt_module_free(m);
  return out;
}

/* The scores of the next letter after each of x (batch, length): (batch * length, letters). Called
 * inside a scope, which frees what it makes. */
static mt_tensor* forward(const mt_module* model, const mt_tensor* x, int64_t length) {
  mt_tensor *positions = NULL, *sum = NULL, *mask = NULL, *flat = NULL;
  mt_tensors* outputs = NULL;
  mt_module* blocks = NULL;
  check(mt_arange_with(&positions, 0, (double)length, 1, MT_INT64, MT_CPU));
  check(mt_add(&sum, run(model, "token", x), run(model, "position", positions)));
  check(mt_square_subsequent_mask(&mask, length));
  check(mt_module_get_submodule(&blocks, model, "blocks"));
  const mt_tensor* inputs[] = {run(model, "drop", sum), mask};
  mt_tensor* hidden = NULL;
  check(mt_module_call(&outputs, blocks, inputs, 2));
  check(mt_tensors_get(&hidden, outputs, 0));
  check(mt_flatten(&flat, run(model, "head", hidden), 0, 1));
  return flat;
}

/* --- training ------------------------------------------------------------------------------ */

/* Model, optimizer, random numbers and the step in one file, which is replaced as a whole. */
static mt_checkpoint parts_of(const mt_module* model, const mt_optimizer* const* optimizer) {
  mt_checkpoint parts;
  mt_checkpoint_init(&parts);
  parts.model = model;
  parts.optimizers = optimizer;
  parts.n_optimizers = 1;
  return parts;
}

static void save(const char* path, const mt_module* model, const mt_optimizer* optimizer,
                 int64_t step) {
  mt_checkpoint parts = parts_of(model, &optimizer);
  parts.step = step;
  check(mt_checkpoint_save(path, &parts));
}

/* Puts back what save wrote; returns the step. */
static int64_t load(const char* path, const mt_module* model, const mt_optimizer* optimizer) {
  const mt_checkpoint parts = parts_of(model, &optimizer);
  int64_t step = 0;
  check(mt_checkpoint_load(path, &parts, NULL, &step, NULL, NULL, NULL));
  return step;
}

/* A random piece for each of the batch: letters, and those that follow. */
static void draw_batch(const mt_tensor* text, mt_tensor** x, mt_tensor** y) {
  const int64_t n[] = {kBatch};
  mt_tensor *starts = NULL, *inputs[kBatch], *targets[kBatch], *stacked = NULL;
  int64_t at[kBatch], size = 0;
  check(mt_tensor_numel(&size, text));
  check(mt_randint(&starts, 0, size - kLength, n, 1));
  check(mt_tensor_copy_to_host(starts, at, sizeof at));
  for (int i = 0; i < kBatch; i++) {
    check(mt_narrow(&inputs[i], text, 0, at[i], kLength));
    check(mt_narrow(&targets[i], text, 0, at[i] + 1, kLength));
  }
  check(mt_stack(x, (const mt_tensor* const*)inputs, kBatch, 0));
  check(mt_stack(&stacked, (const mt_tensor* const*)targets, kBatch, 0));
  check(mt_flatten(y, stacked, 0, 1));
}

static double train_step(const mt_module* model, mt_optimizer* optimizer,
                         const mt_tensors* parameters, const mt_tensor* text) {
  mt_tensor *x = NULL, *y = NULL, *loss = NULL;
  double value = 0;
  check(mt_scope_begin()); /* what is made inside is freed at its end */
  draw_batch(text, &x, &y);
  check(mt_optimizer_zero_grad(optimizer, false));
  check(mt_cross_entropy(&loss, forward(model, x, kLength), y));
  check(mt_tensor_backward(loss, NULL, false, false));
  check(mt_clip_grad_norm_(NULL, parameters, 1.0, 2.0, false));
  check(mt_optimizer_step(optimizer));
  check(mt_tensor_item_double(&value, loss));
  check(mt_scope_end());
  return value;
}

static void progress(int64_t done, int64_t total, double loss, double seconds) {
  const int64_t width = 30, filled = done * width / total;
  printf("\r[");
  for (int64_t i = 0; i < width; i++) putchar(i < filled ? '#' : '.');
  printf("] step %lld/%lld  loss %.3f  %.0f s", (long long)done, (long long)total, loss, seconds);
  fflush(stdout);
}

struct sampling {
  int64_t letters, top_k;
  double temperature;
  const char* prompt;
};

/* Draws a letter with the probabilities of its scores, of the top_k best if that is not 0. */
static int64_t draw_letter(const mt_tensor* scores, const struct sampling* s) {
  mt_tensor *best = NULL, *which = NULL, *sharper = NULL, *p = NULL, *next = NULL, *found = NULL;
  double letter = 0;
  if (s->top_k > 0 && s->top_k < n_letters) {
    check(mt_topk(&best, &which, scores, s->top_k));
    scores = best;
  }
  check(mt_div_scalar(&sharper, scores, s->temperature));
  check(mt_softmax(&p, sharper, 0));
  check(mt_multinomial(&next, p, 1));
  if (which) check(mt_gather(&found, which, 0, next));
  check(mt_tensor_item_double(&letter, which ? found : next));
  return (int64_t)letter;
}

static void write_sample(mt_module* model, const struct sampling* s) {
  int64_t window[kLength] = {number['\n']}, n = 1;
  for (const char* c = s->prompt; *c; c++) {
    putchar(*c);
    if (n == kLength) memmove(window, window + 1, sizeof *window * (size_t)--n);
    window[n++] = number[(unsigned char)*c];
  }
  check(mt_module_eval(model));
  check(mt_grad_mode_push(false));
  for (int64_t i = 0; i < s->letters; i++) {
    const int64_t shape[] = {1, n};
    mt_tensor *x = NULL, *last = NULL;
    check(mt_scope_begin());
    check(mt_tensor_from_data(&x, window, MT_INT64, shape, 2));
    check(mt_select(&last, forward(model, x, n), 0, n - 1));
    const int64_t letter = draw_letter(last, s);
    check(mt_scope_end());
    if (n == kLength) memmove(window, window + 1, sizeof *window * (size_t)--n);
    window[n++] = letter;
    putchar(letters[letter]);
    fflush(stdout);
  }
  putchar('\n');
  check(mt_grad_mode_pop());
  check(mt_module_train(model, true));
}

/* --- the command line ---------------------------------------------------------------------- */

static double number_of(const char* option, const char* text, double least) {
  char* end = NULL;
  const double v = text ? strtod(text, &end) : 0;
  if (!text || end == text || *end || !(v >= least)) {
    fprintf(stderr, "error: %s needs a number of at least %g\n", option, least);
    exit(2);
  }
  return v;
}

int main(int argc, char** argv) {
  const char* given[3] = {"examples/data/shakespeare.txt", "300", NULL};
  struct sampling sampling = {300, 0, 0.8, ""};
  double seed = 1337, lr = 2e-3;
  for (int i = 1, n = 0; i < argc; i++) {
    const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(option, "--help") == 0) {
      fputs(kHelp, stdout);
      return 0;
    }
    if (strncmp(option, "--", 2) != 0 && n < 3) {
      given[n++] = option;
      continue;
    }
    i++; /* its value */
    if (strcmp(option, "--letters") == 0) {
      sampling.letters = (int64_t)number_of(option, value, 0);
    } else if (strcmp(option, "--top-k") == 0) {
      sampling.top_k = (int64_t)number_of(option, value, 0);
    } else if (strcmp(option, "--temperature") == 0) {
      sampling.temperature = number_of(option, value, 1e-3);
    } else if (strcmp(option, "--seed") == 0) {
      seed = number_of(option, value, 0);
    } else if (strcmp(option, "--lr") == 0) {
      lr = number_of(option, value, 0);
    } else if (strcmp(option, "--prompt") == 0 && value) {
      sampling.prompt = value;
    } else {
      fprintf(stderr, "error: what is %s? See --help\n", option);
      return 2;
    }
  }
  const char *path = given[0], *checkpoint = given[2];
  const int64_t steps = (int64_t)number_of("STEPS", given[1], 0);
  int64_t size = 0;
  int64_t* numbers = read_text(path, &size);
  if (!numbers || size < 2 * kLength) {
    fprintf(stderr, "error: no text of at least %d letters in %s\n", 2 * kLength, path);
    return 1;
  }
  check(mt_manual_seed((uint64_t)seed));
  mt_tensor* text = NULL;
  const int64_t shape[] = {size};
  check(mt_tensor_from_data(&text, numbers, MT_INT64, shape, 1));
  free(numbers);

  mt_module* model = make_model();
  mt_tensors* parameters = NULL;
  mt_optimizer* optimizer = NULL;
  mt_adam_options options;
  mt_adamw_options_init(&options);
  options.lr = lr;
  int64_t count = 0;
  check(mt_module_parameters(&parameters, model));
  check(mt_adamw(&optimizer, parameters, &options));
  check(mt_module_num_parameters(&count, model, false));
  printf("%lld letters of %d kinds, %lld parameters\n", (long long)size, n_letters,
         (long long)count);

  int64_t step = 0;
  FILE* saved = checkpoint ? fopen(checkpoint, "rb") : NULL;
  if (saved) {
    fclose(saved);
    step = load(checkpoint, model, optimizer);
    printf("going on after step %lld\n", (long long)step);
  }
  const time_t start = time(NULL);
  double average = log(n_letters);
  while (step < steps) {
    const double loss = train_step(model, optimizer, parameters, text);
    average += (loss - average) / (step < 20 ? (double)step + 1 : 20);
    step++;
    if (checkpoint && (step % kSave == 0 || step == steps))
      save(checkpoint, model, optimizer, step);
    if (step % 10 == 0 || step == steps)
      progress(step, steps, average, difftime(time(NULL), start));
  }
  printf("\n");
  write_sample(model, &sampling);
  if (step > 0 && average != log(n_letters))
    printf("loss %.3f, %.3f less than for letters at random\n", average, log(n_letters) - average);

  mt_tensor_free(text);
  mt_tensors_free(parameters);
  mt_optimizer_free(optimizer);
  mt_module_free(model);
  return 0;
}
