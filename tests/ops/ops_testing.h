// What tests of ops share: tensors from lists, values as doubles, errors as objects, and gradient
// checks with readable failures.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/gradcheck.h"
#include "autograd/meta.h"
#include "core/error.h"
#include "core/tensor.h"

namespace mt::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();

using Doubles = std::vector<double>;

// A contiguous tensor of the given values; the shape is (n,) when none is given.
inline Tensor tensor(const Doubles& values, DType dtype = DType::kFloat32,
                     std::vector<int64_t> shape = {-1}) {
  if (shape.size() == 1 && shape[0] == -1) shape[0] = static_cast<int64_t>(values.size());
  Tensor t = Tensor::empty(shape, dtype);
  char* p = static_cast<char*>(t.data());
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_floating(dtype)) {
      store_scalar(dtype, p + i * dtype_size(dtype), values[i]);
    } else {
      store_scalar(dtype, p + i * dtype_size(dtype), static_cast<int64_t>(values[i]));
    }
  }
  return t;
}
inline Tensor doubles(const Doubles& values, std::vector<int64_t> shape = {-1}) {
  return tensor(values, DType::kFloat64, std::move(shape));
}
inline Tensor ints(const Doubles& values, DType dtype = DType::kInt64) {
  return tensor(values, dtype);
}
inline Tensor bools(const Doubles& values) { return tensor(values, DType::kBool); }
inline Tensor number(Scalar v) { return Tensor::from_scalar(v); }
inline Tensor with_grad(const Tensor& t) {
  set_requires_grad(t, true);
  return t;
}
// The same values in a transposed memory order (2-dim only).
inline Tensor transposed_copy(const Tensor& t) {
  Tensor r = Tensor::empty(Dims{t.size(1), t.size(0)}, t.dtype());
  Tensor view = r.alias(t.sizes(), Dims{1, t.size(0)}, 0);
  const auto bytes = static_cast<int64_t>(dtype_size(t.dtype()));
  for (int64_t i = 0; i < t.size(0); ++i) {
    for (int64_t j = 0; j < t.size(1); ++j) {
      store_scalar(t.dtype(), static_cast<char*>(view.data()) + (j * t.size(0) + i) * bytes,
                   load_scalar(t.dtype(), static_cast<char*>(t.data()) +
                                              (i * t.stride(0) + j * t.stride(1)) * bytes));
    }
  }
  return view;
}

// All values in row-major order, whatever dtype and strides.
inline Doubles list(const Tensor& t) {
  Doubles values;
  const auto bytes = static_cast<int64_t>(dtype_size(t.dtype()));
  for (int64_t i = 0; i < t.numel(); ++i) {
    int64_t at = 0, rest = i;
    for (int d = t.dim() - 1; d >= 0; --d) {
      at += rest % t.size(d) * t.stride(d);
      rest /= t.size(d);
    }
    values.push_back(load_scalar(t.dtype(), static_cast<char*>(t.data()) + at * bytes).to_double());
  }
  return values;
}

// Equal values, NaN being equal to NaN; |difference| <= tolerance * max(1, |expected|).
inline ::testing::AssertionResult matches(const Doubles& actual, const Doubles& expected,
                                          double tolerance = 0) {
  if (actual.size() != expected.size()) {
    return ::testing::AssertionFailure() << actual.size() << " values, not " << expected.size();
  }
  for (size_t i = 0; i < actual.size(); ++i) {
    const double a = actual[i], e = expected[i];
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    if (std::isfinite(e) && std::fabs(a - e) <= tolerance * std::max(1.0, std::fabs(e))) continue;
    return ::testing::AssertionFailure() << "value " << i << " is " << a << ", not " << e;
  }
  return ::testing::AssertionSuccess();
}
inline ::testing::AssertionResult matches(const Tensor& actual, const Doubles& expected,
                                          double tolerance = 0) {
  return matches(list(actual), expected, tolerance);
}

template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return Error(Status::kOk, "no error");
}
inline bool contains(const Error& e, std::string_view text) {
  return e.message().find(text) != std::string::npos;
}

// The gradients of sum(fn(inputs)) with respect to every input.
using TensorFn = std::function<Tensor(std::span<const Tensor>)>;
inline std::vector<Doubles> gradients(const TensorFn& fn, std::vector<Tensor> inputs) {
  for (Tensor& t : inputs) set_requires_grad(t, true);
  const Tensor out = fn(inputs);
  const Tensor ones = kGradMath.full(out.sizes(), out.dtype(), out.device(), 1);
  std::vector<Doubles> result;
  for (const Tensor& g : grad({&out, 1}, inputs, {&ones, 1})) result.push_back(list(g));
  return result;
}

// First and second derivatives against differences.
inline void expect_gradients(const TensorFn& fn, std::vector<Tensor> inputs) {
  for (Tensor& t : inputs) {
    if (is_floating(t.dtype()) && !t.impl()->is_number) set_requires_grad(t, true);
  }
  const GradCheckResult first = gradcheck(fn, inputs);
  EXPECT_TRUE(first) << first.message;
  const GradCheckResult second = gradgradcheck(fn, inputs);
  EXPECT_TRUE(second) << "second derivative: " << second.message;
}

inline std::string grad_name(const Tensor& t) {
  const Ref<Node> node = grad_fn(t);
  return node ? node->display_name() : "";
}

}  // namespace mt::testing
