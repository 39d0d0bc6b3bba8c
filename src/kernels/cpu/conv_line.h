// Convolution of a single output channel, line by line, for groups of one channel (depthwise).
#pragma once

#include <cstdint>

namespace mt::cpu {

// y[i] = start + sum over r < patch of w[r] * x[rows[r] + i] for i < n.
void conv_line(const float* x, const int64_t* rows, const float* w, int64_t patch, float start,
               float* y, int64_t n);
void conv_line(const double* x, const int64_t* rows, const double* w, int64_t patch, double start,
               double* y, int64_t n);

// The sum over `lines` pairs of lines, a_line and b_line apart, of their dot products of n values.
float dot_lines(const float* a, int64_t a_line, const float* b, int64_t b_line, int64_t lines,
                int64_t n);
double dot_lines(const double* a, int64_t a_line, const double* b, int64_t b_line, int64_t lines,
                 int64_t n);

}  // namespace mt::cpu
