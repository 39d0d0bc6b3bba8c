// Convolution of few output channels, line by line: first layers, and depthwise ones.
#pragma once

#include <cstdint>

namespace mt::cpu {

// y[c * y_step + i] = start[c] + sum over r < patch of w[c * patch + r] * x[rows[r] + i] for i < n
// and c < channels.
void conv_lines(const float* x, const int64_t* rows, const float* w, int64_t patch,
                const float* start, float* y, int64_t y_step, int64_t n, int64_t channels);
void conv_lines(const double* x, const int64_t* rows, const double* w, int64_t patch,
                const double* start, double* y, int64_t y_step, int64_t n, int64_t channels);

// The sum over `lines` pairs of lines, a_line and b_line apart, of their dot products of n values.
float dot_lines(const float* a, int64_t a_line, const float* b, int64_t b_line, int64_t lines,
                int64_t n);
double dot_lines(const double* a, int64_t a_line, const double* b, int64_t b_line, int64_t lines,
                 int64_t n);

}  // namespace mt::cpu
