// The SIMD steps of the random fills: words of the twister to uniforms, uniforms to normals.
// Internal to kernels/cpu/random*.cpp; every target gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mt::cpu {

// out[i] = fma((words[i] & mask) * unit, range, from); `mask` keeps at most 24 bits.
void uniform_f32(const uint32_t* words, float* out, size_t n, uint32_t mask, float unit,
                 float range, float from);

// The same from 53 bits of each pair of words, the first word of a pair being the upper one.
void uniform_f64(const uint32_t* words, double* out, size_t n, double range, double from);

// Turns blocks of 16 uniforms in [0, 1), 8 for the radius and 8 for the angle, into 16 normals.
void normal_blocks_f32(float* data, size_t blocks, float mean, float std);

// out[i] = 1 where the 53 bits of pair i are below `threshold`, a count of 2^-53 up to 2^53.
void bernoulli_f32(const uint32_t* words, float* out, size_t n, uint64_t threshold);

}  // namespace mt::cpu
