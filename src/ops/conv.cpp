// Convolutions. With y, x and w in their places, y = conv(x, w) and its gradients of x and of w are
// three bilinear maps, and the gradients of each are the two others: so any order is there.
#include "ops/conv.h"

#include "ops/arithmetic.h"
#include "ops/images.h"
#include "ops/reduce.h"

namespace mt {
namespace {

// Sizes and steps of the plain convolution x, w -> y that all three maps belong to.
struct Conv {
  int nd;  // spatial dims
  ConvArgs args;
};

Dims image_sizes(const Conv& c, int64_t channels, const Extent& size) {
  Dims sizes{c.args.batch, channels};
  for (int d = 3 - c.nd; d < 3; ++d) sizes.push_back(size[d]);
  return sizes;
}
Dims x_sizes(const Conv& c) {
  return image_sizes(c, c.args.groups * c.args.channels_in, c.args.in);
}
Dims y_sizes(const Conv& c) {
  return image_sizes(c, c.args.groups * c.args.channels_out, c.args.out);
}
Dims w_sizes(const Conv& c) {
  Dims sizes = image_sizes(c, c.args.channels_in, c.args.kernel);
  sizes[0] = c.args.groups * c.args.channels_out;
  return sizes;
}

using Table = ConvKernel (WindowKernels::*)[kNumDTypes];

Tensor run(Table table, const Conv& c, const Dims& sizes, const Tensor& x, const Tensor& w,
           const Tensor& y, const Tensor& bias = {}) {
  const Tensor& any = x.defined() ? x : y;
  Tensor out = Tensor::empty(sizes, any.dtype(), any.device(), "convolution");
  if (out.is_meta()) return out;
  const auto kernel = window_kernel("convolution", table, any);
  ConvArgs a = c.args;
  const auto data = [](const Tensor& t) { return t.defined() ? t.data() : nullptr; };
  const auto plain = [](const Tensor& t) { return t.defined() ? contiguous_values(t) : t; };
  const Tensor cx = plain(x), cw = plain(w), cy = plain(y), cb = plain(bias);
  a.x = data(cx);
  a.w = data(cw);
  a.y = data(cy);
  a.bias = data(cb);
  a.result = out.data();
  if (out.numel() != 0) kernel(a);
  return out;
}

Tensor x_of(const char* name, const Conv& c, const Tensor& y, const Tensor& w);
Tensor w_of(const Conv& c, const Tensor& x, const Tensor& y);
constexpr const char* kFirst = "ConvolutionBackward0";
constexpr const char* kSecond = "ConvolutionBackwardBackward0";

Tensor y_of(const char* name, const Conv& c, const Tensor& x, const Tensor& w,
            const Tensor& bias = {}) {
  Tensor out = run(&WindowKernels::conv, c, y_sizes(c), x, w, {}, bias);
  if (recording(x, w, bias)) {
    record(name, out, {&x, &w, &bias},
           [c, sx = save_if(w.requires_grad(), x),
            sw = save_if(x.requires_grad(), w)](const GradIn& g) -> Grads {
             Grads r(3);
             if (g.needs(0)) r[0] = x_of(kSecond, c, g[0], sw.get(g));
             if (g.needs(1)) r[1] = w_of(c, sx.get(g), g[0]);
             if (g.needs(2)) {
               Dims dims{0};
               for (int d = 2; d < g[0].dim(); ++d) dims.push_back(d);
               r[2] = sum(g[0], dims);
             }
             return r;
           });
  }
  return out;
}

Tensor x_of(const char* name, const Conv& c, const Tensor& y, const Tensor& w) {
  Tensor out = run(&WindowKernels::conv_input, c, x_sizes(c), {}, w, y);
  if (recording(y, w)) {
    record(name, out, {&y, &w},
           [c, sy = save_if(w.requires_grad(), y),
            sw = save_if(y.requires_grad(), w)](const GradIn& g) -> Grads {
             Grads r(2);
             if (g.needs(0)) r[0] = y_of(kSecond, c, g[0], sw.get(g));
             if (g.needs(1)) r[1] = w_of(c, g[0], sy.get(g));
             return r;
           });
  }
  return out;
}

Tensor w_of(const Conv& c, const Tensor& x, const Tensor& y) {
  Tensor out = run(&WindowKernels::conv_weight, c, w_sizes(c), x, {}, y);
  if (recording(x, y)) {
    record(kSecond, out, {&x, &y},
           [c, sx = save_if(y.requires_grad(), x),
            sy = save_if(x.requires_grad(), y)](const GradIn& g) -> Grads {
             Grads r(2);
             if (g.needs(0)) r[0] = x_of(kSecond, c, sy.get(g), g[0]);
             if (g.needs(1)) r[1] = y_of(kSecond, c, sx.get(g), g[0]);
             return r;
           });
  }
  return out;
}

// What both forms check. `channels`: dim 0 or 1 of weight that meets the input's channels.
void check_operands(std::string_view op, int nd, const Tensor& input, const Tensor& weight,
                    const Tensor& bias, int64_t groups, bool transposed) {
  check_image(op, input, nd);
  check_defined(op, "weight", weight);
  check_devices(op, {&input, &weight, &bias});
  check_same_dtype(op, "input", input, "weight", weight);
  if (bias.defined()) check_same_dtype(op, "input", input, "bias", bias);
  const auto shapes = [&] {
    return cat("input ", shape_string(input.sizes()), ", weight ", shape_string(weight.sizes()));
  };
  if (weight.dim() != nd + 2) {
    fail(Status::kShape, op, ": shape mismatch: ", shapes(), ": weight must have ", nd + 2,
         " dims");
  }
  const int64_t channels = input.size(input.dim() - nd - 1);
  if (groups < 1 || weight.size(0) % groups != 0) {
    fail(Status::kInvalidArgument, op, ": value out of range: groups ", groups, ": ", shapes(),
         ": must be positive and divide weight's first size");
  }
  const int64_t expected = transposed ? weight.size(0) : weight.size(1) * groups;
  if (channels != expected) {
    fail(Status::kShape, op, ": shape mismatch: ", shapes(), ", groups ", groups,
         ": input must have ", expected, " channels, not ", channels);
  }
  const int64_t out_channels = transposed ? weight.size(1) * groups : weight.size(0);
  if (bias.defined() && (bias.dim() != 1 || bias.size(0) != out_channels)) {
    fail(Status::kShape, op, ": shape mismatch: bias ", shape_string(bias.sizes()), ", ", shapes(),
         ": bias must be (", out_channels, ",)");
  }
}

// Runs f on wide copies of half types and small integers, and on a batch of one when there is none.
template <class F>
Tensor on_batch(int nd, const Tensor& input, const Tensor& weight, const Tensor& bias, const F& f) {
  // Integers are computed in int64, which wraps around as they do.
  const auto wide = [&](const Tensor& t) {
    if (!t.defined()) return t;
    if (computes_in_float(t)) return to(t, DType::kFloat32);
    return is_integral(t.dtype(), false) ? to(t, DType::kInt64) : t;
  };
  Tensor x = wide(input);
  const bool single = input.dim() == nd + 1;
  if (single) x = unsqueeze(x, 0);
  Tensor y = f(x, wide(weight), wide(bias));
  if (single) y = squeeze(y, 0);
  return y.dtype() == input.dtype() ? y : to(y, input.dtype());
}

Tensor convolve(std::string_view op, int nd, const Tensor& input, const Tensor& weight,
                const Tensor& bias, IntSpan stride, IntSpan padding, IntSpan dilation,
                int64_t groups, std::string_view auto_padding) {
  check_operands(op, nd, input, weight, bias, groups, false);
  return on_batch(nd, input, weight, bias, [&](const Tensor& x, const Tensor& w, const Tensor& b) {
    Conv c{nd, {}};
    ConvArgs& a = c.args;
    spatial(op, "stride", stride, nd, 1, 1, 1, a.stride);
    spatial(op, "padding", padding, nd, 0, 0, 0, a.padding);
    spatial(op, "dilation", dilation, nd, 1, 1, 1, a.dilation);
    if (!auto_padding.empty() && auto_padding != "same" && auto_padding != "valid") {
      fail(Status::kInvalidArgument, op, ": unknown padding: '", auto_padding,
           "': must be 'same' or 'valid'");
    }
    a.batch = x.size(0);
    a.groups = groups;
    a.channels_in = w.size(1);
    a.channels_out = w.size(0) / groups;
    spatial_sizes(x, nd, a.in);
    spatial_sizes(w, nd, a.kernel);
    for (int d = 0; d < 3; ++d) {
      const int64_t reach = a.dilation[d] * (a.kernel[d] - 1) + 1;
      if (auto_padding == "same") {
        if (a.stride[d] != 1) {
          fail(Status::kInvalidArgument, op, ": value out of range: padding 'same' with stride ",
               a.stride[d], ": the stride must be 1");
        }
        a.padding[d] = (reach - 1) / 2;
        a.out[d] = a.in[d];
        continue;
      }
      if (auto_padding == "valid") a.padding[d] = 0;
      const int64_t room = a.in[d] + 2 * a.padding[d] - reach;
      if (room < 0 || a.kernel[d] == 0) {
        fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()),
             ", weight ", shape_string(weight.sizes()), ", padding ", a.padding[d], ", dilation ",
             a.dilation[d], ": the kernel must fit into the padded input; raise padding");
      }
      a.out[d] = room / a.stride[d] + 1;
    }
    return y_of(kFirst, c, x, w, b);
  });
}

Tensor convolve_transposed(std::string_view op, int nd, const Tensor& input, const Tensor& weight,
                           const Tensor& bias, IntSpan stride, IntSpan padding,
                           IntSpan output_padding, int64_t groups, IntSpan dilation) {
  check_operands(op, nd, input, weight, bias, groups, true);
  return on_batch(nd, input, weight, bias, [&](const Tensor& y, const Tensor& w, const Tensor& b) {
    Conv c{nd, {}};
    ConvArgs& a = c.args;
    Extent extra;
    spatial(op, "stride", stride, nd, 1, 1, 1, a.stride);
    spatial(op, "padding", padding, nd, 0, 0, 0, a.padding);
    spatial(op, "output_padding", output_padding, nd, 0, 0, 0, extra);
    spatial(op, "dilation", dilation, nd, 1, 1, 1, a.dilation);
    a.batch = y.size(0);
    a.groups = groups;
    a.channels_in = w.size(1);
    a.channels_out = w.size(0) / groups;
    spatial_sizes(y, nd, a.out);
    spatial_sizes(w, nd, a.kernel);
    for (int d = 3 - nd; d < 3; ++d) {
      if (extra[d] >= a.stride[d] && extra[d] >= a.dilation[d]) {
        fail(Status::kInvalidArgument, op, ": value out of range: output_padding ", extra[d],
             " with stride ", a.stride[d], " and dilation ", a.dilation[d],
             ": must be smaller than either");
      }
    }
    for (int d = 0; d < 3; ++d) {
      a.in[d] = (a.out[d] - 1) * a.stride[d] - 2 * a.padding[d] +
                a.dilation[d] * (a.kernel[d] - 1) + extra[d] + 1;
      if (a.in[d] < 1 || a.out[d] < 1) {
        fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()),
             ", weight ", shape_string(weight.sizes()), ", padding ", a.padding[d],
             ": the output must not be empty; lower padding");
      }
    }
    const Tensor x = x_of(kFirst, c, y, w);
    if (!b.defined()) return x;
    Dims sizes(nd + 2, 1);
    sizes[1] = b.size(0);
    return add(x, reshape(b, sizes));
  });
}

}  // namespace

#define MT_CONV(nd)                                                                                \
  Tensor conv##nd##d(const Tensor& input, const Tensor& weight, const Tensor& bias,                \
                     IntSpan stride, IntSpan padding, IntSpan dilation, int64_t groups,            \
                     std::string_view auto_padding) {                                              \
    return convolve("conv" #nd "d", nd, input, weight, bias, stride, padding, dilation, groups,    \
                    auto_padding);                                                                 \
  }                                                                                                \
  Tensor conv_transpose##nd##d(const Tensor& input, const Tensor& weight, const Tensor& bias,      \
                               IntSpan stride, IntSpan padding, IntSpan output_padding,            \
                               int64_t groups, IntSpan dilation) {                                 \
    return convolve_transposed("conv_transpose" #nd "d", nd, input, weight, bias, stride, padding, \
                               output_padding, groups, dilation);                                  \
  }
MT_CONV(1)
MT_CONV(2)
MT_CONV(3)
#undef MT_CONV

}  // namespace mt
