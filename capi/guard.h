// The boundary: `guard` runs the body of every C function, checks its arguments through `Call`,
// and turns whatever is thrown into a status and the thread's last error. Nothing but a thread's
// forced end (pthread_cancel) passes through.
#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "capi/classes.h"
#include "core/random.h"
#include "core/scalar.h"
#include "core/small_vector.h"

namespace mt::capi {

// Stores the exception in flight as the thread's error; rethrows a forced unwind. With `op`, the
// message starts with that name, also when a part of the op failed.
[[gnu::cold, gnu::noinline]] mt_status report(const char* fn, const char* op, AbiThread& t);
void set_error(AbiThread& t, Status status, std::string_view message) noexcept;

// A tensor argument: the handle's own reference, not counted again. `borrowed` keeps it alive.
class TensorArg {
 public:
  explicit TensorArg(TensorImpl* impl) { new (&tensor_) Tensor(Ref<TensorImpl>::adopt(impl)); }
  TensorArg(const TensorArg&) = delete;
  TensorArg& operator=(const TensorArg&) = delete;
  ~TensorArg() {}                                     // NOLINT: leaves the reference to the handle
  operator const Tensor&() const { return tensor_; }  // NOLINT
  const Tensor& get() const { return tensor_; }
  const Tensor* operator->() const { return &tensor_; }

 private:
  union {
    Tensor tensor_;
  };
};
using TensorArgs = SmallVector<Tensor, 8>;

template <class T>
uint64_t handle_value(const T* opaque) {
  return reinterpret_cast<uintptr_t>(opaque);
}

// A handle on its way to the caller: freed unless released, so that several results are given
// together or not at all.
template <class T>
class NewHandle {
 public:
  using Opaque = typename HandleTraits<T>::Opaque;
  NewHandle(AbiThread& t, Ref<T> object, bool scoped = true) : t_(t) {
    if (!object) return;
    h_ = make_handle(t, HandleTraits<T>::kClass, object.get(), scoped);
    object.release();
  }
  NewHandle(const NewHandle&) = delete;
  NewHandle& operator=(const NewHandle&) = delete;
  ~NewHandle() {
    if (h_ == 0) return;
    if (void* object = take_handle(t_, HandleTraits<T>::kClass, h_)) {
      Ref<T>::adopt(static_cast<T*>(object));
    }
  }
  Opaque* get() const { return reinterpret_cast<Opaque*>(static_cast<uintptr_t>(h_)); }
  Opaque* release() {
    Opaque* p = get();
    h_ = 0;
    return p;
  }

 private:
  AbiThread& t_;
  uint64_t h_ = 0;
};

// One running C function: its name for messages and the objects it was given.
class Call {
 public:
  Call(const char* fn, AbiThread& t) : fn_(fn), t_(t), mark_(t.borrowed.size()) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    t_.borrowed.cut(mark_);
    if (mark_ == 0 && !t_.deferred.empty()) release_deferred(t_);
  }

  const char* fn() const { return fn_; }
  AbiThread& thread() const { return t_; }

  // --- handles in -------------------------------------------------------------------------
  // The object behind a handle; stays alive for the call.
  template <class T>
  T* object(const char* arg, const typename HandleTraits<T>::Opaque* h, int64_t index = -1) {
    const uint64_t v = handle_value(h);
    void* p = lookup(HandleTraits<T>::kClass, v);
    if (!p) [[unlikely]] {
      fail_handle(fn_, arg, index, HandleTraits<T>::kClass, v, false);
    }
    t_.borrowed.push(p);
    return static_cast<T*>(p);
  }
  TensorArg tensor(const char* arg, const mt_tensor* h) {
    return TensorArg(object<TensorImpl>(arg, h));
  }
  // NULL gives an undefined tensor.
  TensorArg optional_tensor(const char* arg, const mt_tensor* h) {
    return TensorArg(h ? object<TensorImpl>(arg, h) : nullptr);
  }
  Generator* generator(const char* arg, const mt_generator* h);  // NULL: null
  // An array of handles. `nullable`: NULL entries give undefined tensors.
  TensorArgs tensors(const char* arg, const mt_tensor* const* items, size_t n,
                     bool nullable = false);

  // --- other arguments --------------------------------------------------------------------
  template <class T>
  T* pointer(const char* arg, T* p) const {
    if (!p) [[unlikely]] {
      fail_null(arg);
    }
    return p;
  }
  std::span<const int64_t> ints(const char* arg, const int64_t* values, size_t n) const {
    if (n != 0 && !values) [[unlikely]] {
      fail_null(arg);
    }
    return {values, n};
  }
  std::span<const double> floats(const char* arg, const double* values, size_t n) const {
    if (n != 0 && !values) [[unlikely]] {
      fail_null(arg);
    }
    return {values, n};
  }
  std::string_view string(const char* arg, const char* s) const { return pointer(arg, s); }
  DType dtype(const char* arg, mt_dtype v) const;
  std::optional<DType> optional_dtype(const char* arg, mt_dtype v) const {
    return v == MT_DTYPE_NONE ? std::nullopt : std::optional<DType>(dtype(arg, v));
  }
  DType dtype_or(const char* arg, mt_dtype v, DType fallback) const {
    return v == MT_DTYPE_NONE ? fallback : dtype(arg, v);
  }
  Device device(const char* arg, mt_device v) const;
  std::optional<Device> optional_device(const char* arg, mt_device v) const {
    return v == MT_DEVICE_NONE ? std::nullopt : std::optional<Device>(device(arg, v));
  }
  // The value of a C enumeration whose members are 0 to count - 1.
  template <class E>
  E enumeration(const char* arg, int32_t v, int32_t count) const {
    if (v < 0 || v >= count) [[unlikely]] {
      fail_enum(arg, v, count);
    }
    return static_cast<E>(v);
  }
  static std::optional<int64_t> optional(const int64_t* p) {
    return p ? std::optional<int64_t>(*p) : std::nullopt;
  }
  static std::optional<double> optional(const double* p) {
    return p ? std::optional<double>(*p) : std::nullopt;
  }
  static std::optional<Scalar> optional_scalar(const double* p) {
    return p ? std::optional<Scalar>(scalar(*p)) : std::nullopt;
  }
  // A double as a plain number: integral values are integers, as 2 and 2.5 are in Python.
  static Scalar scalar(double v) {
    if (v == std::floor(v) && std::fabs(v) < 9007199254740992.0 && !(v == 0 && std::signbit(v))) {
      return Scalar(static_cast<int64_t>(v));
    }
    return Scalar(v);
  }
  static Tensor number(double v) { return Tensor::from_scalar(scalar(v)); }

  // Copies a host's options struct over defaults: as many bytes as both know. A struct of a newer
  // header is fine as long as what this library does not know is zero.
  template <class Options>
  void read_options(const char* arg, const Options* from, Options& into) const {
    read_struct(arg, from, &into, sizeof into);
    into.struct_size = sizeof into;
  }

  // Fills in a result struct of the host: as many bytes as it says it has.
  template <class Result>
  void write_struct(const char* arg, Result* to, Result from) const {
    from.struct_size = to->struct_size;
    write_struct(arg, to, &from, sizeof from);
  }

  static Tensor optional_number(const double* v) { return v ? number(*v) : Tensor(); }

  // --- results ----------------------------------------------------------------------------
  // Results are written only when all of them are there. An undefined tensor is given as NULL.
  NewHandle<TensorImpl> make(const Tensor& t) const { return {t_, t.ref()}; }
  void put(mt_tensor** out, const Tensor& t) const { *out = make(t).release(); }
  template <class Ts>
  void put_list(mt_tensors** out, const Ts& list) const;

 private:
  void write_struct(const char* arg, void* to, const void* from, size_t size) const;
  void read_struct(const char* arg, const void* from, void* into, size_t size) const;
  [[noreturn, gnu::cold]] void fail_null(const char* arg) const;
  [[noreturn, gnu::cold]] void fail_enum(const char* arg, int32_t v, int32_t count) const;

  const char* fn_;
  AbiThread& t_;
  size_t mark_;
};

template <class Body>
mt_status guard(const char* fn, const char* op, Body&& body) {
  AbiThread* t = abi_thread();
  if (!t) return MT_ERR_OUT_OF_MEMORY;
  try {
    Call call(fn, *t);
    body(call);
    return MT_OK;
  } catch (...) {
    return report(fn, op, *t);
  }
}

template <class Body>
mt_status guard(const char* fn, Body&& body) {
  return guard(fn, nullptr, static_cast<Body&&>(body));
}

// The body of every mt_X_free: NULL is fine.
template <class T>
mt_status free_handle(const char* fn, const char* arg, typename HandleTraits<T>::Opaque* h) {
  if (!h) return MT_OK;
  AbiThread* t = abi_thread();
  if (!t) return MT_ERR_OUT_OF_MEMORY;
  const uint64_t v = handle_value(h);
  if (void* object = take_handle(*t, HandleTraits<T>::kClass, v)) [[likely]] {
    release_object(*t, object, [](void* p) { Ref<T>::adopt(static_cast<T*>(p)); });
    return MT_OK;
  }
  return guard(fn, [&](Call&) { fail_handle(fn, arg, -1, HandleTraits<T>::kClass, v, true); });
}

// A random generator as an object of its own.
class GeneratorObject : public RefCounted {
 public:
  static void destroy(GeneratorObject* g) { delete g; }
  Generator generator;
};

inline Generator* Call::generator(const char* arg, const mt_generator* h) {
  return h ? &object<GeneratorObject>(arg, h)->generator : nullptr;
}

// A list of tensors as an object of its own; entries may be undefined.
class TensorListObject : public RefCounted {
 public:
  static void destroy(TensorListObject* l) { delete l; }
  std::vector<Tensor> items;
};

template <class Ts>
void Call::put_list(mt_tensors** out, const Ts& list) const {
  auto object = Ref<TensorListObject>::adopt(new TensorListObject);
  object->items.assign(list.begin(), list.end());
  *out = NewHandle<TensorListObject>(t_, std::move(object)).release();
}

// A new string of the host, freed by mt_string_free.
char* new_string(std::string_view text);

// --- callbacks ---------------------------------------------------------------------------
// A host's `void *user` and its destroy function, run once when the last owner goes. Made before
// anything can fail, so that destroy also runs when registration fails.
class UserData : public RefCounted {
 public:
  using DestroyFn = void (*)(void* user);
  static void destroy(UserData* u) { delete u; }
  // Runs `destroy_fn` itself when there is no memory for the object.
  static Ref<UserData> make(void* user, DestroyFn destroy_fn);
  ~UserData() {
    if (destroy_) destroy_(user_);
  }
  void* user() const { return user_; }
  void set_destroy(DestroyFn fn) { destroy_ = fn; }

 private:
  UserData(void* user, DestroyFn fn) : user_(user), destroy_(fn) {}
  void* user_;
  DestroyFn destroy_;
};

// What a function that takes a callback does when the thread's state cannot be made: destroy runs
// all the same.  `if (!abi_thread()) return refuse(user, destroy);`
inline mt_status refuse(void* user, UserData::DestroyFn destroy) {
  if (destroy) destroy(user);
  return MT_ERR_OUT_OF_MEMORY;
}
template <class Options>
mt_status refuse(const Options* o) {
  return o && o->struct_size == sizeof *o ? refuse(o->user, o->destroy) : MT_ERR_OUT_OF_MEMORY;
}

// Around a call of a host's function: `check` throws what the callback reported.
class CallbackScope {
 public:
  explicit CallbackScope(AbiThread& t);
  // `what` names the callback: "hook", "backward of 'MyFunction'".
  void check(mt_status status, std::string_view what);

 private:
  AbiThread& t_;
  uint64_t errors_;
};
// The thread's state inside a library call; throws when there is no memory for it.
AbiThread& this_abi_thread();

}  // namespace mt::capi
