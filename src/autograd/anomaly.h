// Anomaly mode (torch.autograd.detect_anomaly): nodes remember where they were recorded, and
// backward fails at the first rule that gives a NaN gradient, naming the forward op and that place.
// Process-wide, as in PyTorch; switching it must not overlap with other calls.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "autograd/node.h"

namespace mt {

// Tells where the host program is, such as its call stack; asked once a node, on its thread.
class TraceSource : public RefCounted {
 public:
  virtual ~TraceSource() = default;
  static void destroy(TraceSource* t) { delete t; }
  virtual std::string here() = 0;
};

extern std::atomic<bool> g_anomaly_mode;
inline bool anomaly_mode() { return g_anomaly_mode.load(std::memory_order_relaxed); }
bool anomaly_checks_nan();
// `trace` may be null: then only the op is named.
void set_anomaly_mode(bool enabled, bool check_nan, Ref<TraceSource> trace);

// Called for each node made in this mode, and for each that goes while any origin is known.
void note_origin(const Node& node);
void forget_origin(const Node& node) noexcept;
extern std::atomic<int64_t> g_known_origins;
// "; recorded at:\n..." or nothing.
std::string origin_text(const Node& node);

// Runs `rule`, which computes the node's gradients into `grads`: its failures say where the forward
// op was recorded, and a NaN gradient is one.
void run_watched(const Node& node, Grads& grads, const std::function<void()>& rule);

}  // namespace mt
