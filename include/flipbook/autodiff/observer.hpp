// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/core/type_name.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

class Node;
class Tape;

/// What the numbers of a tensor are like. Those that are not finite count in `nan` or `infinite` alone.
struct TensorStatistics {
  Index count = 0, nan = 0, infinite = 0, zero = 0, negative = 0;
  Index first_not_finite = -1;  ///< its place
  double least = std::numeric_limits<double>::infinity(), most = -least;
  double sum = 0, squares = 0;

  bool finite() const noexcept { return nan + infinite == 0; }
  double mean() const noexcept { return sum / static_cast<double>(std::max<Index>(count - nan - infinite, 1)); }
  double length() const noexcept { return std::sqrt(squares); }

  void add(double x) noexcept {
    if (!std::isfinite(x)) {
      if (finite()) first_not_finite = count;
      ++(std::isnan(x) ? nan : infinite);
    } else {
      zero += x == 0, negative += x < 0;
      least = std::min(least, x), most = std::max(most, x);
      sum += x, squares += x * x;
    }
    ++count;
  }
};

/// What the numbers of x are like.
template <Element T, class B>
TensorStatistics statistics_of(const Tensor<T, B>& x) {
  TensorStatistics all;
  for (const T number : to<Cpu>(x)) {
    if constexpr (std::is_arithmetic_v<T>) all.add(static_cast<double>(number));
    else all.add(static_cast<double>(static_cast<float>(number)));
  }
  return all;
}

/// A tensor of any scalar and backend as an Observer is shown it, for the time of the call.
class Shown {
 public:
  template <class T, class B>
  Shown(const Tensor<T, B>& x) noexcept
      : shape(x.shape()),
        data(reinterpret_cast<const std::byte*>(x.data())),
        bytes(static_cast<std::size_t>(x.size()) * sizeof(T)),
        x_(&x),
        numbers_([](const void* at) { return statistics_of(*static_cast<const Tensor<T, B>*>(at)); }) {}

  TensorStatistics numbers() const { return numbers_(x_); }

  const Shape& shape;
  const std::byte* data;
  std::size_t bytes;

 private:
  const void* x_;
  TensorStatistics (*numbers_)(const void*);
};

/// Is shown what tapes compute in its thread while `Observing` it. Where nobody observes, an operation pays for one
/// branch.
class Observer {
 public:
  virtual ~Observer() = default;
  /// An operation's value y at its inputs x. It recomputes nothing, and is called in `recompute`'s second run again.
  /// First its type, as it is spelled: detail::type_name(spelled).
  virtual void operation(const char*, const Shown&, std::span<const Shown>) {}
  /// A node has been made: where it follows on an operation, of that.
  virtual void node(const Node&) {}
  /// A node will hand on the gradient that it has received.
  virtual void backward(const Node&) {}
  /// A gradient that was handed on, of the node that was announced last.
  virtual void gradient(const Shown&) {}
  /// The gradient by a parameter as a whole.
  virtual void parameter([[maybe_unused]] const Shown& p, [[maybe_unused]] const Shown& gradient) {}
  /// How far a tape has come: it has recorded its node of this place, or that has handed its gradient on.
  virtual void passed(const Tape&, [[maybe_unused]] std::size_t node, [[maybe_unused]] bool backward) {}
  /// What else a training tells of itself.
  virtual void number(std::string_view, double) {}
};

namespace detail {

inline constinit thread_local Observer* observer = nullptr;

/// Not a template of the operation, so that it costs the compiler little.
template <class Y, class... X>
[[gnu::noinline]] void observe(const char* spelled, const Y& y, const X&... x) {
  const Shown inputs[] = {x...};
  observer->operation(spelled, y, inputs);
}

}  // namespace detail

/// While it exists, tapes of this thread show an observer what they compute.
class Observing {
 public:
  explicit Observing(Observer& observer) noexcept : before_(std::exchange(detail::observer, &observer)) {}
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;
  ~Observing() { detail::observer = before_; }

 private:
  Observer* before_;
};

}  // namespace flipbook
