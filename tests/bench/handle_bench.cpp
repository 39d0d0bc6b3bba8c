// What the boundary costs: a handle's check alone, a call that does nothing else, a handle's making
// and freeing, and one small op. Prints nanoseconds (the best of many rounds); asserts nothing.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "minitorch/minitorch.h"

namespace {

template <class F>
double best_ns(F&& body, int per_round, int rounds = 300) {
  double best = 1e30;
  for (int r = 0; r < rounds; ++r) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < per_round; ++i) body(i);
    const std::chrono::duration<double, std::nano> t = std::chrono::steady_clock::now() - start;
    best = std::min(best, t.count() / per_round);
  }
  return best;
}

}  // namespace

int main() {
  constexpr int kMany = 1024;
  std::vector<mt_tensor*> handles(kMany);
  for (int i = 0; i < kMany; ++i) mt_number_int(&handles[i], i);

  int64_t n = 0;
  bool flag = false;
  double value = 0;
  int32_t threads = 0;
  // Two calls that do the same but for one handle more: the difference is the check.
  // In turn, so that a machine that changes its speed does so for all three.
  double none = 1e30, one = 1e30, two = 1e30;
  for (int turn = 0; turn < 20; ++turn) {
    none = std::min(none, best_ns([&](int) { mt_get_num_threads(&threads); }, 2000, 30));
    one = std::min(one, best_ns([&](int i) { mt_tensor_numel(&n, handles[i % kMany]); }, 2000, 30));
    two = std::min(
        two,
        best_ns([&](int i) { mt_tensor_is(&flag, handles[i % kMany], handles[(i + 7) % kMany]); },
                2000, 30));
  }
  std::printf("call without handles          %6.2f ns\n", none);
  std::printf("call with one handle          %6.2f ns\n", one);
  std::printf("call with two handles         %6.2f ns\n", two);
  std::printf("  so one check                %6.2f ns\n", two - one);

  mt_tensor* t = nullptr;
  const double ref = best_ns(
      [&](int i) {
        mt_tensor_ref(&t, handles[i % kMany]);
        mt_tensor_free(t);
      },
      2000);
  std::printf("second handle made and freed  %6.2f ns\n", ref);
  mt_scope_begin();
  const double scoped = best_ns(
      [&](int i) {
        mt_tensor_ref(&t, handles[i % kMany]);
        mt_tensor_free(t);
      },
      2000);
  mt_scope_end();
  std::printf("  the same inside a scope     %6.2f ns\n", scoped);

  const int64_t size = 4;
  mt_tensor *a = nullptr, *b = nullptr;
  mt_ones(&a, &size, 1);
  mt_ones(&b, &size, 1);
  const double add = best_ns(
      [&](int) {
        mt_add(&t, a, b);
        mt_tensor_free(t);
      },
      2000);
  std::printf("mt_add of 4 floats, freed     %6.2f ns\n", add);
  const double stale = best_ns([&](int) { mt_tensor_item_double(&value, t); }, 50);
  std::printf("a refused (stale) handle      %6.2f ns\n", stale);
  for (mt_tensor* h : handles) mt_tensor_free(h);
  mt_tensor_free(a);
  mt_tensor_free(b);
  return 0;
}
