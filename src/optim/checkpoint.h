// Checkpoints: all that a training run needs to go on as if it had never stopped, in one
// safetensors file that is replaced in one step.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"
#include "io/safetensors.h"
#include "nn/module.h"
#include "optim/lr_scheduler.h"

namespace mt {

// What is saved, and on loading filled in. The entries of the file are "model.<key>",
// "optimizer.<i>.<key>", "scheduler.<i>.<key>", "generator.<i>", "rng_state" (the process's
// generator), "epoch", "step" and "user.<name>".
struct Checkpoint {
  Module* model = nullptr;
  std::vector<Optimizer*> optimizers;
  std::vector<Scheduler*> schedulers;
  std::vector<Generator*> generators;
  bool rng_state = true;
  int64_t epoch = 0, step = 0;
  NamedTensors tensors;  // the program's own
  StringMap metadata;    // also its own; keys do not start with "minitorch."
};

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);

// Fills in the parts that are given; parts of the file that are not asked for are passed over.
// On any error nothing is changed.
void load_checkpoint(const std::string& path, Checkpoint& checkpoint);

}  // namespace mt
