// C functions of dlpack.h: sharing a tensor's memory with other libraries, both ways.
#include "capi/hooks.h"
#include "ops/view.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::Dims;
using mt::DType;
using mt::Ref;
using mt::Status;
using mt::Tensor;

constexpr uint32_t kMajor = 1, kMinor = 0;

mt_dl_data_type dl_type(DType t) {
  const auto bits = static_cast<uint8_t>(mt::dtype_size(t) * 8);
  switch (t) {
    case DType::kBFloat16:
      return {MT_DL_BFLOAT, bits, 1};
    case DType::kUInt8:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
      return {MT_DL_UINT, bits, 1};
    case DType::kBool:
      return {MT_DL_BOOL, bits, 1};
    case DType::kComplex64:
    case DType::kComplex128:
      return {MT_DL_COMPLEX, bits, 1};
    default:
      return {static_cast<uint8_t>(mt::is_floating(t) ? MT_DL_FLOAT : MT_DL_INT), bits, 1};
  }
}

DType dtype_of(const Call& c, mt_dl_data_type d) {
  if (d.lanes == 1) {
    for (int i = 0; i < mt::kNumDTypes; ++i) {
      const auto t = static_cast<DType>(i);
      const mt_dl_data_type own = dl_type(t);
      if (own.code == d.code && own.bits == d.bits) return t;
    }
  }
  mt::fail(Status::kDType, c.fn(), ": dtype not supported: DLPack code ", static_cast<int>(d.code),
           ", ", static_cast<int>(d.bits), " bits, ", d.lanes,
           " lanes: must be a float, complex, int, uint or bool dtype of this library; convert it "
           "first");
}

// What an exported tensor keeps: itself, and the arrays that the structure points to.
template <class Managed>
struct Exported {
  Managed managed;
  Tensor tensor;
  Dims sizes, strides;
  static void free(Managed* m) { delete static_cast<Exported*>(m->manager_ctx); }
};

template <class Managed>
Exported<Managed>* exported(const Call& c, const Tensor& t) {
  if (t.requires_grad()) {
    mt::fail(Status::kAutograd, c.fn(),
             ": requires grad: the tensor has a gradient history that DLPack cannot carry: export "
             "its detached form");
  }
  if (t.is_meta()) {
    mt::fail(Status::kDevice, c.fn(),
             ": no data: tensor on meta: a meta tensor has a shape but no values");
  }
  auto* e = new Exported<Managed>{{}, t, t.sizes(), t.strides()};
  mt_dl_tensor& d = e->managed.dl_tensor;
  d.data = t.data();
  d.device = {MT_DL_CPU, 0};
  d.ndim = t.dim();
  d.dtype = dl_type(t.dtype());
  d.shape = e->sizes.data();
  d.strides = e->strides.data();
  d.byte_offset = 0;
  e->managed.manager_ctx = e;
  e->managed.deleter = Exported<Managed>::free;
  return e;
}

// Ends a structure that was imported.
template <class Managed>
void delete_managed(void* p) {
  auto* m = static_cast<Managed*>(p);
  if (m->deleter) m->deleter(m);
}

// A tensor on the memory, or on a copy of it.
Tensor imported(const Call& c, const mt_dl_tensor& d, bool copy, const Ref<UserData>& owner) {
  if (d.device.device_type != MT_DL_CPU && d.device.device_type != MT_DL_CUDA_HOST) {
    mt::fail(Status::kDevice, c.fn(), ": device not supported: DLPack device type ",
             d.device.device_type, ": only host memory can be imported; copy it to the host first");
  }
  const DType dtype = dtype_of(c, d.dtype);
  if (d.ndim < 0 || d.ndim > mt::kMaxDims || (d.ndim > 0 && !d.shape)) {
    mt::fail(Status::kShape, c.fn(), ": bad shape: ndim ", d.ndim, ": must be in [0, ",
             mt::kMaxDims, "] and come with sizes");
  }
  const Dims sizes(mt::IntSpan(d.shape, static_cast<size_t>(d.ndim)));
  mt::checked_numel(c.fn(), sizes);
  const Dims strides = d.strides ? Dims(mt::IntSpan(d.strides, static_cast<size_t>(d.ndim)))
                                 : mt::contiguous_strides(sizes);
  const size_t bytes = memory_span(c, sizes, strides, dtype);
  char* data = static_cast<char*>(d.data) + (d.data ? d.byte_offset : 0);
  if (bytes != 0) c.pointer("managed.dl_tensor.data", data);
  if (reinterpret_cast<uintptr_t>(data) % mt::dtype_size(mt::real_type(dtype)) != 0) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": misaligned data: address ",
             static_cast<void*>(data), " for elements of ", mt::dtype_size(dtype),
             " bytes: the address must be a multiple of the element size; copy the data");
  }
  Tensor t = wrap_memory(data, bytes, sizes, strides, dtype, owner);
  return copy ? mt::clone(t) : t;
}

// A tensor whose storage owns `managed`. Ownership moves when nothing can fail any more.
template <class Managed>
void import_into(Call& c, mt_tensor** out, Managed* managed, bool copy) {
  c.pointer("out", out);
  c.pointer("managed", managed);
  // The owner starts without a destroy function and gets it after the last step that may throw.
  auto owner = UserData::make(managed, nullptr);
  auto handle = c.make(imported(c, managed->dl_tensor, copy, owner));
  if (copy) {
    delete_managed<Managed>(managed);
  } else {
    owner->set_destroy(delete_managed<Managed>);
  }
  *out = handle.release();
}

}  // namespace

extern "C" {

mt_status mt_tensor_to_dlpack(mt_dl_managed_tensor_versioned** out, const mt_tensor* self) {
  return guard("mt_tensor_to_dlpack", [&](Call& c) {
    c.pointer("out", out);
    auto* e = exported<mt_dl_managed_tensor_versioned>(c, c.tensor("self", self));
    e->managed.version = {kMajor, kMinor};
    *out = &e->managed;
  });
}

mt_status mt_tensor_to_dlpack_legacy(mt_dl_managed_tensor** out, const mt_tensor* self) {
  return guard("mt_tensor_to_dlpack_legacy", [&](Call& c) {
    c.pointer("out", out);
    *out = &exported<mt_dl_managed_tensor>(c, c.tensor("self", self))->managed;
  });
}

mt_status mt_tensor_from_dlpack(mt_tensor** out, mt_dl_managed_tensor_versioned* managed) {
  return guard("mt_tensor_from_dlpack", [&](Call& c) {
    c.pointer("managed", managed);
    if (managed->version.major != kMajor) {
      mt::fail(Status::kFormat, c.fn(), ": DLPack version not supported: ", managed->version.major,
               ".", managed->version.minor, ": must be ", kMajor, ".x");
    }
    import_into(c, out, managed, (managed->flags & MT_DL_FLAG_READ_ONLY) != 0);
  });
}

mt_status mt_tensor_from_dlpack_legacy(mt_tensor** out, mt_dl_managed_tensor* managed) {
  return guard("mt_tensor_from_dlpack_legacy",
               [&](Call& c) { import_into(c, out, managed, false); });
}

}  // extern "C"
