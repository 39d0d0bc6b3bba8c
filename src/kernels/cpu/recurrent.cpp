// The steps of recurrent cells, forward and backward, one pass over the gates each: see
// kernels/recurrent.h. LSTM after Hochreiter and Schmidhuber 1997 with Gers' forget gate, GRU in
// the form whose reset gate follows the matrix product, as PyTorch has both.
#include "kernels/recurrent.h"

#include <algorithm>

#include "core/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/recurrent.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/element-inl.h"
#include "kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kElementsPerTask = 4096;

// Rows of width `n` at p; null stays null.
template <class T>
T* row(void* p, int64_t r, int64_t n) {
  return p ? static_cast<T*>(p) + r * n : nullptr;
}
template <class T>
const T* row(const void* p, int64_t r, int64_t n) {
  return p ? static_cast<const T*>(p) + r * n : nullptr;
}

template <class T>
struct Lane {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr D d{};
  static HWY_INLINE V load(const T* p, int64_t count) {
    return el::load_up_to(d, p, count, hn::Zero(d));
  }
  static HWY_INLINE void store(V v, T* p, int64_t count) { el::store_up_to(d, v, p, count); }
  static HWY_INLINE V one() { return hn::Set(d, T{1}); }
};

// Calls f(r, i, count) for the vectors of all rows.
template <class T, class F>
HWY_INLINE void each_row_vector(int64_t rows, int64_t hidden, const F& f) {
  const int64_t grain = std::max<int64_t>(1, kElementsPerTask / std::max<int64_t>(1, hidden));
  parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) f(r);
  });
}

template <class T>
void lstm_row(const CellStep& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T *x = row<T>(s.x, r, 4 * n), *h = row<T>(s.h, r, 4 * n), *bias = row<T>(s.bias, 0, n);
  T *saved = row<T>(s.saved, r, 4 * n), *memory = row<T>(s.memory, r, n);
  T *before = row<T>(s.memory_before, r, n), *after = row<T>(s.memory_tanh, r, n);
  T* out = row<T>(s.out, r, n);
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    const auto gate = [&](int64_t k) MT_VECTOR_LAMBDA {
      auto v = hn::Add(L::load(x + k * n + at, count), L::load(h + k * n + at, count));
      if (bias) v = hn::Add(v, L::load(bias + k * n + at, count));
      return v;
    };
    const auto i = sigmoid(L::d, gate(0)), f = sigmoid(L::d, gate(1));
    const auto g = tanh(L::d, gate(2)), o = sigmoid(L::d, gate(3));
    const auto c = L::load(memory + at, count);
    const auto next = hn::MulAdd(f, c, hn::Mul(i, g));
    const auto t = tanh(L::d, next);
    L::store(i, saved + at, count);
    L::store(f, saved + n + at, count);
    L::store(g, saved + 2 * n + at, count);
    L::store(o, saved + 3 * n + at, count);
    L::store(c, before + at, count);
    L::store(t, after + at, count);
    L::store(next, memory + at, count);
    L::store(hn::Mul(o, t), out + at, count);
  });
}

template <class T>
void lstm_row_backward(const CellStepBackward& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T* saved = row<T>(s.saved, r, 4 * n);
  const T *before = row<T>(s.memory_before, r, n), *after = row<T>(s.memory_tanh, r, n);
  const T *grad = row<T>(s.grad, r, n), *more = row<T>(s.more, r, n);
  T *memory = row<T>(s.memory, r, n), *x = row<T>(s.x, r, 4 * n);
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    auto dh = L::load(grad + at, count);
    if (more) dh = hn::Add(dh, L::load(more + at, count));
    const auto one = L::one();
    const auto i = L::load(saved + at, count), f = L::load(saved + n + at, count);
    const auto g = L::load(saved + 2 * n + at, count), o = L::load(saved + 3 * n + at, count);
    const auto c = L::load(before + at, count), t = L::load(after + at, count);
    const auto slope = hn::Mul(o, hn::NegMulAdd(t, t, one));
    const auto dc = hn::MulAdd(dh, slope, L::load(memory + at, count));
    const auto through = [&](auto v) MT_VECTOR_LAMBDA { return hn::Mul(v, hn::Sub(one, v)); };
    L::store(hn::Mul(hn::Mul(dc, g), through(i)), x + at, count);
    L::store(hn::Mul(hn::Mul(dc, c), through(f)), x + n + at, count);
    L::store(hn::Mul(hn::Mul(dc, i), hn::NegMulAdd(g, g, one)), x + 2 * n + at, count);
    L::store(hn::Mul(hn::Mul(dh, t), through(o)), x + 3 * n + at, count);
    L::store(hn::Mul(dc, f), memory + at, count);
  });
}

template <class T>
void gru_row(const CellStep& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T *x = row<T>(s.x, r, 3 * n), *h = row<T>(s.h, r, 3 * n), *bias = row<T>(s.bias, 0, n);
  const T* state = row<T>(s.state, r, n);
  T *saved = row<T>(s.saved, r, 4 * n), *out = row<T>(s.out, r, n);
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    const auto part = [&](int64_t k) MT_VECTOR_LAMBDA {
      const auto v = L::load(h + k * n + at, count);
      return bias ? hn::Add(v, L::load(bias + k * n + at, count)) : v;
    };
    const auto reset = sigmoid(L::d, hn::Add(L::load(x + at, count), part(0)));
    const auto update = sigmoid(L::d, hn::Add(L::load(x + n + at, count), part(1)));
    const auto inner = part(2);
    const auto fresh = tanh(L::d, hn::MulAdd(reset, inner, L::load(x + 2 * n + at, count)));
    L::store(reset, saved + at, count);
    L::store(update, saved + n + at, count);
    L::store(fresh, saved + 2 * n + at, count);
    L::store(inner, saved + 3 * n + at, count);
    const auto old = L::load(state + at, count);
    L::store(hn::MulAdd(hn::Sub(old, fresh), update, fresh), out + at, count);
  });
}

template <class T>
void gru_row_backward(const CellStepBackward& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T *saved = row<T>(s.saved, r, 4 * n), *state = row<T>(s.state, r, n);
  const T *grad = row<T>(s.grad, r, n), *more = row<T>(s.more, r, n);
  T *x = row<T>(s.x, r, 3 * n), *h = row<T>(s.h, r, 3 * n), *direct = row<T>(s.direct, r, n);
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    auto dh = L::load(grad + at, count);
    if (more) dh = hn::Add(dh, L::load(more + at, count));
    const auto one = L::one();
    const auto reset = L::load(saved + at, count), update = L::load(saved + n + at, count);
    const auto fresh = L::load(saved + 2 * n + at, count);
    const auto inner = L::load(saved + 3 * n + at, count);
    const auto old = L::load(state + at, count);
    const auto through = [&](auto v) MT_VECTOR_LAMBDA { return hn::Mul(v, hn::Sub(one, v)); };
    const auto dn = hn::Mul(hn::Mul(dh, hn::Sub(one, update)), hn::NegMulAdd(fresh, fresh, one));
    const auto dr = hn::Mul(hn::Mul(dn, inner), through(reset));
    const auto dz = hn::Mul(hn::Mul(dh, hn::Sub(old, fresh)), through(update));
    L::store(dr, x + at, count);
    L::store(dz, x + n + at, count);
    L::store(dn, x + 2 * n + at, count);
    L::store(dr, h + at, count);
    L::store(dz, h + n + at, count);
    L::store(hn::Mul(dn, reset), h + 2 * n + at, count);
    L::store(hn::Mul(dh, update), direct + at, count);
  });
}

template <class T>
void plain_row(const CellStep& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T *x = row<T>(s.x, r, n), *h = row<T>(s.h, r, n), *bias = row<T>(s.bias, 0, n);
  T* out = row<T>(s.out, r, n);
  const bool relu = s.cell == Cell::kRelu;
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    auto v = hn::Add(L::load(x + at, count), L::load(h + at, count));
    if (bias) v = hn::Add(v, L::load(bias + at, count));
    L::store(relu ? at_least(L::d, v, hn::Zero(L::d)) : tanh(L::d, v), out + at, count);
  });
}

template <class T>
void plain_row_backward(const CellStepBackward& s, int64_t r) {
  using L = Lane<T>;
  const int64_t n = s.hidden;
  const T *state = row<T>(s.state, r, n), *grad = row<T>(s.grad, r, n),
          *more = row<T>(s.more, r, n);
  T* x = row<T>(s.x, r, n);
  const bool relu = s.cell == Cell::kRelu;
  el::each_vector(0, n, el::lanes(L::d), [&](int64_t at, int64_t count) MT_VECTOR_LAMBDA {
    auto dh = L::load(grad + at, count);
    if (more) dh = hn::Add(dh, L::load(more + at, count));
    const auto y = L::load(state + at, count);
    const auto slope = hn::NegMulAdd(y, y, L::one());
    L::store(relu ? hn::IfThenZeroElse(hn::Le(y, hn::Zero(L::d)), dh) : hn::Mul(dh, slope), x + at,
             count);
  });
}

template <class T>
void step(const CellStep& s) {
  each_row_vector<T>(s.rows, s.hidden, [&](int64_t r) {
    switch (s.cell) {
      case Cell::kLstm:
        lstm_row<T>(s, r);
        break;
      case Cell::kGru:
        gru_row<T>(s, r);
        break;
      default:
        plain_row<T>(s, r);
    }
  });
}

template <class T>
void step_backward(const CellStepBackward& s) {
  each_row_vector<T>(s.rows, s.hidden, [&](int64_t r) {
    switch (s.cell) {
      case Cell::kLstm:
        lstm_row_backward<T>(s, r);
        break;
      case Cell::kGru:
        gru_row_backward<T>(s, r);
        break;
      default:
        plain_row_backward<T>(s, r);
    }
  });
}

void any_step(DType dtype, const CellStep& s) {
  dtype == DType::kFloat32 ? step<float>(s) : step<double>(s);
}
void any_step_backward(DType dtype, const CellStepBackward& s) {
  dtype == DType::kFloat32 ? step_backward<float>(s) : step_backward<double>(s);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(any_step);
HWY_EXPORT(any_step_backward);
void cell_step(DType dtype, const CellStep& s) { HWY_DYNAMIC_DISPATCH(any_step)(dtype, s); }
void cell_step_backward(DType dtype, const CellStepBackward& s) {
  HWY_DYNAMIC_DISPATCH(any_step_backward)(dtype, s);
}
}  // namespace mt::cpu
#endif
