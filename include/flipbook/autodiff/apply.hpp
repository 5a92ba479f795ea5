// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/multiply_adds.hpp>
#include <flipbook/autodiff/tape.hpp>

/// Functions to write operations with: their value is recorded if an operand is.
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

/// Order::higher if one of the operands is a variable of higher order.
template <class... X>
inline constexpr Order order_of = Order{(is_variable_of_any_order<X> || ...)};

/// The tape of the first recorded operand, or of the first variable if none is recorded.
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

/// The value of an operation: recorded if any operand is a variable, otherwise only computed.
/// @throws Error  if operands are recorded on different tapes
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

/// An operand as a value of x's kind: a tensor if x is a tensor, a variable of x's tape if x is a variable.
template <Value X, Operand P>
auto lift_like(const X& x, const P& operand) {
  if constexpr (is_variable<X>) return x.tape().template lift<X::order>(operand);
  else return tensor_of(operand);
}

/// Whether a gradient computed from these values is itself recorded, and must therefore consist of differentiable
/// operations. For tensors it is false at compile time.
template <Value... X>
constexpr bool recorded(const X&... x) {
  if constexpr ((is_tensor<X> && ...)) return false;
  else return (x.recorded() || ...);
}

/// The gradients of an operation, one for each input in order: values, or callables that are called only if the input's
/// gradient is requested.
template <class... Gradients>
std::tuple<Gradients...> gradients(Gradients... each) {
  return {std::move(each)...};
}

/// The value as a constant, without its recorded computation (PyTorch's `detach`).
template <Value X>
X stop_gradient(const X& x) {
  if constexpr (is_variable<X>) return x.detached();
  else return x;
}

// Operations on one, two or three variables that programs can link instead of compiling.
#define FLIPBOOK_RECORDED_1(...) FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&))
#define FLIPBOOK_RECORDED_2(...) \
  FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&, const Variable<float>&))
#define FLIPBOOK_RECORDED_3(...)                                                                              \
  FLIPBOOK_TEMPLATE(Variable<float> Tape::record(__VA_ARGS__, const Variable<float>&, const Variable<float>&, \
                                                 const Variable<float>&))

}  // namespace flipbook
