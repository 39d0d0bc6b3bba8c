// Jobs and the threads that do them: see workers.h.
#include "data/workers.h"

#include <chrono>
#include <system_error>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

#include "core/error.h"
#include "core/thread_scope.h"

namespace mt::data {
namespace {

thread_local const void* t_owner = nullptr;

// While threads are started: signals are for the host's own threads.
class SignalsBlocked {
 public:
#if defined(__unix__) || defined(__APPLE__)
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
#endif
};

}  // namespace

template <class Work>
void Job::attempt(const Work& work) noexcept {
  try {
    try {
      work();
    } catch (const Error& e) {
      throw Error(e.status(), cat("DataLoader: batch ", number, ": ", e.message()));
    }
  } catch (...) {
    error = std::current_exception();
  }
}

void Job::read() noexcept {
  Plan& p = *plan;
  if (!p.stream) return;
  attempt([&] {
    while (!p.ended && static_cast<int64_t>(samples.size()) < p.batch_size) {
      const int64_t index = p.read++;
      Sample s;
      const uint64_t seed = sample_seed(p.base_seed, p.epoch, index);
      take_sample(index, p.own_generators ? &seed : nullptr, [&] {
        p.ended = !p.stream->next(s);
        return Sample();
      });
      if (p.ended) break;
      samples.push_back(std::move(s));
      indices.push_back(index);
    }
  });
  const auto n = static_cast<int64_t>(samples.size());
  end = !error && (n == 0 || (p.drop_last && n < p.batch_size));
}

void Job::make() noexcept {
  if (error || end) return;
  const Plan& p = *plan;
  attempt([&] {
    std::vector<uint64_t> seeds;
    if (p.own_generators) {
      for (int64_t i : indices) seeds.push_back(sample_seed(p.base_seed, p.epoch, i));
    }
    const uint64_t* s = seeds.empty() ? nullptr : seeds.data();
    if (!p.stream) {
      batch = get_batch(*p.dataset, indices, s, p.collate);
      return;
    }
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i] = take_sample(indices[i], s ? s + i : nullptr,
                               [&] { return p.dataset->finish(std::move(samples[i])); });
    }
    batch = p.collate(samples);
  });
  samples.clear();
}

std::shared_ptr<Workers> Workers::start(int n, const Begin& begin, const void* owner) {
  auto workers = std::make_shared<Workers>();
  const SignalsBlocked scope;
  workers->threads_.reserve(static_cast<size_t>(n));
  try {
    for (int i = 0; i < n; ++i) {
      workers->threads_.emplace_back([=] { workers->run(i, begin, owner); });
    }
  } catch (const std::system_error& e) {
    const size_t started = workers->threads_.size();
    stop(workers);
    fail(Status::kOutOfMemory, "DataLoader: out of memory: the system started ", started, " of ", n,
         " workers: ", e.what(), "; use fewer workers");
  } catch (...) {
    stop(workers);
    throw;
  }
  return workers;
}

void Workers::stop(const std::shared_ptr<Workers>& workers) noexcept {
  std::list<JobRef> dropped;  // goes without the lock: it may hold the host's data
  {
    std::lock_guard lock(workers->mutex_);
    workers->stop_ = true;
    dropped.swap(workers->queue_);
  }
  workers->changed_.notify_all();
  for (std::thread& t : workers->threads_) {
    if (t.get_id() == std::this_thread::get_id()) {
      t.detach();
    } else {
      t.join();
    }
  }
  workers->threads_.clear();
}

void Workers::run(int worker, const Begin& begin, const void* owner) {
  t_owner = owner;
  const SerialScope serial;
  std::exception_ptr failure;
  try {
    if (begin) begin(worker);
  } catch (...) {
    failure = std::current_exception();
  }
  std::unique_lock lock(mutex_);
  if (failure) {
    if (!failure_) failure_ = failure;
    lock.unlock();
    finished_.notify_all();
    return;
  }
  while (true) {
    changed_.wait(lock, [&] { return stop_ || can_take(); });
    if (stop_) return;
    JobRef job = std::move(queue_.front());
    queue_.pop_front();
    ++active_;
    reading_ = static_cast<bool>(job->plan->stream);
    lock.unlock();
    job->read();
    if (job->plan->stream) {
      lock.lock();
      reading_ = false;
      lock.unlock();
      changed_.notify_one();
    }
    job->make();
    job->plan.reset();
    lock.lock();
    job->done = true;
    --active_;
    finished_.notify_all();
    lock.unlock();
    job.reset();
    lock.lock();
  }
}

void Workers::add(JobRef job) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
}

bool Workers::wait(const Job& job, double seconds) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return job.done || failure_; };
  if (seconds <= 0) {
    finished_.wait(lock, ready);
  } else if (!finished_.wait_for(lock, std::chrono::duration<double>(seconds), ready)) {
    return false;
  }
  if (failure_) std::rethrow_exception(failure_);
  return true;
}

void Workers::drop_all() {
  std::list<JobRef> dropped;  // likewise
  std::unique_lock lock(mutex_);
  dropped.swap(queue_);
  finished_.wait(lock, [&] { return active_ == 0; });
}

bool Workers::is_here(const void* owner) { return t_owner == owner; }

}  // namespace mt::data
