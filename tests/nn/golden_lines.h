// Reads golden files of "<case> <values>" lines, whose tensors are hexadecimal bit patterns.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "ops/common.h"

namespace mt::test {

inline std::map<std::string, std::string> golden_lines(const std::string& file) {
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  const std::string path = std::string(dir != nullptr ? dir : "tests/golden") + "/" + file;
  std::ifstream in(path);
  EXPECT_TRUE(in) << "no " << path << "; set MT_GOLDEN_DIR";
  std::map<std::string, std::string> lines;
  std::string line;
  while (std::getline(in, line)) {
    const size_t space = line.find(' ');
    lines[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return lines;
}

inline std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  std::string part;
  while (std::getline(in, part, mark)) parts.push_back(part);
  return parts;
}

// Undoes the generator's escapes of newline and backslash.
inline std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      out += text[++i] == 'n' ? '\n' : text[i];
    } else {
      out += text[i];
    }
  }
  return out;
}

// The tensor's values in the generator's form.
inline std::string bits_of(const Tensor& t) {
  const Tensor flat = contiguous_values(t);
  const auto size = static_cast<int64_t>(dtype_size(t.dtype()));
  const auto* bytes = flat.data_as<unsigned char>();
  std::string out;
  for (int64_t i = 0; i < t.numel(); ++i) {
    if (i != 0) out += ',';
    for (int64_t b = size; b-- > 0;) {
      char hex[3];
      std::snprintf(hex, sizeof hex, "%02x", bytes[i * size + b]);
      out += hex;
    }
  }
  return out;
}

// The numbers behind bit patterns of float32 or float64.
inline std::vector<double> numbers_of(const std::string& text) {
  std::vector<double> out;
  for (const std::string& hex : split(text, ',')) {
    const uint64_t bits = std::stoull(hex, nullptr, 16);
    if (hex.size() == 8) {
      const auto narrow = static_cast<uint32_t>(bits);
      float f;
      std::memcpy(&f, &narrow, sizeof f);
      out.push_back(f);
    } else {
      double d;
      std::memcpy(&d, &bits, sizeof d);
      out.push_back(d);
    }
  }
  return out;
}

inline Tensor values(std::initializer_list<int64_t> shape, std::vector<double> v,
                     DType dtype = DType::kFloat32) {
  Tensor t = Tensor::empty(Dims(shape), dtype);
  EXPECT_EQ(t.numel(), static_cast<int64_t>(v.size()));
  auto* p = t.data_as<char>();
  for (double x : v) {
    store_scalar(dtype, p, Scalar(x));
    p += dtype_size(dtype);
  }
  return t;
}

// The message of the error that `call` must throw with `status`.
template <class Call>
std::string error_of(Status status, const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), status) << e.message();
    return e.message();
  }
  ADD_FAILURE() << "no error";
  return {};
}

}  // namespace mt::test
