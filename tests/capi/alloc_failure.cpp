// Every allocation fails once: each scenario is run in a child process with its n-th allocation
// failing, for n = 0, 1, ... until none is reached. A failing run must give MT_ERR_OUT_OF_MEMORY
// with a message, leave no handle and no byte behind, and the same scenario must then pass. The
// allocation functions of this program take the place of the C library's, also for the library.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "alloc_scenarios.h"
#include "minitorch/minitorch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

extern "C" {
void *REAL(malloc)(size_t);
void *REAL(calloc)(size_t, size_t);
void *REAL(realloc)(void *, size_t);
void *REAL(memalign)(size_t, size_t);
void REAL(free)(void *);
}

namespace {

std::atomic<bool> g_armed{false}, g_reached{false}, g_all_after{false};
std::atomic<int64_t> g_left{0};

// Whether this allocation is to fail.
bool fails() {
  if (!g_armed.load(std::memory_order_relaxed)) return false;
  const int64_t left = g_left.fetch_sub(1);
  if (left > 0) return false;
  g_reached = true;
  return left == 0 || g_all_after;
}

void *refuse() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

extern "C" {
void *malloc(size_t n) { return fails() ? refuse() : REAL(malloc)(n); }
void *calloc(size_t n, size_t each) { return fails() ? refuse() : REAL(calloc)(n, each); }
void *realloc(void *p, size_t n) { return fails() ? refuse() : REAL(realloc)(p, n); }
void *memalign(size_t a, size_t n) { return fails() ? refuse() : REAL(memalign)(a, n); }
void *aligned_alloc(size_t a, size_t n) { return fails() ? refuse() : REAL(memalign)(a, n); }
int posix_memalign(void **out, size_t a, size_t n) {
  void *p = fails() ? nullptr : REAL(memalign)(a, n);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}
void free(void *p) { REAL(free)(p); }
}

// C++'s forms: under a sanitizer they would not come through malloc.
namespace {
void *made(size_t n) {
  if (void *p = malloc(n ? n : 1)) return p;
  throw std::bad_alloc();
}
void *made(size_t n, std::align_val_t a) {
  if (void *p = memalign(static_cast<size_t>(a), n ? n : 1)) return p;
  throw std::bad_alloc();
}
}  // namespace
void *operator new(size_t n) { return made(n); }
void *operator new[](size_t n) { return made(n); }
void *operator new(size_t n, std::align_val_t a) { return made(n, a); }
void *operator new[](size_t n, std::align_val_t a) { return made(n, a); }
void *operator new(size_t n, const std::nothrow_t &) noexcept { return malloc(n ? n : 1); }
void *operator new[](size_t n, const std::nothrow_t &) noexcept { return malloc(n ? n : 1); }
void operator delete(void *p) noexcept { free(p); }
void operator delete[](void *p) noexcept { free(p); }
void operator delete(void *p, size_t) noexcept { free(p); }
void operator delete[](void *p, size_t) noexcept { free(p); }
void operator delete(void *p, std::align_val_t) noexcept { free(p); }
void operator delete[](void *p, std::align_val_t) noexcept { free(p); }
void operator delete(void *p, size_t, std::align_val_t) noexcept { free(p); }
void operator delete[](void *p, size_t, std::align_val_t) noexcept { free(p); }

namespace {

enum Exit { kFailed = 1, kReached = 42, kBeyond = 43 };

// What is wrong after a run: handles or bytes left. Empty for nothing.
bool nothing_left(const char *when) {
  int64_t handles = -1;
  mt_memory_stats stats = {sizeof stats, 0, 0, 0, 0};
  if (mt_live_handles(&handles, MT_HANDLE_ANY) != MT_OK || mt_memory_get_stats(&stats) != MT_OK) {
    printf("# %s: the counts fail: %s\n", when, mt_last_error());
    return false;
  }
  if (handles == 0 && stats.current_bytes == 0) return true;
  printf("# %s: %lld handles and %lld bytes are left\n", when, static_cast<long long>(handles),
         static_cast<long long>(stats.current_bytes));
  return false;
}

// In the child: the scenario with allocation n failing; `warm` runs it once before.
int run_failing(mt_status (*scenario)(), int64_t n, bool all_after, bool warm) {
  if (warm && scenario() != MT_OK) {
    printf("# without a failure: %s\n", mt_last_error());
    return kFailed;
  }
  g_left = n;
  g_all_after = all_after;
  g_armed = true;
  const mt_status status = scenario();
  g_armed = false;
  const bool reached = g_reached;
  bool good = true;
  if (!reached && status != MT_OK) {
    printf("# no allocation failed, but: %s\n", mt_last_error());
    good = false;
  }
  // MT_OK is right where the library can do without, such as a cache that could not grow.
  if (reached && status != MT_OK && status != MT_ERR_OUT_OF_MEMORY) {
    printf("# allocation %lld failed: status %d: %s\n", static_cast<long long>(n), status,
           mt_last_error());
    good = false;
  }
  if (status == MT_ERR_OUT_OF_MEMORY && !strstr(mt_last_error(), "out of memory")) {
    printf("# allocation %lld failed: message \"%s\"\n", static_cast<long long>(n),
           mt_last_error());
    good = false;
  }
  good = good && nothing_left("after the failure");
  if (good && scenario() != MT_OK) {
    printf("# allocation %lld failed: the next run: %s\n", static_cast<long long>(n),
           mt_last_error());
    good = false;
  }
  good = good && nothing_left("after the next run");
  return !good ? kFailed : reached ? kReached : kBeyond;
}

// All n of one way of failing; gives how many allocations failed, or -1.
int64_t run_all(mt_status (*scenario)(), bool all_after, bool warm, int64_t step) {
  for (int64_t n = 0;; n += step) {
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
      printf("# fork: %s\n", strerror(errno));
      return -1;
    }
    if (child == 0) {
      const int code = run_failing(scenario, n, all_after, warm);
      fflush(stdout);
      _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      printf("# allocation %lld failed: the process died of signal %d (%s%s)\n",
             static_cast<long long>(n), WTERMSIG(status), all_after ? "all after it too, " : "",
             warm ? "warm" : "cold");
      return -1;
    }
    const int code = WEXITSTATUS(status);
    if (code == kBeyond) return n;
    if (code != kReached) {
      printf("# (allocation %lld, %s%s)\n", static_cast<long long>(n),
             all_after ? "all after it too, " : "", warm ? "warm" : "cold");
      return -1;
    }
    if (n > 100000) {
      printf("# no end of allocations\n");
      return -1;
    }
  }
}

}  // namespace

// Arguments: nothing for every allocation; a step for a faster look; names of scenarios.
int main(int argc, char **argv) {
  int64_t step = 1;
  const char *only = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (atoi(argv[i]) > 0) {
      step = atoi(argv[i]);
    } else {
      only = argv[i];
    }
  }
  int cases = 0, failed = 0;
  const bool zip = mt_has("zip");  // opens libzip: the system's loader is not what is tested
  for (const Scenario &s : kScenarios) {
    if (only && strcmp(only, s.name) != 0) continue;
    if (!zip && s.run == archives) {
      printf("ok %d - %s # skip this build has no zip\n", ++cases, s.name);
      continue;
    }
    int64_t total = 0;
    bool good = true;
    for (int way = 0; way < 4 && good; ++way) {
      const int64_t n = run_all(s.run, (way & 1) != 0, (way & 2) != 0, step);
      good = n >= 0;
      total += n;
    }
    failed += !good;
    printf("%sok %d - %s: %lld failing allocations\n", good ? "" : "not ", ++cases, s.name,
           static_cast<long long>(total));
    fflush(stdout);
  }
  printf("1..%d\n", cases);
  return failed != 0;
}
