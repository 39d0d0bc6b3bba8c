// The classes of the ABI: each opaque C type, the C++ class behind its handles, and its name in
// messages. A new class adds its number to capi/api.toml ([enum.mt_handle_class]), its traits
// here, and its row in classes.cpp.
#pragma once

#include "capi/handles.h"
#include "core/tensor.h"

namespace mt {
class Node;
class Module;
class Optimizer;
class Scheduler;
class Value;
namespace vision {
class Transform;
}
namespace data {
class Dataset;
class Sampler;
class DataLoader;
}  // namespace data
}  // namespace mt

namespace mt::capi {

class TensorListObject;
class FunctionCtx;
class GeneratorObject;
class NamedTensorsObject;
class StringsObject;

// Ties a C++ class (reference counted) to its opaque C type.
template <class T>
struct HandleTraits;

template <>
struct HandleTraits<TensorImpl> {
  using Opaque = mt_tensor;
  static constexpr HandleClass kClass = MT_HANDLE_TENSOR;
};
template <>
struct HandleTraits<TensorListObject> {
  using Opaque = mt_tensors;
  static constexpr HandleClass kClass = MT_HANDLE_TENSORS;
};
template <>
struct HandleTraits<Node> {
  using Opaque = mt_node;
  static constexpr HandleClass kClass = MT_HANDLE_NODE;
};
template <>
struct HandleTraits<FunctionCtx> {
  using Opaque = mt_function_ctx;
  static constexpr HandleClass kClass = MT_HANDLE_FUNCTION_CTX;
};

template <>
struct HandleTraits<GeneratorObject> {
  using Opaque = mt_generator;
  static constexpr HandleClass kClass = MT_HANDLE_GENERATOR;
};
template <>
struct HandleTraits<Module> {
  using Opaque = mt_module;
  static constexpr HandleClass kClass = MT_HANDLE_MODULE;
};
template <>
struct HandleTraits<Optimizer> {
  using Opaque = mt_optimizer;
  static constexpr HandleClass kClass = MT_HANDLE_OPTIMIZER;
};
template <>
struct HandleTraits<Scheduler> {
  using Opaque = mt_scheduler;
  static constexpr HandleClass kClass = MT_HANDLE_SCHEDULER;
};
template <>
struct HandleTraits<vision::Transform> {
  using Opaque = mt_transform;
  static constexpr HandleClass kClass = MT_HANDLE_TRANSFORM;
};
template <>
struct HandleTraits<NamedTensorsObject> {
  using Opaque = mt_named_tensors;
  static constexpr HandleClass kClass = MT_HANDLE_NAMED_TENSORS;
};
template <>
struct HandleTraits<StringsObject> {
  using Opaque = mt_strings;
  static constexpr HandleClass kClass = MT_HANDLE_STRINGS;
};
template <>
struct HandleTraits<Value> {
  using Opaque = mt_value;
  static constexpr HandleClass kClass = MT_HANDLE_VALUE;
};
template <>
struct HandleTraits<data::Dataset> {
  using Opaque = mt_dataset;
  static constexpr HandleClass kClass = MT_HANDLE_DATASET;
};
template <>
struct HandleTraits<data::Sampler> {
  using Opaque = mt_sampler;
  static constexpr HandleClass kClass = MT_HANDLE_SAMPLER;
};
template <>
struct HandleTraits<data::DataLoader> {
  using Opaque = mt_data_loader;
  static constexpr HandleClass kClass = MT_HANDLE_DATA_LOADER;
};

}  // namespace mt::capi
