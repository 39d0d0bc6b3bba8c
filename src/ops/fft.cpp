// Discrete Fourier transforms and their gradients: see fft.h. Gradient rules are those of the
// linear maps, transposed; the engine conjugates around the ones with complex results.
#include "ops/fft.h"

#include <algorithm>
#include <cmath>

#include "kernels/fft.h"
#include "ops/common.h"
#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/join.h"
#include "ops/rearrange.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

void run(std::string_view op, FftKind kind, bool inverse, const Tensor& in, const Tensor& out,
         IntSpan dims, double scale) {
  if (out.is_meta() || out.numel() == 0) return;
  const DType real = real_type(out.dtype());
  const FftKernels* const k = backend(out.device()).fft;
  const auto transform = k ? k->transform[static_cast<int>(real)] : nullptr;
  if (!transform) fail_unsupported(op, out.device(), real);
  if (!transform({kind, inverse, in.data(), out.data(), in.sizes(), out.sizes(), dims, scale})) {
    fail(Status::kNotImplemented, op,
         ": not available: the FFTW 3 library (libfftw3.so.3, libfftw3f.so.3) could not be used: "
         "install it (Debian: libfftw3-double3, libfftw3-single3); it is opened at first use");
  }
}

// The three transforms, recorded. Sizes are right already; dims are wrapped.
Tensor complex_transform(std::string_view op, const Tensor& self, const Dims& dims, bool inverse,
                         double scale) {
  const Tensor in = contiguous_values(self);
  Tensor out = Tensor::empty(in.sizes(), in.dtype(), in.device());
  if (dims.empty()) {
    copy_values(out, in);
  } else {
    run(op, FftKind::kComplex, inverse, in, out, dims, scale);
  }
  if (recording(self)) {
    record_light("FftC2CBackward0", out, {&self}, [dims, inverse, scale](const GradIn& g) -> Grads {
      return {complex_transform("fft", g[0], dims, inverse, scale)};
    });
  }
  return out;
}

// t with `dim` cut or padded with zeros to n.
Tensor resized(const Tensor& t, int64_t dim, int64_t n) {
  const auto d = static_cast<int>(dim);
  if (t.size(d) == n) return t;
  if (t.size(d) > n) return narrow(t, d, 0, n);
  Dims pads(2 * (t.dim() - d));
  pads[pads.size() - 1] = n - t.size(d);
  return constant_pad_nd(t, pads);
}

Tensor to_real(std::string_view op, const Tensor& self, int64_t dim, int64_t n, double scale);

Tensor from_real(std::string_view op, const Tensor& self, int64_t dim, double scale) {
  const Tensor in = contiguous_values(self);
  Dims sizes = in.sizes();
  const int64_t n = sizes[static_cast<int>(dim)];
  sizes[static_cast<int>(dim)] = n / 2 + 1;
  Tensor out = Tensor::empty(sizes, complex_type(in.dtype()), in.device());
  run(op, FftKind::kFromReal, false, in, out, {{dim}}, scale);
  if (recording(self)) {
    record_light("FftR2CBackward0", out, {&self}, [dim, n, scale](const GradIn& g) -> Grads {
      return {real(complex_transform("fft", resized(g[0], dim, n), Dims{dim}, false, scale))};
    });
  }
  return out;
}

Tensor to_real(std::string_view op, const Tensor& self, int64_t dim, int64_t n, double scale) {
  Tensor in = Tensor::empty_like(self);  // destroyed by the transform
  copy_values(in, self);
  Dims sizes = in.sizes();
  sizes[static_cast<int>(dim)] = n;
  Tensor out = Tensor::empty(sizes, real_type(in.dtype()), in.device());
  run(op, FftKind::kToReal, true, in, out, {{dim}}, scale);
  if (recording(self)) {
    record_light("FftC2RBackward0", out, {&self}, [dim, n, scale](const GradIn& g) -> Grads {
      const Tensor half = from_real("fft", g[0], dim, scale);
      // All but the first value, and the middle one of an even number, stand for two.
      const int64_t single = half.size(static_cast<int>(dim)), twice = n - single;
      Dims sizes(half.dim(), 1);
      sizes[static_cast<int>(dim)] = single;
      const Tensor weight = Tensor::empty(sizes, real_type(half.dtype()), half.device());
      fill_values(weight, 1);
      fill_values(weight.alias(Dims{twice}, Dims{1}, 1), 2);
      return {mul(half, weight)};
    });
  }
  return out;
}

enum class Norm { kNone, kRoot, kPoints };  // divided by

Norm norm_of(std::string_view op, std::string_view norm, bool inverse) {
  if (norm.empty() || norm == "backward") return inverse ? Norm::kPoints : Norm::kNone;
  if (norm == "forward") return inverse ? Norm::kNone : Norm::kPoints;
  if (norm == "ortho") return Norm::kRoot;
  fail(Status::kInvalidArgument, op, ": unknown norm: '", norm,
       "': must be 'forward', 'backward' or 'ortho'");
}

double scale_of(Norm norm, const Tensor& signal, const Dims& dims) {
  double n = 1;
  for (const int64_t d : dims) n *= static_cast<double>(signal.size(static_cast<int>(d)));
  return norm == Norm::kNone ? 1 : norm == Norm::kRoot ? 1 / std::sqrt(n) : 1 / n;
}

void check_points(std::string_view op, int64_t n) {
  if (n >= 1) return;
  fail(Status::kInvalidArgument, op, ": invalid number of data points: ", n, ": at least 1 needed");
}

// The input in a dtype that there are transforms for.
Tensor signal_of(std::string_view op, const Tensor& self, bool wants_complex) {
  check_defined(op, "input", self);
  if (is_reduced_float(self.dtype())) {
    fail(Status::kDType, op, ": dtype not supported: ", dtype_name(self.dtype()),
         ": float32 or float64 is needed; convert with mt_tensor_to_dtype");
  }
  const DType t = floating_type(self.dtype());
  if (is_reduced_float(t)) fail_unsupported(op, self.device(), t);
  return to(self, wants_complex ? complex_type(t) : t);
}

void check_real(std::string_view op, const Tensor& self) {
  check_defined(op, "input", self);
  if (!is_complex(self.dtype())) return;
  fail(Status::kDType, op, ": dtype mismatch: input is ", dtype_name(self.dtype()),
       ": a real tensor is needed; use real, or the transform of complex tensors");
}

// The dims and the sizes that a transform over several of them means.
struct Plan {
  Dims dims, sizes;  // sizes: -1 for the dim's own

  Plan(std::string_view op, const Tensor& self, IntSpan s, IntSpan dim, bool needs_one) {
    if (!dim.empty() && !s.empty() && dim.size() != s.size()) {
      fail(Status::kInvalidArgument, op, ": length mismatch: ", s.size(), " sizes, ", dim.size(),
           " dims: when both are given they must have the same length");
    }
    if (s.size() > static_cast<size_t>(self.dim())) {
      fail(Status::kInvalidArgument, op, ": too many sizes: ", s.size(), " for a tensor of ",
           self.dim(), " dims: at most one a dim");
    }
    if (self.dim() == 0 && !dim.empty()) {
      fail(Status::kInvalidArgument, op, ": dim out of range: ", dim[0],
           " for a tensor of no dims: it has none to transform");
    }
    const size_t n = !dim.empty() ? dim.size() : !s.empty() ? s.size() : sizes_of(self);
    for (size_t i = 0; i < n; ++i) {
      const int64_t d = dim.empty() ? self.dim() - static_cast<int64_t>(n - i) : dim[i];
      dims.push_back(wrap_dim(op, d, self.dim()));
      sizes.push_back(s.empty() ? -1 : s[i]);
      for (int j = 0; j + 1 < dims.size(); ++j) {
        if (dims[j] != dims[dims.size() - 1]) continue;
        fail(Status::kInvalidArgument, op, ": repeated dim: ", d, ": dims must be unique");
      }
    }
    if (needs_one && dims.empty()) {
      fail(Status::kInvalidArgument, op, ": no dims: tensor of shape ()",
           ": at least one dim must be transformed");
    }
  }

  // A plan of one dim. A 0-dim tensor is as one without values.
  Plan(std::string_view op, const Tensor& self, std::optional<int64_t> n, int64_t dim) {
    check_defined(op, "input", self);
    if (self.dim() == 0) check_points(op, 0);
    if (n) check_points(op, *n);
    dims.push_back(wrap_dim(op, dim, self.dim()));
    sizes.push_back(n.value_or(-1));
  }

  // t with the sizes that are given for its dims.
  Tensor fitted(std::string_view op, Tensor t, int count) const {
    for (int i = 0; i < count; ++i) {
      const int64_t n = sizes[i] == -1 ? t.size(static_cast<int>(dims[i])) : sizes[i];
      check_points(op, n);
      t = resized(t, dims[i], n);
    }
    return t;
  }
  int64_t last() const { return dims[dims.size() - 1]; }
  Dims others() const {
    Dims d = dims;
    d.resize(d.size() - 1);
    return d;
  }

 private:
  static size_t sizes_of(const Tensor& t) { return static_cast<size_t>(t.dim()); }
};

Tensor between_complex(std::string_view op, const Tensor& self, const Plan& plan, bool inverse,
                       std::string_view norm) {
  const Norm by = norm_of(op, norm, inverse);
  const Tensor x = plan.fitted(op, signal_of(op, self, true), plan.dims.size());
  return complex_transform(op, x, plan.dims, inverse, scale_of(by, x, plan.dims));
}

// rfft and, inverse, ihfft: the conjugate of the other.
Tensor real_to_half(std::string_view op, const Tensor& self, const Plan& plan, bool inverse,
                    std::string_view norm) {
  check_real(op, self);
  const Norm by = norm_of(op, norm, inverse);
  const Tensor x = plan.fitted(op, signal_of(op, self, false), plan.dims.size());
  Tensor half = from_real(op, x, plan.last(), scale_of(by, x, plan.dims));
  if (inverse) half = conj(half);
  return plan.dims.size() == 1 ? half : complex_transform(op, half, plan.others(), inverse, 1);
}

// irfft and, forward, hfft.
Tensor half_to_real(std::string_view op, const Tensor& self, const Plan& plan, bool inverse,
                    std::string_view norm) {
  const Norm by = norm_of(op, norm, inverse);
  const int last = plan.dims.size() - 1;
  Tensor x = signal_of(op, self, true);
  const int64_t given = plan.sizes[last];
  const int64_t n = given == -1 ? 2 * (x.size(static_cast<int>(plan.last())) - 1) : given;
  check_points(op, n);
  x = resized(plan.fitted(op, x, last), plan.last(), n / 2 + 1);
  double points = static_cast<double>(n);
  for (const int64_t d : plan.others()) points *= static_cast<double>(x.size(static_cast<int>(d)));
  const double scale = by == Norm::kNone   ? 1
                       : by == Norm::kRoot ? 1 / std::sqrt(points)
                                           : 1 / points;
  if (last > 0) x = complex_transform(op, x, plan.others(), inverse, 1);
  return to_real(op, inverse ? x : conj(x), plan.last(), n, scale);
}

void check_count(std::string_view op, int64_t n) {
  if (n >= 0) return;
  fail(Status::kInvalidArgument, op, ": negative size: ", n, ": n must be >= 0");
}

Tensor rolled_by_half(std::string_view op, const Tensor& self, IntSpan dim, bool back) {
  check_defined(op, "input", self);
  Dims dims, shifts;
  for (int d = 0; d < self.dim() && dim.empty(); ++d) dims.push_back(d);
  for (const int64_t d : dim) dims.push_back(wrap_dim(op, d, self.dim()));
  for (const int64_t d : dims) {
    shifts.push_back((self.size(static_cast<int>(d)) + back) / 2);
  }
  return dims.empty() ? clone(self) : roll(self, shifts, dims);
}

}  // namespace

#define MT_FFT(name, op, function, inverse)                                    \
  Tensor fft_##name(const Tensor& self, std::optional<int64_t> n, int64_t dim, \
                    std::string_view norm) {                                   \
    return function(op, self, Plan(op, self, n, dim), inverse, norm);          \
  }
#define MT_FFTN(name, op, function, inverse, needs_one)                                  \
  Tensor fft_##name(const Tensor& self, IntSpan s, IntSpan dim, std::string_view norm) { \
    check_defined(op, "input", self);                                                    \
    return function(op, self, Plan(op, self, s, dim, needs_one), inverse, norm);         \
  }
MT_FFT(fft, "fft.fft", between_complex, false)
MT_FFT(ifft, "fft.ifft", between_complex, true)
MT_FFT(rfft, "fft.rfft", real_to_half, false)
MT_FFT(ihfft, "fft.ihfft", real_to_half, true)
MT_FFT(irfft, "fft.irfft", half_to_real, true)
MT_FFT(hfft, "fft.hfft", half_to_real, false)
MT_FFTN(fftn, "fft.fftn", between_complex, false, false)
MT_FFTN(ifftn, "fft.ifftn", between_complex, true, false)
MT_FFTN(rfftn, "fft.rfftn", real_to_half, false, true)
MT_FFTN(ihfftn, "fft.ihfftn", real_to_half, true, true)
MT_FFTN(irfftn, "fft.irfftn", half_to_real, true, true)
MT_FFTN(hfftn, "fft.hfftn", half_to_real, false, true)
#undef MT_FFT
#undef MT_FFTN

Tensor fft_fftfreq(int64_t n, double d, DType dtype, Device device) {
  check_count("fft.fftfreq", n);
  const Tensor left = arange(0, (n + 1) / 2, 1, dtype, device);
  const Tensor right = arange(-(n / 2), 0, 1, dtype, device);
  const Tensor parts[] = {left, right};
  return mul(cat(Tensors(parts), int64_t{0}),
             Tensor::from_scalar(1.0 / (static_cast<double>(n) * d)));
}

Tensor fft_rfftfreq(int64_t n, double d, DType dtype, Device device) {
  check_count("fft.rfftfreq", n);
  const Tensor k = arange(0, n / 2 + 1, 1, dtype, device);
  return mul(k, Tensor::from_scalar(1.0 / (static_cast<double>(n) * d)));
}

Tensor fft_fftshift(const Tensor& self, IntSpan dim) {
  return rolled_by_half("fft.fftshift", self, dim, false);
}

Tensor fft_ifftshift(const Tensor& self, IntSpan dim) {
  return rolled_by_half("fft.ifftshift", self, dim, true);
}

}  // namespace mt
