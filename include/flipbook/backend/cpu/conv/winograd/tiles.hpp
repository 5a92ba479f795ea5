// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/conv/winograd/filter.hpp>
#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

/// Images in tiles, for Winograd's filtering.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

using Axes = ConvGeometry::Axes;

/// Images of `extent` pixels of some channels each, of which every `step`-th pixel from `first` on counts.
template <class P>
struct Lattice {
  P data;
  Axes extent, first, step;
  Index channels;
};

/// How a convolution is done: with which filter, along how many of the last axes, and by which tiles.
template <Real T>
struct Scheme {
  const Filter<T>* filter = nullptr;  ///< none: there is no way that pays
  int axes = 2;
  Index stride = 1;

  Index power(Index base) const { return axes == 2 ? base * base : base * base * base; }
  Index products() const { return power(filter->points); }
  Index parts() const { return power(stride); }
  /// Number i of `base` along each transformed axis, as its place along all three.
  Axes place(Index i, Index base) const {
    Axes at{0, 0, 0};
    for (int axis = 2; axis > 2 - axes; --axis, i /= base) at[static_cast<std::size_t>(axis)] = i % base;
    return at;
  }
};

/// Where positions are cut into tiles of m along each transformed axis.
template <Real T>
struct Tiles {
  Scheme<T> scheme;
  Index batch;
  Axes count;

  Tiles(const Scheme<T>& s, Index images, const Axes& positions) : scheme(s), batch(images), count(positions) {
    for (auto axis = static_cast<std::size_t>(3 - s.axes); axis < 3; ++axis)
      count[axis] = quotient_up(positions[axis], s.filter->outputs);
  }
  Index total() const { return batch * count[0] * count[1] * count[2]; }

  /// Calls f(i, offset of pixel i, or −1 where it is outside) for the square or cube of `side` pixels of a lattice that
  /// begins `shift` pixels after a tile's first position.
  template <class P, class F>
  void each_pixel(Index tile, Index side, const Lattice<P>& of, const Axes& shift, const F& f) const {
    std::array<std::array<Index, most_points>, 3> along;  // offsets along each axis; less than 0 outside
    Axes sides;
    Index pitch = of.channels;
    for (std::size_t axis = 3; axis-- > 0; tile /= count[axis], pitch *= of.extent[axis]) {
      const bool whole = static_cast<int>(axis) + scheme.axes < 3;
      sides[axis] = whole ? 1 : side;
      const Index first =
          of.first[axis] + (tile % count[axis] * (whole ? 1 : scheme.filter->outputs) + shift[axis]) * of.step[axis];
      for (Index i = 0; i < sides[axis]; ++i) {
        const Index at = first + i * of.step[axis];
        along[axis][static_cast<std::size_t>(i)] = 0 <= at && at < of.extent[axis] ? at * pitch : -1;
      }
    }
    const Index image = tile * pitch;
    Index i = 0;
    for (std::size_t t = 0; t < static_cast<std::size_t>(sides[0]); ++t) {
      for (std::size_t h = 0; h < static_cast<std::size_t>(sides[1]); ++h) {
        const bool inside = along[0][t] >= 0 && along[1][h] >= 0;
        const Index line = image + along[0][t] + along[1][h];
        for (std::size_t w = 0; w < static_cast<std::size_t>(sides[2]); ++w) {
          f(i++, inside && along[2][w] >= 0 ? line + along[2][w] : -1);
        }
      }
    }
  }
};

/// Rounds up to an odd number of cache lines, to avoid set conflicts.
template <class T>
constexpr Index padded_pitch(Index count) {
  constexpr Index line = 64 / Index{sizeof(T)};
  return (quotient_up(count, line) | 1) * line;
}

/// The pixels of a tile, for a transform of any of their channels.
template <Real T>
class TilePixels {
 public:
  TilePixels(const Tiles<T>& tiles, Index tile, Index side, const Lattice<const T*>& in, const Axes& shift)
      : next_(tiles.scheme.filter->outputs * in.step[2] * in.channels) {
    from_.fill(zero_row<T>.data()), moves_.fill(0);
    if (tile >= tiles.total()) return;
    tiles.each_pixel(tile, side, in, shift, [&](Index i, Index offset) {
      if (offset >= 0)
        from_[static_cast<std::size_t>(i)] = in.data + offset, moves_[static_cast<std::size_t>(i)] = ~Index{0};
    });
  }
  Scattered<T> channels_from(Index c) const { return {from_.data(), moves_.data(), c, next_}; }

 private:
  std::array<const T*, most_products> from_;
  std::array<Index, most_products> moves_;  // with the channel, all but zeros
  Index next_;                              // to the next tile
};

/// Room for what a transform of one vector of channels gives.
template <Real T>
struct alignas(64) Products {
  std::array<T, static_cast<std::size_t>(lanes<T>) * most_products> numbers;
  Simd<T> operator[](Index i) const { return Simd<T>::load_aligned(numbers.data() + i * lanes<T>); }
};

/// The transform of a tile's pixels, as factors of a reduction over channels: those of number f from to[f · pitch] on.
template <Multiplicand F, class T = Sum<F>>
void transform_pixels(const Tiles<T>& tiles, Index tile, const Transform<T, Scattered>& transform,
                      const Lattice<const T*>& in, const Axes& shift, F* to, Index pitch) {
  const TilePixels<T> pixels(tiles, tile, transform.columns, in, shift);
  for (Index c = 0; c < in.channels; c += lanes<T>, to += lanes<T> / numbers_in<F>) {
    transform(tiles.scheme.axes, pixels.channels_from(c), to, pitch);
  }
}

/// The transforms of as many vectors as a factor holds numbers, of x(0) and, for pairs, x(1), as factors of a reduction
/// from one to the next: those of number f from to[f · pitch] on.
template <Multiplicand F, class T = Sum<F>, class X>
void transform_together(const Scheme<T>& scheme, const Transform<T, Scattered>& transform, const X& x, F* to,
                        Index pitch) {
  if constexpr (std::same_as<F, T>) transform(scheme.axes, x(0), to, pitch);
  else transform(scheme.axes, x(0), x(1), to, pitch);
}

/// The transforms of the pixels of as many tiles, as factors of a reduction over tiles, for every channel.
template <Multiplicand F, class T = Sum<F>>
void transform_tiles(const Tiles<T>& tiles, Index first, const Transform<T, Scattered>& transform,
                     const Lattice<const T*>& in, F* to, Index pitch) {
  const auto pixels = [&](Index tile) { return TilePixels<T>(tiles, tile, transform.columns, in, {0, 0, 0}); };
  const TilePixels<T> one = pixels(first), other = numbers_in<F> > 1 ? pixels(first + 1) : one;
  for (Index c = 0; c < in.channels; c += lanes<T>) {
    const auto x = [&](Index i) { return (i == 0 ? one : other).channels_from(c); };
    transform_together(tiles.scheme, transform, x, to + c, pitch);
  }
}

}  // namespace flipbook::cpu::winograd
