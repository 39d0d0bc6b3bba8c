// Data sets: samples by index, or one after the other. A sample is a list of tensors, its fields.
// Thread rule: a data set does not change after it was made; get() may be called from several
// threads at once, a stream from one at a time.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/ref.h"
#include "core/tensor.h"

namespace mt::data {

using Sample = std::vector<Tensor>;

// One pass over an iterated data set.
class SampleStream {
 public:
  virtual ~SampleStream() = default;
  virtual bool next(Sample& out) = 0;  // false at the end
};

class Dataset : public RefCounted {
 public:
  static void destroy(Dataset* d) { delete d; }
  virtual ~Dataset() = default;

  virtual bool iterated() const { return false; }
  // By index. Iterated ones fail with kState.
  virtual int64_t size() const;
  virtual Sample get(int64_t index) const;  // of [0, size)
  // Iterated. `finish` is what a loader's workers do to a sample of the stream side by side.
  virtual std::unique_ptr<SampleStream> stream() const;
  virtual Sample finish(Sample sample) const { return sample; }

  // What is known without reading samples; false when it is not.
  virtual bool classes(std::vector<std::string>&) const { return false; }
  virtual bool targets(std::vector<int64_t>&) const { return false; }
  virtual bool paths(std::vector<std::string>&) const { return false; }
  virtual bool tensors(std::vector<Tensor>&) const { return false; }
};
using DatasetRef = Ref<Dataset>;

// What a data set that is made of another one knows.
class Derived : public Dataset {
 public:
  explicit Derived(DatasetRef base) : base_(std::move(base)) {}
  bool iterated() const override { return base_->iterated(); }
  int64_t size() const override { return base_->size(); }
  std::unique_ptr<SampleStream> stream() const override { return base_->stream(); }
  bool classes(std::vector<std::string>& out) const override { return base_->classes(out); }
  bool targets(std::vector<int64_t>& out) const override { return base_->targets(out); }
  bool paths(std::vector<std::string>& out) const override { return base_->paths(out); }
  bool tensors(std::vector<Tensor>& out) const override { return base_->tensors(out); }

 protected:
  DatasetRef base_;
};

// The first dims must agree. With `classes`, the second tensor holds the labels.
DatasetRef tensor_dataset(std::vector<Tensor> tensors, std::vector<std::string> classes = {});
DatasetRef concat_dataset(std::vector<DatasetRef> list);
DatasetRef subset(DatasetRef base, std::vector<int64_t> indices);
// Lengths are whole numbers that add up to the size, or shares that add up to 1.
std::vector<DatasetRef> random_split(const DatasetRef& base, std::span<const double> lengths,
                                     Generator& generator);
using FieldMap = std::function<Tensor(const Tensor&)>;  // empty: the field as it is
DatasetRef mapped_dataset(DatasetRef base, FieldMap first, FieldMap second);

// Callbacks of the host.
struct CustomDataset {
  std::function<int64_t()> size;
  std::function<Sample(int64_t index)> get;
  std::function<void()> start;
  std::function<Sample()> next;  // empty at the end
};
DatasetRef custom_dataset(CustomDataset functions);

// --- taking samples ----------------------------------------------------------------------------
// A 0-dim int64 tensor.
Tensor label_tensor(int64_t label);
// Negative indices count from the end; kIndex outside.
Sample sample_at(const Dataset& d, int64_t index);
// Stacks field by field.
using Collate = std::function<Sample(const std::vector<Sample>&)>;
Sample default_collate(const std::vector<Sample>& samples);
uint64_t sample_seed(uint64_t base_seed, uint64_t epoch, int64_t index);
// Runs `take`, with draws from a generator of its own when there is a seed, and names the sample in
// what it throws.
Sample take_sample(int64_t index, const uint64_t* seed, const std::function<Sample()>& take);
Sample get_batch(const Dataset& d, std::span<const int64_t> indices, const uint64_t* seeds,
                 const Collate& collate = default_collate);

}  // namespace mt::data
