// Intrusive reference counts. The count is atomic only once the process has a second thread
// (libstdc++'s dispatch on __libc_single_threaded), which halves the cost of small ops.
#pragma once

#include <ext/atomicity.h>

#include <cstddef>
#include <utility>

namespace mt {

// Base of shared objects. T must define `static void destroy(T*)`, called once at count zero.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  void retain() const { __gnu_cxx::__atomic_add_dispatch(&count_, 1); }
  // True when the caller dropped the last reference.
  bool drop() const { return __gnu_cxx::__exchange_and_add_dispatch(&count_, -1) == 1; }
  int use_count() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }

 private:
  mutable _Atomic_word count_ = 1;
};

template <class T>
class Ref {
 public:
  constexpr Ref() noexcept = default;
  constexpr Ref(std::nullptr_t) noexcept {}  // NOLINT
  static Ref adopt(T* p) noexcept {          // takes over one reference
    Ref r;
    r.p_ = p;
    return r;
  }
  static Ref share(T* p) noexcept {  // adds one
    if (p) p->retain();
    return adopt(p);
  }
  Ref(const Ref& o) noexcept : p_(o.p_) {
    if (p_) p_->retain();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Ref& operator=(const Ref& o) noexcept {
    Ref(o).swap(*this);
    return *this;
  }
  Ref& operator=(Ref&& o) noexcept {
    Ref(std::move(o)).swap(*this);
    return *this;
  }
  ~Ref() {
    if (p_ && p_->drop()) T::destroy(p_);
  }
  void swap(Ref& o) noexcept { std::swap(p_, o.p_); }
  void reset() noexcept { Ref().swap(*this); }
  T* release() noexcept { return std::exchange(p_, nullptr); }
  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.p_ == b.p_; }

 private:
  T* p_ = nullptr;
};

}  // namespace mt
