// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <array>
#include <atomic>
#include <mutex>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// While an object exists, Ctrl-C (and SIGTERM, and SIGHUP as a terminal sends it when it closes) requests training
/// loops to stop at their next step instead of killing the process; a second signal kills it. A signal that the process
/// ignores stays ignored. There may be several objects, in several threads and destroyed in any order: a signal reaches
/// all of them, and the previous signal handlers are restored with the last.
///
///     fb::Interrupt interrupt;
///     while (!interrupt.requested() && step < steps) …
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  /// Whether a signal has arrived since the first of these objects was created.
  bool requested() const noexcept { return requested_; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

  static void handle(int signal);

  inline static std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "a handler of signals must not wait");
  inline static std::mutex mutex_;  // guards the members below
  inline static int alive_ = 0;
  inline static std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/interrupt.ipp>
#endif
