// The Mersenne Twister (Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally
// equidistributed uniform pseudo-random number generator", 1998; seeding of their 2002 revision),
// stepped and tempered with SIMD, and the layout of PyTorch's saved state.
#include "core/random.h"

#include <chrono>
#include <cstring>
#include <exception>
#include <random>
#include <utility>

#include "core/error.h"
#include "core/thread_scope.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/random.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mt {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kWords = 624;
constexpr size_t kShift = 397;

// new word = word `kShift` ahead ^ the twisted upper bit of this and lower 31 bits of the next.
HWY_INLINE uint32_t twist(uint32_t ahead, uint32_t here, uint32_t next) {
  const uint32_t mixed = (here & 0x80000000u) | (next & 0x7FFFFFFFu);
  return ahead ^ (mixed >> 1) ^ ((next & 1) != 0 ? 0x9908B0DFu : 0u);
}

// Steps words [begin, end), with `offset` from a word to the one `kShift` ahead of it (mod kWords).
// No word of a vector depends on another of the same vector: the distances are 1 ahead, which is
// read before it is written, and at least 227 behind.
HWY_INLINE void twist_range(uint32_t* HWY_RESTRICT words, size_t begin, size_t end,
                            ptrdiff_t offset) {
  const hn::ScalableTag<uint32_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto upper = hn::Set(d, 0x80000000u);
  const auto matrix = hn::Set(d, 0x9908B0DFu);
  const auto one = hn::Set(d, 1u);
  size_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    const auto here = hn::LoadU(d, words + i);
    const auto next = hn::LoadU(d, words + i + 1);
    const auto ahead = hn::LoadU(d, words + (static_cast<ptrdiff_t>(i) + offset));
    const auto mixed = hn::Or(hn::And(here, upper), hn::AndNot(upper, next));
    const auto odd = hn::Eq(hn::And(next, one), one);
    const auto twisted = hn::Xor(hn::ShiftRight<1>(mixed), hn::IfThenElseZero(odd, matrix));
    hn::StoreU(hn::Xor(ahead, twisted), d, words + i);
  }
  for (; i < end; ++i) {
    words[i] = twist(words[static_cast<ptrdiff_t>(i) + offset], words[i], words[i + 1]);
  }
}

void step_words(uint32_t* HWY_RESTRICT words) {
  constexpr size_t kWrap = kWords - kShift;
  twist_range(words, 0, kWrap, static_cast<ptrdiff_t>(kShift));
  twist_range(words, kWrap, kWords - 1, -static_cast<ptrdiff_t>(kWrap));
  words[kWords - 1] = twist(words[kShift - 1], words[kWords - 1], words[0]);
}

void temper(const uint32_t* HWY_RESTRICT words, uint32_t* HWY_RESTRICT out, size_t n) {
  const hn::ScalableTag<uint32_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto mask7 = hn::Set(d, 0x9D2C5680u);
  const auto mask15 = hn::Set(d, 0xEFC60000u);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto y = hn::LoadU(d, words + i);
    y = hn::Xor(y, hn::ShiftRight<11>(y));
    y = hn::Xor(y, hn::And(hn::ShiftLeft<7>(y), mask7));
    y = hn::Xor(y, hn::And(hn::ShiftLeft<15>(y), mask15));
    hn::StoreU(hn::Xor(y, hn::ShiftRight<18>(y)), d, out + i);
  }
  for (; i < n; ++i) {
    uint32_t y = words[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    out[i] = y ^ (y >> 18);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mt
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mt {
namespace {

HWY_EXPORT(step_words);
HWY_EXPORT(temper);

// PyTorch's saved state as a C struct; the padding is part of the layout and is written as zero.
struct SavedState {
  uint64_t seed;
  int32_t left;
  int32_t seeded;
  uint64_t next;
  uint64_t words[624];  // 32 bits used of each
  double unused_x;
  double double_normal;
  double unused_rho;
  int32_t has_double_normal;
  int32_t padding;
  float float_normal;
  uint8_t has_float_normal;
  uint8_t padding_end[3];
};
static_assert(sizeof(SavedState) == Generator::kStateBytes);

// 53 bits, as torch.seed(): the seed survives a trip through a double.
uint64_t system_seed() {
  constexpr uint64_t kMask = (uint64_t{1} << 53) - 1;
  try {
    std::random_device device;
    const uint64_t upper = device();
    return ((upper << 32) + device()) & kMask;
  } catch (const std::exception&) {  // no source of randomness, as in a bare chroot: the clock
    const auto now = std::chrono::high_resolution_clock::now().time_since_epoch().count();
    std::seed_seq mixer{static_cast<uint32_t>(now),
                        static_cast<uint32_t>(static_cast<uint64_t>(now) >> 32)};
    uint32_t words[2];
    mixer.generate(words, words + 2);
    return ((static_cast<uint64_t>(words[0]) << 32) + words[1]) & kMask;
  }
}

}  // namespace

void Generator::reseed(uint64_t seed) {
  seed_ = seed;
  words_[0] = static_cast<uint32_t>(seed);  // the twister has 32 bits of seed
  for (uint32_t i = 1; i < kWords; ++i) {
    words_[i] = 1812433253u * (words_[i - 1] ^ (words_[i - 1] >> 30)) + i;
  }
  left_ = 1;
  next_ = 0;
  next_float_normal_.reset();
  next_double_normal_.reset();
}

void Generator::next_words() {
  HWY_DYNAMIC_DISPATCH(step_words)(words_);
  left_ = kWords;
  next_ = 0;
}

void Generator::fill_random(uint32_t* out, size_t n) {
  while (n > 0) {
    if (left_ == 1) {
      next_words();
      ++left_;  // next_words counts the draw that it is made for as taken
    }
    const size_t available = static_cast<size_t>(left_ - 1);
    const size_t taken = n < available ? n : available;
    HWY_DYNAMIC_DISPATCH(temper)(words_ + next_, out, taken);
    left_ -= static_cast<int32_t>(taken);
    next_ += static_cast<uint32_t>(taken);
    out += taken;
    n -= taken;
  }
}

uint64_t Generator::initial_seed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return seed_;
}

void Generator::manual_seed(uint64_t seed) {
  std::lock_guard<std::mutex> lock(mutex_);
  reseed(seed);
}

uint64_t Generator::seed() {
  const uint64_t value = system_seed();
  manual_seed(value);
  return value;
}

Generator::State Generator::get_state() const {
  SavedState saved{};
  {
    std::lock_guard<std::mutex> lock(mutex_);
    saved.seed = seed_;
    saved.left = left_;
    saved.seeded = 1;
    saved.next = next_;
    for (int i = 0; i < kWords; ++i) saved.words[i] = words_[i];
    saved.double_normal = next_double_normal_.value_or(0);
    saved.has_double_normal = next_double_normal_.has_value();
    saved.float_normal = next_float_normal_.value_or(0);
    saved.has_float_normal = next_float_normal_.has_value();
  }
  State state;
  std::memcpy(state.data(), &saved, sizeof saved);
  return state;
}

void Generator::set_state(const void* bytes, size_t size) {
  if (size != kStateBytes) {
    fail(Status::kInvalidArgument, "set_rng_state: wrong size: ", size,
         " bytes given: a state has ", kStateBytes, " bytes; pass what get_rng_state gave");
  }
  SavedState saved;
  std::memcpy(&saved, bytes, sizeof saved);
  // Beyond PyTorch's own checks: the unread words must lie inside the array.
  const bool usable = saved.seeded != 0 && saved.left >= 1 && saved.left <= kWords &&
                      saved.next <= static_cast<uint64_t>(kWords) &&
                      static_cast<uint64_t>(saved.left - 1) + saved.next <= kWords;
  if (!usable) {
    fail(Status::kInvalidArgument, "set_rng_state: damaged state: seeded ", saved.seeded, ", left ",
         saved.left, ", next ", saved.next,
         ": a state is seeded, with left in [1, 624] and left - 1 + next at most 624; pass what "
         "get_rng_state gave");
  }
  std::lock_guard<std::mutex> lock(mutex_);
  seed_ = saved.seed;
  left_ = saved.left;
  next_ = static_cast<uint32_t>(saved.next);
  for (int i = 0; i < kWords; ++i) words_[i] = static_cast<uint32_t>(saved.words[i]);
  next_float_normal_.reset();
  next_double_normal_.reset();
  if (saved.has_float_normal != 0) next_float_normal_ = saved.float_normal;
  if (saved.has_double_normal != 0) next_double_normal_ = saved.double_normal;
}

namespace {
thread_local Generator* t_generator = nullptr;
}

Generator& default_generator() {
  if (t_generator) return *t_generator;
  static Generator generator;
  return generator;
}

Generator* set_thread_generator(Generator* generator) {
  return std::exchange(t_generator, generator);
}

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }
uint64_t initial_seed() { return default_generator().initial_seed(); }
uint64_t seed() { return default_generator().seed(); }

}  // namespace mt
#endif  // HWY_ONCE
