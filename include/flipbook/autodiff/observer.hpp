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

/// Statistics of a tensor's elements. Elements that are not finite are counted only in `count` and in `nan` or
/// `infinite`.
struct TensorStatistics {
  Index count = 0, nan = 0, infinite = 0, zero = 0, negative = 0;
  Index first_not_finite = -1;  ///< its index, or -1
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

/// The statistics of x's elements, computed on the host.
template <Element T, class B>
TensorStatistics statistics_of(const Tensor<T, B>& x) {
  TensorStatistics all;
  for (const T number : to<Cpu>(x)) {
    if constexpr (std::is_arithmetic_v<T>) all.add(static_cast<double>(number));
    else all.add(static_cast<double>(static_cast<float>(number)));
  }
  return all;
}

/// A view of a tensor of any scalar and backend for an Observer, valid during the call.
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

/// The interface for callbacks on the computation of this thread's tapes, active while an `Observing` exists. Without
/// one, an operation costs one branch more.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Receives an operation's type as spelled (for detail::type_name), its value and its inputs. `recompute`'s second
  /// run calls it again.
  virtual void operation(const char*, const Shown&, std::span<const Shown>) {}
  /// A node was recorded; after a call of `operation`, it is that operation's.
  virtual void node(const Node&) {}
  /// A node is about to propagate its gradient.
  virtual void backward(const Node&) {}
  /// A gradient that the node of the last call of `backward` propagated.
  virtual void gradient(const Shown&) {}
  /// The complete gradient with respect to a parameter.
  virtual void parameter([[maybe_unused]] const Shown& p, [[maybe_unused]] const Shown& gradient) {}
  /// A tape recorded the node of this index, or that node propagated its gradient.
  virtual void passed(const Tape&, [[maybe_unused]] std::size_t node, [[maybe_unused]] bool backward) {}
  /// Another quantity of a training step, by name.
  virtual void number(std::string_view, double) {}
};

namespace detail {

inline constinit thread_local Observer* observer = nullptr;

/// Not a template of the operation, to compile quickly.
template <class Y, class... X>
[[gnu::noinline]] void observe(const char* spelled, const Y& y, const X&... x) {
  const Shown inputs[] = {x...};
  observer->operation(spelled, y, inputs);
}

}  // namespace detail

/// Calls an observer for the computation of this thread's tapes, during its lifetime.
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
