// Discrete Fourier transforms, as torch.fft. `n` and `s` are the sizes that the transformed dims
// are cut or zero-padded to before (for the c2r transforms: sizes of the result); -1 keeps one.
// `norm`: "backward" (or "") divides inverse transforms by the number of points, "forward" the
// others, "ortho" both by its root. Integers compute in the default dtype; float16 and bfloat16 are
// not supported. Differentiable to any order. kNotImplemented where FFTW 3 is not installed.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace mt {

Tensor fft_fft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
               std::string_view norm = "");
Tensor fft_ifft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
                std::string_view norm = "");
// Of real input the first n / 2 + 1 values; the others are their conjugates.
Tensor fft_rfft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
                std::string_view norm = "");
// The inverse of rfft; n is 2 (size - 1) if not given.
Tensor fft_irfft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
                 std::string_view norm = "");
// The real transform of a signal that is its own reversed conjugate, given by half; its inverse.
Tensor fft_hfft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
                std::string_view norm = "");
Tensor fft_ihfft(const Tensor& self, std::optional<int64_t> n = {}, int64_t dim = -1,
                 std::string_view norm = "");

// Over several dims: the last ones that s has sizes for, or all, when `dim` is empty. The real
// forms halve the last of them.
Tensor fft_fftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");
Tensor fft_ifftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");
Tensor fft_rfftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");
Tensor fft_irfftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");
Tensor fft_hfftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");
Tensor fft_ihfftn(const Tensor& self, IntSpan s = {}, IntSpan dim = {}, std::string_view norm = "");

// The frequencies of fft's and rfft's values for samples d apart.
Tensor fft_fftfreq(int64_t n, double d = 1, DType dtype = default_dtype(),
                   Device device = Device::kCPU);
Tensor fft_rfftfreq(int64_t n, double d = 1, DType dtype = default_dtype(),
                    Device device = Device::kCPU);
// Frequency 0 to the middle of each of dims (all, when empty), and back.
Tensor fft_fftshift(const Tensor& self, IntSpan dim = {});
Tensor fft_ifftshift(const Tensor& self, IntSpan dim = {});

// Windows of `length` values, which begin anew after them, or are symmetric unless `periodic`.
Tensor hann_window(int64_t length, bool periodic = true, DType dtype = default_dtype(),
                   Device device = Device::kCPU);
Tensor hamming_window(int64_t length, bool periodic = true, double alpha = 0.54, double beta = 0.46,
                      DType dtype = default_dtype(),
                      Device device = Device::kCPU);  // alpha - beta cos(2 pi t)
Tensor blackman_window(int64_t length, bool periodic = true, DType dtype = default_dtype(),
                       Device device = Device::kCPU);
Tensor bartlett_window(int64_t length, bool periodic = true, DType dtype = default_dtype(),
                       Device device = Device::kCPU);
Tensor kaiser_window(int64_t length, bool periodic = true, double beta = 12,
                     DType dtype = default_dtype(), Device device = Device::kCPU);

// The transforms of windows of n_fft samples of signals (batch, time) or (time), hop_length apart
// (n_fft / 4 if none), as (batch, frequency, frame), with another dim of 2 for the parts unless
// return_complex. `window` (ones, if undefined) of win_length samples is centred in n_fft. center:
// frames are centred at their sample, the signal being padded by n_fft / 2 in pad_mode. normalized:
// times n_fft^-1/2. onesided: half of the frequencies, of real signals only.
Tensor stft(const Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length = {},
            std::optional<int64_t> win_length = {}, const Tensor& window = {}, bool center = true,
            std::string_view pad_mode = "reflect", bool normalized = false, bool onesided = true,
            bool return_complex = true);
// The least-squares inverse. kInvalidArgument where the windows leave samples without weight.
Tensor istft(const Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length = {},
             std::optional<int64_t> win_length = {}, const Tensor& window = {}, bool center = true,
             bool normalized = false, bool onesided = true, std::optional<int64_t> length = {},
             bool return_complex = false);

}  // namespace mt
