// The benchmark cases through the C ABI, as a host program would run them: every handle is made and
// freed. The same names and sizes as torch_bench.cpp.
#include <minitorch/minitorch.h>

#include <cstdlib>
#include <functional>

#include "timing.hpp"

namespace {

void check(mt_status s) {
  if (s == MT_OK) return;
  std::fprintf(stderr, "%s\n", mt_last_error());
  std::exit(1);
}

// Owns a tensor handle.
struct T {
  mt_tensor* h = nullptr;
  T() = default;
  T(T&& o) noexcept : h(o.h) { o.h = nullptr; }
  T& operator=(T&&) = delete;
  ~T() { mt_tensor_free(h); }
  mt_tensor** out() { return &h; }
  operator const mt_tensor*() const { return h; }  // NOLINT
};

T rand(std::initializer_list<int64_t> shape) {
  T t;
  check(mt_rand(t.out(), shape.begin(), shape.size()));
  return t;
}

T randint(int64_t high, std::initializer_list<int64_t> shape) {
  T t;
  check(mt_randint(t.out(), 0, high, shape.begin(), shape.size()));
  return t;
}

struct Training {
  mt_module *model = nullptr, *loss_fn = nullptr;
  mt_optimizer* optimizer = nullptr;
  ~Training() {
    mt_optimizer_free(optimizer);
    mt_module_free(model);
    mt_module_free(loss_fn);
  }
  void step(const mt_tensor* x, const mt_tensor* y) {
    T outputs, loss;
    check(mt_optimizer_zero_grad(optimizer, false));
    check(mt_module_forward(outputs.out(), model, x));
    check(mt_module_forward2(loss.out(), loss_fn, outputs, y));
    check(mt_tensor_backward(loss, nullptr, false, false));
    check(mt_optimizer_step(optimizer));
  }
};

template <class Options>
void make_optimizer(Training& t,
                    mt_status (*make)(mt_optimizer**, const mt_tensors*, const Options*),
                    const Options& options) {
  mt_tensors* parameters = nullptr;
  check(mt_module_parameters(&parameters, t.model));
  check(make(&t.optimizer, parameters, &options));
  mt_tensors_free(parameters);
}

void article_loop(const bench::Options& o) {
  mt_manual_seed(0);
  Training t;
  check(mt_nn_linear(&t.model, 1, 1, nullptr));
  check(mt_nn_mse_loss(&t.loss_fn, MT_REDUCTION_MEAN));
  mt_sgd_options options;
  mt_sgd_options_init(&options);
  options.lr = 0.01;
  make_optimizer(t, mt_sgd, options);
  float xs[11], ys[11];
  for (int i = 0; i < 11; ++i) {
    xs[i] = static_cast<float>(i);
    ys[i] = 2 * xs[i] + 1;
  }
  const int64_t shape[2] = {11, 1};
  T x, y;
  check(mt_tensor_from_data(x.out(), xs, MT_FLOAT32, shape, 2));
  check(mt_tensor_from_data(y.out(), ys, MT_FLOAT32, shape, 2));
  for (int i = 0; i < 100; ++i) t.step(x, y);
  mt_memory_stats before, after;
  before.struct_size = after.struct_size = sizeof before;
  mt_memory_get_stats(&before);
  bench::run(o, "step/article_11x1_sgd", [&] { t.step(x, y); });
  mt_memory_get_stats(&after);
  if (after.system_allocations != before.system_allocations) {
    std::printf("# system allocations in the steady state: %lld\n",
                static_cast<long long>(after.system_allocations - before.system_allocations));
  }
}

template <class Options>
void mlp(const bench::Options& o, const std::string& name, int64_t batch, int64_t in,
         int64_t hidden, int64_t out,
         mt_status (*make)(mt_optimizer**, const mt_tensors*, const Options*),
         const Options& options) {
  mt_manual_seed(0);
  Training t;
  mt_module* layers[3];
  check(mt_nn_linear(&layers[0], in, hidden, nullptr));
  check(mt_nn_relu(&layers[1], false));
  check(mt_nn_linear(&layers[2], hidden, out, nullptr));
  check(mt_nn_sequential(&t.model, layers, 3));
  for (mt_module* m : layers) mt_module_free(m);
  check(mt_nn_cross_entropy_loss(&t.loss_fn, nullptr));
  make_optimizer(t, make, options);
  const T x = rand({batch, in}), y = randint(out, {batch});
  bench::run(o, name, [&] { t.step(x, y); });
}

void ops(const bench::Options& o) {
  check(mt_grad_mode_push(false));
  for (int64_t n : {64, 4096, 1 << 20}) {
    const std::string s = "/" + std::to_string(n);
    mt_manual_seed(0);
    const T a = rand({n}), b = rand({n});
    using Unary = mt_status (*)(mt_tensor**, const mt_tensor*);
    using Binary = mt_status (*)(mt_tensor**, const mt_tensor*, const mt_tensor*);
    const auto unary = [&](const char* name, Unary f) {
      bench::run(o, name + s, [&] {
        T out;
        check(f(out.out(), a));
      });
    };
    const auto binary = [&](const char* name, Binary f) {
      bench::run(o, name + s, [&] {
        T out;
        check(f(out.out(), a, b));
      });
    };
    binary("add", mt_add);
    binary("mul", mt_mul);
    binary("div", mt_div);
    unary("exp", mt_exp);
    unary("log", mt_log);
    unary("sqrt", mt_sqrt);
    unary("sin", mt_sin);
    unary("tanh", mt_tanh);
    unary("sigmoid", mt_sigmoid);
    unary("relu", mt_relu);
    unary("gelu", mt_gelu);
    unary("erf", mt_erf);
    binary("gt", mt_gt);
    bench::run(o, "where" + s, [&] {
      T c, out;
      check(mt_gt(c.out(), a, b));
      check(mt_where(out.out(), c, a, b));
    });
    unary("sum", mt_sum);
    unary("mean", mt_mean);
    unary("var", mt_var);
    unary("amax", mt_amax);
    unary("argmax", mt_argmax);
    unary("clone", mt_clone);
    bench::run(o, "rand" + s, [&] { rand({n}); });
    bench::run(o, "randn" + s, [&] {
      T out;
      check(mt_randn(out.out(), &n, 1));
    });
    bench::run(o, "view" + s, [&] {
      T out;
      const int64_t shape[2] = {-1, 8};
      check(mt_view(out.out(), a, shape, 2));
    });
  }
  for (int64_t rows : {8, 512}) {
    const std::string s = "/" + std::to_string(rows) + "x1000";
    mt_manual_seed(0);
    const T a = rand({rows, 1000});
    const T target = randint(1000, {rows});
    const auto run = [&](const char* name, auto f) {
      bench::run(o, name + s, [&] {
        T out;
        check(f(out.out()));
      });
    };
    const int64_t dim0 = 0, dim1 = 1;
    run("softmax", [&](mt_tensor** out) { return mt_softmax(out, a, 1); });
    run("log_softmax", [&](mt_tensor** out) { return mt_log_softmax(out, a, 1); });
    run("cross_entropy", [&](mt_tensor** out) { return mt_cross_entropy(out, a, target); });
    run("sum_dim0",
        [&](mt_tensor** out) { return mt_sum_dim(out, a, &dim0, 1, false, MT_DTYPE_NONE); });
    run("sum_dim1",
        [&](mt_tensor** out) { return mt_sum_dim(out, a, &dim1, 1, false, MT_DTYPE_NONE); });
    run("transpose_copy", [&](mt_tensor** out) {
      T t;
      check(mt_t(t.out(), a));
      return mt_contiguous(out, t);
    });
    run("cat", [&](mt_tensor** out) {
      const mt_tensor* list[2] = {a, a};
      return mt_cat(out, list, 2, 1);
    });
  }
  for (int64_t n : {8, 32, 128, 512, 1024}) {
    const std::string s = "/" + std::to_string(n);
    mt_manual_seed(0);
    const T a = rand({n, n}), b = rand({n, n}), bias = rand({n});
    const auto run = [&](const char* name, auto f) {
      bench::run(o, name + s, [&] {
        T out;
        check(f(out.out()));
      });
    };
    run("mm", [&](mt_tensor** out) { return mt_mm(out, a, b); });
    run("mm_nt", [&](mt_tensor** out) {
      T t;
      check(mt_t(t.out(), b));
      return mt_mm(out, a, t);
    });
    run("linear", [&](mt_tensor** out) { return mt_linear(out, a, b, bias); });
  }
  check(mt_grad_mode_pop());
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options o = bench::parse(argc, argv);
  check(mt_set_num_threads(o.threads));
  article_loop(o);
  mt_adam_options adam;
  mt_adam_options_init(&adam);
  mlp(o, "step/mlp_64x64_32_10_adam", 64, 64, 32, 10, mt_adam, adam);
  mt_sgd_options sgd;
  mt_sgd_options_init(&sgd);
  sgd.lr = 0.01;
  sgd.momentum = 0.9;
  mlp(o, "step/mlp_64x784_128_10_sgd", 64, 784, 128, 10, mt_sgd, sgd);
  mt_adam_options adamw;
  mt_adamw_options_init(&adamw);
  mlp(o, "step/mlp_256x1024_1024_10_adamw", 256, 1024, 1024, 10, mt_adamw, adamw);
  ops(o);
}
