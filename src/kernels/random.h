// Random fills of contiguous buffers, bit for bit those of PyTorch 1.13's CPU kernels (the build
// without MKL, on a machine with AVX2 and FMA). No Tensor here: ops and modules call these.
//
// Every fill locks the generator for its whole length, checks its arguments before the first draw
// (a failed call draws nothing and writes nothing) and works for n == 0, which draws nothing. The
// bits do not depend on the SIMD target in use nor on the number of threads. Float64 normals, and
// the distributions that are computed in double (exponential, cauchy, log_normal, and geometric),
// take log, sin, cos, tan and exp from the C library, as PyTorch does.
//
// What PyTorch draws, for the authors of ops and modules
//
// - rand: fill_uniform(0, 1). randn: fill_normal(0, 1). randint(low, high): fill_random(low, high).
//   bernoulli(p tensor): fill_bernoulli with p's dtype. rand_like etc. allocate like their input.
// - Order over a destination that is not contiguous: all in-place fills draw in memory order, that
//   is with the dims sorted so that the largest stride is outermost (a transposed dense tensor is
//   filled as its memory lies; a[:, ::2] as its rows). So: fill a contiguous scratch buffer of the
//   sorted shape, then copy it over. normal_ must then pass contiguous = false, which selects the
//   serial derivation also for 16 and more elements; it is not the same stream.
// - dropout(x, p), training, 0 < p < 1: noise = contiguous in row-major order (not x's strides), of
//   x's dtype; noise.bernoulli_(1 - p), the probability computed in double; noise.div_(1 - p), one
//   division per element by (T)(1 - p), so that noise is 0 or T(1) / T(1 - p); result x * noise.
//   The gradient is grad * noise. p == 1 gives x * 0 and p == 0 gives x, neither draws.
//   dropout1d/2d/3d (feature dropout): the same with noise of shape (N, C, 1, ...).
// - alpha_dropout: a = 1 / sqrt((s * s * p + 1) * (1 - p)) in double, s = 1.7580993408473766;
//   noise.bernoulli_(1 - p); b = noise.add(-1).mul_(s * a).add_(s * a * p); result
//   x * (noise * a) + b.
// - Linear and Conv parameters: weight.uniform_(-w, w) and then, when there is a bias,
//   bias.uniform_(-b, b), the bounds in double: gain = sqrt(2 / (1 + s * s)) with s = sqrt(5),
//   w = sqrt(3) * (gain / sqrt(fan_in)), b = 1 / sqrt(fan_in). The two differ in the last bit for
//   some fan_in, so neither may stand for the other. fan_in 0: Linear draws its bias in [0, 0],
//   Conv leaves it unfilled. Embedding: weight.normal_(0, 1), then zero the row of padding_idx.
//   RNN, LSTM and GRU: uniform_(-k, k), k = 1 / sqrt(hidden_size), parameter by parameter.
// - init, all bounds in double. xavier_uniform_: sqrt(3) * (gain * sqrt(2 / (fan_in + fan_out)));
//   xavier_normal_: std gain * sqrt(2 / (fan_in + fan_out)); kaiming_normal_: std gain / sqrt(fan).
//   trunc_normal_: uniform_(2 * l - 1, 2 * u - 1), l and u being the normal CDF of the limits (by
//   erf, in double), then erfinv_, mul_(std * sqrt(2)), add_(mean), clamp_. sparse_: normal_(0,
//   std), then one randperm(rows) for each column. orthogonal_: normal_(0, 1) of (rows, cols).
// - DataLoader(shuffle=True) at the start of an epoch, from the loader's generator g or the default
//   one: first one random_() of an int64 (the base seed; also without shuffle). Then, at the first
//   batch, with g: randperm(n) of g; without: another random_() of an int64 seeds a new generator,
//   and randperm(n) is drawn from that. random_split: one randperm of the total length.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dtype.h"
#include "core/random.h"

namespace mt {

// uniform_: [from, to). Floating dtypes.
void fill_uniform(DType dtype, void* out, int64_t n, double from, double to, Generator& generator);

// normal_: two derivations. Contiguous destinations of 16 elements and more are filled with
// uniforms, which blocks of 16 turn into normals; when 16 does not divide n, 16 fresh uniforms
// become the last 16 elements. All others draw pairs in double, whose second value waits in the
// generator for the next such call (of any floating dtype). Floating dtypes.
void fill_normal(DType dtype, void* out, int64_t n, double mean, double std, Generator& generator,
                 bool contiguous = true);

// Floating dtypes. log_normal_ shares normal_'s pairs and the value that waits.
void fill_log_normal(DType dtype, void* out, int64_t n, double mean, double std,
                     Generator& generator);
void fill_cauchy(DType dtype, void* out, int64_t n, double median, double sigma,
                 Generator& generator);
void fill_exponential(DType dtype, void* out, int64_t n, double lambda, Generator& generator);

// geometric_: the number of trials up to the first success, 1, 2, .... All dtypes but bool.
void fill_geometric(DType dtype, void* out, int64_t n, double p, Generator& generator);

// bernoulli_: 1 with probability p, else 0. All dtypes. In the second form each element has its own
// probability, of a floating dtype; float64 probabilities take two words of the stream per element,
// the narrower ones take one.
void fill_bernoulli(DType dtype, void* out, int64_t n, double p, Generator& generator);
void fill_bernoulli(DType dtype, void* out, int64_t n, DType p_dtype, const void* p,
                    Generator& generator);

// random_(): all non-negative values of an integer dtype, 0 or 1 of bool, and the integers up to
// 2^(bits of the significand) of a floating one. All dtypes.
void fill_random(DType dtype, void* out, int64_t n, Generator& generator);

// random_(from, to): integers of [from, to); without `to`, up to the largest of the dtype. All
// dtypes; for floating ones the limits move inward to integers that the dtype can hold.
void fill_random(DType dtype, void* out, int64_t n, int64_t from, std::optional<int64_t> to,
                 Generator& generator);

// randperm: a permutation of 0 .. n - 1. All dtypes but bool that hold n - 1.
void fill_randperm(DType dtype, void* out, int64_t n, Generator& generator);

}  // namespace mt
