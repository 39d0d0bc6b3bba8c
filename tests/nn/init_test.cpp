// torch.nn.init against PyTorch's own values, bit for bit where the bounds are exact.
#include "nn/init.h"

#include "core/random.h"
#include "nn/golden_lines.h"
#include "nn/module.h"
#include "ops/view.h"

namespace {

using mt::DType;
using mt::Status;
using mt::Tensor;
using namespace mt::test;

void fill(const std::string& name, const Tensor& t) {
  namespace init = mt::init;
  if (name == "uniform") init::uniform_(t, -2, 3);
  if (name == "normal") init::normal_(t, 1, 0.5);
  if (name == "constant") init::constant_(t, 0.1);
  if (name == "eye") init::eye_(t);
  if (name == "xavier_uniform") init::xavier_uniform_(t, 1.5);
  if (name == "xavier_normal") init::xavier_normal_(t);
  if (name == "kaiming_uniform") init::kaiming_uniform_(t, 0, init::FanMode::kFanIn, "relu");
  if (name == "kaiming_uniform_out") init::kaiming_uniform_(t, 0.2, init::FanMode::kFanOut);
  if (name == "kaiming_normal") init::kaiming_normal_(t, 0, init::FanMode::kFanOut, "tanh");
}

TEST(Init, MatchesPyTorchBitForBit) {
  int cases = 0;
  for (const auto& [key, want] : golden_lines("nn.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "init") continue;
    mt::Dims shape;
    for (const std::string& s : split(parts[2], 'x')) shape.push_back(std::stoll(s));
    const Tensor t = Tensor::empty(shape);
    mt::manual_seed(11);
    fill(parts[1], t);
    EXPECT_EQ(bits_of(t), want) << key;
    ++cases;
  }
  EXPECT_GE(cases, 20);
}

TEST(Init, GainsArePyTorchs) {
  for (const auto& [key, want] : golden_lines("nn.txt")) {
    const auto parts = split(key, '/');
    if (parts[0] != "gain") continue;
    const double gain = parts[2] == "None"
                            ? mt::init::calculate_gain(parts[1])
                            : mt::init::calculate_gain(parts[1], std::stod(parts[2]));
    EXPECT_EQ(gain, numbers_of(want)[0]) << key;
  }
  EXPECT_EQ(error_of(Status::kInvalidArgument, [] { mt::init::calculate_gain("swish"); }),
            "calculate_gain: unknown nonlinearity: 'swish': must be linear, conv*, sigmoid, tanh, "
            "relu, leaky_relu or selu");
}

TEST(Init, WorksOnLeavesAndViewsWithoutRecording) {
  const Tensor p = mt::make_parameter(values({2, 2}, {0, 0, 0, 0}));
  mt::init::constant_(p, 2);
  EXPECT_TRUE(mt::is_leaf(p));
  EXPECT_EQ(bits_of(p), "40000000,40000000,40000000,40000000");
  const Tensor base = values({2, 3}, {0, 0, 0, 0, 0, 0});
  mt::init::eye_(mt::transpose(base, 0, 1));
  EXPECT_EQ(bits_of(base), bits_of(values({2, 3}, {1, 0, 0, 0, 1, 0})));
}

TEST(Init, RefusesWhatHasNoFan) {
  const Tensor flat = values({3}, {0, 0, 0});
  EXPECT_EQ(
      error_of(Status::kShape, [&] { mt::init::xavier_uniform_(flat); }),
      "xavier_uniform_: shape mismatch: tensor (3,): fan in and fan out need at least 2 dims");
  error_of(Status::kShape, [&] { mt::init::kaiming_normal_(flat); });
  error_of(Status::kShape, [&] { mt::init::eye_(flat); });
  mt::init::kaiming_uniform_(Tensor::empty({{0}}));  // nothing to fill: no fan is asked for
}

}  // namespace
