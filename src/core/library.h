// Libraries that are opened at run time, at the first call that needs them, and then kept for good:
// linked ones would cost every program their loading time, or bind it to their licence.
#pragma once

#include <initializer_list>

namespace mt {

class Library {
 public:
  // The first of the names that the system can open.
  explicit Library(std::initializer_list<const char*> names);
  explicit operator bool() const { return handle_ != nullptr; }

  // False, and a null pointer, when it is not there.
  template <class F>
  bool find(const char* symbol, F& function) const {
    function = reinterpret_cast<F>(address(symbol));
    return function != nullptr;
  }

 private:
  void* address(const char* symbol) const;
  void* handle_ = nullptr;
};

}  // namespace mt
