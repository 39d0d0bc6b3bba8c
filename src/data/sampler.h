// Samplers: the order in which samples are taken, drawn as PyTorch draws it, and only as far as it
// is asked for, so that other draws from the same generator fall in their places.
// Thread rule: a sampler does not change; a stream is for one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/random.h"
#include "core/ref.h"
#include "core/tensor.h"

namespace mt::data {

// The order of one epoch.
class IndexStream {
 public:
  virtual ~IndexStream() = default;
  // The next indices, at least one, or the next batch of a sampler of batches; false at the end.
  virtual bool next(std::vector<int64_t>& out) = 0;
};

class Sampler : public RefCounted {
 public:
  static void destroy(Sampler* s) { delete s; }
  virtual ~Sampler() = default;
  virtual std::unique_ptr<IndexStream> begin() const = 0;
  virtual int64_t size() const { return -1; }  // how many indices or batches; -1: not known
  virtual bool of_batches() const { return false; }
};
using SamplerRef = Ref<Sampler>;
using GeneratorPtr = std::shared_ptr<Generator>;  // null: as said at each sampler

SamplerRef sequential_sampler(int64_t size);
// Null: a new generator for each epoch, seeded by a draw from the default one.
SamplerRef random_sampler(int64_t size, bool replacement, int64_t num_samples,
                          GeneratorPtr generator);
// Null: the default generator.
SamplerRef subset_random_sampler(std::vector<int64_t> indices, GeneratorPtr generator);
SamplerRef weighted_random_sampler(std::vector<double> weights, int64_t num_samples,
                                   bool replacement, GeneratorPtr generator);
SamplerRef batch_sampler(SamplerRef base, int64_t batch_size, bool drop_last);
// The function gives int64 indices (n,).
SamplerRef custom_sampler(std::function<Tensor()> function);

// All of one epoch.
std::vector<int64_t> sampler_indices(const Sampler& s);

}  // namespace mt::data
