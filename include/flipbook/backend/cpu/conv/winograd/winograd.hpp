// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <utility>

#include <flipbook/backend/cpu/conv/winograd/tiles.hpp>
#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// Convolutions with fewer multiplications than their definition has: a tile of mᵈ outputs of a kernel of rᵈ taps takes
/// (m + r − 1)ᵈ products of sums of pixels with sums of weights, instead of mᵈ rᵈ. Winograd, Arithmetic complexity of
/// computations, 1980; Lavin and Gray, Fast algorithms for convolutional neural networks, 2016.
///
/// Along an axis of stride s, a kernel of s · r taps is the sum of s kernels of r taps at stride 1: one over the pixels of
/// each phase. A kernel that is shorter ends in zeros. Along an axis that is not filtered, it is the sum of its taps.
/// These parts are what the products are summed over, so that a sum is transformed once.
///
///     kernel    stride   filter          products   for so many of the definition
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

/// The weights of one part, G g Gᵀ, as rows [first_row, first_row + depth) of the right operands (rows, columns) of all
/// products, in factors, which are packed and padded_pitch(rows · columns) apart.
/// @param tap  tap(j) is where the numbers of tap j of the part lie, row by row; null where there are none, but zeros
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

/// What a lattice of outputs is the sum over: parts of the input, of which a position sees in each another lattice.
template <Real T>
struct Parts {
  Lattice<const T*> in;  ///< of the first part
  Axes count, move;      ///< along each axis, how many there are, and how many pixels one begins after the one before

  Index size() const { return volume(count); }
  Lattice<const T*> operator[](Index part) const {
    const Axes at = place(part, count);
    Lattice<const T*> lattice = in;
    for (std::size_t axis = 0; axis < 3; ++axis) lattice.first[axis] += at[axis] * move[axis];
    return lattice;
  }
};

/// A lattice of outputs, the sum over parts of the input. A task takes some tiles through all three steps, while they
/// are in a cache: the last one is enough, since a transformed number is used for every column.
template <Multiplicand F>
class Sums {
  using T = Sum<F>;

 public:
  /// @param weights  for each product the right operand (parts · depth, columns) as of transform_weights, where depth is
  ///                 a part's channels in factors
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

/// The axes that a filter of these axes could not do: they are of other extents, dilated, or no two of the taps of a
/// phase are neighbours.
inline bool alike(const ConvGeometry& g, const std::array<bool, 3>& filtered) {
  std::size_t one = 3;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!filtered[axis]) continue;
    if (one == 3) one = axis;
    if (g.kernel[axis] <= g.stride[axis] || g.dilation[axis] != 1) return false;
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
    Index taps = 0;  // of a part
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

/// What a filter takes, in multiplications. Measured: to transform a number of a tile takes as long as 24 of them, one of
/// the weights as long as 24, or as 64 where they leave the cache.
template <Real T>
Index cost_of(const Scheme<T>& scheme, const ConvGeometry& g) {
  const Index tiles = Tiles<T>(scheme, g.batch, g.output).total(), parts = volume(scheme.parts);
  const bool cached = weights_of(scheme, g) * Index{sizeof(T)} <= 2 * cache::share_of_last;
  const Index transform = 24, weights = cached ? 24 : 64;
  const Index multiplied = parts * (tiles + weights) * g.in_channels * g.out_channels;
  const Index transformed = tiles * (parts * g.in_channels + g.out_channels);
  return scheme.products() * (multiplied + transform * transformed);
}

/// The shortest way to do a convolution; no filter, where that is the direct one. Transformed weights that no cache
/// holds, and that may be the most that a step keeps in memory at once, are not worth it.
template <Multiplicand F, class T = Sum<F>>
Scheme<T> scheme_of(const ConvGeometry& g) {
  constexpr Index most_weights = 40 * (Index{1} << 20) / Index{sizeof(F)} * numbers_in<F>;  // 512² of F(4, 3)
  Scheme<T> best;
  Index least = g.multiply_adds();
  each_scheme<T>(g, [&](const Scheme<T>& scheme) {
    if (weights_of(scheme, g) > most_weights) return;
    const Index cost = cost_of(scheme, g);
    if (cost < least) best = scheme, least = cost;
  });
  return best;
}

/// The parts of a convolution's input: what a position of the output sees through the taps of a phase, or through one.
template <Real T>
Parts<T> parts_of(const Scheme<T>& scheme, const ConvGeometry& g, const T* x) {
  Lattice<const T*> in{x, g.input, {}, g.stride, g.in_channels};
  for (std::size_t axis = 0; axis < 3; ++axis) in.first[axis] = -g.padding[axis];
  return {in, scheme.parts, g.dilation};
}
/// The index of tap `first` + at · step, or −1 where the kernel ends before.
inline Index tap_index(const ConvGeometry& g, const Axes& first, const Axes& at, const Axes& step) {
  Index index = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index tap = first[axis] + at[axis] * step[axis];
    if (tap < 0 || tap >= g.kernel[axis]) return -1;
    index = index * g.kernel[axis] + tap;
  }
  return index;
}

/// As cpu::conv, by factors F.
template <Multiplicand F, class T = Sum<F>>
void conv(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const Parts<T> parts = parts_of(scheme, g, x);
  const Index columns = g.out_channels, depth = g.in_channels / numbers_in<F>, rows = parts.size() * depth;
  const Scratch<F> weights(scheme.products() * padded_pitch<F>(rows * columns));
  const Axes taps = scheme.along(scheme.filter->taps);
  for (Index part = 0; part < parts.size(); ++part) {
    const auto tap = [&](Index j) {
      const Index index = tap_index(g, place(part, scheme.parts), place(j, taps), g.stride);
      return index < 0 ? nullptr : w + index * g.in_channels * columns;
    };
    transform_weights(scheme, tap, depth, columns, weights.data(), part * depth, rows);
  }
  const Lattice<T*> out{y, g.output, {0, 0, 0}, {1, 1, 1}, columns};
  Sums<F> sums(scheme, g.batch, g.output, out, parts, weights.data(), bias);
  run_tasks<T>(std::span(&sums, 1), sums.workspace());
}

/// One phase of a transposed convolution's result, by taps and parts: a convolution of its own.
template <Real T>
struct PhaseParts {
  Axes pixels, tap, tap_step;  ///< of the phase; the first tap of its first part, and from one to the next
  Parts<T> parts;

  PhaseParts(const Scheme<T>& scheme, const ConvGeometry& g, const T* y, const Axes& first)
      : parts{{y, g.output, {}, {1, 1, 1}, g.out_channels}, {}, {}} {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Phase phase = phase_of(g, axis, first[axis]);
      pixels[axis] = phase.pixels, tap[axis] = phase.tap, tap_step[axis] = -phase.tap_step;
      parts.in.first[axis] = phase.origin, parts.move[axis] = phase.step;
      parts.count[axis] = scheme.filtered[axis] ? 1 : phase.taps;
    }
  }
  /// The tap of part `part` that its filter has as number j, or −1.
  Index tap_of(const Scheme<T>& scheme, const ConvGeometry& g, Index part, Index j) const {
    const Axes at = place(part, parts.count), along = place(j, scheme.along(scheme.filter->taps));
    return tap_index(g, tap, {at[0] + along[0], at[1] + along[1], at[2] + along[2]}, tap_step);
  }
};

/// As cpu::conv_transpose, by factors F: each phase of the result is a convolution of its own.
template <Multiplicand F, class T = Sum<F>>
void conv_transpose(const Scheme<T>& scheme, const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  const Index channels = g.out_channels, columns = g.in_channels, size = channels * columns;
  const Index depth = channels / numbers_in<F>, phases = volume(g.stride);
  const Scratch<T> transposed(g.taps() * size);
  parallel_for(g.taps(), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      transpose(w + i * size, channels, columns, channels, transposed + i * size, columns);
  });
  const auto phase_at = [&](Index i) { return PhaseParts<T>(scheme, g, y, place(i, g.stride)); };
  const auto size_of = [&](Index rows) { return scheme.products() * padded_pitch<F>(rows * columns); };
  Index total = 0;
  for (Index i = 0; i < phases; ++i) total += size_of(phase_at(i).parts.size() * depth);
  const Scratch<F> weights(total);
  WorkList<Sums<F>> all(phases);
  Index workspace = 0;
  F* own = weights.data();
  for (Index i = 0; i < phases; ++i) {
    const PhaseParts<T> phase = phase_at(i);
    const Index parts = phase.parts.size(), rows = parts * depth;
    for (Index part = 0; part < parts; ++part) {
      const auto tap = [&](Index j) {
        const Index index = phase.tap_of(scheme, g, part, j);
        return index < 0 ? nullptr : transposed.data() + index * size;
      };
      transform_weights(scheme, tap, depth, columns, own, part * depth, rows);
    }
    const Lattice<T*> out{x, g.input, place(i, g.stride), g.stride, columns};
    all.add(Sums<F>(scheme, g.batch, phase.pixels, out, phase.parts, own, bias));
    workspace = std::max(workspace, all.all().back().workspace());
    own += size_of(rows);
  }
  run_tasks<T>(all.all(), workspace);
}

/// As cpu::conv_weight, by factors F: the adjoint of the filtering in its weights,
///
///     dg = Gᵀ [Σ over tiles of (Bᵀ d B) ⊙ (A dy Aᵀ)] G.
template <Multiplicand F, class T = Sum<F>>
void conv_weight(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Tiles<T> tiles(scheme, g.batch, g.output);
  const Filter<T>& filter = *scheme.filter;
  const Index each = scheme.products(), rows = g.in_channels, columns = g.out_channels, size = rows * columns;
  const Index down = padded_pitch<F>(rows), right_down = padded_pitch<F>(columns), sum_pitch = padded_pitch<T>(size);
  const Index depth = quotient_up(tiles.total(), numbers_in<F>);  // the tiles in factors
  // Between those whose numbers are as many as the sums that each block reads again, and what the last cache holds.
  const Index balanced = size / (rows + columns);
  const Index fitting = cache::together_in_last / (each * right_down * Index{sizeof(F)});
  const Index block = std::min(depth, std::max<Index>(64, std::min(balanced, fitting)));
  const Index left_pitch = padded_pitch<F>(block * down), right_pitch = padded_pitch<F>(block * right_down);
  const Scratch<F> left(each * left_pitch), right(each * right_pitch);
  const Parts<T> parts = parts_of(scheme, g, x);
  const Scratch<T> sums(parts.size() * each * sum_pitch);

  const Lattice<const T*> outputs{dy, g.output, {0, 0, 0}, {1, 1, 1}, columns};
  const Index pieces = rows >= 4 * TileShape::rows ? 2 : 1,
              piece = round_up(quotient_up(rows, pieces), TileShape::rows);
  for (Index first = 0; first < depth; first += block) {
    const Index count = std::min(block, depth - first);
    const auto transform = [&](const Transform<T, Scattered>& by, const Lattice<const T*>& pixels, F* to, Index row,
                               Index pitch) {
      parallel_for(count, 4, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          transform_tiles(tiles, (first + i) * numbers_in<F>, by, pixels, to + i * row, pitch);
        }
      });
    };
    transform(filter.from_output, outputs, right.data(), right_down, right_pitch);
    for (Index part = 0; part < parts.size(); ++part) {
      transform(filter.input, parts[part], left.data(), down, left_pitch);
      parallel_tasks(each * pieces, [&](Index task) {
        const Index f = task / pieces, row = task % pieces * piece;
        T* const sum = sums.data() + (part * each + f) * sum_pitch + row * columns;
        for (Index j = 0; j < columns; j += panel_columns<F>) {
          const Panel<F> panel{PanelKind::columns, right.data() + f * right_pitch + j, right_down,
                               std::min(panel_columns<F>, columns - j)};
          multiply(left.data() + f * left_pitch + row, Index{1}, down, std::min(piece, rows - row), count, panel,
                   sum + j, columns, first > 0);
        }
      });
    }
  }
  parallel_for(parts.size() * rows, 4, [&](Index begin, Index end) {
    const Axes along = scheme.along(filter.taps);
    for (Index i = begin; i < end; ++i) {
      const Index part = i / rows, row = i % rows * columns;
      std::array<T*, most_products> to;
      for (Index j = 0; j < volume(along); ++j) {
        const Index index = tap_index(g, place(part, scheme.parts), place(j, along), g.stride);
        to[static_cast<std::size_t>(j)] = index < 0 ? nullptr : dw + index * size + row;
      }
      const T* const products = sums.data() + part * each * sum_pitch + row;
      for (Index o = 0; o < columns; o += lanes<T>) {
        Products<T> weights;
        filter.from_products(scheme.axes(), Spaced<T>{products + o, sum_pitch}, weights.numbers.data(), lanes<T>);
        for (Index j = 0; j < volume(along); ++j) {
          T* const tap = to[static_cast<std::size_t>(j)];
          if (tap != nullptr) weights[j].store_unaligned(tap + o);
        }
      }
    }
  });
}

}  // namespace flipbook::cpu::winograd
