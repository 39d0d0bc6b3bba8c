// C functions of checkpoint.h.
#include "optim/checkpoint.h"

#include "capi/lists.h"

using namespace mt::capi;  // NOLINT

namespace {

template <class T>
void read_list(Call& c, const char* name, const typename HandleTraits<T>::Opaque* const* handles,
               size_t n, std::vector<T*>& into) {
  if (n != 0) c.pointer(name, handles);
  for (size_t i = 0; i < n; ++i) {
    into.push_back(c.object<T>(name, handles[i], static_cast<int64_t>(i)));
  }
}

mt::Checkpoint parts_of(Call& c, const mt_checkpoint* parts) {
  mt_checkpoint p;
  mt_checkpoint_init(&p);
  c.read_options("parts", c.pointer("parts", parts), p);
  mt::Checkpoint out;
  if (p.model) out.model = c.object<mt::Module>("parts.model", p.model);
  read_list(c, "parts.optimizers", p.optimizers, p.n_optimizers, out.optimizers);
  read_list(c, "parts.schedulers", p.schedulers, p.n_schedulers, out.schedulers);
  std::vector<GeneratorObject*> generators;
  read_list(c, "parts.generators", p.generators, p.n_generators, generators);
  for (GeneratorObject* g : generators) out.generators.push_back(&g->generator);
  out.rng_state = p.rng_state;
  out.epoch = p.epoch;
  out.step = p.step;
  if (p.tensors) out.tensors = c.object<NamedTensorsObject>("parts.tensors", p.tensors)->items();
  out.metadata = metadata_of(c, p.metadata_keys, p.metadata_values);
  return out;
}

}  // namespace

extern "C" {

void mt_checkpoint_init(mt_checkpoint* parts) {
  if (!parts) return;
  *parts = {};
  parts->struct_size = sizeof *parts;
  parts->rng_state = true;
}

mt_status mt_checkpoint_save(const char* path, const mt_checkpoint* parts) {
  return guard("mt_checkpoint_save", [&](Call& c) {
    const std::string file(c.string("path", path));
    mt::save_checkpoint(file, parts_of(c, parts));
  });
}

mt_status mt_checkpoint_load(const char* path, const mt_checkpoint* parts, int64_t* epoch,
                             int64_t* step, mt_named_tensors** tensors, mt_strings** metadata_keys,
                             mt_strings** metadata_values) {
  return guard("mt_checkpoint_load", [&](Call& c) {
    const std::string file(c.string("path", path));
    mt::Checkpoint loaded = parts_of(c, parts);
    mt::load_checkpoint(file, loaded);
    std::vector<std::string> keys, values;
    for (const auto& [key, value] : loaded.metadata) {
      keys.push_back(key);
      values.push_back(value);
    }
    auto tensors_handle = make_named(c, std::move(loaded.tensors));
    auto keys_handle = make_strings(c, std::move(keys));
    auto values_handle = make_strings(c, std::move(values));
    if (epoch) *epoch = loaded.epoch;
    if (step) *step = loaded.step;
    if (tensors) *tensors = tensors_handle.release();
    if (metadata_keys) *metadata_keys = keys_handle.release();
    if (metadata_values) *metadata_values = values_handle.release();
  });
}

}  // extern "C"
