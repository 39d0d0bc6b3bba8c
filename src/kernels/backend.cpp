// The kernel tables of all devices and the names used in their errors.
#include "kernels/backend.h"

#include <hwy/targets.h>

#include "kernels/fft.h"
#include "kernels/sort.h"
#include "kernels/special.h"
#include "kernels/window.h"
#include "kernels/linalg.h"

namespace mt {
namespace {

constexpr std::string_view kNames[] = {
#define MT_ELEMENTWISE(id, name) name,
#include "kernels/elementwise_ops.h"
#undef MT_ELEMENTWISE
};

void fill_cpu(Backend& b) {
  cpu::fill_unary(b);
  cpu::fill_binary(b);
  cpu::fill_fused(b);
  cpu::fill_copy(b);
  cpu::fill_reduce(b);
  cpu::fill_scan(b);
  cpu::fill_gemm(b);
  cpu::fill_index(b);
  cpu::fill_index_copy(b);
  cpu::fill_complex(b);
  cpu::fill_complex_lines(b);
  cpu::fill_optim(b);
  cpu::fill_cumulative(b);
  cpu::fill_loss_slopes(b);
  cpu::fill_loss_sums(b);
  cpu::fill_barebones(b);
  b.window = cpu::window_kernels();
  cpu::fill_special(b);
  b.sort = cpu::sort_kernels();
  b.linalg = cpu::linalg_kernels();
  b.fft = cpu::fft_kernels();
}

Backend& cpu_table() {
  static Backend table = [] {
    Backend b{};
    fill_cpu(b);
    return b;
  }();
  return table;
}

constexpr Backend kEmpty{};

}  // namespace

std::string_view elementwise_name(Elementwise op) { return kNames[static_cast<int>(op)]; }

const Backend& backend(Device device) { return device == Device::kCPU ? cpu_table() : kEmpty; }

namespace cpu {
void rebuild(int64_t highway_targets) {
  Backend& table = cpu_table();
  hwy::SetSupportedTargetsForTest(highway_targets);
  fill_cpu(table);
}
}  // namespace cpu

}  // namespace mt
