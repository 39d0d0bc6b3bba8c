// Discrete Fourier transforms. They come from FFTW 3 (Frigo and Johnson, "The Design and
// Implementation of FFTW3", 2005), which is looked for at first use: it is under the GPL, so the
// library neither links it nor needs it.
#pragma once

#include "core/dtype.h"
#include "core/shape.h"

namespace mt {

enum class FftKind : uint8_t {
  kComplex,   // complex to complex, along any dims
  kFromReal,  // real to the half of the complex result that the other half follows from
  kToReal,    // the reverse; the input is destroyed
};

// Contiguous arrays; their sizes differ in the halved dim alone, which is the last of `dims`. Sums
// of in * exp(-+2 pi i j k / n) times scale; no array is empty.
struct FftArgs {
  FftKind kind;
  bool inverse;  // the sign of the exponent; kFromReal is -, kToReal is +
  void* in;
  void* out;
  IntSpan in_sizes, out_sizes;
  IntSpan dims;  // one for the kinds with real numbers
  double scale;
};

struct FftKernels {
  // By the dtype of the real parts: float32 or float64. False when there is no FFTW.
  bool (*transform[kNumDTypes])(const FftArgs& args);
  bool (*available)();
};

namespace cpu {
const FftKernels* fft_kernels();
}

}  // namespace mt
