// Tests of the thread pool: the cut of a range, failures, nesting, callers on many threads, the
// environment variable, fork() and the sleep of idle workers.
#include "core/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"

// ThreadSanitizer does not support threads started in a forked child. The leak checker of
// AddressSanitizer takes the parent's main stack for lost in a child forked by a worker.
#if defined(__SANITIZE_THREAD__)
#define MT_TEST_FORK 0
#define MT_TEST_FORK_IN_WORKER 0
#elif defined(__SANITIZE_ADDRESS__)
#define MT_TEST_FORK 1
#define MT_TEST_FORK_IN_WORKER 0
#else
#define MT_TEST_FORK 1
#define MT_TEST_FORK_IN_WORKER 1
#endif

namespace mt {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

struct ThreadsGuard {
  int before = num_threads();
  explicit ThreadsGuard(int n) { set_num_threads(n); }
  ~ThreadsGuard() { set_num_threads(before); }
};

// The ranges a parallel_for hands out, in order.
Ranges ranges_of(int64_t begin, int64_t end, int64_t grain) {
  std::mutex mutex;
  Ranges ranges;
  parallel_for(begin, end, grain, [&](int64_t b, int64_t e) {
    std::lock_guard lock(mutex);
    ranges.emplace_back(b, e);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

int64_t parallel_sum(int64_t n) {
  std::atomic<int64_t> sum{0};
  parallel_for(0, n, 1, [&](int64_t b, int64_t e) {
    int64_t part = 0;
    for (int64_t i = b; i < e; ++i) part += i;
    sum += part;
  });
  return sum;
}

TEST(Parallel, CutCoversTheRangeOnceInPartsOfAtLeastTheGrain) {
  for (const int threads : {1, 2, 3, 4, 7, 16}) {
    ThreadsGuard guard(threads);
    for (const int64_t begin : {int64_t{-5}, int64_t{0}, int64_t{3}}) {
      for (const int64_t size : {0, 1, 2, 3, 7, 16, 17, 100, 1001}) {
        for (const int64_t grain : {0, 1, 2, 5, 64, 5000}) {
          const Ranges ranges = ranges_of(begin, begin + size, grain);
          if (size == 0) {
            EXPECT_TRUE(ranges.empty());
            continue;
          }
          ASSERT_LE(ranges.size(), static_cast<size_t>(threads));
          int64_t next = begin;
          for (const auto& [b, e] : ranges) {
            EXPECT_EQ(b, next);
            EXPECT_LT(b, e);
            EXPECT_GE(e - b, std::min(grain, size));
            next = e;
          }
          EXPECT_EQ(next, begin + size);
          EXPECT_EQ(ranges, ranges_of(begin, begin + size, grain));
        }
      }
    }
  }
}

TEST(Parallel, EmptyAndReversedRangesCallNothing) {
  ThreadsGuard guard(4);
  EXPECT_TRUE(ranges_of(5, 5, 1).empty());
  EXPECT_TRUE(ranges_of(5, 2, 1).empty());
  EXPECT_TRUE(ranges_of(5, 2, -10).empty());
}

TEST(Parallel, SmallWorkStaysOnTheCaller) {
  ThreadsGuard guard(4);
  const auto caller = std::this_thread::get_id();
  parallel_for(0, 100, 100, [&](int64_t b, int64_t e) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_FALSE(in_parallel_region());
    EXPECT_EQ(e - b, 100);
  });
}

TEST(Parallel, WorkersTakePart) {
  ThreadsGuard guard(4);
  // Every part waits for the others: they can only finish on four threads.
  std::atomic<int> arrived{0};
  parallel_for(0, 4, 1, [&](int64_t, int64_t) {
    EXPECT_TRUE(in_parallel_region());
    ++arrived;
    while (arrived < 4) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 4);
  EXPECT_FALSE(in_parallel_region());
}

TEST(Parallel, FailureOfTheLowestPartReachesTheCaller) {
  ThreadsGuard guard(4);
  for (int round = 0; round < 200; ++round) {
    try {
      parallel_for(0, 4, 1, [&](int64_t b, int64_t) {
        if (b >= 1) fail(Status::kShape, "part ", b);
      });
      FAIL() << "no exception";
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), Status::kShape);
      EXPECT_STREQ(e.what(), "part 1");
    }
    EXPECT_FALSE(in_parallel_region());
    ASSERT_EQ(parallel_sum(1000), 499500);
  }
  EXPECT_THROW(parallel_for(0, 4, 1, [](int64_t, int64_t) { throw std::bad_alloc(); }),
               std::bad_alloc);
  EXPECT_THROW(parallel_for(0, 4, 1, [](int64_t, int64_t) { throw 1; }), int);
}

TEST(Parallel, FailureWaitsForTheOtherParts) {
  ThreadsGuard guard(4);
  std::atomic<int> finished{0};
  EXPECT_THROW(parallel_for(0, 4, 1,
                            [&](int64_t b, int64_t) {
                              if (b == 0) throw std::runtime_error("first");
                              std::this_thread::sleep_for(std::chrono::milliseconds(5));
                              ++finished;
                            }),
               std::runtime_error);
  EXPECT_EQ(finished, 3);
}

TEST(Parallel, NestedCallsRunTheSamePartsSerially) {
  ThreadsGuard guard(3);
  const Ranges expected = ranges_of(0, 100, 1);
  std::atomic<int> checked{0};
  parallel_for(0, 3, 1, [&](int64_t, int64_t) {
    const auto thread = std::this_thread::get_id();
    Ranges inner;
    parallel_for(0, 100, 1, [&](int64_t b, int64_t e) {
      EXPECT_EQ(std::this_thread::get_id(), thread);
      EXPECT_TRUE(in_parallel_region());
      inner.emplace_back(b, e);
    });
    EXPECT_TRUE(in_parallel_region());
    EXPECT_EQ(inner, expected);
    ++checked;
  });
  EXPECT_EQ(checked, 3);
}

TEST(Parallel, ManyHostThreadsAtOnce) {
  ThreadsGuard guard(3);
  const Ranges expected = ranges_of(0, 1000, 10);
  std::atomic<int> wrong{0};
  std::vector<std::thread> hosts;
  for (int t = 0; t < 8; ++t) {
    hosts.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        if (parallel_sum(1000 + t) != (999 + t) * (1000 + t) / 2) ++wrong;
        if (ranges_of(0, 1000, 10) != expected) ++wrong;
        try {
          parallel_for(0, 3, 1, [&](int64_t b, int64_t) {
            if (b == t % 3) throw t;
          });
          ++wrong;
        } catch (int thrown) {
          if (thrown != t) ++wrong;
        }
      }
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Parallel, SizeChangesBetweenAndDuringWork) {
  ThreadsGuard guard(2);
  for (const int n : {1, 8, 2, 5, 1, 3}) {
    set_num_threads(n);
    EXPECT_EQ(num_threads(), n);
    EXPECT_EQ(ranges_of(0, 1000, 1).size(), static_cast<size_t>(n));
    EXPECT_EQ(parallel_sum(1000), 499500);
  }
  set_num_threads(4);
  parallel_for(0, 4, 1, [&](int64_t, int64_t) { set_num_threads(2); });
  EXPECT_EQ(num_threads(), 2);
  EXPECT_EQ(parallel_sum(1000), 499500);
}

TEST(Parallel, RejectsSizesBelowOne) {
  for (const int n : {0, -1, -1000000}) {
    try {
      set_num_threads(n);
      FAIL() << "no exception";
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), Status::kInvalidArgument);
      EXPECT_EQ(e.message(), "set_num_threads: invalid argument: n is " + std::to_string(n) +
                                 ": it must be at least 1");
    }
  }
}

TEST(Parallel, IdleWorkersSleep) {
  ThreadsGuard guard(4);
  EXPECT_EQ(parallel_sum(1000), 499500);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto used = [] {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
  };
  const double before = used();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(used() - before, 20.0);  // milliseconds, of the 300 that spinning would burn
  EXPECT_EQ(parallel_sum(1000), 499500);
}

#if MT_TEST_FORK
// Runs `body` in a forked child; its result is the exit status. A child that hangs is killed.
template <class Body>
int in_child(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(30);
    _exit(body());
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(ParallelFork, ChildMakesItsOwnPool) {
  ThreadsGuard guard(4);
  EXPECT_EQ(parallel_sum(1000), 499500);
  const auto child = [] {
    std::atomic<int> arrived{0};
    parallel_for(0, 4, 1, [&](int64_t, int64_t) {
      ++arrived;
      while (arrived < 4) std::this_thread::yield();
    });
    if (parallel_sum(1000) != 499500) return 1;
    return in_child([] { return parallel_sum(100) == 4950 ? 7 : 1; });
  };
  EXPECT_EQ(in_child(child), 7);
  EXPECT_EQ(parallel_sum(1000), 499500);
}

TEST(ParallelFork, ChildExitsThroughItsExitHandlers) {
  ThreadsGuard guard(4);
  EXPECT_EQ(parallel_sum(1000), 499500);
  for (const bool works : {false, true}) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(30);
      if (works && parallel_sum(1000) != 499500) _exit(1);
      std::exit(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

TEST(ParallelFork, WhileOtherThreadsWork) {
  ThreadsGuard guard(4);
  std::atomic<bool> stop{false};
  std::vector<std::thread> hosts;
  for (int t = 0; t < 2; ++t) {
    hosts.emplace_back([&] {
      while (!stop) parallel_sum(10000);
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(in_child([] { return parallel_sum(1000) == 499500 ? 0 : 1; }), 0);
  }
  stop = true;
  for (std::thread& host : hosts) host.join();
}

std::atomic<bool> leaks_unknown{false};

}  // namespace
// Asked by LeakSanitizer at exit. In the child of a worker's fork the other threads' stacks are
// gone, so that what they hold looks lost.
extern "C" int __lsan_is_turned_off();                           // NOLINT
extern "C" int __lsan_is_turned_off() { return leaks_unknown; }  // NOLINT
namespace {

// All parts are claimed, by four threads, when the caller or one of the workers forks.
void fork_inside_a_body(bool in_worker) {
  ThreadsGuard guard(4);
  const pid_t parent = getpid();
  const auto caller = std::this_thread::get_id();
  std::atomic<int> arrived{0};
  std::atomic<bool> forked{false};
  pid_t pid = 0;
  try {
    parallel_for(0, 4, 1, [&](int64_t, int64_t) {
      ++arrived;
      while (arrived < 4) std::this_thread::yield();
      if ((std::this_thread::get_id() != caller) != in_worker || forked.exchange(true)) return;
      pid = fork();
      if (pid == 0) {
        alarm(30);
        leaks_unknown = true;
      }
    });
  } catch (const Error& e) {
    // The caller, in the child. A worker that forked just ends there, and its process with it.
    if (getpid() != parent) _exit(e.status() == Status::kState ? 0 : 1);
    throw;
  }
  if (getpid() != parent) _exit(parallel_sum(1000) == 499500 ? 0 : 1);
  int status = -1;
  const pid_t ended = waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "fork " << pid << ", waitpid " << ended << ", status " << status;
  EXPECT_EQ(parallel_sum(1000), 499500);
}

TEST(ParallelFork, InsideABodyOfTheCallerGivesTheChildAnErrorNotAHang) {
  fork_inside_a_body(false);
}

#if MT_TEST_FORK_IN_WORKER
TEST(ParallelFork, InsideABodyOfAWorkerEndsTheChild) { fork_inside_a_body(true); }
#endif
#endif  // MT_TEST_FORK

// The variable is read once per process: each value needs a process of its own.
class ParallelEnvironmentDeathTest : public testing::TestWithParam<std::pair<const char*, int>> {};

TEST_P(ParallelEnvironmentDeathTest, IsReadOrIgnored) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // starts the program anew
  const auto [value, expected] = GetParam();
  if (value != nullptr) {
    setenv("MINITORCH_NUM_THREADS", value, 1);
  } else {
    unsetenv("MINITORCH_NUM_THREADS");
  }
  const auto agrees = [](int threads) {
    if (threads > 0) return num_threads() == threads;
    // Ignored: the cores that this process may use, as the system itself counts them.
    FILE* pipe = popen("env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc", "r");
    int cores = -1;
    const bool read = pipe != nullptr && fscanf(pipe, "%d", &cores) == 1;
    if (pipe != nullptr) pclose(pipe);
    return read && num_threads() == cores;
  };
  EXPECT_EXIT(std::_Exit(agrees(expected) ? 0 : 1), testing::ExitedWithCode(0), "");
  unsetenv("MINITORCH_NUM_THREADS");
}

INSTANTIATE_TEST_SUITE_P(Values, ParallelEnvironmentDeathTest,
                         testing::Values(std::pair{"3", 3}, std::pair{"1", 1}, std::pair{"17", 17},
                                         std::pair{"0", 0}, std::pair{"-2", 0}, std::pair{"", 0},
                                         std::pair{"two", 0}, std::pair{"4x", 0},
                                         std::pair{" 4", 0}, std::pair{"2.5", 0},
                                         std::pair{"99999999999", 0},
                                         std::pair<const char*, int>{nullptr, 0}));

// Last: the threads stay, and make fork() slow.
TEST(ParallelLimit, MorePartsThanThreadsCanExist) {
  // Far beyond what a process may start: the threads that exist do the work.
  ThreadsGuard guard(3000);
  EXPECT_EQ(ranges_of(0, 3000, 1).size(), 3000u);
  EXPECT_EQ(parallel_sum(5000), 12497500);
}

}  // namespace
}  // namespace mt
