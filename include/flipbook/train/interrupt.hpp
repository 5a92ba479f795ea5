// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <array>
#include <atomic>
#include <mutex>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// While one exists, Ctrl-C (and SIGTERM, and SIGHUP as a terminal sends it when it closes) asks training loops to stop
/// at their next step instead of killing the process; a second one kills it. A signal that the process ignores stays
/// ignored. There may be several, in several threads and ended in any order: a signal asks all of them, and what was
/// done on signals before is restored with the last.
///
///     fb::Interrupt interrupt;
///     while (!interrupt.requested() && step < steps) …
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  /// Whether a signal has come since the first of these objects was made.
  bool requested() const noexcept { return requested_; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

  static void handle(int signal);

  inline static std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "a handler of signals must not wait");
  inline static std::mutex mutex_;  // of what follows
  inline static int alive_ = 0;
  inline static std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/interrupt.ipp>
#endif
