// Random numbers: the Mersenne Twister mt19937 with PyTorch's seeding, word order and saved state,
// so that the same seed gives the same bits as torch.Generator("cpu"). Distributions over it are in
// kernels/random.h.
//
// Thread rule: one generator may be used from any thread. initial_seed, manual_seed, seed,
// get_state and set_state lock it themselves. The drawing members (random, random64, fill_random,
// the normal caches) do not: their caller holds mutex() for the whole of a draw, so that what one
// call draws is one uninterrupted piece of the stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace mt {

class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;  // torch.Generator()'s
  static constexpr size_t kStateBytes = 5056;
  using State = std::array<uint8_t, kStateBytes>;

  explicit Generator(uint64_t seed = kDefaultSeed) { reseed(seed); }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  uint64_t initial_seed() const;    // the last seed set; kept by get_state and set_state
  void manual_seed(uint64_t seed);  // also forgets the cached normals
  uint64_t seed();                  // seeds from the system's randomness; returns that seed

  // The bytes of torch.get_rng_state() of PyTorch 1.13 to 2.x on a 64-bit machine, both ways.
  // set_state changes nothing and throws kInvalidArgument unless they are a usable state.
  State get_state() const;
  void set_state(const void* bytes, size_t size);

  std::mutex& mutex() const { return mutex_; }

  // Everything below needs mutex() held.

  uint32_t random() {
    if (--left_ == 0) next_words();
    uint32_t y = words_[next_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    return y ^ (y >> 18);
  }
  // Two draws, the first in the upper half.
  uint64_t random64() {
    const uint64_t upper = random();
    return (upper << 32) | random();
  }
  // The same as n calls of random(), several times as fast.
  void fill_random(uint32_t* out, size_t n);

  // Box-Muller makes normals in pairs; the second of a pair waits here for the next call.
  std::optional<float> next_float_normal_sample() const { return next_float_normal_; }
  std::optional<double> next_double_normal_sample() const { return next_double_normal_; }
  void set_next_float_normal_sample(std::optional<float> x) { next_float_normal_ = x; }
  void set_next_double_normal_sample(std::optional<double> x) { next_double_normal_ = x; }

 private:
  static constexpr int kWords = 624;

  void reseed(uint64_t seed);
  void next_words();

  mutable std::mutex mutex_;
  uint64_t seed_;
  int32_t left_;   // words not yet given out, plus one
  uint32_t next_;  // the next word to give out
  uint32_t words_[kWords];
  std::optional<float> next_float_normal_;
  std::optional<double> next_double_normal_;
};

// The one generator of the process that draws are taken from when none is named. It starts from
// Generator::kDefaultSeed.
Generator& default_generator();

// torch.manual_seed, torch.initial_seed and torch.seed: of the default generator.
void manual_seed(uint64_t seed);
uint64_t initial_seed();
uint64_t seed();

}  // namespace mt
