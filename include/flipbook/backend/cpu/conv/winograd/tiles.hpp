// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/conv/winograd/filter.hpp>
#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

/// Tiles of images, for Winograd's filtering.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

using Axes = ConvGeometry::Axes;

/// Every `step`-th pixel, from `first` on, of images of `extent` pixels with some channels.
template <class P>
struct Lattice {
  P data;
  Axes extent, first, step;
  Index channels;
};

/// The coordinates of element i of a row-major grid with these extents.
inline Axes place(Index i, const Axes& extents) {
  Axes at;
  for (std::size_t axis = 3; axis-- > 0; i /= extents[axis]) at[axis] = i % extents[axis];
  return at;
}
inline Index volume(const Axes& extents) { return extents[0] * extents[1] * extents[2]; }

/// The algorithm of a convolution: a filter, and the axes that it is applied to. Products are summed over parts: along
/// a filtered axis one part for each phase of the stride, along the others one for each tap.
template <Real T>
struct Scheme {
  const Filter<T>* filter = nullptr;  ///< null if no filter pays
  std::array<bool, 3> filtered{false, true, true};
  Axes parts{1, 1, 1};

  int axes() const { return filtered[0] + filtered[1] + filtered[2]; }
  /// `count` along the filtered axes, and 1 along the others.
  Axes along(Index count) const {
    Axes extents;
    for (std::size_t axis = 0; axis < 3; ++axis) extents[axis] = filtered[axis] ? count : 1;
    return extents;
  }
  Index products() const { return volume(along(filter->points)); }
};

/// The division of positions into tiles of m along each filtered axis.
template <Real T>
struct Tiles {
  Scheme<T> scheme;
  Index batch;
  Axes count;

  Tiles(const Scheme<T>& s, Index images, const Axes& positions) : scheme(s), batch(images) {
    const Axes tile = s.along(s.filter->outputs);
    for (std::size_t axis = 0; axis < 3; ++axis) count[axis] = quotient_up(positions[axis], tile[axis]);
  }
  Index total() const { return batch * volume(count); }

  /// Calls f(i, offset of pixel i, or −1 if it is outside) for a lattice's line, square or cube of `side` pixels, which
  /// begins at a tile's first position.
  template <class P, class F>
  void each_pixel(Index tile, Index side, const Lattice<P>& of, const F& f) const {
    std::array<std::array<Index, most_points>, 3> along;  // offsets along each axis; less than 0 outside
    const Axes sides = scheme.along(side), outputs = scheme.along(scheme.filter->outputs);
    Index pitch = of.channels;
    for (std::size_t axis = 3; axis-- > 0; tile /= count[axis], pitch *= of.extent[axis]) {
      const Index first = of.first[axis] + tile % count[axis] * outputs[axis] * of.step[axis];
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
  TilePixels(const Tiles<T>& tiles, Index tile, Index side, const Lattice<const T*>& in)
      : next_(tiles.scheme.along(tiles.scheme.filter->outputs)[2] * in.step[2] * in.channels) {
    from_.fill(zero_row<T>.data()), moves_.fill(0);
    if (tile >= tiles.total()) return;
    tiles.each_pixel(tile, side, in, [&](Index i, Index offset) {
      if (offset >= 0)
        from_[static_cast<std::size_t>(i)] = in.data + offset, moves_[static_cast<std::size_t>(i)] = ~Index{0};
    });
  }
  Scattered<T> channels_from(Index c) const { return {from_.data(), moves_.data(), c, next_}; }

 private:
  std::array<const T*, most_products> from_;
  std::array<Index, most_products> moves_;  // all bits set for pixels inside, which move with the channel
  Index next_;                              // to the next tile of a line
};

/// Memory for the result of a transform of one vector of channels.
template <Real T>
struct alignas(64) Products {
  std::array<T, static_cast<std::size_t>(lanes<T>) * most_products> numbers;
  Simd<T> operator[](Index i) const { return Simd<T>::load_aligned(numbers.data() + i * lanes<T>); }
};

/// Transforms a tile's pixels to factors of a reduction over channels; those of product f begin at to[f · pitch].
template <Multiplicand F, class T = Sum<F>>
void transform_pixels(const Tiles<T>& tiles, Index tile, const Transform<T, Scattered>& transform,
                      const Lattice<const T*>& in, F* to, Index pitch) {
  const TilePixels<T> pixels(tiles, tile, transform.columns, in);
  for (Index c = 0; c < in.channels; c += lanes<T>, to += lanes<T> / numbers_in<F>) {
    transform(tiles.scheme.axes(), pixels.channels_from(c), to, pitch);
  }
}

/// Transforms x(0) and, for pairs, x(1), to factors of a reduction over both. The factors of product f begin at
/// to[f · pitch].
template <Multiplicand F, class T = Sum<F>, class X>
void transform_together(const Scheme<T>& scheme, const Transform<T, Scattered>& transform, const X& x, F* to,
                        Index pitch) {
  if constexpr (std::same_as<F, T>) transform(scheme.axes(), x(0), to, pitch);
  else transform(scheme.axes(), x(0), x(1), to, pitch);
}

/// Transforms every channel of one tile, or two for pairs, to factors of a reduction over tiles.
template <Multiplicand F, class T = Sum<F>>
void transform_tiles(const Tiles<T>& tiles, Index first, const Transform<T, Scattered>& transform,
                     const Lattice<const T*>& in, F* to, Index pitch) {
  const auto pixels = [&](Index tile) { return TilePixels<T>(tiles, tile, transform.columns, in); };
  const TilePixels<T> one = pixels(first), other = numbers_in<F> > 1 ? pixels(first + 1) : one;
  for (Index c = 0; c < in.channels; c += lanes<T>) {
    const auto x = [&](Index i) { return (i == 0 ? one : other).channels_from(c); };
    transform_together(tiles.scheme, transform, x, to + c, pitch);
  }
}

}  // namespace flipbook::cpu::winograd
