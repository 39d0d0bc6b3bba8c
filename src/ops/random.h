// Random tensors. The same seed draws the same values as PyTorch on CPU, whatever the number of
// threads. Draws come from `generator`, or from default_generator() when it is null; on meta
// nothing is drawn. In-place fills draw in self's memory order and give no gradient to what was
// there.
#pragma once

#include <optional>

#include "core/random.h"
#include "core/tensor.h"

namespace mt {

// --- new tensors ----------------------------------------------------------------------------
// Uniform on [0, 1) and standard normal, of floating dtypes.
Tensor rand(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU,
            Generator* generator = nullptr);
Tensor randn(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU,
             Generator* generator = nullptr);
// Integers of [low, high).
Tensor randint(int64_t low, int64_t high, IntSpan sizes, DType dtype = DType::kInt64,
               Device device = Device::kCPU, Generator* generator = nullptr);
// A permutation of 0 .. n - 1.
Tensor randperm(int64_t n, DType dtype = DType::kInt64, Device device = Device::kCPU,
                Generator* generator = nullptr);
Tensor rand_like(const Tensor& self, std::optional<DType> dtype = {},
                 std::optional<Device> device = {}, Generator* generator = nullptr);
Tensor randn_like(const Tensor& self, std::optional<DType> dtype = {},
                  std::optional<Device> device = {}, Generator* generator = nullptr);
Tensor randint_like(const Tensor& self, int64_t low, int64_t high, std::optional<DType> dtype = {},
                    std::optional<Device> device = {}, Generator* generator = nullptr);
// Normal with a mean and standard deviation per element (tensors of a floating dtype broadcast;
// numbers are Tensor::from_scalar). The result has the dtype of mean, or of std when mean is a
// number. No gradient.
Tensor normal(const Tensor& mean, const Tensor& std, Generator* generator = nullptr);
Tensor normal(double mean, double std, IntSpan sizes, DType dtype = default_dtype(),
              Device device = Device::kCPU, Generator* generator = nullptr);
// 1 with the probability that the element of self says, else 0; of self's dtype. No gradient.
Tensor bernoulli(const Tensor& self, Generator* generator = nullptr);
// The same with one probability; self gives shape and dtype.
Tensor bernoulli(const Tensor& self, double p, Generator* generator = nullptr);

// --- in-place fills -------------------------------------------------------------------------
const Tensor& uniform_(const Tensor& self, double from = 0, double to = 1,
                       Generator* generator = nullptr);
const Tensor& normal_(const Tensor& self, double mean = 0, double std = 1,
                      Generator* generator = nullptr);
const Tensor& log_normal_(const Tensor& self, double mean = 1, double std = 2,
                          Generator* generator = nullptr);
const Tensor& cauchy_(const Tensor& self, double median = 0, double sigma = 1,
                      Generator* generator = nullptr);
const Tensor& exponential_(const Tensor& self, double lambda = 1, Generator* generator = nullptr);
const Tensor& geometric_(const Tensor& self, double p, Generator* generator = nullptr);
const Tensor& bernoulli_(const Tensor& self, double p = 0.5, Generator* generator = nullptr);
// A probability per element; p broadcasts to self.
const Tensor& bernoulli_(const Tensor& self, const Tensor& p, Generator* generator = nullptr);
// All values of the dtype from 0 on, or integers of [from, to), or of [0, to).
const Tensor& random_(const Tensor& self, Generator* generator = nullptr);
const Tensor& random_(const Tensor& self, int64_t from, std::optional<int64_t> to,
                      Generator* generator = nullptr);

// --- choices ----------------------------------------------------------------------------------
// Indices (int64) of categories, drawn with the probabilities of self, (n) or (rows, n), of any
// positive sum. Without replacement no index of a row comes twice.
Tensor multinomial(const Tensor& self, int64_t num_samples, bool replacement = false,
                   Generator* generator = nullptr);
// A sample of the Gumbel-softmax distribution; `hard`: one-hot, with the soft sample's gradient.
Tensor gumbel_softmax(const Tensor& logits, double tau = 1, bool hard = false, int64_t dim = -1,
                      Generator* generator = nullptr);

// --- dropout --------------------------------------------------------------------------------
// In training: each value is zero with probability p, else divided by 1 - p; otherwise self. Draws
// nothing when p is 0 or 1. kInvalidArgument unless p is in [0, 1].
Tensor dropout(const Tensor& self, double p = 0.5, bool training = true,
               Generator* generator = nullptr);
const Tensor& dropout_(const Tensor& self, double p = 0.5, bool training = true,
                       Generator* generator = nullptr);
// dropout1d, 2d and 3d: whole channels (dims 0 and 1 of self) are dropped.
Tensor feature_dropout(const Tensor& self, double p = 0.5, bool training = true,
                       Generator* generator = nullptr);
// For SELU networks: keeps mean and variance; dropped values become SELU's lower limit.
Tensor alpha_dropout(const Tensor& self, double p = 0.5, bool training = true,
                     Generator* generator = nullptr);
Tensor feature_alpha_dropout(const Tensor& self, double p = 0.5, bool training = true,
                             Generator* generator = nullptr);

}  // namespace mt
