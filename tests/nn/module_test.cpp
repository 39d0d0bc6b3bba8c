// Modules: registration, listings and keys against PyTorch, state dicts and their reports, hooks,
// conversion, nesting limits and release.
#include "nn/module.h"

#include "autograd/engine.h"
#include "nn/golden_lines.h"
#include "nn/layers.h"
#include "ops/view.h"

namespace {

using mt::DType;
using mt::Module;
using mt::ModuleRef;
using mt::NamedTensors;
using mt::Status;
using mt::Tensor;
using mt::TensorList;
using namespace mt::test;
namespace nn = mt::nn;

ModuleRef holder(const std::string& name = "Net") {
  return ModuleRef::adopt(new nn::CustomModule(
      name, [](nn::CustomModule&, std::span<const Tensor> in) { return TensorList{in[0]}; }));
}

// The Net of gen_nn.py.
ModuleRef net() {
  const ModuleRef m = holder();
  m->register_parameter("scale", mt::make_parameter(values({1}, {1})));
  m->register_buffer("count", values({}, {0}));
  m->register_buffer("scratch", values({2}, {0, 0}), false);
  const std::vector<ModuleRef> layers = {nn::linear({2, 3}), nn::relu(), nn::linear({3, 2, false})};
  const auto body = ModuleRef::adopt(nn::sequential(layers).release());
  m->register_module("body", body);
  m->register_module("head", layers[0]);
  m->register_module("loss", nn::cross_entropy_loss({values({2}, {1, 1})}));
  return m;
}

template <class List>
std::string names_of(const List& list) {
  std::string out;
  bool first = true;
  for (const auto& [name, value] : list) {
    if (!first) out += ',';
    first = false;
    out += name;
  }
  return out;
}

TEST(Module, ListsInPyTorchsOrder) {
  const auto golden = golden_lines("nn.txt");
  const ModuleRef m = net();
  EXPECT_EQ(names_of(m->state_dict()), golden.at("keys/state_dict"));
  EXPECT_EQ(names_of(m->named_parameters()), golden.at("keys/parameters"));
  EXPECT_EQ(names_of(m->named_buffers()), golden.at("keys/buffers"));
  EXPECT_EQ(names_of(m->named_modules()), golden.at("keys/modules"));
}

TEST(Module, FindsByPath) {
  const ModuleRef m = net();
  EXPECT_EQ(mt::shape_string(m->get_parameter("body.2.weight").sizes()), "(2, 3)");
  EXPECT_EQ(m->get_submodule("body.1")->type_name(), "ReLU");
  EXPECT_TRUE(m->get_submodule("") == m);
  EXPECT_TRUE(m->get_submodule("head") == m->get_submodule("body.0"));
  EXPECT_EQ(m->get_buffer("loss.weight").numel(), 2);
  EXPECT_EQ(error_of(Status::kKey, [&] { m->get_parameter("body.5.weight"); }),
            "get_parameter: not found: 'body.5.weight': Sequential has no child '5'");
  EXPECT_EQ(error_of(Status::kKey, [&] { m->get_parameter("body.2.bias"); }),
            "get_parameter: not found: 'body.2.bias': Linear has no parameter 'bias'");
  error_of(Status::kKey, [&] { m->get_buffer("scale"); });
  error_of(Status::kKey, [&] { m->get_submodule("body..0"); });
  error_of(Status::kKey, [&] { m->get_parameter(""); });
}

TEST(Module, ChecksNames) {
  const ModuleRef m = net();
  EXPECT_EQ(error_of(Status::kKey, [&] { m->register_parameter("a.b", Tensor()); }),
            "register_parameter: bad name: 'a.b': must not be empty or contain '.'");
  error_of(Status::kKey, [&] { m->register_buffer("", Tensor()); });
  EXPECT_EQ(error_of(Status::kKey, [&] { m->register_parameter("body", Tensor()); }),
            "register_parameter: name taken: 'body' in Net: a name is a parameter, a buffer or a "
            "child");
  error_of(Status::kKey, [&] { m->register_module("count", nn::relu()); });
  error_of(Status::kKey, [&] { m->register_buffer("scale", Tensor()); });
  const Tensor x = mt::make_parameter(values({1}, {1}));
  EXPECT_NE(error_of(Status::kAutograd, [&] { m->register_parameter("y", mt::clone(x)); })
                .find("not a leaf"),
            std::string::npos);
}

TEST(Module, RefusesCycles) {
  const ModuleRef a = holder("A"), b = holder("B"), c = holder("C");
  a->register_module("b", b);
  b->register_module("c", c);
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { c->register_module("a", a); }),
            "register_module: cycle: 'a' contains the C it would be put in: a module cannot be its "
            "own descendant");
  error_of(Status::kInvalidArgument, [&] { a->register_module("a", a); });
  EXPECT_TRUE(c->children().empty());
  a->register_module("c", c);  // shared, but no cycle
}

TEST(Module, TrainEvalReachesAllDescendants) {
  const ModuleRef m = net();
  EXPECT_TRUE(m->training());
  m->train(false);
  for (const auto& [path, child] : m->named_modules()) EXPECT_FALSE(child->training()) << path;
  m->train();
  EXPECT_TRUE(m->get_submodule("body.0")->training());
}

TEST(Module, ApplyVisitsChildrenFirst) {
  const ModuleRef m = net();
  std::string seen;
  m->apply([&](Module& x) { seen += x.type_name() + " "; });
  EXPECT_EQ(seen, "Linear ReLU Linear Sequential Linear CrossEntropyLoss Net ");
}

// --- state dicts ------------------------------------------------------------------------------
TEST(StateDict, SharesMemoryAndIsDetached) {
  const ModuleRef m = net();
  const NamedTensors state = m->state_dict();
  EXPECT_FALSE(state[0].second.requires_grad());
  EXPECT_TRUE(state[0].second.storage() == m->get_parameter("scale").storage());
}

TEST(StateDict, LoadsWithConversion) {
  const ModuleRef from = net(), to = net();
  from->to(DType::kFloat64);
  const mt::LoadReport report = to->load_state_dict(from->state_dict());
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty() && report.mismatched.empty());
  const Tensor a = from->get_parameter("body.0.weight"), b = to->get_parameter("body.0.weight");
  EXPECT_EQ(b.dtype(), DType::kFloat32);
  EXPECT_EQ(bits_of(mt::converted(a, DType::kFloat32)), bits_of(b));
  EXPECT_TRUE(b.requires_grad() && mt::is_leaf(b));
}

TEST(StateDict, StrictErrorsListEverythingAndChangeNothing) {
  const ModuleRef m = net();
  const std::string before = bits_of(m->get_parameter("scale"));
  NamedTensors state = m->state_dict();
  for (auto& [name, t] : state) t = mt::clone(t);
  state[0].second = values({1}, {77});
  std::erase_if(state, [](const auto& e) {
    return e.first == "body.0.bias" || e.first == "body.2.weight" || e.first == "head.weight";
  });
  state.emplace_back("body.2.weight", values({1, 3}, {1, 2, 3}));
  state.emplace_back("head.weight", Tensor());
  state.emplace_back("extra", values({1}, {1}));
  EXPECT_EQ(
      error_of(Status::kShape, [&] { m->load_state_dict(state); }),
      "load_state_dict: keys do not match: Error(s) in loading state_dict for Net:"
      "\n\tMissing key(s) in state_dict: \"body.0.bias\". "
      "\n\tUnexpected key(s) in state_dict: \"extra\". "
      "\n\tsize mismatch for body.2.weight: copying a param with shape torch.Size([1, 3]) from "
      "checkpoint, the shape in current model is torch.Size([2, 3])."
      "\n\tsize mismatch for head.weight: copying a param with shape nothing from checkpoint, the "
      "shape "
      "in current model is torch.Size([3, 2]).");
  EXPECT_EQ(bits_of(m->get_parameter("scale")), before);
  // Shapes are an error without strict too.
  error_of(Status::kShape, [&] { m->load_state_dict(state, false); });
  EXPECT_EQ(bits_of(m->get_parameter("scale")), before);
  std::erase_if(
      state, [](const auto& e) { return e.first == "body.2.weight" || e.first == "head.weight"; });
  error_of(Status::kKey, [&] { m->load_state_dict(state); });
  EXPECT_EQ(bits_of(m->get_parameter("scale")), before);
  const mt::LoadReport report = m->load_state_dict(state, false);
  EXPECT_EQ(report.missing,
            (std::vector<std::string>{"body.0.bias", "body.2.weight", "head.weight"}));
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"extra"});
  EXPECT_EQ(m->get_parameter("scale").item().to_double(), 77);
}

TEST(StateDict, ReadsItsOwnMemoryBeforeWriting) {
  const ModuleRef m = holder();
  m->register_parameter("a", mt::make_parameter(values({2}, {1, 2})));
  m->register_parameter("b", mt::make_parameter(values({2}, {3, 4})));
  const NamedTensors swapped = {{"a", m->get_parameter("b")}, {"b", m->get_parameter("a")}};
  m->load_state_dict(swapped);
  EXPECT_EQ(numbers_of(bits_of(m->get_parameter("a"))), (std::vector<double>{3, 4}));
  EXPECT_EQ(numbers_of(bits_of(m->get_parameter("b"))), (std::vector<double>{1, 2}));
}

TEST(StateDict, RefusesMetaAndExpandedTargetsBeforeWriting) {
  const ModuleRef m = holder();
  m->register_parameter("a", mt::make_parameter(values({2}, {1, 2})));
  m->register_buffer("wide", mt::expand(values({1}, {5}), {{3}}));
  error_of(Status::kShape, [&] {
    m->load_state_dict({{"a", values({2}, {8, 9})}, {"wide", values({3}, {1, 2, 3})}});
  });
  error_of(Status::kShape, [&] {
    m->load_state_dict({{"a", Tensor::empty({{2}}, DType::kFloat32, mt::Device::kMeta)}}, false);
  });
  EXPECT_EQ(numbers_of(bits_of(m->get_parameter("a"))), (std::vector<double>{1, 2}));
}

// --- gradients and conversion -------------------------------------------------------------------
TEST(Module, ZeroGradAndRequiresGrad) {
  const ModuleRef m = nn::linear({2, 1});
  const Tensor y = m->call(values({2}, {1, 2}));
  mt::backward({&y, 1}, {});
  const Tensor w = m->get_parameter("weight");
  EXPECT_EQ(numbers_of(bits_of(mt::grad_of(w))), (std::vector<double>{1, 2}));
  m->zero_grad();
  EXPECT_EQ(numbers_of(bits_of(mt::grad_of(w))), (std::vector<double>{0, 0}));
  m->zero_grad(true);
  EXPECT_FALSE(mt::grad_of(w).defined());
  m->requires_grad_(false);
  EXPECT_FALSE(w.requires_grad());
}

TEST(Module, ConversionKeepsTheTensorObjects) {
  const ModuleRef m = nn::linear({2, 1});
  m->register_buffer("steps", values({1}, {3}, DType::kInt64));
  const Tensor w = m->get_parameter("weight");
  const Tensor y = m->call(values({2}, {1, 2}));
  mt::backward({&y, 1}, {});
  m->to(DType::kFloat64);
  EXPECT_EQ(w.dtype(), DType::kFloat64);
  EXPECT_TRUE(same(w, m->get_parameter("weight")));
  EXPECT_EQ(mt::grad_of(w).dtype(), DType::kFloat64);
  EXPECT_EQ(m->get_buffer("steps").dtype(), DType::kInt64);
  EXPECT_EQ(m->call(values({2}, {1, 2}, DType::kFloat64)).dtype(), DType::kFloat64);
  EXPECT_EQ(error_of(Status::kDType, [&] { m->to(DType::kInt32); }),
            "to: dtype mismatch: given int32: a module's parameters can only have floating-point "
            "dtypes");
  m->to(mt::Device::kMeta);
  EXPECT_TRUE(w.is_meta());
  error_of(Status::kDevice, [&] { m->to(mt::Device::kCPU); });
}

TEST(MakeParameter, IsALeafOnTheSameData) {
  const Tensor t = values({1}, {2});
  const Tensor p = mt::make_parameter(t);
  EXPECT_TRUE(p.requires_grad() && mt::is_leaf(p) && p.impl()->is_parameter);
  EXPECT_TRUE(p.storage() == t.storage());
  EXPECT_FALSE(t.requires_grad());
  EXPECT_FALSE(mt::make_parameter(t, false).requires_grad());
  error_of(Status::kDType, [] { mt::make_parameter(values({1}, {1}, DType::kInt64)); });
}

// --- hooks --------------------------------------------------------------------------------------
class FunctionHook final : public mt::ModuleHook {
 public:
  using Function = std::function<void(Module&, TensorList&, TensorList*)>;
  explicit FunctionHook(Function f) : f_(std::move(f)) {}
  void call(Module& m, TensorList& in, TensorList* out) override { f_(m, in, out); }

 private:
  Function f_;
};

mt::Ref<mt::ModuleHook> hook(FunctionHook::Function f) {
  return mt::Ref<mt::ModuleHook>::adopt(new FunctionHook(std::move(f)));
}

TEST(Hooks, ReplaceInputsAndOutputsInOrder) {
  const ModuleRef m = nn::identity();
  std::string order;
  m->register_forward_hook(hook([&](Module&, TensorList& in, TensorList* out) {
    order += "post(" + std::to_string(in[0].item().to_int()) + ")";
    (*out)[0] = values({1}, {30});
  }));
  const uint64_t pre = m->register_forward_pre_hook(hook([&](Module&, TensorList& in, TensorList*) {
    order += "pre(" + std::to_string(in[0].item().to_int()) + ") ";
    in[0] = values({1}, {20});
  }));
  EXPECT_EQ(m->call(values({1}, {10})).item().to_int(), 30);
  EXPECT_EQ(order, "pre(10) post(20)");
  EXPECT_TRUE(m->remove_hook(pre));
  EXPECT_FALSE(m->remove_hook(pre));
  order.clear();
  m->call(values({1}, {10}));
  EXPECT_EQ(order, "post(10)");
}

TEST(Hooks, MayChangeTheModuleTheyRunOn) {
  const std::vector<ModuleRef> layers = {nn::identity(), nn::identity()};
  const auto s = nn::sequential(layers);
  uint64_t id = 0;
  int runs = 0;
  id = layers[0]->register_forward_hook(hook([&](Module&, TensorList&, TensorList*) {
    ++runs;
    layers[0]->remove_hook(id);
    for (int i = 0; i < 100; ++i) s->append(nn::identity());
    s->register_module("0", nn::identity());
  }));
  EXPECT_EQ(s->call(values({1}, {5})).item().to_int(), 5);
  s->call(values({1}, {5}));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(s->size(), 102);
}

// --- depth --------------------------------------------------------------------------------------
TEST(Nesting, IsLimitedInsteadOfOverflowing) {
  const ModuleRef root = holder();
  ModuleRef at = root;
  for (int i = 0; i < 200000; ++i) {  // from the root down, so that no registration sees the depth
    const ModuleRef next = holder();
    at->register_module("x", next);
    at = next;
  }
  error_of(Status::kState, [&] { root->train(false); });
  error_of(Status::kState, [&] { root->state_dict(); });
  error_of(Status::kState, [&] { root->named_parameters(); });
  error_of(Status::kState, [&] { root->named_modules(); });
  error_of(Status::kState, [&] { root->repr(); });
  error_of(Status::kState, [&] { root->zero_grad(); });
  error_of(Status::kState, [&] { root->apply([](Module&) {}); });
  error_of(Status::kState, [&] { holder()->register_module("x", root); });
  at.reset();  // the whole chain goes at the end without deep recursion
}

TEST(Nesting, OfForwardIsLimited) {
  ModuleRef m;
  m = ModuleRef::adopt(new nn::CustomModule(
      "Self", [&](nn::CustomModule& self, std::span<const Tensor> in) { return self.call(in); }));
  EXPECT_EQ(error_of(Status::kState, [&] { m->call(values({1}, {1})); }),
            "forward: nested too deep: more than 500 modules inside each other: models must be "
            "flatter than that");
  EXPECT_EQ(nn::identity()->call(values({1}, {1})).item().to_int(), 1);  // the count is back at 0
}

TEST(Module, CountsOutputs) {
  const ModuleRef m = ModuleRef::adopt(
      new nn::CustomModule("Two", [](nn::CustomModule&, std::span<const Tensor> in) {
        return TensorList{in[0], in[0]};
      }));
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { m->call(values({1}, {1})); }),
            "forward: count mismatch: Two returned 2 outputs: one is expected; use the form with "
            "lists");
}

}  // namespace
