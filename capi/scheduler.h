// What the C functions of schedulers share.
#pragma once

#include "capi/guard.h"
#include "optim/lr_scheduler.h"

#include "minitorch/minitorch.h"

namespace mt::capi {

OptimizerRef optimizer_of(Call& c, const mt_optimizer* optimizer);
mt_scheduler* new_scheduler(const Call& c, SchedulerRef s);

}  // namespace mt::capi
