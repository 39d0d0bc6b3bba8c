// Element types and PyTorch's promotion rules over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mt {

// Values are the ABI's mt_dtype values (capi/api.toml). Append only.
enum class DType : uint8_t {
  kFloat32 = 0,
  kFloat64 = 1,
  kFloat16 = 2,
  kBFloat16 = 3,
  kInt8 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kUInt8 = 8,
  kBool = 9,
  kComplex64 = 10,  // pairs of real and imaginary part
  kComplex128 = 11,
  // For storage and conversion, as in PyTorch 2.3: made, filled, moved, indexed, joined, compared
  // for equality, converted and saved; arithmetic wants another dtype. The reference is NumPy.
  kUInt16 = 12,
  kUInt32 = 13,
  kUInt64 = 14,
};
inline constexpr int kNumDTypes = 15;
inline constexpr int kNumComputeDTypes = 10;  // the first ones: real, with arithmetic

constexpr size_t dtype_size(DType t) {
  constexpr uint8_t kSizes[] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 1, 8, 16, 2, 4, 8};
  return kSizes[static_cast<int>(t)];
}
constexpr bool is_floating(DType t) { return t <= DType::kBFloat16; }
constexpr bool is_reduced_float(DType t) { return t == DType::kFloat16 || t == DType::kBFloat16; }
constexpr bool is_complex(DType t) { return t == DType::kComplex64 || t == DType::kComplex128; }
constexpr bool is_differentiable(DType t) { return is_floating(t) || is_complex(t); }
// The dtype of a complex dtype's parts; t itself when it is real.
constexpr DType real_type(DType t) {
  return t == DType::kComplex64    ? DType::kFloat32  // of two
         : t == DType::kComplex128 ? DType::kFloat64
                                   : t;
}
// The complex dtype that holds t's values as its parts.
constexpr DType complex_type(DType t) {
  return t == DType::kFloat64 || t == DType::kComplex128 ? DType::kComplex128 : DType::kComplex64;
}
// uint16, uint32 and uint64: torch's "barebones" dtypes.
constexpr bool is_barebones(DType t) { return t >= DType::kUInt16; }
constexpr bool is_unsigned(DType t) { return t == DType::kUInt8 || is_barebones(t); }
// The integers that ops compute with: not the barebones ones.
constexpr bool is_integral(DType t, bool include_bool) {
  return (t >= DType::kInt8 && t <= DType::kUInt8) || (include_bool && t == DType::kBool);
}

std::string_view dtype_name(DType t);                   // "float32"
bool dtype_from_name(std::string_view name, DType& t);  // false when unknown

// torch.promote_types: the smallest type that holds both, by the lattice of PyTorch's docs. A
// barebones dtype promotes with itself, bool, floats and complex; with other integers it is kDType.
DType promote_types(DType a, DType b);

// The running state of torch.result_type: operands with dims decide, then 0-dim tensors, then
// plain numbers; a lower group counts only when it is of a higher category (bool < int < float <
// complex).
class ResultType {
 public:
  void add(DType t, bool is_zero_dim, bool is_number);
  DType get() const;

 private:
  int dims_ = -1, zero_ = -1, number_ = -1;  // DType or -1 for none
};

DType default_dtype();            // per process; float32 at start
void set_default_dtype(DType t);  // floating types only, else kDType

}  // namespace mt
