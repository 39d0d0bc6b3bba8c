// Learning rates and momenta of every scheduler, bit for bit those of PyTorch
// (tests/golden/gen_optim.py); resuming, closed forms and errors.
#include "optim/lr_scheduler.h"

#include <cmath>
#include <functional>

#include "nn/golden_lines.h"
#include "nn/module.h"
#include "optim/optimizers.h"

namespace {

using mt::OptimizerRef;
using mt::SchedulerRef;
using mt::Status;
using mt::Tensor;
using namespace mt::test;

OptimizerRef two_groups() {
  const Tensor a = mt::make_parameter(values({1}, {1})), b = mt::make_parameter(values({1}, {2}));
  const OptimizerRef o = mt::sgd({&a, 1}, {.lr = 0.1, .momentum = 0.9});
  o->add_param_group({&b, 1}, {{"lr", 0.02}});
  return o;
}

const int64_t kMilestones[] = {11, 2, 5, 5}, kParts[] = {5, 20};

const std::map<std::string, std::function<SchedulerRef(const OptimizerRef&)>> kMakers = {
    {"lambda",
     [](auto o) {
       return mt::lambda_lr(o, [](int64_t e, size_t) { return 1 / static_cast<double>(e + 1); });
     }},
    {"multiplicative",
     [](auto o) {
       return mt::multiplicative_lr(
           o, [](int64_t e, size_t) { return 0.9 + 0.001 * static_cast<double>(e); });
     }},
    {"step", [](auto o) { return mt::step_lr(o, 3, 0.7); }},
    {"multi_step", [](auto o) { return mt::multi_step_lr(o, kMilestones, 0.3); }},
    {"constant", [](auto o) { return mt::constant_lr(o, 0.7, 9); }},
    {"linear",
     [](auto o) {
       return mt::linear_lr(o, {0.2, 0.7, 13});
     }},
    {"exponential", [](auto o) { return mt::exponential_lr(o, 0.93); }},
    {"polynomial", [](auto o) { return mt::polynomial_lr(o, 17, 0.9); }},
    {"cosine", [](auto o) { return mt::cosine_annealing_lr(o, 7, 0.01); }},
    {"restarts",
     [](auto o) {
       return mt::cosine_annealing_warm_restarts(o, {3, 2, 0.001});
     }},
    {"cyclic",
     [](auto o) {
       return mt::cyclic_lr(
           o, {.base_lr = {0.01}, .max_lr = {0.1}, .step_size_up = 3, .step_size_down = 6});
     }},
    {"cyclic_triangular2",
     [](auto o) {
       return mt::cyclic_lr(o, {.base_lr = {0.01, 0.02},
                                .max_lr = {0.1},
                                .step_size_up = 4,
                                .mode = mt::CyclicMode::kTriangular2});
     }},
    {"cyclic_exp_range",
     [](auto o) {
       return mt::cyclic_lr(o, {.base_lr = {0.01},
                                .max_lr = {0.1},
                                .step_size_up = 5,
                                .mode = mt::CyclicMode::kExpRange,
                                .gamma = 0.97});
     }},
    {"one_cycle", [](auto o) { return mt::one_cycle_lr(o, {.max_lr = {0.3}, .total_steps = 40}); }},
    {"one_cycle_linear",
     [](auto o) {
       return mt::one_cycle_lr(
           o, {.max_lr = {0.3}, .total_steps = 40, .linear = true, .three_phase = true});
     }},
    {"plateau", [](auto o) { return mt::reduce_lr_on_plateau(o, {.patience = 2, .cooldown = 3}); }},
    {"plateau_max",
     [](auto o) {
       return mt::reduce_lr_on_plateau(o, {.max_mode = true,
                                           .factor = 0.5,
                                           .patience = 1,
                                           .threshold = 0.1,
                                           .absolute = true,
                                           .min_lr = {0.01}});
     }},
    {"swa",
     [](auto o) {
       return mt::swa_lr(o, {{0.05}, 5});
     }},
    {"swa_linear",
     [](auto o) {
       return mt::swa_lr(o, {{0.05}, 5, true});
     }},
    {"chained",
     [](auto o) {
       return mt::chained_scheduler({mt::constant_lr(o, 0.1, 3), mt::exponential_lr(o, 0.9)});
     }},
    {"sequential",
     [](auto o) {
       return mt::sequential_lr(
           o, {mt::linear_lr(o, {0.1, 1.0, 5}), mt::cosine_annealing_lr(o, 10), mt::step_lr(o, 2)},
           kParts);
     }},
};

void advance(const std::string& name, const SchedulerRef& s, int step) {
  if (name.starts_with("plateau")) {
    s->step_metric(1.0 / (1 + std::min(step, 6) + step % 3));
  } else {
    s->step();
  }
}

TEST(Scheduler, RatesArePyTorchs) {
  const auto golden = golden_lines("schedulers.txt");
  EXPECT_EQ(golden.size(), kMakers.size());
  for (const auto& [name, make] : kMakers) {
    const OptimizerRef o = two_groups();
    const SchedulerRef s = make(o);
    const auto want = numbers_of(golden.at(name));
    ASSERT_EQ(want.size(), 160u);
    for (size_t step = 0; step < 40; ++step) {
      for (size_t g = 0; g < 2; ++g) {
        ASSERT_EQ(o->option(g, "lr"), want[step * 4 + g * 2]) << name << " " << step;
        ASSERT_EQ(o->option(g, "momentum"), want[step * 4 + g * 2 + 1]) << name << " " << step;
      }
      advance(name, s, static_cast<int>(step));
    }
  }
}

TEST(Scheduler, GoesOnFromItsState) {
  for (const auto& [name, make] : kMakers) {
    const OptimizerRef a = two_groups(), b = two_groups();
    const SchedulerRef first = make(a), second = make(b);
    for (int step = 0; step < 13; ++step) advance(name, first, step);
    b->load_state_dict(a->state_dict());
    second->load_state_dict(first->state_dict());
    for (int step = 13; step < 30; ++step) {
      advance(name, first, step);
      advance(name, second, step);
      EXPECT_EQ(a->option(1, "lr"), b->option(1, "lr")) << name;
      EXPECT_EQ(a->option(0, "momentum"), b->option(0, "momentum")) << name;
    }
  }
}

TEST(Scheduler, BadStateChangesNothing) {
  const OptimizerRef o = two_groups();
  const SchedulerRef s = mt::step_lr(o, 3);
  const auto refuse = [&](Status status, const char* name, const Tensor& t) {
    error_of(status, [&] { s->load_state_dict({{"gamma", values({}, {9})}, {name, t}}); });
    EXPECT_EQ(s->state_dict()[1].second.item().to_double(), 0.1);
  };
  refuse(Status::kKey, "T_max", values({}, {1}));
  refuse(Status::kShape, "base_lrs", values({3}, {1, 2, 3}));
  refuse(Status::kShape, "last_epoch", values({2}, {1, 2}));
  refuse(Status::kInvalidArgument, "last_epoch", values({}, {INFINITY}));
  refuse(Status::kNullArgument, "last_epoch", Tensor());
}

TEST(Scheduler, FailedStepLeavesTheEpoch) {
  const OptimizerRef o = two_groups();
  const SchedulerRef s = mt::lambda_lr(o, [](int64_t e, size_t) -> double {
    if (e == 2) mt::fail(Status::kCallback, "no");
    return 0.5;
  });
  s->step();
  error_of(Status::kCallback, [&] { s->step(); });
  EXPECT_EQ(s->last_epoch(), 1);
  EXPECT_EQ(o->option(0, "lr"), 0.05);
  EXPECT_EQ(error_of(Status::kInvalidArgument, [&] { mt::constant_lr(o, 0, 1)->step(); }),
            "ConstantLR: division by zero: 1 / 0 in the schedule: its options make the rate "
            "undefined at this epoch");
}

// A rate that ends a little below zero, as recursive forms may, is no obstacle to going on.
TEST(Scheduler, ARateBelowZeroCanBeSaved) {
  const OptimizerRef o = two_groups();
  const SchedulerRef s = mt::lambda_lr(o, [](int64_t e, size_t) { return e ? -1e-20 : 1.0; });
  s->step();
  EXPECT_LT(o->option(0, "lr"), 0);
  two_groups()->load_state_dict(o->state_dict());
  o->set_option(0, "momentum", 0.5);
  error_of(Status::kInvalidArgument, [&] { o->set_option(0, "lr", -1); });
}

}  // namespace
