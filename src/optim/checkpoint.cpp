// Saving and loading of checkpoints; see checkpoint.h.
#include "optim/checkpoint.h"

#include <cstring>
#include <map>

#include "ops/common.h"

namespace mt {
namespace {

constexpr const char* kVersionKey = "minitorch.checkpoint";
constexpr const char* kChecksumKey = "minitorch.checksum";

// Of everything that is saved. Each word enters by a step that can be undone, so that damage to one
// word is always found.
class Checksum {
 public:
  void add(const void* data, size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; n >= 8; n -= 8, p += 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      mix(word);
    }
    uint64_t rest = n;
    for (size_t i = 0; i < n; ++i) rest = rest << 8 | p[i];
    mix(rest);
  }
  void add(std::string_view text) { add(text.data(), text.size()); }
  std::string text() const {
    std::string out;
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[sum_ >> shift & 15];
    return out;
  }

 private:
  void mix(uint64_t word) {
    sum_ = (sum_ ^ word) * 0x9E3779B97F4A7C15u;
    sum_ ^= sum_ >> 32;
  }
  uint64_t sum_ = 0x243F6A8885A308D3u;
};

std::string checksum_of(const NamedTensors& entries, const StringMap& metadata) {
  Checksum sum;
  for (const auto& [name, t] : entries) {
    sum.add(cat(name, " ", dtype_name(t.dtype()), " ", shape_string(t.sizes())));
    if (t.is_meta()) continue;  // refused when it is saved
    const Tensor flat = contiguous_values(t);
    sum.add(flat.data(), flat.bytes());
  }
  for (const auto& [key, value] : metadata) {
    sum.add(key);
    sum.add(value);
  }
  return sum.text();
}

Tensor state_tensor(const Generator& g) {
  const Generator::State state = g.get_state();
  Tensor t = Tensor::empty({{static_cast<int64_t>(state.size())}}, DType::kUInt8);
  std::memcpy(t.data(), state.data(), state.size());
  return t;
}

// The entries of a loaded file by the part they belong to.
class Parts {
 public:
  Parts(const std::string& path, NamedTensors entries) : path_(path) {
    for (auto& [name, t] : entries) {
      const size_t dot = name.find('.');
      std::string part = name.substr(0, dot);
      std::string rest = dot == std::string::npos ? "" : name.substr(dot + 1);
      if (part == "optimizer" || part == "scheduler") {
        const size_t end = rest.find('.');
        if (end == std::string::npos) unexpected(name);
        part += "." + rest.substr(0, end);
        rest = rest.substr(end + 1);
      } else if (part == "generator") {
        part = name;
        rest.clear();
      } else if (part != "model" && part != "user" && name != "rng_state" && name != "epoch" &&
                 name != "step") {
        unexpected(name);
      }
      parts_[part].emplace_back(std::move(rest), std::move(t));
    }
  }
  bool has(const std::string& part) const { return parts_.contains(part); }
  const NamedTensors& get(const std::string& part) const {
    static const NamedTensors none;
    const auto it = parts_.find(part);
    return it == parts_.end() ? none : it->second;
  }
  void require(const std::string& part) const {
    if (has(part)) return;
    fail(Status::kState, "load_checkpoint: missing part: '", path_, "' has no ", part,
         ": it was saved without; do not ask for it");
  }
  void check_count(const char* kind, size_t given) const {
    for (size_t i = 0; i < given; ++i) require(cat(kind, ".", i));
    if (given != 0 && has(cat(kind, ".", given))) {
      fail(Status::kState, "load_checkpoint: count mismatch: '", path_, "' has more than the ",
           given, " ", kind, "s given: give as many as were saved, or none");
    }
  }
  int64_t count(const char* part) const {
    require(part);
    const Tensor& t = get(part)[0].second;
    if (t.numel() != 1 || t.dtype() != DType::kInt64) unexpected(part);
    return t.item("load_checkpoint").to_int();
  }

 private:
  [[noreturn]] void unexpected(const std::string& name) const {
    fail(Status::kFormat, "load_checkpoint: not a checkpoint: '", path_, "' has an entry '", name,
         "' that does not belong in one: save_checkpoint writes them");
  }

  std::string path_;
  std::map<std::string, NamedTensors> parts_;
};

}  // namespace

void save_checkpoint(const std::string& path, const Checkpoint& c) {
  NamedTensors all;
  const auto add = [&](const std::string& prefix, const NamedTensors& entries) {
    for (const auto& [name, t] : entries) all.emplace_back(prefix + name, t);
  };
  all.emplace_back("epoch", Tensor::from_scalar(c.epoch, DType::kInt64));
  all.emplace_back("step", Tensor::from_scalar(c.step, DType::kInt64));
  if (c.model) add("model.", c.model->state_dict());
  for (size_t i = 0; i < c.optimizers.size(); ++i) {
    add(cat("optimizer.", i, "."), c.optimizers[i]->state_dict());
  }
  for (size_t i = 0; i < c.schedulers.size(); ++i) {
    add(cat("scheduler.", i, "."), c.schedulers[i]->state_dict());
  }
  for (size_t i = 0; i < c.generators.size(); ++i) {
    all.emplace_back(cat("generator.", i), state_tensor(*c.generators[i]));
  }
  if (c.rng_state) all.emplace_back("rng_state", state_tensor(default_generator()));
  add("user.", c.tensors);
  StringMap metadata = {{kVersionKey, "1"}, {kChecksumKey, checksum_of(all, c.metadata)}};
  for (const auto& [key, value] : c.metadata) {
    if (key.starts_with("minitorch.")) {
      fail(Status::kInvalidArgument, "save_checkpoint: reserved key: metadata '", key,
           "': must not start with 'minitorch.'");
    }
    metadata.emplace_back(key, value);
  }
  save_safetensors(path, all, metadata);
}

void load_checkpoint(const std::string& path, Checkpoint& c) {
  StringMap metadata;
  NamedTensors entries = load_safetensors(path, &metadata);
  const std::pair<std::string, std::string> version(kVersionKey, "1");
  if (metadata.size() < 2 || metadata[0] != version || metadata[1].first != kChecksumKey) {
    fail(Status::kFormat, "load_checkpoint: not a checkpoint: '", path, "': it is safetensors, ",
         "but not written by save_checkpoint of a version that this one knows");
  }
  const std::string checksum = metadata[1].second;
  metadata.erase(metadata.begin(), metadata.begin() + 2);
  if (checksum_of(entries, metadata) != checksum) {
    fail(Status::kFormat, "load_checkpoint: damaged: '", path,
         "': its checksum does not fit its content: it was changed after it was written");
  }
  const Parts parts(path, std::move(entries));

  // Everything that can fail comes first; the model's own loading changes all or nothing.
  const int64_t epoch = parts.count("epoch"), step = parts.count("step");
  parts.check_count("optimizer", c.optimizers.size());
  parts.check_count("scheduler", c.schedulers.size());
  parts.check_count("generator", c.generators.size());
  if (c.rng_state) parts.require("rng_state");
  std::vector<Optimizer::State> optimizers;
  for (size_t i = 0; i < c.optimizers.size(); ++i) {
    optimizers.push_back(c.optimizers[i]->parse_state(parts.get(cat("optimizer.", i))));
  }
  std::vector<Scheduler::State> schedulers;
  for (size_t i = 0; i < c.schedulers.size(); ++i) {
    schedulers.push_back(c.schedulers[i]->parse_state(parts.get(cat("scheduler.", i))));
  }
  std::vector<std::pair<Generator*, Tensor>> generators;
  for (size_t i = 0; i < c.generators.size(); ++i) {
    generators.emplace_back(c.generators[i], parts.get(cat("generator.", i))[0].second);
  }
  if (c.rng_state) {
    generators.emplace_back(&default_generator(), parts.get("rng_state")[0].second);
  }
  for (const auto& [generator, state] : generators) {
    Generator().set_state(state.data(), state.bytes());
  }
  NamedTensors tensors = parts.get("user");
  if (c.model) c.model->load_state_dict(parts.get("model"));

  for (size_t i = 0; i < optimizers.size(); ++i) c.optimizers[i]->adopt(std::move(optimizers[i]));
  for (Scheduler::State& s : schedulers) Scheduler::adopt(std::move(s));
  for (const auto& [generator, state] : generators) {
    generator->set_state(state.data(), state.bytes());
  }
  c.epoch = epoch;
  c.step = step;
  c.tensors = std::move(tensors);
  c.metadata = std::move(metadata);
}

}  // namespace mt
