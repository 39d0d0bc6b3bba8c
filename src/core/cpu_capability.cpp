// Reads MINITORCH_CPU_CAPABILITY once, when the library is loaded, and limits Highway's dispatch.
#include "core/cpu_capability.h"

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mt {
namespace {

std::string name_of(int64_t target) {
  if (target == HWY_STATIC_TARGET) return "default";
  std::string name = hwy::TargetName(target);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

// Highway's targets are bits, a lower one being the better. A name that this build does not know
// limits nothing, as a set that the processor lacks means the best one below it.
void limit_to(std::string_view wanted) {
  if (wanted == "avx512") wanted = "avx3";  // PyTorch's name for it
  for (int64_t left = HWY_TARGETS; left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    if (wanted == name_of(target)) return hwy::DisableTargets(target - 1);
  }
}

struct ReadAtLoad {
  ReadAtLoad() {
    if (const char* wanted = std::getenv("MINITORCH_CPU_CAPABILITY")) limit_to(wanted);
  }
};
const ReadAtLoad g_read_at_load;

}  // namespace

const char* cpu_capability() {
  static const std::string name = [] {
    const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
    return name_of(usable & -usable);
  }();
  return name.c_str();
}

}  // namespace mt
