// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <flipbook/backend/cpu/conv/winograd/lattices.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>

/// Which filter does a convolution in the shortest time.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// Whether one filter fits all of these axes: their kernels and strides are the same, and two taps of a phase are
/// neighbours, of its lattice where the kernel is dilated.
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

/// Calls f(scheme) for every filter that fits, along all sets of axes, where channels fill vectors.
template <Real T, class F>
void each_scheme(const ConvGeometry& g, const F& f) {
  if (g.groups != 1 || g.in_channels % lanes<T> != 0 || g.out_channels % lanes<T> != 0) return;
  for (int set = 7; set > 0; --set) {  // of sets that cost the same, the one of the inner axes
    Scheme<T> scheme;
    Index taps = 0;    // of a part
    bool seen = true;  // every pixel, by some tap
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

/// How many numbers the transformed weights are.
template <Real T>
Index weights_of(const Scheme<T>& scheme, const ConvGeometry& g) {
  return volume(scheme.parts) * scheme.products() * g.in_channels * g.out_channels;
}

/// The cost of a filter, in multiplications of factors F. Measured: to transform a number of a tile costs 24 of them,
/// one of the weights 24 as well, or 64 where the weights leave the caches.
/// @param transposed  of the transposed convolution, each lattice of which transforms what it sees anew
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

/// The shortest way to do a convolution; no filter, where that is the direct one. Transformed weights that no cache
/// holds, and that may be the most that a step keeps in memory at once, are not worth it.
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
