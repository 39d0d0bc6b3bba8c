// Convolution and its two gradients as matrix products whose second factor, the patches, is never
// written out: value r of pixel p's patch lies at rows[r] + cols[p] in the zero-padded image, for
// any stride and dilation, and gemm packs it from there.
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "core/tensor.h"
#include "kernels/cpu/conv_line.h"
#include "kernels/cpu/elements.h"
#include "kernels/cpu/gemm_block.h"
#include "kernels/cpu/scratch.h"
#include "kernels/window.h"

namespace mt::cpu {
namespace {

constexpr int64_t kTaskWork = 1 << 17;  // least multiply-adds worth a thread
// Images with fewer pixels are worked on together, so that the weights are packed less often.
constexpr int64_t kFewPixels = 192;

int64_t volume(const Extent& e) { return e[0] * e[1] * e[2]; }
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Of one group of channels: where patches lie, and how many images go together.
struct Places {
  int64_t pixels, patch;  // values
  int64_t columns;        // of one image: pixels, or more (see `pitched`)
  // The columns are all places from the first pixel to the last, also those between the lines: each
  // vector of them is one piece of memory. The product is then picked from.
  bool pitched;
  bool straight;    // each column's place follows the one before (within an image)
  int64_t joined;   // images side by side in cols
  bool padded;      // images are copied with zeros around them
  int64_t size[3];  // of the (padded) image
  int64_t plane;
  int64_t image;         // from one image to the next
  int64_t *rows, *cols;  // patch; pixels * joined
};

// The least part of the columns that must be pixels, and the most output channels, for which
// reading whole vectors pays.
constexpr double kPitchedPart = 0.6;
constexpr int64_t kPitchedChannels = 48;
// The most output channels of a group, and values of a patch, that are done line by line.
constexpr int64_t kLineChannels = 16, kLinePatch = 512;

Places places_of(const ConvArgs& a, bool may_pitch) {
  Places p;
  p.pixels = volume(a.out);
  p.patch = a.channels_in * volume(a.kernel);
  p.padded = false;
  int64_t origin = 0;
  const auto reach = [&](int d) {
    return (a.out[d] - 1) * a.stride[d] + (a.kernel[d] - 1) * a.dilation[d] + 1;
  };
  for (int d = 0; d < 3; ++d) p.padded |= a.padding[d] > 0 || reach(d) - a.padding[d] > a.in[d];
  p.plane = 1;
  for (int d = 0; d < 3; ++d) {
    p.size[d] = p.padded ? reach(d) : a.in[d];
    origin = origin * p.size[d] - (p.padded ? 0 : a.padding[d]);
    p.plane *= p.size[d];
  }
  p.image = a.channels_in * p.plane * (p.padded ? 1 : a.groups);
  p.columns = ((a.out[0] - 1) * p.size[1] + a.out[1] - 1) * p.size[2] + a.out[2];
  const bool unit = a.stride[0] == 1 && a.stride[1] == 1 && a.stride[2] == 1;
  p.pitched = may_pitch && unit && a.channels_out <= kPitchedChannels && p.columns != p.pixels &&
              static_cast<double>(p.pixels) >= kPitchedPart * static_cast<double>(p.columns);
  p.straight = unit && (p.pitched || p.columns == p.pixels);
  if (!p.pitched) p.columns = p.pixels;
  p.joined = p.pitched || p.pixels >= kFewPixels
                 ? 1
                 : std::min(a.batch, ceil_div(kFewPixels, std::max<int64_t>(p.pixels, 1)));
  auto* room = static_cast<int64_t*>(scratch(
      ScratchSlot::kPlaces, static_cast<size_t>(p.patch + p.columns * p.joined) * sizeof(int64_t)));
  p.rows = room;
  p.cols = room + p.patch;
  int64_t* at = p.rows;
  for (int64_t c = 0; c < a.channels_in; ++c) {
    for (int64_t i = 0; i < a.kernel[0]; ++i) {
      for (int64_t j = 0; j < a.kernel[1]; ++j) {
        for (int64_t k = 0; k < a.kernel[2]; ++k) {
          *at++ =
              ((c * p.size[0] + i * a.dilation[0]) * p.size[1] + j * a.dilation[1]) * p.size[2] +
              k * a.dilation[2];
        }
      }
    }
  }
  at = p.cols;
  if (p.pitched) {
    for (int64_t i = 0; i < p.columns; ++i) at[i] = origin + i;
    return p;
  }
  for (int64_t n = 0; n < p.joined; ++n) {
    for (int64_t i = 0; i < a.out[0]; ++i) {
      for (int64_t j = 0; j < a.out[1]; ++j) {
        const int64_t line =
            n * p.image + origin + (i * a.stride[0] * p.size[1] + j * a.stride[1]) * p.size[2];
        for (int64_t k = 0; k < a.out[2]; ++k) *at++ = line + k * a.stride[2];
      }
    }
  }
  return p;
}

// Channels of one group of images [n0, n1), in the geometry of `p`.
template <class T>
const T* images(const ConvArgs& a, const Places& p, const T* x, int64_t n0, int64_t n1,
                int64_t group, const T** end) {
  const int64_t plane = volume(a.in), all = a.groups * a.channels_in;
  const T* const from = x + (n0 * all + group * a.channels_in) * plane;
  if (!p.padded) {
    *end = x + a.batch * all * plane;
    return from;
  }
  const int64_t count = (n1 - n0) * p.image;
  T* const room =
      static_cast<T*>(scratch(ScratchSlot::kImage, static_cast<size_t>(count) * sizeof(T)));
  std::memset(static_cast<void*>(room), 0, static_cast<size_t>(count) * sizeof(T));
  // What of each dim of the image is seen: negative padding cuts it, a stride may skip its end.
  int64_t first[3], last[3];
  for (int d = 0; d < 3; ++d) {
    first[d] = std::max<int64_t>(0, -a.padding[d]);
    last[d] = std::min(a.in[d], p.size[d] - a.padding[d]);
  }
  if (first[2] < last[2]) {
    const auto bytes = static_cast<size_t>(last[2] - first[2]) * sizeof(T);
    for (int64_t n = 0; n < n1 - n0; ++n) {
      for (int64_t c = 0; c < a.channels_in; ++c) {
        const T* source = from + (n * all + c) * plane;
        T* to = room + n * p.image + c * p.plane;
        for (int64_t i = first[0]; i < last[0]; ++i) {
          for (int64_t j = first[1]; j < last[1]; ++j) {
            std::memcpy(to + ((i + a.padding[0]) * p.size[1] + j + a.padding[1]) * p.size[2] +
                            first[2] + a.padding[2],
                        source + (i * a.in[1] + j) * a.in[2] + first[2], bytes);
          }
        }
      }
    }
  }
  *end = room + count;
  return room;
}

// C (+)= A B for B given by places.
template <class T>
void multiply(const GemmBlock<T>& g) {
  if constexpr (std::is_floating_point_v<T>) {
    gemm_block(g);
  } else {
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) {
        uint64_t sum = g.beta == 0 ? 0 : static_cast<uint64_t>(g.c[i * g.c_row + j]);
        for (int64_t k = 0; k < g.k; ++k) {
          const T* const b =
              g.b_rows ? g.b + g.b_rows[k] + g.b_cols[j] : g.b + k * g.b_row + j * g.b_col;
          sum += static_cast<uint64_t>(g.a[i * g.a_row + k * g.a_col]) * static_cast<uint64_t>(*b);
        }
        g.c[i * g.c_row + j] = static_cast<T>(sum);
      }
    }
  }
}

// Copies between [images][channels][pixels], `image` apart, and [channels][images * pixels].
template <class T>
void join(const T* from, T* to, int64_t count, int64_t channels, int64_t pixels, int64_t image) {
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      std::copy_n(from + n * image + c * pixels, pixels, to + (c * count + n) * pixels);
    }
  }
}
template <class T>
void part(const T* from, T* to, int64_t count, int64_t channels, int64_t pixels, int64_t image) {
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      std::copy_n(from + (c * count + n) * pixels, pixels, to + n * image + c * pixels);
    }
  }
}

// Of pitched columns [channels][columns] the pixels.
template <class T>
void pick(const ConvArgs& a, const Places& p, const T* from, T* to) {
  for (int64_t c = 0; c < a.channels_out; ++c, from += p.columns) {
    for (int64_t i = 0; i < a.out[0]; ++i) {
      for (int64_t j = 0; j < a.out[1]; ++j, to += a.out[2]) {
        std::copy_n(from + (i * p.size[1] + j) * p.size[2], a.out[2], to);
      }
    }
  }
}

template <class T>
void conv(const ConvArgs& a) {
  const Places p = places_of(a, true);
  const auto* const x = static_cast<const T*>(a.x);
  const auto* const w = static_cast<const T*>(a.w);
  const auto* const bias = static_cast<const T*>(a.bias);
  auto* const y = static_cast<T*>(a.result);
  const int64_t m = a.channels_out, image = a.groups * m * p.pixels;
  const int64_t chunks = ceil_div(a.batch, p.joined), items = chunks * a.groups;
  const int64_t work = m * p.patch * p.pixels * p.joined;
  const bool by_lines =
      std::is_floating_point_v<T> && p.straight && m <= kLineChannels && p.patch <= kLinePatch;
  // Few images: their pixels are shared out.
  const int64_t parts = std::max<int64_t>(
      1, std::min({ceil_div(num_threads(), items), p.pixels / 64, work / kTaskWork}));
  const int64_t cut = p.joined == 1 && !p.pitched ? parts : 1;
  const int64_t grain = std::max<int64_t>(1, kTaskWork / std::max<int64_t>(1, work / cut));
  parallel_for(0, items * cut, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t item = task / cut, group = item % a.groups;
      const int64_t n0 = item / a.groups * p.joined, n1 = std::min(n0 + p.joined, a.batch);
      const int64_t p0 = p.pixels * (task % cut) / cut, p1 = p.pixels * (task % cut + 1) / cut;
      const int64_t count = n1 - n0, columns = count > 1   ? count * p.pixels
                                               : p.pitched ? p.columns
                                                           : p1 - p0;
      GemmBlock<T> g{};
      g.m = m;
      g.n = columns;
      g.k = p.patch;
      g.alpha = 1;
      g.a = w + group * m * p.patch;
      g.a_row = p.patch;
      g.a_col = 1;
      g.b = images(a, p, x, n0, n1, group, &g.b_end);
      g.b_rows = p.rows;
      g.b_cols = p.cols + (count > 1 ? 0 : p0);
      T* const to = y + n0 * image + group * m * p.pixels;
      if (count > 1 || p.pitched) {
        g.c = static_cast<T*>(
            scratch(ScratchSlot::kPartial, static_cast<size_t>(m * columns) * sizeof(T)));
        g.c_row = columns;
      } else {
        g.c = to + p0;
        g.c_row = p.pixels;
      }
      if (by_lines && count == 1) {
        if constexpr (std::is_floating_point_v<T>) {
          const T zeros[kLineChannels] = {};
          conv_lines(g.b + *g.b_cols, p.rows, g.a, p.patch, bias ? bias + group * m : zeros, g.c,
                     g.c_row, columns, m);
        }
      } else {
        g.beta = bias ? T(1) : T(0);
        if (bias) {
          for (int64_t i = 0; i < m; ++i) {
            std::fill_n(g.c + i * g.c_row, columns, bias[group * m + i]);
          }
        }
        if (p.straight && count == 1 && p.patch == a.channels_in) {  // 1 x 1: a matrix as it is
          g.b += *g.b_cols;
          g.b_row = p.plane;
          g.b_col = 1;
          g.b_rows = g.b_cols = nullptr;
        }
        multiply(g);
      }
      if (count > 1) part(g.c, to, count, m, p.pixels, image);
      if (p.pitched) pick(a, p, g.c, to);
    }
  });
}

// The gradient of x at stride 1: a convolution of y's gradient with the kernel turned around, its
// input and output channels exchanged.
template <class T>
void conv_turned(const ConvArgs& a) {
  ConvArgs b = a;
  b.channels_in = a.channels_out;
  b.channels_out = a.channels_in;
  b.x = a.y;
  b.bias = nullptr;
  for (int d = 0; d < 3; ++d) {
    b.in[d] = a.out[d];
    b.out[d] = a.in[d];
    b.padding[d] = (a.kernel[d] - 1) * a.dilation[d] - a.padding[d];
  }
  const int64_t kernel = volume(a.kernel), block = a.channels_out * a.channels_in * kernel;
  auto* const turned = static_cast<T*>(
      scratch(ScratchSlot::kConvert, static_cast<size_t>(block * a.groups) * sizeof(T)));
  const auto* const w = static_cast<const T*>(a.w);
  for (int64_t g = 0; g < a.groups; ++g) {
    for (int64_t o = 0; o < a.channels_out; ++o) {
      for (int64_t i = 0; i < a.channels_in; ++i) {
        const T* from = w + g * block + (o * a.channels_in + i) * kernel;
        T* to = turned + g * block + (i * a.channels_out + o) * kernel;
        for (int64_t k = 0; k < kernel; ++k) to[kernel - 1 - k] = from[k];
      }
    }
  }
  b.w = turned;
  conv<T>(b);
}

// At any stride: the gradients of all patches, added into the image.
template <class T>
void conv_scattered(const ConvArgs& a) {
  const int64_t pixels = volume(a.out), plane = volume(a.in), kernel = volume(a.kernel);
  const int64_t patch = a.channels_in * kernel;
  const auto* const w = static_cast<const T*>(a.w);
  const auto* const y = static_cast<const T*>(a.y);
  auto* const x = static_cast<T*>(a.result);
  const int64_t work = a.channels_out * patch * pixels;
  const int64_t grain = std::max<int64_t>(1, kTaskWork / std::max<int64_t>(1, work));
  const FoldKernel fold = window_kernels()->fold[kDTypeIndex<T>];
  parallel_for(0, a.batch * a.groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t group = item % a.groups;
      GemmBlock<T> g{};
      g.m = patch;
      g.n = pixels;
      g.k = a.channels_out;
      g.alpha = 1;
      g.a = w + group * a.channels_out * patch;
      g.a_row = 1;
      g.a_col = patch;
      g.b = y + item * a.channels_out * pixels;
      g.b_row = pixels;
      g.b_col = 1;
      g.c = static_cast<T*>(
          scratch(ScratchSlot::kImage, static_cast<size_t>(patch * pixels) * sizeof(T)));
      g.c_row = pixels;
      multiply(g);
      FoldArgs f{};
      f.planes = a.channels_in;
      for (int d = 0; d < 3; ++d) {
        f.in[d] = a.in[d];
        f.out[d] = a.out[d];
        f.kernel[d] = a.kernel[d];
        f.stride[d] = a.stride[d];
        f.padding[d] = a.padding[d];
        f.dilation[d] = a.dilation[d];
      }
      f.from = g.c;
      f.to = x + item * a.channels_in * plane;
      fold(f);
    }
  });
}

template <class T>
void conv_input(const ConvArgs& a) {
  const int64_t pixels = volume(a.out);
  if (pixels == 0 || a.channels_out == 0 || volume(a.kernel) == 0) {
    auto* const x = static_cast<T*>(a.result);
    std::fill_n(x, a.batch * a.groups * a.channels_in * volume(a.in), T(0));
  } else if (a.stride[0] == 1 && a.stride[1] == 1 && a.stride[2] == 1) {
    conv_turned<T>(a);
  } else {
    conv_scattered<T>(a);
  }
}

// The weights' gradient of one output channel, line by line, for `count` images.
template <class T>
void add_line_weights(const ConvArgs& a, const Places& p, const T* x, const T* y, int64_t count,
                      int64_t image, bool first, T* w) {
  const int64_t layer = a.out[1] * a.out[2];
  for (int64_t r = 0; r < p.patch; ++r) {
    T sum = first ? T(0) : w[r];
    for (int64_t n = 0; n < count; ++n) {
      for (int64_t i = 0; i < a.out[0]; ++i) {
        sum += dot_lines(y + n * image + i * layer, a.out[2],
                         x + p.rows[r] + p.cols[n * p.pixels + i * layer], p.size[2] * a.stride[1],
                         a.out[1], a.out[2]);
      }
    }
    w[r] = sum;
  }
}

// A product of y's gradient and the patches, summed over pixels and images; each thread sums over
// images of its own, and the sums are added in order.
template <class T>
void conv_weight(const ConvArgs& a) {
  const Places p = places_of(a, false);
  const auto* const x = static_cast<const T*>(a.x);
  const auto* const y = static_cast<const T*>(a.y);
  auto* const w = static_cast<T*>(a.result);
  const int64_t m = a.channels_out, image = a.groups * m * p.pixels, block = m * p.patch;
  const int64_t size = a.groups * block, chunks = ceil_div(a.batch, p.joined);
  if (chunks == 0 || p.pixels == 0) {
    std::fill_n(w, size, T(0));
    return;
  }
  const int64_t work = block * p.pixels * p.joined * chunks;
  const int64_t threads = std::max<int64_t>(1, std::min<int64_t>(num_threads(), work / kTaskWork));
  const int64_t by_group = std::min(threads, a.groups);
  const int64_t by_image = std::min(chunks, threads / by_group);
  // Sums of all but the first share of the images.
  const Tensor rest = Tensor::empty({{(by_image - 1) * size}},
                                    dtype_of(static_cast<const T*>(nullptr)), Device::kCPU);
  parallel_for(0, by_group * by_image, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part_g = task % by_group, part_n = task / by_group;
      T* const sums = part_n == 0 ? w : rest.data_as<T>() + (part_n - 1) * size;
      for (int64_t group = a.groups * part_g / by_group; group < a.groups * (part_g + 1) / by_group;
           ++group) {
        bool first = true;
        for (int64_t chunk = chunks * part_n / by_image; chunk < chunks * (part_n + 1) / by_image;
             ++chunk) {
          const int64_t n0 = chunk * p.joined, n1 = std::min(n0 + p.joined, a.batch);
          const int64_t count = n1 - n0;
          GemmBlock<T> g{};
          g.m = m;
          g.n = p.patch;
          g.k = count * p.pixels;
          g.alpha = 1;
          g.beta = first ? T(0) : T(1);
          first = false;
          const T* const from = y + n0 * image + group * m * p.pixels;
          if constexpr (std::is_floating_point_v<T>) {
            if (m == 1 && a.stride[2] == 1) {
              const T* unused;
              const T* const at = images(a, p, x, n0, n1, group, &unused);
              add_line_weights(a, p, at, from, count, image, g.beta == 0, sums + group * block);
              continue;
            }
          }
          g.a = from;
          if (count > 1) {
            T* const joined = static_cast<T*>(
                scratch(ScratchSlot::kPartial, static_cast<size_t>(m * g.k) * sizeof(T)));
            join(from, joined, count, m, p.pixels, image);
            g.a = joined;
          }
          g.a_row = g.k;
          g.a_col = 1;
          g.b = images(a, p, x, n0, n1, group, &g.b_end);
          g.b_rows = p.cols;
          g.b_cols = p.rows;
          g.c = sums + group * block;
          g.c_row = p.patch;
          multiply(g);
        }
      }
    }
  });
  for (int64_t part_n = 1; part_n < by_image; ++part_n) {
    const T* const sums = rest.data_as<T>() + (part_n - 1) * size;
    for (int64_t i = 0; i < size; ++i) w[i] += sums[i];
  }
}

template <class T>
void guarded_conv(const ConvArgs& a) {
  if (a.batch == 0 || a.channels_out == 0 || volume(a.out) == 0) return;
  if (a.channels_in == 0 || volume(a.kernel) == 0) {  // nothing to add up
    const int64_t pixels = volume(a.out);
    for (int64_t i = 0; i < a.batch * a.groups * a.channels_out; ++i) {
      const T value =
          a.bias ? static_cast<const T*>(a.bias)[i % (a.groups * a.channels_out)] : T(0);
      std::fill_n(static_cast<T*>(a.result) + i * pixels, pixels, value);
    }
    return;
  }
  conv<T>(a);
}

template <class T>
void fill(WindowKernels& w) {
  w.conv[kDTypeIndex<T>] = guarded_conv<T>;
  w.conv_input[kDTypeIndex<T>] = conv_input<T>;
  if constexpr (std::is_floating_point_v<T>) w.conv_weight[kDTypeIndex<T>] = conv_weight<T>;
}

}  // namespace

void fill_conv(WindowKernels& w) {
  fill<float>(w);
  fill<double>(w);
  fill<int64_t>(w);
}

}  // namespace mt::cpu
