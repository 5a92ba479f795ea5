// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/elementwise/units.hpp>

/// The element-wise part of recurrent cells. The gates of a hidden unit are one hidden size apart in a row, so that one
/// pass reads them all.

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// h' = σ(o)·tanh(c'),  c' = σ(f)·c + σ(i)·tanh(g), for gates (rows, 4·hidden) in the given order and c (rows, hidden)
template <Real T, class Order>
void lstm(const Order& at, Index rows, Index hidden, const T* gates, const T* c, T* next_h, T* next_c) {
  using V = Simd<T>;
  for_each_unit<T>(rows, hidden, [=](Index row, Units<T> units) {
    const T* const gate = gates + row * 4 * hidden;
    const V i = math::sigmoid(units.load(gate + at.input * hidden));
    const V f = math::sigmoid(units.load(gate + at.forget * hidden));
    const V g = math::tanh(units.load(gate + at.candidate * hidden));
    const V o = math::sigmoid(units.load(gate + at.output * hidden));
    const V state = f * units.load(c + row * hidden) + i * g;
    units.store(state, next_c + row * hidden);
    units.store(o * math::tanh(state), next_h + row * hidden);
  });
}

/// The gradients with respect to gates and c, from those of h' and c'; activations are recomputed.
template <Real T, class Order>
void lstm_gradient(const Order& at, Index rows, Index hidden, const T* gates, const T* c, const T* dh, const T* dc,
                   T* d_gates, T* d_c) {
  using V = Simd<T>;
  for_each_unit<T>(rows, hidden, [=](Index row, Units<T> units) {
    const T* const gate = gates + row * 4 * hidden;
    const V i = math::sigmoid(units.load(gate + at.input * hidden));
    const V f = math::sigmoid(units.load(gate + at.forget * hidden));
    const V g = math::tanh(units.load(gate + at.candidate * hidden));
    const V o = math::sigmoid(units.load(gate + at.output * hidden));
    const V before = units.load(c + row * hidden), squashed = math::tanh(f * before + i * g), one(T(1));
    const V d_h = units.load(dh + row * hidden);
    const V d_state = units.load(dc + row * hidden) + d_h * o * (one - squashed * squashed);
    T* const to = d_gates + row * 4 * hidden;
    units.store(d_state * g * i * (one - i), to + at.input * hidden);
    units.store(d_state * before * f * (one - f), to + at.forget * hidden);
    units.store(d_state * i * (one - g * g), to + at.candidate * hidden);
    units.store(d_h * squashed * o * (one - o), to + at.output * hidden);
    units.store(d_state * f, d_c + row * hidden);
  });
}

namespace detail {
/// The gates of a GRU: r = σ(xᵣ + hᵣ), z = σ(x_z + h_z), n = tanh(xₙ + r·hₙ); rows hold r, z, n.
template <Real T>
struct GruGates {
  Simd<T> r, z, n, hidden_n;
  GruGates(Units<T> units, Index hidden, const T* x, const T* h)
      : r(math::sigmoid(units.load(x) + units.load(h))),
        z(math::sigmoid(units.load(x + hidden) + units.load(h + hidden))),
        hidden_n(units.load(h + 2 * hidden)) {
    n = math::tanh(units.load(x + 2 * hidden) + r * hidden_n);
  }
};
}  // namespace detail

/// h' = (1 − z)·n + z·h, for x_gates, h_gates (rows, 3·hidden) and h (rows, hidden)
template <Real T>
void gru(Index rows, Index hidden, const T* x_gates, const T* h_gates, const T* h, T* next_h) {
  for_each_unit<T>(rows, hidden, [=](Index row, Units<T> units) {
    const detail::GruGates<T> gate(units, hidden, x_gates + row * 3 * hidden, h_gates + row * 3 * hidden);
    units.store(gate.n + gate.z * (units.load(h + row * hidden) - gate.n), next_h + row * hidden);
  });
}

/// The gradients with respect to both parts of the gates and to h.
template <Real T>
void gru_gradient(Index rows, Index hidden, const T* x_gates, const T* h_gates, const T* h, const T* dy, T* d_x_gates,
                  T* d_h_gates, T* d_h) {
  using V = Simd<T>;
  for_each_unit<T>(rows, hidden, [=](Index row, Units<T> units) {
    const detail::GruGates<T> gate(units, hidden, x_gates + row * 3 * hidden, h_gates + row * 3 * hidden);
    const V one(T(1)), d = units.load(dy + row * hidden);
    const V d_n = d * (one - gate.z) * (one - gate.n * gate.n);
    const V d_r = d_n * gate.hidden_n * gate.r * (one - gate.r);
    const V d_z = d * (units.load(h + row * hidden) - gate.n) * gate.z * (one - gate.z);
    T *const to_x = d_x_gates + row * 3 * hidden, *const to_h = d_h_gates + row * 3 * hidden;
    units.store(d_r, to_x), units.store(d_r, to_h);
    units.store(d_z, to_x + hidden), units.store(d_z, to_h + hidden);
    units.store(d_n, to_x + 2 * hidden), units.store(d_n * gate.r, to_h + 2 * hidden);
    units.store(d * gate.z, d_h + row * hidden);
  });
}

}  // namespace flipbook::cpu
