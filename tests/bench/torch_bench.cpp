// The benchmark cases in libtorch C++, the reference of the ratios. The same names and sizes as
// minitorch_bench.cpp. Built only where libtorch-dev is installed.
#include <torch/torch.h>

#include <fstream>

#include "timing.hpp"

namespace {

using torch::Tensor;

struct Line : torch::nn::Module {
  Line() : linear(register_module("linear", torch::nn::Linear(1, 1))) {}
  Tensor forward(const Tensor& x) { return linear(x); }
  torch::nn::Linear linear;
};

void article_loop(const bench::Options& o) {
  torch::manual_seed(0);
  Line model;
  torch::optim::SGD optimizer(model.parameters(), 0.01);
  torch::nn::MSELoss loss_fn;
  const Tensor x = torch::arange(11, torch::kFloat).view({11, 1}), y = 2 * x + 1;
  bench::run(o, "step/article_11x1_sgd", [&] {
    optimizer.zero_grad();
    Tensor loss = loss_fn(model.forward(x), y);
    loss.backward();
    optimizer.step();
  });
}

template <class Optimizer>
void mlp(const bench::Options& o, const std::string& name, int64_t batch, int64_t in,
         int64_t hidden, int64_t out, const std::function<Optimizer(std::vector<Tensor>)>& make) {
  torch::manual_seed(0);
  torch::nn::Sequential model(torch::nn::Linear(in, hidden), torch::nn::ReLU(),
                              torch::nn::Linear(hidden, out));
  Optimizer optimizer = make(model->parameters());
  torch::nn::CrossEntropyLoss loss_fn;
  const Tensor x = torch::randn({batch, in}), y = torch::randint(out, {batch});
  bench::run(o, name, [&] {
    optimizer.zero_grad();
    Tensor loss = loss_fn(model->forward(x), y);
    loss.backward();
    optimizer.step();
  });
}

void ops(const bench::Options& o) {
  torch::NoGradGuard no_grad;
  for (int64_t n : {64, 4096, 1 << 20}) {
    const std::string s = "/" + std::to_string(n);
    torch::manual_seed(0);
    const Tensor a = torch::rand(n), b = torch::rand(n);
    bench::run(o, "add" + s, [&] { (void)(a + b); });
    bench::run(o, "mul" + s, [&] { (void)(a * b); });
    bench::run(o, "div" + s, [&] { (void)(a / b); });
    bench::run(o, "exp" + s, [&] { (void)a.exp(); });
    bench::run(o, "log" + s, [&] { (void)a.log(); });
    bench::run(o, "sqrt" + s, [&] { (void)a.sqrt(); });
    bench::run(o, "sin" + s, [&] { (void)a.sin(); });
    bench::run(o, "tanh" + s, [&] { (void)a.tanh(); });
    bench::run(o, "sigmoid" + s, [&] { (void)a.sigmoid(); });
    bench::run(o, "relu" + s, [&] { (void)a.relu(); });
    bench::run(o, "gelu" + s, [&] { (void)torch::gelu(a); });
    bench::run(o, "erf" + s, [&] { (void)a.erf(); });
    bench::run(o, "gt" + s, [&] { (void)(a > b); });
    bench::run(o, "where" + s, [&] { (void)torch::where(a > b, a, b); });
    bench::run(o, "sum" + s, [&] { (void)a.sum(); });
    bench::run(o, "mean" + s, [&] { (void)a.mean(); });
    bench::run(o, "var" + s, [&] { (void)a.var(); });
    bench::run(o, "amax" + s, [&] { (void)a.amax(); });
    bench::run(o, "argmax" + s, [&] { (void)a.argmax(); });
    bench::run(o, "clone" + s, [&] { (void)a.clone(); });
    bench::run(o, "rand" + s, [&] { (void)torch::rand(n); });
    bench::run(o, "randn" + s, [&] { (void)torch::randn(n); });
    bench::run(o, "view" + s, [&] { (void)a.view({-1, 8}); });
  }
  for (int64_t rows : {8, 512}) {
    const std::string s = "/" + std::to_string(rows) + "x1000";
    torch::manual_seed(0);
    const Tensor a = torch::rand({rows, 1000});
    const Tensor target = torch::randint(1000, {rows});
    bench::run(o, "softmax" + s, [&] { (void)a.softmax(1); });
    bench::run(o, "log_softmax" + s, [&] { (void)a.log_softmax(1); });
    bench::run(o, "cross_entropy" + s,
               [&] { (void)torch::nn::functional::cross_entropy(a, target); });
    bench::run(o, "sum_dim0" + s, [&] { (void)a.sum(0); });
    bench::run(o, "sum_dim1" + s, [&] { (void)a.sum(1); });
    bench::run(o, "transpose_copy" + s, [&] { (void)a.t().contiguous(); });
    bench::run(o, "cat" + s, [&] { (void)torch::cat({a, a}, 1); });
  }
  for (int64_t n : {8, 32, 128, 512, 1024}) {
    const std::string s = "/" + std::to_string(n);
    torch::manual_seed(0);
    const Tensor a = torch::rand({n, n}), b = torch::rand({n, n}), bias = torch::rand(n);
    bench::run(o, "mm" + s, [&] { (void)a.mm(b); });
    bench::run(o, "mm_nt" + s, [&] { (void)a.mm(b.t()); });
    bench::run(o, "linear" + s, [&] { (void)torch::nn::functional::linear(a, b, bias); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options o = bench::parse(argc, argv);
  torch::set_num_threads(o.threads);
  article_loop(o);
  mlp<torch::optim::Adam>(o, "step/mlp_64x64_32_10_adam", 64, 64, 32, 10, [](auto p) {
    return torch::optim::Adam(p, torch::optim::AdamOptions(1e-3));
  });
  mlp<torch::optim::SGD>(o, "step/mlp_64x784_128_10_sgd", 64, 784, 128, 10, [](auto p) {
    return torch::optim::SGD(p, torch::optim::SGDOptions(0.01).momentum(0.9));
  });
  mlp<torch::optim::AdamW>(o, "step/mlp_256x1024_1024_10_adamw", 256, 1024, 1024, 10, [](auto p) {
    return torch::optim::AdamW(p, torch::optim::AdamWOptions(1e-3));
  });
  ops(o);
}
