// Memory of the host as tensors, hooks in C, and the tensors that pass between callbacks and us.
#include "capi/hooks.h"

#include <array>

#include "core/memory.h"

namespace mt::capi {
namespace {

// What a storage on the host's memory needs at its end.
struct ExternalMemory {
  Ref<UserData> owner;
  int64_t bytes;
  ~ExternalMemory() { account_external(-bytes); }
};

class CTensorHook final : public TensorHook {
 public:
  CTensorHook(mt_tensor_hook_fn hook, Ref<UserData> user) : hook_(hook), user_(std::move(user)) {}

  Tensor call(const Tensor& grad) override {
    AbiThread& t = this_abi_thread();
    const Ref<UserData> user = user_;  // the hook may remove itself
    CallbackTensors args(t);
    args.add(grad);
    mt_tensor* replacement = nullptr;
    CallbackScope scope(t);
    const mt_status status = hook_(&replacement, args[0], user->user());
    const Tensor result = take_result(t, "hook", "replacement", -1, replacement);
    scope.check(status, "hook");
    if (!result.defined()) return result;
    if (!(result.sizes() == grad.sizes())) {
      fail(Status::kShape, "hook: shape mismatch: gradient ", shape_string(grad.sizes()),
           ", replacement ", shape_string(result.sizes()), ": both must have one shape");
    }
    return result;
  }

 private:
  mt_tensor_hook_fn hook_;
  Ref<UserData> user_;
};

}  // namespace

Tensor wrap_memory(void* data, size_t bytes, IntSpan sizes, IntSpan strides, DType dtype,
                   Ref<UserData> owner) {
  auto memory = std::make_unique<ExternalMemory>();
  memory->owner = std::move(owner);
  memory->bytes = static_cast<int64_t>(bytes);
  account_external(memory->bytes);
  auto impl = Ref<TensorImpl>::adopt(new TensorImpl);
  impl->sizes = Dims(sizes);
  impl->strides = Dims(strides);
  impl->numel = numel_of(sizes);
  impl->dtype = dtype;
  impl->contiguous = is_contiguous(sizes, strides);
  impl->storage = Storage::wrap(
      bytes ? data : nullptr, bytes, [](void* p) { delete static_cast<ExternalMemory*>(p); },
      memory.get());
  memory.release();
  return Tensor(std::move(impl));
}

size_t memory_span(const Call& c, IntSpan sizes, IntSpan strides, DType dtype) {
  int64_t last = 0;
  bool empty = false, overflow = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (strides[d] < 0) {
      fail(Status::kInvalidArgument, c.fn(), ": negative stride: strides[", d, "] is ", strides[d],
           ": strides must not be negative; copy the data in order");
    }
    int64_t reach = 0;
    empty = empty || sizes[d] == 0;
    overflow = overflow || __builtin_mul_overflow(sizes[d] - 1, strides[d], &reach) ||
               __builtin_add_overflow(last, reach, &last);
  }
  if (empty) return 0;
  int64_t bytes = 0;
  if (overflow || last == INT64_MAX ||
      __builtin_mul_overflow(last + 1, static_cast<int64_t>(dtype_size(dtype)), &bytes)) {
    fail(Status::kShape, c.fn(), ": too large: shape ", shape_string(sizes), ", strides ",
         shape_string(strides), ": the elements must lie within 2^63 bytes");
  }
  return static_cast<size_t>(bytes);
}

Ref<TensorHook> make_tensor_hook(mt_tensor_hook_fn hook, Ref<UserData> user) {
  return Ref<TensorHook>::adopt(new CTensorHook(hook, std::move(user)));
}

int checked_dim(const Call& c, int64_t dim, const Tensor& t) {
  const int64_t n = t.dim();
  if (dim < -n || dim >= n) {
    fail(Status::kIndex, c.fn(), ": dim out of range: dim ", dim, " of a tensor of ", n,
         " dims: must be in [", -n, ", ", n - 1, "]");
  }
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

Tensor take_result(AbiThread& t, const char* fn, const char* arg, int64_t index,
                   mt_tensor* handle) {
  if (!handle) return {};
  void* object = take_handle(t, MT_HANDLE_TENSOR, handle_value(handle));
  if (!object) fail_handle(fn, arg, index, MT_HANDLE_TENSOR, handle_value(handle), false);
  return Tensor(Ref<TensorImpl>::adopt(static_cast<TensorImpl*>(object)));
}

void take_results(AbiThread& t, const char* fn, const char* arg,
                  std::span<mt_tensor* const> results, std::vector<Tensor>& out,
                  std::exception_ptr& bad) {
  for (size_t i = 0; i < results.size(); ++i) {
    try {
      out[i] = take_result(t, fn, arg, static_cast<int64_t>(i), results[i]);
    } catch (...) {
      if (!bad) bad = std::current_exception();
    }
  }
}

std::vector<Tensor> callback_results(const char* name, const char* arg, size_t n_before,
                                     const ResultsFn& callback) {
  constexpr size_t kMost = 64;
  AbiThread& t = this_abi_thread();
  std::array<mt_tensor*, kMost> results{};
  std::vector<Tensor> taken(kMost);
  size_t n = n_before;
  CallbackScope scope(t);
  const mt_status status = callback(results.data(), results.size(), &n);
  std::exception_ptr bad;
  take_results(t, name, arg, results, taken, bad);
  scope.check(status, name);
  if (bad) std::rethrow_exception(bad);
  if (n > kMost) {
    fail(Status::kCallback, name, ": too many ", arg, ": the callback gave ", n, ": at most ",
         kMost, " are possible");
  }
  for (size_t i = 0; i < n; ++i) {
    if (taken[i].defined()) continue;
    fail(Status::kCallback, name, ": missing output: the callback left ", arg, "[", i,
         "] NULL: it must set as many as it counts");
  }
  taken.resize(n);
  return taken;
}

void CallbackTensors::add(const Tensor& tensor) {
  handles_.reserve(handles_.size() + 1);
  handles_.push_back(tensor.defined() ? NewHandle<TensorImpl>(t_, tensor.ref(), false).release()
                                      : nullptr);
}

CallbackTensors::~CallbackTensors() {
  for (const mt_tensor* h : handles_) {
    if (!h) continue;
    if (void* object = take_handle(t_, MT_HANDLE_TENSOR, handle_value(h))) {
      release_object(t_, object, class_info(MT_HANDLE_TENSOR).release);
    }
  }
}

}  // namespace mt::capi
