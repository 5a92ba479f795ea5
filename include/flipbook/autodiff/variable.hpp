// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

class Tape;

/// The number of times that values computed from a variable can be differentiated.
enum class Order : bool {
  first,  ///< once: gradients are tensors; enough for ordinary training, and compiles fastest
  higher  ///< any number: gradients may be recorded and differentiated again, as for gradient penalties
};

template <Real T, class B>
class GradientSink;

/// A tensor of a recorded computation. A variable without a node is a constant: it depends on nothing whose gradient
/// can be requested. Variables are handles; they must not outlive their tape.
template <Real T, class B = Cpu, Order order_ = Order::first>
class Variable {
 public:
  using Scalar = T;
  using Backend = B;
  static constexpr Order order = order_;

  /// An empty handle, to be assigned.
  Variable() = default;
  Variable(Tape& tape, Tensor<T, B> value, GradientSink<T, B>* node = nullptr)
      : tape_(&tape), value_(std::move(value)), node_(node) {}
  /// A variable of first order converts to one of higher order.
  template <Order before>
    requires(before < order_)
  Variable(const Variable<T, B, before>& x) : Variable(x.tape(), x.value(), x.node()) {}

  const Tensor<T, B>& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  int rank() const noexcept { return value_.rank(); }
  Index size() const noexcept { return value_.size(); }
  Index extent(int axis) const { return value_.extent(axis); }
  T item() const { return value_.item(); }

  Tape& tape() const noexcept { return *tape_; }
  GradientSink<T, B>* node() const noexcept { return node_; }
  bool recorded() const noexcept { return node_ != nullptr; }

  /// The same value as a constant; `without_elements`: the same node without the value's elements.
  Variable detached() const { return Variable(*tape_, value_); }
  Variable without_elements() const { return Variable(*tape_, value_.without_elements(), node_); }

 private:
  Tape* tape_ = nullptr;
  Tensor<T, B> value_;
  GradientSink<T, B>* node_ = nullptr;
};

template <class X>
inline constexpr bool is_variable = false;
template <class T, class B, Order order>
inline constexpr bool is_variable<Variable<T, B, order>> = true;
template <class X>
inline constexpr bool is_variable_of_any_order = false;
template <class T, class B>
inline constexpr bool is_variable_of_any_order<Variable<T, B, Order::higher>> = true;

/// The argument of forward code: a tensor (nothing is recorded) or a variable.
template <class X>
concept Value = is_tensor<X> || is_variable<X>;

/// An argument of an operation: a value, or a module's parameter or buffer.
template <class X>
concept Operand = Value<X> || is_parameter<X> || is_buffer<X>;

namespace detail {
// Arguments that are not operands, such as None or a number, match any operand.
template <class X, class Y>
inline constexpr bool alike = true;
template <Operand X, Operand Y>
inline constexpr bool alike<X, Y> =
    std::same_as<typename X::Scalar, typename Y::Scalar>&& std::same_as<typename X::Backend, typename Y::Backend>;

template <class... X>
inline constexpr bool all_alike = true;
template <class X, class... Rest>
inline constexpr bool all_alike<X, Rest...> = (alike<X, Rest> && ...);

// Result types of deleted functions, whose names compilers print as the cause.
struct OperandsDifferInScalarOrBackend;
struct GradientOfWhatNoTapeRecorded;
struct WatchedHasNoFieldsAndATensorIsMadeAVariable;
struct GradientWithRespectToNeitherVariableNorModule;
struct RecordedGradientNeedsVariablesOfHigherOrder;
}  // namespace detail

/// Operands of one scalar and one backend, as an operation requires. `cast<float>(x)` and `to<Cuda>(x)` convert.
template <class... X>
concept SameScalarAndBackend = detail::all_alike<X...>;

/// Whether X's computation is recorded, and so in training mode (batch statistics, dropout) unless its tape has another
/// mode.
template <class X>
inline constexpr bool training = is_variable<X>;

/// The tensor of any operand.
template <Operand X>
const auto& tensor_of(const X& x) noexcept {
  if constexpr (is_tensor<X>) {
    return x;
  } else if constexpr (is_variable<X>) {
    return x.value();
  } else {
    return x.value;
  }
}

}  // namespace flipbook
