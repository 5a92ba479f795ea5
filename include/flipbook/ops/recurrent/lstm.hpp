// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/kernels/recurrent.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// In which order the gates of an LSTM follow one another along the last axis.
struct LstmOrder {
  int input = 0, forget = 1, candidate = 2, output = 3;  ///< PyTorch's: i, f, g, o
};

/// Hidden and cell state after one step, (2, …, H): both leave as views of one block of memory, and both
/// gradients come back together, so that each gate's is written once.
struct LstmUpdate {
  static constexpr unsigned saves = save::all_inputs;
  LstmOrder order;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& gates, const Tensor<T, B>& c) const {
    Shape shape{2};
    for (const Index extent : c.shape()) shape.push_back(extent);
    Tensor<T, B> next(shape);
    kernel::lstm(B{}, order, next, gates, c);
    return next;
  }

  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& d_next) const {
    const V &gates = std::get<0>(saved.inputs), &c = std::get<1>(saved.inputs);
    if constexpr (is_variable<V>) {
      if (recorded(gates, c, d_next)) return composed(gates, c, d_next);
    }
    using Numbers = Tensor<typename V::Scalar, typename V::Backend>;
    Numbers d_gates(gates.shape()), d_c(c.shape());
    kernel::lstm_gradient(typename V::Backend{}, order, d_gates, d_c, tensor_of(gates), tensor_of(c),
                          tensor_of(d_next));
    return gradients(lift_like(d_next, d_gates), lift_like(d_next, d_c));
  }

 private:
  /// The same gradient from operations that can be differentiated.
  template <class V>
  auto composed(const V& gates, const V& c, const V& d_next) const {
    const auto gate = split(gates, -1, 4);
    const auto at = [](int place) { return static_cast<std::size_t>(place); };
    const V i = sigmoid(gate[at(order.input)]), f = sigmoid(gate[at(order.forget)]);
    const V g = tanh(gate[at(order.candidate)]), o = sigmoid(gate[at(order.output)]);
    const V squashed = tanh(f * c + i * g);
    const auto d = unstack(d_next, 0);
    const V d_c = d[1] + d[0] * o * (1 - square(squashed));
    List<V> d_gates(4, c);
    d_gates[at(order.input)] = d_c * g * i * (1 - i);
    d_gates[at(order.forget)] = d_c * c * f * (1 - f);
    d_gates[at(order.candidate)] = d_c * i * (1 - square(g));
    d_gates[at(order.output)] = d[0] * squashed * o * (1 - o);
    return gradients(concat(-1, d_gates), d_c * f);
  }
};

/// The element-wise part of one step of an LSTM, from the gates before their activations.
///
///     c' = σ(f)·c + σ(i)·tanh(g),   h' = σ(o)·tanh(c')
///
/// @param gates  (…, 4·H), in the given order    @param c  (…, H)
/// @return  {h', c'}, each (…, H)
/// @throws  Error  if the shapes do not fit
/// Hochreiter and Schmidhuber, 1997; Gers et al., 2000.
template <Operand G, Operand C>
auto lstm_update(const G& gates, const C& c, LstmOrder order = {}) {
  const Shape& shape = c.shape();
  require(
      shape.rank() >= 1 && shape.rank() < Shape::max_rank && gates.shape() == shape.with_tail(1, {4 * shape.back()}),
      "lstm_update: gates ", gates.shape(), " for a cell state ", shape, "; needs four for each of its units");
  auto next = unstack(apply(LstmUpdate{order}, gates, c), 0);
  return std::array{next[0], next[1]};
}

}  // namespace flipbook
