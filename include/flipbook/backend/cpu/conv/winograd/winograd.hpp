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
/// A kernel of 2r taps at stride 2 is, along each axis, the sum of two of r taps at stride 1: one over the even pixels,
/// one over the odd. These parts are what the products are summed over.
///
///     kernel    stride  filter   products   for so many of the definition
///     1×5×5     1       F(4, 5)  64         400
///                       F(2, 5)  36         100
///     1×3×3     1       F(4, 3)  36         144
///     1×4×4     2       F(4, 2)  25         64
///                       F(2, 2)  9          16
///     4×4×4     2       F(4, 2)  125        512
///                       F(2, 2)  27         64
namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// The weights of one part, G g Gᵀ, as rows [first_row, first_row + depth) of the right operands (rows, columns) of all
/// products, in factors, which are packed and padded_pitch(rows · columns) apart.
/// @param tap  tap(j) is where the numbers of tap j of the part lie, row by row
template <Multiplicand F, class T = Sum<F>, class Tap>
void transform_weights(const Scheme<T>& scheme, const Tap& tap, Index depth, Index columns, F* packed, Index first_row,
                       Index rows) {
  const Index pitch = padded_pitch<F>(rows * columns);
  const Index panels = quotient_up(columns, panel_columns<T>);
  const auto taps = static_cast<std::size_t>(scheme.power(scheme.filter->taps));
  std::array<const T*, most_products> from;
  for (std::size_t j = 0; j < taps; ++j) from[j] = tap(static_cast<Index>(j));
  std::array<Index, most_products> moves;
  moves.fill(~Index{0});
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

/// A lattice of outputs, the sum over parts of the input. A task takes some tiles through all three steps, while they
/// are in a cache: the last one is enough, since a transformed number is used for every column.
template <Multiplicand F>
class Sums {
  using T = Sum<F>;

 public:
  /// @param parts    how many will be added, of `depth` factors each
  /// @param weights  for each product the right operand (parts · depth, columns) as of transform_weights
  /// @param bias     (columns) or null
  Sums(const Scheme<T>& scheme, Index batch, const Axes& positions, const Lattice<T*>& out, Index parts, Index depth,
       const F* weights, const T* bias)
      : out_(out),
        tiles_(scheme, batch, positions),
        depth_(depth),
        rows_(parts * depth),
        weights_(weights),
        bias_(bias),
        left_pitch_(padded_pitch<F>(scheme.products() * rows_)),
        sum_pitch_(padded_pitch<T>(scheme.products() * out.channels)) {
    constexpr Index most = cache::share_of_last / Index{sizeof(F)};  // of transformed pixels
    while (block_ > 2 * TileShape::rows && (tiles_.total() < 2 * threads() * block_ || block_ * left_pitch_ > most))
      block_ /= 2;
  }
  /// One more part, which a position sees from `shift` pixels after its own on.
  void add(const Lattice<const T*>& in, const Axes& shift) { part_[static_cast<std::size_t>(count_++)] = {in, shift}; }

  Index tasks() const { return quotient_up(tiles_.total(), block_); }
  Index workspace() const { return block_ * (left_pitch_ + sum_pitch_); }
  bool divide() const { return false; }

  void operator()(Index task, T* workspace) const {
    F* const left = reinterpret_cast<F*>(workspace);   // (tiles, products, rows)
    T* const sums = workspace + block_ * left_pitch_;  // (tiles, products, columns)
    const Index first = task * block_, tiles = std::min(block_, tiles_.total() - first);
    for (Index part = 0; part < count_; ++part) {
      const auto& [in, shift] = part_[static_cast<std::size_t>(part)];
      for (Index t = 0; t < tiles; ++t) {
        F* const to = left + t * left_pitch_ + part * depth_;
        transform_pixels(tiles_, first + t, tiles_.scheme.filter->input, in, shift, to, rows_);
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
  struct Part {
    Lattice<const T*> in;
    Axes shift;
  };

  void write(Index tile, const T* sums) const {
    const auto& transform = tiles_.scheme.filter->output;
    std::array<Index, most_products> place;
    Index pixels = 0;
    tiles_.each_pixel(tile, transform.rows, out_, {0, 0, 0}, [&](Index i, Index offset) {
      place[static_cast<std::size_t>(i)] = offset;
      pixels = i + 1;
    });
    for (Index o = 0; o < out_.channels; o += lanes<T>) {
      Products<T> y;
      transform(tiles_.scheme.axes, Spaced<T>{sums + o, out_.channels}, y.numbers.data(), lanes<T>);
      const Simd<T> start = bias_ == nullptr ? Simd<T>(T(0)) : Simd<T>::load_unaligned(bias_ + o);
      for (Index i = 0; i < pixels; ++i) {
        const Index offset = place[static_cast<std::size_t>(i)];
        if (offset < 0) continue;
        (y[i] + start).store_unaligned(out_.data + offset + o);
      }
    }
  }

  Lattice<T*> out_;
  Tiles<T> tiles_;
  std::array<Part, 8> part_;
  Index count_ = 0, depth_, rows_;  // of the parts, of each, of all
  const F* weights_;
  const T* bias_;
  Index block_ = TileShape::rows == 8 ? 32 : 48;  // tiles of a task, in whole tiles of the products' rows
  Index left_pitch_, sum_pitch_;                  // between tiles
};

/// Calls f(scheme) for every filter that fits: of the kernels above, with channels that fill vectors.
template <Real T, class F>
void each_scheme(const ConvGeometry& g, const F& f) {
  Scheme<T> scheme;
  const bool image = g.kernel[0] == 1 && g.stride[0] == 1 && g.padding[0] == 0;
  scheme.axes = image ? 2 : 3;
  scheme.stride = g.stride[2];
  const bool whole = g.in_channels % lanes<T> == 0 && g.out_channels % lanes<T> == 0;
  if (g.groups != 1 || !whole || std::min(g.in_channels, g.out_channels) < 32) return;
  for (std::size_t axis = image ? 1 : 0; axis < 3; ++axis) {
    if (g.kernel[axis] != g.kernel[2] || g.stride[axis] != scheme.stride || g.dilation[axis] != 1) return;
  }
  const auto with = [&](const auto&... filters) { ((scheme.filter = &filters, f(std::as_const(scheme))), ...); };
  if (image && scheme.stride == 1 && g.kernel[2] == 5) with(filter<T, 4, 5>, filter<T, 2, 5>);
  if (image && scheme.stride == 1 && g.kernel[2] == 3) with(filter<T, 4, 3>);
  if (scheme.stride == 2 && g.kernel[2] == 4) with(filter<T, 4, 2>, filter<T, 2, 2>);
}

/// The shortest way to do a convolution; no filter, where that is the direct one. To transform the weights takes as
/// long as the products of some 64 tiles, and all that is not products a third as long as they are.
/// Transformed weights that no cache holds, and that may be the most that a step keeps in memory at once, are not worth
/// it.
template <Multiplicand F, class T = Sum<F>>
Scheme<T> scheme_of(const ConvGeometry& g) {
  constexpr Index most_weights = cache::beyond_all / Index{sizeof(F)} * numbers_in<F>;
  Scheme<T> best;
  Index least = 3 * g.outputs() * g.taps();
  each_scheme<T>(g, [&](const Scheme<T>& scheme) {
    if (scheme.parts() * scheme.products() * g.in_channels * g.out_channels > most_weights) return;
    const Index tiles = Tiles<T>(scheme, g.batch, g.output).total();
    const Index cost = 4 * scheme.parts() * scheme.products() * (tiles + 64);
    if (cost < least) best = scheme, least = cost;
  });
  return best;
}

/// Part `phase` of a convolution's input: the pixels that a position of the output sees through taps phase,
/// phase + stride, …
template <Real T>
Lattice<const T*> part_of(const ConvGeometry& g, const T* x, const Axes& phase) {
  Lattice<const T*> part{x, g.input, {}, g.stride, g.in_channels};
  for (std::size_t axis = 0; axis < 3; ++axis) part.first[axis] = phase[axis] - g.padding[axis];
  return part;
}
/// The index of tap `first` + at · step.
inline Index tap_index(const ConvGeometry& g, const Axes& first, const Axes& at, const Axes& step) {
  Index index = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) index = index * g.kernel[axis] + first[axis] + at[axis] * step[axis];
  return index;
}

/// As cpu::conv, by factors F.
template <Multiplicand F, class T = Sum<F>>
void conv(const Scheme<T>& scheme, const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const Index columns = g.out_channels, depth = g.in_channels / numbers_in<F>, rows = scheme.parts() * depth;
  const Scratch<F> weights(scheme.products() * padded_pitch<F>(rows * columns));
  const Lattice<T*> out{y, g.output, {0, 0, 0}, {1, 1, 1}, columns};
  Sums<F> sums(scheme, g.batch, g.output, out, scheme.parts(), depth, weights.data(), bias);
  for (Index part = 0; part < scheme.parts(); ++part) {
    const Axes phase = scheme.place(part, scheme.stride);
    sums.add(part_of(g, x, phase), {0, 0, 0});
    const auto tap = [&](Index j) {
      return w + tap_index(g, phase, scheme.place(j, scheme.filter->taps), g.stride) * g.in_channels * columns;
    };
    transform_weights(scheme, tap, depth, columns, weights.data(), part * depth, rows);
  }
  run_tasks<T>(std::span(&sums, 1), sums.workspace());
}

/// As cpu::conv_transpose, by factors F: each phase of the result is a convolution of its own.
template <Multiplicand F, class T = Sum<F>>
void conv_transpose(const Scheme<T>& scheme, const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  const Index channels = g.out_channels, columns = g.in_channels, size = channels * columns;
  const Index depth = channels / numbers_in<F>, part_size = scheme.products() * padded_pitch<F>(depth * columns);
  const Scratch<T> transposed(g.taps() * size);
  const Scratch<F> weights(scheme.parts() * part_size);
  parallel_for(g.taps(), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      transpose(w + i * size, channels, columns, channels, transposed + i * size, columns);
  });
  WorkList<Sums<F>> all(scheme.parts());
  Index workspace = 0;
  for (Index part = 0; part < scheme.parts(); ++part) {
    const Axes first = scheme.place(part, scheme.stride);
    Axes pixels, origin, tap_first, tap_step;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Phase phase = phase_of(g, axis, first[axis]);
      pixels[axis] = phase.pixels, origin[axis] = phase.origin, tap_first[axis] = phase.tap,
      tap_step[axis] = -phase.tap_step;
    }
    F* const own = weights.data() + part * part_size;
    const auto tap = [&](Index j) {
      return transposed.data() + tap_index(g, tap_first, scheme.place(j, scheme.filter->taps), tap_step) * size;
    };
    transform_weights(scheme, tap, depth, columns, own, 0, depth);
    Sums<F> sums(scheme, g.batch, pixels, {x, g.input, first, g.stride, columns}, 1, depth, own, bias);
    sums.add({y, g.output, {0, 0, 0}, {1, 1, 1}, channels}, origin);
    workspace = std::max(workspace, sums.workspace());
    all.add(sums);
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
  const Index fitting =
      cache::together_in_last / (each * right_down * Index{sizeof(F)});  // in a part of the last cache
  const Index block = std::min(depth, std::clamp<Index>(fitting, 64, 512));
  const Index left_pitch = padded_pitch<F>(block * down), right_pitch = padded_pitch<F>(block * right_down);
  const Scratch<F> left(each * left_pitch), right(each * right_pitch);
  const Scratch<T> sums(scheme.parts() * each * sum_pitch);

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
    for (Index part = 0; part < scheme.parts(); ++part) {
      transform(filter.input, part_of(g, x, scheme.place(part, scheme.stride)), left.data(), down, left_pitch);
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
  parallel_for(scheme.parts() * rows, 4, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index part = i / rows, row = i % rows * columns;
      const Axes phase = scheme.place(part, scheme.stride);
      std::array<T*, most_products> to;
      const Index taps = scheme.power(filter.taps);
      for (Index j = 0; j < taps; ++j) {
        to[static_cast<std::size_t>(j)] = dw + tap_index(g, phase, scheme.place(j, filter.taps), g.stride) * size + row;
      }
      const T* const products = sums.data() + part * each * sum_pitch + row;
      for (Index o = 0; o < columns; o += lanes<T>) {
        Products<T> weights;
        filter.from_products(scheme.axes, Spaced<T>{products + o, sum_pitch}, weights.numbers.data(), lanes<T>);
        for (Index j = 0; j < taps; ++j) weights[j].store_unaligned(to[static_cast<std::size_t>(j)] + o);
      }
    }
  });
}

}  // namespace flipbook::cpu::winograd
