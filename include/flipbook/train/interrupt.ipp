// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/interrupt.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

FLIPBOOK_INLINE Interrupt::Interrupt() {
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

FLIPBOOK_INLINE Interrupt::~Interrupt() {
  const std::lock_guard lock(mutex_);
  if (--alive_ > 0) return;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
}

FLIPBOOK_INLINE void Interrupt::handle(int signal) {
  if (requested_.exchange(true)) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace flipbook
