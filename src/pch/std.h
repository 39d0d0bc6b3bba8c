// Precompiled header of the library's targets: the standard headers that most files include, whose
// reading took a third of a clean build. Files still include what they use: builds with a compiler
// cache leave this out (-Db_pch=false).
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
