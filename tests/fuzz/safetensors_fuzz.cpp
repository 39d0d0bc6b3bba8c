// The safetensors reader on damaged input: it may only return tensors or throw mt::Error. Built as
// a libFuzzer target with -DMT_LIBFUZZER; otherwise a program that runs seeded mutations (argument
// 1: how many, 5000 when absent) or, with file names, those files.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "core/error.h"
#include "io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    mt::StringMap metadata;
    const mt::NamedTensors tensors = mt::load_safetensors_bytes({data, size}, &metadata);
    // What is accepted can be written, and reads back as the same list.
    const std::string again = mt::safetensors_bytes(tensors, metadata);
    const auto* p = reinterpret_cast<const uint8_t*>(again.data());
    if (mt::load_safetensors_bytes({p, again.size()}).size() != tensors.size()) std::abort();
  } catch (const mt::Error&) {
    return 0;
  }
  return 0;
}

#ifndef MT_LIBFUZZER
namespace {

std::string seed_file() {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":)"
      R"([0,24]},"b":{"dtype":"BOOL","shape":[4],"data_offsets":[24,28]},"c":{"dtype":"I64",)"
      R"("shape":[0],"data_offsets":[28,28]},"d":{"dtype":"BF16","shape":[],"data_offsets":)"
      R"([28,30]}}   )";
  const uint64_t n = header.size();
  return std::string(reinterpret_cast<const char*>(&n), 8) + header + std::string(30, '\1');
}

std::string mutated(std::string bytes, std::mt19937& random) {
  static const char* const kPieces[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        "\"",
                                        "0",
                                        "-1",
                                        "1e999",
                                        "null",
                                        "\\u0000",
                                        "18446744073709551615",
                                        "9223372036854775807",
                                        "U8",
                                        "\xFF",
                                        "\"shape\":[1]"};
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  for (size_t edits = 1 + below(4); edits > 0; --edits) {
    if (bytes.empty()) break;
    const size_t at = below(bytes.size());
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 4:
        bytes.erase(at, 1 + below(20));
        break;
      default:
        bytes.insert(below(bytes.size()), bytes.substr(at, below(80)));
        break;
    }
  }
  // Most edits move the end of the header: often set its length right again, so that parsing goes
  // deeper than the first check.
  if (bytes.size() > 38 && below(4) != 0) {
    const uint64_t n = bytes.size() - 38;
    std::memcpy(bytes.data(), &n, 8);
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const long count = argc > 1 ? std::strtol(argv[1], &end, 10) : 5000;
  if (argc > 1 && *end != '\0') {
    for (int i = 1; i < argc; ++i) {
      std::ifstream in(argv[i], std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    }
    return 0;
  }
  std::mt19937 random(1);
  const std::string seed = seed_file();
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(seed.data()), seed.size());
  for (long i = 0; i < count; ++i) {
    const std::string bytes = mutated(seed, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("ok 1 - %ld mutations\n1..1\n", count);
  return 0;
}
#endif
