// Storage, views and single elements: see tensor.h.
#include "core/tensor.h"

#include "core/error.h"

namespace mt {

std::string_view device_name(Device d) { return d == Device::kCPU ? "cpu" : "meta"; }

bool device_from_name(std::string_view name, Device& d) {
  if (name == "cpu" || name == "cpu:0") return d = Device::kCPU, true;
  if (name == "meta") return d = Device::kMeta, true;
  return false;
}

Ref<Storage> Storage::allocate(size_t bytes, Device device) {
  void* data = device == Device::kMeta ? nullptr : buffer_alloc(bytes);
  try {
    return Ref<Storage>::adopt(new Storage(data, bytes, device));
  } catch (...) {
    buffer_free(data, bytes);
    throw;
  }
}

Ref<Storage> Storage::wrap(void* data, size_t bytes, Deleter deleter, void* context) {
  auto s = Ref<Storage>::adopt(new Storage(data, bytes, Device::kCPU));
  s->external_ = true;
  s->deleter_ = deleter;
  s->context_ = context;
  return s;
}

void Storage::destroy(Storage* s) {
  if (s->external_) {
    if (s->deleter_) s->deleter_(s->context_);
  } else if (s->device_ == Device::kCPU) {
    buffer_free(s->data_, s->bytes_);
  }
  delete s;
}

Tensor Tensor::empty(IntSpan sizes, DType dtype, Device device, std::string_view op) {
  const int64_t numel = checked_numel(op, sizes);
  auto impl = Ref<TensorImpl>::adopt(new TensorImpl);
  impl->sizes = Dims(sizes);
  impl->strides = contiguous_strides(sizes);
  impl->numel = numel;
  impl->dtype = dtype;
  impl->device = device;
  impl->storage = Storage::allocate(static_cast<size_t>(numel) * dtype_size(dtype), device);
  return Tensor(std::move(impl));
}

Tensor Tensor::empty_strided(IntSpan sizes, IntSpan strides, DType dtype, Device device) {
  Tensor t = empty(sizes, dtype, device);
  t.impl()->strides = Dims(strides);
  t.impl()->contiguous = mt::is_contiguous(sizes, strides);
  return t;
}

Tensor Tensor::from_scalar(Scalar value) {
  Tensor t = empty({}, value.dtype());
  store_scalar(t.dtype(), t.data(), value);
  t.impl()->is_number = true;
  return t;
}

Tensor Tensor::from_scalar(Scalar value, DType dtype) {
  Tensor t = empty({}, dtype);
  store_scalar(dtype, t.data(), value);
  return t;
}

Scalar Tensor::item(std::string_view op) const {
  if (numel() != 1) {
    fail(Status::kInvalidArgument, op, ": not a single value: tensor of shape ",
         shape_string(sizes()), ": only one-element tensors can be converted to a number");
  }
  if (is_meta()) {
    fail(Status::kDevice, op, ": no data: tensor on meta: a meta tensor has a shape but no values");
  }
  return load_scalar(dtype(), data());
}

Tensor Tensor::alias(IntSpan sizes, IntSpan strides, int64_t offset) const {
  auto impl = Ref<TensorImpl>::adopt(new TensorImpl);
  impl->sizes = Dims(sizes);
  impl->strides = Dims(strides);
  impl->offset = offset;
  impl->numel = numel_of(sizes);
  impl->dtype = dtype();
  impl->device = device();
  impl->contiguous = mt::is_contiguous(sizes, strides);
  impl->storage = storage();
  return Tensor(std::move(impl));
}

Scalar load_scalar(DType dtype, const void* p) {
  switch (dtype) {
    case DType::kFloat32:
      return static_cast<double>(*static_cast<const float*>(p));
    case DType::kFloat64:
      return *static_cast<const double*>(p);
    case DType::kFloat16:
      return static_cast<double>(half_to_float(*static_cast<const uint16_t*>(p)));
    case DType::kBFloat16:
      return static_cast<double>(bfloat16_to_float(*static_cast<const uint16_t*>(p)));
    case DType::kInt8:
      return static_cast<int64_t>(*static_cast<const int8_t*>(p));
    case DType::kInt16:
      return static_cast<int64_t>(*static_cast<const int16_t*>(p));
    case DType::kInt32:
      return static_cast<int64_t>(*static_cast<const int32_t*>(p));
    case DType::kInt64:
      return *static_cast<const int64_t*>(p);
    case DType::kUInt8:
      return static_cast<int64_t>(*static_cast<const uint8_t*>(p));
    case DType::kBool:
      return *static_cast<const uint8_t*>(p) != 0;
    case DType::kComplex64:
      return std::complex<double>(*static_cast<const std::complex<float>*>(p));
    case DType::kComplex128:
      return *static_cast<const std::complex<double>*>(p);
    case DType::kUInt16:
      return static_cast<int64_t>(*static_cast<const uint16_t*>(p));
    case DType::kUInt32:
      return static_cast<int64_t>(*static_cast<const uint32_t*>(p));
    case DType::kUInt64:
      return *static_cast<const uint64_t*>(p);
  }
  fail(Status::kInternal, "item: unknown dtype ", static_cast<int>(dtype));
}

void store_scalar(DType dtype, void* p, Scalar v) {
  switch (dtype) {
    case DType::kFloat32:
      *static_cast<float*>(p) = static_cast<float>(v.to_double());
      break;
    case DType::kFloat64:
      *static_cast<double*>(p) = v.to_double();
      break;
    case DType::kFloat16:
      *static_cast<uint16_t*>(p) = float_to_half(static_cast<float>(v.to_double()));
      break;
    case DType::kBFloat16:
      *static_cast<uint16_t*>(p) = float_to_bfloat16(static_cast<float>(v.to_double()));
      break;
    case DType::kInt8:
      *static_cast<int8_t*>(p) = static_cast<int8_t>(v.to_int());
      break;
    case DType::kInt16:
      *static_cast<int16_t*>(p) = static_cast<int16_t>(v.to_int());
      break;
    case DType::kInt32:
      *static_cast<int32_t*>(p) = static_cast<int32_t>(v.to_int());
      break;
    case DType::kInt64:
      *static_cast<int64_t*>(p) = v.to_int();
      break;
    case DType::kUInt8:
      *static_cast<uint8_t*>(p) = static_cast<uint8_t>(v.to_int());
      break;
    case DType::kBool:
      *static_cast<uint8_t*>(p) = v.to_bool();
      break;
    case DType::kComplex64:
      *static_cast<std::complex<float>*>(p) = std::complex<float>(v.to_complex());
      break;
    case DType::kComplex128:
      *static_cast<std::complex<double>*>(p) = v.to_complex();
      break;
    case DType::kUInt16:
      *static_cast<uint16_t*>(p) = static_cast<uint16_t>(v.to_int());
      break;
    case DType::kUInt32:
      *static_cast<uint32_t*>(p) = static_cast<uint32_t>(v.to_int());
      break;
    case DType::kUInt64:
      *static_cast<uint64_t*>(p) = v.to_uint();
      break;
  }
}

}  // namespace mt
