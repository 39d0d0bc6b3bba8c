// C functions of tensor.h: making tensors, shape and kind, gradients, sharing, lists.
// Values and text are in tensor_values.cpp.
#include "autograd/meta.h"
#include "capi/guard.h"
#include "capi/hooks.h"
#include "core/format.h"
#include "ops/common.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Dims;
using mt::DType;
using mt::Ref;
using mt::Status;
using mt::Tensor;

// The shape argument of a constructor: at most mt::kMaxDims non-negative sizes.
std::span<const int64_t> checked_shape(const Call& c, const int64_t* shape, size_t ndim) {
  const auto sizes = c.ints("shape", shape, ndim);
  if (ndim > static_cast<size_t>(mt::kMaxDims)) {
    mt::fail(Status::kShape, c.fn(), ": too many dims: ndim is ", ndim, ": at most ", mt::kMaxDims,
             " are possible");
  }
  mt::checked_numel(c.fn(), sizes);
  return sizes;
}

void copy_ints(const Call& c, int64_t* out, size_t capacity, const Dims& values) {
  const auto n = static_cast<size_t>(values.size());
  if (capacity < n) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": too little room: capacity ", capacity,
             " for a tensor of ", n, " dims: capacity must be at least the number of dims");
  }
  if (n != 0) std::copy(values.begin(), values.end(), c.pointer("out", out));
}

}  // namespace

extern "C" {

// --- making ------------------------------------------------------------------------------------

mt_status mt_tensor_from_data(mt_tensor** out, const void* data, mt_dtype dtype,
                              const int64_t* shape, size_t ndim) {
  return guard("mt_tensor_from_data", [&](Call& c) {
    c.pointer("out", out);
    const DType type = c.dtype("dtype", dtype);
    const auto sizes = checked_shape(c, shape, ndim);
    Tensor t = Tensor::empty(sizes, type, mt::Device::kCPU, c.fn());
    if (t.numel() != 0) {
      std::memcpy(t.data(), c.pointer("data", data), t.bytes());
      if (type == DType::kBool) {  // any non-zero byte is true
        uint8_t* bytes = t.data_as<uint8_t>();
        for (int64_t i = 0; i < t.numel(); ++i) bytes[i] = bytes[i] != 0;
      }
    }
    c.put(out, t);
  });
}

mt_status mt_tensor_from_blob(mt_tensor** out, void* data, mt_dtype dtype, const int64_t* shape,
                              size_t ndim, const int64_t* strides, mt_destroy_fn destroy,
                              void* user) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard("mt_tensor_from_blob", [&](Call& c) {
    Ref<UserData> owner = UserData::make(user, destroy);
    c.pointer("out", out);
    const DType type = c.dtype("dtype", dtype);
    const auto sizes = checked_shape(c, shape, ndim);
    const Dims steps =
        strides ? Dims(c.ints("strides", strides, ndim)) : mt::contiguous_strides(sizes);
    const size_t bytes = memory_span(c, sizes, steps, type);
    if (bytes != 0) c.pointer("data", data);
    if (reinterpret_cast<uintptr_t>(data) % mt::dtype_size(mt::real_type(type)) != 0) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": misaligned data: address ", data,
               " for elements of ", mt::dtype_size(type),
               " bytes: the address must be a multiple of the element size; copy the data");
    }
    c.put(out, wrap_memory(data, bytes, sizes, steps, type, std::move(owner)));
  });
}

mt_status mt_number_float(mt_tensor** out, double value) {
  return guard("mt_number_float", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, Tensor::from_scalar(value));
  });
}

mt_status mt_number_int(mt_tensor** out, int64_t value) {
  return guard("mt_number_int", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, Tensor::from_scalar(value));
  });
}

mt_status mt_number_bool(mt_tensor** out, bool value) {
  return guard("mt_number_bool", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, Tensor::from_scalar(value));
  });
}

mt_status mt_number_complex(mt_tensor** out, double real, double imag) {
  return guard("mt_number_complex", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, Tensor::from_scalar(std::complex<double>(real, imag)));
  });
}

mt_status mt_tensor_ref(mt_tensor** out, const mt_tensor* self) {
  return guard("mt_tensor_ref", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, c.tensor("self", self));
  });
}

mt_status mt_tensor_free(mt_tensor* self) {
  return free_handle<mt::TensorImpl>("mt_tensor_free", "self", self);
}

// --- shape and kind ----------------------------------------------------------------------------

mt_status mt_tensor_ndim(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_ndim", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->dim();
  });
}

mt_status mt_tensor_shape(int64_t* out, size_t capacity, const mt_tensor* self) {
  return guard("mt_tensor_shape",
               [&](Call& c) { copy_ints(c, out, capacity, c.tensor("self", self)->sizes()); });
}

mt_status mt_tensor_strides(int64_t* out, size_t capacity, const mt_tensor* self) {
  return guard("mt_tensor_strides",
               [&](Call& c) { copy_ints(c, out, capacity, c.tensor("self", self)->strides()); });
}

mt_status mt_tensor_size(int64_t* out, const mt_tensor* self, int64_t dim) {
  return guard("mt_tensor_size", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("self", self);
    *out = t->size(checked_dim(c, dim, t));
  });
}

mt_status mt_tensor_stride(int64_t* out, const mt_tensor* self, int64_t dim) {
  return guard("mt_tensor_stride", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("self", self);
    *out = t->stride(checked_dim(c, dim, t));
  });
}

mt_status mt_tensor_storage_offset(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_storage_offset", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->offset();
  });
}

mt_status mt_tensor_numel(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_numel", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->numel();
  });
}

mt_status mt_tensor_dtype(mt_dtype* out, const mt_tensor* self) {
  return guard("mt_tensor_dtype", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<mt_dtype>(c.tensor("self", self)->dtype());
  });
}

mt_status mt_tensor_device(mt_device* out, const mt_tensor* self) {
  return guard("mt_tensor_device", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<mt_device>(c.tensor("self", self)->device());
  });
}

mt_status mt_tensor_is_contiguous(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_is_contiguous", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->is_contiguous();
  });
}

mt_status mt_tensor_is_number(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_is_number", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->impl()->is_number;
  });
}

// --- gradients ---------------------------------------------------------------------------------

mt_status mt_tensor_requires_grad(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_requires_grad", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->requires_grad();
  });
}

mt_status mt_tensor_set_requires_grad(mt_tensor* self, bool requires_grad) {
  return guard("mt_tensor_set_requires_grad",
               [&](Call& c) { mt::set_requires_grad(c.tensor("self", self), requires_grad); });
}

mt_status mt_tensor_grad(mt_tensor** out, const mt_tensor* self) {
  return guard("mt_tensor_grad", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::grad_of(c.tensor("self", self)));
  });
}

mt_status mt_tensor_set_grad(mt_tensor* self, const mt_tensor* grad) {
  return guard("mt_tensor_set_grad", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    const TensorArg g = c.optional_tensor("grad", grad);
    mt::set_grad(t, g);
  });
}

mt_status mt_tensor_is_leaf(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_is_leaf", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::is_leaf(c.tensor("self", self));
  });
}

mt_status mt_tensor_grad_fn(mt_node** out, const mt_tensor* self) {
  return guard("mt_tensor_grad_fn", [&](Call& c) {
    c.pointer("out", out);
    *out = NewHandle<mt::Node>(c.thread(), mt::grad_fn(c.tensor("self", self))).release();
  });
}

mt_status mt_tensor_detach_(mt_tensor* self) {
  return guard("mt_tensor_detach_", [&](Call& c) { mt::detach_(c.tensor("self", self)); });
}

mt_status mt_tensor_retain_grad(mt_tensor* self) {
  return guard("mt_tensor_retain_grad", [&](Call& c) { mt::retain_grad(c.tensor("self", self)); });
}

mt_status mt_tensor_retains_grad(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_retains_grad", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("self", self);
    const mt::AutogradMeta* m = mt::autograd_meta_or_null(t);
    *out = m && m->retains_grad;
  });
}

mt_status mt_tensor_version(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_version", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->version();
  });
}

mt_status mt_tensor_register_hook(uint64_t* id, mt_tensor* self, mt_tensor_hook_fn hook, void* user,
                                  mt_destroy_fn destroy) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard("mt_tensor_register_hook", [&](Call& c) {
    Ref<UserData> owner = UserData::make(user, destroy);
    c.pointer("id", id);
    const TensorArg t = c.tensor("self", self);
    c.pointer("hook", hook);
    *id = mt::register_hook(t, make_tensor_hook(hook, std::move(owner)));
  });
}

mt_status mt_tensor_remove_hook(mt_tensor* self, uint64_t id) {
  return guard("mt_tensor_remove_hook", [&](Call& c) {
    if (mt::remove_hook(c.tensor("self", self), id)) return;
    mt::fail(Status::kKey, c.fn(), ": unknown hook: id ", id, ": the tensor has no such hook");
  });
}

// --- sharing -----------------------------------------------------------------------------------

mt_status mt_tensor_bytes_held(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_bytes_held", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("self", self);
    *out = t->is_meta() ? 0 : static_cast<int64_t>(t->storage()->bytes());
  });
}

mt_status mt_tensor_shares_data(bool* out, const mt_tensor* self, const mt_tensor* other) {
  return guard("mt_tensor_shares_data", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg a = c.tensor("self", self);
    *out = a->storage() == c.tensor("other", other)->storage();
  });
}

mt_status mt_tensor_is(bool* out, const mt_tensor* self, const mt_tensor* other) {
  return guard("mt_tensor_is", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg a = c.tensor("self", self);
    *out = same(a.get(), c.tensor("other", other).get());
  });
}

// --- lists -------------------------------------------------------------------------------------

mt_status mt_tensors_create(mt_tensors** out, const mt_tensor* const* items, size_t n) {
  return guard("mt_tensors_create", [&](Call& c) {
    c.pointer("out", out);
    c.put_list(out, c.tensors("items", items, n, true));
  });
}

mt_status mt_tensors_free(mt_tensors* self) {
  return free_handle<TensorListObject>("mt_tensors_free", "self", self);
}

mt_status mt_tensors_count(size_t* out, const mt_tensors* self) {
  return guard("mt_tensors_count", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<TensorListObject>("self", self)->items.size();
  });
}

mt_status mt_tensors_get(mt_tensor** out, const mt_tensors* self, size_t index) {
  return guard("mt_tensors_get", [&](Call& c) {
    c.pointer("out", out);
    const auto* list = c.object<TensorListObject>("self", self);
    if (index >= list->items.size()) {
      mt::fail(Status::kIndex, c.fn(), ": index out of range: index ", index, " in a list of ",
               list->items.size(), ": must be less than mt_tensors_count");
    }
    c.put(out, list->items[index]);
  });
}

}  // extern "C"
