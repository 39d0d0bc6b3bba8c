// C functions of tensor.h that touch values: data, numbers, copies, text; and dtypes.
#include "autograd/meta.h"
#include "capi/guard.h"
#include "core/format.h"
#include "ops/common.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT

namespace {

using mt::DType;
using mt::Status;
using mt::Tensor;

void check_has_data(const Call& c, const Tensor& t) {
  if (!t.is_meta()) return;
  mt::fail(Status::kDevice, c.fn(),
           ": no data: tensor on meta: a meta tensor has a shape but no values");
}

void check_bytes(const Call& c, const Tensor& t, size_t bytes) {
  if (bytes == t.bytes()) return;
  mt::fail(Status::kInvalidArgument, c.fn(), ": size mismatch: buffer of ", bytes,
           " bytes, tensor of shape ", mt::shape_string(t.sizes()), " and dtype ",
           mt::dtype_name(t.dtype()), ": the buffer must have exactly ", t.bytes(), " bytes");
}

// The one value of a tensor, which must not have an imaginary part.
mt::Scalar real_item(Call& c, const mt_tensor* self) {
  const mt::Scalar v = c.tensor("self", self)->item(c.fn());
  if (v.imag() != 0) {
    mt::fail(Status::kInvalidArgument, c.fn(), ": not a real number: imaginary part ",
             mt::format_number(v.imag()), ": must be 0; use mt_tensor_item_complex");
  }
  return v;
}

std::string text_of(const Tensor& t) {
  const mt::Ref<mt::Node> node = mt::grad_fn(t);
  mt::TensorSuffix suffix;
  suffix.device = mt::device_name(t.device());
  suffix.requires_grad = t.requires_grad();
  if (node) suffix.grad_fn = node->display_name();
  suffix.is_parameter = t.impl()->is_parameter;
  return mt::format_tensor({t.dtype(), t.data(), t.sizes().data(), t.strides().data(), t.dim()},
                           suffix);
}

}  // namespace

extern "C" {

mt_status mt_tensor_data(void** out, const mt_tensor* self) {
  return guard("mt_tensor_data", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg t = c.tensor("self", self);
    *out = t->numel() == 0 ? nullptr : t->data();
  });
}

mt_status mt_tensor_mark_written(mt_tensor* self) {
  return guard("mt_tensor_mark_written",
               [&](Call& c) { mt::mark_written(c.tensor("self", self)); });
}

mt_status mt_tensor_item_double(double* out, const mt_tensor* self) {
  return guard("mt_tensor_item_double", [&](Call& c) {
    c.pointer("out", out);
    *out = real_item(c, self).to_double();
  });
}

mt_status mt_tensor_item_complex(double* real, double* imag, const mt_tensor* self) {
  return guard("mt_tensor_item_complex", [&](Call& c) {
    c.pointer("real", real);
    c.pointer("imag", imag);
    const mt::Scalar v = c.tensor("self", self)->item(c.fn());
    *real = v.to_double();
    *imag = v.imag();
  });
}

mt_status mt_tensor_item_int64(int64_t* out, const mt_tensor* self) {
  return guard("mt_tensor_item_int64", [&](Call& c) {
    c.pointer("out", out);
    const mt::Scalar v = real_item(c, self);
    if (v.is_big()) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": value out of range: ", v.to_uint(),
               ": must fit into int64; read a uint64 tensor with mt_tensor_copy_to_host or "
               "mt_tensor_data");
    }
    const double f = v.to_double();
    if ((v.is_float() || v.is_complex()) &&
        !(f > -9223372036854775809.0 && f < 9223372036854775808.0)) {
      mt::fail(Status::kInvalidArgument, c.fn(), ": not an integer: value ", mt::format_number(f),
               ": must be finite and fit into int64");
    }
    *out = v.to_int();
  });
}

mt_status mt_tensor_item_bool(bool* out, const mt_tensor* self) {
  return guard("mt_tensor_item_bool", [&](Call& c) {
    c.pointer("out", out);
    *out = c.tensor("self", self)->item(c.fn()).to_bool();
  });
}

mt_status mt_tensor_copy_to_host(const mt_tensor* self, void* buffer, size_t bytes) {
  return guard("mt_tensor_copy_to_host", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    check_has_data(c, t);
    check_bytes(c, t, bytes);
    if (bytes == 0) return;
    c.pointer("buffer", buffer);
    const Tensor values = mt::contiguous_values(t);
    std::memcpy(buffer, values.data(), bytes);
  });
}

mt_status mt_tensor_copy_from_host(mt_tensor* self, const void* buffer, size_t bytes) {
  return guard("mt_tensor_copy_from_host", [&](Call& c) {
    const TensorArg t = c.tensor("self", self);
    check_has_data(c, t);
    check_bytes(c, t, bytes);
    mt::check_inplace(c.fn(), t);
    if (t->requires_grad() && mt::grad_enabled()) {
      mt::fail(Status::kAutograd, c.fn(),
               ": recorded tensor overwritten: the tensor has a gradient history: do it inside "
               "mt_grad_mode_push(false) or on a detached tensor");
    }
    if (bytes == 0) return;
    c.pointer("buffer", buffer);
    Tensor values = t->is_contiguous() ? t.get() : Tensor::empty(t->sizes(), t->dtype());
    std::memcpy(values.data(), buffer, bytes);
    if (t->dtype() == DType::kBool) {
      uint8_t* flags = values.data_as<uint8_t>();
      for (int64_t i = 0; i < values.numel(); ++i) flags[i] = flags[i] != 0;
    }
    if (!t->is_contiguous()) mt::copy_values(t, values);
    mt::mark_written(t);
  });
}

mt_status mt_tensor_to_string(char** out, const mt_tensor* self) {
  return guard("mt_tensor_to_string", [&](Call& c) {
    c.pointer("out", out);
    *out = new_string(text_of(c.tensor("self", self)));
  });
}

mt_status mt_tensor_format(char* buffer, size_t capacity, size_t* length, const mt_tensor* self) {
  return guard("mt_tensor_format", [&](Call& c) {
    if (capacity != 0) c.pointer("buffer", buffer);
    c.pointer("length", length);
    const std::string text = text_of(c.tensor("self", self));
    if (capacity != 0) {
      const size_t n = std::min(text.size(), capacity - 1);
      std::memcpy(buffer, text.data(), n);
      buffer[n] = 0;
    }
    *length = text.size();
  });
}

// --- dtypes and printing -----------------------------------------------------------------------

const char* mt_dtype_name(mt_dtype dtype) {
  if (dtype < 0 || dtype >= mt::kNumDTypes) return nullptr;
  return mt::dtype_name(static_cast<DType>(dtype)).data();
}

size_t mt_dtype_size(mt_dtype dtype) {
  if (dtype < 0 || dtype >= mt::kNumDTypes) return 0;
  return mt::dtype_size(static_cast<DType>(dtype));
}

const char* mt_device_name(mt_device device) {
  if (device < 0 || device >= mt::kNumDevices) return nullptr;
  return mt::device_name(static_cast<mt::Device>(device)).data();
}

mt_dtype mt_get_default_dtype(void) { return static_cast<mt_dtype>(mt::default_dtype()); }

mt_status mt_set_default_dtype(mt_dtype dtype) {
  return guard("mt_set_default_dtype",
               [&](Call& c) { mt::set_default_dtype(c.dtype("dtype", dtype)); });
}

mt_status mt_promote_types(mt_dtype* out, mt_dtype a, mt_dtype b) {
  return guard("mt_promote_types", [&](Call& c) {
    c.pointer("out", out);
    *out = static_cast<mt_dtype>(mt::promote_types(c.dtype("a", a), c.dtype("b", b)));
  });
}

mt_status mt_result_type(mt_dtype* out, const mt_tensor* self, const mt_tensor* other) {
  return guard("mt_result_type", [&](Call& c) {
    c.pointer("out", out);
    const TensorArg a = c.tensor("self", self);
    const TensorArg b = c.tensor("other", other);
    *out = static_cast<mt_dtype>(mt::result_type(a, b));
  });
}

void mt_print_options_init(mt_print_options* options) {
  if (!options) return;
  const mt::PrintOptions d;
  *options = {sizeof *options, d.precision, d.edgeitems, d.threshold, d.linewidth, d.sci_mode};
}

mt_status mt_set_print_options(const mt_print_options* options) {
  return guard("mt_set_print_options", [&](Call& c) {
    mt_print_options o;
    mt_print_options_init(&o);
    c.read_options("options", options, o);
    mt::PrintOptions p;
    p.precision = o.precision;
    p.edgeitems = o.edgeitems;
    p.threshold = o.threshold;
    p.linewidth = o.linewidth;
    p.sci_mode = o.sci_mode;
    mt::set_print_options(p);
  });
}

}  // extern "C"
