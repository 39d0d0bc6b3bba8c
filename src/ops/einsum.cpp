// einsum: every operand is brought to one dim per letter, then operands are contracted from left to
// right, each pair by one batched matrix product.
#include <array>

#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/contract.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/view.h"

namespace mt {
namespace {

constexpr int kLetters = 52;
constexpr int kEllipsis = -1;

// A to Z before a to z: the order of the result without an arrow.
int letter_number(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return 26 + c - 'a';
  return -1;
}

using Labels = SmallVector<int, 16>;  // letter numbers, kEllipsis

[[noreturn]] void fail_equation(std::string_view equation, std::string_view what) {
  fail(Status::kInvalidArgument, "einsum: bad equation: '", equation, "': ", what);
}

Labels parse_term(std::string_view equation, std::string_view term) {
  Labels labels;
  bool seen = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] == ' ') continue;
    if (term[i] == '.') {
      if (seen || term.substr(i, 3) != "...") {
        fail_equation(equation, "dots must be '...', once per operand");
      }
      seen = true;
      i += 2;
      labels.push_back(kEllipsis);
      continue;
    }
    const int n = letter_number(term[i]);
    if (n < 0) fail_equation(equation, "subscripts must be letters, '...', ',' and '->'");
    labels.push_back(n);
  }
  return labels;
}

struct Equation {
  SmallVector<Labels, 4> inputs;
  bool has_output = false;
  Labels output;
};

Equation parse(std::string_view equation, size_t operands) {
  Equation e;
  const size_t arrow = equation.find("->");
  std::string_view left = equation.substr(0, arrow);
  while (true) {
    const size_t comma = left.find(',');
    e.inputs.push_back(parse_term(equation, left.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  if (static_cast<size_t>(e.inputs.size()) != operands) {
    fail_equation(equation, cat(e.inputs.size(), " operands in it, ", operands, " given"));
  }
  if (arrow != std::string_view::npos) {
    e.has_output = true;
    e.output = parse_term(equation, equation.substr(arrow + 2));
  }
  return e;
}

// Where the letters of the equation are among the dims of every prepared operand: first those of
// the result, then those that are summed over.
struct Layout {
  std::array<int, kLetters> place;
  int ellipsis_at = 0, ellipsis_dims = 0, out_dims = 0, dims = 0;
};

Layout make_layout(std::string_view equation, const Equation& e, Tensors operands) {
  Layout l;
  l.place.fill(-1);
  std::array<int, kLetters> count{};
  bool any_ellipsis = false;
  for (int i = 0; i < e.inputs.size(); ++i) {
    const Tensor& t = operands[static_cast<size_t>(i)];
    int letters = 0;
    bool ellipsis = false;
    for (int label : e.inputs[i]) {
      if (label == kEllipsis) {
        ellipsis = any_ellipsis = true;
      } else {
        ++count[static_cast<size_t>(label)];
        ++letters;
      }
    }
    if (ellipsis ? letters > t.dim() : letters != t.dim()) {
      fail_equation(equation, cat("operand ", i, " has ", t.dim(), " dims, the equation ", letters,
                                  ellipsis ? " beside '...'" : ""));
    }
    if (ellipsis) l.ellipsis_dims = std::max(l.ellipsis_dims, t.dim() - letters);
  }
  const auto put = [&](int label) { l.place[static_cast<size_t>(label)] = l.dims++; };
  bool placed = false;
  if (e.has_output) {
    for (int label : e.output) {
      if (label == kEllipsis) {
        l.ellipsis_at = l.dims;
        l.dims += l.ellipsis_dims;
        placed = true;
      } else if (l.place[static_cast<size_t>(label)] >= 0) {
        fail_equation(equation, "a letter appears twice in the result");
      } else if (count[static_cast<size_t>(label)] == 0) {
        fail_equation(equation, "a letter of the result is in no operand");
      } else {
        put(label);
      }
    }
  } else {
    l.dims = l.ellipsis_dims;
    placed = true;
    for (int label = 0; label < kLetters; ++label) {
      if (count[static_cast<size_t>(label)] == 1) put(label);
    }
  }
  l.out_dims = l.dims;
  if (any_ellipsis && !placed) {  // summed over
    l.ellipsis_at = l.dims;
    l.dims += l.ellipsis_dims;
  }
  for (int label = 0; label < kLetters; ++label) {
    if (count[static_cast<size_t>(label)] > 0 && l.place[static_cast<size_t>(label)] < 0) {
      put(label);
    }
  }
  if (l.dims > kMaxDims) fail_equation(equation, "too many dims");
  return l;
}

// t with a dim for every place, of size 1 where it has no such letter.
Tensor arranged(std::string_view equation, const Layout& l, const Labels& labels, const Tensor& t) {
  Tensor r = t;
  Dims at(l.dims, -1);  // dim of r that goes to each place
  int dim = 0, letters = 0;
  for (int label : labels) letters += label != kEllipsis;
  for (int label : labels) {
    if (label == kEllipsis) {
      const int n = t.dim() - letters;
      for (int k = 0; k < n; ++k) at[l.ellipsis_at + l.ellipsis_dims - n + k] = dim++;
      continue;
    }
    const int place = l.place[static_cast<size_t>(label)];
    if (at[place] < 0) {
      at[place] = dim++;
      continue;
    }
    const int first = static_cast<int>(at[place]);
    if (r.size(first) != r.size(dim)) {
      fail_equation(equation, cat("a repeated letter stands for sizes ", r.size(first), " and ",
                                  r.size(dim)));
    }
    r = movedim(diagonal(r, 0, first, dim), Dims{-1}, Dims{first});
  }
  Dims order;
  for (int64_t d : at) {
    if (d >= 0) order.push_back(d);
  }
  r = permute(r, order);
  for (int place = 0; place < l.dims; ++place) {
    if (at[place] < 0) r = unsqueeze(r, place);
  }
  return r;
}

// In t's own dtype, as a factor, or in the one that sum gives.
Tensor summed(const Tensor& t, uint64_t mask, std::optional<DType> dtype = {}) {
  Dims dims;
  for (int d = 0; d < t.dim(); ++d) {
    if (mask >> d & 1) dims.push_back(d);
  }
  return dims.empty() ? t : sum(t, dims, true, dtype);
}

// The product of a and b, summed over the dims of `over` (kept with size 1).
Tensor contracted(Tensor a, Tensor b, uint64_t over) {
  const int n = a.dim();
  uint64_t only_a = 0, only_b = 0;
  for (int d = 0; d < n; ++d) {
    if (!(over >> d & 1)) continue;
    if (b.size(d) == 1 && a.size(d) != 1) only_a |= uint64_t{1} << d;
    if (a.size(d) == 1 && b.size(d) != 1) only_b |= uint64_t{1} << d;
  }
  a = summed(a, only_a, a.dtype());
  b = summed(b, only_b, b.dtype());
  // Groups of dims: of both, of a alone, of b alone, summed over.
  Dims both, left, right, inner;
  for (int d = 0; d < n; ++d) {
    const bool in_a = a.size(d) != 1, in_b = b.size(d) != 1;
    if (over >> d & 1) {
      inner.push_back(d);
    } else if (in_a && in_b) {
      both.push_back(d);
    } else if (in_a) {
      left.push_back(d);
    } else if (in_b) {
      right.push_back(d);
    } else {
      both.push_back(d);
    }
  }
  const auto matrices = [&](const Tensor& t, const Dims& rows, const Dims& columns) {
    Dims order, sizes;
    for (int64_t d : both) order.push_back(d);
    for (int64_t d : rows) order.push_back(d);
    for (int64_t d : columns) order.push_back(d);
    // Dims that t has not (size 1) are moved to the end, where they change nothing.
    for (int d = 0; d < n; ++d) {
      bool there = false;
      for (int64_t k : order) there |= k == d;
      if (!there) order.push_back(d);
    }
    int64_t count[3] = {1, 1, 1};
    for (int64_t d : both) count[0] *= t.size(static_cast<int>(d));
    for (int64_t d : rows) count[1] *= t.size(static_cast<int>(d));
    for (int64_t d : columns) count[2] *= t.size(static_cast<int>(d));
    return reshape(permute(t, order), Dims{count[0], count[1], count[2]});
  };
  const Tensor product = bmm(matrices(a, left, inner), matrices(b, inner, right));
  Dims sizes, back(n);
  int next = 0;
  const auto take = [&](const Dims& dims, const Tensor& t) {
    for (int64_t d : dims) {
      sizes.push_back(t.size(static_cast<int>(d)));
      back[static_cast<int>(d)] = next++;
    }
  };
  take(both, a);
  take(left, a);
  take(right, b);
  for (int64_t d : inner) {
    sizes.push_back(1);
    back[static_cast<int>(d)] = next++;
  }
  return permute(reshape(product, sizes), back);
}

}  // namespace

Tensor einsum(std::string_view equation, Tensors operands) {
  if (operands.empty()) {
    fail(Status::kInvalidArgument, "einsum: no tensors: 0 given: at least one is needed");
  }
  for (const Tensor& t : operands) check_defined("einsum", "operand", t);
  const Equation e = parse(equation, operands.size());
  const Layout l = make_layout(equation, e, operands);
  SmallVector<Tensor, 4> parts;
  Dims sizes(l.dims, 1);
  for (int i = 0; i < e.inputs.size(); ++i) {
    parts.push_back(arranged(equation, l, e.inputs[i], operands[static_cast<size_t>(i)]));
    const Tensor& t = parts.back();
    for (int d = 0; d < l.dims; ++d) {
      if (t.size(d) == 1 || t.size(d) == sizes[d]) continue;
      if (sizes[d] != 1) {
        fail(Status::kShape, "einsum: shape mismatch: '", equation, "': operand ", i, " of shape ",
             shape_string(operands[static_cast<size_t>(i)].sizes()), " has size ", t.size(d),
             " where another has ", sizes[d], ": equal letters must have equal sizes, or 1");
      }
      sizes[d] = t.size(d);
    }
  }
  // The last operand that has a summed dim decides when it is summed.
  uint64_t open = 0;
  for (int d = l.out_dims; d < l.dims; ++d) open |= uint64_t{1} << d;
  const auto closing = [&](int operand) {  // summed dims that no later operand has
    uint64_t mask = open;
    for (int i = operand + 1; i < parts.size(); ++i) {
      for (int d = l.out_dims; d < l.dims; ++d) {
        if (parts[i].size(d) != 1) mask &= ~(uint64_t{1} << d);
      }
    }
    open &= ~mask;
    return mask;
  };
  Tensor out = parts[0];
  if (parts.size() == 1) {
    out = summed(out, closing(0));
  }
  for (int i = 1; i < parts.size(); ++i) out = contracted(out, parts[i], closing(i));
  Dims result = out.sizes();
  result.resize(l.out_dims);
  out = reshape(out, result);
  return out;
}

}  // namespace mt
