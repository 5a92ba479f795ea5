// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/conv/winograd/lattices.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>

/// Winograd's filtering in three steps: transforms of weights and pixels, products, transforms of their sums.
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// Transforms the weights of one part to G g Gᵀ, in rows [first_row, first_row + depth) of the right operands (rows,
/// columns) of all products, in factors. The operands are packed, at a distance of padded_pitch(rows · columns).
/// @param tap  tap(j) is the address of tap j of the part, row by row, or null if the tap is zero
template <Multiplicand F, class T = Sum<F>, class Tap>
void transform_weights(const Scheme<T>& scheme, const Tap& tap, Index depth, Index columns, F* packed, Index first_row,
                       Index rows) {
  const Index pitch = padded_pitch<F>(rows * columns);
  const Index panels = quotient_up(columns, panel_columns<T>);
  const auto taps = static_cast<std::size_t>(volume(scheme.along(scheme.filter->taps)));
  std::array<const T*, most_products> from;
  std::array<Index, most_products> moves;
  for (std::size_t j = 0; j < taps; ++j) {
    const T* const numbers = tap(static_cast<Index>(j));
    from[j] = numbers == nullptr ? zero_row<T>.data() : numbers, moves[j] = numbers == nullptr ? 0 : ~Index{0};
  }
  constexpr Index some = 32;  // rows of a panel, one after another
  parallel_tasks(panels * quotient_up(depth, some), [&](Index task) {
    const Index panel = task % panels * panel_columns<T>, width = std::min(panel_columns<T>, columns - panel);
    const Index first = task / panels * some, last = std::min(first + some, depth);
    for (Index c = first; c < last; ++c) {
      for (Index o = 0; o < width; o += lanes<T>) {
        const auto weights = [&](Index i) {
          return Scattered<T>{from.data(), moves.data(), (c * numbers_in<F> + i) * columns + panel + o, columns};
        };
        F* const to = packed + panel * rows + (first_row + c) * width + o;
        transform_together(scheme, scheme.filter->weights, weights, to, pitch);
      }
    }
  });
}

/// sum = left · right, or sum += left · right, where `right` is a panel of `depth` rows.
/// @param down  between rows of the left operand  @param across  between the factors of a row
template <Multiplicand F, class T = Sum<F>>
void multiply(const F* left, Index down, Index across, Index rows, Index depth, const Panel<F>& right, T* sum,
              Index pitch, bool accumulate) {
  Run<F> run;
  run.k = 0, run.length = depth;
  TileTarget<T> target;
  target.load = accumulate;
  for (Index i = 0; i < rows; i += TileShape::rows) {
    const Index present = std::min<Index>(TileShape::rows, rows - i);
    for (Index j = 0; j < TileShape::max_rows; ++j) {
      const auto row = static_cast<std::size_t>(j);
      const Index at = i + std::min(j, present - 1);
      run.rows[row] = left + at * down;
      target.rows[row] = sum + at * pitch;
    }
    multiply_tile(&run, 1, across, right, static_cast<int>(present), target);
  }
}

/// A lattice of outputs as a sum over parts of the input. A task computes all three steps for some tiles while they are
/// in a cache. The last-level cache is enough, since a transformed number is used for every column.
template <Multiplicand F>
class Sums {
  using T = Sum<F>;

 public:
  /// @param weights  for each product the right operand (parts · depth, columns) as of transform_weights; depth is a
  ///                 part's channels in factors
  /// @param bias     (columns) or null
  Sums(const Scheme<T>& scheme, Index batch, const Axes& positions, const Lattice<T*>& out, const Parts<T>& parts,
       const F* weights, const T* bias)
      : out_(out),
        parts_(parts),
        tiles_(scheme, batch, positions),
        depth_(parts.in.channels / numbers_in<F>),
        rows_(parts.size() * depth_),
        weights_(weights),
        bias_(bias),
        left_pitch_(padded_pitch<F>(scheme.products() * rows_)),
        sum_pitch_(padded_pitch<T>(scheme.products() * out.channels)) {
    constexpr Index most = cache::share_of_last / Index{sizeof(F)};
    while (block_ > 2 * TileShape::rows && (tiles_.total() < 2 * threads() * block_ || workspace() > most)) block_ /= 2;
  }

  Index tasks() const { return quotient_up(tiles_.total(), block_); }
  Index workspace() const { return block_ * (left_pitch_ + sum_pitch_); }
  bool divide() const { return false; }

  void operator()(Index task, T* workspace) const {
    F* const left = reinterpret_cast<F*>(workspace);   // (tiles, products, rows)
    T* const sums = workspace + block_ * left_pitch_;  // (tiles, products, columns)
    const Index first = task * block_, tiles = std::min(block_, tiles_.total() - first);
    for (Index part = 0; part < parts_.size(); ++part) {
      const Lattice<const T*> in = parts_[part];
      for (Index t = 0; t < tiles; ++t) {
        F* const to = left + t * left_pitch_ + part * depth_;
        transform_pixels(tiles_, first + t, tiles_.scheme.filter->input, in, to, rows_);
      }
    }
    for (Index f = 0; f < tiles_.scheme.products(); ++f) {
      const F* const right = weights_ + f * padded_pitch<F>(rows_ * out_.channels);
      for (Index j = 0; j < out_.channels; j += panel_columns<F>) {
        const Index width = std::min(panel_columns<F>, out_.channels - j);
        const Panel<F> panel{PanelKind::columns, right + j * rows_, width, width};
        T* const sum = sums + f * out_.channels + j;
        multiply(left + f * rows_, left_pitch_, Index{1}, tiles, rows_, panel, sum, sum_pitch_, false);
      }
    }
    for (Index t = 0; t < tiles; ++t) write(first + t, sums + t * sum_pitch_);
  }

 private:
  void write(Index tile, const T* sums) const {
    const auto& transform = tiles_.scheme.filter->output;
    std::array<Index, most_products> place;
    Index pixels = 0;
    tiles_.each_pixel(tile, transform.rows, out_, [&](Index i, Index offset) {
      place[static_cast<std::size_t>(i)] = offset;
      pixels = i + 1;
    });
    for (Index o = 0; o < out_.channels; o += lanes<T>) {
      Products<T> y;
      transform(tiles_.scheme.axes(), Spaced<T>{sums + o, out_.channels}, y.numbers.data(), lanes<T>);
      const Simd<T> start = bias_ == nullptr ? Simd<T>(T(0)) : Simd<T>::load_unaligned(bias_ + o);
      for (Index i = 0; i < pixels; ++i) {
        const Index offset = place[static_cast<std::size_t>(i)];
        if (offset < 0) continue;
        (y[i] + start).store_unaligned(out_.data + offset + o);
      }
    }
  }

  Lattice<T*> out_;
  Parts<T> parts_;
  Tiles<T> tiles_;
  Index depth_, rows_;  // of a part, of all
  const F* weights_;
  const T* bias_;
  Index block_ = TileShape::rows == 8 ? 32 : 48;  // tiles of a task, in whole tiles of the products' rows
  Index left_pitch_, sum_pitch_;                  // between tiles
};

}  // namespace flipbook::cpu::winograd
