// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cpu/conv/winograd/scheme.hpp>
#include <flipbook/backend/cpu/conv/winograd/weight_sums.hpp>

/// Convolutions with fewer multiplications than their definition has: a tile of mᵈ outputs of a kernel of rᵈ taps takes
/// (m + r − 1)ᵈ products of sums of pixels with sums of weights, instead of mᵈ rᵈ. Winograd, Arithmetic complexity of
/// computations, 1980; Lavin and Gray, Fast algorithms for convolutional neural networks, 2016.
///
/// Along an axis of stride s, a kernel of s · r taps is the sum of s kernels of r taps at stride 1, one for each phase
/// of the pixels; a shorter kernel is padded with zeros. Along an axis that is not filtered, it is the sum of its taps.
/// The products are summed over these parts, so that a sum is transformed once.
///
///     kernel    stride   filter          products   by definition
///     1×5×5     1        F(4, 5)         64         400
///                        F(2, 5)         36         100
///     1×3×3     1        F(4, 3)         36         144
///     3×3×3     1        F(4, 3), 3 taps 108        432
///     3×1×1     1        F(4, 3)         6          12
///     1×4×4     2        F(4, 2)         25 · 4     256
///                        F(2, 2)         9 · 4      64
///     1×5×5     2        F(4, 3)         36 · 4     400
///     4×4×4     2        F(4, 2)         125 · 8    4096
///                        F(2, 2)         27 · 8     512
///     4×4×4     1, 2, 2  F(4, 2), 4 taps 25 · 16    1024
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// As cpu::conv, with factors F.
template <Multiplicand F, class T = Sum<F>>
void conv(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const Index columns = g.out_channels, depth = g.in_channels / numbers_in<F>, parts = volume(scheme.parts);
  const Scratch<F> weights(scheme.products() * padded_pitch<F>(parts * depth * columns));
  const Axes taps = scheme.along(scheme.filter->taps);
  for (Index part = 0; part < parts; ++part) {
    const auto tap = [&](Index j) {
      const Index index = tap_index(g, place(part, scheme.parts), place(j, taps), g.stride);
      return index < 0 ? nullptr : w + index * g.in_channels * columns;
    };
    transform_weights(scheme, tap, depth, columns, weights.data(), part * depth, parts * depth);
  }
  const Index lattices = volume(Sublattice<T>::along(scheme, g));
  WorkList<Sums<F>> all(lattices);
  Index workspace = 0;
  for (Index i = 0; i < lattices; ++i) {
    const Sublattice<T> lattice(scheme, g, x, i);
    all.add(Sums<F>(scheme, g.batch, lattice.count, lattice.of(y, g), lattice.parts, weights.data(), bias));
    workspace = std::max(workspace, all.all().back().workspace());
  }
  run_tasks<T>(all.all(), workspace);
}

/// As cpu::conv_transpose, with factors F: each lattice of the result is a separate convolution.
template <Multiplicand F, class T = Sum<F>>
void conv_transpose(const Scheme<T>& scheme, const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  const Index channels = g.out_channels, columns = g.in_channels, size = channels * columns;
  const Index depth = channels / numbers_in<F>, phases = volume(TransposedLattice<T>::along(scheme, g));
  const Scratch<T> transposed(g.taps() * size);
  parallel_for(g.taps(), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      transpose(w + i * size, channels, columns, channels, transposed + i * size, columns);
  });
  const auto size_of = [&](const Parts<T>& parts) {
    return scheme.products() * padded_pitch<F>(parts.size() * depth * columns);
  };
  Index total = 0;
  for (Index i = 0; i < phases; ++i) total += size_of(TransposedLattice<T>(scheme, g, y, i).parts);
  const Scratch<F> weights(total);
  WorkList<Sums<F>> all(phases);
  Index workspace = 0;
  F* own = weights.data();
  for (Index i = 0; i < phases; ++i) {
    const TransposedLattice<T> lattice(scheme, g, y, i);
    const Index parts = lattice.parts.size();
    for (Index part = 0; part < parts; ++part) {
      const auto tap = [&](Index j) {
        const Index index = lattice.tap_of(scheme, g, part, j);
        return index < 0 ? nullptr : transposed.data() + index * size;
      };
      transform_weights(scheme, tap, depth, columns, own, part * depth, parts * depth);
    }
    const Lattice<T*> out{x, g.input, lattice.first, lattice.step, columns};
    all.add(Sums<F>(scheme, g.batch, lattice.count, out, lattice.parts, own, bias));
    workspace = std::max(workspace, all.all().back().workspace());
    own += size_of(lattice.parts);
  }
  run_tasks<T>(all.all(), workspace);
}

/// As cpu::conv_weight, with factors F.
template <Multiplicand F, class T = Sum<F>>
void conv_weight(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  WeightSums<F> sums(scheme, g, tiles_of(scheme, g));
  for (Index i = 0; i < volume(Sublattice<T>::along(scheme, g)); ++i) sums.add({scheme, g, x, i}, dy);
  sums.write(dw);
}

}  // namespace flipbook::cpu::winograd
