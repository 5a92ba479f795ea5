// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include <array>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// While one exists, Ctrl-C (and SIGTERM) asks a training loop to stop at its next step instead of killing the
/// process; a second one kills it. What was done on these signals before is restored at the end.
///
///     fb::Interrupt interrupt;
///     while (!interrupt.requested() && step < steps) …
class Interrupt {
 public:
  Interrupt() {
    if (alive_++ == 0) requested_ = 0;
    struct sigaction action {};
    action.sa_handler = &Interrupt::handle;
    action.sa_flags = SA_RESTART;  // a file being read does not notice
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt() {
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    --alive_;
  }

  /// Whether a signal has come since the first of these objects was made.
  bool requested() const noexcept { return requested_ != 0; }

 private:
  static constexpr std::array signals{SIGINT, SIGTERM};

  static void handle(int signal) {
    if (requested_ != 0) {
      ::signal(signal, SIG_DFL);
      ::raise(signal);
    }
    requested_ = 1;
  }

  inline static volatile sig_atomic_t requested_ = 0;
  inline static int alive_ = 0;
  std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace flipbook
