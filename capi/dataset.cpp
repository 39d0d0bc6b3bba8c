// C functions of data.h: files, data sets and those of the host's own.
#include "data/dataset.h"

#include "capi/generators.h"
#include "capi/hooks.h"
#include "capi/lists.h"
#include "core/thread_scope.h"
#include "data/files.h"
#include "vision/datasets.h"
#include "vision/transform.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT
namespace data = mt::data;
namespace vision = mt::vision;
using data::Dataset;
using data::DatasetRef;
using data::Sample;

namespace {

NewHandle<Dataset> handle_of(Call& c, DatasetRef d) { return {c.thread(), std::move(d)}; }

// Runs `body` and gives its data set to the host.
template <class Body>
mt_status new_dataset(const char* fn, mt_dataset** out, const Body& body) {
  return guard(fn, [&](Call& c) {
    c.pointer("out", out);
    *out = handle_of(c, body(c)).release();
  });
}

DatasetRef shared(Call& c, const mt_dataset* d, const char* arg = "dataset", int64_t index = -1) {
  return DatasetRef::share(c.object<Dataset>(arg, d, index));
}

data::FieldMap map_of(Call& c, const char* arg, const mt_transform* transform) {
  if (!transform) return nullptr;
  auto t = vision::TransformRef::share(c.object<vision::Transform>(arg, transform));
  return [t = std::move(t)](const mt::Tensor& field) {
    return t->apply(field, mt::default_generator());
  };
}

// Asks a data set for something it may not know.
template <class T>
std::vector<T> known(Call& c, const mt_dataset* self, const char* what,
                     bool (Dataset::*ask)(std::vector<T>&) const) {
  std::vector<T> out;
  if (!(c.object<Dataset>("self", self)->*ask)(out)) {
    mt::fail(mt::Status::kState, c.fn(), ": not known: the data set has no ", what,
             ": only some kinds know them without reading samples");
  }
  return out;
}

data::CustomDataset custom_of(const mt_dataset_def& d, const mt::Ref<UserData>& user) {
  data::CustomDataset f;
  if (d.size) {
    f.size = [size = d.size, user] {
      AbiThread& t = this_abi_thread();
      int64_t n = -1;
      CallbackScope scope(t);
      scope.check(size(&n, user->user()), "dataset");
      if (n < 0) {
        mt::fail(mt::Status::kCallback, "dataset: bad size: the callback gave ", n,
                 ": must not be negative");
      }
      return n;
    };
    f.get = [get = d.get, user](int64_t index) -> Sample {
      Sample s = callback_results("dataset", "fields", 0,
                                  [&](mt_tensor** fields, size_t capacity, size_t* n) {
                                    return get(fields, capacity, n, index, user->user());
                                  });
      if (s.empty()) {
        mt::fail(mt::Status::kCallback,
                 "dataset: empty sample: the callback gave no field: must give at least one");
      }
      return s;
    };
  }
  if (d.next) {
    f.next = [next = d.next, user]() -> Sample {
      return callback_results("dataset", "fields", 0,
                              [&](mt_tensor** fields, size_t capacity, size_t* n) {
                                return next(fields, capacity, n, user->user());
                              });
    };
    if (d.start) {
      f.start = [start = d.start, user] {
        CallbackScope scope(this_abi_thread());
        scope.check(start(user->user()), "dataset");
      };
    }
  }
  return f;
}

}  // namespace

extern "C" {

// --- files ---------------------------------------------------------------------------------------

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

// --- any data set --------------------------------------------------------------------------------

mt_status mt_dataset_free(mt_dataset* self) {
  return free_handle<Dataset>("mt_dataset_free", "self", self);
}

mt_status mt_dataset_size(int64_t* out, const mt_dataset* self) {
  return guard("mt_dataset_size", [&](Call& c) {
    c.pointer("out", out);
    *out = c.object<Dataset>("self", self)->size();
  });
}

mt_status mt_dataset_get(mt_tensors** out, const mt_dataset* self, int64_t index) {
  return guard("mt_dataset_get", [&](Call& c) {
    c.pointer("out", out);
    c.put_list(out, data::sample_at(*c.object<Dataset>("self", self), index));
  });
}

mt_status mt_dataset_get_batch(mt_tensors** out, const mt_dataset* self, const int64_t* indices,
                               size_t n_indices, const uint64_t* seeds) {
  return guard("mt_dataset_get_batch", [&](Call& c) {
    c.pointer("out", out);
    const Dataset& d = *c.object<Dataset>("self", self);
    const auto chosen = c.ints("indices", indices, n_indices);
    std::optional<mt::SerialScope> serial;
    if (seeds) serial.emplace();  // the caller is one of several workers
    c.put_list(out, data::get_batch(d, chosen, seeds));
  });
}

mt_status mt_dataset_sample_seed(uint64_t* out, uint64_t base_seed, uint64_t epoch, int64_t index) {
  return guard("mt_dataset_sample_seed", [&](Call& c) {
    c.pointer("out", out);
    *out = data::sample_seed(base_seed, epoch, index);
  });
}

mt_status mt_dataset_classes(mt_strings** out, const mt_dataset* self) {
  return guard("mt_dataset_classes", [&](Call& c) {
    c.pointer("out", out);
    *out = make_strings(c, known(c, self, "classes", &Dataset::classes)).release();
  });
}

mt_status mt_dataset_targets(mt_tensor** out, const mt_dataset* self) {
  return guard("mt_dataset_targets", [&](Call& c) {
    c.pointer("out", out);
    const std::vector<int64_t> labels = known(c, self, "targets", &Dataset::targets);
    const mt::Tensor t =
        mt::Tensor::empty({{static_cast<int64_t>(labels.size())}}, mt::DType::kInt64);
    if (!labels.empty()) std::memcpy(t.data(), labels.data(), t.bytes());
    c.put(out, t);
  });
}

mt_status mt_dataset_paths(mt_strings** out, const mt_dataset* self) {
  return guard("mt_dataset_paths", [&](Call& c) {
    c.pointer("out", out);
    *out = make_strings(c, known(c, self, "files", &Dataset::paths)).release();
  });
}

mt_status mt_dataset_data(mt_tensors** out, const mt_dataset* self) {
  return guard("mt_dataset_data", [&](Call& c) {
    c.pointer("out", out);
    c.put_list(out, known(c, self, "tensors", &Dataset::tensors));
  });
}

// --- made of others ------------------------------------------------------------------------------

mt_status mt_dataset_tensors(mt_dataset** out, const mt_tensor* const* tensors, size_t n_tensors) {
  return guard("mt_dataset_tensors", [&](Call& c) {
    const TensorArgs list = c.tensors("tensors", tensors, n_tensors);
    c.pointer("out", out);
    *out = handle_of(c, data::tensor_dataset({list.begin(), list.end()})).release();
  });
}

mt_status mt_dataset_concat(mt_dataset** out, const mt_dataset* const* datasets,
                            size_t n_datasets) {
  return guard("mt_dataset_concat", [&](Call& c) {
    if (n_datasets != 0) c.pointer("datasets", datasets);
    std::vector<DatasetRef> list;
    for (size_t i = 0; i < n_datasets; ++i) {
      list.push_back(shared(c, datasets[i], "datasets", static_cast<int64_t>(i)));
    }
    c.pointer("out", out);
    *out = handle_of(c, data::concat_dataset(std::move(list))).release();
  });
}

mt_status mt_dataset_subset(mt_dataset** out, const mt_dataset* dataset, const int64_t* indices,
                            size_t n_indices) {
  return new_dataset("mt_dataset_subset", out, [&](Call& c) {
    return data::subset(shared(c, dataset), copied_values(c.ints("indices", indices, n_indices)));
  });
}

mt_status mt_dataset_random_split(mt_dataset** parts, const mt_dataset* dataset,
                                  const double* lengths, size_t n_lengths,
                                  mt_generator* generator) {
  return guard("mt_dataset_random_split", [&](Call& c) {
    const DatasetRef base = shared(c, dataset);
    mt::Generator* const g = c.generator("generator", generator);
    c.pointer("parts", parts);
    std::vector<DatasetRef> made = data::random_split(base, c.floats("lengths", lengths, n_lengths),
                                                      g ? *g : mt::default_generator());
    std::vector<std::unique_ptr<NewHandle<Dataset>>> handles;
    for (DatasetRef& d : made) {
      handles.push_back(std::make_unique<NewHandle<Dataset>>(c.thread(), std::move(d)));
    }
    for (size_t i = 0; i < handles.size(); ++i) parts[i] = handles[i]->release();
  });
}

mt_status mt_dataset_transform(mt_dataset** out, const mt_dataset* dataset,
                               const mt_transform* transform,
                               const mt_transform* target_transform) {
  return new_dataset("mt_dataset_transform", out, [&](Call& c) {
    DatasetRef base = shared(c, dataset);
    data::FieldMap first = map_of(c, "transform", transform);
    return data::mapped_dataset(std::move(base), std::move(first),
                                map_of(c, "target_transform", target_transform));
  });
}

// --- the host's own ------------------------------------------------------------------------------

void mt_dataset_def_init(mt_dataset_def* def) {
  if (!def) return;
  *def = {};
  def->struct_size = sizeof *def;
}

mt_status mt_dataset_custom(mt_dataset** out, const mt_dataset_def* def) {
  if (!abi_thread()) return refuse(def);
  return guard("mt_dataset_custom", [&](Call& c) {
    mt_dataset_def d;
    mt_dataset_def_init(&d);
    c.read_options("def", def, d);
    const mt::Ref<UserData> user = UserData::make(d.user, d.destroy);
    c.pointer("out", out);
    if ((d.size && d.get) == (d.next != nullptr) || !d.size != !d.get || (d.start && !d.next)) {
      mt::fail(mt::Status::kNullArgument, c.fn(),
               ": callbacks: 'def' must have size and get (by index), or next and perhaps start "
               "(iterated): one kind whole, and nothing of the other");
    }
    *out = handle_of(c, data::custom_dataset(custom_of(d, user))).release();
  });
}

// --- images --------------------------------------------------------------------------------------

mt_status mt_dataset_image_files(mt_dataset** out, const mt_strings* paths, const int64_t* targets,
                                 size_t n_targets) {
  return new_dataset("mt_dataset_image_files", out, [&](Call& c) {
    const auto* list = c.object<StringsObject>("paths", paths);
    return vision::image_files(list->items, copied_values(c.ints("targets", targets, n_targets)));
  });
}

mt_status mt_dataset_image_folder(mt_dataset** out, const char* root,
                                  const mt_strings* extensions) {
  return new_dataset("mt_dataset_image_folder", out, [&](Call& c) {
    std::vector<std::string> list;
    if (extensions) list = c.object<StringsObject>("extensions", extensions)->items;
    return vision::image_folder(std::string(c.string("root", root)), std::move(list));
  });
}

mt_status mt_dataset_mnist(mt_dataset** out, const char* root, const char* name, const char* split,
                           bool train) {
  return new_dataset("mt_dataset_mnist", out, [&](Call& c) {
    return vision::mnist(std::string(c.string("root", root)), c.string("name", name),
                         split ? split : "", train);
  });
}

mt_status mt_dataset_cifar(mt_dataset** out, const char* root, int64_t classes, bool train) {
  return new_dataset("mt_dataset_cifar", out, [&](Call& c) {
    return vision::cifar(std::string(c.string("root", root)), classes, train);
  });
}

mt_status mt_dataset_fake(mt_dataset** out, int64_t size, const int64_t* image_size,
                          size_t n_image_size, int64_t num_classes, int64_t random_offset) {
  return new_dataset("mt_dataset_fake", out, [&](Call& c) {
    return vision::fake_data({size, copied_values(c.ints("image_size", image_size, n_image_size)),
                              num_classes, random_offset});
  });
}

}  // extern "C"
