// The table of kernels of one device. Ops look kernels up here and nowhere else; a null entry is
// the generic error "<op>: not implemented for device .., dtype ..". A new device fills one table.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/tensor.h"
#include "kernels/iter.h"

namespace mt {

enum class Elementwise : uint8_t {
#define MT_ELEMENTWISE(id, name) id,
#include "kernels/elementwise_ops.h"
#undef MT_ELEMENTWISE
  kCount
};
std::string_view elementwise_name(Elementwise op);

// Reductions see the input as contiguous [outer, n, inner] and write contiguous [outer, inner].
enum class Reduce : uint8_t {
  kSum,  // output dtype = input dtype (ops cast integers to int64 first)
  kProd,
  kAmax,  // NaN wins
  kAmin,
  kArgmax,  // output int64, first of equals, NaN wins
  kArgmin,
  kAny,  // output bool
  kAll,
  kVar,  // sum of squared deviations / max(0, n - f[0]); NaN for a zero divisor's 0/0
  kCount
};

// Maps along n of contiguous [outer, n, inner], output of the same shape.
enum class Scan : uint8_t {
  kSoftmax,             // x
  kLogSoftmax,          // x
  kSoftmaxBackward,     // g, softmax(x)
  kLogSoftmaxBackward,  // g, log_softmax(x)
  kCumsum,              // running sums; also for int64
  kReverseCumsum,       // from the end
  kCount
};

// Losses of pairs, summed in one pass over flat, contiguous x and y of n elements:
// out[0] = sum of loss(x - y) / f[0].
enum class PairLoss : uint8_t {
  kMse,
  kL1,
  kSmoothL1,  // beta in f[1]
  kHuber,     // delta in f[1]
  kCount
};

// Numbers a kernel takes beside its operands; meaning given per kernel.
struct Params {
  double f[4] = {0, 0, 0, 0};
  int64_t i[4] = {0, 0, 0, 0};
};

using ElementwiseKernel = void (*)(const Iter& it, const Params& p);
using ReduceKernel = void (*)(const void* in, void* out, int64_t outer, int64_t n, int64_t inner,
                              const Params& p);
using ScanKernel = void (*)(const void* a, const void* b, void* out, int64_t outer, int64_t n,
                            int64_t inner);

using PairLossKernel = void (*)(const void* x, const void* y, void* out, int64_t n,
                                const Params& p);

// Negative log likelihood of contiguous log-probabilities [n, c, s] at int64 targets [n, s], and
// cross entropy of logits, s = 1. Targets lie in [0, c) or are ignore_index.
struct NllArgs {
  const void* x;
  const int64_t* target;
  const void* weight;  // c values, or null for ones
  int64_t n, c, s, ignore_index;
  double* stats;  // cross entropy: [n, 2], each row's maximum and log(sum(exp(x - maximum)))
  void* loss;     // forward: [n, s], or null when the sums alone are wanted
  // Backward: d loss / d x into out, scale * grad being the gradient of each loss.
  const void* grad = nullptr;
  int64_t grad_stride = 0;  // 1 for [n, s], 0 for one value
  double scale = 1;
  void* out = nullptr;
};
struct NllSums {
  double loss, weight;
};
using NllKernel = NllSums (*)(const NllArgs& args);
using NllBackwardKernel = void (*)(const NllArgs& args);

// C = alpha * op(A) op(B) + beta * C, row-major, `batch` times with the given strides (elements).
struct GemmArgs {
  bool trans_a, trans_b;
  int64_t m, n, k;
  double alpha, beta;
  const void* a;
  int64_t lda;
  const void* b;
  int64_t ldb;
  void* c;
  int64_t ldc;
  int64_t batch = 1, stride_a = 0, stride_b = 0, stride_c = 0;
};
using GemmKernel = void (*)(const GemmArgs& args);

// Indexed copies on contiguous [outer, n, inner] with int64 indices, bounds checked by the op.
// gather: out[o, j, i] = in[o, index[o, j, i], i]; scatter_add the reverse, adding.
// index_select: out[o, j, i] = in[o, index[j], i]; index_add the reverse, adding.
// scatter and index_copy are scatter_add and index_add that overwrite; the last write wins.
struct IndexArgs {
  const void* in;
  void* out;
  const int64_t* index;
  int64_t outer, n_in, n_out, inner;  // n_in of `in`, n_out of `out`
};
using IndexKernel = void (*)(const IndexArgs& args);

// One optimizer step over flat, contiguous buffers of n elements of one dtype.
struct SgdArgs {
  void* param;
  const void* grad;
  void* momentum_buffer;  // null without momentum
  int64_t n;
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first_step;  // first_step: the buffer is set to the gradient
};
struct AdamArgs {
  void* param;
  const void* grad;
  void *exp_avg, *exp_avg_sq, *max_exp_avg_sq;  // the last null without amsgrad
  int64_t n, step;                              // step counts from 1
  double lr, beta1, beta2, eps, weight_decay;
  bool amsgrad, maximize, decoupled;  // decoupled: AdamW's weight decay
};

// Groups of kernels with tables of their own, each declared in kernels/<group>.h.
struct SpecialKernels;  // special functions, element by element
struct SortKernels;     // sorting and searching
struct WindowKernels;   // convolution, pooling, interpolation
struct LinalgKernels;   // factorisations
struct FftKernels;      // Fourier transforms

struct Backend {
  ElementwiseKernel elementwise[static_cast<int>(Elementwise::kCount)][kNumDTypes];
  ElementwiseKernel cast[kNumDTypes][kNumDTypes];  // [from][to], strided copy with conversion
  ElementwiseKernel fill[kNumDTypes];  // f[0] (+ f[1] i if complex) or, for integers and bool, i[0]
  ElementwiseKernel range[kNumDTypes];  // out[i] = start + step * i; f[0], f[1] or i[0], i[1]
  ReduceKernel reduce[static_cast<int>(Reduce::kCount)][kNumDTypes];
  ScanKernel scan[static_cast<int>(Scan::kCount)][kNumDTypes];
  PairLossKernel pair_loss[static_cast<int>(PairLoss::kCount)][kNumDTypes];
  NllKernel nll[kNumDTypes], cross_entropy[kNumDTypes];
  NllBackwardKernel nll_backward[kNumDTypes], cross_entropy_backward[kNumDTypes];
  GemmKernel gemm[kNumDTypes];
  IndexKernel gather[kNumDTypes], scatter_add[kNumDTypes], index_select[kNumDTypes],
      index_add[kNumDTypes], scatter[kNumDTypes], index_copy[kNumDTypes];
  void (*sgd[kNumDTypes])(const SgdArgs&);
  void (*adam[kNumDTypes])(const AdamArgs&);
  const SpecialKernels* special;
  const SortKernels* sort;
  const WindowKernels* window;
  const LinalgKernels* linalg;
  const FftKernels* fft;
};

// The filled table of a device; meta's is all null. Thread-safe, built at first use.
const Backend& backend(Device device);

// Filled by kernels/cpu/*.cpp, each for the best SIMD target of this machine.
namespace cpu {
void fill_unary(Backend& b);
void fill_binary(Backend& b);
void fill_fused(Backend& b);  // where, addcmul, slopes, losses
void fill_copy(Backend& b);   // cast, fill, range
void fill_reduce(Backend& b);
void fill_scan(Backend& b);
void fill_gemm(Backend& b);
void fill_index(Backend& b);
void fill_index_copy(Backend& b);
// uint16, uint32 and uint64. After the others: much is done by the signed dtypes' kernels.
void fill_barebones(Backend& b);
void fill_complex(Backend& b);        // complex numbers, element by element
void fill_complex_lines(Backend& b);  // their sums, products and matrix products
void fill_optim(Backend& b);
void fill_cumulative(Backend& b);   // running sums
void fill_loss_slopes(Backend& b);  // smooth l1, huber and what goes with them, element by element
void fill_loss_sums(Backend& b);    // losses that reduce: pairs, nll, cross entropy
// Fills the table anew for the best of the given Highway targets (bit mask); for tests.
void rebuild(int64_t highway_targets);
}  // namespace cpu

}  // namespace mt
