// Data sets made of tensors, of other data sets and of callbacks: see dataset.h.
#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/thread_scope.h"
#include "kernels/random.h"
#include "ops/join.h"
#include "ops/view.h"

namespace mt::data {
namespace {

class TensorDataset final : public Dataset {
 public:
  TensorDataset(std::vector<Tensor> tensors, std::vector<std::string> classes)
      : tensors_(std::move(tensors)), classes_(std::move(classes)) {}
  int64_t size() const override { return tensors_[0].size(0); }
  Sample get(int64_t index) const override {
    Sample s;
    s.reserve(tensors_.size());
    for (const Tensor& t : tensors_) s.push_back(select(t, 0, index));
    return s;
  }
  bool tensors(std::vector<Tensor>& out) const override {
    out = tensors_;
    return true;
  }
  bool classes(std::vector<std::string>& out) const override {
    out = classes_;
    return !classes_.empty();
  }
  bool targets(std::vector<int64_t>& out) const override {
    if (classes_.empty()) return false;
    const auto* p = tensors_[1].data_as<int64_t>();
    out.assign(p, p + tensors_[1].numel());
    return true;
  }

 private:
  std::vector<Tensor> tensors_;
  std::vector<std::string> classes_;
};

class ConcatDataset final : public Dataset {
 public:
  explicit ConcatDataset(std::vector<DatasetRef> list) : list_(std::move(list)) {}
  bool iterated() const override { return list_[0]->iterated(); }
  int64_t size() const override {
    int64_t n = 0;
    for (const DatasetRef& d : list_) n += d->size();
    return n;
  }
  Sample get(int64_t index) const override {
    for (const DatasetRef& d : list_) {
      const int64_t n = d->size();
      if (index < n) return d->get(index);
      index -= n;
    }
    fail(Status::kIndex, "concat: index out of range: the parts became smaller: must keep size");
  }
  std::unique_ptr<SampleStream> stream() const override { return std::make_unique<Chain>(list_); }

 private:
  // The parts may differ in what they do to samples, so that is done here.
  class Chain final : public SampleStream {
   public:
    explicit Chain(std::vector<DatasetRef> list) : list_(std::move(list)) {}
    bool next(Sample& out) override {
      for (; at_ < list_.size(); ++at_) {
        if (!stream_) stream_ = list_[at_]->stream();
        if (stream_->next(out)) {
          out = list_[at_]->finish(std::move(out));
          return true;
        }
        stream_.reset();
      }
      return false;
    }

   private:
    std::vector<DatasetRef> list_;
    size_t at_ = 0;
    std::unique_ptr<SampleStream> stream_;
  };

  std::vector<DatasetRef> list_;
};

class Subset final : public Derived {
 public:
  Subset(DatasetRef base, std::vector<int64_t> indices)
      : Derived(std::move(base)), indices_(std::move(indices)) {}
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Sample get(int64_t index) const override {
    return sample_at(*base_, indices_[static_cast<size_t>(index)]);
  }
  bool targets(std::vector<int64_t>& out) const override {
    std::vector<int64_t> all;
    return base_->targets(all) && pick(all, out);
  }
  bool paths(std::vector<std::string>& out) const override {
    std::vector<std::string> all;
    return base_->paths(all) && pick(all, out);
  }
  bool tensors(std::vector<Tensor>&) const override { return false; }

 private:
  template <class T>
  bool pick(const std::vector<T>& all, std::vector<T>& out) const {
    const auto n = static_cast<int64_t>(all.size());
    for (int64_t i : indices_) out.push_back(all[static_cast<size_t>(i < 0 ? i + n : i)]);
    return true;
  }
  std::vector<int64_t> indices_;
};

class MappedDataset final : public Derived {
 public:
  MappedDataset(DatasetRef base, FieldMap first, FieldMap second)
      : Derived(std::move(base)), maps_{std::move(first), std::move(second)} {}
  Sample get(int64_t index) const override { return map(base_->get(index)); }
  Sample finish(Sample s) const override { return map(base_->finish(std::move(s))); }

 private:
  Sample map(Sample s) const {
    for (size_t i = 0; i < 2; ++i) {
      if (!maps_[i]) continue;
      if (s.size() <= i) {
        fail(Status::kInvalidArgument, "transform: missing field: a sample of ", s.size(),
             " fields: must have an image first and a label second to transform them");
      }
      s[i] = maps_[i](s[i]);
    }
    return s;
  }
  FieldMap maps_[2];
};

class Custom final : public Dataset {
 public:
  explicit Custom(CustomDataset f) : f_(std::move(f)) {}
  bool iterated() const override { return static_cast<bool>(f_.next); }
  int64_t size() const override { return f_.size ? f_.size() : Dataset::size(); }
  Sample get(int64_t index) const override { return f_.get ? f_.get(index) : Dataset::get(index); }
  std::unique_ptr<SampleStream> stream() const override {
    if (!f_.next) return Dataset::stream();
    if (f_.start) f_.start();
    return std::make_unique<Stream>(f_.next);
  }

 private:
  class Stream final : public SampleStream {
   public:
    explicit Stream(const std::function<Sample()>& next) : next_(next) {}
    bool next(Sample& out) override {
      out = next_();
      return !out.empty();
    }

   private:
    const std::function<Sample()>& next_;  // of the data set, which the loader keeps
  };
  CustomDataset f_;
};

bool is_close_to_one(double v) { return std::fabs(v - 1) <= 1e-9 * std::max(std::fabs(v), 1.0); }

// splitmix64 (Steele, Lea and Flood 2014): every input gives another output.
uint64_t mix(uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

int64_t Dataset::size() const {
  fail(Status::kState, "dataset: no size: the data set is iterated: it can only be loaded");
}
Sample Dataset::get(int64_t) const {
  fail(Status::kState, "dataset: no index: the data set is iterated: it can only be loaded");
}
std::unique_ptr<SampleStream> Dataset::stream() const {
  fail(Status::kState, "dataset: not iterated: its samples are taken by index");
}

DatasetRef tensor_dataset(std::vector<Tensor> tensors, std::vector<std::string> classes) {
  if (tensors.empty()) {
    fail(Status::kInvalidArgument, "tensor dataset: no tensors: must have at least one");
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.dim() == 0 || t.size(0) != tensors[0].size(0)) {
      fail(Status::kShape, "tensor dataset: size mismatch: tensor 0 has shape ",
           shape_string(tensors[0].sizes()), ", tensor ", i, " ", shape_string(t.sizes()),
           ": the first dims must have one size");
    }
  }
  return DatasetRef::adopt(new TensorDataset(std::move(tensors), std::move(classes)));
}

DatasetRef concat_dataset(std::vector<DatasetRef> list) {
  if (list.empty()) {
    fail(Status::kInvalidArgument, "concat: no data sets: must have at least one");
  }
  for (const DatasetRef& d : list) {
    if (d->iterated() != list[0]->iterated()) {
      fail(
          Status::kInvalidArgument,
          "concat: mixed kinds: some data sets are by index, some are iterated: all must be alike");
    }
  }
  return DatasetRef::adopt(new ConcatDataset(std::move(list)));
}

DatasetRef subset(DatasetRef base, std::vector<int64_t> indices) {
  const int64_t n = base->size();
  for (int64_t i : indices) {
    if (i >= -n && i < n) continue;
    fail(Status::kIndex, "subset: index out of range: index ", i, " of a data set of ", n,
         ": must be in [", -n, ", ", n - 1, "]");
  }
  return DatasetRef::adopt(new Subset(std::move(base), std::move(indices)));
}

std::vector<DatasetRef> random_split(const DatasetRef& base, std::span<const double> lengths,
                                     Generator& generator) {
  const int64_t n = base->size();
  double sum = 0;
  for (double v : lengths) {
    if (!(v >= 0) || !std::isfinite(v)) {
      fail(Status::kInvalidArgument, "random_split: bad length: ", v,
           " given: must be a count or a share, and not negative");
    }
    sum += v;
  }
  std::vector<int64_t> counts;
  int64_t given = 0;
  const bool shares = is_close_to_one(sum) && sum <= 1;
  for (double v : lengths) {
    if (!shares && v != std::floor(v)) sum = -1;
    counts.push_back(
        v > static_cast<double>(n)
            ? n + 1
            : static_cast<int64_t>(shares ? std::floor(static_cast<double>(n) * v) : v));
    given += counts.back();
  }
  if (shares) {
    for (size_t i = 0; given < n; ++given, i = (i + 1) % counts.size()) ++counts[i];
  }
  if (given != n || sum < 0 || lengths.empty()) {
    fail(Status::kInvalidArgument, "random_split: bad lengths: a sum of ", given, " for ", n,
         " samples: must be whole numbers that add up to the size, or shares that add up to 1");
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  fill_randperm(DType::kInt64, order.data(), n, generator);
  std::vector<DatasetRef> parts;
  auto at = order.begin();
  for (int64_t count : counts) {
    parts.push_back(subset(base, std::vector<int64_t>(at, at + count)));
    at += count;
  }
  return parts;
}

DatasetRef mapped_dataset(DatasetRef base, FieldMap first, FieldMap second) {
  return DatasetRef::adopt(new MappedDataset(std::move(base), std::move(first), std::move(second)));
}

DatasetRef custom_dataset(CustomDataset functions) {
  return DatasetRef::adopt(new Custom(std::move(functions)));
}

Tensor label_tensor(int64_t label) {
  const Tensor t = Tensor::empty({}, DType::kInt64);
  *t.data_as<int64_t>() = label;
  return t;
}

Sample sample_at(const Dataset& d, int64_t index) {
  const int64_t n = d.size();
  if (index < -n || index >= n) {
    fail(Status::kIndex, "dataset: index out of range: index ", index, " of a data set of ", n,
         ": must be in [", -n, ", ", n - 1, "]");
  }
  return d.get(index < 0 ? index + n : index);
}

Sample default_collate(const std::vector<Sample>& samples) {
  const size_t fields = samples[0].size();
  for (const Sample& s : samples) {
    if (s.size() == fields) continue;
    fail(Status::kInvalidArgument, "collate: number of fields: samples of ", fields, " and of ",
         s.size(), " fields in one batch: all must have the same");
  }
  Sample batch;
  std::vector<Tensor> column(samples.size());
  for (size_t f = 0; f < fields; ++f) {
    for (size_t s = 0; s < samples.size(); ++s) column[s] = samples[s][f];
    batch.push_back(stack(column));
  }
  return batch;
}

uint64_t sample_seed(uint64_t base_seed, uint64_t epoch, int64_t index) {
  return mix(mix(mix(base_seed) ^ epoch) ^ static_cast<uint64_t>(index));
}

Sample take_sample(int64_t index, const uint64_t* seed, const std::function<Sample()>& take) {
  try {
    if (!seed) return take();
    Generator own(*seed);
    const ThreadGenerator scope(own);
    return take();
  } catch (const Error& e) {
    throw Error(e.status(), cat("sample ", index, ": ", e.message()));
  }
}

Sample get_batch(const Dataset& d, std::span<const int64_t> indices, const uint64_t* seeds,
                 const Collate& collate) {
  if (indices.empty()) {
    fail(Status::kInvalidArgument, "dataset: empty batch: no indices: must have at least one");
  }
  std::vector<Sample> samples;
  samples.reserve(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    samples.push_back(take_sample(indices[i], seeds ? seeds + i : nullptr,
                                  [&] { return sample_at(d, indices[i]); }));
  }
  return collate(samples);
}

}  // namespace mt::data
