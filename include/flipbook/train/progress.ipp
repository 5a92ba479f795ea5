// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/progress.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string clock_time(double seconds) {
  const auto whole = static_cast<long long>(std::clamp(std::ceil(seconds), 0.0, 359999.0));
  char digits[24];
  if (whole >= 3600)
    std::snprintf(digits, sizeof(digits), "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else std::snprintf(digits, sizeof(digits), "%lld:%02lld", whole / 60, whole % 60);
  return digits;
}

FLIPBOOK_INLINE std::string three_digits(double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), std::abs(value) < 1000 ? "%.3g" : "%.0f", value);
  return digits;
}

FLIPBOOK_INLINE int terminal_width(std::FILE* file) {
  const int descriptor = ::fileno(file);
  if (descriptor < 0 || ::isatty(descriptor) == 0) return 0;
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace detail

FLIPBOOK_INLINE void Progress::update(Index step, const Losses& losses, Index items, double waited) {
  const double now = settings_.now();
  pending_ = line(step, losses, items, now - began_, waited);
  finished_ = false;
  const bool ends = settings_.seconds > 0 ? now - began_ >= settings_.seconds : step >= steps_;
  if (shown_ && now - last_ < (settings_.width > 0 ? 0.1 : 30.0) && !ends) return;
  last_ = now;
  show();
}

FLIPBOOK_INLINE void Progress::finish() {
  if (std::exchange(finished_, true)) return;
  show();
  if (settings_.width > 0) std::fputc('\n', settings_.out);
  std::fflush(settings_.out);
}

FLIPBOOK_INLINE std::string Progress::line(Index step, const Losses& losses, Index items, double elapsed,
                                           double waited) const {
  const bool timed = settings_.seconds > 0;
  std::string text = timed ? flipbook::text(" step ", step) : flipbook::text(" ", step, "/", steps_);
  for (const auto& [name, value] : losses) text += flipbook::text("  ", name, " ", detail::three_digits(value));
  if (elapsed > 0) {
    text += flipbook::text("  ", detail::three_digits(static_cast<double>(items) / elapsed), " ", settings_.unit, "/s");
  }
  if (waited >= 0.02 * elapsed && elapsed > 0)
    text += flipbook::text("  data ", std::lround(100 * waited / elapsed), " %");
  const double done = static_cast<double>(step - settings_.begin), left = static_cast<double>(steps_ - step);
  const double share = timed        ? elapsed / settings_.seconds
                       : steps_ > 0 ? static_cast<double>(step) / static_cast<double>(steps_)
                                    : 1;
  text += "  ";
  if (share >= 1) text += detail::clock_time(elapsed) + " in all";
  else if (timed) text += detail::clock_time(settings_.seconds - elapsed) + " left";
  else if (done > 0) text += detail::clock_time(elapsed / done * left) + " left";
  return title_ + bar(share, text.size()) + text;
}

FLIPBOOK_INLINE std::string Progress::bar(double share, std::size_t taken) const {
  const Index room = static_cast<Index>(settings_.width) - static_cast<Index>(title_.size() + taken) - 4;
  if (room < 5) return " ";
  const Index cells = std::min<Index>(room, 30);
  const Index filled = std::clamp<Index>(static_cast<Index>(share * static_cast<double>(cells) + 1e-9), 0, cells);
  return text(" [", std::string(static_cast<std::size_t>(filled), '='),
              std::string(static_cast<std::size_t>(cells - filled), ' '), "]");
}

FLIPBOOK_INLINE void Progress::show() {
  if (pending_.empty()) return;
  if (settings_.width > 0) {
    const std::string fits = pending_.substr(0, static_cast<std::size_t>(settings_.width - 1));
    std::fprintf(settings_.out, "\r\033[K%s", fits.c_str());
  } else {
    std::fprintf(settings_.out, "%s\n", pending_.c_str());
  }
  std::fflush(settings_.out);
  pending_.clear();
  shown_ = true;
}

}  // namespace flipbook
