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
  Interrupt() {
    const std::lock_guard lock(mutex_);
    if (alive_++ > 0) return;
    requested_ = false;
    struct sigaction action {};
    action.sa_handler = &Interrupt::handle;
    action.sa_flags = SA_RESTART;  // a file being read does not notice
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
    }
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt() {
    const std::lock_guard lock(mutex_);
    if (--alive_ > 0) return;
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  }

  /// Whether a signal has come since the first of these objects was made.
  bool requested() const noexcept { return requested_; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

  static void handle(int signal) {
    if (requested_.exchange(true)) {
      ::signal(signal, SIG_DFL);
      ::raise(signal);
    }
  }

  inline static std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "a handler of signals must not wait");
  inline static std::mutex mutex_;  // of what follows
  inline static int alive_ = 0;
  inline static std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace flipbook
