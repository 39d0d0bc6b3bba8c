// The pieces in which reductions are done and the order in which pieces are combined: see
// reduce_parts.h.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/cpu/reduce_parts.h"

namespace mt::cpu {
namespace {

constexpr int64_t kGrain = 32768;        // elements worth a thread of their own
constexpr int64_t kMaxParts = 64;        // of one long run
constexpr int64_t kColumns = 64;         // folded at a time
constexpr int64_t kMaxSplitWidth = 256;  // wider rows have columns enough to share out
constexpr int64_t kMaxPartials = 4096;   // accumulators of all parts

// Neighbours first: the error of a sum of parts grows with their number's logarithm.
void combine_parts(const Fold& f, char* wide, int64_t parts, int64_t count) {
  const int64_t bytes = count * f.wide;
  for (int64_t step = 1; step < parts; step *= 2) {
    for (int64_t i = 0; i + step < parts; i += 2 * step) {
      f.combine(wide + i * bytes, wide + (i + step) * bytes, count);
    }
  }
}

void fold_row(const Fold& f, const char* in, int64_t n, const double* means, void* wide) {
  const int64_t parts = fold_parts(n, 1);
  if (parts == 1) return f.row(in, n, means, wide);
  alignas(64) char partial[kMaxParts * 8];
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PartRange r = part_range(i, parts, n);
      f.row(in + r.begin * f.size, r.end - r.begin, means, partial + i * f.wide);
    }
  });
  combine_parts(f, partial, parts, 1);
  std::memcpy(wide, partial, static_cast<size_t>(f.wide));
}

int64_t column_parts(int64_t n, int64_t width) {
  if (width > kMaxSplitWidth) return 1;
  return std::min(fold_parts(n, width), kMaxPartials / std::max<int64_t>(1, width));
}

// At most kColumns columns.
void fold_cols(const Fold& f, const char* in, int64_t n, int64_t stride, int64_t count,
               const double* means, void* wide) {
  const int64_t parts = column_parts(n, stride);
  if (parts == 1) return f.cols(in, n, stride, count, means, wide);
  alignas(64) char partial[kMaxPartials * 8];
  const int64_t bytes = count * f.wide;
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PartRange r = part_range(i, parts, n);
      f.cols(in + r.begin * stride * f.size, r.end - r.begin, stride, count, means,
             partial + i * bytes);
    }
  });
  combine_parts(f, partial, parts, count);
  std::memcpy(wide, partial, static_cast<size_t>(bytes));
}

void divide(double* sums, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; ++i) sums[i] /= static_cast<double>(n);
}

}  // namespace

int64_t fold_parts(int64_t n, int64_t width) {
  const int64_t elements = n * width;
  return elements < 2 * kGrain ? 1 : std::min({kMaxParts, elements / kGrain, n});
}

PartRange part_range(int64_t part, int64_t parts, int64_t n) {
  const int64_t quotient = n / parts, rest = n % parts;
  const int64_t begin = part * quotient + std::min(part, rest);
  return {begin, begin + quotient + (part < rest ? 1 : 0)};
}

void run_fold(const Fold& fold, const Fold* sum, Finish finish, int64_t out_size, const void* in,
              void* out, int64_t outer, int64_t n, int64_t inner, const Params& p) {
  // Long rows and long columns that are few share their own work out. Otherwise units are: strips
  // of columns as wide as they may be, for long runs of memory, but enough of them for the threads
  // where the work is worth it. Their width changes no result.
  const bool splits = (inner == 1 ? fold_parts(n, 1) : column_parts(n, inner)) > 1;
  int64_t width = std::min(inner, kColumns);
  const int64_t wanted = splits ? 1 : std::min<int64_t>(num_threads(), outer * n * inner / kGrain);
  while (width > 64 && outer * (inner / width) < wanted) width /= 2;
  width = std::max<int64_t>(1, width);
  const int64_t strips = (inner + width - 1) / width;
  const auto body = [&](int64_t begin, int64_t end) {
    alignas(64) char wide[kColumns * 8];
    alignas(64) double means[kColumns];
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t o = unit / strips, i = unit % strips * width;
      const int64_t count = std::min(width, inner - i);
      const char* const from = static_cast<const char*>(in) + (o * n * inner + i) * fold.size;
      char* const to = static_cast<char*>(out) + (o * inner + i) * out_size;
      if (inner == 1) {
        if (sum != nullptr) fold_row(*sum, from, n, nullptr, means);
      } else {
        if (sum != nullptr) fold_cols(*sum, from, n, inner, count, nullptr, means);
      }
      if (sum != nullptr) divide(means, count, n);
      if (inner == 1) {
        fold_row(fold, from, n, means, wide);
      } else {
        fold_cols(fold, from, n, inner, count, means, wide);
      }
      finish(wide, to, count, n, p);
    }
  };
  const int64_t unit_size = std::max<int64_t>(1, n * width);
  if (splits) {
    body(0, outer * strips);
  } else {
    parallel_for(0, outer * strips, std::max<int64_t>(1, kGrain / unit_size), body);
  }
}

void fill_reduce(Backend& b) {
  fill_reduce_fold(b);
  fill_reduce_arg(b);
  fill_reduce_logic(b);
}

}  // namespace mt::cpu
