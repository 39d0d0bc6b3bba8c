// The threads of a loader: they make batches in any order and side by side; each batch is a job
// that the loader waits for in its turn. Thread rule: everything may be called from any thread.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "data/dataset.h"

namespace mt::data {

// What all batches of an epoch have in common. `stream` and what follows it belong to whoever
// reads.
struct Plan {
  DatasetRef dataset;
  Collate collate;
  bool own_generators = false;  // of each sample, seeded from these
  uint64_t base_seed = 0, epoch = 0;

  int64_t batch_size = 1;  // of an iterated data set
  bool drop_last = false;
  std::unique_ptr<SampleStream> stream;
  int64_t read = 0;  // samples
  bool ended = false;
};

struct Job {
  std::shared_ptr<Plan> plan;
  int64_t number = 0;            // of the batch in its epoch
  std::vector<int64_t> indices;  // of an iterated data set: what read() took from the stream
  std::vector<Sample> samples;   // likewise

  Sample batch;              // the result, unless
  std::exception_ptr error;  // it failed, or
  bool end = false;          // there is no such batch
  bool done = false;

  void read() noexcept;  // the serial part, for iterated data sets
  void make() noexcept;  // the rest

 private:
  template <class Work>
  void attempt(const Work& work) noexcept;
};
using JobRef = std::shared_ptr<Job>;

class Workers {
 public:
  // `begin` runs first on each thread. `owner` is what is_here() knows them by.
  using Begin = std::function<void(int worker)>;
  static std::shared_ptr<Workers> start(int n, const Begin& begin, const void* owner);
  // Ends and joins the threads. One that is running this function is left to end by itself.
  static void stop(const std::shared_ptr<Workers>& workers) noexcept;

  void add(JobRef job);
  // False when `seconds` (0: no limit) went by. Throws what `begin` threw.
  bool wait(const Job& job, double seconds);
  void drop_all();  // forgets jobs that nobody began and waits for the others

  // Whether the calling thread is one of this owner's.
  static bool is_here(const void* owner);

 private:
  void run(int worker, const Begin& begin, const void* owner);
  bool can_take() const { return !queue_.empty() && (!reading_ || !queue_.front()->plan->stream); }

  std::mutex mutex_;
  std::condition_variable changed_, finished_;
  std::list<JobRef> queue_;  // an empty one needs no memory: ending must not
  int active_ = 0;
  bool reading_ = false, stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace mt::data
