// Normalisation layers: all are one layout of the norm kernels. The backward is fused; under
// create_graph it is made of differentiable ops instead.
#include "ops/normalization.h"

#include "kernels/window.h"
#include "ops/images.h"
#include "ops/line_map.h"
#include "ops/power.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"

namespace mt {
namespace {

using namespace tensor_math;

// See NormArgs. `turned`: x is (batch, groups, few pixels) and is worked on as (groups, batch *
// pixels), because short runs are slow.
struct Layout {
  int64_t outer, groups, inner, channels, channel_groups;
  bool turned;

  int64_t count() const { return outer * inner; }
};

Tensor turned_copy(const Tensor& t, const Layout& l, bool back) {
  const int64_t n = l.outer, c = l.groups, s = l.inner;
  Tensor out = Tensor::empty(t.sizes(), t.dtype(), t.device());
  if (back) {
    copy_values(out.alias({{c, n, s}}, {{s, c * s, 1}}, out.offset()),
                t.alias({{c, n, s}}, {{n * s, s, 1}}, t.offset()));
  } else {
    copy_values(out.alias({{c, n, s}}, {{n * s, s, 1}}, out.offset()),
                t.alias({{c, n, s}}, {{s, c * s, 1}}, t.offset()));
  }
  return out;
}

NormArgs args_of(const Layout& l) {
  NormArgs a{};
  a.outer = l.turned ? 1 : l.outer;
  a.groups = l.groups;
  a.inner = l.turned ? l.outer * l.inner : l.inner;
  a.channels = l.channels;
  a.channel_groups = l.channel_groups;
  return a;
}

void* data_or_null(const Tensor& t) { return t.defined() ? t.data() : nullptr; }

struct Stats {
  Tensor mean, rstd, var;  // var: only when asked for
  bool given = false;
};

// What the backward needs beside x and weight.
struct Saved {
  Layout layout;
  double eps;
  bool given, has_weight, has_bias;
  SavedTensor mean, rstd;
};

// dx, dweight and dbias of plain values.
Grads fused_grads(std::string_view op, const GradIn& g, const Tensor& x, const Tensor& weight,
                  const Saved& s) {
  Grads r(3);
  if (g.needs(0)) r[0] = Tensor::empty_like(x);
  if (g.needs(1)) r[1] = Tensor::empty_like(weight);
  if (g.needs(2)) {
    r[2] = Tensor::empty({{s.layout.channels * s.layout.channel_groups}}, x.dtype(), x.device());
  }
  if (x.is_meta() || x.numel() == 0) {
    for (int i = 1; i < 3; ++i) {
      if (r[i].defined()) fill_values(r[i], 0);
    }
    return r;
  }
  Tensor cx = contiguous_values(x), cg = contiguous_values(g[0]);
  const Tensor cw = weight.defined() ? contiguous_values(weight) : weight;
  if (s.layout.turned) {
    cx = turned_copy(cx, s.layout, false);
    cg = turned_copy(cg, s.layout, false);
  }
  const Tensor mean = s.mean.get(g), rstd = s.rstd.get(g);
  NormArgs a = args_of(s.layout);
  a.x = cx.data();
  a.grad = cg.data();
  a.weight = data_or_null(cw);
  a.mean = mean.data();
  a.rstd = rstd.data();
  a.given = s.given;
  a.y = data_or_null(r[0]);
  a.weight_grad = data_or_null(r[1]);
  a.bias_grad = data_or_null(r[2]);
  window_kernel(op, &WindowKernels::norm_backward, x)(a);
  if (s.layout.turned && r[0].defined()) r[0] = turned_copy(r[0], s.layout, true);
  return r;
}

// The same in differentiable ops.
Grads composed_grads(const GradIn& g, const Tensor& input, const Tensor& weight, const Saved& s) {
  const Layout& l = s.layout;
  const Dims whole{l.outer, l.groups, l.inner}, over{0, 2};
  const Tensor x = reshape(input, whole), dy = reshape(g[0], whole);
  Tensor mu, rstd;
  if (s.given) {
    mu = reshape(s.mean.get(g), {{1, l.groups, 1}});
    rstd = reshape(s.rstd.get(g), {{1, l.groups, 1}});
  } else {
    mu = mean(x, over, true);
    rstd = rsqrt(mean(square(x - mu), over, true) + s.eps);
  }
  const Tensor x_hat = (x - mu) * rstd;
  const int64_t repeats = l.groups / std::max<int64_t>(1, l.channel_groups);
  const int64_t run = l.inner / std::max<int64_t>(1, l.channels);
  Grads r(3);
  if (g.needs(0)) {
    Tensor each = dy;
    if (weight.defined()) {
      const Tensor w = reshape(weight, {{1, l.channel_groups, l.channels, 1}});
      each = dy * reshape(expand(w, {{repeats, l.channel_groups, l.channels, run}}),
                          {{1, l.groups, l.inner}});
    }
    Tensor dx = each;
    if (!s.given) dx = each - mean(each, over, true) - x_hat * mean(each * x_hat, over, true);
    r[0] = reshape(dx * rstd, input.sizes());
  }
  const auto by_channel = [&](const Tensor& t) {
    const Tensor parts = reshape(t, {{l.outer, repeats, l.channel_groups, l.channels, run}});
    return sum(parts, {{0, 1, 4}});
  };
  if (g.needs(1)) r[1] = reshape(by_channel(dy * x_hat), weight.sizes());
  if (g.needs(2)) r[2] = by_channel(dy);
  return r;
}

// y = (x - mean) * rstd * weight + bias over the groups of the layout. `stats`: given, or results.
Tensor normalize_groups(std::string_view op, const char* node, const Tensor& x,
                        const Tensor& weight, const Tensor& bias, const Layout& layout, double eps,
                        Stats& stats) {
  Tensor out = Tensor::empty_like(x);
  if (!stats.given) {
    stats.mean = Tensor::empty({{layout.groups}}, x.dtype(), x.device());
    stats.rstd = Tensor::empty_like(stats.mean);
    if (stats.var.defined()) stats.var = Tensor::empty_like(stats.mean);
  }
  if (!x.is_meta() && (x.numel() != 0 || layout.groups != 0)) {
    Tensor cx = contiguous_values(x);
    if (layout.turned) cx = turned_copy(cx, layout, false);
    const auto plain = [](const Tensor& t) { return t.defined() ? contiguous_values(t) : t; };
    const Tensor cw = plain(weight), cb = plain(bias);
    NormArgs a = args_of(layout);
    a.x = cx.data();
    a.weight = data_or_null(cw);
    a.bias = data_or_null(cb);
    a.eps = eps;
    a.mean = stats.mean.data();
    a.rstd = stats.rstd.data();
    a.var = data_or_null(stats.var);
    a.given = stats.given;
    a.y = out.data();
    window_kernel(op, &WindowKernels::norm, x)(a);
    if (layout.turned) out = turned_copy(out, layout, true);
  }
  if (recording(x, weight, bias)) {
    Saved s{layout,          eps, stats.given, weight.defined(), bias.defined(), save(stats.mean),
            save(stats.rstd)};
    record(node, out, {&x, &weight, &bias},
           [op, s = std::move(s), sx = save(x), sw = save_if(weight.defined(), weight),
            b_sizes = bias.defined() ? bias.sizes() : Dims()](const GradIn& g) -> Grads {
             const Tensor tx = sx.get(g), tw = s.has_weight ? sw.get(g) : Tensor();
             Grads r =
                 g.create_graph() ? composed_grads(g, tx, tw, s) : fused_grads(op, g, tx, tw, s);
             if (g.needs(2)) r[2] = reshape(r[2], b_sizes);
             return r;
           });
  }
  return out;
}

// Float32 for half types, the input's own dtype otherwise.
Tensor widened(const Tensor& t, DType dtype) {
  return t.defined() && t.dtype() != dtype ? to(t, dtype) : t;
}
DType compute_dtype(const Tensor& t) { return computes_in_float(t) ? DType::kFloat32 : t.dtype(); }

// One value for every channel.
void check_channel_values(std::string_view op, std::string_view name, const Tensor& t,
                          const Tensor& input, int64_t channels) {
  if (!t.defined()) return;
  if (t.numel() != channels || t.dim() != 1) {
    fail(Status::kShape, op, ": shape mismatch: ", name, " ", shape_string(t.sizes()), ", input ",
         shape_string(input.sizes()), ": ", name, " must be (", channels, ",)");
  }
  if (t.dtype() != input.dtype() && !(computes_in_float(input) && t.dtype() == DType::kFloat32)) {
    check_same_dtype(op, "input", input, name, t);
  }
}

void check_batch_norm(std::string_view op, const Tensor& input, const Tensor& weight,
                      const Tensor& bias, const Tensor& running_mean, const Tensor& running_var) {
  check_defined(op, "input", input);
  check_devices(op, {&input, &weight, &bias, &running_mean, &running_var});
  check_floating(op, input);
  if (input.dim() < 2) {
    fail(Status::kShape, op, ": too few dims: input ", shape_string(input.sizes()),
         ": at least 2 are needed, (batch, channels, ...)");
  }
  const int64_t c = input.size(1);
  check_channel_values(op, "weight", weight, input, c);
  check_channel_values(op, "bias", bias, input, c);
  check_channel_values(op, "running_mean", running_mean, input, c);
  check_channel_values(op, "running_var", running_var, input, c);
}

// A 1-D tensor of no elements passes through, as in PyTorch.
bool is_nothing(const Tensor& input) {
  return input.defined() && input.dim() == 1 && input.numel() == 0 && is_floating(input.dtype());
}

// The mean of squares over `size` channels around each, zeros outside.
Tensor mean_squares(const Tensor& input, int64_t size) {
  const int64_t c = input.size(1);
  auto map = std::make_shared<LineMap>(LineMap{c, c, std::min(size, 2 * c), {}, {}});
  for (int64_t o = 0; o < c; ++o) {
    const int64_t first = std::max(o - size / 2, -c), reach = o - size / 2 + size;
    for (int64_t t = 0; t < map->taps; ++t) {
      const int64_t i = first + t;
      const bool inside = i >= 0 && i < std::min(c, reach);
      map->index.push_back(inside ? i : 0);
      map->weight.push_back(inside ? 1 / static_cast<double>(size) : 0);
    }
  }
  return line_map("AvgPool3DBackward0", square(input), 1, std::move(map));
}

Tensor number(double x) { return Tensor::from_scalar(x); }

// running += momentum * (now - running)
void move_running(const Tensor& running, const Tensor& now, double momentum) {
  if (!running.defined()) return;
  GradMode off(false);
  const Tensor moved = running * (1 - momentum) + now * momentum;
  copy_values(running, moved);
  mark_written(running);
}

Layout batch_layout(const Tensor& x) {
  const int64_t n = x.size(0), c = x.size(1);
  int64_t s = 1;
  for (int d = 2; d < x.dim(); ++d) s *= x.size(d);
  constexpr int64_t kFewPixels = 16;
  return {n, c, s, 1, c, n > 1 && s < kFewPixels};
}

Stats running_stats(const Tensor& mean, const Tensor& var, double eps, DType dtype) {
  GradMode off(false);
  Stats stats;
  stats.given = true;
  stats.mean = clone(widened(mean, dtype));  // running statistics may move before the backward
  stats.rstd = rsqrt(widened(var, dtype) + eps);
  stats.mean = contiguous_values(stats.mean);
  stats.rstd = contiguous_values(stats.rstd);
  return stats;
}

int64_t product(IntSpan sizes) {
  int64_t n = 1;
  for (const int64_t s : sizes) n *= s;
  return n;
}

}  // namespace

Normalized native_batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                             const Tensor& running_mean, const Tensor& running_var, bool training,
                             double momentum, double eps) {
  constexpr std::string_view kOp = "batch_norm";
  if (is_nothing(input)) {
    const Tensor none = Tensor::empty({{0}}, compute_dtype(input), input.device());
    return {clone(input), none, none};
  }
  check_batch_norm(kOp, input, weight, bias, running_mean, running_var);
  if (!training && (!running_mean.defined() || !running_var.defined())) {
    fail(Status::kInvalidArgument, kOp,
         ": missing argument: no running_mean and running_var: they are needed unless training");
  }
  const DType dtype = compute_dtype(input);
  const Tensor x = widened(input, dtype), w = widened(weight, dtype), b = widened(bias, dtype);
  const Layout layout = batch_layout(x);
  Stats stats;
  if (training) {
    if (running_var.defined()) stats.var = Tensor::empty({{0}}, dtype, x.device());
  } else {
    stats = running_stats(running_mean, running_var, eps, dtype);
  }
  Tensor y = normalize_groups(kOp, "NativeBatchNormBackward0", x, w, b, layout, eps, stats);
  if (training) {
    move_running(running_mean, stats.mean, momentum);
    if (running_var.defined()) {
      const auto n = static_cast<double>(layout.count());
      GradMode off(false);
      move_running(running_var, stats.var * (n / (n - 1)), momentum);
    }
  } else {
    stats.mean = stats.rstd = Tensor::empty({{0}}, dtype, x.device());
  }
  if (y.dtype() != input.dtype()) y = to(y, input.dtype());
  return {std::move(y), converted(stats.mean, input.dtype()), converted(stats.rstd, input.dtype())};
}

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  if (is_nothing(input)) return clone(input);
  check_batch_norm("batch_norm", input, weight, bias, running_mean, running_var);
  if (training && batch_layout(input).count() == 1) {
    fail(Status::kShape, "batch_norm: too few values: input ", shape_string(input.sizes()),
         ": training needs more than 1 value per channel");
  }
  return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
      .output;
}

Tensor instance_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, bool use_input_stats,
                     double momentum, double eps) {
  constexpr std::string_view kOp = "instance_norm";
  if (!use_input_stats) {
    return native_batch_norm(input, weight, bias, running_mean, running_var, false, momentum, eps)
        .output;
  }
  check_batch_norm(kOp, input, weight, bias, running_mean, running_var);
  const DType dtype = compute_dtype(input);
  const Tensor x = widened(input, dtype);
  const Layout flat = batch_layout(x);
  if (flat.inner == 1) {
    fail(Status::kShape, kOp, ": too few values: input ", shape_string(input.sizes()),
         ": more than 1 spatial element is needed");
  }
  const Layout layout{1, flat.outer * flat.groups, flat.inner, 1, flat.groups, false};
  Stats stats;
  if (running_var.defined()) stats.var = Tensor::empty({{0}}, dtype, x.device());
  const Tensor y = normalize_groups(kOp, "NativeBatchNormBackward0", x, widened(weight, dtype),
                                    widened(bias, dtype), layout, eps, stats);
  {
    GradMode off(false);
    const Dims each{flat.outer, flat.groups};
    if (running_mean.defined()) {
      move_running(running_mean, mean(reshape(stats.mean, each), {{0}}), momentum);
    }
    if (running_var.defined()) {
      const auto n = static_cast<double>(flat.inner);
      move_running(running_var, mean(reshape(stats.var, each), {{0}}) * (n / (n - 1)), momentum);
    }
  }
  return y.dtype() == input.dtype() ? y : to(y, input.dtype());
}

Normalized native_layer_norm(const Tensor& input, IntSpan normalized_shape, const Tensor& weight,
                             const Tensor& bias, double eps) {
  constexpr std::string_view kOp = "layer_norm";
  check_defined(kOp, "input", input);
  check_devices(kOp, {&input, &weight, &bias});
  check_floating(kOp, input);
  const int nd = static_cast<int>(normalized_shape.size()), lead = input.dim() - nd;
  const Dims shape(normalized_shape);
  const bool fits =
      nd > 0 && lead >= 0 &&
      shape == Dims(IntSpan(input.sizes().data() + std::max(lead, 0), static_cast<size_t>(nd)));
  if (!fits) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()),
         ", normalized_shape ", shape_string(shape),
         ": it must have at least one dim and be the input's last sizes");
  }
  for (const auto& [name, t] : {std::pair{"weight", &weight}, std::pair{"bias", &bias}}) {
    if (!t->defined()) continue;
    if (!(t->sizes() == shape)) {
      fail(Status::kShape, kOp, ": shape mismatch: ", name, " ", shape_string(t->sizes()),
           ": must be normalized_shape ", shape_string(shape));
    }
    if (!(computes_in_float(input) && t->dtype() == DType::kFloat32)) {
      check_same_dtype(kOp, "input", input, name, *t);
    }
  }
  const DType dtype = compute_dtype(input);
  const Tensor x = widened(input, dtype);
  const int64_t columns = product(shape);
  Dims stat_sizes = input.sizes();
  int64_t rows = 1;
  for (int d = 0; d < lead; ++d) rows *= input.size(d);
  for (int d = lead; d < input.dim(); ++d) stat_sizes[d] = 1;
  Stats stats;
  Tensor y =
      normalize_groups(kOp, "NativeLayerNormBackward0", x, widened(weight, dtype),
                       widened(bias, dtype), {1, rows, columns, columns, 1, false}, eps, stats);
  if (y.dtype() != input.dtype()) y = to(y, input.dtype());
  const auto shaped = [&](const Tensor& t) {
    const Tensor plain = converted(t, input.dtype());
    return plain.alias(stat_sizes, contiguous_strides(stat_sizes), plain.offset());
  };
  return {std::move(y), shaped(stats.mean), shaped(stats.rstd)};
}

Tensor layer_norm(const Tensor& input, IntSpan normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  return native_layer_norm(input, normalized_shape, weight, bias, eps).output;
}

Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  constexpr std::string_view kOp = "group_norm";
  check_batch_norm(kOp, input, weight, bias, {}, {});
  const int64_t n = input.size(0), c = input.size(1);
  if (num_groups < 1 || c % num_groups != 0) {
    fail(Status::kInvalidArgument, kOp, ": value out of range: num_groups ", num_groups, ", input ",
         shape_string(input.sizes()), ": must be positive and divide the number of channels");
  }
  const DType dtype = compute_dtype(input);
  const Tensor x = widened(input, dtype);
  const int64_t in_group = c / num_groups, pixels = batch_layout(x).inner;
  Stats stats;
  const Tensor y = normalize_groups(
      kOp, "NativeGroupNormBackward0", x, widened(weight, dtype), widened(bias, dtype),
      {1, n * num_groups, in_group * pixels, in_group, num_groups, false}, eps, stats);
  return y.dtype() == input.dtype() ? y : to(y, input.dtype());
}

Tensor local_response_norm(const Tensor& input, int64_t size, double alpha, double beta, double k) {
  constexpr std::string_view kOp = "local_response_norm";
  check_defined(kOp, "input", input);
  if (input.dim() < 3) {
    fail(Status::kShape, kOp, ": too few dims: input ", shape_string(input.sizes()),
         ": at least 3 are needed, (batch, channels, ...)");
  }
  if (size < 1) {
    fail(Status::kInvalidArgument, kOp, ": value out of range: size ", size, ": must be positive");
  }
  if (input.numel() == 0) return input;
  if (!is_floating(input.dtype())) {  // sums of squares divide as integers do
    if (input.dtype() == DType::kBool) check_floating(kOp, input);
    const double n = static_cast<double>(size);
    const Tensor means = mean_squares(to(input, DType::kFloat64), size);
    const Tensor whole = to(round(means * n), DType::kInt64);
    const Tensor part = div(whole, Tensor::from_scalar(size), "trunc");
    return input / pow(part * alpha + k, number(beta));
  }
  const Tensor means = mean_squares(input, size);
  return input / pow(means * alpha + k, number(beta));
}

}  // namespace mt
