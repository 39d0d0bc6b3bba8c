// Shape arithmetic: see shape.h. Rules and limits are PyTorch's.
#include "core/shape.h"

#include <limits>

#include "core/error.h"

namespace mt {

void Dims::resize(int n) {
  if (n > capacity_) {
    const int cap = n * 2;
    auto* heap = new int64_t[static_cast<size_t>(cap)];
    std::memcpy(heap, data(), static_cast<size_t>(size_) * sizeof(int64_t));
    release();
    u_.heap = heap;
    capacity_ = cap;
  }
  size_ = n;
}

std::string shape_string(IntSpan dims) {
  std::string s = "(";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i) s += ", ";
    s += std::to_string(dims[i]);
  }
  if (dims.size() == 1) s += ",";
  return s + ")";
}

int64_t numel_of(IntSpan sizes) {
  uint64_t n = 1;  // unsigned: a size of 0 may come after the product has become too large
  for (int64_t s : sizes) n *= static_cast<uint64_t>(s);
  return static_cast<int64_t>(n);
}

int64_t checked_numel(std::string_view op, IntSpan sizes) {
  if (sizes.size() > kMaxDims) {
    fail(Status::kShape, op, ": too many dims: ", sizes.size(), " given: at most ", kMaxDims);
  }
  int64_t n = 1;
  bool zero = false;
  bool overflow = false;
  for (int64_t s : sizes) {
    if (s < 0) {
      fail(Status::kShape, op, ": negative size: shape ", shape_string(sizes),
           ": every size must be >= 0");
    }
    if (s == 0) zero = true;
    overflow = overflow || (s != 0 && __builtin_mul_overflow(n, s, &n));
  }
  if (zero) return 0;
  // 2^58 elements leave room for the largest element size without overflow of the byte count.
  if (overflow || n > (int64_t{1} << 58)) {
    fail(Status::kShape, op, ": too large: shape ", shape_string(sizes),
         ": the number of elements must fit in memory");
  }
  return n;
}

Dims contiguous_strides(IntSpan sizes) {
  const int n = static_cast<int>(sizes.size());
  Dims strides(n);
  int64_t step = 1;
  for (int i = n - 1; i >= 0; --i) {
    strides[i] = step;
    // Beside a size of 0 the product may be anything; it must only not be undefined.
    const uint64_t size = sizes[i] > 1 ? static_cast<uint64_t>(sizes[i]) : 1;
    step = static_cast<int64_t>(static_cast<uint64_t>(step) * size);
  }
  return strides;
}

bool is_contiguous(IntSpan sizes, IntSpan strides) {
  uint64_t step = 1;  // unsigned: beside a size of 0 it may be anything
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1) {
      if (static_cast<uint64_t>(strides[i]) != step) return false;
      step *= static_cast<uint64_t>(sizes[i]);
    }
  }
  return true;
}

int wrap_dim(std::string_view op, int64_t dim, int ndim) {
  const int64_t n = ndim > 0 ? ndim : 1;
  if (dim < -n || dim >= n) {
    fail(Status::kIndex, op, ": dim out of range: dim ", dim, " of a ", ndim,
         "-dim tensor: must be in [", -n, ", ", n - 1, "]");
  }
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

uint64_t dim_mask(std::string_view op, IntSpan dims, int ndim) {
  if (dims.empty()) return ndim >= 64 ? ~uint64_t{0} : (uint64_t{1} << ndim) - 1;
  uint64_t mask = 0;
  for (int64_t d : dims) {
    const int w = wrap_dim(op, d, ndim);
    if (mask >> w & 1) {
      fail(Status::kInvalidArgument, op, ": repeated dim: dim ", d, " in ", shape_string(dims),
           ": every dim may appear once");
    }
    mask |= uint64_t{1} << w;
  }
  return mask;
}

Dims broadcast_shapes(std::string_view op, IntSpan a, IntSpan b) {
  const int na = static_cast<int>(a.size()), nb = static_cast<int>(b.size());
  const int n = na > nb ? na : nb;
  Dims out(n);
  for (int i = 0; i < n; ++i) {
    const int ia = i - (n - na), ib = i - (n - nb);
    const int64_t sa = ia < 0 ? 1 : a[ia], sb = ib < 0 ? 1 : b[ib];
    if (sa != sb && sa != 1 && sb != 1) {
      fail(Status::kShape, op, ": shape mismatch: lhs ", shape_string(a), ", rhs ", shape_string(b),
           ": sizes ", sa, " and ", sb, " at dim ", i, " must be equal, or one of them 1");
    }
    out[i] = sa == 1 ? sb : sa;
  }
  return out;
}

bool is_broadcastable_to(IntSpan from, IntSpan to) {
  if (from.size() > to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t s = from[from.size() - 1 - i];
    if (s != 1 && s != to[to.size() - 1 - i]) return false;
  }
  return true;
}

Dims infer_reshape(std::string_view op, IntSpan target, int64_t numel) {
  Dims out(target);
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < out.size(); ++i) {
    if (out[i] == -1) {
      if (unknown >= 0) {
        fail(Status::kShape, op, ": ambiguous shape: ", shape_string(target),
             ": only one size can be -1");
      }
      unknown = i;
    } else if (out[i] < 0) {
      fail(Status::kShape, op, ": negative size: shape ", shape_string(target),
           ": every size must be >= 0, or -1 to infer it");
    } else if (__builtin_mul_overflow(known, out[i], &known)) {
      fail(Status::kShape, op, ": shape mismatch: ", numel, " elements as ", shape_string(target),
           ": the number of elements must stay the same");
    }
  }
  if (unknown >= 0) {
    if (known == 0) {
      fail(Status::kShape, op, ": ambiguous shape: ", shape_string(target), " of ", numel,
           " elements: -1 cannot be inferred beside a size of 0");
    }
    if (numel % known == 0) {
      out[unknown] = numel / known;
      return out;
    }
  } else if (known == numel) {
    return out;
  }
  fail(Status::kShape, op, ": shape mismatch: ", numel, " elements as ", shape_string(target),
       ": the number of elements must stay the same");
}

bool view_strides(IntSpan sizes, IntSpan strides, IntSpan target, Dims& out) {
  const int64_t numel = numel_of(sizes);
  if (numel == 0) {
    if (Dims(sizes) == Dims(target)) {
      out = Dims(strides);
    } else {
      out = contiguous_strides(target);
    }
    return true;
  }
  // Walk chunks of dims that are contiguous with each other from the innermost outwards; every
  // target dim must fit inside one chunk.
  out = Dims(static_cast<int>(target.size()));
  int view_d = static_cast<int>(target.size()) - 1;
  if (sizes.empty()) {
    for (int i = 0; i <= view_d; ++i) out[i] = 1;
    return true;
  }
  int64_t chunk_stride = strides.back();
  int64_t tensor_numel = 1, view_numel = 1;
  for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
    tensor_numel *= sizes[d];
    const bool chunk_ends =
        d == 0 || (sizes[d - 1] != 1 && strides[d - 1] != tensor_numel * chunk_stride);
    if (!chunk_ends) continue;
    while (view_d >= 0 && (view_numel < tensor_numel || target[view_d] == 1)) {
      out[view_d] = view_numel * chunk_stride;
      view_numel *= target[view_d];
      --view_d;
    }
    if (view_numel != tensor_numel) return false;
    if (d > 0) {
      chunk_stride = strides[d - 1];
      tensor_numel = 1;
      view_numel = 1;
    }
  }
  return view_d == -1;
}

}  // namespace mt
