// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>

#include <flipbook/train/history.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// 75 as "1:15", 3675 as "1:01:15".
FLIPBOOK_INLINE std::string clock_time(double seconds);

FLIPBOOK_INLINE std::string three_digits(double value);

/// The columns of a terminal, or 0 if the file is not one.
FLIPBOOK_INLINE int terminal_width(std::FILE* file);

}  // namespace detail

/// Options of a progress bar.
struct ProgressSettings {
  std::string unit = "clips";  ///< unit of the speed
  Index begin = 0;             ///< the step that this run starts from
  double seconds = 0;          ///< duration of the training, if it ends by time and not by steps
  std::FILE* out = stderr;
  int width = detail::terminal_width(out);  ///< columns of the terminal, or 0 if the output is not one
  std::function<double()> now = [] {        ///< seconds
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
};

/// A progress bar of training: step, losses, speed, time left. On a terminal it is redrawn in place at most ten times a
/// second; elsewhere it is a line every half minute. The last step is always shown.
///
///     fb::Progress progress{"vae", steps};
///     for (…) progress.update(step, {{"loss", loss}}, clips_seen);
///     progress.finish();
class Progress {
 public:
  Progress(std::string title, Index steps, ProgressSettings settings = {})
      : title_(std::move(title)), steps_(steps), settings_(std::move(settings)), began_(settings_.now()) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  /// @param step   completed steps, including those before this run
  /// @param items    clips, or other units, processed in this run
  /// @param waited   seconds for which this run waited for data; shown from 2 % on
  void update(Index step, const Losses& losses, Index items, double waited = 0);

  /// Shows the last update and ends its line.
  void finish();

 private:
  std::string line(Index step, const Losses& losses, Index items, double elapsed, double waited) const;

  // A bar that fills the rest of the terminal's line, up to a limit.
  std::string bar(double share, std::size_t taken) const;

  void show();

  std::string title_;
  Index steps_;
  ProgressSettings settings_;
  double began_, last_ = 0;
  std::string pending_;
  bool shown_ = false, finished_ = true;
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/progress.ipp>
#endif
