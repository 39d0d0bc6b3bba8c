// Text forms of tensors and numbers, character for character as PyTorch and Python print them:
// `repr(tensor)` under torch.set_printoptions, and `repr(float)`. No locale takes part. The
// printing options belong to the process and may be read and set from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/dtype.h"

namespace mt {

// torch.set_printoptions. Auto sci_mode chooses from the values: see NumberFormatter in format.cpp.
struct PrintOptions {
  static constexpr int kSciAuto = -1, kSciOff = 0, kSciOn = 1;
  static constexpr int kMaxPrecision = 1074;  // no float64 has more decimals

  int precision = 4;        // decimals, 0 to kMaxPrecision
  double threshold = 1000;  // more elements than this are summarised; inf: never
  int edgeitems = 3;        // elements kept at both ends of a summarised dim, at least 1
  int linewidth = 80;       // any value; a line holds one element at least
  int sci_mode = kSciAuto;
};

PrintOptions print_options();
// kInvalidArgument for a value outside the domains above; the options are then unchanged.
void set_print_options(const PrintOptions& options);
// The options of torch.set_printoptions(profile=name): "default", "short" or "full".
PrintOptions print_profile(std::string_view name);

// What is printed: not owned, any strides (in elements, also 0 and negative), any alignment.
struct StridedView {
  DType dtype;
  const void* data;  // null for device meta and for empty tensors
  const int64_t* sizes;
  const int64_t* strides;
  int ndim;
};

// What follows the values.
struct TensorSuffix {
  std::string device = "";     // "" or "cpu": not printed; "meta": no values are read
  bool requires_grad = false;  // printed only without grad_fn
  std::string grad_fn = "";    // "AddBackward0"; "" for none
  bool is_parameter = false;   // a first line "Parameter containing:"
};

// "tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)". The dtype is printed where it would
// not follow from the text under the process's default_dtype().
std::string format_tensor(const StridedView& view, const TensorSuffix& suffix);
std::string format_tensor(const StridedView& view, const TensorSuffix& suffix,
                          const PrintOptions& options);

// Python's repr(float): the shortest digits that read back as `value`, always with a point or an
// exponent: "0.01", "1.0", "1e-05", "1e+16", "inf", "nan".
std::string format_number(double value);

}  // namespace mt
