// Flattens elementwise work: see elementwise.h. Operands that are contiguous or broadcast go to the
// loop as they are; others pass through small buffers on the stack.
#include "kernels/cpu/elementwise.h"

#include <algorithm>
#include <cstring>

namespace mt::cpu {
namespace {

constexpr int64_t kChunk = 256;

struct Job {
  const Spec* spec;
  const Params* params;
};

template <class T>
void copy_elements(char* to, int64_t to_stride, const char* from, int64_t from_stride, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    T value;
    std::memcpy(&value, from + i * from_stride, sizeof(T));
    std::memcpy(to + i * to_stride, &value, sizeof(T));
  }
}

void copy_strided(char* to, int64_t to_stride, const char* from, int64_t from_stride, int size,
                  int64_t n) {
  switch (size) {
    case 1:
      return copy_elements<uint8_t>(to, to_stride, from, from_stride, n);
    case 2:
      return copy_elements<uint16_t>(to, to_stride, from, from_stride, n);
    case 4:
      return copy_elements<uint32_t>(to, to_stride, from, from_stride, n);
    default:
      return copy_elements<uint64_t>(to, to_stride, from, from_stride, n);
  }
}

void run_chunks(char* const* data, const int64_t* strides, int64_t n, const Job& job) {
  const Spec& spec = *job.spec;
  alignas(64) char in[3][kChunk * 8];
  alignas(64) char out[kChunk * 8];
  alignas(64) char half[kChunk * 2];  // 16-bit elements on their way from or to strided memory
  float widened[3];                   // broadcast 16-bit operands
  Flat flat{};
  for (int k = 0; k < spec.inputs; ++k) {
    if (strides[k + 1] != 0) continue;
    flat.splat |= 1u << k;
    flat.in[k] = data[k + 1];
    if (!spec.widen) continue;
    spec.widen(data[k + 1], &widened[k], 1);
    flat.in[k] = reinterpret_cast<const char*>(&widened[k]);
  }
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = std::min(kChunk, n - begin);
    flat.n = static_cast<size_t>(count);
    for (int k = 0; k < spec.inputs; ++k) {
      if (flat.splat >> k & 1) continue;
      const int size = spec.in_size[k];
      const int64_t stride = strides[k + 1];
      const char* from = data[k + 1] + begin * stride;
      if (stride != size) {
        char* to = spec.widen ? half : in[k];
        copy_strided(to, size, from, stride, size, count);
        from = to;
      }
      flat.in[k] = from;
      if (!spec.widen) continue;
      spec.widen(from, reinterpret_cast<float*>(in[k]), flat.n);
      flat.in[k] = in[k];
    }
    char* to = data[0] + begin * strides[0];
    const bool dense = strides[0] == spec.out_size;
    flat.out = dense && !spec.narrow ? to : out;
    spec.loop(flat, *job.params);
    const char* result = out;
    if (spec.narrow) {
      spec.narrow(reinterpret_cast<const float*>(out), dense ? to : half, flat.n);
      result = half;
    }
    if (!dense) copy_strided(to, strides[0], result, spec.out_size, spec.out_size, count);
  }
}

void run(char* const* data, const int64_t* strides, int64_t n, const void* context) {
  const Job& job = *static_cast<const Job*>(context);
  const Spec& spec = *job.spec;
  Flat flat;
  flat.out = data[0];
  flat.splat = 0;
  flat.n = static_cast<size_t>(n);
  bool direct = !spec.widen && (strides[0] == spec.out_size || n == 1);
  for (int k = 0; k < spec.inputs; ++k) {
    flat.in[k] = data[k + 1];
    if (strides[k + 1] == spec.in_size[k] || n == 1) continue;
    if (strides[k + 1] == 0) {
      flat.splat |= 1u << k;
    } else {
      direct = false;
    }
  }
  if (direct) {
    spec.loop(flat, *job.params);
  } else {
    run_chunks(data, strides, n, job);
  }
}

}  // namespace

void copy_bytes(void* to, const void* from, size_t bytes) {
  auto* t = static_cast<char*>(to);
  const auto* f = static_cast<const char*>(from);
  for (; bytes >= 8; bytes -= 8, t += 8, f += 8) std::memcpy(t, f, 8);
  if (bytes & 4) {
    std::memcpy(t, f, 4);
    t += 4;
    f += 4;
  }
  if (bytes & 2) {
    std::memcpy(t, f, 2);
    t += 2;
    f += 2;
  }
  if (bytes & 1) *t = *f;
}

void drive(const Iter& it, const Params& p, const Spec& spec) {
  Job job{&spec, &p};
  Params rounded;
  if (spec.round) {
    rounded = p;
    for (double& f : rounded.f) f = spec.round(static_cast<float>(f));
    job.params = &rounded;
  }
  if (it.ndim == 1 && it.numel <= spec.grain) {  // the common small call, without any machinery
    int64_t strides[4];
    for (int k = 0; k <= spec.inputs; ++k) strides[k] = it.strides[k][0];
    run(it.data, strides, it.numel, &job);
    return;
  }
  run_iter(it, run, &job, spec.grain);
}

}  // namespace mt::cpu
