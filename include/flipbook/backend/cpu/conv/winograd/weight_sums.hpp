// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/conv/winograd/sums.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// The adjoint of the filtering with respect to its weights, with factors F,
///
///     dg = Gᵀ [Σ over tiles of (Bᵀ d B) ⊙ (A dy Aᵀ)] G.
template <Multiplicand F>
class WeightSums {
  using T = Sum<F>;

 public:
  /// @param tiles  maximum number of tiles for each call of `add`
  WeightSums(const Scheme<T>& scheme, const ConvGeometry& g, Index tiles)
      : scheme_(scheme), g_(g), block_(block_of(scheme, g, quotient_up(tiles, numbers_in<F>))) {}

  /// Adds the products of a lattice's outputs.
  void add(const Sublattice<T>& lattice, const T* dy) {
    const Tiles<T> tiles(scheme_, g_.batch, lattice.count);
    const Index depth = quotient_up(tiles.total(), numbers_in<F>);  // the tiles in factors
    for (Index first = 0; first < depth; first += block_) {
      const Index count = std::min(block_, depth - first);
      transform(tiles, first, count, scheme_.filter->from_output, lattice.of(dy, g_), right_.data(), right_down_);
      for (Index part = 0; part < lattice.parts.size(); ++part) {
        transform(tiles, first, count, scheme_.filter->input, lattice.parts[part], left_.data(), down_);
        multiply_all(part, count);
      }
      begun_ = true;
    }
  }

  void write(T* dw) const {
    const Filter<T>& filter = *scheme_.filter;
    const Axes along = scheme_.along(filter.taps);
    parallel_for(volume(scheme_.parts) * rows_, 4, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index part = i / rows_, row = i % rows_ * columns_;
        std::array<T*, most_products> to;
        for (Index j = 0; j < volume(along); ++j) {
          const Index index = tap_index(g_, place(part, scheme_.parts), place(j, along), g_.stride);
          to[static_cast<std::size_t>(j)] = index < 0 ? nullptr : dw + index * rows_ * columns_ + row;
        }
        const T* const products = sums_.data() + part * each_ * sum_pitch_ + row;
        for (Index o = 0; o < columns_; o += lanes<T>) {
          Products<T> weights;
          filter.from_products(scheme_.axes(), Spaced<T>{products + o, sum_pitch_}, weights.numbers.data(), lanes<T>);
          for (Index j = 0; j < volume(along); ++j) {
            T* const tap = to[static_cast<std::size_t>(j)];
            if (tap != nullptr) weights[j].store_unaligned(tap + o);
          }
        }
      }
    });
  }

 private:
  /// Tiles, in factors, that are transformed before they are multiplied: their numbers should be as many as the sums,
  /// which each block reads again, but fit the last-level cache.
  static Index block_of(const Scheme<T>& scheme, const ConvGeometry& g, Index tiles) {
    const Index balanced = g.in_channels * g.out_channels / (g.in_channels + g.out_channels);
    const Index bytes = scheme.products() * padded_pitch<F>(g.out_channels) * Index{sizeof(F)};
    return std::min(tiles, std::max<Index>(64, std::min(balanced, cache::together_in_last / bytes)));
  }

  void transform(const Tiles<T>& tiles, Index first, Index count, const Transform<T, Scattered>& by,
                 const Lattice<const T*>& pixels, F* to, Index row) const {
    const Index pitch = padded_pitch<F>(block_ * row);
    parallel_for(count, 4, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i)
        transform_tiles(tiles, (first + i) * numbers_in<F>, by, pixels, to + i * row, pitch);
    });
  }
  /// Adds the products of `count` tiles to the sums of a part.
  void multiply_all(Index part, Index count) {
    const Index left_pitch = padded_pitch<F>(block_ * down_), right_pitch = padded_pitch<F>(block_ * right_down_);
    const Index pieces = rows_ >= 4 * TileShape::rows ? 2 : 1;
    const Index piece = round_up(quotient_up(rows_, pieces), TileShape::rows);
    parallel_tasks(each_ * pieces, [&](Index task) {
      const Index f = task / pieces, row = task % pieces * piece;
      T* const sum = sums_.data() + (part * each_ + f) * sum_pitch_ + row * columns_;
      for (Index j = 0; j < columns_; j += panel_columns<F>) {
        const Panel<F> panel{PanelKind::columns, right_.data() + f * right_pitch + j, right_down_,
                             std::min(panel_columns<F>, columns_ - j)};
        multiply(left_.data() + f * left_pitch + row, Index{1}, down_, std::min(piece, rows_ - row), count, panel,
                 sum + j, columns_, begun_);
      }
    });
  }

  Scheme<T> scheme_;
  ConvGeometry g_;
  Index block_, each_ = scheme_.products(), rows_ = g_.in_channels, columns_ = g_.out_channels;
  Index down_ = padded_pitch<F>(rows_), right_down_ = padded_pitch<F>(columns_);  // between tiles
  Index sum_pitch_ = padded_pitch<T>(rows_ * columns_);
  Scratch<F> left_{each_ * padded_pitch<F>(block_ * down_)}, right_{each_ * padded_pitch<F>(block_ * right_down_)};
  Scratch<T> sums_{volume(scheme_.parts) * each_ * sum_pitch_};
  bool begun_ = false;
};

}  // namespace flipbook::cpu::winograd
