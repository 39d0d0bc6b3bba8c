// The loader: order and equality for any number of workers, epochs, timeouts, and a forked child.
#include "data/loader.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "core/error.h"
#include "kernels/random.h"

namespace mt::data {
namespace {

// Samples of an index and a random number; every third one takes its time.
DatasetRef slow_numbers(int64_t n, int milliseconds = 0) {
  CustomDataset f;
  f.size = [n] { return n; };
  f.get = [milliseconds](int64_t i) {
    if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    const Tensor t = Tensor::empty({{1}}, DType::kFloat64);
    fill_uniform(DType::kFloat64, t.data(), 1, 0, 1, default_generator());
    return Sample{label_tensor(i), t};
  };
  return custom_dataset(std::move(f));
}

Ref<DataLoader> loader(DatasetRef d, LoaderOptions o) {
  return Ref<DataLoader>::adopt(new DataLoader(std::move(d), nullptr, nullptr, o));
}

// All fields of an epoch in one list.
std::vector<double> epoch(DataLoader& l) {
  std::vector<double> out;
  Sample batch;
  while (l.next(batch)) {
    for (int64_t i = 0; i < batch[0].numel(); ++i) {
      out.push_back(static_cast<double>(batch[0].data_as<int64_t>()[i]));
      out.push_back(batch[1].data_as<double>()[i]);
    }
  }
  return out;
}

TEST(DataLoader, AnyNumberOfWorkersGivesTheSame) {
  std::vector<double> want;
  for (const int workers : {1, 2, 3, 7}) {
    for (const bool persistent : {false, true}) {
      LoaderOptions o;
      o.batch_size = 4;
      o.shuffle = true;
      o.num_workers = workers;
      o.persistent_workers = persistent;
      o.prefetch_factor = workers == 3 ? 1 : 2;
      const auto l = loader(slow_numbers(50, 1), o);
      manual_seed(3);
      const std::vector<double> got = epoch(*l);
      EXPECT_EQ(got.size(), 100u);
      if (want.empty()) want = got;
      EXPECT_EQ(got, want);
      EXPECT_NE(epoch(*l), want);
    }
  }
}

TEST(DataLoader, TimesOutAndGoesOn) {
  LoaderOptions o;
  o.num_workers = 1;
  o.timeout = 0.02;
  const auto l = loader(slow_numbers(2, 200), o);
  Sample batch;
  int timeouts = 0;
  for (bool there = false; !there;) {
    try {
      there = l->next(batch);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), Status::kState);
      ASSERT_LT(++timeouts, 1000);
    }
  }
  EXPECT_GT(timeouts, 0);
  EXPECT_EQ(batch[0].data_as<int64_t>()[0], 0);
}

TEST(DataLoader, AForkedChildGetsAnErrorAndCanStartAnew) {
  LoaderOptions o;
  o.num_workers = 2;
  const auto l = loader(slow_numbers(20), o);
  Sample batch;
  ASSERT_TRUE(l->next(batch));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    int failed = 0;
    try {
      l->next(batch);
    } catch (const Error&) {
      ++failed;
    }
    l->reset();
    _exit(failed == 1 && epoch(*l).size() == 40 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(epoch(*l).size(), 38u);
}

TEST(DataLoader, TwoThreadsShareAnEpoch) {
  LoaderOptions o;
  o.num_workers = 2;
  const auto l = loader(slow_numbers(60), o);
  std::atomic<int> given{0}, ends{0};
  const auto take = [&] {
    for (Sample batch; given < 60;) {
      if (l->next(batch)) {
        ++given;
      } else {
        ++ends;
        return;
      }
    }
  };
  std::thread other(take);
  take();
  other.join();
  EXPECT_GE(given, 60);
}

}  // namespace
}  // namespace mt::data
