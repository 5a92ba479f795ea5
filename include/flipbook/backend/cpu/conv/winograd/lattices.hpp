// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cpu/conv/winograd/tiles.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// The pixels that the outputs of a convolution read, as lattices of adjacent pixels for Winograd's filtering.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// The index of tap `first` + at · step, or −1 if it is outside the kernel.
inline Index tap_index(const ConvGeometry& g, const Axes& first, const Axes& at, const Axes& step) {
  Index index = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index tap = first[axis] + at[axis] * step[axis];
    if (tap < 0 || tap >= g.kernel[axis]) return -1;
    index = index * g.kernel[axis] + tap;
  }
  return index;
}

/// The parts of the input over which a lattice of outputs is summed. Each part is a different lattice.
template <Real T>
struct Parts {
  Lattice<const T*> in;  ///< of the first part
  Axes count, move;      ///< along each axis: number of parts, and distance from one to the next in pixels

  Index size() const { return volume(count); }
  Lattice<const T*> operator[](Index part) const {
    const Axes at = place(part, count);
    Lattice<const T*> lattice = in;
    for (std::size_t axis = 0; axis < 3; ++axis) lattice.first[axis] += at[axis] * move[axis];
    return lattice;
  }
};

/// Outputs at a distance of `step`, and the parts of the input that they read. Along a filtered axis with a dilation
/// there is one such lattice for each phase of the dilation, whose outputs read adjacent pixels of lattices of the
/// input: at a dilation of 2, outputs 0, 2, 4 … read pixels 0, 2, 4 …, and outputs 1, 3, 5 … read pixels 1, 3, 5 …
template <Real T>
struct Sublattice {
  Axes first, step, count;  ///< of outputs
  Parts<T> parts;

  /// Number of lattices along each axis.
  static Axes along(const Scheme<T>& scheme, const ConvGeometry& g) {
    Axes count;
    for (std::size_t axis = 0; axis < 3; ++axis) count[axis] = scheme.filtered[axis] ? g.dilation[axis] : 1;
    return count;
  }
  Sublattice(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, Index number)
      : first(place(number, along(scheme, g))),
        step(along(scheme, g)),
        parts{{x, g.input, {}, g.stride, g.in_channels}, scheme.parts, g.dilation} {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      count[axis] = quotient_up(std::max(g.output[axis] - first[axis], Index{0}), step[axis]);
      parts.in.first[axis] = first[axis] * g.stride[axis] - g.padding[axis], parts.in.step[axis] *= step[axis];
      if (scheme.filtered[axis]) parts.move[axis] = 1;  // from one phase of the stride to the next
    }
  }
  template <class P>
  Lattice<P> of(P data, const ConvGeometry& g) const {
    return {data, g.output, first, step, g.out_channels};
  }
};
template <Real T>
Index tiles_of(const Scheme<T>& scheme, const ConvGeometry& g) {
  Index tiles = 0;
  for (Index i = 0; i < volume(Sublattice<T>::along(scheme, g)); ++i)
    tiles += Tiles<T>(scheme, g.batch, Sublattice<T>(scheme, g, nullptr, i).count).total();
  return tiles;
}

/// A lattice of a transposed convolution's result: a phase of the stride and, along a filtered axis, of the dilation.
/// Each is a separate convolution.
template <Real T>
struct TransposedLattice {
  Axes first, step, count;  ///< of the result
  Axes tap, tap_step;       ///< the first tap of the first part, and the step to the next tap
  Parts<T> parts;

  static Axes along(const Scheme<T>& scheme, const ConvGeometry& g) {
    Axes count = Sublattice<T>::along(scheme, g);
    for (std::size_t axis = 0; axis < 3; ++axis) count[axis] *= g.stride[axis];
    return count;
  }
  TransposedLattice(const Scheme<T>& scheme, const ConvGeometry& g, const T* y, Index number)
      : first(place(number, along(scheme, g))),
        step(along(scheme, g)),
        parts{{y, g.output, {}, Sublattice<T>::along(scheme, g), g.out_channels}, {}, {}} {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Phase phase = phase_of(g, axis, first[axis]);
      count[axis] = quotient_up(std::max(g.input[axis] - first[axis], Index{0}), step[axis]);
      tap[axis] = phase.tap, tap_step[axis] = -phase.tap_step;
      parts.in.first[axis] = phase.origin, parts.move[axis] = phase.step;
      parts.count[axis] = scheme.filtered[axis] ? 1 : phase.taps;
    }
  }
  /// The index of tap j of the filter for part `part`, or −1.
  Index tap_of(const Scheme<T>& scheme, const ConvGeometry& g, Index part, Index j) const {
    const Axes at = place(part, parts.count), along = place(j, scheme.along(scheme.filter->taps));
    return tap_index(g, tap, {at[0] + along[0], at[1] + along[1], at[2] + along[2]}, tap_step);
  }
};

}  // namespace flipbook::cpu::winograd
