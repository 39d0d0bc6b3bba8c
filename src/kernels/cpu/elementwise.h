// The driver below every elementwise CPU kernel: it turns the strided operands of an Iter into flat
// runs, so that an op is one small vector loop (elementwise-inl.h) and all code for strides, chunks
// and 16-bit floats exists once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/backend.h"

namespace mt::cpu {

// A flat run: contiguous operands, or one element for the inputs whose bit is set in `splat`.
struct Flat {
  char* out;
  const char* in[3];
  unsigned splat;
  size_t n;
};
using FlatLoop = void (*)(const Flat& flat, const Params& p);

// What the driver knows of a kernel. 16-bit floats are computed by the float32 loop: `widen` and
// `narrow` convert a run at its edges, so a result is rounded once.
struct Spec {
  FlatLoop loop;
  uint8_t inputs;
  uint8_t in_size[3];  // bytes of an element of the tensors
  uint8_t out_size;
  uint32_t grain;                                        // least elements of a thread's part
  void (*widen)(const void* in, float* out, size_t n);   // null: the loop reads the elements
  void (*narrow)(const float* in, void* out, size_t n);  // null: the loop writes the elements
  float (*round)(float value);                           // f[] to the element type, or null
};

// Copies the last elements of a run, fewer than a vector. (Masked stores are slower on many CPUs.)
// Compiled without vector extensions: a caller that returns through it leaves none in use.
void copy_bytes(void* to, const void* from, size_t bytes);

void drive(const Iter& it, const Params& p, const Spec& spec);

inline void set(Backend& b, Elementwise op, DType dtype, ElementwiseKernel kernel) {
  b.elementwise[static_cast<int>(op)][static_cast<int>(dtype)] = kernel;
}

// The families of elementwise kernels; fill_unary, fill_binary and fill_fused call them.
void fill_arithmetic(Backend& b);       // unary.cpp
void fill_math(Backend& b);             // math.cpp
void fill_activation(Backend& b);       // activation.cpp
void fill_unary_more(Backend& b);       // unary_more.cpp
void fill_elementary(Backend& b);       // elementary.cpp
void fill_activation_more(Backend& b);  // activation_more.cpp
void fill_compare(Backend& b);          // compare.cpp
void fill_loss(Backend& b);             // loss.cpp
void fill_integer(Backend& b);          // integer.cpp: plain loops, the same on every target

}  // namespace mt::cpu
