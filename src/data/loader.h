// DataLoader: batches of a data set's samples, epoch after epoch, in the sampler's order whatever
// the number of workers.
// Thread rule: for one thread at a time; another one that asks waits. Asking from inside a callback
// of the loader is kState.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "data/dataset.h"
#include "data/sampler.h"
#include "data/workers.h"

namespace mt::data {

struct LoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false, drop_last = false, persistent_workers = false;
  int num_workers = 0, prefetch_factor = 2;
  double timeout = 0;  // seconds; 0: none
};

class DataLoader : public RefCounted {
 public:
  static void destroy(DataLoader* l) { delete l; }
  // Null: in order or shuffled. The generator is the default one when null.
  DataLoader(DatasetRef dataset, SamplerRef sampler, GeneratorPtr generator, LoaderOptions options);
  ~DataLoader();

  bool next(Sample& batch);  // false at the end of an epoch; then the next one begins
  void reset();              // gives the rest of the epoch up
  int64_t size() const;      // batches of an epoch; -1: not known

  using WorkerInit = std::function<void(int worker, int num_workers)>;
  using Progress = std::function<void(int64_t done, int64_t total)>;
  // Take effect with the next epoch; empty: the default, nothing.
  void set_collate(Collate f);
  void set_worker_init(WorkerInit f);
  void set_progress(Progress f);

 private:
  // The loader is in use by a thread.
  class Turn {
   public:
    explicit Turn(DataLoader& l);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    DataLoader& loader_;
  };
  struct Epoch {
    std::shared_ptr<Plan> plan;
    std::unique_ptr<IndexStream> batches;  // null for an iterated data set
    std::deque<JobRef> sent;               // and not yet given, in order
    int64_t count = 0, given = 0, total = -1;
    bool all_sent = false;
    Progress progress;
  };

  SamplerRef make_sampler() const;
  void begin_epoch();
  void end_epoch(bool stop_workers);
  JobRef new_job();  // null: there are no more; one that is done already: the sampler failed
  void send();       // gives the workers something to do
  JobRef take();     // the next one, done; null at the end
  bool forked() const;

  const DatasetRef dataset_;
  const SamplerRef sampler_;
  const GeneratorPtr generator_;
  const LoaderOptions options_;
  Collate collate_;
  WorkerInit worker_init_;
  Progress progress_;

  std::unique_ptr<Epoch> epoch_;
  std::shared_ptr<Workers> workers_;
  uint64_t base_seed_ = 0, seed_epochs_ = 0;  // of persistent workers: epochs since it was drawn
  int64_t process_ = 0;                       // that the workers are threads of

  std::mutex turn_;
  std::condition_variable turn_over_;
  bool in_use_ = false, timed_out_ = false;
  std::thread::id user_;
};

}  // namespace mt::data
