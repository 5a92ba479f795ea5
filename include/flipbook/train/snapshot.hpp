// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A copy of the state that a step changes, which the destructor restores unless `release` is called. A step of several
/// parts is thus atomic.
///
///     Snapshot<B> before;
///     before.add(parameters), before.add(optimizer);
///     …                        // code that may throw
///     before.release();
template <class B>
class Snapshot {
 public:
  Snapshot() = default;
  Snapshot(Snapshot&&) = delete;
  ~Snapshot() {
    try {
      std::vector<CopyPiece> back;
      for (std::size_t i = 0; i < taken_; ++i) {
        back.push_back({pieces_[i].at, std::as_const(pieces_[i].before).data(), pieces_[i].bytes});
      }
      B::copy(back);
      for (const auto& resume : resume_) resume();
    } catch (...) {  // a device that cannot copy: it is lost, or captures a step and has changed nothing
      pieces_.clear();
    }
  }

  /// Copies the state of all add() calls in these functions together.
  template <class... Add>
  void together(const Add&... add) {
    together_ = true;
    (add(), ...);
    together_ = false;
    take();
  }
  /// Adds a tensor, such as parameters, by its memory.
  template <class T>
  void add(const Tensor<T, B>& x) {
    copy(x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
  }
  /// Adds an optimiser's state and its steps.
  template <class Rule, class T>
  void add(Optimizer<Rule, T, B>& optimizer) {
    optimizer.visit([&](const auto&, const auto& memory) { add(memory); });
    resume_.push_back([&optimizer, steps = optimizer.steps()] { optimizer.resume(steps); });
  }
  /// Adds the buffers for which the tape has deferred updates.
  void add(const Tape& tape) {
    for (const auto& [data, bytes, block] : tape.deferred_buffers()) copy(data, bytes);
  }

  /// Whether the current values of all pieces, of type T, are finite.
  template <class T>
  bool finite() const requires std::same_as<B, Cpu> {
    return std::ranges::all_of(pieces_, [](const Piece& piece) {
      const T* const x = static_cast<const T*>(piece.at);
      return std::all_of(x, x + piece.bytes / sizeof(T), [](T value) { return std::isfinite(value); });
    });
  }
  /// Keeps the changes.
  void release() noexcept {
    pieces_.clear();
    taken_ = 0;
    resume_.clear();
  }

 private:
  struct Piece {
    void* at;
    std::size_t bytes;
    Tensor<std::uint8_t, B> before;
  };

  void copy(const void* data, std::size_t bytes) {
    if (B::capturing()) return;  // the caller that replays the step makes the copies
    pieces_.push_back({const_cast<void*>(data), bytes, Tensor<std::uint8_t, B>({static_cast<Index>(bytes)})});
    if (!together_) take();
  }
  void take() {
    std::vector<CopyPiece> copies;
    for (std::size_t i = taken_; i < pieces_.size(); ++i) {
      copies.push_back({pieces_[i].before.data(), pieces_[i].at, pieces_[i].bytes});
    }
    B::copy(copies);
    taken_ = pieces_.size();
  }

  std::vector<Piece> pieces_;
  std::size_t taken_ = 0;  // number of pieces that are copied; the others are not yet
  bool together_ = false;
  std::vector<std::function<void()>> resume_;
};

FLIPBOOK_TEMPLATE(class Snapshot<Cpu>);

FLIPBOOK_TEMPLATE(void Snapshot<Cpu>::add(const Tensor<float>&));

}  // namespace flipbook
