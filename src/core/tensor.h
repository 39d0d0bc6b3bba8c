// Tensors: a reference-counted strided view (sizes, strides, offset, dtype) on shared storage.
// Nothing here knows about gradients but one opaque pointer. Thread rule: any tensor may be read
// from any thread; one tensor must not be written by two threads at once.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "core/dtype.h"
#include "core/half.h"
#include "core/memory.h"
#include "core/ref.h"
#include "core/scalar.h"
#include "core/shape.h"

namespace mt {

enum class Device : uint8_t { kCPU = 0, kMeta = 1 };  // the ABI's mt_device; append only
inline constexpr int kNumDevices = 2;
std::string_view device_name(Device d);
bool device_from_name(std::string_view name, Device& d);  // "cpu", "cpu:0", "meta"

// Bytes shared by tensors. On the meta device there are none. The version counts in-place writes:
// the gradient engine compares it with the version at the time a value was saved.
class Storage : public RefCounted, public Pooled<Storage> {
 public:
  using Deleter = void (*)(void* context);

  static Ref<Storage> allocate(size_t bytes, Device device);
  // Wraps memory of the host; `deleter(context)` runs once, when the last tensor goes.
  static Ref<Storage> wrap(void* data, size_t bytes, Deleter deleter, void* context);
  static void destroy(Storage* s);

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  bool is_external() const { return external_; }
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() {
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

 private:
  Storage(void* data, size_t bytes, Device device) : data_(data), bytes_(bytes), device_(device) {}
  void* data_;
  size_t bytes_;
  Device device_;
  bool external_ = false;
  std::atomic<uint32_t> version_{0};
  Deleter deleter_ = nullptr;
  void* context_ = nullptr;
};

// What autograd/ hangs on a tensor (autograd/meta.h).
class AutogradMetaBase {
 public:
  virtual ~AutogradMetaBase() = default;
};

class TensorImpl : public RefCounted, public Pooled<TensorImpl> {
 public:
  static void destroy(TensorImpl* t) { delete t; }

  Dims sizes;
  Dims strides;
  int64_t offset = 0;  // in elements
  int64_t numel = 1;
  DType dtype = DType::kFloat32;
  Device device = Device::kCPU;
  bool contiguous = true;
  bool is_number = false;      // made from a plain number: promotes as Python's scalars do
  bool requires_grad = false;  // a leaf that wants a gradient, or has a grad_fn
  bool is_parameter = false;   // nn.Parameter: printed so, registered by modules
  Ref<Storage> storage;
  std::unique_ptr<AutogradMetaBase> autograd;
};

// A handle to a TensorImpl; cheap to copy, may be undefined.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  // A new contiguous tensor with uninitialised values. `op` names the caller in errors.
  static Tensor empty(IntSpan sizes, DType dtype = default_dtype(), Device device = Device::kCPU,
                      std::string_view op = "empty");
  static Tensor empty_like(const Tensor& t) { return empty(t.sizes(), t.dtype(), t.device()); }
  // Uninitialised with given strides, which must be dense and not overlap.
  static Tensor empty_strided(IntSpan sizes, IntSpan strides, DType dtype, Device device);
  // A 0-dim tensor holding a number: takes part in promotion as a plain number does.
  static Tensor from_scalar(Scalar value);
  static Tensor from_scalar(Scalar value, DType dtype);  // an ordinary 0-dim tensor

  bool defined() const { return static_cast<bool>(impl_); }
  explicit operator bool() const { return defined(); }
  TensorImpl* impl() const { return impl_.get(); }
  const Ref<TensorImpl>& ref() const { return impl_; }
  int dim() const { return impl_->sizes.size(); }
  const Dims& sizes() const { return impl_->sizes; }
  const Dims& strides() const { return impl_->strides; }
  int64_t size(int d) const { return impl_->sizes[d]; }
  int64_t stride(int d) const { return impl_->strides[d]; }
  int64_t numel() const { return impl_->numel; }
  int64_t offset() const { return impl_->offset; }
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->device; }
  bool is_meta() const { return impl_->device == Device::kMeta; }
  bool is_contiguous() const { return impl_->contiguous; }
  bool requires_grad() const { return impl_->requires_grad; }
  size_t bytes() const { return static_cast<size_t>(numel()) * dtype_size(dtype()); }
  const Ref<Storage>& storage() const { return impl_->storage; }
  uint32_t version() const { return impl_->storage->version(); }

  // First element; null for meta and for empty storage.
  void* data() const {
    auto* base = static_cast<char*>(impl_->storage->data());
    return base ? base + impl_->offset * static_cast<int64_t>(dtype_size(impl_->dtype)) : nullptr;
  }
  template <class T>
  T* data_as() const {
    return static_cast<T*>(data());
  }
  // The one value of a one-element tensor, whatever its dtype. kInvalidArgument otherwise.
  Scalar item(std::string_view op = "item") const;

  // Another view of the same storage, without gradient history.
  Tensor alias(IntSpan sizes, IntSpan strides, int64_t offset) const;
  Tensor alias() const { return alias(sizes(), strides(), offset()); }

  void reset() { impl_.reset(); }
  friend bool same(const Tensor& a, const Tensor& b) { return a.impl_ == b.impl_; }

 private:
  Ref<TensorImpl> impl_;
};

// Reads or writes one element of any dtype at an address, converting as PyTorch does.
Scalar load_scalar(DType dtype, const void* from);
void store_scalar(DType dtype, void* to, Scalar value);

// Marks an in-place write: bumps the version that saved values are checked against.
inline void mark_written(const Tensor& t) { t.storage()->bump_version(); }

}  // namespace mt
