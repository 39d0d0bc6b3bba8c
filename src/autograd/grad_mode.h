// Whether ops record gradients, per thread.
#pragma once

#include "core/memory.h"

namespace mt {

inline bool grad_enabled() { return thread_state().grad_enabled; }

// Sets the mode for the life of the guard.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(thread_state().grad_enabled) {
    thread_state().grad_enabled = enabled;
  }
  ~GradMode() { thread_state().grad_enabled = before_; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

}  // namespace mt
