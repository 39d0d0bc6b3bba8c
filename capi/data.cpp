// C functions of data.h: samplers and the loader.
#include "capi/generators.h"
#include "capi/hooks.h"
#include "data/loader.h"
#include "minitorch/minitorch.h"

using namespace mt::capi;  // NOLINT
namespace data = mt::data;
using data::DataLoader;
using data::Sample;
using data::Sampler;
using data::SamplerRef;

namespace {

template <class Body>
mt_status new_sampler(const char* fn, mt_sampler** out, const Body& body) {
  return guard(fn, [&](Call& c) {
    SamplerRef s = body(c);
    c.pointer("out", out);
    *out = NewHandle<Sampler>(c.thread(), std::move(s)).release();
  });
}

// What the three functions that set a callback have in common: `make` gives the C++ function.
template <class Make>
mt_status set_callback(const char* fn, mt_data_loader* self, void* user, mt_destroy_fn destroy,
                       const Make& make) {
  if (!abi_thread()) return refuse(user, destroy);
  return guard(fn, [&](Call& c) {
    const mt::Ref<UserData> owner = UserData::make(user, destroy);
    make(*c.object<DataLoader>("self", self), owner);
  });
}

Sample collate(mt_collate_fn function, const UserData& user, const std::vector<Sample>& samples) {
  CallbackTensors fields(this_abi_thread());
  const size_t n = samples[0].size();
  for (const Sample& s : samples) {
    if (s.size() != n) {
      mt::fail(mt::Status::kInvalidArgument, "collate: number of fields: samples of ", n,
               " and of ", s.size(), " fields in one batch: all must have the same");
    }
    for (const mt::Tensor& t : s) fields.add(t);
  }
  return callback_results(
      "collate", "batch", 0, [&](mt_tensor** batch, size_t capacity, size_t* n_batch) {
        return function(batch, capacity, n_batch, fields.data(), samples.size(), n, user.user());
      });
}

}  // namespace

extern "C" {

// --- samplers ------------------------------------------------------------------------------------

mt_status mt_sampler_free(mt_sampler* self) {
  return free_handle<Sampler>("mt_sampler_free", "self", self);
}

mt_status mt_sampler_sequential(mt_sampler** out, int64_t size) {
  return new_sampler("mt_sampler_sequential", out,
                     [&](Call&) { return data::sequential_sampler(size); });
}

mt_status mt_sampler_random(mt_sampler** out, int64_t size, bool replacement, int64_t num_samples,
                            mt_generator* generator) {
  return new_sampler("mt_sampler_random", out, [&](Call& c) {
    return data::random_sampler(size, replacement, num_samples, kept_generator(c, generator));
  });
}

mt_status mt_sampler_subset_random(mt_sampler** out, const int64_t* indices, size_t n_indices,
                                   mt_generator* generator) {
  return new_sampler("mt_sampler_subset_random", out, [&](Call& c) {
    data::GeneratorPtr g = kept_generator(c, generator);
    return data::subset_random_sampler(copied_values(c.ints("indices", indices, n_indices)),
                                       std::move(g));
  });
}

mt_status mt_sampler_weighted_random(mt_sampler** out, const double* weights, size_t n_weights,
                                     int64_t num_samples, bool replacement,
                                     mt_generator* generator) {
  return new_sampler("mt_sampler_weighted_random", out, [&](Call& c) {
    data::GeneratorPtr g = kept_generator(c, generator);
    return data::weighted_random_sampler(copied_values(c.floats("weights", weights, n_weights)),
                                         num_samples, replacement, std::move(g));
  });
}

mt_status mt_sampler_batch(mt_sampler** out, const mt_sampler* sampler, int64_t batch_size,
                           bool drop_last) {
  return new_sampler("mt_sampler_batch", out, [&](Call& c) {
    return data::batch_sampler(SamplerRef::share(c.object<Sampler>("sampler", sampler)), batch_size,
                               drop_last);
  });
}

mt_status mt_sampler_custom(mt_sampler** out, mt_sampler_fn function, void* user,
                            mt_destroy_fn destroy) {
  if (!abi_thread()) return refuse(user, destroy);
  return new_sampler("mt_sampler_custom", out, [&](Call& c) {
    mt::Ref<UserData> owner = UserData::make(user, destroy);
    c.pointer("function", function);
    return data::custom_sampler([function, owner = std::move(owner)] {
      AbiThread& t = this_abi_thread();
      mt_tensor* result = nullptr;
      CallbackScope scope(t);
      const mt_status status = function(&result, owner->user());
      mt::Tensor taken = take_result(t, "sampler", "indices", -1, result);
      scope.check(status, "sampler");
      if (!taken.defined()) {
        mt::fail(mt::Status::kCallback,
                 "sampler: missing output: the function left *indices NULL: it must give a tensor");
      }
      return taken;
    });
  });
}

mt_status mt_sampler_indices(mt_tensor** out, const mt_sampler* self) {
  return guard("mt_sampler_indices", [&](Call& c) {
    const std::vector<int64_t> all = data::sampler_indices(*c.object<Sampler>("self", self));
    c.pointer("out", out);
    const mt::Tensor t = mt::Tensor::empty({{static_cast<int64_t>(all.size())}}, mt::DType::kInt64);
    if (!all.empty()) std::memcpy(t.data(), all.data(), t.bytes());
    c.put(out, t);
  });
}

// --- the loader ----------------------------------------------------------------------------------

void mt_data_loader_options_init(mt_data_loader_options* options) {
  if (!options) return;
  const data::LoaderOptions d;
  *options = {};
  options->struct_size = sizeof *options;
  options->batch_size = d.batch_size;
  options->prefetch_factor = d.prefetch_factor;
}

mt_status mt_data_loader_create(mt_data_loader** out, const mt_dataset* dataset,
                                const mt_sampler* sampler, mt_generator* generator,
                                const mt_data_loader_options* options) {
  return guard("mt_data_loader_create", [&](Call& c) {
    auto base = data::DatasetRef::share(c.object<data::Dataset>("dataset", dataset));
    SamplerRef order;
    if (sampler) order = SamplerRef::share(c.object<Sampler>("sampler", sampler));
    data::GeneratorPtr g = kept_generator(c, generator);
    c.pointer("out", out);
    mt_data_loader_options o;
    mt_data_loader_options_init(&o);
    if (options) c.read_options("options", options, o);
    auto loader = mt::Ref<DataLoader>::adopt(
        new DataLoader(std::move(base), std::move(order), std::move(g),
                       {o.batch_size, o.shuffle, o.drop_last, o.persistent_workers, o.num_workers,
                        o.prefetch_factor, o.timeout}));
    *out = NewHandle<DataLoader>(c.thread(), std::move(loader)).release();
  });
}

mt_status mt_data_loader_free(mt_data_loader* self) {
  return free_handle<DataLoader>("mt_data_loader_free", "self", self);
}

mt_status mt_data_loader_next(mt_tensors** batch, mt_data_loader* self) {
  return guard("mt_data_loader_next", [&](Call& c) {
    DataLoader* loader = c.object<DataLoader>("self", self);
    c.pointer("batch", batch);
    Sample fields;
    if (loader->next(fields)) {
      c.put_list(batch, fields);
    } else {
      *batch = nullptr;
    }
  });
}

mt_status mt_data_loader_reset(mt_data_loader* self) {
  return guard("mt_data_loader_reset",
               [&](Call& c) { c.object<DataLoader>("self", self)->reset(); });
}

mt_status mt_data_loader_size(int64_t* out, const mt_data_loader* self) {
  return guard("mt_data_loader_size", [&](Call& c) {
    const int64_t n = c.object<DataLoader>("self", self)->size();
    c.pointer("out", out);
    if (n < 0) {
      mt::fail(mt::Status::kState, c.fn(),
               ": not known: the data set is iterated, or the sampler the host's own: count the "
               "batches of an epoch");
    }
    *out = n;
  });
}

mt_status mt_data_loader_set_collate(mt_data_loader* self, mt_collate_fn function, void* user,
                                     mt_destroy_fn destroy) {
  return set_callback("mt_data_loader_set_collate", self, user, destroy,
                      [&](DataLoader& l, const mt::Ref<UserData>& owner) {
                        if (!function) return l.set_collate(nullptr);
                        l.set_collate([function, owner](const std::vector<Sample>& samples) {
                          return collate(function, *owner, samples);
                        });
                      });
}

mt_status mt_data_loader_set_worker_init(mt_data_loader* self, mt_worker_init_fn function,
                                         void* user, mt_destroy_fn destroy) {
  return set_callback("mt_data_loader_set_worker_init", self, user, destroy,
                      [&](DataLoader& l, const mt::Ref<UserData>& owner) {
                        if (!function) return l.set_worker_init(nullptr);
                        l.set_worker_init([function, owner](int worker, int n) {
                          CallbackScope scope(this_abi_thread());
                          scope.check(function(worker, n, owner->user()),
                                      "DataLoader: worker_init");
                        });
                      });
}

mt_status mt_data_loader_set_progress(mt_data_loader* self, mt_progress_fn function, void* user,
                                      mt_destroy_fn destroy) {
  return set_callback("mt_data_loader_set_progress", self, user, destroy,
                      [&](DataLoader& l, const mt::Ref<UserData>& owner) {
                        if (!function) return l.set_progress(nullptr);
                        l.set_progress([function, owner](int64_t done, int64_t total) {
                          CallbackScope scope(this_abi_thread());
                          scope.check(function(done, total, owner->user()), "DataLoader: progress");
                        });
                      });
}

}  // extern "C"
