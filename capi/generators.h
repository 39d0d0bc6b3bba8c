// Generators of the host that objects of the library go on drawing from.
#pragma once

#include "capi/guard.h"
#include "data/sampler.h"

namespace mt::capi {

// Keeps the host's generator alive; null for NULL.
inline data::GeneratorPtr kept_generator(Call& c, mt_generator* generator) {
  if (!generator) return nullptr;
  auto object = Ref<GeneratorObject>::share(c.object<GeneratorObject>("generator", generator));
  Generator* g = &object->generator;
  return {g, [object = std::move(object)](Generator*) {}};
}

template <class T>
std::vector<T> copied_values(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace mt::capi
