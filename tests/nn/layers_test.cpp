// Layers, losses and containers: initial weights, dropout and printed forms against PyTorch, and
// the errors of their arguments.
#include "nn/layers.h"

#include "autograd/engine.h"
#include "core/random.h"
#include "nn/golden_lines.h"
#include "ops/random.h"
#include "ops/view.h"

namespace {

using mt::DType;
using mt::ModuleRef;
using mt::Status;
using mt::Tensor;
using mt::TensorList;
using namespace mt::test;
namespace nn = mt::nn;

ModuleRef custom(const std::string& extra, std::vector<ModuleRef> children = {}) {
  auto m = ModuleRef::adopt(new nn::CustomModule(
      "Custom", [](nn::CustomModule&, std::span<const Tensor> in) { return TensorList{in[0]}; },
      [extra](nn::CustomModule&) { return extra; }));
  for (size_t i = 0; i < children.size(); ++i) {
    m->register_module("child" + std::to_string(i), children[i]);
  }
  return m;
}

ModuleRef sequential(std::vector<ModuleRef> modules) {
  return ModuleRef::adopt(nn::sequential(modules).release());
}

TEST(Linear, InitialWeightsArePyTorchsBitForBit) {
  const auto golden = golden_lines("nn.txt");
  int cases = 0;
  for (const auto& [key, want] : golden) {
    const auto parts = split(key, '/');
    if (parts[0] != "linear" || parts.back() != "weight") continue;
    mt::manual_seed(std::stoull(parts[1]));
    const bool bias = parts[4] == "1";
    const ModuleRef m = nn::linear({std::stoll(parts[2]), std::stoll(parts[3]), bias});
    EXPECT_EQ(bits_of(m->get_parameter("weight")), want) << key;
    const std::string stem = key.substr(0, key.rfind('/'));
    if (bias) {
      EXPECT_EQ(bits_of(m->get_parameter("bias")), golden.at(stem + "/bias")) << key;
    }
    // As many random numbers were drawn as PyTorch draws.
    EXPECT_EQ(bits_of(mt::rand({{1}})), golden.at(stem + "/next")) << key;
    ++cases;
  }
  EXPECT_EQ(cases, 24);
  for (const auto dtype : {DType::kFloat64, DType::kBFloat16}) {
    mt::manual_seed(3);
    const ModuleRef m = nn::linear({5, 3, true, dtype});
    const std::string stem = "linear_dtype/" + std::string(mt::dtype_name(dtype));
    EXPECT_EQ(bits_of(m->get_parameter("weight")), golden.at(stem + "/weight"));
    EXPECT_EQ(bits_of(m->get_parameter("bias")), golden.at(stem + "/bias"));
  }
}

TEST(Linear, ModelGivesPyTorchsOutput) {
  const auto golden = golden_lines("nn.txt");
  mt::manual_seed(5);
  const Tensor x = mt::randn({{4, 3}});
  EXPECT_EQ(bits_of(x), golden.at("mlp/x"));
  const ModuleRef m = sequential({nn::linear({3, 8}), nn::relu(), nn::linear({8, 2})});
  const Tensor y = m->call(x);
  const auto want = numbers_of(golden.at("mlp/y")), got = numbers_of(bits_of(y));
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6);
}

TEST(Linear, ChecksItsArguments) {
  EXPECT_EQ(error_of(Status::kInvalidArgument,
                     [] {
                       nn::linear({-1, 2});
                     }),
            "Linear: negative size: in_features -1, out_features 2: both must be >= 0");
  error_of(Status::kShape, [] { nn::linear({int64_t{1} << 40, int64_t{1} << 40}); });
  error_of(Status::kDType, [] { nn::linear({2, 2, true, DType::kInt64}); });
  const ModuleRef m = nn::linear({2, 3});
  error_of(Status::kShape, [&] { m->call(values({1, 3}, {1, 2, 3})); });
  error_of(Status::kDType, [&] { m->call(values({1, 2}, {1, 2}, DType::kFloat64)); });
  error_of(Status::kInvalidArgument, [&] { m->call(std::span<const Tensor>()); });
  error_of(Status::kNullArgument, [&] { m->call(Tensor()); });
  m->register_parameter("weight", Tensor());
  error_of(Status::kNullArgument, [&] { m->call(values({1, 2}, {1, 2})); });
}

TEST(Linear, ReplacedParametersAreUsed) {
  const ModuleRef m = nn::linear({2, 1});
  m->register_parameter("weight", mt::make_parameter(values({1, 2}, {2, 3})));
  m->register_parameter("bias", Tensor());
  EXPECT_EQ(m->call(values({2}, {1, 10})).item().to_double(), 32);
  EXPECT_EQ(m->repr(), "Linear(in_features=2, out_features=1, bias=False)");
}

TEST(Linear, OnMeta) {
  const ModuleRef m = nn::linear({1 << 20, 1 << 20, true, DType::kFloat32, mt::Device::kMeta});
  const Tensor x = Tensor::empty({{3, 1 << 20}}, DType::kFloat32, mt::Device::kMeta);
  EXPECT_EQ(mt::shape_string(m->call(x).sizes()), "(3, 1048576)");
}

TEST(Dropout, DrawsPyTorchsMasks) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("nn.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "dropout") continue;
    std::vector<double> numbers;
    for (int i = 1; i <= std::stoi(parts[3]); ++i) numbers.push_back(i);
    const Tensor x = values({std::stoll(parts[3])}, numbers);
    const bool inplace = parts[4] == "1";
    const ModuleRef m = nn::dropout({std::stod(parts[2]), inplace});
    mt::manual_seed(std::stoull(parts[1]));
    const Tensor y = m->call(x);
    EXPECT_EQ(bits_of(y), want) << key;
    EXPECT_EQ(bits_of(x) == want, inplace || bits_of(values({x.numel()}, numbers)) == want) << key;
    ++cases;
  }
  EXPECT_EQ(cases, 32);
}

TEST(Dropout, EvalModeIsTheIdentity) {
  for (const bool inplace : {false, true}) {
    const ModuleRef m = nn::dropout({0.5, inplace});
    m->train(false);
    const Tensor x = values({3}, {1, 2, 3});
    EXPECT_EQ(bits_of(m->call(x)), bits_of(x));
  }
  EXPECT_EQ(error_of(Status::kInvalidArgument, [] { nn::dropout({1.5}); }),
            "Dropout: p out of range: p 1.5: must be in [0, 1]");
}

TEST(Layers, PrintedFormsArePyTorchs) {
  std::map<std::string, ModuleRef> modules = {
      {"identity", nn::identity()},
      {"linear", nn::linear({3, 4})},
      {"linear_no_bias", nn::linear({3, 4, false})},
      {"flatten", nn::flatten()},
      {"dropout", nn::dropout()},
      {"dropout_inplace", nn::dropout({0.25, true})},
      {"dropout_one", nn::dropout({1})},
      {"relu", nn::relu()},
      {"relu_inplace", nn::relu({true})},
      {"sigmoid", nn::sigmoid()},
      {"tanh", nn::tanh()},
      {"gelu", nn::gelu()},
      {"gelu_tanh", nn::gelu({"tanh"})},
      {"softmax", nn::softmax({1})},
      {"softmax_none", nn::softmax({})},
      {"log_softmax", nn::log_softmax({-1})},
      {"mse", nn::mse_loss()},
      {"l1", nn::l1_loss()},
      {"bce", nn::bce_loss()},
      {"bce_logits", nn::bce_with_logits_loss()},
      {"nll", nn::nll_loss()},
      {"cross_entropy", nn::cross_entropy_loss()},
      {"empty_sequential", sequential({})},
      {"sequential",
       sequential({nn::linear({2, 3}), nn::relu(), sequential({nn::linear({3, 1})})})},
      {"custom", custom("")},
      {"custom_extra", custom("a=1")},
      {"custom_lines", custom("a=1\nb=2")},
      {"custom_children", custom("", {nn::relu(), ModuleRef()})},
      {"custom_all", custom("a=1\nb=2", {sequential({nn::tanh()}), custom("x\ny")})},
  };
  size_t cases = 0;
  for (const auto& [key, want] : golden_lines("nn.txt")) {
    if (!key.starts_with("repr/")) continue;
    const std::string name = key.substr(5);
    ASSERT_TRUE(modules.contains(name)) << name;
    EXPECT_EQ(modules[name]->repr(), unescaped(want)) << name;
    ++cases;
  }
  EXPECT_EQ(cases, modules.size());
}

TEST(Activations, ComputeTheirFunctions) {
  const Tensor x = values({3}, {-1, 0, 2});
  const auto of = [&](const ModuleRef& m) { return numbers_of(bits_of(m->call(x))); };
  EXPECT_EQ(of(nn::identity()), (std::vector<double>{-1, 0, 2}));
  EXPECT_EQ(of(nn::relu()), (std::vector<double>{0, 0, 2}));
  EXPECT_NEAR(of(nn::sigmoid())[2], 0.8807970779778823, 1e-6);
  EXPECT_NEAR(of(nn::tanh())[2], 0.9640275800758169, 1e-6);
  EXPECT_NEAR(of(nn::gelu())[2], 1.9544997361036416, 1e-6);
  EXPECT_NEAR(of(nn::gelu({"tanh"}))[2], 1.954597694087775, 1e-6);
  EXPECT_NEAR(of(nn::softmax({0}))[2], 0.8437947344813395, 1e-6);
  EXPECT_NEAR(of(nn::log_softmax({}))[2], -0.16984601955628567, 1e-6);
  error_of(Status::kInvalidArgument, [] { nn::gelu({"erf"}); });
  const Tensor y = values({2}, {-1, 1});
  nn::relu({true})->call(y);
  EXPECT_EQ(numbers_of(bits_of(y)), (std::vector<double>{0, 1}));
}

TEST(Softmax, WithoutDimChoosesAsPyTorch) {
  // 2 dims: rows; 3 dims: dim 0.
  const Tensor rows = nn::softmax({})->call(values({2, 2}, {0, 0, 0, 0}));
  EXPECT_EQ(numbers_of(bits_of(rows))[0], 0.5);
  const Tensor three = nn::softmax({})->call(values({1, 2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(numbers_of(bits_of(three))[0], 1);
}

TEST(Losses, TakeInputAndTarget) {
  const Tensor x = values({2}, {1, 3}), y = values({2}, {2, 5});
  const auto run = [&](const ModuleRef& m, const Tensor& a, const Tensor& b) {
    const Tensor in[] = {a, b};
    return m->call(std::span<const Tensor>(in))[0];
  };
  EXPECT_EQ(run(nn::mse_loss(), x, y).item().to_double(), 2.5);
  EXPECT_EQ(run(nn::mse_loss({mt::Reduction::kSum}), x, y).item().to_double(), 5);
  EXPECT_EQ(run(nn::l1_loss(), x, y).item().to_double(), 1.5);
  const Tensor logits = values({1, 2}, {0, 0}), target = values({1}, {1}, DType::kInt64);
  EXPECT_NEAR(run(nn::cross_entropy_loss(), logits, target).item().to_double(), 0.6931472, 1e-6);
  error_of(Status::kInvalidArgument, [&] { nn::mse_loss()->call(x); });
  const ModuleRef weighted =
      nn::cross_entropy_loss({values({2}, {1, 2}), -100, mt::Reduction::kSum});
  EXPECT_NEAR(run(weighted, logits, target).item().to_double(), 2 * 0.6931472, 1e-6);
  ASSERT_EQ(weighted->state_dict().size(), 1u);
  EXPECT_EQ(weighted->state_dict()[0].first, "weight");
}

TEST(Sequential, RunsInOrderAndTrains) {
  const ModuleRef m = sequential({nn::linear({2, 2}), nn::relu(), nn::linear({2, 1})});
  const Tensor loss = m->call(values({2}, {1, 1}));
  mt::backward({&loss, 1}, {});
  for (const auto& [name, p] : m->named_parameters()) {
    EXPECT_TRUE(mt::grad_of(p).defined()) << name;
  }
  EXPECT_EQ(sequential({})->call(values({1}, {4})).item().to_double(), 4);
  const ModuleRef hole = sequential({nn::relu()});
  hole->register_module("0", ModuleRef());
  EXPECT_EQ(error_of(Status::kState, [&] { hole->call(values({1}, {4})); }),
            "Sequential: no module: child '0' is None: every child must be a module");
}

}  // namespace
