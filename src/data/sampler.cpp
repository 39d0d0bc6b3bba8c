// Samplers: see sampler.h. What each draws, and when, is what torch.utils.data's samplers draw.
#include "data/sampler.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "kernels/random.h"
#include "ops/common.h"
#include "ops/random.h"

namespace mt::data {
namespace {

// A stream made of a function that gives chunk after chunk; an empty one is skipped.
class Chunks final : public IndexStream {
 public:
  // False: there is no chunk any more.
  using Function = std::function<bool(std::vector<int64_t>&)>;
  explicit Chunks(Function f) : f_(std::move(f)) {}
  bool next(std::vector<int64_t>& out) override {
    do {
      out.clear();
      if (!f_(out)) return false;
    } while (out.empty());
    return true;
  }

 private:
  Function f_;
};

class SimpleSampler final : public Sampler {
 public:
  using Begin = std::function<Chunks::Function()>;
  SimpleSampler(int64_t size, Begin begin) : size_(size), begin_(std::move(begin)) {}
  std::unique_ptr<IndexStream> begin() const override { return std::make_unique<Chunks>(begin_()); }
  int64_t size() const override { return size_; }

 private:
  int64_t size_;
  Begin begin_;
};

SamplerRef make(int64_t size, SimpleSampler::Begin begin) {
  return SamplerRef::adopt(new SimpleSampler(size, std::move(begin)));
}

// One chunk, drawn when it is asked for.
SimpleSampler::Begin once(std::function<void(std::vector<int64_t>&)> fill) {
  return [fill = std::move(fill)]() -> Chunks::Function {
    return [fill, done = false](std::vector<int64_t>& out) mutable {
      if (done) return false;
      done = true;
      fill(out);
      return true;
    };
  };
}

Generator& chosen(const GeneratorPtr& g) { return g ? *g : default_generator(); }

void check_count(std::string_view what, int64_t n) {
  if (n > 0 && n <= (int64_t{1} << 40)) return;
  fail(Status::kInvalidArgument, what, " ", n, ": must be a positive number");
}

void randperm(int64_t n, std::vector<int64_t>& out, Generator& g) {
  out.resize(static_cast<size_t>(n));
  fill_randperm(DType::kInt64, out.data(), n, g);
}

// What a random sampler has drawn so far.
struct RandomState {
  GeneratorPtr generator;
  int64_t chunk = 0;
};

bool draw_chunk(RandomState& s, int64_t size, bool replacement, int64_t count,
                std::vector<int64_t>& out) {
  if (!s.generator) {
    int64_t seed;
    fill_random(DType::kInt64, &seed, 1, default_generator());
    s.generator = std::make_shared<Generator>(static_cast<uint64_t>(seed));
  }
  const int64_t whole = replacement ? 32 : size;  // PyTorch draws these many at once
  const int64_t chunk = s.chunk++;
  if (chunk > count / whole) return false;
  const bool last = chunk == count / whole;
  const int64_t n = last ? count % whole : whole;
  if (replacement) {
    out.resize(static_cast<size_t>(n));
    if (n) fill_random(DType::kInt64, out.data(), n, 0, size, *s.generator);
  } else {
    randperm(size, out, *s.generator);  // also when nothing of the last one is used
    out.resize(static_cast<size_t>(n));
  }
  return true;
}

class BatchSampler final : public Sampler {
 public:
  BatchSampler(SamplerRef base, int64_t batch_size, bool drop_last)
      : base_(std::move(base)), batch_size_(batch_size), drop_last_(drop_last) {}
  bool of_batches() const override { return true; }
  int64_t size() const override {
    const int64_t n = base_->size();
    if (n < 0) return -1;
    return drop_last_ ? n / batch_size_ : n / batch_size_ + (n % batch_size_ != 0);
  }
  std::unique_ptr<IndexStream> begin() const override {
    return std::make_unique<Stream>(base_->begin(), static_cast<size_t>(batch_size_), drop_last_);
  }

 private:
  class Stream final : public IndexStream {
   public:
    Stream(std::unique_ptr<IndexStream> base, size_t size, bool drop_last)
        : base_(std::move(base)), size_(size), drop_last_(drop_last) {}
    bool next(std::vector<int64_t>& out) override {
      out.clear();
      while (out.size() < size_) {
        if (at_ == chunk_.size()) {
          if (ended_) break;
          at_ = 0;
          chunk_.clear();
          if (!base_->next(chunk_)) {
            ended_ = true;
            chunk_.clear();
            break;
          }
        }
        const size_t n = std::min(size_ - out.size(), chunk_.size() - at_);
        const auto from = chunk_.begin() + static_cast<std::ptrdiff_t>(at_);
        out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(n));
        at_ += n;
      }
      return out.size() == size_ || (!out.empty() && !drop_last_);
    }

   private:
    std::unique_ptr<IndexStream> base_;
    size_t size_, at_ = 0;
    bool drop_last_, ended_ = false;
    std::vector<int64_t> chunk_;
  };

  SamplerRef base_;
  int64_t batch_size_;
  bool drop_last_;
};

}  // namespace

SamplerRef sequential_sampler(int64_t size) {
  if (size < 0) {
    fail(Status::kInvalidArgument, "sequential sampler: bad size: ", size,
         " given: must not be negative");
  }
  return make(size, [size]() -> Chunks::Function {
    return [size, at = int64_t{0}](std::vector<int64_t>& out) mutable {
      out.resize(static_cast<size_t>(std::min<int64_t>(4096, size - at)));
      std::iota(out.begin(), out.end(), at);
      at += static_cast<int64_t>(out.size());
      return !out.empty();
    };
  });
}

SamplerRef random_sampler(int64_t size, bool replacement, int64_t num_samples,
                          GeneratorPtr generator) {
  if (num_samples == 0) num_samples = size;
  check_count("random sampler: bad size: the data set's size is", size);
  check_count("random sampler: bad number of samples: num_samples is", num_samples);
  return make(num_samples, [=]() -> Chunks::Function {
    return [=, state = RandomState{generator}](std::vector<int64_t>& out) mutable {
      return draw_chunk(state, size, replacement, num_samples, out);
    };
  });
}

SamplerRef subset_random_sampler(std::vector<int64_t> indices, GeneratorPtr generator) {
  const auto n = static_cast<int64_t>(indices.size());
  return make(n, once([indices = std::move(indices), generator = std::move(generator),
                       n](std::vector<int64_t>& out) {
                randperm(n, out, chosen(generator));
                for (int64_t& i : out) i = indices[static_cast<size_t>(i)];
              }));
}

SamplerRef weighted_random_sampler(std::vector<double> weights, int64_t num_samples,
                                   bool replacement, GeneratorPtr generator) {
  check_count("weighted sampler: bad number of weights:", static_cast<int64_t>(weights.size()));
  check_count("weighted sampler: bad number of samples: num_samples is", num_samples);
  const Tensor w = Tensor::empty({{static_cast<int64_t>(weights.size())}}, DType::kFloat64);
  std::copy(weights.begin(), weights.end(), w.data_as<double>());
  return make(num_samples, once([=](std::vector<int64_t>& out) {
                const Tensor t = multinomial(w, num_samples, replacement, &chosen(generator));
                out.assign(t.data_as<int64_t>(), t.data_as<int64_t>() + t.numel());
              }));
}

SamplerRef batch_sampler(SamplerRef base, int64_t batch_size, bool drop_last) {
  if (base->of_batches()) {
    fail(Status::kInvalidArgument,
         "batch sampler: nested: the sampler makes batches already: must be one of indices");
  }
  check_count("batch sampler: bad batch size: batch_size is", batch_size);
  return SamplerRef::adopt(new BatchSampler(std::move(base), batch_size, drop_last));
}

SamplerRef custom_sampler(std::function<Tensor()> function) {
  return make(-1, once([function = std::move(function)](std::vector<int64_t>& out) {
    const Tensor given = function();
    if (given.dtype() != DType::kInt64 || given.dim() != 1 || given.is_meta()) {
      fail(Status::kCallback, "sampler: bad indices: ", dtype_name(given.dtype()), " ",
           shape_string(given.sizes()), " given: must be int64 (n,) on cpu");
    }
    const Tensor t = contiguous_values(given);
    out.assign(t.data_as<int64_t>(), t.data_as<int64_t>() + t.numel());
  }));
}

std::vector<int64_t> sampler_indices(const Sampler& s) {
  std::vector<int64_t> all, chunk;
  const auto stream = s.begin();
  while (stream->next(chunk)) all.insert(all.end(), chunk.begin(), chunk.end());
  return all;
}

}  // namespace mt::data
