// The SGD and Adam steps in one pass over memory. Every operation happens in the order, and is
// rounded where, PyTorch's single-tensor optimizers do it; see optim-inl.h.
#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/elements.h"
#include "kernels/optim.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optim_step.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/cpu/optim-inl.h"

#ifndef MT_OPTIM_STEP_ONCE
#define MT_OPTIM_STEP_ONCE
namespace mt::cpu {
namespace {

// What Adam computes in double before it looks at elements. The powers cost more than a step on a
// small tensor, and are the same for all tensors of a step: the last ones are kept.
struct AdamScalars {
  double step_size, bias_correction2_sqrt;
};

inline AdamScalars adam_scalars(const AdamArgs& a) {
  struct Powers {
    double beta1 = -1, beta2 = -1;
    int64_t step = -1;
    double power1 = 0, power2 = 0;
  };
  thread_local Powers last;
  if (last.step != a.step || last.beta1 != a.beta1 || last.beta2 != a.beta2) {
    const auto step = static_cast<double>(a.step);
    last = {a.beta1, a.beta2, a.step, std::pow(a.beta1, step), std::pow(a.beta2, step)};
  }
  return {a.lr / (1 - last.power1), std::sqrt(1 - last.power2)};
}

}  // namespace
}  // namespace mt::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace mt::cpu {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void sgd_range(const SgdArgs& a, int64_t begin, int64_t end) {
  using O = Ops<T>;
  auto* const param = static_cast<T*>(a.param);
  const auto* const grad = static_cast<const T*>(a.grad);
  auto* const buffer = static_cast<T*>(a.momentum_buffer);
  const auto sign = hn::Set(O::d, static_cast<typename O::C>(a.maximize ? -1 : 1));
  const auto minus_lr = O::factor(-a.lr), momentum = O::factor(a.momentum);
  const auto fresh = O::factor(1 - a.dampening), decay = O::factor(a.weight_decay);
  const bool decays = a.weight_decay != 0, first_step = a.first_step, nesterov = a.nesterov;
  el::each_vector(begin, end, el::lanes(O::d), [&](int64_t i, int64_t count) MT_VECTOR_LAMBDA {
    const auto p = O::load(param + i, count);
    auto g = hn::Mul(O::load(grad + i, count), sign);
    if (decays) g = O::add_scaled(g, p, decay);
    if (buffer != nullptr) {
      auto b = g;
      if (!first_step) b = O::add_scaled(O::mul(O::load(buffer + i, count), momentum), g, fresh);
      O::store(b, buffer + i, count);
      g = nesterov ? O::add_scaled(g, b, momentum) : b;
    }
    O::store(O::add_scaled(p, g, minus_lr), param + i, count);
  });
}

template <class T>
void sgd(const SgdArgs& a) {
  parallel_for(0, a.n, kOptimGrain,
               [&](int64_t begin, int64_t end) { sgd_range<T>(a, begin, end); });
}

template <class T>
void adam_range(const AdamArgs& a, const AdamScalars& scalars, int64_t begin, int64_t end) {
  using O = Ops<T>;
  auto* const param = static_cast<T*>(a.param);
  const auto* const grad = static_cast<const T*>(a.grad);
  auto* const exp_avg = static_cast<T*>(a.exp_avg);
  auto* const exp_avg_sq = static_cast<T*>(a.exp_avg_sq);
  auto* const max_exp_avg_sq = static_cast<T*>(a.amsgrad ? a.max_exp_avg_sq : nullptr);
  const auto sign = hn::Set(O::d, static_cast<typename O::C>(a.maximize ? -1 : 1));
  const auto beta1 = O::factor(a.beta1), fresh1 = O::factor(1 - a.beta1);
  const auto beta2 = O::factor(a.beta2), fresh2 = O::value(1 - a.beta2);
  const auto correction = O::factor(scalars.bias_correction2_sqrt), eps = O::factor(a.eps);
  const auto minus_step = O::value(-scalars.step_size);
  const bool decoupled = a.decoupled, decays = a.weight_decay != 0 && !decoupled;
  const auto decay = O::factor(decoupled ? 1 - a.lr * a.weight_decay : a.weight_decay);
  el::each_vector(begin, end, el::lanes(O::d), [&](int64_t i, int64_t count) MT_VECTOR_LAMBDA {
    auto p = O::load(param + i, count);
    auto g = hn::Mul(O::load(grad + i, count), sign);
    if (decoupled) p = O::mul(p, decay);
    if (decays) g = O::add_scaled(g, p, decay);
    const auto m = O::add_scaled(O::mul(O::load(exp_avg + i, count), beta1), g, fresh1);
    auto v = O::addcmul(O::mul(O::load(exp_avg_sq + i, count), beta2), g, g, fresh2);
    O::store(m, exp_avg + i, count);
    O::store(v, exp_avg_sq + i, count);
    if (max_exp_avg_sq != nullptr) {
      v = O::maximum(O::load(max_exp_avg_sq + i, count), v);
      O::store(v, max_exp_avg_sq + i, count);
    }
    const auto denominator = O::add(O::div(O::sqrt(v), correction), eps);
    O::store(O::addcdiv(p, m, denominator, minus_step), param + i, count);
  });
}

template <class T>
void adam(const AdamArgs& a) {
  const AdamScalars scalars = adam_scalars(a);
  parallel_for(0, a.n, kOptimGrain,
               [&](int64_t begin, int64_t end) { adam_range<T>(a, scalars, begin, end); });
}

void fill_table(Backend& b) {
  for_each_element([&]<class T>(T) {
    if constexpr (kIsFloat<T>) {
      b.sgd[kDTypeIndex<T>] = sgd<T>;
      b.adam[kDTypeIndex<T>] = adam<T>;
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace mt::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_table);
void fill_optim(Backend& b) {
  HWY_DYNAMIC_DISPATCH(fill_table)(b);
  fill_optim_more();
}
}  // namespace mt::cpu
#endif
