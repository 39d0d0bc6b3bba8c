// The thread pool behind parallel_for: one job at a time, cut into fixed parts that idle workers
// and the caller claim in any order. The cut alone decides results; who runs a part does not, so a
// worker that the system schedules late delays nobody and changes nothing.
#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

#include "core/error.h"
#include "core/thread_scope.h"

namespace mt {
namespace {

constexpr int kMaxWorkers = 1023;                      // threads beside the caller
constexpr int64_t kMaxParts = 0xffff;                  // a part's number has 16 bits in a ticket
constexpr auto kSpin = std::chrono::microseconds(30);  // then sleep; never burn a core for longer

// Counts fork() calls seen by this process image as the child: what was claimed by a thread of the
// parent will never finish here.
std::atomic<uint32_t> g_fork_generation{0};
uint32_t fork_generation() { return g_fork_generation.load(std::memory_order_relaxed); }

thread_local bool t_in_region = false;

struct RegionGuard {
  bool before = t_in_region;
  RegionGuard() { t_in_region = true; }
  ~RegionGuard() { t_in_region = before; }
};

inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until `done()` or the time is up; returns done().
template <class Done>
bool spin_until(Done done) {
  const auto stop = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      cpu_relax();
    }
  } while (std::chrono::steady_clock::now() < stop);
  return done();
}

struct Job {
  int64_t begin = 0;
  int64_t size = 0;
  int64_t parts = 1;
  ParallelBody body = nullptr;
  void* context = nullptr;

  // Part i of the even cut: the first size % parts ranges are longer by one.
  void run(int64_t i) const {
    const int64_t quotient = size / parts, rest = size % parts;
    const int64_t b = begin + i * quotient + (i < rest ? i : rest);
    body(context, b, b + quotient + (i < rest ? 1 : 0));
  }
};

class Pool {
 public:
  // False when another thread's job is running.
  bool try_acquire() { return !busy_.exchange(true, std::memory_order_acquire); }
  void release() { busy_.store(false, std::memory_order_release); }

  // The caller holds the pool. Runs every part, on this thread and the workers.
  void run(const Job& job) {
    spawn(static_cast<int>(job.parts) - 1);
    const uint32_t generation = fork_generation();
    begin_.store(job.begin, std::memory_order_relaxed);
    size_.store(job.size, std::memory_order_relaxed);
    body_.store(job.body, std::memory_order_relaxed);
    context_.store(job.context, std::memory_order_relaxed);
    unfinished_.store(job.parts, std::memory_order_relaxed);
    epoch_ += 1;
    // seq_cst: together with sleepers_ it decides that either we see a sleeper or it sees the job.
    ticket_.store(make_ticket(epoch_, job.parts, 0));
    wake(job.parts - 1);

    work(generation);
    wait_finished(generation);
    if (failed_part_ >= 0) {
      failed_part_ = -1;
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }

  // Ends and joins the workers. The caller holds the pool and never releases it: later jobs, of
  // threads that outlive the exit handlers, run serially.
  void shut_down() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_ready_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    std::vector<std::thread>().swap(workers_);
  }

  Pool* retired_before = nullptr;  // keeps pools left behind by fork() reachable for leak checkers

 private:
  // A ticket holds everything a claim depends on, so that one compare-and-swap both takes a part
  // and proves that the job read beforehand is still the current one.
  static uint64_t make_ticket(uint32_t epoch, int64_t parts, int64_t next) {
    return uint64_t{epoch} << 32 | static_cast<uint64_t>(parts) << 16 | static_cast<uint64_t>(next);
  }
  static int64_t parts_of(uint64_t ticket) { return ticket >> 16 & 0xffff; }
  static int64_t next_of(uint64_t ticket) { return ticket & 0xffff; }
  bool has_work() const {
    const uint64_t t = ticket_.load();
    return next_of(t) < parts_of(t);
  }

  // Runs parts until none is unclaimed.
  void work(uint32_t generation) {
    uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (next_of(ticket) < parts_of(ticket)) {
      Job job;
      job.begin = begin_.load(std::memory_order_relaxed);
      job.size = size_.load(std::memory_order_relaxed);
      job.body = body_.load(std::memory_order_relaxed);
      job.context = context_.load(std::memory_order_relaxed);
      job.parts = parts_of(ticket);
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      const int64_t part = next_of(ticket);
      try {
        RegionGuard region;
        job.run(part);
      } catch (...) {
        std::unique_lock lock(mutex_, std::defer_lock);
        // In a child forked by the body no other thread runs, and the lock's owner may be gone.
        if (generation == fork_generation()) lock.lock();
        // The lowest part's failure is the one reported, whatever the timing.
        if (failed_part_ < 0 || part < failed_part_) {
          failed_part_ = part;
          failure_ = std::current_exception();
        }
      }
      if (unfinished_.fetch_sub(1) == 1 && caller_sleeps_.load()) {
        { std::lock_guard lock(mutex_); }
        finished_.notify_one();
      }
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  void wait_finished(uint32_t generation) {
    if (unfinished_.load(std::memory_order_acquire) == 0) return;
    if (generation != fork_generation()) {
      fail(Status::kState,
           "parallel_for: forked inside a parallel region: the parts given to other threads do "
           "not exist in the child: return from the parallel region before calling fork");
    }
    if (spin_until([&] { return unfinished_.load(std::memory_order_acquire) == 0; })) return;
    std::unique_lock lock(mutex_);
    caller_sleeps_.store(true);
    finished_.wait(lock, [&] { return unfinished_.load() == 0; });
    caller_sleeps_.store(false);
  }

  void wake(int64_t wanted) {
    const int64_t sleepers = sleepers_.load();
    if (sleepers == 0) return;
    { std::lock_guard lock(mutex_); }  // a worker between its last look and its wait finishes that
    if (wanted >= sleepers) {
      work_ready_.notify_all();
    } else {
      for (int64_t i = 0; i < wanted; ++i) work_ready_.notify_one();
    }
  }

  void spawn(int wanted) {
    if (wanted > kMaxWorkers) wanted = kMaxWorkers;
    if (static_cast<int>(workers_.size()) >= wanted) return;
#if defined(__unix__) || defined(__APPLE__)
    // The host program's signal handlers must never run on our threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    try {
      workers_.reserve(static_cast<size_t>(wanted));
      while (static_cast<int>(workers_.size()) < wanted) {
        workers_.emplace_back([this] { worker_main(); });
      }
    } catch (const std::exception&) {
      // No more threads or memory: whoever exists, the caller at least, runs all parts.
    }
#if defined(__unix__) || defined(__APPLE__)
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
  }

  void worker_main() {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "minitorch");
#endif
    const uint32_t generation = fork_generation();
    for (;;) {
      work(generation);
      // A body that forked returns here in a child that has no other thread: there is nothing left
      // to work for.
      if (generation != fork_generation()) return;
      if (spin_until([&] { return has_work() || stop_.load(std::memory_order_relaxed); })) {
        if (stop_.load(std::memory_order_relaxed)) return;
        continue;
      }
      std::unique_lock lock(mutex_);
      sleepers_.fetch_add(1);
      work_ready_.wait(lock, [&] { return has_work() || stop_.load(std::memory_order_relaxed); });
      sleepers_.fetch_sub(1);
      if (stop_.load(std::memory_order_relaxed)) return;
    }
  }

  // The current job; written by the thread that holds the pool, before the ticket is published.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  std::atomic<int64_t> begin_{0};
  std::atomic<int64_t> size_{0};
  std::atomic<ParallelBody> body_{nullptr};
  std::atomic<void*> context_{nullptr};
  alignas(64) std::atomic<int64_t> unfinished_{0};
  std::atomic<bool> caller_sleeps_{false};
  alignas(64) std::atomic<int64_t> sleepers_{0};
  std::atomic<bool> busy_{false};
  std::atomic<bool> stop_{false};
  uint32_t epoch_ = 0;

  std::mutex mutex_;  // guards the failure and the two sleeps
  std::condition_variable work_ready_;
  std::condition_variable finished_;
  int64_t failed_part_ = -1;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

// The pool is made at first need. After fork() the child forgets the parent's pool, whose threads
// it does not have and whose locks may be held, and makes its own at its first need.
std::atomic<Pool*> g_pool{nullptr};
Pool* g_retired = nullptr;
std::atomic<bool> g_exiting{false};

#if defined(__unix__) || defined(__APPLE__)
void forget_pool_in_child() {
  g_fork_generation.fetch_add(1, std::memory_order_relaxed);
  if (Pool* old = g_pool.exchange(nullptr)) {
    old->retired_before = g_retired;
    g_retired = old;
  }
}
#endif

// Joins the workers when the program exits or the library is unloaded: no code of ours may run
// after that. A pool in use stays: its caller still needs it, and waiting for it could deadlock
// (exit() called from inside a body).
struct PoolOwner {
  PoolOwner() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, forget_pool_in_child);
#endif
  }
  ~PoolOwner() {
    g_exiting.store(true);
    Pool* pool = g_pool.load();
    if (pool == nullptr || !pool->try_acquire()) return;
    pool->shut_down();
  }
};

// Storage of the first pool, never destroyed: another thread may hold a pointer to it for ever.
alignas(Pool) unsigned char g_first_pool[sizeof(Pool)];

Pool* pool_or_null() {
  static PoolOwner owner;
  if (Pool* pool = g_pool.load(std::memory_order_acquire)) return pool;
  if (g_exiting.load(std::memory_order_relaxed)) return nullptr;
  Pool* pool = nullptr;
  if (fork_generation() == 0) {
    static Pool* const first = new (g_first_pool) Pool;
    pool = first;
  } else {
    pool = new (std::nothrow) Pool;
    if (pool == nullptr) return nullptr;
  }
  Pool* other = nullptr;
  if (g_pool.compare_exchange_strong(other, pool)) return pool;
  if (other != pool) delete pool;  // in a forked child, where another thread was first
  return other;
}

int usable_cores() {
#if defined(__linux__)
  // The kernel's mask may be wider than cpu_set_t; a mask that is too small gives EINVAL.
  for (int cpus = CPU_SETSIZE; cpus <= 1 << 18; cpus *= 4) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(cpus),
                                                               [](cpu_set_t* s) { CPU_FREE(s); });
    if (set == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(cpus);
    if (sched_getaffinity(0, bytes, set.get()) == 0) {
      const int count = CPU_COUNT_S(bytes, set.get());
      if (count > 0) return count;
      break;
    }
  }
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
}

int default_threads() {
  if (const char* text = std::getenv("MINITORCH_NUM_THREADS")) {
    int n = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, n);
    if (error == std::errc() && stop == end && n >= 1) return n;
  }
  return usable_cores();
}

std::atomic<int> g_num_threads{0};  // 0: not decided yet

void run_serially(const Job& job) {
  RegionGuard region;
  for (int64_t i = 0; i < job.parts; ++i) job.run(i);
}

}  // namespace

int num_threads() {
  int n = g_num_threads.load(std::memory_order_relaxed);
  if (n == 0) {
    int expected = 0;
    n = default_threads();
    if (!g_num_threads.compare_exchange_strong(expected, n)) n = expected;
  }
  return n;
}

void set_num_threads(int n) {
  if (n < 1) {
    fail(Status::kInvalidArgument, "set_num_threads: invalid argument: n is ", n,
         ": it must be at least 1");
  }
  g_num_threads.store(n, std::memory_order_relaxed);
}

bool in_parallel_region() { return t_in_region; }

SerialScope::SerialScope() : before_(std::exchange(t_in_region, true)) {}
SerialScope::~SerialScope() { t_in_region = before_; }

void parallel_for_raw(int64_t begin, int64_t end, int64_t grain, ParallelBody body, void* context) {
  if (begin >= end) return;
  Job job{begin, end - begin, 1, body, context};
  const int64_t by_grain = grain > 1 ? job.size / grain : job.size;
  job.parts = std::max<int64_t>(1, std::min({by_grain, int64_t{num_threads()}, kMaxParts}));
  if (job.parts == 1) return job.run(0);
  // A nested call, or one beside another thread's job, runs the very same parts one by one, so that
  // its result does not depend on what else is going on.
  Pool* pool = t_in_region ? nullptr : pool_or_null();
  if (pool == nullptr || !pool->try_acquire()) return run_serially(job);
  struct Release {
    Pool* pool;
    ~Release() { pool->release(); }
  } release{pool};
  pool->run(job);
}

}  // namespace mt
