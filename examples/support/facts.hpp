#pragma once

#include <array>
#include <ctime>
#include <fstream>
#include <string>

#include <flipbook/core/parallel.hpp>

namespace flipbook::examples {

/// The processor's name, as the system tells it, and how many threads compute.
inline std::string machine() {
  std::string name = "a machine that does not tell its name";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name") || line.find(": ") == std::string::npos) continue;
    name = line.substr(line.find(": ") + 2);
    break;
  }
  return name + ", " + std::to_string(threads()) + (threads() == 1 ? " thread" : " threads");
}

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
