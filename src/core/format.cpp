// PyTorch's tensor printing: one pass over the shown values fixes the notation and the column
// width, a second writes them row by row, and the suffixes follow, wrapped at the line width. Also
// Python's number forms. The rules are those observable in PyTorch 1.13 and are pinned by golden
// texts.
#include "core/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/half.h"
#include "core/shape.h"

namespace mt {
namespace {

std::mutex options_mutex;
PrintOptions current_options;  // guarded by options_mutex

void check_options(const PrintOptions& o) {
  constexpr std::string_view kOp = "set_printoptions: invalid argument: ";
  if (o.precision < 0 || o.precision > PrintOptions::kMaxPrecision) {
    fail(Status::kInvalidArgument, kOp, "precision ", o.precision, ": must be from 0 to ",
         PrintOptions::kMaxPrecision);
  }
  if (std::isnan(o.threshold)) {
    fail(Status::kInvalidArgument, kOp,
         "threshold nan: must be a number; to print every element use inf");
  }
  if (o.edgeitems < 1) {
    fail(Status::kInvalidArgument, kOp, "edgeitems ", o.edgeitems, ": must be at least 1");
  }
  if (o.sci_mode < PrintOptions::kSciAuto || o.sci_mode > PrintOptions::kSciOn) {
    fail(Status::kInvalidArgument, kOp, "sci_mode ", o.sci_mode,
         ": must be -1 (automatic), 0 (off) or 1 (on)");
  }
}

// Python's "{:.Nf}" and "{:.Ne}": like C's, but a NaN shows no sign and no locale is asked.
std::string python_format(double value, std::chars_format notation, int precision) {
  if (std::isnan(value)) return "nan";
  // Sign, point, exponent and the 309 digits that the whole part of a float64 may have.
  char small[400];
  const size_t need = static_cast<size_t>(precision) + 320;
  std::string large;
  char* out = small;
  if (need > sizeof small) {
    large.resize(need);
    out = large.data();
  }
  const size_t room = std::max(need, sizeof small);
  const auto end = std::to_chars(out, out + room, value, notation, precision).ptr;
  return std::string(out, end);
}

template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The element as Python's number. For complex dtypes `part` chooses real (0) or imaginary (1).
double load_double(const char* at, DType dtype, int part) {
  switch (dtype) {
    case DType::kFloat32:
      return static_cast<double>(load<float>(at));
    case DType::kFloat64:
      return load<double>(at);
    case DType::kFloat16:
      return static_cast<double>(half_to_float(load<uint16_t>(at)));
    case DType::kBFloat16:
      return static_cast<double>(bfloat16_to_float(load<uint16_t>(at)));
    case DType::kComplex64:
      return static_cast<double>(load<float>(at + part * 4));
    case DType::kComplex128:
      return load<double>(at + part * 8);
    default:
      return 0.0;
  }
}

std::string integral_text(const char* at, DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return std::to_string(load<int8_t>(at));
    case DType::kInt16:
      return std::to_string(load<int16_t>(at));
    case DType::kInt32:
      return std::to_string(load<int32_t>(at));
    case DType::kInt64:
      return std::to_string(load<int64_t>(at));
    case DType::kUInt8:
      return std::to_string(load<uint8_t>(at));
    case DType::kUInt16:
      return std::to_string(load<uint16_t>(at));
    case DType::kUInt32:
      return std::to_string(load<uint32_t>(at));
    case DType::kUInt64:
      return std::to_string(load<uint64_t>(at));
    default:
      return load<uint8_t>(at) != 0 ? "True" : "False";
  }
}

// Which indices of a dim are shown: all of them, or `edge` at both ends.
struct Shown {
  int64_t size, edge;
  bool cut;
};

struct Printer {
  const StridedView& view;
  const PrintOptions& options;
  bool summarize;

  Shown shown(int dim) const {
    const int64_t size = view.sizes[dim], edge = options.edgeitems;
    return {size, edge, summarize && size > 2 * edge};
  }
  const char* element(const char* at, int dim, int64_t index) const {
    return at + index * view.strides[dim] * static_cast<int64_t>(dtype_size(view.dtype));
  }

  // Calls f(address) for every value that will be shown.
  template <class F>
  void visit(const char* at, int dim, F&& f) const {
    if (dim == view.ndim) {
      f(at);
      return;
    }
    const Shown s = shown(dim);
    for (int64_t i = 0; i < s.size; ++i) {
      if (s.cut && i == s.edge) i = s.size - s.edge;
      visit(element(at, dim, i), dim + 1, f);
    }
  }
};

// The common notation and width of all shown values (of one part, for complex dtypes).
//
// Floats: only finite nonzero values are looked at. If all are whole numbers they print as "1.";
// otherwise with `precision` decimals; with an exponent instead if the largest is over 1e8 or over
// 1000 times the smallest, or (not whole) the smallest is below 1e-4. Zeros, infinities and NaNs do
// not count for the width, so they may stick out of their column, as in PyTorch.
class NumberFormatter {
 public:
  NumberFormatter(const Printer& p, int part)
      : dtype_(p.view.dtype), part_(part), precision_(p.options.precision) {
    const char* base = static_cast<const char*>(p.view.data);
    if (!is_floating(dtype_) && !is_complex(dtype_)) {
      p.visit(base, 0, [&](const char* at) { widen(integral_text(at, dtype_).size()); });
      return;
    }
    bool any = false, whole = true;
    double smallest = 0, largest = 0;
    p.visit(base, 0, [&](const char* at) {
      const double value = load_double(at, dtype_, part_);
      if (value == 0.0 || !std::isfinite(value)) return;
      const double magnitude = std::fabs(value);
      smallest = any ? std::min(smallest, magnitude) : magnitude;
      largest = any ? std::max(largest, magnitude) : magnitude;
      any = true;
      whole = whole && value == std::ceil(value);
    });
    if (!any) return;  // not even sci_mode = on changes the plain form then
    const bool exponent =
        largest / smallest > 1000.0 || largest > 1.0e8 || (!whole && smallest < 1.0e-4);
    form_ = exponent ? Form::kExponent : whole ? Form::kWhole : Form::kFixed;
    p.visit(base, 0, [&](const char* at) {
      const double value = load_double(at, dtype_, part_);
      if (value != 0.0 && std::isfinite(value)) widen(text(value).size());
    });
    // A forced notation leaves the width of the automatic one.
    if (p.options.sci_mode == PrintOptions::kSciOn) form_ = Form::kExponent;
    if (p.options.sci_mode == PrintOptions::kSciOff) form_ = whole ? Form::kWhole : Form::kFixed;
  }

  size_t width() const { return width_; }

  std::string padded(const char* at) const {
    std::string s = is_floating(dtype_) || is_complex(dtype_) ? text(load_double(at, dtype_, part_))
                                                              : integral_text(at, dtype_);
    if (s.size() < width_) s.insert(0, width_ - s.size(), ' ');
    return s;
  }

 private:
  enum class Form { kWhole, kFixed, kExponent };

  void widen(size_t size) { width_ = std::max(width_, size); }

  std::string text(double value) const {
    switch (form_) {
      case Form::kExponent:
        return python_format(value, std::chars_format::scientific, precision_);
      case Form::kFixed:
        return python_format(value, std::chars_format::fixed, precision_);
      case Form::kWhole:
        break;
    }
    std::string s = python_format(value, std::chars_format::fixed, 0);
    if (std::isfinite(value)) s += '.';
    return s;
  }

  DType dtype_;
  int part_;
  int precision_;
  Form form_ = Form::kWhole;
  size_t width_ = 1;
};

// Writes the bracketed values; `indent` is the column of the opening bracket.
class ValueWriter {
 public:
  explicit ValueWriter(const Printer& printer) : p_(printer) {
    const int parts = is_complex(p_.view.dtype) ? 2 : 1;
    for (int part = 0; part < parts; ++part) formatters_.emplace_back(p_, part);
    cell_width_ = static_cast<int64_t>(formatters_[0].width()) + 2;                   // with ", "
    if (parts == 2) cell_width_ += static_cast<int64_t>(formatters_[1].width()) + 1;  // with "j"
  }

  void write(std::string& out, const char* at, int dim, int64_t indent) const {
    if (dim == p_.view.ndim) {
      out += cell(at);
    } else if (dim == p_.view.ndim - 1) {
      write_row(out, at, dim, indent);
    } else {
      const Shown s = p_.shown(dim);
      std::string separator = ",";
      separator.append(static_cast<size_t>(p_.view.ndim - dim - 1), '\n');
      separator.append(static_cast<size_t>(indent + 1), ' ');
      out += '[';
      for (int64_t i = 0; i < s.size; ++i) {
        if (i > 0) out += separator;
        if (s.cut && i == s.edge) {
          out += "...";
          out += separator;
          i = s.size - s.edge;
        }
        write(out, p_.element(at, dim, i), dim + 1, indent + 1);
      }
      out += ']';
    }
  }

 private:
  std::string cell(const char* at) const {
    std::string s = formatters_[0].padded(at);
    if (formatters_.size() == 2) {
      std::string imaginary = formatters_[1].padded(at) + 'j';
      imaginary.erase(0, imaginary.find_first_not_of(' '));
      if (imaginary[0] != '-') s += '+';
      s += imaginary;
    }
    return s;
  }

  // One dim, broken into lines of as many cells as the width holds; the gap counts as a cell.
  void write_row(std::string& out, const char* at, int dim, int64_t indent) const {
    const int64_t per_line = std::max<int64_t>(1, (p_.options.linewidth - indent) / cell_width_);
    const Shown s = p_.shown(dim);
    int64_t cells = 0;
    const auto separate = [&] {
      if (cells > 0 && cells % per_line == 0) {
        out += ",\n";
        out.append(static_cast<size_t>(indent + 1), ' ');
      } else if (cells > 0) {
        out += ", ";
      }
      ++cells;
    };
    out += '[';
    for (int64_t i = 0; i < s.size; ++i) {
      if (s.cut && i == s.edge) {
        separate();
        out += " ...";
        i = s.size - s.edge;
      }
      separate();
      out += cell(p_.element(at, dim, i));
    }
    out += ']';
  }

  const Printer& p_;
  std::vector<NumberFormatter> formatters_;
  int64_t cell_width_;
};

// Each suffix goes on the current line if it fits, else on a new one under the first value.
void add_suffixes(std::string& out, const std::vector<std::string>& suffixes, int64_t indent,
                  int64_t linewidth) {
  // PyTorch counts two characters too many for the line before the first suffix; the breaks must
  // fall where its breaks fall.
  const size_t newline = out.rfind('\n');
  const size_t line_begin = newline == std::string::npos ? 0 : newline + 1;
  int64_t column = static_cast<int64_t>(out.size() - line_begin) + 2;
  for (const std::string& suffix : suffixes) {
    const int64_t size = static_cast<int64_t>(suffix.size());
    if (column + size + 2 > linewidth) {
      out += ",\n";
      out.append(static_cast<size_t>(indent), ' ');
      column = indent + size;
    } else {
      out += ", ";
      column += size + 2;
    }
    out += suffix;
  }
}

}  // namespace

PrintOptions print_options() {
  const std::lock_guard<std::mutex> lock(options_mutex);
  return current_options;
}

void set_print_options(const PrintOptions& options) {
  check_options(options);
  const std::lock_guard<std::mutex> lock(options_mutex);
  current_options = options;
}

PrintOptions print_profile(std::string_view name) {
  PrintOptions options;
  if (name == "short") {
    options.precision = 2;
    options.edgeitems = 2;
  } else if (name == "full") {
    options.threshold = HUGE_VAL;
  } else if (name != "default") {
    fail(Status::kInvalidArgument, "set_printoptions: invalid argument: profile '", name,
         "': must be 'default', 'short' or 'full'");
  }
  return options;
}

std::string format_tensor(const StridedView& view, const TensorSuffix& suffix) {
  return format_tensor(view, suffix, print_options());
}

std::string format_tensor(const StridedView& view, const TensorSuffix& suffix,
                          const PrintOptions& options) {
  check_options(options);
  const IntSpan sizes(view.sizes, static_cast<size_t>(view.ndim));
  const int64_t numel = checked_numel("tensor_str", sizes);
  const bool meta = suffix.device == "meta";
  if (!meta && numel > 0 && view.data == nullptr) {
    fail(Status::kDevice, "tensor_str: device mismatch: tensor of shape ", shape_string(sizes),
         " without data: only tensors on device meta have none");
  }

  constexpr std::string_view kPrefix = "tensor(";
  constexpr int64_t kIndent = kPrefix.size();
  const DType default_float = default_dtype();
  const DType default_complex =
      default_float == DType::kFloat64 ? DType::kComplex128 : DType::kComplex64;
  // Values reveal int64 and bool by themselves; without values only the default is implied.
  bool show_dtype = view.dtype != default_float;
  bool show_size = meta;
  std::string out(kPrefix);
  if (meta) {
    out += "...";
  } else if (numel == 0) {
    out += "[]";
    show_size = view.ndim != 1;
  } else {
    show_dtype = show_dtype && view.dtype != default_complex && view.dtype != DType::kInt64 &&
                 view.dtype != DType::kBool;
    const Printer printer{view, options, static_cast<double>(numel) > options.threshold};
    ValueWriter(printer).write(out, static_cast<const char*>(view.data), 0, kIndent);
  }

  std::vector<std::string> suffixes;
  if (!suffix.device.empty() && suffix.device != "cpu") {
    suffixes.push_back("device='" + suffix.device + "'");
  }
  if (show_size) suffixes.push_back("size=" + shape_string(sizes));
  if (show_dtype) suffixes.push_back("dtype=torch." + std::string(dtype_name(view.dtype)));
  if (!suffix.grad_fn.empty()) {
    suffixes.push_back("grad_fn=<" + suffix.grad_fn + ">");
  } else if (suffix.requires_grad) {
    suffixes.push_back("requires_grad=True");
  }
  add_suffixes(out, suffixes, kIndent, options.linewidth);
  out += ')';
  if (suffix.is_parameter) out.insert(0, "Parameter containing:\n");
  return out;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The shortest digits as d.ddde+XX, laid out anew by Python's rule: an exponent below -4 or from
  // 16 on is written, any other is expanded.
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = text.find('e');
  int exponent = 0;
  const char* digits_of_exponent = buffer + mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(text);

  std::string digits;
  for (const char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) {
    digits.insert(0, static_cast<size_t>(-exponent), '0');
    digits.insert(1, 1, '.');
  } else {
    if (count < exponent + 1) digits.append(static_cast<size_t>(exponent + 1 - count), '0');
    digits.insert(static_cast<size_t>(exponent) + 1, 1, '.');
    if (digits.back() == '.') digits += '0';
  }
  return text[0] == '-' ? "-" + digits : digits;
}

}  // namespace mt
