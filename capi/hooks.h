// Helpers shared by the hand-written C functions: memory of the host as tensors, hooks, dims.
#pragma once

#include <exception>
#include <functional>
#include <span>
#include <vector>

#include "autograd/node.h"
#include "capi/guard.h"
#include "minitorch/minitorch.h"

namespace mt::capi {

// A tensor on memory of the host; `owner` is dropped when its last tensor goes.
Tensor wrap_memory(void* data, size_t bytes, IntSpan sizes, IntSpan strides, DType dtype,
                   Ref<UserData> owner);

// Bytes from the first element to the end of the last; kInvalidArgument for negative strides.
size_t memory_span(const Call& c, IntSpan sizes, IntSpan strides, DType dtype);

Ref<TensorHook> make_tensor_hook(mt_tensor_hook_fn hook, Ref<UserData> user);

// A dim of t, negative ones counted from the end; kIndex when out of range (always, when 0-dim).
int checked_dim(const Call& c, int64_t dim, const Tensor& t);

// What a host's callback left as a result: a new reference that now belongs to the library, or
// undefined when it left NULL. The handle is freed.
Tensor take_result(AbiThread& t, const char* fn, const char* arg, int64_t index, mt_tensor* handle);

// Takes over the handles that a callback left in `results`, all of them before anything is thrown.
// The first exception, if any, goes to `bad`. `out`, of the same size, is made before the callback
// runs: taking needs no memory.
void take_results(AbiThread& t, const char* fn, const char* arg,
                  std::span<mt_tensor* const> results, std::vector<Tensor>& out,
                  std::exception_ptr& bad);

// Runs a callback that leaves tensors in results[0], ... and their number in *n, which is
// `n_before` when it begins. `name` is the callback's in messages, `arg` that of its results.
using ResultsFn = std::function<mt_status(mt_tensor** results, size_t capacity, size_t* n)>;
std::vector<Tensor> callback_results(const char* name, const char* arg, size_t n_before,
                                     const ResultsFn& callback);

// Handles of a callback's arguments, freed when the callback returned.
class CallbackTensors {
 public:
  explicit CallbackTensors(AbiThread& t) : t_(t) {}
  CallbackTensors(const CallbackTensors&) = delete;
  CallbackTensors& operator=(const CallbackTensors&) = delete;
  ~CallbackTensors();
  void add(const Tensor& tensor);  // NULL for an undefined one
  const mt_tensor* const* data() const { return handles_.data(); }
  const mt_tensor* operator[](int i) const { return handles_[i]; }
  size_t size() const { return static_cast<size_t>(handles_.size()); }

 private:
  AbiThread& t_;
  SmallVector<const mt_tensor*, 4> handles_;
};

}  // namespace mt::capi
