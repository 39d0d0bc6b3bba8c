// Opening libraries at run time: see library.h.
#include "core/library.h"

#include <dlfcn.h>

namespace mt {

Library::Library(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!handle_) handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
}

void* Library::address(const char* symbol) const {
  return handle_ ? dlsym(handle_, symbol) : nullptr;
}

}  // namespace mt
