// Optimizers against 50 steps of PyTorch's, printed forms, groups and options, state round trips
// and their errors, and gradient clipping.
#include "optim/optimizers.h"

#include <cmath>
#include <limits>

#include "nn/golden_lines.h"
#include "nn/layers.h"
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

// The gradients of gen_nn.py: small multiples of 1/64.
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

OptimizerRef make(const std::string& kind, const Params& params, Options o) {
  if (kind == "sgd") {
    return mt::sgd(params, {o["lr"], o["momentum"], o["dampening"], o["weight_decay"],
                            o["nesterov"] != 0, o["maximize"] != 0});
  }
  mt::AdamOptions a;
  a.weight_decay = kind == "adamw" ? 1e-2 : 0;
  const auto set = [&](const char* name, double& into) {
    if (o.contains(name)) into = o[name];
  };
  set("lr", a.lr);
  set("beta1", a.beta1);
  set("beta2", a.beta2);
  set("eps", a.eps);
  set("weight_decay", a.weight_decay);
  a.amsgrad = o["amsgrad"] != 0;
  a.maximize = o["maximize"] != 0;
  return kind == "adam" ? mt::adam(params, a) : mt::adamw(params, a);
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

TEST(Optimizer, FiftyStepsMatchPyTorch) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("optim.txt")) {
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
        const double room = fused_multiply_add() ? 0 : (wide ? 1e-13 : 2e-6);
        EXPECT_NEAR(a[k], b[k], room * (1 + std::fabs(b[k]))) << key;
      }
    }
    ++cases;
  }
  EXPECT_EQ(cases, 52);
}

TEST(Optimizer, PrintedFormsArePyTorchs) {
  const auto golden = golden_lines("optim.txt");
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    const OptimizerRef o = make(kind, two_params(), {{"lr", 0.1}, {"weight_decay", 0.01}});
    EXPECT_EQ(o->repr(), unescaped(golden.at("repr/" + kind)));
  }
  const Params params = two_params();
  const OptimizerRef o = mt::sgd({&params[0], 1}, {.lr = 0.1, .momentum = 0.9});
  o->add_param_group({&params[1], 1});
  o->set_option(1, "lr", 0.5);
  EXPECT_EQ(o->repr(), unescaped(golden.at("repr/groups")));
}

TEST(Optimizer, GroupsHaveTheirOwnOptions) {
  const Params params = two_params();
  const OptimizerRef o = mt::sgd({&params[0], 1}, {.lr = 1});
  o->add_param_group({&params[1], 1});
  o->set_option(1, "lr", 0);
  set_gradients(params, 0);
  const std::string before = bits_of(params[1]);
  o->step();
  EXPECT_EQ(bits_of(params[1]), before);
  EXPECT_NE(bits_of(params[0]), bits_of(two_params()[0]));
  o->set_option(-1, "lr", 2);
  EXPECT_EQ(o->option(0, "lr"), 2);
  EXPECT_EQ(o->option(1, "lr"), 2);
}

TEST(Optimizer, SkipsParametersWithoutGradient) {
  const Params params = two_params();
  const OptimizerRef o = mt::adam(params, {});
  o->step();
  EXPECT_EQ(bits_of(params[0]), bits_of(two_params()[0]));
  set_gradients(params, 0);
  o->zero_grad();
  EXPECT_EQ(numbers_of(bits_of(mt::grad_of(params[1]))), (std::vector<double>{0, 0}));
  o->zero_grad(true);
  EXPECT_FALSE(mt::grad_of(params[1]).defined());
}

TEST(Optimizer, StridedParametersAreUpdatedInPlace) {
  const Tensor base = values({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor p = mt::transpose(base, 0, 1).alias();
  mt::set_requires_grad(p, true);
  const Tensor g = values({3, 2}, {1, 2, 3, 4, 5, 6});
  mt::set_grad(p, g);
  const OptimizerRef o = mt::sgd({&p, 1}, {.lr = 1, .momentum = 0.5});
  o->step();
  EXPECT_EQ(numbers_of(bits_of(base)), (std::vector<double>{0, -1, -2, 2, 1, 0}));
}

TEST(Optimizer, FollowsAModulesConversion) {
  const auto m = mt::nn::linear({2, 1});
  const Tensor w = m->get_parameter("weight");
  const OptimizerRef o = mt::adam({&w, 1}, {});
  mt::set_grad(w, values({1, 2}, {1, 1}));
  o->step();
  m->to(DType::kFloat64);
  o->step();
  EXPECT_EQ(o->state_dict()[1].second.dtype(), DType::kFloat64);
}

TEST(Optimizer, ChecksParametersAndOptions) {
  const Params params = two_params();
  EXPECT_EQ(error_of(Status::kInvalidArgument, [] { mt::sgd({}, {}); }),
            "SGD: empty parameter list: no parameters given: at least one is needed");
  const Params twice = {params[0], params[0]};
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { mt::adam(twice, {}); }),
            "Adam: repeated parameter: parameter 1 is already in a group: every parameter may "
            "appear once");
  const Params inner = {mt::clone(params[0])};
  error_of(Status::kAutograd, [&] { mt::sgd(inner, {}); });
  const Params none = {Tensor()};
  error_of(Status::kNullArgument, [&] { mt::sgd(none, {}); });
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { mt::sgd(params, {.lr = -1}); }),
            "SGD: invalid lr: -1: must be >= 0");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  error_of(Status::kInvalidArgument, [&] { mt::sgd(params, {.lr = nan}); });
  error_of(Status::kInvalidArgument, [&] { mt::sgd(params, {.momentum = -1}); });
  error_of(Status::kInvalidArgument, [&] { mt::sgd(params, {.weight_decay = -1}); });
  error_of(Status::kInvalidArgument, [&] { mt::sgd(params, {.nesterov = true}); });
  error_of(Status::kInvalidArgument,
           [&] { mt::sgd(params, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); });
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { mt::adamw(params, {.beta1 = 1}); }),
            "AdamW: invalid beta1: 1: must be in [0, 1)");
  error_of(Status::kInvalidArgument, [&] { mt::adam(params, {.beta2 = -0.1}); });
  error_of(Status::kInvalidArgument, [&] { mt::adam(params, {.eps = -1}); });
  const OptimizerRef o = mt::sgd(params, {.lr = 0.5});
  EXPECT_EQ(error_of(Status::kKey, [&] { o->option(0, "beta1"); }),
            "SGD: unknown option: 'beta1': must be one of lr, momentum, dampening, weight_decay, "
            "nesterov, maximize");
  error_of(Status::kIndex, [&] { o->option(1, "lr"); });
  error_of(Status::kIndex, [&] { o->set_option(-2, "lr", 1); });
  error_of(Status::kInvalidArgument, [&] { o->set_option(0, "lr", -1); });
  EXPECT_EQ(o->option(0, "lr"), 0.5);
  error_of(Status::kInvalidArgument, [&] { o->add_param_group({&params[0], 1}); });
  EXPECT_EQ(o->groups().size(), 1u);
}

TEST(Optimizer, SettingAnOptionOfAllGroupsIsAllOrNothing) {
  const Params params = two_params();
  const OptimizerRef o = mt::sgd({&params[0], 1}, {.momentum = 0.9});
  o->add_param_group({&params[1], 1});
  o->set_option(1, "momentum", 0);
  error_of(Status::kInvalidArgument, [&] { o->set_option(-1, "nesterov", 1); });
  EXPECT_EQ(o->option(0, "nesterov"), 0);
}

// --- state --------------------------------------------------------------------------------------
std::string keys_of(const NamedTensors& state) {
  std::string out;
  for (const auto& [name, t] : state) out += name + " ";
  return out;
}

TEST(OptimizerState, HasPyTorchsLayout) {
  const Params params = two_params();
  const OptimizerRef o = mt::adam({&params[1], 1}, {.amsgrad = true});
  set_gradients(params, 0);
  o->step();
  const NamedTensors state = o->state_dict();
  EXPECT_EQ(keys_of(state),
            "state.0.step state.0.exp_avg state.0.exp_avg_sq state.0.max_exp_avg_sq "
            "param_groups.0.lr param_groups.0.beta1 param_groups.0.beta2 param_groups.0.eps "
            "param_groups.0.weight_decay param_groups.0.amsgrad param_groups.0.maximize "
            "param_groups.0.params ");
  EXPECT_EQ(state[0].second.item().to_double(), 1);
}

TEST(OptimizerState, TrainingGoesOnAsIfNothingHappened) {
  const std::vector<std::pair<std::string, Options>> kinds = {
      {"sgd", {{"lr", 0.1}}},
      {"sgd", {{"lr", 0.1}, {"momentum", 0.9}, {"dampening", 0.2}}},
      {"adam", {{"lr", 0.01}}},
      {"adam", {{"lr", 0.01}, {"amsgrad", 1}}},
      {"adamw", {{"lr", 0.01}, {"weight_decay", 0.1}}}};
  for (const auto& [kind, options] : kinds) {
    const Params a = two_params(), b = two_params();
    const OptimizerRef first = make(kind, a, options);
    for (int step = 0; step < 10; ++step) {
      set_gradients(a, step);
      first->step();
    }
    const OptimizerRef second = make(kind, b, {{"lr", 5}});
    NamedTensors state = first->state_dict();
    for (auto& [name, t] : state) t = mt::clone(t);
    second->load_state_dict(state);
    for (size_t i = 0; i < a.size(); ++i) mt::copy_values(b[i], a[i]);
    EXPECT_EQ(second->repr(), first->repr());
    for (int step = 10; step < 20; ++step) {
      set_gradients(a, step);
      set_gradients(b, step);
      first->step();
      second->step();
    }
    EXPECT_EQ(bits_of(a[0]), bits_of(b[0])) << kind;
    EXPECT_EQ(bits_of(a[1]), bits_of(b[1])) << kind;
  }
}

TEST(OptimizerState, BadStateChangesNothing) {
  const Params params = two_params();
  const OptimizerRef o = mt::adam(params, {.lr = 0.5});
  set_gradients(params, 0);
  o->step();
  const auto snapshot = [&] {
    std::string out = o->repr();
    for (const auto& [name, t] : o->state_dict()) out += name + bits_of(t);
    return out;
  };
  const std::string before = snapshot();
  const auto with = [&](const std::string& name, const Tensor& t) {
    NamedTensors state = o->state_dict();
    for (auto& [key, value] : state) {
      value = mt::clone(value);
      if (key == "param_groups.0.lr") value = values({}, {9});
    }
    std::erase_if(state, [&](const auto& e) { return e.first == name; });
    if (t.defined()) state.emplace_back(name, t);
    return state;
  };
  const auto refuse = [&](Status status, const std::string& name, const Tensor& t) {
    error_of(status, [&] { o->load_state_dict(with(name, t)); });
    EXPECT_EQ(snapshot(), before) << name;
  };
  refuse(Status::kShape, "state.1.exp_avg", values({3}, {1, 2, 3}));
  refuse(Status::kState, "param_groups.0.params", values({3}, {0, 1, 2}, DType::kInt64));
  refuse(Status::kState, "param_groups.0.params", Tensor());
  refuse(Status::kState, "state.0.momentum_buffer", values({5}, {1, 2, 3, 4, 5}));
  refuse(Status::kState, "param_groups.1.lr", values({}, {1}));
  refuse(Status::kKey, "model.weight", values({}, {1}));
  refuse(Status::kInvalidArgument, "param_groups.0.beta1", values({}, {2}));
  refuse(Status::kInvalidArgument, "param_groups.0.eps", values({2}, {1, 2}));
  refuse(Status::kInvalidArgument, "state.0.step", values({}, {-3}));
  refuse(Status::kDevice, "state.1.exp_avg",
         Tensor::empty({{2, 1}}, DType::kFloat32, mt::Device::kMeta));
  NamedTensors undefined = o->state_dict();
  undefined[1].second = Tensor();
  error_of(Status::kNullArgument, [&] { o->load_state_dict(undefined); });
  EXPECT_EQ(snapshot(), before);
}

// --- clipping -----------------------------------------------------------------------------------
Params clip_params() {
  const Params params = {mt::make_parameter(values({3}, {0, 0, 0})),
                         mt::make_parameter(values({2, 2}, {0, 0, 0, 0})),
                         mt::make_parameter(values({1}, {0}))};
  mt::set_grad(params[0], values({3}, {3, -4, 0.5}));
  mt::set_grad(params[1], values({2, 2}, {1, 2, -0.25, 8}));
  return params;
}

void expect_close(const Tensor& t, const std::string& want, const std::string& key) {
  const auto a = numbers_of(bits_of(t)), b = numbers_of(want);
  ASSERT_EQ(a.size(), b.size()) << key;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 4e-7 * std::fabs(b[i])) << key;
  }
}

TEST(ClipGrad, MatchesPyTorch) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("optim.txt")) {
    const auto parts = split(key, '/');
    const Params params = clip_params();
    const auto wanted = split(want, ' ');
    if (parts[0] == "clip_norm") {
      const Tensor total = mt::clip_grad_norm_(params, std::stod(parts[2]), std::stod(parts[1]));
      expect_close(total, wanted[0], key);
      expect_close(mt::grad_of(params[0]), wanted[1], key);
      expect_close(mt::grad_of(params[1]), wanted[2], key);
      ++cases;
    } else if (parts[0] == "clip_value") {
      mt::clip_grad_value_(params, std::stod(parts[1]));
      expect_close(mt::grad_of(params[0]), wanted[0], key);
      expect_close(mt::grad_of(params[1]), wanted[1], key);
      ++cases;
    }
  }
  EXPECT_EQ(cases, 16);
}

TEST(ClipGrad, HandlesNothingAndInfinity) {
  const Params params = clip_params();
  EXPECT_EQ(mt::clip_grad_norm_({&params[2], 1}, 1).item().to_double(), 0);
  mt::set_grad(params[2], values({1}, {std::numeric_limits<double>::infinity()}));
  const std::string before = bits_of(mt::grad_of(params[0]));
  const std::string message =
      error_of(Status::kInvalidArgument, [&] { mt::clip_grad_norm_(params, 1, 2, true); });
  EXPECT_NE(message.find("non-finite norm"), std::string::npos) << message;
  EXPECT_EQ(bits_of(mt::grad_of(params[0])), before);
  const Params none = {Tensor()};
  error_of(Status::kNullArgument, [&] { mt::clip_grad_norm_(none, 1); });
}

}  // namespace
