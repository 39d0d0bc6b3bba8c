// arange, linspace, logspace. The values are PyTorch's to the last bit, which takes its way of
// computing them: in blocks of two 256-bit vectors, the first value of a vector by one formula
// (with a fused multiply-add), the others by steps from that first one once rounded; what is left
// after the last whole block one by one.
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/half.h"
#include "ops/common.h"
#include "ops/creation.h"

namespace mt {
namespace {

template <class T>
constexpr bool kIsNarrow = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

// x rounded to T, as a number to compute with: 16-bit floats compute in float.
template <class T, class A>
auto rounded(A x) {
  if constexpr (kIsNarrow<T>) {
    return static_cast<float>(T(static_cast<float>(x)));
  } else {
    return static_cast<T>(x);
  }
}
template <class T, class A>
T stored(A x) {
  if constexpr (kIsNarrow<T>) {
    return T(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

// Calls f with the element type of a dtype that ranges exist for.
template <class F>
void dispatch(std::string_view op, Device device, DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kFloat16:
      return f(Half{});
    case DType::kBFloat16:
      return f(BFloat16{});
    case DType::kInt8:
      return f(int8_t{});
    case DType::kInt16:
      return f(int16_t{});
    case DType::kInt32:
      return f(int32_t{});
    case DType::kInt64:
      return f(int64_t{});
    case DType::kUInt8:
      return f(uint8_t{});
    default:
      fail_unsupported(op, device, dtype);
  }
}

// out[i] = value(i), but inside whole blocks lane k of a vector is step_from(first lane, k).
template <class T, class Value, class StepFrom>
void in_blocks(T* out, int64_t n, const Value& value, const StepFrom& step_from) {
  constexpr int64_t kLanes = 32 / static_cast<int64_t>(sizeof(T));
  const int64_t vectors = n / (2 * kLanes) * 2;
  for (int64_t v = 0; v < vectors; ++v) {
    const auto first = rounded<T>(value(v * kLanes));
    for (int64_t k = 0; k < kLanes; ++k) out[v * kLanes + k] = stored<T>(step_from(first, k));
  }
  for (int64_t i = vectors * kLanes; i < n; ++i) out[i] = stored<T>(value(i));
}

// start + step * i by the plain kernel: right where no rounding happens on the way.
void fill_exact(const Tensor& out, Scalar start, Scalar step) {
  Params p;
  p.f[0] = start.to_double();
  p.f[1] = step.to_double();
  p.i[0] = start.to_int();
  p.i[1] = step.to_int();
  const ElementwiseKernel kernel = backend(out.device()).range[static_cast<int>(out.dtype())];
  if (!kernel) fail_unsupported("arange", out.device(), out.dtype());
  if (out.numel() > 0) kernel(Iter({&out}), p);
}

template <class T>
void fill_arange(const Tensor& t, Scalar start, Scalar step) {
  if constexpr (std::is_integral_v<T>) {
    fill_exact(t, start, step);
  } else {
    using A = std::conditional_t<kIsNarrow<T>, float, double>;
    const A from = static_cast<A>(start.to_double()), by = static_cast<A>(step.to_double());
    const int64_t n = t.numel();
    // Whole numbers that T holds exactly come out the same in any way of computing.
    const double limit = std::is_same_v<T, float>    ? 0x1p24
                         : std::is_same_v<T, double> ? 0x1p53
                         : std::is_same_v<T, Half>   ? 0x1p11
                                                     : 0x1p8;
    if (std::trunc(from) == from && std::trunc(by) == by &&
        std::fabs(static_cast<double>(from)) +
                std::fabs(static_cast<double>(by)) * static_cast<double>(n) <
            limit) {
      return fill_exact(t, start, step);
    }
    in_blocks<T>(
        t.data_as<T>(), n, [&](int64_t i) { return std::fma(by, static_cast<A>(i), from); },
        [&](A first, int64_t k) { return std::fma(static_cast<A>(k), by, first); });
  }
}

template <class T>
void fill_linspace(T* out, int64_t n, Scalar start, Scalar end) {
  const int64_t half = n / 2;
  if constexpr (std::is_integral_v<T>) {
    const auto from = static_cast<T>(start.to_int()), to = static_cast<T>(end.to_int());
    const double a = static_cast<double>(from), b = static_cast<double>(to);
    const double step = static_cast<double>(static_cast<int64_t>(static_cast<uint64_t>(to) -
                                                                 static_cast<uint64_t>(from))) /
                        static_cast<double>(n - 1);
    in_blocks<T>(
        out, n,
        [&](int64_t i) {
          return i < half ? a + step * static_cast<double>(i)
                          : b - step * static_cast<double>(n - i - 1);
        },
        [&](T first, int64_t k) {
          return static_cast<double>(first) + static_cast<double>(k) * step;
        });
  } else if constexpr (kIsNarrow<T>) {
    const auto r = [](float x) { return rounded<T>(x); };
    const float a = r(static_cast<float>(start.to_double()));
    const float b = r(static_cast<float>(end.to_double()));
    const float step = r(r(b - a) / r(static_cast<float>(n - 1)));
    in_blocks<T>(
        out, n,
        [&](int64_t i) {
          return i < half ? a + r(step * r(static_cast<float>(i)))
                          : b - r(step * r(static_cast<float>(n - i - 1)));
        },
        [&](float first, int64_t k) { return first + r(static_cast<float>(k) * step); });
  } else {
    const T a = static_cast<T>(start.to_double()), b = static_cast<T>(end.to_double());
    const T step = (b - a) / static_cast<T>(n - 1);
    in_blocks<T>(
        out, n,
        [&](int64_t i) {
          return i < half ? std::fma(step, static_cast<T>(i), a)
                          : std::fma(-step, static_cast<T>(n - i - 1), b);
        },
        [&](T first, int64_t k) { return first + static_cast<T>(k) * step; });
  }
}

template <class T>
void fill_logspace(T* out, int64_t n, Scalar start, Scalar end, double base) {
  // Integers are computed in float, as PyTorch does; floats in double from the rounded ends.
  using A = std::conditional_t<std::is_integral_v<T>, float, double>;
  const auto end_of_range = [](Scalar x) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<A>(static_cast<T>(x.to_int()));
    } else {
      return static_cast<A>(rounded<T>(x.to_double()));
    }
  };
  const A a = end_of_range(start), b = end_of_range(end);
  const A step = (b - a) / static_cast<A>(n - 1);
  for (int64_t i = 0; i < n; ++i) {
    const A exponent =
        i < n / 2 ? a + step * static_cast<A>(i) : b - step * static_cast<A>(n - i - 1);
    const A value = std::pow(static_cast<A>(base), exponent);
    if constexpr (std::is_integral_v<T>) {
      out[i] = static_cast<T>(Scalar(static_cast<double>(value)).to_int());
    } else {
      out[i] = stored<T>(value);
    }
  }
}

void check_steps(std::string_view op, int64_t steps) {
  if (steps >= 0) return;
  fail(Status::kInvalidArgument, op, ": negative number of steps: ", steps, ": must be >= 0");
}

}  // namespace

Tensor arange(Scalar start, Scalar end, Scalar step, std::optional<DType> dtype, Device device) {
  const bool whole = !start.is_float() && !end.is_float() && !step.is_float();
  const DType t = dtype ? *dtype : whole ? DType::kInt64 : default_dtype();
  const bool integral = is_integral(t, true);
  const double a = start.to_double(), b = end.to_double();
  if (!std::isfinite(a) || !std::isfinite(b)) {
    fail(Status::kInvalidArgument, "arange: not finite: from ", a, " to ", b,
         ": both ends must be finite");
  }
  if (step.to_double() == 0 || (integral && step.to_int() == 0) || std::isnan(step.to_double())) {
    fail(Status::kInvalidArgument, "arange: step out of range: ", step.to_double(), " for ",
         dtype_name(t), ": the step must not be 0");
  }
  const bool up = step.to_double() > 0;
  if (up ? b < a : b > a) {
    fail(Status::kInvalidArgument, "arange: wrong direction: from ", a, " to ", b, " by ",
         step.to_double(), ": the step must lead from start to end");
  }
  double count;
  if (t == DType::kInt64) {
    count =
        std::ceil(static_cast<double>(static_cast<int64_t>(static_cast<uint64_t>(end.to_int()) -
                                                           static_cast<uint64_t>(start.to_int()))) /
                  static_cast<double>(step.to_int()));
  } else {
    count = std::ceil((b - a) / step.to_double());
  }
  if (!(count >= 0 && count < 0x1p62)) {
    fail(Status::kInvalidArgument, "arange: too large: from ", a, " to ", b, " by ",
         step.to_double(), ": the number of elements must fit in memory");
  }
  Tensor out = Tensor::empty(Dims{static_cast<int64_t>(count)}, t, device, "arange");
  dispatch("arange", device, t, [&]<class T>(T) {
    if (!out.is_meta()) fill_arange<T>(out, start, step);
  });
  return out;
}

Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype, Device device) {
  check_steps("linspace", steps);
  Tensor out = Tensor::empty(Dims{steps}, dtype, device, "linspace");
  if (steps == 1) {
    fill_values(out, start);
    return out;
  }
  dispatch("linspace", device, dtype, [&]<class T>(T) {
    if (!out.is_meta()) fill_linspace<T>(out.data_as<T>(), steps, start, end);
  });
  return out;
}

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, DType dtype, Device device) {
  check_steps("logspace", steps);
  Tensor out = Tensor::empty(Dims{steps}, dtype, device, "logspace");
  if (steps == 1) {
    fill_values(out, std::pow(base, start.to_double()));
    return out;
  }
  dispatch("logspace", device, dtype, [&]<class T>(T) {
    if (!out.is_meta()) fill_logspace<T>(out.data_as<T>(), steps, start, end, base);
  });
  return out;
}

}  // namespace mt
