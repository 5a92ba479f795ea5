// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace flipbook::examples {

/// The date here, "2025-01-31".
inline std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 16> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%d", &local);
  return date.data();
}

}  // namespace flipbook::examples
