// The steps of RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, ASGD and Rprop in one pass over
// memory, each operation in the order of PyTorch's single-tensor optimizers and rounded as theirs;
// see optim-inl.h.
#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/optim.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optim_more.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/optim-inl.h"

#ifndef MT_OPTIM_MORE_ONCE
#define MT_OPTIM_MORE_ONCE
namespace mt::cpu {
namespace {
struct OptimTable {
  OptimKernel step[static_cast<int>(OptimStep::kCount)][kNumDTypes];
};
OptimTable optim_table;
}  // namespace
}  // namespace mt::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// The buffers of a step, and what all steps do first.
template <class T>
struct Buffers : Ops<T> {
  using O = Ops<T>;
  using V = typename O::V;

  explicit Buffers(const OptimArgs& a)
      : param(static_cast<T*>(a.param)),
        grad(static_cast<const T*>(a.grad)),
        state{static_cast<T*>(a.state[0]), static_cast<T*>(a.state[1]),
              static_cast<T*>(a.state[2])},
        sign(hn::Set(O::d, static_cast<typename O::C>(a.maximize ? -1 : 1))),
        decay(O::factor(a.weight_decay)),
        decays(a.weight_decay != 0) {}

  HWY_INLINE V gradient(V p, int64_t i, int64_t count) const {
    const auto g = hn::Mul(O::load(grad + i, count), sign);
    return decays ? O::add_scaled(g, p, decay) : g;
  }
  // Running averages of the gradient and of its square: x * keep + g * fresh, stored in state[k].
  HWY_INLINE V average(int k, V g, V keep, V fresh, int64_t i, int64_t count) const {
    const auto x = O::add_scaled(O::mul(O::load(state[k] + i, count), keep), g, fresh);
    O::store(x, state[k] + i, count);
    return x;
  }
  HWY_INLINE V square_average(int k, V g, V keep, V fresh, int64_t i, int64_t count) const {
    const auto x = O::addcmul(O::mul(O::load(state[k] + i, count), keep), g, g, fresh);
    O::store(x, state[k] + i, count);
    return x;
  }

  T* const param;
  const T* const grad;
  T* const state[3];
  const V sign, decay;
  const bool decays;
};

// Runs `step` on every vector of [begin, end): it gets the buffers, the parameter, the gradient
// and the place, and gives the new parameter.
template <class T, class Step>
HWY_INLINE void each(const OptimArgs& a, int64_t begin, int64_t end, const Step& step) {
  const Buffers<T> b(a);
  el::each_vector(begin, end, el::lanes(Ops<T>::d), [&](int64_t i, int64_t count) MT_VECTOR_LAMBDA {
    const auto p = b.load(b.param + i, count);
    b.store(step(b, p, b.gradient(p, i, count), i, count), b.param + i, count);
  });
}

template <class T>
void rmsprop(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto minus_lr = O::factor(-a.f[0]), step_size = O::value(-a.f[0]);
  const auto alpha = O::factor(a.f[1]), fresh = O::factor(a.f[2]), fresh_square = O::value(a.f[2]);
  const auto eps = O::factor(a.f[3]), momentum = O::factor(a.f[4]);
  const auto one = O::value(1), minus_one = O::value(-1);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            auto v = b.square_average(0, g, alpha, fresh_square, i, count);
            if (b.state[2] != nullptr) {
              const auto mean = b.average(2, g, alpha, fresh, i, count);
              v = O::addcmul(v, mean, mean, minus_one);
            }
            const auto root = O::add(O::sqrt(v), eps);
            if (b.state[1] == nullptr) return O::addcdiv(p, g, root, step_size);
            auto* const buffer = b.state[1] + i;
            const auto m = O::addcdiv(O::mul(O::load(buffer, count), momentum), g, root, one);
            O::store(m, buffer, count);
            return O::add_scaled(p, m, minus_lr);
          });
}

template <class T>
void adagrad(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto step_size = O::value(-a.f[0]), eps = O::factor(a.f[1]), one = O::value(1);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto sum = O::addcmul(O::load(b.state[0] + i, count), g, g, one);
            O::store(sum, b.state[0] + i, count);
            return O::addcdiv(p, g, O::add(O::sqrt(sum), eps), step_size);
          });
}

template <class T>
void adadelta(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto minus_lr = O::factor(-a.f[0]), rho = O::factor(a.f[1]), fresh = O::value(a.f[2]);
  const auto eps = O::factor(a.f[3]);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto v = b.square_average(0, g, rho, fresh, i, count);
            const auto root = O::sqrt(O::add(v, eps));
            const auto past = O::load(b.state[1] + i, count);
            const auto delta = O::mul(O::div(O::sqrt(O::add(past, eps)), root), g);
            O::store(O::addcmul(O::mul(past, rho), delta, delta, fresh), b.state[1] + i, count);
            return O::add_scaled(p, delta, minus_lr);
          });
}

template <class T>
void adamax(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto step_size = O::value(-a.f[0]), beta1 = O::factor(a.f[1]), fresh = O::factor(a.f[2]);
  const auto beta2 = O::factor(a.f[3]), eps = O::factor(a.f[4]);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto m = b.average(0, g, beta1, fresh, i, count);
            const auto past = O::mul(O::load(b.state[1] + i, count), beta2);
            const auto largest = O::maximum(past, O::add(hn::Abs(g), eps));
            O::store(largest, b.state[1] + i, count);
            return O::addcdiv(p, m, largest, step_size);
          });
}

template <class T>
void nadam(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto beta1 = O::factor(a.f[0]), fresh1 = O::factor(a.f[1]);
  const auto beta2 = O::factor(a.f[2]), fresh2 = O::value(a.f[3]);
  const auto eps = O::factor(a.f[4]), correction = O::factor(a.f[5]);
  const auto of_gradient = O::value(a.f[6]), of_average = O::value(a.f[7]);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto m = b.average(0, g, beta1, fresh1, i, count);
            const auto v = b.square_average(1, g, beta2, fresh2, i, count);
            const auto root = O::add(O::sqrt(O::div(v, correction)), eps);
            return O::addcdiv(O::addcdiv(p, g, root, of_gradient), m, root, of_average);
          });
}

template <class T>
void radam(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto beta1 = O::factor(a.f[0]), fresh1 = O::factor(a.f[1]);
  const auto beta2 = O::factor(a.f[2]), fresh2 = O::value(a.f[3]);
  const auto eps = O::factor(a.f[4]), correction = O::factor(a.f[5]), lr = O::factor(a.f[6]);
  const auto root2 = O::factor(a.f[7]), rectification = O::factor(a.f[8]);
  const auto one = O::value(1), minus_one = O::value(-1);
  const bool rectified = a.f[8] != 0;
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto m = b.average(0, g, beta1, fresh1, i, count);
            const auto v = b.square_average(1, g, beta2, fresh2, i, count);
            auto change = O::mul(O::div(m, correction), lr);
            if (rectified) {  // a number over a tensor is the number times the reciprocal
              const auto adaptive = O::mul(O::div(one, O::add(O::sqrt(v), eps)), root2);
              change = O::mul(O::mul(change, adaptive), rectification);
            }
            return O::add_scaled(p, change, minus_one);
          });
}

template <class T>
void asgd(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto keep = O::factor(a.f[0]), minus_eta = O::factor(-a.f[1]), mu = O::factor(a.f[2]);
  const bool averages = a.f[2] != 1;
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto q = O::add_scaled(O::mul(p, keep), g, minus_eta);
            auto x = q;
            if (averages) {
              const auto past = O::load(b.state[0] + i, count);
              x = O::add(past, O::mul(O::round(hn::Sub(q, past)), mu));
            }
            O::store(x, b.state[0] + i, count);
            return q;
          });
}

template <class T>
void rprop(const OptimArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  const auto slower = O::factor(a.f[0]), faster = O::factor(a.f[1]);
  const auto smallest = O::factor(a.f[2]), largest = O::factor(a.f[3]);
  const auto zero = O::value(0), one = O::value(1);
  each<T>(a, begin, end,
          [&](const auto& b, auto p, auto g, int64_t i, int64_t count) MT_VECTOR_LAMBDA {
            const auto product = O::mul(g, O::load(b.state[0] + i, count));
            const auto turned = hn::Lt(product, zero);
            auto scale = hn::IfThenElse(hn::Gt(product, zero), faster, one);
            scale = hn::IfThenElse(turned, slower, scale);
            const auto raw = O::mul(O::load(b.state[1] + i, count), scale);
            auto size = hn::IfThenElse(hn::Lt(raw, smallest), smallest, raw);
            size = hn::IfThenElse(hn::Gt(size, largest), largest, size);
            O::store(size, b.state[1] + i, count);
            const auto kept = hn::IfThenElse(turned, zero, g);
            O::store(kept, b.state[0] + i, count);
            const auto up = O::round(hn::Sub(p, size)), down = O::round(hn::Add(p, size));
            const auto moved = hn::IfThenElse(hn::Lt(kept, zero), down, p);
            return hn::IfThenElse(hn::Gt(kept, zero), up, moved);
          });
}

template <void (*range)(const OptimArgs&, int64_t, int64_t)>
void step(const OptimArgs& a) {
  parallel_for(0, a.n, kOptimGrain, [&](int64_t begin, int64_t end) { range(a, begin, end); });
}

void fill_table(OptimTable& t) {
  const auto row = [&](OptimStep s) { return t.step[static_cast<int>(s)]; };
  for_each_element([&]<class T>(T) {
    if constexpr (kIsFloat<T>) {
      constexpr int k = kDTypeIndex<T>;
      row(OptimStep::kRmsprop)[k] = step<rmsprop<T>>;
      row(OptimStep::kAdagrad)[k] = step<adagrad<T>>;
      row(OptimStep::kAdadelta)[k] = step<adadelta<T>>;
      row(OptimStep::kAdamax)[k] = step<adamax<T>>;
      row(OptimStep::kNadam)[k] = step<nadam<T>>;
      row(OptimStep::kRadam)[k] = step<radam<T>>;
      row(OptimStep::kAsgd)[k] = step<asgd<T>>;
      row(OptimStep::kRprop)[k] = step<rprop<T>>;
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt {
namespace cpu {
HWY_EXPORT(fill_table);
void fill_optim_more() { HWY_DYNAMIC_DISPATCH(fill_table)(optim_table); }
}  // namespace cpu

OptimKernel optim_kernel(OptimStep step, Device device, DType dtype) {
  backend(device);  // fills the table
  if (device != Device::kCPU) return nullptr;
  return cpu::optim_table.step[static_cast<int>(step)][static_cast<int>(dtype)];
}
}  // namespace mt
#endif
