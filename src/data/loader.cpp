// The loader: see loader.h.
#include "data/loader.h"

#include <cmath>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "core/error.h"
#include "kernels/random.h"

namespace mt::data {
namespace {

constexpr int kMaxWorkers = 1024, kMaxPrefetch = 1 << 16;

int64_t process_id() {
#if defined(__unix__) || defined(__APPLE__)
  return getpid();
#else
  return 0;
#endif
}

// Left behind by fork(): their threads are those of the parent, and cannot be joined here.
void abandon(std::shared_ptr<Workers> workers) {
  new std::shared_ptr<Workers>(std::move(workers));  // NOLINT: never freed, on purpose
}

[[noreturn]] void fail_option(std::string_view name, TextPart value, std::string_view must) {
  fail(Status::kInvalidArgument, "DataLoader: bad option: ", name, " is ", value, ": must be ",
       must);
}

}  // namespace

DataLoader::DataLoader(DatasetRef dataset, SamplerRef sampler, GeneratorPtr generator,
                       LoaderOptions o)
    : dataset_(std::move(dataset)),
      sampler_(std::move(sampler)),
      generator_(std::move(generator)),
      options_(o) {
  if (o.batch_size < 1) fail_option("batch_size", o.batch_size, "positive");
  if (o.num_workers < 0 || o.num_workers > kMaxWorkers) {
    fail_option("num_workers", o.num_workers, cat("in [0, ", kMaxWorkers, "]"));
  }
  if (o.prefetch_factor < 1 || o.prefetch_factor > kMaxPrefetch) {
    fail_option("prefetch_factor", o.prefetch_factor, cat("in [1, ", kMaxPrefetch, "]"));
  }
  if (!(o.timeout >= 0) || !std::isfinite(o.timeout)) {
    fail_option("timeout", o.timeout, "a number of seconds, not negative");
  }
  if (o.persistent_workers && o.num_workers == 0) {
    fail(Status::kInvalidArgument,
         "DataLoader: bad option: persistent_workers without workers: set num_workers, too");
  }
  if (dataset_->iterated() && (sampler_ || o.shuffle)) {
    fail(Status::kInvalidArgument, "DataLoader: bad option: ", sampler_ ? "a sampler" : "shuffle",
         " for an iterated data set: its samples come in their own order");
  }
  if (sampler_ && o.shuffle) {
    fail(Status::kInvalidArgument,
         "DataLoader: bad option: shuffle beside a sampler: only one can say the order");
  }
  if (sampler_ && sampler_->of_batches() && (o.batch_size != 1 || o.drop_last)) {
    fail(Status::kInvalidArgument,
         "DataLoader: bad option: batch_size or drop_last beside a sampler of batches: it decides "
         "about both");
  }
  if (o.shuffle) make_sampler();  // refuses what has no samples
}

DataLoader::~DataLoader() {
  epoch_.reset();
  if (!workers_) return;
  if (forked()) {
    abandon(std::move(workers_));
  } else {
    Workers::stop(workers_);
  }
}

bool DataLoader::forked() const { return workers_ && process_ != process_id(); }

DataLoader::Turn::Turn(DataLoader& l) : loader_(l) {
  const auto here = std::this_thread::get_id();
  std::unique_lock lock(l.turn_);
  if ((l.in_use_ && l.user_ == here) || Workers::is_here(&l)) {
    fail(
        Status::kState,
        "DataLoader: called from its own callback: a batch is being made: wait for it to be given");
  }
  l.turn_over_.wait(lock, [&] { return !l.in_use_; });
  l.in_use_ = true;
  l.user_ = here;
}

DataLoader::Turn::~Turn() {
  {
    std::lock_guard lock(loader_.turn_);
    loader_.in_use_ = false;
  }
  loader_.turn_over_.notify_one();
}

SamplerRef DataLoader::make_sampler() const {
  SamplerRef s = sampler_;
  if (!s) {
    const int64_t n = dataset_->size();
    s = options_.shuffle ? random_sampler(n, false, 0, generator_) : sequential_sampler(n);
  }
  return s->of_batches() ? s : batch_sampler(std::move(s), options_.batch_size, options_.drop_last);
}

int64_t DataLoader::size() const { return dataset_->iterated() ? -1 : make_sampler()->size(); }

void DataLoader::begin_epoch() {
  auto e = std::make_unique<Epoch>();
  e->plan = std::make_shared<Plan>();
  Plan& p = *e->plan;
  p.dataset = dataset_;
  p.collate = collate_ ? collate_ : Collate(default_collate);
  p.batch_size = options_.batch_size;
  p.drop_last = options_.drop_last;
  e->progress = progress_;
  SamplerRef sampler;
  if (!dataset_->iterated()) {
    sampler = make_sampler();
    e->total = sampler->size();
  }
  // As torch's iterator: the base seed first, and anew unless the workers stay.
  if (workers_) {
    ++seed_epochs_;
  } else {
    int64_t seed;
    fill_random(DType::kInt64, &seed, 1, generator_ ? *generator_ : default_generator());
    base_seed_ = static_cast<uint64_t>(seed);
    seed_epochs_ = 0;
  }
  p.base_seed = base_seed_;
  p.epoch = seed_epochs_;
  p.own_generators = options_.num_workers > 0;
  if (sampler) {
    e->batches = sampler->begin();
  } else {
    p.stream = dataset_->stream();
  }
  const int n = options_.num_workers;
  if (n > 0 && !workers_) {
    Workers::Begin begin;
    if (worker_init_) begin = [f = worker_init_, n](int worker) { f(worker, n); };
    workers_ = Workers::start(n, begin, this);
    process_ = process_id();
  }
  epoch_ = std::move(e);
  if (epoch_->progress) epoch_->progress(0, epoch_->total);
}

void DataLoader::end_epoch(bool stop_workers) {
  epoch_.reset();
  if (!workers_) return;
  if (forked()) return abandon(std::move(workers_));
  if (!stop_workers) return workers_->drop_all();
  Workers::stop(workers_);
  workers_.reset();
}

JobRef DataLoader::new_job() {
  Epoch& e = *epoch_;
  if (e.all_sent) return nullptr;
  auto job = std::make_shared<Job>();
  try {
    e.all_sent = e.batches && !e.batches->next(job->indices);
  } catch (...) {
    e.all_sent = job->done = true;
    job->error = std::current_exception();
    return job;
  }
  if (e.all_sent) return nullptr;
  job->plan = e.plan;
  job->number = e.count++;
  return job;
}

void DataLoader::send() {
  const size_t ahead =
      static_cast<size_t>(options_.num_workers) * static_cast<size_t>(options_.prefetch_factor);
  while (epoch_->sent.size() < ahead) {
    JobRef job = new_job();
    if (!job) return;
    epoch_->sent.push_back(job);
    if (job->done) continue;
    try {
      workers_->add(job);
    } catch (...) {
      job->error = std::current_exception();
      job->done = true;
    }
  }
}

JobRef DataLoader::take() {
  if (options_.num_workers == 0) {
    JobRef job = new_job();
    if (!job || job->done) return job;
    job->read();
    job->make();
    return job;
  }
  if (forked()) {
    fail(Status::kState,
         "DataLoader: forked: the workers of this epoch are threads of the parent: call "
         "mt_data_loader_reset in the child");
  }
  send();
  std::deque<JobRef>& sent = epoch_->sent;
  if (sent.empty()) return nullptr;
  timed_out_ = !workers_->wait(*sent.front(), options_.timeout);
  if (timed_out_) {
    fail(Status::kState, "DataLoader: timed out: batch ", sent.front()->number,
         " was not there after ", options_.timeout,
         " seconds: wait longer, or look for what hangs");
  }
  JobRef job = std::move(sent.front());
  sent.pop_front();
  if (!job->end) send();  // keeps the workers busy while this batch is used
  return job;
}

bool DataLoader::next(Sample& batch) {
  const Ref<DataLoader> alive = Ref<DataLoader>::share(this);  // a callback may free it
  const Turn turn(*this);
  if (!epoch_) begin_epoch();
  JobRef job;
  try {
    job = take();
  } catch (...) {
    if (!timed_out_ && !forked()) end_epoch(true);  // the workers could not begin
    throw;
  }
  if (!job || job->end) {
    end_epoch(!options_.persistent_workers);
    return false;
  }
  if (job->error) std::rethrow_exception(job->error);
  ++epoch_->given;
  if (epoch_->progress) epoch_->progress(epoch_->given, epoch_->total);
  batch = std::move(job->batch);
  return true;
}

void DataLoader::reset() {
  const Ref<DataLoader> alive = Ref<DataLoader>::share(this);
  const Turn turn(*this);
  end_epoch(!options_.persistent_workers);
}

void DataLoader::set_collate(Collate f) {
  const Turn turn(*this);
  std::swap(collate_, f);
}
void DataLoader::set_worker_init(WorkerInit f) {
  const Turn turn(*this);
  std::swap(worker_init_, f);
}
void DataLoader::set_progress(Progress f) {
  const Turn turn(*this);
  std::swap(progress_, f);
}

}  // namespace mt::data
