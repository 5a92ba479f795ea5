// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <span>
#include <utility>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/recurrent.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The order of an LSTM's gates along the last axis.
struct LstmOrder {
  int input = 0, forget = 1, candidate = 2, output = 3;  ///< PyTorch's: i, f, g, o
};

/// Hidden and cell state after one step, from the gates, which may be two terms of a sum, and the previous cell state.
/// Both states are views of one block of memory. Their gradients are processed together, so that each gate's gradient
/// is written once.
struct LstmUpdate {
  static constexpr unsigned saves = save::all_inputs;
  LstmOrder order;

  template <class T, class B>
  List<Tensor<T, B>> operator()(const List<Tensor<T, B>>& x) const {
    const Tensor<T, B>& c = x.back();
    Shape shape{2};
    for (const Index extent : c.shape()) shape.push_back(extent);
    Tensor<T, B> next(shape);
    kernel::lstm(B{}, order, next, gates_of(x), c);
    return {next[0], next[1]};
  }

  template <class V>
  List<V> vjp(const List<V>& x, const List<V>& dy) const {
    const V& c = x.back();
    if constexpr (is_variable<V>) {
      const V gates = x.size() == 3 ? x[0] + x[1] : x[0];
      if (recorded(gates, c, dy[0], dy[1])) return of_each(x.size(), composed(gates, c, dy));
    }
    using Numbers = Tensor<typename V::Scalar, typename V::Backend>;
    Numbers d_gates(x[0].shape()), d_c(c.shape());
    List<Numbers> numbers;
    for (const V& each : x) numbers.push_back(tensor_of(each));
    kernel::lstm_gradient(typename V::Backend{}, order, d_gates, d_c, gates_of(numbers), tensor_of(c), tensor_of(dy[0]),
                          tensor_of(dy[1]));
    return of_each(x.size(), std::pair{lift_like(c, d_gates), lift_like(c, d_c)});
  }

 private:
  /// All inputs but the last.
  template <class X>
  static std::span<const X> gates_of(const List<X>& x) {
    return std::span(x).first(x.size() - 1);
  }
  /// The gradients of all inputs; each term of a sum has the sum's gradient.
  template <class V>
  static List<V> of_each(std::size_t inputs, const std::pair<V, V>& gates_and_c) {
    List<V> dx(inputs - 1, gates_and_c.first);
    dx.push_back(gates_and_c.second);
    return dx;
  }
  /// The same gradients composed of operations that can be differentiated again.
  template <class V>
  std::pair<V, V> composed(const V& gates, const V& c, const List<V>& d) const {
    const auto gate = split(gates, -1, 4);
    const auto at = [](int place) { return static_cast<std::size_t>(place); };
    const V i = sigmoid(gate[at(order.input)]), f = sigmoid(gate[at(order.forget)]);
    const V g = tanh(gate[at(order.candidate)]), o = sigmoid(gate[at(order.output)]);
    const V squashed = tanh(f * c + i * g);
    const V d_c = d[1] + d[0] * o * (1 - square(squashed));
    List<V> d_gates(4, c);
    d_gates[at(order.input)] = d_c * g * i * (1 - i);
    d_gates[at(order.forget)] = d_c * c * f * (1 - f);
    d_gates[at(order.candidate)] = d_c * i * (1 - square(g));
    d_gates[at(order.output)] = d[0] * squashed * o * (1 - o);
    return {concat(-1, d_gates), d_c * f};
  }
};

/// The element-wise part of one step of an LSTM, from the gates' pre-activations.
///
///     c' = σ(f)·c + σ(i)·tanh(g),   h' = σ(o)·tanh(c')
///
/// @param gates  (…, 4·H), in the given order    @param c  (…, H)
/// @return  {h', c'}, each (…, H)
/// @throws  Error  if the shapes do not fit
/// Hochreiter and Schmidhuber, 1997; Gers et al., 2000.
template <Operand G, Operand C>
auto lstm_update(const G& gates, const C& c, LstmOrder order = {}) {
  static_assert(SameScalarAndBackend<G, C>, "operands differ in scalar or backend: cast<T>(x), to<B>(x) convert");
  const Shape& shape = c.shape();
  require(
      shape.rank() >= 1 && shape.rank() < Shape::max_rank && gates.shape() == shape.with_tail(1, {4 * shape.back()}),
      "lstm_update: gates ", gates.shape(), " for a cell state ", shape, "; needs four for each of its units");
  auto next = apply_list(LstmUpdate{order}, list_of(gates, c));
  return std::array{next[0], next[1]};
}
/// `lstm_update` of gates that are a sum of two terms, which a device adds while reading them.
template <Operand G, Operand C>
auto lstm_update(const G& x_gates, const G& h_gates, const C& c, LstmOrder order = {}) {
  if constexpr (std::same_as<typename C::Backend, Cpu>) {
    return lstm_update(x_gates + h_gates, c, order);
  } else {
    require(x_gates.shape() == h_gates.shape() && x_gates.shape() == c.shape().with_tail(1, {4 * c.shape().back()}),
            "lstm_update: gates ", x_gates.shape(), " and ", h_gates.shape(), " for a cell state ", c.shape(),
            "; needs four for each of its units");
    auto next = apply_list(LstmUpdate{order}, list_of(x_gates, h_gates, c));
    return std::array{next[0], next[1]};
  }
}

FLIPBOOK_TEMPLATE(List<Variable<float>> Tape::record_list(LstmUpdate, const List<Variable<float>>&));

}  // namespace flipbook
