// C functions of random.h (generators), and the library's version and features.
#include "core/cpu_capability.h"
#include "core/random.h"
#include "core/thread_scope.h"

#include "capi/guard.h"
#include "io/zip.h"
#include "kernels/fft.h"
#include "ops/common.h"
#include "minitorch/minitorch.h"
#include "vision/image_file.h"

using namespace mt::capi;  // NOLINT

namespace {

struct Feature {
  const char* name;
  bool (*built_in)();
};
constexpr bool always() { return true; }
constexpr Feature kFeatures[] = {
    {"cpu", always},
    {"meta", always},
    {"dlpack", always},
    {"openblas", always},
    {"zip", mt::has_zip},
    {"jpeg", mt::vision::has_jpeg},
    {"png", mt::vision::has_png},
};

mt::Tensor state_of(const mt::Generator& g) {
  const mt::Generator::State state = g.get_state();
  const mt::Dims sizes = {static_cast<int64_t>(state.size())};
  mt::Tensor t = mt::Tensor::empty(sizes, mt::DType::kUInt8);
  std::memcpy(t.data(), state.data(), state.size());
  return t;
}

void set_state(const Call& c, mt::Generator& g, const mt::Tensor& state) {
  if (state.dtype() != mt::DType::kUInt8 || state.is_meta()) {
    mt::fail(mt::Status::kDType, c.fn(), ": dtype mismatch: state is ",
             mt::dtype_name(state.dtype()), " on ", mt::device_name(state.device()),
             ": must be uint8 on cpu, as the function that gets the state gives it");
  }
  const mt::Tensor bytes = mt::contiguous_values(state);
  g.set_state(bytes.data(), bytes.bytes());
}

}  // namespace

extern "C" {

mt_status mt_manual_seed(uint64_t seed) {
  return guard("mt_manual_seed", [&](Call&) { mt::manual_seed(seed); });
}

mt_status mt_initial_seed(uint64_t* out) {
  return guard("mt_initial_seed", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::initial_seed();
  });
}

mt_status mt_seed(uint64_t* out) {
  return guard("mt_seed", [&](Call& c) {
    c.pointer("out", out);
    *out = mt::seed();
  });
}

mt_status mt_get_rng_state(mt_tensor** out) {
  return guard("mt_get_rng_state", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, state_of(mt::default_generator()));
  });
}

mt_status mt_set_rng_state(const mt_tensor* state) {
  return guard("mt_set_rng_state",
               [&](Call& c) { set_state(c, mt::default_generator(), c.tensor("state", state)); });
}

mt_status mt_generator_create(mt_generator** out) {
  return guard("mt_generator_create", [&](Call& c) {
    c.pointer("out", out);
    auto object = mt::Ref<GeneratorObject>::adopt(new GeneratorObject);
    *out = NewHandle<GeneratorObject>(c.thread(), std::move(object)).release();
  });
}

mt_status mt_generator_free(mt_generator* self) {
  return free_handle<GeneratorObject>("mt_generator_free", "self", self);
}

mt_status mt_generator_manual_seed(mt_generator* self, uint64_t seed) {
  return guard("mt_generator_manual_seed", [&](Call& c) {
    c.object<GeneratorObject>("self", self)->generator.manual_seed(seed);
  });
}

mt_status mt_generator_initial_seed(uint64_t* out, const mt_generator* self) {
  return guard("mt_generator_initial_seed", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<GeneratorObject>("self", self)->generator.initial_seed();
  });
}

mt_status mt_generator_seed(uint64_t* out, mt_generator* self) {
  return guard("mt_generator_seed", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<GeneratorObject>("self", self)->generator.seed();
  });
}

mt_status mt_generator_get_state(mt_tensor** out, const mt_generator* self) {
  return guard("mt_generator_get_state", [&](Call& c) {
    c.pointer("out", out);
    c.put(out, state_of(c.object<GeneratorObject>("self", self)->generator));
  });
}

mt_status mt_generator_set_state(mt_generator* self, const mt_tensor* state) {
  return guard("mt_generator_set_state", [&](Call& c) {
    mt::Generator& g = c.object<GeneratorObject>("self", self)->generator;
    set_state(c, g, c.tensor("state", state));
  });
}

mt_status mt_set_thread_generator(mt_generator* generator) {
  return guard("mt_set_thread_generator", [&](Call& c) {
    static thread_local GeneratorObject* kept = nullptr;  // no destructor, which would need memory
    GeneratorObject* next = nullptr;
    if (generator) {
      next = mt::Ref<GeneratorObject>::share(c.object<GeneratorObject>("generator", generator))
                 .release();
    }
    mt::set_thread_generator(next ? &next->generator : nullptr);
    mt::Ref<GeneratorObject>::adopt(std::exchange(kept, next));
  });
}

const char* mt_version(void) { return MINITORCH_VERSION; }

int32_t mt_abi_version(void) { return MINITORCH_ABI_VERSION; }

bool mt_has(const char* feature) {
  if (!feature) return false;
  if (std::strcmp(feature, "fft") == 0) {  // not built in but opened at run time
    return mt::backend(mt::Device::kCPU).fft->available();
  }
  for (const Feature& f : kFeatures) {
    if (std::strcmp(f.name, feature) == 0) return f.built_in();
  }
  return false;
}

const char* mt_cpu_capability(void) { return mt::cpu_capability(); }

}  // extern "C"
