// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <flipbook/backend/cpu/conv/winograd/lattices.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>

/// The choice of the fastest filter for a convolution.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// Whether one filter fits all filtered axes: their kernels and strides are equal, and adjacent taps of a phase read
/// adjacent pixels, of a lattice if the kernel is dilated.
inline bool alike(const ConvGeometry& g, const std::array<bool, 3>& filtered) {
  std::size_t one = 3;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!filtered[axis]) continue;
    if (one == 3) one = axis;
    if (g.kernel[axis] <= g.stride[axis] || (g.dilation[axis] > 1 && g.stride[axis] > 1)) return false;
    if (g.kernel[axis] != g.kernel[one] || g.stride[axis] != g.stride[one]) return false;
  }
  return one < 3;
}

/// Calls f(scheme) for every filter that fits, along all sets of axes, if channels fill vectors.
template <Real T, class F>
void each_scheme(const ConvGeometry& g, const F& f) {
  if (g.groups != 1 || g.in_channels % lanes<T> != 0 || g.out_channels % lanes<T> != 0) return;
  for (int set = 7; set > 0; --set) {  // of sets with the same cost, that of the inner axes
    Scheme<T> scheme;
    Index taps = 0;    // of a part
    bool seen = true;  // every pixel is read by some tap
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool filtered = scheme.filtered[axis] = (set >> axis & 1) != 0;
      if (filtered) taps = quotient_up(g.kernel[axis], g.stride[axis]);
      else seen = seen && (g.stride[axis] == 1 || (g.dilation[axis] == 1 && g.kernel[axis] >= g.stride[axis]));
      scheme.parts[axis] = filtered ? g.stride[axis] : g.kernel[axis];
    }
    if (!seen || !alike(g, scheme.filtered)) continue;
    const auto with = [&](const auto&... filters) { ((scheme.filter = &filters, f(std::as_const(scheme))), ...); };
    if (taps == 2) with(filter<T, 4, 2>, filter<T, 2, 2>);
    if (scheme.axes() == 3) continue;
    if (taps == 3) with(filter<T, 4, 3>);
    if (taps == 4) with(filter<T, 3, 4>);
    if (taps == 5) with(filter<T, 4, 5>, filter<T, 2, 5>);
    if (taps == 7) with(filter<T, 2, 7>);
  }
}

/// Number of transformed weights.
template <Real T>
Index weights_of(const Scheme<T>& scheme, const ConvGeometry& g) {
  return volume(scheme.parts) * scheme.products() * g.in_channels * g.out_channels;
}

/// The cost of a filter, in multiplications of factors F. As measured, transforming a number of a tile costs 24 of
/// them, transforming a number of the weights 24 as well, or 64 if the weights exceed the caches.
/// @param transposed  for the transposed convolution, each lattice of which transforms its input anew
template <Multiplicand F, class T = Sum<F>>
Index cost_of(const Scheme<T>& scheme, const ConvGeometry& g, bool transposed) {
  const Index parts = volume(scheme.parts), tiles = tiles_of(scheme, g);
  const bool cached = weights_of(scheme, g) * Index{sizeof(T)} <= 2 * cache::share_of_last;
  const Index transform = 24, weights = cached ? 24 : 64;
  const Index multiplied = parts * (tiles + weights) * g.in_channels * g.out_channels;
  Index transformed = parts * g.in_channels + g.out_channels;  // numbers of a tile
  if (transposed) transformed = parts * g.out_channels + volume(g.stride) * g.in_channels;
  return scheme.products() * (multiplied + numbers_in<F> * transform * tiles * transformed);
}

/// The fastest scheme of a convolution, without a filter if the direct convolution is faster. Schemes are excluded if
/// no cache holds their transformed weights, which might also determine a step's peak memory.
template <Multiplicand F, class T = Sum<F>>
Scheme<T> scheme_of(const ConvGeometry& g, bool transposed = false) {
  constexpr Index most_weights = 40 * (Index{1} << 20) / Index{sizeof(F)} * numbers_in<F>;  // 512² of F(4, 3)
  Scheme<T> best;
  Index least = g.multiply_adds();
  each_scheme<T>(g, [&](const Scheme<T>& scheme) {
    if (weights_of(scheme, g) > most_weights) return;
    const Index cost = cost_of<F>(scheme, g, transposed);
    if (cost < least) best = scheme, least = cost;
  });
  return best;
}

}  // namespace flipbook::cpu::winograd
