// Short-time Fourier transforms as compositions: frames are a strided view of the signal, and the
// inverse adds them up where they overlap. See fft.h.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/complex.h"
#include "ops/creation.h"
#include "ops/fft.h"
#include "ops/index.h"
#include "ops/patch.h"
#include "ops/power.h"
#include "ops/rearrange.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;  // NOLINT

struct Frames {
  int64_t n_fft, hop, win_length;

  Frames(std::string_view op, int64_t n, std::optional<int64_t> hop_length,
         std::optional<int64_t> length)
      : n_fft(n), hop(hop_length.value_or(n / 4)), win_length(length.value_or(n)) {
    const auto check = [op](bool ok, std::string_view name, int64_t value, std::string_view rule) {
      if (ok) return;
      fail(Status::kInvalidArgument, op, ": ", name, " out of range: ", value, ": must be ", rule);
    };
    check(n_fft > 0, "n_fft", n_fft, "> 0");
    check(hop > 0, "hop_length", hop, "> 0");
    check(win_length > 0 && win_length <= n_fft, "win_length", win_length, "> 0 and at most n_fft");
  }

  // The window in the middle of n_fft samples; undefined where it is all ones.
  Tensor window(std::string_view op, const Tensor& given, const Tensor& like) const {
    if (given.defined() && (given.dim() != 1 || given.size(0) != win_length)) {
      fail(Status::kShape, op, ": shape mismatch: window ", shape_string(given.sizes()),
           ", win_length ", win_length, ": the window must be 1-D with win_length values");
    }
    if (given.defined()) check_devices(op, {&like, &given});
    if (win_length == n_fft) return given;
    const Tensor ones = given.defined()
                            ? given
                            : mt::ones(Dims{win_length}, real_type(like.dtype()), like.device());
    const int64_t left = (n_fft - win_length) / 2;
    return constant_pad_nd(ones, Dims{left, n_fft - win_length - left});
  }

  int64_t signal_length(int64_t frames) const { return n_fft + hop * (frames - 1); }

  // (batch, frames, n_fft) added up to (batch, signal_length).
  Tensor added_up(const Tensor& frames) const {
    const int64_t count = frames.size(1);
    const Tensor starts = arange(0, count * hop, hop, DType::kInt64, frames.device());
    const Tensor places = add(unsqueeze(starts, 1), arange(n_fft, DType::kInt64, frames.device()));
    const Tensor zeros =
        mt::zeros(Dims{frames.size(0), signal_length(count)}, frames.dtype(), frames.device());
    return index_add(zeros, 1, reshape(places, Dims{count * n_fft}),
                     reshape(frames, Dims{frames.size(0), count * n_fft}));
  }
};

void check_half(std::string_view op, bool onesided, bool is_complex) {
  if (onesided && is_complex) {
    fail(Status::kInvalidArgument, op,
         ": complex signal: onesided with a complex signal or window: only the transform of a real "
         "one follows "
         "from its half; give onesided = false");
  }
}

// A window of shape(t) for t from 0 on, 1 being its end.
template <class Shape>
Tensor window_of(std::string_view op, int64_t length, bool periodic, DType dtype, Device device,
                 const Shape& shape) {
  if (length < 0) {
    fail(Status::kInvalidArgument, op, ": negative size: ", length, ": must be >= 0");
  }
  if (!is_floating(dtype)) {
    fail(Status::kDType, op, ": dtype mismatch: ", dtype_name(dtype),
         ": a floating-point dtype is needed");
  }
  const Tensor values = Tensor::empty(Dims{length}, DType::kFloat64);
  auto* const v = values.data_as<double>();
  const auto steps = static_cast<double>(periodic ? length : length - 1);
  for (int64_t i = 0; i < length; ++i) {
    v[i] = length == 1 ? 1 : shape(static_cast<double>(i) / steps);
  }
  if (device == Device::kMeta) return Tensor::empty(Dims{length}, dtype, device);
  return converted(values, dtype);
}

double cosine(int k, double t) { return std::cos(2 * std::numbers::pi * k * t); }

}  // namespace

Tensor hann_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window_of("hann_window", length, periodic, dtype, device,
                   [](double t) { return 0.5 - 0.5 * cosine(1, t); });
}

Tensor hamming_window(int64_t length, bool periodic, double alpha, double beta, DType dtype,
                      Device device) {
  return window_of("hamming_window", length, periodic, dtype, device,
                   [=](double t) { return alpha - beta * cosine(1, t); });
}

Tensor blackman_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window_of("blackman_window", length, periodic, dtype, device, [](double t) {
    return std::max(0.0, 0.42 - 0.5 * cosine(1, t) + 0.08 * cosine(2, t));
  });
}

Tensor bartlett_window(int64_t length, bool periodic, DType dtype, Device device) {
  return window_of("bartlett_window", length, periodic, dtype, device,
                   [](double t) { return 1 - std::fabs(2 * t - 1); });
}

Tensor kaiser_window(int64_t length, bool periodic, double beta, DType dtype, Device device) {
  return window_of("kaiser_window", length, periodic, dtype, device, [beta](double t) {
    const double x = 2 * t - 1;
    return std::cyl_bessel_i(0.0, std::fabs(beta) * std::sqrt(std::max(0.0, 1 - x * x))) /
           std::cyl_bessel_i(0.0, std::fabs(beta));
  });
}

Tensor stft(const Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length,
            std::optional<int64_t> win_length, const Tensor& window, bool center,
            std::string_view pad_mode, bool normalized, bool onesided, bool return_complex) {
  constexpr std::string_view kOp = "stft";
  check_defined(kOp, "input", self);
  if (!is_differentiable(self.dtype())) check_floating(kOp, self);
  if (self.dim() != 1 && self.dim() != 2) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()),
         ": must be (time) or (batch, time)");
  }
  const Frames f(kOp, n_fft, hop_length, win_length);
  Tensor x = self.dim() == 1 ? unsqueeze(self, 0) : self;
  if (center) {
    x = squeeze(pad(unsqueeze(x, 0), Dims{n_fft / 2, n_fft / 2}, pad_mode), 0);
  }
  if (n_fft > x.size(1)) {
    fail(Status::kInvalidArgument, kOp, ": n_fft out of range: ", n_fft, " for ", x.size(1),
         " samples: at most the length of the signal", center ? " with its padding" : "");
  }
  const Tensor w = f.window(kOp, window, self);
  x = unfold(x, 1, n_fft, f.hop);
  if (w.defined()) x = x * w;
  check_half(kOp, onesided, is_complex(x.dtype()));
  const std::string_view norm = normalized ? "ortho" : "backward";
  x = onesided ? fft_rfft(x, {}, -1, norm) : fft_fft(x, {}, -1, norm);
  x = transpose(x, 1, 2);
  if (self.dim() == 1) x = squeeze(x, 0);
  return return_complex ? x : view_as_real(x);
}

Tensor istft(const Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length,
             std::optional<int64_t> win_length, const Tensor& window, bool center, bool normalized,
             bool onesided, std::optional<int64_t> length, bool return_complex) {
  constexpr std::string_view kOp = "istft";
  check_defined(kOp, "input", self);
  const Frames f(kOp, n_fft, hop_length, win_length);
  Tensor x = is_complex(self.dtype()) ? self : view_as_complex(contiguous(self));
  if ((x.dim() != 2 && x.dim() != 3) || x.numel() == 0) {
    fail(Status::kShape, kOp, ": shape mismatch: input ", shape_string(self.sizes()),
         ": must be complex (frequency, frame) or (batch, frequency, frame), or real with another "
         "last dim of 2, and not empty");
  }
  const bool batched = x.dim() == 3;
  if (!batched) x = unsqueeze(x, 0);
  const int64_t bins = x.size(1), frames = x.size(2);
  check_half(kOp, onesided, return_complex);
  if (bins != (onesided ? n_fft / 2 + 1 : n_fft)) {
    fail(Status::kShape, kOp, ": shape mismatch: ", bins, " frequencies for n_fft ", n_fft,
         ": must be ", onesided ? n_fft / 2 + 1 : n_fft, onesided ? " (n_fft / 2 + 1)" : "");
  }
  if (window.defined() && is_complex(window.dtype()) && !return_complex) {
    fail(Status::kInvalidArgument, kOp,
         ": complex window: return_complex is false: a real result needs a real window");
  }
  const Tensor given = f.window(kOp, window, x);
  const Tensor w = given.defined() ? given : ones(Dims{n_fft}, real_type(x.dtype()), x.device());
  x = transpose(x, 1, 2);
  const std::string_view norm = normalized ? "ortho" : "backward";
  if (return_complex) {
    x = fft_ifft(x, {}, -1, norm);
  } else {
    x = fft_irfft(onesided ? x : narrow(x, -1, 0, n_fft / 2 + 1), n_fft, -1, norm);
  }
  Tensor y = f.added_up(x * w);
  Tensor weight = f.added_up(expand(square(w), Dims{1, frames, n_fft}));
  const int64_t whole = f.signal_length(frames);
  const int64_t start = center ? n_fft / 2 : 0;
  if (length && *length < 0) {
    fail(Status::kInvalidArgument, kOp, ": length out of range: ", *length, ": must be >= 0");
  }
  const int64_t end = length ? start + *length : center ? whole - n_fft / 2 : whole;
  const int64_t reached = std::max(start, std::min(end, whole));
  y = narrow(y, 1, std::min(start, whole), reached - std::min(start, whole));
  weight = narrow(weight, 1, std::min(start, whole), reached - std::min(start, whole));
  if (!weight.is_meta() && weight.numel() > 0 &&
      !(unrecorded([&] { return amin(abs(weight)); }).item(kOp).to_double() > 1e-11)) {
    fail(Status::kInvalidArgument, kOp,
         ": window without weight: some samples lie where all windows are 0: the windows must "
         "overlap so that none is; use a smaller hop_length, or center");
  }
  y = y / weight;
  if (end > whole) y = constant_pad_nd(y, Dims{0, end - whole});
  return batched ? y : squeeze(y, 0);
}

}  // namespace mt
