// Precompiled header of the unit tests: GoogleTest and the standard headers. Every test still
// includes what it uses: builds with a compiler cache leave this out (-Db_pch=false).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>
