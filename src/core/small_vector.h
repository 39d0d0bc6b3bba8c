// A vector with N elements of inline room whose overflow comes from the object pool, so that hot
// paths do not call malloc.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <new>
#include <span>
#include <utility>

#include "core/memory.h"

namespace mt {

template <class T, int N>
class SmallVector {
 public:
  SmallVector() = default;
  SmallVector(std::initializer_list<T> values) {
    reserve(static_cast<int>(values.size()));
    for (const T& v : values) push_back(v);
  }
  explicit SmallVector(int n) { resize(n); }
  SmallVector(const SmallVector& o) {
    reserve(o.size_);
    for (const T& v : o) push_back(v);
  }
  SmallVector(SmallVector&& o) noexcept { take(o); }
  SmallVector& operator=(const SmallVector& o) {
    if (this != &o) {
      SmallVector copy(o);
      clear_and_free();
      take(copy);
    }
    return *this;
  }
  SmallVector& operator=(SmallVector&& o) noexcept {
    if (this != &o) {
      clear_and_free();
      take(o);
    }
    return *this;
  }
  ~SmallVector() { clear_and_free(); }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](int i) { return data_[i]; }
  const T& operator[](int i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  operator std::span<const T>() const {  // NOLINT
    return {data_, static_cast<size_t>(size_)};
  }

  void reserve(int n) {
    if (n <= capacity_) return;
    const int cap = n > 2 * capacity_ ? n : 2 * capacity_;
    T* fresh = static_cast<T*>(pool_alloc(static_cast<size_t>(cap) * sizeof(T)));
    for (int i = 0; i < size_; ++i) {
      new (fresh + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    free_heap();
    data_ = fresh;
    capacity_ = cap;
  }
  void push_back(T v) {
    reserve(size_ + 1);
    new (data_ + size_) T(std::move(v));
    ++size_;
  }
  void resize(int n) {
    reserve(n);
    while (size_ < n) new (data_ + size_++) T();
    while (size_ > n) data_[--size_].~T();
  }
  void clear() { resize(0); }

 private:
  T* inline_data() { return reinterpret_cast<T*>(room_); }
  void free_heap() {
    if (data_ != inline_data()) pool_free(data_, static_cast<size_t>(capacity_) * sizeof(T));
  }
  void clear_and_free() {
    clear();
    free_heap();
    data_ = inline_data();
    capacity_ = N;
  }
  void take(SmallVector& o) noexcept {
    if (o.data_ != o.inline_data()) {
      data_ = std::exchange(o.data_, o.inline_data());
      capacity_ = std::exchange(o.capacity_, N);
      size_ = std::exchange(o.size_, 0);
      return;
    }
    size_ = o.size_;
    for (int i = 0; i < size_; ++i) new (data_ + i) T(std::move(o.data_[i]));
    o.clear();
  }

  alignas(T) unsigned char room_[sizeof(T) * N];
  T* data_ = inline_data();
  int size_ = 0;
  int capacity_ = N;
};

}  // namespace mt
