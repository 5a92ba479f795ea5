// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

class Tape;

namespace detail {

/// Told how far the tapes of the calling thread have come.
class TapeObserver {
 public:
  /// The tape has recorded this node, or the node has handed its gradient on.
  virtual void passed(const Tape& tape, std::size_t node, bool backward) = 0;

  inline static constinit thread_local TapeObserver* running = nullptr;

 protected:
  ~TapeObserver() = default;
};

}  // namespace detail
}  // namespace flipbook
