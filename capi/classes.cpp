// The table of handle classes: names for messages and how a reference is dropped.
#include "capi/classes.h"

#include "autograd/node.h"
#include "capi/function.h"
#include "capi/guard.h"
#include "capi/lists.h"
#include "data/loader.h"
#include "io/value.h"
#include "optim/lr_scheduler.h"
#include "vision/transform.h"
#include "minitorch/minitorch.h"

namespace mt::capi {
namespace {

template <class T>
void release(void* object) {
  Ref<T>::adopt(static_cast<T*>(object));
}

struct Table {
  ClassInfo rows[kMaxClasses] = {};
  constexpr Table() {
    rows[MT_HANDLE_TENSOR] = {"tensor", "mt_tensor_free", release<TensorImpl>};
    rows[MT_HANDLE_TENSORS] = {"tensor list", "mt_tensors_free", release<TensorListObject>};
    rows[MT_HANDLE_NODE] = {"node", "mt_node_free", release<Node>};
    rows[MT_HANDLE_FUNCTION_CTX] = {"function context", "callback", release<FunctionCtx>};
    rows[MT_HANDLE_GENERATOR] = {"generator", "mt_generator_free", release<GeneratorObject>};
    rows[MT_HANDLE_MODULE] = {"module", "mt_module_free", release<Module>};
    rows[MT_HANDLE_OPTIMIZER] = {"optimizer", "mt_optimizer_free", release<Optimizer>};
    rows[MT_HANDLE_SCHEDULER] = {"scheduler", "mt_scheduler_free", release<Scheduler>};
    rows[MT_HANDLE_NAMED_TENSORS] = {"named tensor list", "mt_named_tensors_free",
                                     release<NamedTensorsObject>};
    rows[MT_HANDLE_TRANSFORM] = {"transform", "mt_transform_free", release<vision::Transform>};
    rows[MT_HANDLE_STRINGS] = {"string list", "mt_strings_free", release<StringsObject>};
    rows[MT_HANDLE_VALUE] = {"value", "mt_value_free", release<Value>};
    rows[MT_HANDLE_DATASET] = {"data set", "mt_dataset_free", release<data::Dataset>};
    rows[MT_HANDLE_SAMPLER] = {"sampler", "mt_sampler_free", release<data::Sampler>};
    rows[MT_HANDLE_DATA_LOADER] = {"data loader", "mt_data_loader_free", release<data::DataLoader>};
  }
};
constexpr Table kTable;

}  // namespace

const ClassInfo& class_info(uint64_t c) { return kTable.rows[c]; }

}  // namespace mt::capi
