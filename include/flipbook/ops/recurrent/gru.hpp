// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/recurrent.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

struct GruUpdate {
  static constexpr unsigned saves = save::all_inputs;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x_gates, const Tensor<T, B>& h_gates, const Tensor<T, B>& h) const {
    Tensor<T, B> next(h.shape());
    kernel::gru(B{}, next, x_gates, h_gates, h);
    return next;
  }

  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    const auto& [x_gates, h_gates, h] = saved.inputs;
    if constexpr (is_variable<V>) {
      if (recorded(x_gates, h_gates, h, dy)) return composed(x_gates, h_gates, h, dy);
    }
    using Numbers = Tensor<typename V::Scalar, typename V::Backend>;
    Numbers d_x_gates(x_gates.shape()), d_h_gates(x_gates.shape()), d_h(h.shape());
    kernel::gru_gradient(typename V::Backend{}, d_x_gates, d_h_gates, d_h, tensor_of(x_gates), tensor_of(h_gates),
                         tensor_of(h), tensor_of(dy));
    return gradients(lift_like(dy, d_x_gates), lift_like(dy, d_h_gates), lift_like(dy, d_h));
  }

 private:
  /// The same gradients composed of operations that can be differentiated again.
  template <class V>
  static auto composed(const V& x_gates, const V& h_gates, const V& h, const V& dy) {
    const auto from_x = split(x_gates, -1, 3), from_h = split(h_gates, -1, 3);
    const V r = sigmoid(from_x[0] + from_h[0]), z = sigmoid(from_x[1] + from_h[1]);
    const V n = tanh(from_x[2] + r * from_h[2]);
    const V d_n = dy * (1 - z) * (1 - square(n));
    const V d_r = d_n * from_h[2] * r * (1 - r), d_z = dy * (h - n) * z * (1 - z);
    return gradients(concat(-1, d_r, d_z, d_n), concat(-1, d_r, d_z, d_n * r), dy * z);
  }
};

/// The element-wise part of one step of a gated recurrent unit, from the terms of the input and of the hidden state in
/// the gates, in the order r, z, n.
///
///     r = σ(xᵣ + hᵣ),   z = σ(x_z + h_z),   n = tanh(xₙ + r·hₙ),   h' = (1 − z)·n + z·h
///
/// The reset gate applies to the hidden state's product, as in PyTorch and cuDNN, so that all gates share one matrix
/// product.
///
/// @param x_gates  (…, 3·H)    @param h_gates  (…, 3·H)    @param h  (…, H)
/// @return  h' (…, H)
/// @throws  Error  if the shapes do not fit
/// Cho et al., 2014.
template <Operand X, Operand G, Operand H>
auto gru_update(const X& x_gates, const G& h_gates, const H& h) {
  const Shape& shape = h.shape();
  require(shape.rank() >= 1 && x_gates.shape() == shape.with_tail(1, {3 * shape.back()}) &&
              h_gates.shape() == x_gates.shape(),
          "gru_update: gates ", x_gates.shape(), " and ", h_gates.shape(), " for a hidden state ", shape,
          "; needs three for each of its units");
  return apply(GruUpdate{}, x_gates, h_gates, h);
}

}  // namespace flipbook
