// minitorch/minitorch.hpp - minitorch for C++17 and later: values that free themselves, exceptions
// instead of statuses, operators. Header-only, over the C functions; a Tensor is as in PyTorch a
// reference, so that copies are the same tensor.
//
//   using namespace minitorch;
//   Tensor x = tensor<float>({1, 2, 3}).requires_grad_();
//   Tensor z = sum(pow(x, 2));
//   z.backward();
//   std::cout << x.grad() << "\n";  // tensor([2., 4., 6.])
#ifndef MINITORCH_HPP
#define MINITORCH_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "minitorch/minitorch.h"

namespace minitorch {

// --- Errors ----------------------------------------------------------------------------------

class Error : public std::runtime_error {
 public:
  Error(mt_status status, const char *message) : std::runtime_error(message), status_(status) {}
  mt_status status() const noexcept { return status_; }

 private:
  mt_status status_;
};

inline void check(mt_status status) {
  if (status != MT_OK) throw Error(status, mt_last_error());
}

namespace detail {

// Takes over a string of the library.
inline std::string take_string(char *s) {
  struct Free {
    char *s;
    ~Free() { mt_string_free(s); }
  } guard{s};
  return s;
}

// Runs a callback's body: an exception becomes the status and message that the outermost call
// throws again.
template <class Body>
mt_status callback(Body &&body) {
  try {
    body();
    return MT_OK;
  } catch (const Error &e) {
    mt_callback_error(e.what());
    return e.status();
  } catch (const std::exception &e) {
    return mt_callback_error(e.what());
  } catch (...) {
    return mt_callback_error("an exception that is no std::exception");
  }
}

// A handle that is freed with its owner.
template <class T, mt_status (*Free)(T *)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T *h) : h_(h) {}
  Handle(Handle &&o) noexcept : h_(std::exchange(o.h_, nullptr)) {}
  Handle &operator=(Handle &&o) noexcept {
    std::swap(h_, o.h_);
    return *this;
  }
  ~Handle() { Free(h_); }
  T *get() const noexcept { return h_; }
  T *release() noexcept { return std::exchange(h_, nullptr); }
  explicit operator bool() const noexcept { return h_ != nullptr; }

 private:
  T *h_ = nullptr;
};

}  // namespace detail

// A list of sizes or dims: {2, 3} or a vector.
class Ints {
 public:
  Ints() = default;
  Ints(std::initializer_list<int64_t> v) : values_(v) {}
  Ints(std::vector<int64_t> v) : values_(std::move(v)) {}
  Ints(int64_t v) : values_{v} {}
  const int64_t *data() const { return values_.data(); }
  size_t size() const { return values_.size(); }

 private:
  std::vector<int64_t> values_;
};

template <class T>
constexpr mt_dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return MT_FLOAT32;
  if constexpr (std::is_same_v<T, double>) return MT_FLOAT64;
  if constexpr (std::is_same_v<T, bool>) return MT_BOOL;
  if constexpr (std::is_same_v<T, uint8_t>) return MT_UINT8;
  if constexpr (std::is_same_v<T, uint16_t>) return MT_UINT16;
  if constexpr (std::is_same_v<T, uint32_t>) return MT_UINT32;
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8 && std::is_unsigned_v<T>) return MT_UINT64;
  if constexpr (std::is_same_v<T, int8_t>) return MT_INT8;
  if constexpr (std::is_same_v<T, int16_t>) return MT_INT16;
  if constexpr (std::is_same_v<T, int32_t>) return MT_INT32;
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8 && std::is_signed_v<T>) return MT_INT64;
  return MT_DTYPE_NONE;
}

// --- Tensors ---------------------------------------------------------------------------------

class Tensor {
 public:
  Tensor() = default;                       // none
  explicit Tensor(mt_tensor *h) : h_(h) {}  // takes the handle over
  Tensor(const Tensor &o) { share(o.get()); }
  Tensor(Tensor &&) noexcept = default;
  // Plain numbers are operands with Python's promotion.
  template <class N, class = std::enable_if_t<std::is_arithmetic_v<N>>>
  Tensor(N value) {
    mt_tensor *h = nullptr;
    if constexpr (std::is_same_v<N, bool>) {
      check(mt_number_bool(&h, value));
    } else if constexpr (std::is_integral_v<N>) {
      check(mt_number_int(&h, static_cast<int64_t>(value)));
    } else {
      check(mt_number_float(&h, static_cast<double>(value)));
    }
    h_ = Handle(h);
  }
  Tensor &operator=(const Tensor &o) {
    if (this != &o) *this = Tensor(o);
    return *this;
  }
  Tensor &operator=(Tensor &&) noexcept = default;

  mt_tensor *get() const noexcept { return h_.get(); }
  mt_tensor *release() noexcept { return h_.release(); }
  bool defined() const noexcept { return static_cast<bool>(h_); }

  int64_t dim() const { return number<int64_t>(mt_tensor_ndim); }
  int64_t numel() const { return number<int64_t>(mt_tensor_numel); }
  mt_dtype dtype() const { return number<mt_dtype>(mt_tensor_dtype); }
  mt_device device() const { return number<mt_device>(mt_tensor_device); }
  bool is_contiguous() const { return number<bool>(mt_tensor_is_contiguous); }
  bool requires_grad() const { return number<bool>(mt_tensor_requires_grad); }
  bool is_leaf() const { return number<bool>(mt_tensor_is_leaf); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> out(static_cast<size_t>(dim()));
    check(mt_tensor_shape(out.data(), out.size(), get()));
    return out;
  }
  int64_t size(int64_t dim) const {
    int64_t n = 0;
    check(mt_tensor_size(&n, get(), dim));
    return n;
  }
  bool is(const Tensor &o) const {
    bool same = false;
    check(mt_tensor_is(&same, get(), o.get()));
    return same;
  }

  // The value of a one-element tensor.
  template <class N = double>
  N item() const {
    if constexpr (std::is_same_v<N, bool>) {
      return number<bool>(mt_tensor_item_bool);
    } else if constexpr (std::is_integral_v<N>) {
      return static_cast<N>(number<int64_t>(mt_tensor_item_int64));
    } else {
      return static_cast<N>(number<double>(mt_tensor_item_double));
    }
  }
  // All values in row-major order; N must be what the dtype says.
  template <class N>
  std::vector<N> to_vector() const {
    static_assert(dtype_of<N>() != MT_DTYPE_NONE, "no dtype has this type");
    static_assert(!std::is_same_v<N, bool>, "take uint8_t: std::vector<bool> has no data");
    if (dtype() != dtype_of<N>() && !(dtype() == MT_BOOL && dtype_of<N>() == MT_UINT8)) {
      throw std::invalid_argument("to_vector: the tensor has another dtype: convert it with to");
    }
    std::vector<N> out(static_cast<size_t>(numel()));
    check(mt_tensor_copy_to_host(get(), out.data(), out.size() * sizeof(N)));
    return out;
  }
  std::string to_string() const {
    char *s = nullptr;
    check(mt_tensor_to_string(&s, get()));
    return detail::take_string(s);
  }

  const Tensor &requires_grad_(bool value = true) const {
    check(mt_tensor_set_requires_grad(get(), value));
    return *this;
  }
  Tensor grad() const {
    mt_tensor *g = nullptr;
    check(mt_tensor_grad(&g, get()));
    return Tensor(g);
  }
  void set_grad(const Tensor &g) const { check(mt_tensor_set_grad(get(), g.get())); }
  void backward(const Tensor &gradient = Tensor(), bool retain_graph = false,
                bool create_graph = false) const {
    check(mt_tensor_backward(get(), gradient.get(), retain_graph, create_graph));
  }
  Tensor to(mt_dtype dtype) const {
    mt_tensor *out = nullptr;
    check(mt_tensor_to_dtype(&out, get(), dtype));
    return Tensor(out);
  }
  // Calls `hook` with the gradient; what it gives replaces it unless it is undefined.
  uint64_t register_hook(std::function<Tensor(const Tensor &)> hook) const {
    using Fn = std::function<Tensor(const Tensor &)>;
    uint64_t id = 0;
    check(mt_tensor_register_hook(
        &id, get(),
        [](mt_tensor **out, const mt_tensor *grad, void *user) {
          return detail::callback([&] {
            Tensor result = (*static_cast<Fn *>(user))(borrow(grad));
            if (result.defined()) *out = result.release();
          });
        },
        new Fn(std::move(hook)), [](void *user) { delete static_cast<Fn *>(user); }));
    return id;
  }
  void remove_hook(uint64_t id) const { check(mt_tensor_remove_hook(get(), id)); }

  // A reference of its own to a handle that stays its owner's.
  static Tensor borrow(const mt_tensor *h) {
    Tensor t;
    t.share(h);
    return t;
  }

 private:
  using Handle = detail::Handle<mt_tensor, mt_tensor_free>;

  void share(const mt_tensor *h) {
    if (!h) return;
    mt_tensor *again = nullptr;
    check(mt_tensor_ref(&again, h));
    h_ = Handle(again);
  }
  template <class N>
  N number(mt_status (*read)(N *, const mt_tensor *)) const {
    N out{};
    check(read(&out, get()));
    return out;
  }

  Handle h_;
};

inline std::ostream &operator<<(std::ostream &out, const Tensor &t) {
  return out << (t.defined() ? t.to_string() : "None");
}

// A new tensor of the given values; one dim unless a shape is given.
template <class N>
Tensor tensor(std::initializer_list<N> values, std::optional<Ints> shape = std::nullopt) {
  static_assert(dtype_of<N>() != MT_DTYPE_NONE, "no dtype has this type");
  const Ints sizes = shape ? *shape : Ints(static_cast<int64_t>(values.size()));
  int64_t n = 1;
  for (size_t i = 0; i < sizes.size(); ++i) n *= sizes.data()[i];
  if (n != static_cast<int64_t>(values.size())) {
    throw std::invalid_argument("tensor: the number of values does not fit the shape");
  }
  mt_tensor *out = nullptr;
  check(mt_tensor_from_data(&out, values.begin(), dtype_of<N>(), sizes.data(), sizes.size()));
  return Tensor(out);
}
// A copy of values in memory, row by row.
template <class N>
Tensor from_data(const N *data, const Ints &shape) {
  static_assert(dtype_of<N>() != MT_DTYPE_NONE, "no dtype has this type");
  mt_tensor *out = nullptr;
  check(mt_tensor_from_data(&out, data, dtype_of<N>(), shape.data(), shape.size()));
  return Tensor(out);
}

// Several tensors as an argument; undefined ones stand for none.
class Tensors {
 public:
  Tensors(std::initializer_list<Tensor> v) {
    for (const Tensor &t : v) add(t);
  }
  Tensors(const std::vector<Tensor> &v) {
    for (const Tensor &t : v) add(t);
  }
  const mt_tensor *const *data() const { return handles_.data(); }
  size_t size() const { return handles_.size(); }

 private:
  void add(const Tensor &t) {
    kept_.push_back(t);
    handles_.push_back(kept_.back().get());
  }
  std::vector<Tensor> kept_;
  std::vector<const mt_tensor *> handles_;
};

// Takes over a list that a function gave.
inline std::vector<Tensor> take_list(mt_tensors *list) {
  const detail::Handle<mt_tensors, mt_tensors_free> owner(list);
  size_t n = 0;
  check(mt_tensors_count(&n, list));
  std::vector<Tensor> out;
  for (size_t i = 0; i < n; ++i) {
    mt_tensor *t = nullptr;
    check(mt_tensors_get(&t, list, i));
    out.emplace_back(t);
  }
  return out;
}

class Generator {
 public:
  Generator() {
    mt_generator *h = nullptr;
    check(mt_generator_create(&h));
    h_ = detail::Handle<mt_generator, mt_generator_free>(h);
  }
  explicit Generator(uint64_t seed) : Generator() { manual_seed(seed); }
  void manual_seed(uint64_t seed) { check(mt_generator_manual_seed(h_.get(), seed)); }
  mt_generator *get() const { return h_.get(); }

 private:
  detail::Handle<mt_generator, mt_generator_free> h_;
};

inline void manual_seed(uint64_t seed) { check(mt_manual_seed(seed)); }

}  // namespace minitorch

#include "minitorch/ops.hpp"

namespace minitorch {

inline Tensor operator+(const Tensor &a, const Tensor &b) { return add(a, b); }
inline Tensor operator-(const Tensor &a, const Tensor &b) { return sub(a, b); }
inline Tensor operator*(const Tensor &a, const Tensor &b) { return mul(a, b); }
inline Tensor operator/(const Tensor &a, const Tensor &b) { return div(a, b); }
inline Tensor operator-(const Tensor &a) { return neg(a); }
inline const Tensor &operator+=(const Tensor &a, const Tensor &b) { return add_(a, b); }
inline const Tensor &operator-=(const Tensor &a, const Tensor &b) { return sub_(a, b); }
inline const Tensor &operator*=(const Tensor &a, const Tensor &b) { return mul_(a, b); }
inline const Tensor &operator/=(const Tensor &a, const Tensor &b) { return div_(a, b); }
inline Tensor operator<(const Tensor &a, const Tensor &b) { return lt(a, b); }
inline Tensor operator<=(const Tensor &a, const Tensor &b) { return le(a, b); }
inline Tensor operator>(const Tensor &a, const Tensor &b) { return gt(a, b); }
inline Tensor operator>=(const Tensor &a, const Tensor &b) { return ge(a, b); }

// --- Gradients -------------------------------------------------------------------------------

// Ops are not recorded while it lives.
class NoGrad {
 public:
  NoGrad() { check(mt_grad_mode_push(false)); }
  ~NoGrad() { mt_grad_mode_pop(); }
  NoGrad(const NoGrad &) = delete;
  NoGrad &operator=(const NoGrad &) = delete;
};

// Gradients of the outputs' sum with respect to the inputs.
inline std::vector<Tensor> grad(const Tensors &outputs, const Tensors &inputs,
                                bool create_graph = false, bool allow_unused = false) {
  mt_backward_options o;
  mt_backward_options_init(&o);
  o.create_graph = create_graph;
  o.allow_unused = allow_unused;
  mt_tensors *out = nullptr;
  check(mt_grad(&out, outputs.data(), outputs.size(), inputs.data(), inputs.size(), &o));
  return take_list(out);
}

}  // namespace minitorch

#include "minitorch/nn.hpp"

#endif  // MINITORCH_HPP
