// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

class Tape;

/// How often what is computed from a value can be differentiated.
enum class Order : bool {
  first,  ///< gradients are tensors: all that training needs, and the least to compile
  higher  ///< gradients may be recorded, and differentiated in their turn, as penalties on a slope need it
};

template <Real T, class B>
class GradientSink;

/// A tensor that takes part in a recorded computation. One without a node is a constant: it depends on
/// nothing whose gradient can be asked for. Variables are handles; they must not outlive their tape.
template <Real T, class B = Cpu, Order order_ = Order::first>
class Variable {
 public:
  using Scalar = T;
  using Backend = B;
  static constexpr Order order = order_;

  /// No variable, to be assigned.
  Variable() = default;
  Variable(Tape& tape, Tensor<T, B> value, GradientSink<T, B>* node = nullptr)
      : tape_(&tape), value_(std::move(value)), node_(node) {}
  /// What can be differentiated once is, beside what can be differentiated again, as good as it.
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

  /// The same value, with or without its past.
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

/// What forward code is written for: plain tensors (nothing is recorded) or variables.
template <class X>
concept Value = is_tensor<X> || is_variable<X>;

/// What an operation takes: values, and the parameters and buffers of a module.
template <class X>
concept Operand = Value<X> || is_parameter<X> || is_buffer<X>;

namespace detail {
// What is no operand, such as None or a number, goes with any.
template <class X, class Y>
inline constexpr bool alike = true;
template <Operand X, Operand Y>
inline constexpr bool alike<X, Y> =
    std::same_as<typename X::Scalar, typename Y::Scalar>&& std::same_as<typename X::Backend, typename Y::Backend>;

template <class... X>
inline constexpr bool all_alike = true;
template <class X, class... Rest>
inline constexpr bool all_alike<X, Rest...> = (alike<X, Rest> && ...);

// What compilers print where something cannot be: the type of a deleted function's value.
struct OperandsDifferInScalarOrBackend;
struct GradientOfWhatNoTapeRecorded;
struct WatchedHasNoFieldsAndATensorIsMadeAVariable;
struct GradientWithRespectToNeitherVariableNorModule;
struct RecordedGradientNeedsVariablesOfHigherOrder;
}  // namespace detail

/// That operands can meet in one operation: all are of one scalar and one backend. `cast<float>(x)` and `to<Cuda>(x)`
/// give a tensor of another.
template <class... X>
concept SameScalarAndBackend = detail::all_alike<X...>;

/// Whether X's computation is recorded, and so part of training (batch statistics, dropout) unless its tape's mode says
/// otherwise.
template <class X>
inline constexpr bool training = is_variable<X>;

/// The tensor behind any operand.
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
