// Brings strided tensors and any set of dims to the kernels' contiguous [outer, n, inner].
#include "ops/reduce_values.h"

#include "ops/view.h"

namespace mt {
namespace {

// A tensor's dims of size other than 1 in memory order, neighbours of one kind merged.
struct Runs {
  int count = 0;
  bool contiguous = false;  // the runs are the whole memory without gaps, results in order
  int64_t size[kMaxDims];
  bool reduced[kMaxDims];
};

Runs runs_of(const Tensor& t, const Over& over) {
  Runs r;
  const int n = t.dim();
  int order[kMaxDims];
  int used = 0;
  if (t.is_contiguous()) {
    for (int d = 0; d < n; ++d) {
      if (t.size(d) != 1) order[used++] = d;
    }
  } else {
    for (int d = 0; d < n; ++d) {
      if (t.size(d) == 1) continue;
      int at = used++;
      for (; at > 0 && t.stride(order[at - 1]) < t.stride(d); --at) order[at] = order[at - 1];
      order[at] = d;
    }
    int64_t step = 1;
    int last_kept = n;
    for (int i = used - 1; i >= 0; --i) {
      const int d = order[i];
      if (t.stride(d) != step) return r;
      step *= t.size(d);
      if (over.has(d)) continue;
      if (d > last_kept) return r;  // results would come out in another order
      last_kept = d;
    }
  }
  r.contiguous = true;
  for (int i = 0; i < used; ++i) {
    const bool reduced = over.has(order[i]);
    if (r.count > 0 && r.reduced[r.count - 1] == reduced) {
      r.size[r.count - 1] *= t.size(order[i]);
    } else {
      r.size[r.count] = t.size(order[i]);
      r.reduced[r.count++] = reduced;
    }
  }
  return r;
}

// The dims that stay, then those that go, in contiguous memory.
Tensor reduced_last(const Tensor& t, const Over& over) {
  Dims sizes, strides;
  for (const bool reduced : {false, true}) {
    for (int d = 0; d < t.dim(); ++d) {
      if (over.has(d) != reduced) continue;
      sizes.push_back(t.size(d));
      strides.push_back(t.stride(d));
    }
  }
  return contiguous_values(t.alias(sizes, strides, t.offset()));
}

// Whether a reduction may be done one group of dims after the other.
bool can_be_staged(Reduce id, DType dtype) {
  switch (id) {
    case Reduce::kSum:
    case Reduce::kProd:
      return !is_reduced_float(dtype);  // each stage would round to 16 bits
    case Reduce::kAmax:
    case Reduce::kAmin:
      return true;
    case Reduce::kAny:
    case Reduce::kAll:
      return dtype == DType::kBool;  // the first stage's result is bool
    default:
      return false;
  }
}

}  // namespace

Dims Over::result_sizes(const Dims& sizes) const {
  Dims out;
  for (int d = 0; d < sizes.size(); ++d) {
    if (!has(d)) {
      out.push_back(sizes[d]);
    } else if (keepdim) {
      out.push_back(1);
    }
  }
  return out;
}

Dims Over::kept_sizes(const Dims& sizes) const {
  Dims out = sizes;
  for (int d = 0; d < sizes.size(); ++d) {
    if (has(d)) out[d] = 1;
  }
  return out;
}

int64_t Over::count(const Dims& sizes) const {
  int64_t n = 1;
  for (int d = 0; d < sizes.size(); ++d) {
    if (has(d)) n *= sizes[d];
  }
  return n;
}

Tensor reduce_values(std::string_view op, Reduce id, const Tensor& in, const Over& over,
                     DType out_dtype, const Params& params, Scalar identity) {
  Tensor out = Tensor::empty(over.result_sizes(in.sizes()), out_dtype, in.device(), op);
  if (in.is_meta()) return out;
  const ReduceKernel kernel =
      backend(in.device()).reduce[static_cast<int>(id)][static_cast<int>(in.dtype())];
  if (!kernel) fail_unsupported(op, in.device(), in.dtype());
  if (out.numel() == 0) return out;
  if (in.numel() == 0) {
    fill_values(out, identity);
    return out;
  }
  Runs r = runs_of(in, over);
  int stages = 0;
  for (int i = 0; i < r.count; ++i) stages += r.reduced[i];
  if (!r.contiguous || (stages > 1 && !can_be_staged(id, in.dtype()))) {
    const Tensor packed = reduced_last(in, over);
    const int64_t n = over.count(in.sizes());
    kernel(packed.data(), out.data(), in.numel() / n, n, 1, params);
    return out;
  }
  // The last group first: it is the one whose elements lie closest together.
  const void* from = in.data();
  Tensor stage;
  for (; stages > 1; --stages) {
    int at = r.count - 1;
    while (!r.reduced[at]) --at;
    int64_t outer = 1, inner = 1;
    for (int i = 0; i < at; ++i) outer *= r.size[i];
    for (int i = at + 1; i < r.count; ++i) inner *= r.size[i];
    Tensor next = Tensor::empty({{outer, inner}}, out_dtype, in.device(), op);
    kernel(from, next.data(), outer, r.size[at], inner, params);
    r.size[at] = 1;
    r.reduced[at] = false;
    stage = std::move(next);
    from = stage.data();
  }
  int64_t outer = 1, n = 1, inner = 1;
  bool seen = false;
  for (int i = 0; i < r.count; ++i) {
    if (r.reduced[i]) {
      n = r.size[i];
      seen = true;
    } else {
      (seen ? inner : outer) *= r.size[i];
    }
  }
  kernel(from, out.data(), outer, n, inner, params);
  return out;
}

void check_not_empty(std::string_view op, const Tensor& t, const Over& over) {
  if (t.numel() != 0) return;
  const bool all = over.mask == dim_mask(op, {}, t.dim());
  for (int d = 0; d < t.dim(); ++d) {
    if (!over.has(d) || t.size(d) != 0) continue;
    fail(Status::kIndex, op, ": no values: input ", shape_string(t.sizes()), ": ",
         all && t.dim() > 1 ? "the tensor must have values, or give a dim of non-zero size"
                            : cat("the reduced dim ", d, " must have a non-zero size"));
  }
}

void divide_values(const Tensor& t, double divisor) {
  if (t.is_meta()) return;
  const int64_t n = t.numel();
  if (t.dtype() == DType::kFloat32) {
    auto* p = t.data_as<float>();
    const auto by = static_cast<float>(divisor);
    for (int64_t i = 0; i < n; ++i) p[i] /= by;
  } else if (t.dtype() == DType::kFloat64) {
    auto* p = t.data_as<double>();
    for (int64_t i = 0; i < n; ++i) p[i] /= divisor;
  } else {
    const Tensor by = Tensor::from_scalar(divisor, t.dtype());
    launch(Elementwise::kDiv, t.dtype(), {&t, &t, &by});
  }
}

Tensor spread(const Tensor& t, const Dims& sizes, const Over& over) {
  if (recording(t)) {
    return expand(over.keepdim ? t : reshape(t, over.kept_sizes(sizes)), sizes);
  }
  Dims strides(sizes.size());
  int from = 0;
  for (int d = 0; d < sizes.size(); ++d) {
    if (over.has(d)) {
      strides[d] = 0;
      from += over.keepdim;
    } else {
      strides[d] = t.size(from) == 1 && sizes[d] != 1 ? 0 : t.stride(from);
      ++from;
    }
  }
  return t.alias(sizes, strides, t.offset());
}

}  // namespace mt
