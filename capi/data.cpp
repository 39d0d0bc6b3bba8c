// C functions of data.h: files of small image data sets.
#include "capi/guard.h"
#include "data/files.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT

extern "C" {

mt_status mt_load_idx(mt_tensor** out, const char* path) {
  return guard("mt_load_idx", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, mt::load_idx(std::string(c.string("path", path))));
  });
}

mt_status mt_load_cifar(mt_tensor** images, mt_tensor** labels, const char* path, int64_t classes) {
  return guard("mt_load_cifar", [&](Call& c) {
    c.pointer("images", images);
    c.pointer("labels", labels);
    const mt::Labelled found = mt::load_cifar(std::string(c.string("path", path)), classes);
    auto first = c.make(found.images), second = c.make(found.labels);
    *images = first.release();
    *labels = second.release();
  });
}

}  // extern "C"
