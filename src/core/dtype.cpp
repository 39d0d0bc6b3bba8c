// Names of element types and the promotion lattice.
#include "core/dtype.h"

#include <atomic>

#include "core/error.h"

namespace mt {
namespace {

constexpr std::string_view kNames[] = {"float32",   "float64",    "float16", "bfloat16", "int8",
                                       "int16",     "int32",      "int64",   "uint8",    "bool",
                                       "complex64", "complex128", "uint16",  "uint32",   "uint64"};

std::atomic<DType> g_default{DType::kFloat32};

// torch's combine_categories: `higher` is the group with precedence.
int combine(int higher, int lower) {
  if (higher < 0) return lower;
  if (lower < 0) return higher;
  const auto h = static_cast<DType>(higher), l = static_cast<DType>(lower);
  if (is_complex(h)) return higher;
  if (is_floating(h)) {
    if (!is_complex(l)) return higher;
    return static_cast<int>(complex_type(h));
  }
  if (h == DType::kBool || is_floating(l) || is_complex(l)) {
    return static_cast<int>(promote_types(h, l));
  }
  return higher;
}

}  // namespace

std::string_view dtype_name(DType t) { return kNames[static_cast<int>(t)]; }

bool dtype_from_name(std::string_view name, DType& t) {
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (kNames[i] == name) return t = static_cast<DType>(i), true;
  }
  return false;
}

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_complex(a) || is_complex(b)) {
    const bool wide = a == DType::kComplex128 || b == DType::kComplex128 || a == DType::kFloat64 ||
                      b == DType::kFloat64;
    return wide ? DType::kComplex128 : DType::kComplex64;
  }
  const bool fa = is_floating(a), fb = is_floating(b);
  if (fa && fb) {
    if (a == DType::kFloat64 || b == DType::kFloat64) return DType::kFloat64;
    return DType::kFloat32;  // float32 with a half, or the two halves together
  }
  if (fa) return a;
  if (fb) return b;
  if (a == DType::kBool) return b;
  if (b == DType::kBool) return a;
  if (is_barebones(a) || is_barebones(b)) {
    fail(Status::kDType, "promote_types: dtype mismatch: ", dtype_name(a), " and ", dtype_name(b),
         ": uint16, uint32 and uint64 do not promote with other integer dtypes; convert one of the "
         "two, with .to(int64) or mt_tensor_to_dtype");
  }
  if (a == DType::kUInt8 || b == DType::kUInt8) {
    const DType other = a == DType::kUInt8 ? b : a;
    return other == DType::kInt8 ? DType::kInt16 : other;
  }
  return dtype_size(a) >= dtype_size(b) ? a : b;
}

void ResultType::add(DType t, bool is_zero_dim, bool is_number) {
  int& slot = is_number ? number_ : is_zero_dim ? zero_ : dims_;
  if (is_number && is_floating(t)) t = default_dtype();
  if (is_number && is_complex(t)) t = complex_type(default_dtype());
  slot =
      slot < 0 ? static_cast<int>(t) : static_cast<int>(promote_types(static_cast<DType>(slot), t));
}

DType ResultType::get() const {
  const int t = combine(dims_, combine(zero_, number_));
  return t < 0 ? default_dtype() : static_cast<DType>(t);
}

DType default_dtype() { return g_default.load(std::memory_order_relaxed); }

void set_default_dtype(DType t) {
  if (!is_floating(t)) {
    fail(Status::kDType, "set_default_dtype: dtype mismatch: given ", dtype_name(t),
         ": only floating-point types are supported as the default type");
  }
  g_default.store(t, std::memory_order_relaxed);
}

}  // namespace mt
