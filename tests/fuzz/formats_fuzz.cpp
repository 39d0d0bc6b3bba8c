// The readers of PyTorch, npy, npz and safetensors files on damaged input: they may only give
// values or throw mt::Error, in memory that goes with the file's size. Built as a libFuzzer target
// with -DMT_LIBFUZZER; otherwise a program that runs seeded mutations of the committed files
// (arguments: how many in all, 5000 when absent, and the seed, 1) or, with file names, those files.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/memory.h"
#include "io/file.h"
#include "io/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mt::reset_peak_memory();
  const int64_t before = mt::memory_stats().current_bytes;
  try {
    mt::MemorySource source("load", {data, size});
    const mt::ValueRef v = mt::load_value("load", source);
    // What is accepted can be written, reads back, and has a state dict.
    const std::string again = mt::value_bytes(*v);
    mt::MemorySource copy("load", {reinterpret_cast<const uint8_t*>(again.data()), again.size()});
    const mt::ValueRef back = mt::load_value("load", copy);
    if (back->kind() != v->kind()) std::abort();
    mt::state_dict_of("load", *v, {});
  } catch (const mt::Error&) {
  }
  if (mt::memory_stats().current_bytes != before) std::abort();  // leaked
  if (mt::memory_stats().peak_bytes - before > static_cast<int64_t>(64 << 20)) std::abort();
  return 0;
}

#ifndef MT_LIBFUZZER
namespace {

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A checksum that is wrong would hide what lies behind it: sets those of stored entries right.
void mend_checksums(std::string& bytes) {
  const auto number = [&](size_t at, int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; ++i) {
      v |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]))
           << (8 * i);
    }
    return v;
  };
  for (size_t at = bytes.find("PK\1\2"); at != std::string::npos && at + 46 <= bytes.size();
       at = bytes.find("PK\1\2", at + 1)) {
    const uint64_t local = number(at + 42, 4), size = number(at + 20, 4);
    if (number(at + 10, 2) != 0 || local + 30 > bytes.size()) continue;
    const uint64_t start = local + 30 + number(local + 26, 2) + number(local + 28, 2);
    if (start > bytes.size() || size > bytes.size() - start) continue;
    uint32_t crc = ~uint32_t{0};
    for (uint64_t i = start; i < start + size; ++i) {
      crc ^= static_cast<unsigned char>(bytes[i]);
      for (int k = 0; k < 8; ++k) crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
    }
    crc = ~crc;
    std::memcpy(bytes.data() + at + 16, &crc, 4);
    // Beside the data, unless it is in a record behind them.
    if ((number(local + 6, 2) & 8) == 0) std::memcpy(bytes.data() + local + 14, &crc, 4);
  }
}

std::string mutated(std::string bytes, std::mt19937& random) {
  static const std::string kPieces[] = {std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8),
                                        std::string("\0\0\0\0\0\0\0\x80", 8),
                                        std::string(4, '\xff'),
                                        "(",
                                        ")",
                                        "]",
                                        "}",
                                        "t",
                                        "R",
                                        "b",
                                        "q\1",
                                        "h\1",
                                        "a",
                                        "s",
                                        "0",
                                        "\x85",
                                        "Q",
                                        "N",
                                        "-1",
                                        "'<f8'"};
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  for (size_t edits = 1 + below(3); edits > 0 && !bytes.empty(); --edits) {
    const size_t at = below(bytes.size());
    const std::string& piece = kPieces[below(std::size(kPieces))];
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        if (below(4) == 0) bytes.resize(at);
        break;
      case 3:
      case 4:  // in place: lengths and offsets stay right
        bytes.replace(at, std::min(piece.size(), bytes.size() - at),
                      piece.substr(0, bytes.size() - at));
        break;
      case 5:
        bytes[at] = bytes[below(bytes.size())];
        break;
      default:
        bytes.insert(at, piece);
        break;
    }
  }
  mend_checksums(bytes);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const long count = argc > 1 ? std::strtol(argv[1], &end, 10) : 5000;
  if (argc > 1 && *end != '\0') {
    for (int i = 1; i < argc; ++i) {
      const std::string bytes = bytes_of(argv[i]);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    }
    return 0;
  }
  const char* dir = std::getenv("MT_GOLDEN_DIR");
  const std::filesystem::path folder = std::string(dir ? dir : "tests/golden") + "/formats";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() != ".json") {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::mt19937 random(argc > 2 ? static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10)) : 1);
  for (long i = 0; i < count; ++i) {
    const std::string seed = bytes_of(paths[static_cast<size_t>(i) % paths.size()]);
    const std::string bytes = mutated(seed, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("ok 1 - %ld mutations of %zu files\n1..1\n", count, paths.size());
  return 0;
}
#endif
