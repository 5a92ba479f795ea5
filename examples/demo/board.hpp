// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/train/progress.hpp>

namespace flipbook::examples::demo {

/// One line for several trainings that run side by side: how far each is, and its loss. On a terminal it is redrawn in
/// place, elsewhere it is a line every half minute.
class Board {
 public:
  void update(const std::string& name, double share, const Losses& losses) {
    const std::lock_guard lock(mutex_);
    std::string now = text(name, " ", static_cast<int>(100 * std::min(share, 1.0)), " %");
    if (!losses.empty())
      now += text(" (", losses.front().first, " ", flipbook::detail::three_digits(losses.front().second), ")");
    const auto known = std::find_if(all_.begin(), all_.end(), [&](const auto& each) { return each.first == name; });
    if (known == all_.end()) all_.emplace_back(name, now);
    else known->second = now;
    show();
  }
  /// Takes a training that is over off the line.
  void finish(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const auto& each) { return each.first == name; });
    say(text(name, " is trained"));
  }

 private:
  // A line that stays.
  void say(const std::string& words) { std::fprintf(stderr, width_ > 0 ? "\r\033[K%s\n" : "%s\n", words.c_str()); }
  void show() {
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::milliseconds(width_ > 0 ? 200 : 30000)) return;
    shown_ = now;
    std::string line;
    for (const auto& [name, words] : all_) line += (line.empty() ? "" : "   ") + words;
    if (width_ > 0) std::fprintf(stderr, "\r\033[K%s", line.substr(0, static_cast<std::size_t>(width_ - 1)).c_str());
    else std::fprintf(stderr, "%s\n", line.c_str());
    std::fflush(stderr);
  }

  int width_ = flipbook::detail::terminal_width(stderr);
  std::mutex mutex_;
  std::chrono::steady_clock::time_point shown_{};
  std::vector<std::pair<std::string, std::string>> all_;
};

}  // namespace flipbook::examples::demo
