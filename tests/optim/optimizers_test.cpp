// The optimizers beside SGD and Adam against 50 steps of PyTorch's (tests/golden/gen_optim.py),
// LBFGS in a curved valley, printed forms, state round trips and option checks.
#include "optim/optimizers.h"

#include <cmath>

#include "autograd/engine.h"
#include "nn/golden_lines.h"
#include "nn/module.h"
#include "ops/arithmetic.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace {

using mt::DType;
using mt::NamedTensors;
using mt::OptimizerRef;
using mt::Status;
using mt::Tensor;
using namespace mt::test;

using Params = std::vector<Tensor>;
using Options = std::map<std::string, double>;

Params two_params(DType dtype = DType::kFloat32) {
  return {mt::make_parameter(values({5}, {-0.5, -0.25, 0, 0.25, 0.5}, dtype)),
          mt::make_parameter(values({2, 1}, {1.5, -2}, dtype))};
}

// The gradients of gen_optim.py: small multiples of 1/64.
void set_gradients(const Params& params, int step) {
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor g = Tensor::empty_like(params[i]);
    for (int k = 0; k < g.numel(); ++k) {
      const int n = (step * 7 + static_cast<int>(i) * 5 + k * 3) % 29 - 14;
      mt::store_scalar(g.dtype(), g.data_as<char>() + k * static_cast<int>(dtype_size(g.dtype())),
                       mt::Scalar(n / 64.0));
    }
    mt::set_grad(params[i], g);
  }
}

OptimizerRef make(const std::string& kind, const Params& params, const Options& options) {
  OptimizerRef o;
  if (kind == "RMSprop") o = mt::rmsprop(params, {});
  if (kind == "Adagrad") {  // its state is there from the beginning
    mt::AdagradOptions start;
    const auto at = options.find("initial_accumulator_value");
    if (at != options.end()) start.initial_accumulator_value = at->second;
    o = mt::adagrad(params, start);
  }
  if (kind == "Adadelta") o = mt::adadelta(params, {});
  if (kind == "Adamax") o = mt::adamax(params, {});
  if (kind == "NAdam") o = mt::nadam(params, {});
  if (kind == "RAdam") o = mt::radam(params, {});
  if (kind == "ASGD") o = mt::asgd(params, {});
  if (kind == "Rprop") o = mt::rprop(params, {});
  if (kind == "LBFGS") o = mt::lbfgs(params, {});
  for (const auto& [name, value] : options) o->set_option(-1, name, value);
  return o;
}

Options options_of(const std::string& text) {
  Options out;
  if (text == "-") return out;
  for (const std::string& pair : split(text, ';')) {
    const size_t mark = pair.find('=');
    out[pair.substr(0, mark)] = std::stod(pair.substr(mark + 1));
  }
  return out;
}

// The golden bits are those of PyTorch's AVX2 kernels, which round a product and a sum once.
bool fused_multiply_add() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

TEST(Optimizers, FiftyStepsMatchPyTorch) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("optimizers.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "step") continue;
    const bool wide = parts[3] == "float64";
    const Params params = two_params(wide ? DType::kFloat64 : DType::kFloat32);
    const OptimizerRef optimizer = make(parts[1], params, options_of(parts[2]));
    for (int step = 0; step < 50; ++step) {
      set_gradients(params, step);
      optimizer->step();
    }
    const auto wanted = split(want, ' ');
    for (size_t i = 0; i < params.size(); ++i) {
      const auto a = numbers_of(bits_of(params[i])), b = numbers_of(wanted[i]);
      ASSERT_EQ(a.size(), b.size());
      for (size_t k = 0; k < a.size(); ++k) {
        const double room = fused_multiply_add() ? 0 : (wide ? 1e-12 : 1e-5);
        EXPECT_NEAR(a[k], b[k], room * (1 + std::fabs(b[k]))) << key;
      }
    }
    ++cases;
  }
  EXPECT_EQ(cases, 42);
}

Tensor valley(const Tensor& x) {
  const Tensor a = mt::narrow(x, 0, 0, 3), b = mt::narrow(x, 0, 1, 3);
  const Tensor bend = mt::pow(mt::sub(b, mt::mul(a, a)), Tensor::from_scalar(2.0));
  const Tensor far = mt::pow(mt::sub(Tensor::from_scalar(1.0), a), Tensor::from_scalar(2.0));
  return mt::sum(mt::add(mt::mul(bend, Tensor::from_scalar(4.0)), far));
}

TEST(Optimizers, LbfgsMatchesPyTorch) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("optimizers.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "lbfgs") continue;
    Options options = options_of(parts[1]);
    if (options.contains("max_iter")) options["max_eval"] = std::floor(options["max_iter"] * 5 / 4);
    const Params x = {mt::make_parameter(values({4}, {-1.2, 1.0, 0.5, -0.7}, DType::kFloat64))};
    const OptimizerRef o = make("LBFGS", x, options);
    const auto closure = [&] {
      o->zero_grad();
      const Tensor loss = valley(x[0]);
      mt::backward({&loss, 1});
      return loss;
    };
    for (int i = 0; i < 5; ++i) o->step(closure);
    const auto a = numbers_of(bits_of(x[0])), b = numbers_of(want);
    for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(a[k], b[k], 1e-8) << key;
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

TEST(Optimizers, LbfgsGoesOnFromItsState) {
  for (const double search : {0.0, 1.0}) {
    const auto x = [] {
      return Params{mt::make_parameter(values({4}, {-1.2, 1.0, 0.5, -0.7}, DType::kFloat32))};
    };
    const Params a = x(), b = x();
    const Options options = {{"max_iter", 3}, {"lr", 0.5}, {"line_search_fn", search}};
    const OptimizerRef first = make("LBFGS", a, options), second = make("LBFGS", b, options);
    const auto run = [](const OptimizerRef& o, const Params& p) {
      o->step([&] {
        o->zero_grad();
        const Tensor loss = valley(p[0]);
        mt::backward({&loss, 1});
        return loss;
      });
    };
    for (int i = 0; i < 3; ++i) run(first, a);
    second->load_state_dict(first->state_dict());
    mt::copy_values(b[0], a[0]);
    for (int i = 0; i < 3; ++i) {
      run(first, a);
      run(second, b);
    }
    EXPECT_EQ(bits_of(a[0]), bits_of(b[0]));
    EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { first->step(); }),
              "LBFGS: no closure: it evaluates the loss several times a step: give step a closure");
    NamedTensors state = first->state_dict();
    state[0].second = values({2}, {1, 2});
    error_of(Status::kState, [&] { second->load_state_dict(state); });
  }
}

TEST(Optimizers, PrintedFormsArePyTorchs) {
  for (const auto& [key, want] : golden_lines("optimizers.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "repr") continue;
    Options options;
    if (parts[1] == "LBFGS") {
      options = {{"max_iter", 7}, {"max_eval", 8}, {"history_size", 2}, {"line_search_fn", 1}};
    }
    EXPECT_EQ(make(parts[1], two_params(), options)->repr(), unescaped(want));
  }
}

TEST(Optimizers, TrainingGoesOnAsIfNothingHappened) {
  for (const auto& [key, want] : golden_lines("optimizers.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "step" || parts[3] != "float32") continue;
    const Params a = two_params(), b = two_params();
    const OptimizerRef first = make(parts[1], a, options_of(parts[2]));
    for (int step = 0; step < 12; ++step) {
      set_gradients(a, step);
      first->step();
    }
    const OptimizerRef second = make(parts[1], b, {{"lr", 5}});
    NamedTensors state = first->state_dict();
    for (auto& [name, t] : state) t = mt::clone(t);
    second->load_state_dict(state);
    for (size_t i = 0; i < a.size(); ++i) mt::copy_values(b[i], a[i]);
    EXPECT_EQ(second->repr(), first->repr());
    for (int step = 12; step < 20; ++step) {
      set_gradients(a, step);
      set_gradients(b, step);
      first->step();
      second->step();
    }
    EXPECT_EQ(bits_of(a[0]), bits_of(b[0])) << key;
    EXPECT_EQ(bits_of(a[1]), bits_of(b[1])) << key;
  }
}

TEST(Optimizers, ChecksOptions) {
  const Params params = two_params();
  const auto refuse = [&](auto make_one, const std::string& message) {
    EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { make_one(); }), message);
  };
  refuse([&] { mt::rmsprop(params, {.momentum = -1}); },
         "RMSprop: invalid momentum: -1: must be >= 0");
  refuse([&] { mt::adagrad(params, {.lr_decay = -1}); },
         "Adagrad: invalid lr_decay: -1: must be >= 0");
  refuse([&] { mt::adadelta(params, {.rho = 2}); }, "Adadelta: invalid rho: 2: must be in [0, 1]");
  refuse([&] { mt::adamax(params, {.beta2 = 1}); }, "Adamax: invalid beta2: 1: must be in [0, 1)");
  refuse([&] { mt::nadam(params, {.momentum_decay = -1}); },
         "NAdam: invalid momentum_decay: -1: must be >= 0");
  refuse([&] { mt::radam(params, {.eps = -1}); }, "RAdam: invalid eps: -1: must be >= 0");
  refuse([&] { mt::asgd(params, {.lr = -1}); }, "ASGD: invalid lr: -1: must be >= 0");
  refuse([&] { mt::rprop(params, {.etaminus = 1}); },
         "Rprop: invalid etas: 1, 1.2: must be 0 < etaminus < 1 < etaplus");
  const OptimizerRef o = mt::rmsprop({&params[0], 1}, {});
  error_of(Status::kKey, [&] { o->add_param_group({&params[1], 1}, {{"rho", 1}}); });
  EXPECT_EQ(o->groups().size(), 1u);
  o->add_param_group({&params[1], 1}, {{"momentum", 0.5}});
  EXPECT_EQ(o->option(1, "momentum"), 0.5);
  EXPECT_EQ(o->option(0, "momentum"), 0);
}

}  // namespace
