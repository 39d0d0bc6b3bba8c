// What a thread that works beside others sets for itself: the generator that its draws come from,
// and that its work is not cut into parts for the pool.
#pragma once

#include "core/random.h"

namespace mt {

// From here on default_generator() is this one on the calling thread; null: the process's again.
// Returns what it was.
Generator* set_thread_generator(Generator* generator);

class ThreadGenerator {
 public:
  explicit ThreadGenerator(Generator& g) : before_(set_thread_generator(&g)) {}
  ThreadGenerator(const ThreadGenerator&) = delete;
  ThreadGenerator& operator=(const ThreadGenerator&) = delete;
  ~ThreadGenerator() { set_thread_generator(before_); }

 private:
  Generator* before_;
};

// parallel_for runs serially on this thread, with the same results: for threads of which there are
// several already.
class SerialScope {
 public:
  SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;
  ~SerialScope();

 private:
  bool before_;
};

}  // namespace mt
