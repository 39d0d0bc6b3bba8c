// Options of layers by name: their text forms, as Python prints and reads the values; and copies of
// modules.
#include "nn/layer.h"

#include <charconv>
#include <unordered_map>

#include "core/format.h"
#include "nn/module_walk.h"
#include "ops/common.h"
#include "ops/loss.h"
#include "ops/view.h"

namespace mt {
namespace {

template <class T>
T& member(void* values, const OptionField& f) {
  return *reinterpret_cast<T*>(static_cast<char*>(values) + f.offset);
}

constexpr const char* kReductions[] = {"none", "mean", "sum"};

bool read_number(std::string_view text, int64_t& v) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_number(std::string_view text, double& v) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size();
}

// As torch's default is written ("20" for 20.0) when it is that, else as Python prints a float.
std::string float_text(double v, const OptionField& f) {
  double fallback = 0;
  if (f.fallback && read_number(f.fallback, fallback) && fallback == v) return f.fallback;
  return format_number(v);
}

template <class List, class Text>
std::string list_text(const List& list, const OptionField& f, const Text& text) {
  if (list.empty()) return f.kind == FieldKind::kShape ? "()" : "None";
  if (list.size() == 1 && f.count == 0 && f.kind != FieldKind::kShape) return text(list[0]);
  std::string out = "(";
  for (size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ", ") + text(list[i]);
  return out + (list.size() == 1 ? ",)" : ")");
}

std::string text_of(void* values, const OptionField& f) {
  switch (f.kind) {
    case FieldKind::kInt:
      return std::to_string(member<int64_t>(values, f));
    case FieldKind::kFloat:
      return float_text(member<double>(values, f), f);
    case FieldKind::kBool:
      return member<bool>(values, f) ? "True" : "False";
    case FieldKind::kOptionalInt: {
      const auto& v = member<std::optional<int64_t>>(values, f);
      return v ? std::to_string(*v) : "None";
    }
    case FieldKind::kOptionalFloat: {
      const auto& v = member<std::optional<double>>(values, f);
      return v ? float_text(*v, f) : "None";
    }
    case FieldKind::kString:
      return member<std::string>(values, f);
    case FieldKind::kReduction:
      return kReductions[static_cast<int>(member<Reduction>(values, f))];
    case FieldKind::kInts:
    case FieldKind::kShape:
    case FieldKind::kSizes:
      return list_text(member<std::vector<int64_t>>(values, f), f, [&](int64_t v) {
        return v == -1 && f.kind == FieldKind::kSizes ? "None" : std::to_string(v);
      });
    case FieldKind::kFloats:
      return list_text(member<std::vector<double>>(values, f), f,
                       [&](double v) { return float_text(v, f); });
  }
  return {};
}

template <class T>
bool read_list(std::string_view text, std::vector<T>& out) {
  if (text == "None") return true;
  if (text.size() >= 2 && (text.front() == '(' || text.front() == '[')) {
    text = text.substr(1, text.size() - 2);
  }
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.empty() && text.empty()) break;  // "(1,)"
    T v{};
    if (part == "None") {
      v = static_cast<T>(-1);
    } else if (!read_number(part, v)) {
      return false;
    }
    out.push_back(v);
  }
  return true;
}

template <class T>
bool read_into(std::optional<T>& out, std::string_view text) {
  T v{};
  if (text != "None" && !read_number(text, v)) return false;
  out = text == "None" ? std::nullopt : std::optional<T>(v);
  return true;
}

template <class T>
bool read_into(std::vector<T>& out, std::string_view text) {
  std::vector<T> list;
  if (!read_list(text, list)) return false;
  out = std::move(list);
  return true;
}

bool read_option(void* values, const OptionField& f, std::string_view text) {
  switch (f.kind) {
    case FieldKind::kInt:
      return read_number(text, member<int64_t>(values, f));
    case FieldKind::kFloat:
      return read_number(text, member<double>(values, f));
    case FieldKind::kBool:
      member<bool>(values, f) = text == "True" || text == "true" || text == "1";
      return member<bool>(values, f) || text == "False" || text == "false" || text == "0";
    case FieldKind::kOptionalInt:
      return read_into(member<std::optional<int64_t>>(values, f), text);
    case FieldKind::kOptionalFloat:
      return read_into(member<std::optional<double>>(values, f), text);
    case FieldKind::kString:
      member<std::string>(values, f) = text;
      return true;
    case FieldKind::kReduction:
      for (int i = 0; i < 3; ++i) {
        if (text != kReductions[i]) continue;
        member<Reduction>(values, f) = static_cast<Reduction>(i);
        return true;
      }
      return false;
    case FieldKind::kInts:
    case FieldKind::kShape:
    case FieldKind::kSizes:
      return read_into(member<std::vector<int64_t>>(values, f), text);
    case FieldKind::kFloats:
      return read_into(member<std::vector<double>>(values, f), text);
  }
  return false;
}

const char* kind_text(FieldKind kind) {
  constexpr const char* kTexts[] = {"an integer",
                                    "a number",
                                    "True or False",
                                    "an integer or None",
                                    "a number or None",
                                    "a text",
                                    "none, mean or sum",
                                    "integers such as (1, 2)",
                                    "integers such as (1, 2)",
                                    "integers or None, such as (1, None)",
                                    "numbers such as (0.5, 2.0)"};
  return kTexts[static_cast<int>(kind)];
}

const OptionField* find_field(const OptionView& view, std::string_view name) {
  if (!view.info) return nullptr;
  for (const OptionField& f : view.info->fields) {
    if (name == f.name) return &f;
  }
  return nullptr;
}

const OptionField& field(const Module& m, const OptionView& view, const char* op,
                         std::string_view name) {
  const OptionField* f = find_field(view, name);
  if (!f) {
    std::string all;
    for (const std::string& n : m.option_names()) all += (all.empty() ? "" : ", ") + n;
    fail(Status::kKey, op, ": not found: '", name, "': ", m.type_name(), " has ",
         all.empty() ? "no options" : "the options " + all);
  }
  return *f;
}

bool is_default(void* values, const OptionField& f, const std::string& text) {
  if (!f.fallback) return false;
  int64_t number = 0;
  if (f.kind == FieldKind::kInts && read_number(f.fallback, number)) {
    for (const int64_t v : member<std::vector<int64_t>>(values, f)) {
      if (v != number) return false;
    }
    return true;
  }
  return text == f.fallback;
}

template <class T>
void expand(std::vector<T>& list, const LayerInfo& info, const OptionField& f) {
  const auto count = static_cast<size_t>(f.count);
  if (list.size() == 1) list.assign(count, list[0]);
  if (list.size() != count && !(list.empty() && f.fallback)) {
    fail(Status::kInvalidArgument, info.type_name, ": count mismatch: ", f.name, " has ",
         list.size(), " numbers: ", f.count, " are needed, or one for all dims");
  }
}

}  // namespace

namespace nn {

void complete_options(OptionView options) {
  for (const OptionField& f : options.info->fields) {
    if (f.kind == FieldKind::kFloats) {
      if (f.count != 0) expand(member<std::vector<double>>(options.values, f), *options.info, f);
      continue;
    }
    if (f.kind != FieldKind::kInts && f.kind != FieldKind::kSizes) continue;
    auto& list = member<std::vector<int64_t>>(options.values, f);
    if (list.empty() && f.fallback && f.fallback[0] == '@') {
      list = member<std::vector<int64_t>>(options.values, *find_field(options, f.fallback + 1));
    }
    int64_t number = 0;
    if (list.empty() && f.count != 0 && f.fallback && read_number(f.fallback, number)) {
      list.push_back(number);
    }
    if (f.count != 0) expand(list, *options.info, f);
  }
}

std::string print_options(const Module& m, OptionView options) {
  std::string out, part;
  std::string* to = &out;
  bool shown = true;
  for (const char* p = options.info->repr; *p; ++p) {
    if (*p == '[') {
      part.clear();
      to = &part;
      shown = false;
    } else if (*p == ']') {
      if (shown) out += out.empty() && part.starts_with(", ") ? part.substr(2) : part;
      to = &out;
      shown = true;
    } else if (*p == '{') {
      std::string_view name(p + 1, static_cast<size_t>(std::string_view(p).find('}')) - 1);
      p += name.size() + 1;
      const bool quoted = name.ends_with("!r");
      if (quoted) name.remove_suffix(2);
      const OptionField& f = *find_field(options, name);
      std::string text = text_of(options.values, f);
      // A flag that says whether there is a parameter shows what is there now.
      for (const auto& [parameter, t] : m.own_parameters()) {
        if (parameter == name && f.kind == FieldKind::kBool) text = t.defined() ? "True" : "False";
      }
      if (!is_default(options.values, f, text)) shown = true;
      *to += quoted ? "'" + text + "'" : text;
    } else {
      *to += *p;
    }
  }
  return out;
}

}  // namespace nn

OptionView Module::option_view() const { return {}; }

std::string Module::extra_repr() const {
  const OptionView view = option_view();
  return view.info ? nn::print_options(*this, view) : std::string();
}

std::vector<std::string> Module::option_names() const {
  std::vector<std::string> names;
  const OptionView view = option_view();
  if (!view.info) return names;
  for (const OptionField& f : view.info->fields) names.emplace_back(f.name);
  return names;
}

std::string Module::get_option(std::string_view name) const {
  const OptionView view = option_view();
  return text_of(view.values, field(*this, view, "get_option", name));
}

void Module::set_option(std::string_view name, std::string_view text) {
  const OptionView view = option_view();
  const OptionField& f = field(*this, view, "set_option", name);
  const std::string before = text_of(view.values, f);
  if (!read_option(view.values, f, text)) {
    read_option(view.values, f, before);
    fail(Status::kInvalidArgument, "set_option: bad value: '", text, "' for ", name, " of ",
         type_name_, ": must be ", kind_text(f.kind));
  }
  try {
    nn::complete_options(view);
  } catch (...) {
    read_option(view.values, f, before);
    throw;
  }
}

ModuleRef Module::copy() const {
  fail(Status::kNotImplemented, "copy: not implemented: ", type_name_,
       ": modules of this class cannot be copied");
}

namespace {

class Cloning {
 public:
  ModuleRef of(const Module& m) {
    const Nesting level("clone");
    if (const auto it = modules_.find(&m); it != modules_.end()) return it->second;
    ModuleRef made = m.copy();
    modules_[&m] = made;
    ModuleWalk::replace_tensors(*made,
                                [&](const Tensor& t, bool parameter) { return of(t, parameter); });
    for (const auto& [name, child] : m.children()) {
      made->register_module(name, child ? of(*child) : ModuleRef());
    }
    return made;
  }

 private:
  Tensor of(const Tensor& t, bool parameter) {
    if (!t.defined()) return t;
    Tensor& made = tensors_[t.impl()];
    if (!made.defined()) {
      made = mt::clone(detach(t));
      if (parameter) {
        made = make_parameter(made, t.requires_grad());
      } else if (t.requires_grad()) {
        set_requires_grad(made, true);
      }
    }
    return made;
  }

  std::unordered_map<const Module*, ModuleRef> modules_;
  std::unordered_map<const TensorImpl*, Tensor> tensors_;
};

}  // namespace

ModuleRef Module::clone() const {
  GradMode off(false);
  return Cloning().of(*this);
}

}  // namespace mt
