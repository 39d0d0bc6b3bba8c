// Where nodes were recorded, for anomaly mode's messages.
#include "autograd/anomaly.h"

#include <mutex>
#include <unordered_map>
#include <utility>

#include "autograd/engine.h"
#include "core/error.h"

namespace mt {
namespace {

std::mutex g_mutex;
Ref<TraceSource>& source() {
  static Ref<TraceSource> s;
  return s;
}
// Beside the nodes, so that they are no larger for a mode that is rarely on.
std::unordered_map<const Node*, std::string>& origins() {
  static auto* map = new std::unordered_map<const Node*, std::string>;  // outlives every node
  return *map;
}
std::atomic<bool> g_check_nan{true};
thread_local const Node* t_running = nullptr;

}  // namespace

std::atomic<bool> g_anomaly_mode{false};
std::atomic<int64_t> g_known_origins{0};

bool anomaly_checks_nan() { return anomaly_mode() && g_check_nan.load(std::memory_order_relaxed); }

void set_anomaly_mode(bool enabled, bool check_nan, Ref<TraceSource> trace) {
  {
    std::lock_guard lock(g_mutex);
    std::swap(source(), trace);  // the old one goes outside the lock: that may call the host
    g_check_nan.store(check_nan);
    g_anomaly_mode.store(enabled);
  }
}

void note_origin(const Node& node) {
  Ref<TraceSource> from;
  {
    std::lock_guard lock(g_mutex);
    from = source();
  }
  std::string text = from ? from->here() : std::string();
  if (t_running) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += cat("in the backward of ", t_running->display_name(), origin_text(*t_running));
  }
  if (text.empty()) return;
  std::lock_guard lock(g_mutex);
  origins().insert_or_assign(&node, std::move(text));
  g_known_origins.store(static_cast<int64_t>(origins().size()), std::memory_order_relaxed);
}

void forget_origin(const Node& node) noexcept {
  std::lock_guard lock(g_mutex);
  origins().erase(&node);
  g_known_origins.store(static_cast<int64_t>(origins().size()), std::memory_order_relaxed);
}

std::string origin_text(const Node& node) {
  std::lock_guard lock(g_mutex);
  const auto at = origins().find(&node);
  return at == origins().end() ? std::string() : cat("; recorded at:\n", at->second);
}

void run_watched(const Node& node, Grads& grads, const std::function<void()>& rule) {
  struct Running {  // nodes made meanwhile on this thread were made by this node's backward
    const Node* before;
    ~Running() { t_running = before; }
  } running{std::exchange(t_running, &node)};
  try {
    rule();
  } catch (const Error& e) {
    throw Error(e.status(),
                cat(e.message(), "; in the backward of ", node.display_name(), origin_text(node)));
  }
  for (int i = 0; i < grads.size() && anomaly_checks_nan(); ++i) {
    if (!grads[i].defined() || !kGradMath.has_nan(grads[i])) continue;
    fail(Status::kAutograd, "backward: NaN gradient: Function '", node.display_name(),
         "' returned nan values in its ", i, "th output, the gradient of input ", i, " of shape ",
         shape_string(grads[i].sizes()), ": no gradient may be NaN in anomaly mode",
         origin_text(node));
  }
}

}  // namespace mt
