// Timing shared by the two benchmark programs: each case is run in batches long enough to measure,
// and the median over the batches is printed as "name<TAB>nanoseconds".
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

struct Options {
  int threads = 1;
  double seconds = 0.15;  // per case
  std::string filter;
};

inline Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--threads") && i + 1 < argc) o.threads = std::atoi(argv[++i]);
    if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc) o.seconds = std::atof(argv[++i]);
    if (!std::strcmp(argv[i], "--filter") && i + 1 < argc) o.filter = argv[++i];
  }
  return o;
}

template <class F>
void run(const Options& o, const std::string& name, F&& body) {
  if (!o.filter.empty() && name.find(o.filter) == std::string::npos) return;
  using Clock = std::chrono::steady_clock;
  const auto time = [&](long n) {
    const auto start = Clock::now();
    for (long i = 0; i < n; ++i) body();
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  };
  time(3);  // warm caches, pools and threads
  long n = 1;
  double spent = time(n);
  while (spent < 2e6 && n < (1L << 24)) {  // batches of at least 2 ms
    n *= 2;
    spent = time(n);
  }
  std::vector<double> batches;
  for (double total = 0; total < o.seconds * 1e9 || batches.size() < 5;) {
    const double t = time(n);
    batches.push_back(t / static_cast<double>(n));
    total += t;
    if (batches.size() >= 200) break;
  }
  std::nth_element(batches.begin(), batches.begin() + static_cast<long>(batches.size() / 2),
                   batches.end());
  std::printf("%s\t%.1f\n", name.c_str(), batches[batches.size() / 2]);
  std::fflush(stdout);
}

}  // namespace bench
