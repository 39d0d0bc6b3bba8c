// Comparisons and logical operations: inputs of any dtype, output bool.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/compare.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep

#include "kernels/cpu/arithmetic-inl.h"
#include "kernels/cpu/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mt::cpu::HWY_NAMESPACE {
namespace {

template <class T>
struct Eq : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    return hn::Eq(a, b);
  }
};
template <class T>
struct Ne : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    return not_equal(a, b);
  }
};
template <class T>
struct Lt : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    return hn::Lt(a, b);
  }
};
template <class T>
struct Le : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) return hn::Le(a, b);
    return hn::Not(hn::Gt(a, b));
  }
};
template <class T>
struct Gt : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    return hn::Gt(a, b);
  }
};
template <class T>
struct Ge : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D, V a, V b) const {
    if constexpr (std::is_floating_point_v<T>) return hn::Ge(a, b);
    return hn::Not(hn::Lt(a, b));
  }
};

template <class D, class V>
HWY_INLINE auto is_true(D d, V x) {
  return not_equal(x, V(hn::Zero(d)));
}

template <class T>
struct LogicalAnd : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V a, V b) const {
    return hn::And(is_true(d, a), is_true(d, b));
  }
};
template <class T>
struct LogicalOr : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V a, V b) const {
    return hn::Or(is_true(d, a), is_true(d, b));
  }
};
template <class T>
struct LogicalXor : BinaryOp {
  using BinaryOp::BinaryOp;
  static constexpr bool kToBool = true;
  template <class D, class V>
  HWY_INLINE auto operator()(D d, V a, V b) const {
    return hn::Xor(is_true(d, a), is_true(d, b));
  }
};

template <template <class> class Op>
void set_ordered(Backend& b, Elementwise id) {
  set_floating<Op>(b, id);
  set_integers<Op>(b, id);
  set_bool<Op>(b, id);
}
template <template <class> class Op>
void set_unordered(Backend& b, Elementwise id) {
  set_floating<Op>(b, id);
  set_integers_by_size<Op>(b, id);
  set_bool<Op>(b, id);
}

void fill_compare_of_target(Backend& b) {
  using E = Elementwise;
  set_unordered<Eq>(b, E::kEq);
  set_unordered<Ne>(b, E::kNe);
  set_ordered<Lt>(b, E::kLt);
  set_ordered<Le>(b, E::kLe);
  set_ordered<Gt>(b, E::kGt);
  set_ordered<Ge>(b, E::kGe);
  set_unordered<LogicalAnd>(b, E::kLogicalAnd);
  set_unordered<LogicalOr>(b, E::kLogicalOr);
  set_unordered<LogicalXor>(b, E::kLogicalXor);
}

}  // namespace
}  // namespace mt::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt::cpu {
HWY_EXPORT(fill_compare_of_target);
void fill_compare(Backend& b) { HWY_DYNAMIC_DISPATCH(fill_compare_of_target)(b); }
}  // namespace mt::cpu
#endif
