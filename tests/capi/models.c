// Models in C: by name and by constructor, options, another head on frozen features, weights from
// files, feature extraction, errors.
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static mt_tensor *images(int64_t n, int64_t size) {
  mt_tensor *x = NULL;
  const int64_t shape[] = {n, 3, size, size};
  OK(mt_randn(&x, shape, 4));
  return x;
}

static void names_make_models(void) {
  mt_strings *names = NULL;
  mt_module *model = NULL;
  mt_vision_model_options o;
  char *type = NULL, *name = NULL;
  size_t n = 0;
  OK(mt_vision_model_names(&names));
  OK(mt_strings_count(&n, names));
  CHECK(n >= 26);
  OK(mt_strings_get(&name, names, 0));
  CHECK(strcmp(name, "alexnet") == 0);
  mt_string_free(name);
  mt_strings_free(names);
  mt_vision_model_options_init(&o);
  CHECK(o.num_classes == 1000 && o.width_mult == 1 && o.init_weights && o.image_size == 224);
  o.num_classes = 5;
  o.width_mult = 0.5;
  OK(mt_vision_model(&model, "mobilenet_v2", &o));
  OK(mt_module_type_name(&type, model));
  CHECK(strcmp(type, "MobileNetV2") == 0);
  mt_string_free(type);
  mt_module_free(model);
  model = NULL;
  FAILS(MT_ERR_KEY, "'resnet17'", mt_vision_model(&model, "resnet17", NULL));
  FAILS(MT_ERR_NULL_ARGUMENT, "name", mt_vision_model(&model, NULL, NULL));
  FAILS(MT_ERR_INVALID_ARGUMENT, "width_mult", mt_vision_resnet18(&model, &o));
  o.width_mult = 1;
  o.groups = -1;
  FAILS(MT_ERR_INVALID_ARGUMENT, "groups", mt_vision_resnet50(&model, &o));
  o.groups = 0;
  o.num_classes = 0;
  FAILS(MT_ERR_INVALID_ARGUMENT, "num_classes", mt_vision_resnet50(&model, &o));
  o.num_classes = 10;
  o.weights = "no-such-file.pth";
  FAILS(MT_ERR_IO, "no-such-file.pth", mt_vision_squeezenet1_1(&model, &o));
  o.weights = NULL;
  o.image_size = 100;
  FAILS(MT_ERR_INVALID_ARGUMENT, "multiple", mt_vision_vit_b_16(&model, &o));
  FAILS(MT_ERR_NULL_ARGUMENT, "out", mt_vision_resnet18(NULL, NULL));
  CHECK(model == NULL);
}

static void a_new_head_is_trained_on_frozen_features(void) {
  mt_module *model = NULL, *features = NULL, *classifier = NULL, *last = NULL;
  mt_tensors *trained = NULL;
  mt_optimizer *sgd = NULL;
  mt_tensor *x = NULL, *y = NULL, *out = NULL, *loss = NULL, *weight = NULL, *grad = NULL;
  const int64_t labels[] = {0, 2, 1, 2}, n = 4, kernel = 1;
  const size_t parameters = 2;
  size_t count = 0;
  double first = 0, now = 0;
  OK(mt_manual_seed(1));
  OK(mt_vision_squeezenet1_1(&model, NULL));
  OK(mt_module_get_submodule(&features, model, "features"));
  OK(mt_module_requires_grad_(features, false));
  OK(mt_module_get_submodule(&classifier, model, "classifier"));
  OK(mt_nn_conv2d(&last, 512, 3, &kernel, 1, NULL));
  OK(mt_module_register_module(classifier, "1", last));
  OK(mt_module_parameters(&trained, last));
  OK(mt_tensors_count(&count, trained));
  CHECK(count == parameters);
  OK(mt_adam(&sgd, trained, NULL));
  OK(mt_tensor_from_data(&y, labels, MT_INT64, &n, 1));
  x = images(4, 64);
  OK(mt_module_eval(features));
  for (int i = 0; i < 10; ++i) {
    OK(mt_optimizer_zero_grad(sgd, true));
    OK(mt_module_forward(&out, model, x));
    OK(mt_cross_entropy(&loss, out, y));
    OK(mt_tensor_backward(loss, NULL, false, false));
    OK(mt_optimizer_step(sgd));
    now = item(loss);
    if (i == 0) first = now;
    mt_tensor_free(out);
    mt_tensor_free(loss);
  }
  CHECK(now < first);
  OK(mt_module_get_parameter(&weight, model, "features.0.weight"));
  OK(mt_tensor_grad(&grad, weight));
  CHECK(grad == NULL);
  mt_tensor_free(weight);
  mt_tensor_free(y);
  mt_tensor_free(x);
  mt_optimizer_free(sgd);
  mt_tensors_free(trained);
  mt_module_free(last);
  mt_module_free(classifier);
  mt_module_free(features);
  mt_module_free(model);
}

static void weights_come_from_a_file(void) {
  const char *path = "capi_models_weights.safetensors";
  mt_module *model = NULL, *again = NULL;
  mt_named_tensors *state = NULL;
  mt_tensor *x = NULL, *a = NULL, *b = NULL;
  mt_vision_model_options o;
  bool same = false;
  mt_vision_model_options_init(&o);
  o.num_classes = 4;
  OK(mt_vision_shufflenet_v2_x0_5(&model, &o));
  OK(mt_module_state_dict(&state, model));
  OK(mt_save_safetensors(path, state, NULL, NULL));
  o.weights = path;
  OK(mt_vision_shufflenet_v2_x0_5(&again, &o));
  x = images(1, 64);
  OK(mt_module_eval(model));
  OK(mt_module_eval(again));
  OK(mt_module_forward(&a, model, x));
  OK(mt_module_forward(&b, again, x));
  OK(mt_equal(&same, a, b));
  CHECK(same);
  mt_module_free(again);
  again = NULL;
  o.num_classes = 3;
  FAILS(MT_ERR_SHAPE, "fc.weight", mt_vision_shufflenet_v2_x0_5(&again, &o));
  FAILS(MT_ERR_KEY, "Missing key", mt_vision_squeezenet1_1(&again, &o));
  CHECK(again == NULL);
  CHECK(remove(path) == 0);
  mt_tensor_free(a);
  mt_tensor_free(b);
  mt_tensor_free(x);
  mt_named_tensors_free(state);
  mt_module_free(model);
}

// A module of the host with two children, of which it runs one.
static mt_status pair_forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
                              mt_module *self, const mt_tensor *const *inputs, size_t n_inputs,
                              void *user) {
  mt_module *body = NULL;
  mt_status s = mt_module_get_submodule(&body, self, "body");
  (void)capacity, (void)n_outputs, (void)n_inputs, (void)user;
  if (s == MT_OK) s = mt_module_forward(&outputs[0], body, inputs[0]);
  mt_module_free(body);
  return s;
}

static void features_come_by_name(void) {
  const char *nodes[] = {"features.4", "features.0"}, *missing[] = {"features.99"},
             *inner[] = {"body.features.3"}, *unused[] = {"other"};
  mt_module *model = NULL, *e = NULL, *copy = NULL, *host = NULL, *other = NULL;
  mt_tensors *out = NULL, *again = NULL;
  mt_tensor *x = images(2, 64), *first = NULL, *a = NULL, *b = NULL;
  mt_module_def def;
  int64_t shape[4] = {0};
  bool same = false;
  OK(mt_vision_squeezenet1_1(&model, NULL));
  OK(mt_module_eval(model));
  OK(mt_vision_create_feature_extractor(&e, model, nodes, 2));
  OK(mt_module_call(&out, e, (const mt_tensor *const *)&x, 1));
  OK(mt_tensors_get(&first, out, 0));
  OK(mt_tensor_shape(shape, 4, first));
  CHECK(shape[0] == 2 && shape[1] == 128 && shape[2] == 15);
  OK(mt_module_clone(&copy, e, true));
  OK(mt_module_call(&again, copy, (const mt_tensor *const *)&x, 1));
  OK(mt_tensors_get(&a, again, 0));
  OK(mt_equal(&same, first, a));
  CHECK(same);
  mt_tensor_free(a);
  mt_tensors_free(again);
  again = NULL;

  OK(mt_nn_identity(&other));
  mt_module_def_init(&def);
  def.type_name = "Pair";
  def.forward = pair_forward;
  OK(mt_nn_custom(&host, &def));
  OK(mt_module_register_module(host, "body", model));
  OK(mt_module_register_module(host, "other", other));
  mt_module_free(copy);
  copy = NULL;
  OK(mt_vision_create_feature_extractor(&copy, host, inner, 1));
  OK(mt_module_forward(&b, copy, x));
  mt_tensor_free(b);
  mt_module_free(copy);
  copy = NULL;
  OK(mt_vision_create_feature_extractor(&copy, host, unused, 1));
  FAILS(MT_ERR_STATE, "'other' of Pair did not run",
        mt_module_call(&again, copy, (const mt_tensor *const *)&x, 1));

  mt_module_free(other);
  other = NULL;
  FAILS(MT_ERR_KEY, "features.99", mt_vision_create_feature_extractor(&other, model, missing, 1));
  FAILS(MT_ERR_INVALID_ARGUMENT, "at least one",
        mt_vision_create_feature_extractor(&other, model, NULL, 0));
  FAILS(MT_ERR_NULL_ARGUMENT, "return_nodes",
        mt_vision_create_feature_extractor(&other, model, NULL, 1));
  CHECK(other == NULL && again == NULL);
  mt_tensor_free(first);
  mt_tensor_free(x);
  mt_tensors_free(out);
  mt_module_free(copy);
  mt_module_free(host);
  mt_module_free(e);
  mt_module_free(model);
}

int main(void) {
  RUN(names_make_models);
  RUN(a_new_head_is_trained_on_frozen_features);
  RUN(weights_come_from_a_file);
  RUN(features_come_by_name);
  RUN(nothing_is_left);
  return check_result();
}
