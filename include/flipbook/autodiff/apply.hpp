// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/multiply_adds.hpp>
#include <flipbook/autodiff/tape.hpp>

/// What operations are written with: their value, recorded where an operand is.
namespace flipbook::inline FLIPBOOK_ISA {

template <Order order, class Op, class T, class B, class... Rest>
detail::ResultOf<order, Op, Variable<T, B, order>, Rest...> Tape::record(Op op, const Variable<T, B, order>& first,
                                                                         const Rest&... rest) {
  using Output = detail::ResultOf<order, Op, Variable<T, B, order>, Rest...>;
  MultiplyAdds::add(op, first.value(), rest.value()...);
  auto value = op(first.value(), rest.value()...);
  if (detail::observer != nullptr) [[unlikely]]
    detail::observe(detail::spelled<Op>(), value, first.value(), rest.value()...);
  if (!recording_ || !(first.recorded() || ... || rest.recorded())) return Output(*this, std::move(value));
  using In = Variable<T, B, order>;
  constexpr std::size_t count = 1 + sizeof...(Rest);
  using Recorded = detail::OpNode<Output, Op, In, count>;
  auto* node = add<Recorded>(std::move(op), *this, value, std::array<const In*, count>{&first, &rest...});
  return Output(*this, std::move(value), node);
}

namespace detail {

/// Any order, where one of the operands is a variable of any order.
template <class... X>
inline constexpr Order order_of = Order{(is_variable_of_any_order<X> || ...)};

/// The tape of the first recorded operand, or of the first variable where none is recorded.
template <class... X>
Tape& tape_of(const X&... operands) {
  Tape* tape = nullptr;
  const auto find = [&](const auto& x) {
    if constexpr (is_variable<std::remove_cvref_t<decltype(x)>>) {
      if (tape == nullptr || x.recorded()) tape = &x.tape();
    }
  };
  (find(operands), ...);
  return *tape;
}

}  // namespace detail

/// The value of an operation: recorded where any operand is a variable, computed at once otherwise.
template <class Op, Operand... Args>
auto apply(Op op, const Args&... args) {
  static_assert(SameScalarAndBackend<Args...>, "operands differ in scalar or backend: cast<T>(x), to<B>(x) convert");
  if constexpr ((is_variable<Args> || ...)) {
    Tape& tape = detail::tape_of(args...);
    return tape.record(std::move(op), tape.lift<detail::order_of<Args...>>(args)...);
  } else {
    MultiplyAdds::add(op, tensor_of(args)...);
    return op(tensor_of(args)...);
  }
}

/// An operand as a value of the kind of x: a tensor beside a tensor, a variable of its tape beside a variable.
template <Value X, Operand P>
auto lift_like(const X& x, const P& operand) {
  if constexpr (is_variable<X>) return x.tape().template lift<X::order>(operand);
  else return tensor_of(operand);
}

/// Whether a gradient that is computed from these values is itself being recorded, and so must be made of operations
/// that can be differentiated. Where it cannot be, the compiler knows.
template <Value... X>
constexpr bool recorded(const X&... x) {
  if constexpr ((is_tensor<X> && ...)) return false;
  else return (x.recorded() || ...);
}

/// The gradients of an operation, one for each input in order: values, or callables that are only called
/// for the inputs whose gradient is asked for.
template <class... Gradients>
std::tuple<Gradients...> gradients(Gradients... each) {
  return {std::move(each)...};
}

/// The value without its past: a constant to whoever differentiates (stop-gradient).
template <Value X>
X stop_gradient(const X& x) {
  if constexpr (is_variable<X>) return x.detached();
  else return x;
}

// Operations on so many variables that programs need not compile.
#define FLIPBOOK_RECORDED_1(...) FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&))
#define FLIPBOOK_RECORDED_2(...) \
  FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&, const Variable<float>&))
#define FLIPBOOK_RECORDED_3(...)                                                                              \
  FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&, const Variable<float>&, \
                                                 const Variable<float>&))

}  // namespace flipbook
