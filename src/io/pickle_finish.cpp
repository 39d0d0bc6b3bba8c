// The end of unpickling: the tree is checked as a whole before anybody sees it. See pickle.h.
#include <algorithm>

#include "io/pickle_machine.h"
#include "io/safetensors_header.h"

namespace mt {
namespace pickle {
namespace {

bool hashable_items(const Value& v) {
  return std::all_of(v.items().begin(), v.items().end(),
                     [](const ValueRef& item) { return is_hashable(*item); });
}

}  // namespace

// The state that only the machine knows must be gone from what it gives.
void Machine::settle(Value& v) {
  switch (v.kind()) {
    case ValueKind::kGlobal: {
      const Global& g = global_of(v);
      if (host_ && host_->names_classes()) {
        v.become(ValueKind::kString, std::string(g.name));
        return;
      }
      unsupported(cat("the Python class '", g.module, ".", g.name, "' as a value"), {});
    }
    case ValueKind::kStorage: {  // saved without a tensor: all of it as one
      const Tensor t = v.tensor();
      v.become(ValueKind::kTensor, t);
      return;
    }
    case ValueKind::kNumpyDType:
    case ValueKind::kNumpyArray:
      bad("an unfinished NumPy object", "must be given its state");
    case ValueKind::kSet:
      if (!hashable_items(v)) bad("an item of a set that cannot be one", "must be plain values");
      return;
    case ValueKind::kDict: {
      Value::Items& items = v.items();
      std::unordered_map<std::string, size_t> seen;
      size_t to = 0;
      for (size_t i = 0; i < items.size(); i += 2) {
        if (!is_hashable(*items[i])) {
          bad(cat("a ", value_kind_name(items[i]->kind()), " as a key of a dict"),
              "keys must be numbers, strings, bytes, None or tuples of them");
        }
        const auto [it, fresh] = seen.emplace(key_text(*items[i]), to);
        if (!fresh) {
          items[it->second + 1] = std::move(items[i + 1]);
          continue;
        }
        if (to != i) {
          items[to] = std::move(items[i]);
          items[to + 1] = std::move(items[i + 1]);
        }
        to += 2;
      }
      items.resize(to);
      return;
    }
    default:
      return;
  }
}

// Walks the result once: no cycles, no great depth, only kinds of finished values.
ValueRef Machine::finish(ValueRef root) {
  constexpr int kOpen = -1;
  std::unordered_map<const Value*, int> heights;  // of containers; kOpen while inside
  struct Frame {
    Value* v;
    size_t next;
    int height;
  };
  std::vector<Frame> path;
  const auto enter = [&](Value& v) {
    settle(v);
    if (!v.is_container()) return 0;
    const auto [it, fresh] = heights.emplace(&v, kOpen);
    if (!fresh) {
      if (it->second == kOpen) {
        unsupported("a container that holds itself", "values with cycles cannot be loaded");
      }
      return it->second;
    }
    path.push_back({&v, 0, 0});
    if (path.size() > static_cast<size_t>(kMaxValueDepth)) {
      unsupported(cat("containers nested deeper than ", kMaxValueDepth), "must be less deep");
    }
    return 0;
  };
  enter(*root);
  while (!path.empty()) {
    Frame& f = path.back();
    const size_t n = f.v->items().size() + (f.v->attributes() ? 1 : 0);
    if (f.next < n) {
      Value& child = f.next < f.v->items().size() ? *f.v->items()[f.next] : *f.v->attributes();
      ++f.next;
      const size_t depth = path.size();
      const int height = enter(child);
      path[depth - 1].height = std::max(path[depth - 1].height, height);
      continue;
    }
    const int height = f.height + 1;
    heights[f.v] = height;
    path.pop_back();
    if (height > kMaxValueDepth) {
      unsupported(cat("containers nested deeper than ", kMaxValueDepth), "must be less deep");
    }
    if (!path.empty()) path.back().height = std::max(path.back().height, height);
  }
  std::erase_if(containers_, [&](const ValueRef& c) { return heights.count(c.get()) != 0; });
  return root;
}

}  // namespace pickle

bool is_utf8(std::string_view s) {
  // A NUL is a character like others here; the names of other formats forbid it.
  while (true) {
    const size_t nul = s.find('\0');
    if (!safetensors::is_text(s.substr(0, nul))) return false;
    if (nul == std::string_view::npos) return true;
    s.remove_prefix(nul + 1);
  }
}

}  // namespace mt
