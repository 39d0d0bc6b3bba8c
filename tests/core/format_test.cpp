// Printed tensors and numbers against PyTorch's and Python's own text (tests/golden/format.txt),
// the per-process options, and the errors for options outside their domain.
#include "core/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <locale>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"

namespace {

using mt::DType;
using mt::PrintOptions;

using Fields = std::map<std::string, std::string>;

std::vector<Fields> golden_cases() {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  std::ifstream file(std::string(dir != nullptr ? dir : "tests/golden") + "/format.txt");
  std::vector<Fields> cases;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream in(line);
    std::string field;
    Fields fields;
    while (std::getline(in, field, '\t')) {
      const size_t mark = field.find('=');
      fields[field.substr(0, mark)] = field.substr(mark + 1);
    }
    cases.push_back(fields);
  }
  return cases;
}

std::vector<int64_t> integers(const std::string& text) {
  std::vector<int64_t> out;
  std::istringstream in(text);
  std::string item;
  while (std::getline(in, item, ',')) out.push_back(std::stoll(item));
  return out;
}

std::vector<unsigned char> bytes_of(const std::string& hex) {
  std::vector<unsigned char> out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<unsigned char>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

PrintOptions options_of(const std::string& text) {
  PrintOptions o;
  std::istringstream in(text);
  std::string threshold;
  char comma;
  in >> o.precision >> comma;
  std::getline(in, threshold, ',');
  o.threshold = std::strtod(threshold.c_str(), nullptr);
  in >> o.edgeitems >> comma >> o.linewidth >> comma >> o.sci_mode;
  return o;
}

std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\n") == 0) {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string printed(Fields& f) {
  // Fields with these values are left out of the file.
  f.try_emplace("options", "4,1000,3,80,-1");
  f.try_emplace("default", "float32");
  f.try_emplace("offset", "0");
  DType dtype, default_dtype;
  EXPECT_TRUE(mt::dtype_from_name(f["dtype"], dtype));
  EXPECT_TRUE(mt::dtype_from_name(f["default"], default_dtype));
  const std::vector<int64_t> sizes = integers(f["sizes"]), strides = integers(f["strides"]);
  // One byte off any alignment: views may come from mapped files.
  std::vector<unsigned char> data = bytes_of(f["data"]);
  const bool has_data = !data.empty();
  data.insert(data.begin(), 0);
  const size_t offset = std::stoul(f["offset"]) * mt::dtype_size(dtype);
  const mt::StridedView view{dtype, has_data ? data.data() + 1 + offset : nullptr, sizes.data(),
                             strides.data(), static_cast<int>(sizes.size())};
  const mt::TensorSuffix suffix{f["device"], f["requires_grad"] == "1", f["grad_fn"],
                                f["parameter"] == "1"};
  mt::set_default_dtype(default_dtype);
  mt::set_print_options(options_of(f["options"]));
  std::string text = mt::format_tensor(view, suffix);
  mt::set_print_options(PrintOptions{});
  mt::set_default_dtype(DType::kFloat32);
  return text;
}

void expect_golden_texts() {
  int tensors = 0, numbers = 0;
  for (Fields& f : golden_cases()) {
    if (f.count("number") != 0) {
      const double value = std::bit_cast<double>(uint64_t{std::stoull(f["number"], nullptr, 16)});
      EXPECT_EQ(mt::format_number(value), f["text"]);
      ++numbers;
    } else {
      EXPECT_EQ(printed(f), unescaped(f["text"]))
          << f["dtype"] << " (" << f["sizes"] << ") options " << f["options"];
      ++tensors;
    }
  }
  EXPECT_GT(tensors, 300) << "golden file not found or short; set MT_GOLDEN_DIR";
  EXPECT_GT(numbers, 200);
}

TEST(Format, PrintsAsPyTorch) { expect_golden_texts(); }

TEST(Format, NumbersReadBackExactly) {
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double value = std::bit_cast<double>(state);
    if (!std::isfinite(value)) continue;
    const std::string text = mt::format_number(value);
    ASSERT_EQ(std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)), state) << text;
  }
}

TEST(Format, Profiles) {
  EXPECT_EQ(mt::print_profile("short").precision, 2);
  EXPECT_EQ(mt::print_profile("short").edgeitems, 2);
  EXPECT_TRUE(std::isinf(mt::print_profile("full").threshold));
  EXPECT_EQ(mt::print_profile("default").threshold, 1000);
  EXPECT_EQ(mt::print_options().precision, 4);
}

template <class F>
std::string error_of(mt::Status status, F&& f) {
  try {
    f();
  } catch (const mt::Error& e) {
    EXPECT_EQ(e.status(), status);
    return e.message();
  }
  return "no error";
}

TEST(Format, OptionsOutsideTheirDomain) {
  const auto set = [](auto change) {
    return error_of(mt::Status::kInvalidArgument, [&] {
      PrintOptions o;
      change(o);
      mt::set_print_options(o);
    });
  };
  EXPECT_EQ(set([](PrintOptions& o) { o.precision = -1; }),
            "set_printoptions: invalid argument: precision -1: must be from 0 to 1074");
  EXPECT_EQ(set([](PrintOptions& o) { o.edgeitems = 0; }),
            "set_printoptions: invalid argument: edgeitems 0: must be at least 1");
  EXPECT_EQ(set([](PrintOptions& o) { o.sci_mode = 2; }),
            "set_printoptions: invalid argument: sci_mode 2: must be -1 (automatic), 0 (off) or 1 "
            "(on)");
  EXPECT_EQ(set([](PrintOptions& o) { o.threshold = std::nan(""); }),
            "set_printoptions: invalid argument: threshold nan: must be a number; to print every "
            "element use inf");
  EXPECT_EQ(error_of(mt::Status::kInvalidArgument, [] { mt::print_profile("long"); }),
            "set_printoptions: invalid argument: profile 'long': must be 'default', 'short' or "
            "'full'");
  EXPECT_EQ(mt::print_options().precision, 4);
}

TEST(Format, ValuesWithoutDataAreAnError) {
  const int64_t sizes[] = {2}, strides[] = {1};
  const mt::StridedView view{DType::kFloat32, nullptr, sizes, strides, 1};
  EXPECT_EQ(
      error_of(mt::Status::kDevice, [&] { mt::format_tensor(view, {}); }),
      "tensor_str: device mismatch: tensor of shape (2,) without data: only tensors on device "
      "meta have none");
}

TEST(Format, NegativeStrides) {
  const double values[] = {std::numeric_limits<double>::denorm_min(), 2.0, -1.0};
  const int64_t sizes[] = {3}, strides[] = {-1};
  const mt::StridedView view{DType::kFloat64, values + 2, sizes, strides, 1};
  EXPECT_EQ(mt::format_tensor(view, {}),
            "tensor([-1.0000e+00,  2.0000e+00, 4.9407e-324], dtype=torch.float64)");
}

class CommaPoint : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// A host program may run under a locale whose decimal point is a comma, set for C or for C++.
TEST(Format, NoLocaleTakesPart) {
  const std::string c_before = std::setlocale(LC_ALL, nullptr);
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaPoint));
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "pt_BR.UTF-8"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) break;
  }
  const float value = 1234.5f;
  const int64_t sizes[] = {1000}, strides[] = {0};
  const std::string text = mt::format_tensor({DType::kFloat32, &value, nullptr, nullptr, 0}, {});
  const std::string meta =
      mt::format_tensor({DType::kFloat32, nullptr, sizes, strides, 1}, {.device = "meta"});
  const std::string number = mt::format_number(1234.5);
  std::locale::global(before);
  std::setlocale(LC_ALL, c_before.c_str());
  EXPECT_EQ(text, "tensor(1234.5000)");
  EXPECT_EQ(meta, "tensor(..., device='meta', size=(1000,))");
  EXPECT_EQ(number, "1234.5");
}

}  // namespace
