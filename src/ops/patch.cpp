// Padding, patches and pixel shuffling.
#include "ops/patch.h"

#include <algorithm>

#include "ops/images.h"
#include "ops/index.h"

namespace mt {
namespace {

constexpr int64_t kMost = int64_t{1} << 48;  // more padding than any tensor has

Tensor constant_pad(const Tensor& self, const Dims& pads, Scalar value) {
  Dims sizes = self.sizes();
  const int n = self.dim();
  for (int i = 0; i < pads.size(); i += 2) {
    const int d = n - 1 - i / 2;
    sizes[d] += pads[i] + pads[i + 1];
    if (sizes[d] < 0) {
      fail(Status::kShape, "pad: shape mismatch: input ", shape_string(self.sizes()), ", pad ",
           shape_string(pads), ": dim ", d, " would have a negative size");
    }
  }
  Tensor out = Tensor::empty(sizes, self.dtype(), self.device(), "pad");
  fill_values(out, value);
  {
    GradMode off(false);
    Tensor from = self, to = out;
    for (int i = 0; i < pads.size(); i += 2) {
      const int d = n - 1 - i / 2;
      const int64_t cut = std::max<int64_t>(0, -pads[i]), skip = std::max<int64_t>(0, pads[i]);
      const int64_t length = std::max<int64_t>(0, std::min(self.size(d) - cut, sizes[d] - skip));
      from = narrow(from, d, std::min(cut, self.size(d)), length);
      to = narrow(to, d, std::min(skip, sizes[d]), length);
    }
    copy_values(to, from);
  }
  if (recording(self)) {
    record_light("ConstantPadNdBackward0", out, {&self}, [pads](const GradIn& g) -> Grads {
      Dims back = pads;
      for (int i = 0; i < back.size(); ++i) back[i] = -back[i];
      return {constant_pad(g[0], back, 0)};
    });
  }
  return out;
}

enum class Border { kReflect, kReplicate, kCircular };

int64_t source_of(int64_t i, int64_t n, Border border) {
  if (border == Border::kReplicate) return std::clamp<int64_t>(i, 0, n - 1);
  return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

Tensor edge_pad(const Tensor& self, int d, int64_t before, int64_t after, Border border) {
  if (border == Border::kCircular && (before < 0 || after < 0)) {  // what is left goes around
    const int64_t cut = std::max<int64_t>(0, -before), drop = std::max<int64_t>(0, -after);
    if (cut + drop <= self.size(d)) {
      return edge_pad(narrow(self, d, cut, self.size(d) - cut - drop), d,
                      std::max<int64_t>(0, before), std::max<int64_t>(0, after), border);
    }
  }
  const int64_t n = self.size(d), out = n + before + after;
  const int64_t most = border == Border::kReflect ? n - 1 : border == Border::kCircular ? n : kMost;
  if (before > most || after > most || out < 1 || n == 0) {
    fail(Status::kShape, "pad: shape mismatch: input ", shape_string(self.sizes()), ", pad (",
         before, ", ", after, ") of dim ", d,
         border == Border::kReflect
             ? ": padding must be less than the size"
             : ": padding must be at most the size, and something must be left");
  }
  const Tensor index = Tensor::empty({{out}}, DType::kInt64, Device::kCPU, "pad");
  auto* const at = index.data_as<int64_t>();
  for (int64_t i = 0; i < out; ++i) {
    at[i] = border == Border::kCircular ? (i - before + n) % n : source_of(i - before, n, border);
  }
  return index_select(self, d, to_device(index, self.device()));
}

FoldArgs fold_args(std::string_view op, IntSpan kernel_size, IntSpan dilation, IntSpan padding,
                   IntSpan stride) {
  FoldArgs a{};
  if (kernel_size.empty()) {
    fail(Status::kInvalidArgument, op,
         ": missing argument: no kernel_size: one number or 2 are needed");
  }
  spatial(op, "kernel_size", kernel_size, 2, 1, 1, 1, a.kernel);
  spatial(op, "dilation", dilation, 2, 1, 1, 1, a.dilation);
  spatial(op, "padding", padding, 2, 0, 0, 0, a.padding);
  spatial(op, "stride", stride, 2, 1, 1, 1, a.stride);
  return a;
}

void set_out(std::string_view op, const Tensor& input, FoldArgs& a) {
  for (int d = 0; d < 3; ++d) {
    const int64_t room = a.in[d] + 2 * a.padding[d] - a.dilation[d] * (a.kernel[d] - 1) - 1;
    a.out[d] = room < 0 ? 0 : room / a.stride[d] + 1;
    if (a.out[d] < 1) {
      fail(Status::kShape, op, ": shape mismatch: input ", shape_string(input.sizes()),
           ", image size ", a.in[d], ", kernel_size ", a.kernel[d], ", padding ", a.padding[d],
           ", dilation ", a.dilation[d], ": the kernel must fit into the padded image");
    }
  }
}

// Between images (n, c, h, w) and columns (n, c * kernel, patches); each is the other's gradient.
Tensor folded(const Tensor& t, const FoldArgs& args, bool unfolds) {
  const char* name = unfolds ? "Im2ColBackward0" : "Col2ImBackward0";
  const int64_t kernel = args.kernel[1] * args.kernel[2], patches = args.out[1] * args.out[2];
  const int64_t n = t.size(0), c = unfolds ? t.size(1) : t.size(1) / kernel;
  Tensor out =
      Tensor::empty(unfolds ? Dims{n, c * kernel, patches} : Dims{n, c, args.in[1], args.in[2]},
                    t.dtype(), t.device(), unfolds ? "unfold" : "fold");
  if (!t.is_meta()) {
    const auto run = window_kernel(unfolds ? "unfold" : "fold",
                                   unfolds ? &WindowKernels::unfold : &WindowKernels::fold, t);
    const Tensor from = contiguous_values(t);
    FoldArgs a = args;
    a.planes = n * c;
    a.from = from.data();
    a.to = out.data();
    if (out.numel() != 0) run(a);
  }
  if (recording(t)) {
    record_light(name, out, {&t}, [args, unfolds](const GradIn& g) -> Grads {
      return {folded(g[0], args, !unfolds)};
    });
  }
  return out;
}

Tensor folded_batch(const Tensor& input, const FoldArgs& args, bool unfolds, bool single) {
  Tensor x = computes_in_float(input) ? to(input, DType::kFloat32) : input;
  if (single) x = unsqueeze(x, 0);
  Tensor y = folded(x, args, unfolds);
  if (single) y = squeeze(y, 0);
  return y.dtype() == input.dtype() ? y : to(y, input.dtype());
}

void check_factor(std::string_view op, const Tensor& self, std::string_view name, int64_t factor,
                  int least_dims) {
  check_defined(op, "input", self);
  if (self.dim() < least_dims) {
    fail(Status::kShape, op, ": too few dims: input ", shape_string(self.sizes()), ": at least ",
         least_dims, " are needed");
  }
  if (factor < 1 || factor > (int64_t{1} << 31)) {
    fail(Status::kInvalidArgument, op, ": value out of range: ", name, " ", factor,
         ": must be positive");
  }
}

}  // namespace

Tensor pad(const Tensor& self, IntSpan pads, std::string_view mode, Scalar value) {
  constexpr std::string_view kOp = "pad";
  check_defined(kOp, "input", self);
  const auto count = static_cast<int>(pads.size());
  if (count % 2 != 0 || count / 2 > self.dim()) {
    fail(Status::kInvalidArgument, kOp, ": wrong number of values: pad ", shape_string(pads),
         " for input ", shape_string(self.sizes()),
         ": must be two numbers a dim, at most for all dims");
  }
  for (const int64_t p : pads) {
    if (p < -kMost || p > kMost) {
      fail(Status::kInvalidArgument, kOp, ": value out of range: pad ", p, ": is too large");
    }
  }
  if (mode == "constant") return constant_pad(self, pads, value);
  if (mode != "reflect" && mode != "replicate" && mode != "circular") {
    fail(Status::kInvalidArgument, kOp, ": unknown mode: '", mode,
         "': must be constant, reflect, replicate or circular");
  }
  const int nd = count / 2;
  if (nd < 1 || nd > 3 || self.dim() < nd + 1 || self.dim() > nd + 2) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()), ", pad ",
         shape_string(pads), ": this mode pads the last 1, 2 or 3 dims of images with channels");
  }
  const Border border = mode == "reflect"     ? Border::kReflect
                        : mode == "replicate" ? Border::kReplicate
                                              : Border::kCircular;
  Tensor out = self;
  for (int i = 0; i < nd; ++i) {
    const auto at = static_cast<size_t>(2 * i);
    out = edge_pad(out, self.dim() - 1 - i, pads[at], pads[at + 1], border);
  }
  return out;
}

Tensor im2col(const Tensor& input, IntSpan kernel_size, IntSpan dilation, IntSpan padding,
              IntSpan stride) {
  constexpr std::string_view kOp = "unfold";
  check_image(kOp, input, 2);
  FoldArgs a = fold_args(kOp, kernel_size, dilation, padding, stride);
  spatial_sizes(input, 2, a.in);
  set_out(kOp, input, a);
  return folded_batch(input, a, true, input.dim() == 3);
}

Tensor col2im(const Tensor& input, IntSpan output_size, IntSpan kernel_size, IntSpan dilation,
              IntSpan padding, IntSpan stride) {
  constexpr std::string_view kOp = "fold";
  check_defined(kOp, "input", input);
  FoldArgs a = fold_args(kOp, kernel_size, dilation, padding, stride);
  if (output_size.empty()) {
    fail(Status::kInvalidArgument, kOp,
         ": missing argument: no output_size: one number or 2 are needed");
  }
  spatial(kOp, "output_size", output_size, 2, 1, 1, 1, a.in);
  set_out(kOp, input, a);
  const int64_t kernel = a.kernel[1] * a.kernel[2], patches = a.out[1] * a.out[2];
  const int n = input.dim();
  if ((n != 2 && n != 3) || input.size(n - 2) % kernel != 0 || input.size(n - 1) != patches) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(input.sizes()),
         ": must be (n, channels * ", kernel, ", ", patches, ") for this kernel and output_size");
  }
  return folded_batch(input, a, false, n == 2);
}

Tensor pixel_shuffle(const Tensor& self, int64_t upscale_factor) {
  constexpr std::string_view kOp = "pixel_shuffle";
  check_factor(kOp, self, "upscale_factor", upscale_factor, 3);
  const int n = self.dim();
  const int64_t r = upscale_factor, c = self.size(n - 3), h = self.size(n - 2),
                w = self.size(n - 1);
  if (c % (r * r) != 0) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()),
         ", upscale_factor ", r, ": the channels must be a multiple of ", r * r);
  }
  Dims lead(IntSpan(self.sizes().data(), static_cast<size_t>(n - 3)));
  Dims parts = lead, order, whole = lead;
  for (const int64_t s : {c / (r * r), r, r, h, w}) parts.push_back(s);
  for (const int64_t s : {c / (r * r), h * r, w * r}) whole.push_back(s);
  for (int d = 0; d < n - 3; ++d) order.push_back(d);
  for (const int i : {0, 3, 1, 4, 2}) order.push_back(n - 3 + i);
  return reshape(permute(reshape(self, parts), order), whole);
}

Tensor pixel_unshuffle(const Tensor& self, int64_t downscale_factor) {
  constexpr std::string_view kOp = "pixel_unshuffle";
  check_factor(kOp, self, "downscale_factor", downscale_factor, 3);
  const int n = self.dim();
  const int64_t r = downscale_factor, c = self.size(n - 3), h = self.size(n - 2),
                w = self.size(n - 1);
  if (h % r != 0 || w % r != 0) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()),
         ", downscale_factor ", r, ": height and width must be multiples of it");
  }
  Dims lead(IntSpan(self.sizes().data(), static_cast<size_t>(n - 3)));
  Dims parts = lead, order, whole = lead;
  for (const int64_t s : {c, h / r, r, w / r, r}) parts.push_back(s);
  for (const int64_t s : {c * r * r, h / r, w / r}) whole.push_back(s);
  for (int d = 0; d < n - 3; ++d) order.push_back(d);
  for (const int i : {0, 2, 4, 1, 3}) order.push_back(n - 3 + i);
  return reshape(permute(reshape(self, parts), order), whole);
}

Tensor channel_shuffle(const Tensor& self, int64_t groups) {
  constexpr std::string_view kOp = "channel_shuffle";
  check_factor(kOp, self, "groups", groups, 3);
  const int64_t c = self.size(1);
  if (c % groups != 0) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()), ", groups ",
         groups, ": the channels must be a multiple of it");
  }
  Dims parts = self.sizes();
  parts[1] = groups;
  parts.insert(2, c / groups);
  return reshape(transpose(reshape(self, parts), 1, 2), self.sizes());
}

}  // namespace mt
