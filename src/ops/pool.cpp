// Pooling: tables of windows for the kernels, and gradients that are placing and picking by index
// (max) or a kernel of their own that is linear (avg).
#include "ops/pool.h"

#include <algorithm>
#include <vector>

#include "ops/activation.h"
#include "ops/images.h"
#include "ops/index.h"
#include "ops/power.h"
#include "ops/random.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

// Where every window begins and ends along each dim.
struct Windows {
  Extent in, out, step{1, 1, 1};
  std::vector<int64_t> begin[3], end[3];
  std::vector<double> divisor[3];

  void reserve(int d) {
    const auto n = static_cast<size_t>(out[d]);
    begin[d].resize(n);
    end[d].resize(n);
    divisor[d].assign(n, 1);
  }
  PoolArgs args(int64_t planes) const {
    PoolArgs a{};
    a.planes = planes;
    for (int d = 0; d < 3; ++d) {
      a.in[d] = in[d];
      a.out[d] = out[d];
      a.step[d] = step[d];
      a.begin[d] = begin[d].data();
      a.end[d] = end[d].data();
      a.divisor[d] = divisor[d].data();
    }
    return a;
  }
};

// Spatial sizes must not be zero; a batch may be.
void check_pooled(std::string_view op, const Tensor& input, int nd) {
  check_image(op, input, nd);
  for (int d = input.dim() - nd - (input.dim() == nd + 2 ? 1 : 0); d < input.dim(); ++d) {
    if (input.size(d) != 0) continue;
    fail(Status::kShape, op, ": empty input: input ", shape_string(input.sizes()),
         ": only the batch may have size 0");
  }
}

struct Steps {
  Extent kernel, stride, padding, dilation;
};

Steps steps_of(std::string_view op, int nd, IntSpan kernel_size, IntSpan stride, IntSpan padding,
               IntSpan dilation) {
  Steps s;
  if (kernel_size.empty()) {
    fail(Status::kInvalidArgument, op, ": missing argument: no kernel_size: one number or ", nd,
         " are needed");
  }
  spatial(op, "kernel_size", kernel_size, nd, 1, 1, 1, s.kernel);
  spatial(op, "stride", stride.empty() ? kernel_size : stride, nd, 1, 1, 1, s.stride);
  spatial(op, "padding", padding, nd, 0, 0, 0, s.padding);
  spatial(op, "dilation", dilation, nd, 1, 1, 1, s.dilation);
  for (int d = 0; d < 3; ++d) {
    if (2 * s.padding[d] <= s.kernel[d]) continue;
    fail(Status::kInvalidArgument, op, ": value out of range: padding ", s.padding[d],
         " with kernel_size ", s.kernel[d], ": must be at most half of it");
  }
  return s;
}

int64_t pooled_size(std::string_view op, const Tensor& input, int64_t in, const Steps& s, int d,
                    bool ceil_mode) {
  const int64_t room = in + 2 * s.padding[d] - s.dilation[d] * (s.kernel[d] - 1) - 1;
  const int64_t up = ceil_mode ? s.stride[d] - 1 : 0;
  int64_t out = room + up < 0 ? 0 : (room + up) / s.stride[d] + 1;
  // The last window begins inside of the image or its padding in front.
  if (ceil_mode && (out - 1) * s.stride[d] >= in + s.padding[d]) --out;
  if (out < 1) {
    fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()),
         ", kernel_size ", s.kernel[d], ", padding ", s.padding[d], ", dilation ", s.dilation[d],
         ": the output would be empty");
  }
  return out;
}

int64_t planes_of(const Tensor& t, int nd) {
  int64_t n = 1;
  for (int d = 0; d < t.dim() - nd; ++d) n *= t.size(d);
  return n;
}

// (leading dims..., pixels)
Tensor flat_images(const Tensor& t, int nd) {
  Dims sizes = t.sizes();
  int64_t pixels = 1;
  for (int d = 0; d < nd; ++d) {
    pixels *= sizes[sizes.size() - 1];
    sizes.erase(sizes.size() - 1);
  }
  sizes.push_back(pixels);
  return reshape(t, sizes);
}

// Zeros of `sizes` with the values of g added where index says: the gradient of a maximum.
Tensor placed(const char* name, const Tensor& g, const Tensor& index, const Dims& sizes, int nd) {
  Tensor out = Tensor::empty(sizes, g.dtype(), g.device());
  if (!out.is_meta() && out.numel() != 0) {
    const Tensor from = contiguous_values(g), at = contiguous_values(index);
    PoolArgs a{};
    a.planes = planes_of(out, nd);
    spatial_sizes(out, nd, a.in);
    spatial_sizes(g, nd, a.out);
    a.from = from.data();
    a.to = out.data();
    a.index = at.data_as<int64_t>();
    window_kernel(name, &WindowKernels::place, g)(a);
  }
  if (recording(g)) {
    record(name, out, {&g}, [nd, i = save(index), g_sizes = g.sizes()](const GradIn& in) -> Grads {
      const Tensor at = i.get(in);
      return {reshape(gather(flat_images(in[0], nd), -1, flat_images(at, nd)), g_sizes)};
    });
  }
  return out;
}

constexpr const char* kMaxNames[3] = {"SqueezeBackward1", "MaxPool2DWithIndicesBackward0",
                                      "MaxPool3DWithIndicesBackward0"};
constexpr const char* kAvgNames[3] = {"SqueezeBackward1", "AvgPool2DBackward0",
                                      "AvgPool3DBackward0"};

ValuesIndices record_max(const char* name, const Tensor& x, Tensor values, Tensor indices, int nd) {
  if (recording(x)) {
    record(name, values, {&x},
           [name, nd, i = save(indices), sizes = x.sizes()](const GradIn& g) -> Grads {
             return {placed(name, g[0], i.get(g), sizes, nd)};
           });
  }
  return {std::move(values), std::move(indices)};
}

// `per_plane` sets the windows of a plane anew, where they differ.
template <class F>
ValuesIndices max_over(std::string_view op, const char* name, const Tensor& input, int nd,
                       Windows& w, const F* per_plane) {
  const Tensor x = computes_in_float(input) ? to(input, DType::kFloat32) : input;
  const Dims sizes = with_spatial(input, nd, w.out);
  Tensor values = Tensor::empty(sizes, x.dtype(), x.device(), op);
  Tensor indices = Tensor::empty(sizes, DType::kInt64, x.device(), op);
  if (!x.is_meta()) {
    const auto kernel = window_kernel(op, &WindowKernels::max_pool, x);
    const Tensor from = contiguous_values(x);
    PoolArgs a = w.args(planes_of(x, nd));
    a.from = from.data();
    a.to = values.data();
    a.index = indices.data_as<int64_t>();
    if (!per_plane) {
      if (values.numel() != 0) kernel(a);
    } else {
      const auto bytes = static_cast<int64_t>(dtype_size(x.dtype()));
      const int64_t in = a.in[0] * a.in[1] * a.in[2], out = a.out[0] * a.out[1] * a.out[2];
      for (int64_t p = 0; p < a.planes; ++p) {
        (*per_plane)(p);
        PoolArgs one = a;
        one.planes = 1;
        one.from = static_cast<const char*>(a.from) + p * in * bytes;
        one.to = static_cast<char*>(a.to) + p * out * bytes;
        one.index = a.index + p * out;
        kernel(one);
      }
    }
  }
  ValuesIndices r = record_max(name, x, std::move(values), std::move(indices), nd);
  if (r.values.dtype() != input.dtype()) r.values = to(r.values, input.dtype());
  return r;
}
using NoPlane = void (*)(int64_t);

// The averages of x's windows, or transposed: the image that the shares of y add up to.
Tensor averaged(const char* name, const Tensor& t, int nd, const Windows& w, bool transposed) {
  Tensor out = Tensor::empty(with_spatial(t, nd, transposed ? w.in : w.out), t.dtype(), t.device());
  if (!t.is_meta()) {
    const auto kernel = window_kernel(
        "avg_pool", transposed ? &WindowKernels::avg_pool_backward : &WindowKernels::avg_pool, t);
    const Tensor from = contiguous_values(t);
    PoolArgs a = w.args(planes_of(t, nd));
    a.from = from.data();
    a.to = out.data();
    if (out.numel() != 0) kernel(a);
  }
  if (recording(t)) {
    record_light(name, out, {&t}, [name, nd, w, transposed](const GradIn& g) -> Grads {
      return {averaged(name, g[0], nd, w, !transposed)};
    });
  }
  return out;
}

Tensor average_over(const char* name, const Tensor& input, int nd, const Windows& w) {
  if (!computes_in_float(input)) return averaged(name, input, nd, w, false);
  return to(averaged(name, to(input, DType::kFloat32), nd, w, false), input.dtype());
}

Windows adaptive_windows(std::string_view op, const Tensor& input, int nd, IntSpan output_size) {
  check_pooled(op, input, nd);
  if (output_size.empty()) {
    fail(Status::kInvalidArgument, op, ": missing argument: no output_size: one number or ", nd,
         " are needed");
  }
  Windows w;
  spatial_sizes(input, nd, w.in);
  spatial(op, "output_size", output_size, nd, 1, 1, -1, w.out);
  for (int d = 0; d < 3; ++d) {
    if (w.out[d] < 0) w.out[d] = w.in[d];
    constexpr int64_t kMost = int64_t{1} << 27;  // each window takes memory of its own
    if (w.out[d] > kMost) {
      fail(Status::kInvalidArgument, op, ": output_size out of range: ", w.out[d],
           ": must be at most ", kMost);
    }
    w.reserve(d);
    for (int64_t o = 0; o < w.out[d]; ++o) {
      const auto i = static_cast<size_t>(o);
      w.begin[d][i] = o * w.in[d] / w.out[d];
      w.end[d][i] = ((o + 1) * w.in[d] + w.out[d] - 1) / w.out[d];
      w.divisor[d][i] = static_cast<double>(w.end[d][i] - w.begin[d][i]);
    }
  }
  return w;
}

// The places of fractional windows: steps of alpha from a random start; the last ends at the end.
template <class T>
void fractional_places(T sample, int64_t in, int64_t out, int64_t kernel,
                       std::vector<int64_t>& begin, std::vector<int64_t>& end) {
  if (out > 1) {
    const T alpha = static_cast<T>(in - kernel) / static_cast<T>(out - 1);
    const auto start = static_cast<int64_t>(sample * alpha);
    for (int64_t o = 0; o + 1 < out; ++o) {
      begin[static_cast<size_t>(o)] =
          static_cast<int64_t>((static_cast<T>(o) + sample) * alpha) - start;
    }
  }
  if (out > 0) begin[static_cast<size_t>(out - 1)] = in - kernel;
  for (size_t o = 0; o < begin.size(); ++o) {
    begin[o] = std::clamp<int64_t>(begin[o], 0, in - kernel);
    end[o] = begin[o] + kernel;
  }
}

}  // namespace

ValuesIndices max_pool(int nd, const Tensor& input, IntSpan kernel_size, IntSpan stride,
                       IntSpan padding, IntSpan dilation, bool ceil_mode) {
  constexpr std::string_view kOp = "max_pool";
  check_pooled(kOp, input, nd);
  const Steps s = steps_of(kOp, nd, kernel_size, stride, padding, dilation);
  Windows w;
  spatial_sizes(input, nd, w.in);
  for (int d = 0; d < 3; ++d) {
    w.out[d] = pooled_size(kOp, input, w.in[d], s, d, ceil_mode);
    w.step[d] = s.dilation[d];
    w.reserve(d);
    for (int64_t o = 0; o < w.out[d]; ++o) {
      int64_t begin = o * s.stride[d] - s.padding[d];
      w.end[d][static_cast<size_t>(o)] =
          std::min(begin + (s.kernel[d] - 1) * s.dilation[d] + 1, w.in[d]);
      if (begin < 0) begin += (-begin + s.dilation[d] - 1) / s.dilation[d] * s.dilation[d];
      w.begin[d][static_cast<size_t>(o)] = std::min(begin, w.in[d] - 1);
    }
  }
  return max_over<NoPlane>(kOp, kMaxNames[nd - 1], input, nd, w, nullptr);
}

Tensor avg_pool(int nd, const Tensor& input, IntSpan kernel_size, IntSpan stride, IntSpan padding,
                bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override) {
  constexpr std::string_view kOp = "avg_pool";
  check_pooled(kOp, input, nd);
  const Steps s = steps_of(kOp, nd, kernel_size, stride, padding, {});
  if (divisor_override && *divisor_override == 0) {
    fail(Status::kInvalidArgument, kOp,
         ": value out of range: divisor_override 0: must not be zero");
  }
  Windows w;
  spatial_sizes(input, nd, w.in);
  for (int d = 0; d < 3; ++d) {
    w.out[d] = pooled_size(kOp, input, w.in[d], s, d, ceil_mode);
    w.reserve(d);
    for (int64_t o = 0; o < w.out[d]; ++o) {
      const auto i = static_cast<size_t>(o);
      const int64_t begin = o * s.stride[d] - s.padding[d];
      const int64_t end = std::min(begin + s.kernel[d], w.in[d] + s.padding[d]);
      w.begin[d][i] = std::max<int64_t>(begin, 0);
      w.end[d][i] = std::min(end, w.in[d]);
      if (divisor_override) {
        w.divisor[d][i] = d == 0 ? static_cast<double>(*divisor_override) : 1;
      } else {
        const int64_t count = count_include_pad ? end - begin : w.end[d][i] - w.begin[d][i];
        w.divisor[d][i] = static_cast<double>(std::max<int64_t>(count, 1));
      }
    }
  }
  return average_over(kAvgNames[nd - 1], input, nd, w);
}

Tensor lp_pool(int nd, const Tensor& input, double norm_type, IntSpan kernel_size, IntSpan stride,
               bool ceil_mode) {
  check_image("lp_pool", input, nd);
  Extent kernel;
  spatial("lp_pool", "kernel_size", kernel_size, nd, 1, 1, 1, kernel);
  const auto count = static_cast<double>(kernel[0] * kernel[1] * kernel[2]);
  const Tensor powered = pow(input, Tensor::from_scalar(norm_type));
  const Tensor out = avg_pool(nd, powered, kernel_size, stride, {}, ceil_mode, true, {});
  return pow(sign(out) * relu(abs(out)) * count, Tensor::from_scalar(1 / norm_type));
}

ValuesIndices adaptive_max_pool(int nd, const Tensor& input, IntSpan output_size) {
  Windows w = adaptive_windows("adaptive_max_pool", input, nd, output_size);
  constexpr const char* kNames[3] = {"SqueezeBackward1", "AdaptiveMaxPool2DBackward0",
                                     "AdaptiveMaxPool3DBackward0"};
  return max_over<NoPlane>("adaptive_max_pool", kNames[nd - 1], input, nd, w, nullptr);
}

Tensor adaptive_avg_pool(int nd, const Tensor& input, IntSpan output_size) {
  constexpr const char* kNames[3] = {"SqueezeBackward1", "AdaptiveAvgPool2DBackward0",
                                     "AdaptiveAvgPool3DBackward0"};
  return average_over(kNames[nd - 1], input, nd,
                      adaptive_windows("adaptive_avg_pool", input, nd, output_size));
}

ValuesIndices fractional_max_pool(int nd, const Tensor& input, IntSpan kernel_size,
                                  IntSpan output_size, const Tensor& random_samples,
                                  Generator* generator) {
  constexpr std::string_view kOp = "fractional_max_pool";
  check_pooled(kOp, input, nd);
  check_floating(kOp, input);
  Extent kernel;
  Windows w;
  if (kernel_size.empty() || output_size.empty()) {
    fail(Status::kInvalidArgument, kOp,
         ": missing argument: no kernel_size or output_size: both are needed");
  }
  spatial(kOp, "kernel_size", kernel_size, nd, 1, 1, 1, kernel);
  spatial(kOp, "output_size", output_size, nd, 1, 1, 1, w.out);
  spatial_sizes(input, nd, w.in);
  for (int d = 0; d < 3; ++d) {
    if (w.out[d] + kernel[d] - 1 > w.in[d]) {
      fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()),
           ", kernel_size ", kernel[d], ", output_size ", w.out[d],
           ": output_size + kernel_size - 1 must be at most the input's size");
    }
    w.reserve(d);
    std::fill(w.end[d].begin(), w.end[d].end(), 1);  // of leading dims
  }
  const bool single = input.dim() == nd + 1;
  const int64_t channels = input.size(single ? 0 : 1), batch = single ? 1 : input.size(0);
  const Dims expected{batch, channels, nd};
  Tensor samples = random_samples;
  if (!samples.defined()) {
    samples = rand(expected, input.dtype(), input.device(), generator);
  } else if (!(samples.sizes() == expected) || samples.device() != input.device()) {
    fail(Status::kShape, kOp, ": shape mismatch: random_samples ", shape_string(samples.sizes()),
         ": must be ", shape_string(expected), " on the input's device");
  } else {
    check_same_dtype(kOp, "input", input, "random_samples", samples);
  }
  const bool wide = input.dtype() == DType::kFloat64;
  const Tensor plain =
      contiguous_values(converted(samples, wide ? DType::kFloat64 : DType::kFloat32));
  const auto per_plane = [&](int64_t p) {
    for (int i = 0; i < nd; ++i) {
      const int d = nd == 2 ? 2 - i : 3 - nd + i;  // images: the width comes first
      if (wide) {
        fractional_places(plain.data_as<double>()[p * nd + i], w.in[d], w.out[d], kernel[d],
                          w.begin[d], w.end[d]);
      } else {
        fractional_places(plain.data_as<float>()[p * nd + i], w.in[d], w.out[d], kernel[d],
                          w.begin[d], w.end[d]);
      }
    }
  };
  return max_over(kOp, nd == 3 ? "FractionalMaxPool3DBackward0" : "FractionalMaxPool2DBackward0",
                  input, nd, w, &per_plane);
}

Tensor max_unpool(int nd, const Tensor& input, const Tensor& indices, IntSpan output_size) {
  constexpr std::string_view kOp = "max_unpool";
  check_image(kOp, input, nd);
  check_defined(kOp, "indices", indices);
  check_devices(kOp, {&input, &indices});
  if (indices.dtype() != DType::kInt64) {
    fail(Status::kDType, kOp, ": dtype mismatch: indices are ", dtype_name(indices.dtype()),
         ": must be int64");
  }
  if (!(indices.sizes() == input.sizes())) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()), ", indices ",
         shape_string(indices.sizes()), ": must be of one shape");
  }
  Extent size;
  if (output_size.empty()) {
    fail(Status::kInvalidArgument, kOp, ": missing argument: no output_size: one number or ", nd,
         " are needed");
  }
  spatial(kOp, "output_size", output_size, nd, 1, 1, 1, size);
  const Dims sizes = with_spatial(input, nd, size);
  Dims flat = flat_images(input, nd).sizes();
  flat[flat.size() - 1] = size[0] * size[1] * size[2];
  const Tensor zeros = Tensor::empty(flat, input.dtype(), input.device(), kOp);
  fill_values(zeros, 0);
  return reshape(scatter(zeros, -1, flat_images(indices, nd), flat_images(input, nd)), sizes);
}

}  // namespace mt
