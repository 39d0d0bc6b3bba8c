"""Short-time Fourier transforms and window functions, with torch's signatures."""
from __future__ import annotations

from . import _ops


def _is_complex(*tensors):
    return any(t is not None and t.is_complex() for t in tensors)


def stft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
         window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect",
         normalized: bool = False, onesided: bool | None = None,
         return_complex: bool | None = None) -> Tensor:
    """The transforms of windows of n_fft samples; real pairs unless return_complex."""
    is_complex = _is_complex(input, window)
    onesided = not is_complex if onesided is None else onesided
    return_complex = is_complex if return_complex is None else return_complex
    return _ops.stft(input, n_fft, hop_length, win_length, window, center, pad_mode, normalized,
                     onesided, return_complex)


def istft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
          window: Tensor | None = None, center: bool = True, normalized: bool = False,
          onesided: bool | None = None, length: int | None = None,
          return_complex: bool = False) -> Tensor:
    """The signal whose stft is nearest to input."""
    if onesided is None:
        onesided = input.shape[-2 if input.is_complex() else -3] != n_fft
    return _ops.istft(input, n_fft, hop_length, win_length, window, center, normalized, onesided,
                      length, return_complex)


def _window(op):
    def window(window_length: int, periodic: bool = True, *parameters: float, dtype=None, layout=None,
               device=None, pin_memory=False, requires_grad=False, **named: float) -> Tensor:
        return op(window_length, periodic, *parameters, dtype=dtype, device=device,
                  **named).requires_grad_(requires_grad)

    window.__name__, window.__doc__ = op.__name__, op.__doc__
    return window


hann_window, hamming_window, blackman_window, bartlett_window, kaiser_window = map(
    _window, (_ops.hann_window, _ops.hamming_window, _ops.blackman_window, _ops.bartlett_window,
              _ops.kaiser_window))
