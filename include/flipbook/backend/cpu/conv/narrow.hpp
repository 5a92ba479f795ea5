// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/backend/cpu/gemm/right_operand.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

/// Convolutions of input with so few channels that locating a tap's pixels costs as much as multiplying them, such as
/// the first layer of an image network. A task copies the pixels that some lines of outputs read into its cache, with
/// zeros for pixels outside. In the copy, every tap is at the same distance from every output.
namespace flipbook::inline FLIPBOOK_ISA::cpu::narrow {

/// Whether these kernels are used: for few numbers per tap, and lines and channels that fill registers, or nearly.
template <Real T>
bool fits(const ConvGeometry& g) {
  return g.groups == 1 && g.dilation == ConvGeometry::Axes{1, 1, 1} && g.in_channels <= 4 && g.kernel[2] <= 8 &&
         g.output[2] >= TileShape::rows && 4 * g.out_channels >= 3 * round_up(g.out_channels, lanes<T>);
}

/// Whether the numbers of a run of taps and adjacent outputs form whole pairs, and output channels fill vectors.
inline bool pairs_up(const ConvGeometry& g) {
  return g.kernel[2] * g.in_channels % 2 == 0 && g.stride[2] * g.in_channels % 2 == 0 && g.output[2] % 2 == 0 &&
         g.out_channels % lanes<float> == 0;
}

/// Blocks of lines of outputs, and the pixels that they read: planes of lines, one plane for each tap in time.
template <Multiplicand F>
class Lines {
  using T = Sum<F>;

 public:
  /// Lines [first, first + count) of the outputs of clip n at time t.
  struct Block {
    Index n, t, first, count;
  };

  explicit Lines(const ConvGeometry& g)
      : g_(g),
        most_(std::clamp(256 / g.output[2], Index{1}, std::min(g.output[1], most_lines))),
        in_line_(round_up(((g.output[2] - 1) * g.stride[2] + g.kernel[2]) * g.in_channels, numbers_in<F>)),
        in_plane_(((most_ - 1) * g.stride[1] + g.kernel[1]) * in_line_) {}

  static constexpr Index most_lines = 32;
  Index blocks() const { return g_.batch * g_.output[0] * blocks_a_plane(); }
  Index positions() const { return most_ * g_.output[2]; }               ///< of a block
  Index workspace() const { return numbers() + next() + 2 * lanes<T>; }  ///< for the pixels that it reads
  Block block(Index i) const {
    const Index plane = i / blocks_a_plane(), first = i % blocks_a_plane() * most_;
    return {plane / g_.output[0], plane % g_.output[0], first, std::min(most_, g_.output[1] - first)};
  }
  /// The index of a block's first position among all outputs.
  Index position(const Block& b) const { return ((b.n * g_.output[0] + b.t) * g_.output[1] + b.first) * g_.output[2]; }

  /// Whether tap j in time is inside the input.
  bool inside(const Block& b, Index j) const {
    const Index at = b.t * g_.stride[0] + j - g_.padding[0];
    return at >= 0 && at < g_.input[0];
  }
  /// Offset of the pixels that the first position of a block reads with the first of the taps (j0, j1, …), and the
  /// distances from them to those of the next position and of the next line.
  Index tap(Index j0, Index j1) const { return j0 * in_plane_ + j1 * in_line_; }
  Index next() const { return g_.stride[2] * g_.in_channels; }
  Index next_line() const { return g_.stride[1] * in_line_; }

  /// Copies the pixels that a block reads to `workspace`, as factors of a reduction along lines; planes outside are
  /// left unchanged.
  const F* along_lines(const Block& b, const T* x, T* workspace) const {
    copy(b, x, workspace);
    return in_place(workspace, [&](F* factors) { write_factors(workspace, numbers(), factors); });
  }
  /// `along_lines` for a reduction along positions: each number is replaced by a factor of it and of the same number
  /// for the next positions.
  const F* along_positions(const Block& b, const T* x, T* workspace) const {
    copy(b, x, workspace);
    return in_place(workspace, [&](auto* factors) {
      pair_rows(workspace, next(), 1, round_up(numbers(), lanes<T>), factors, next());
    });
  }

 private:
  Index blocks_a_plane() const { return quotient_up(g_.output[1], most_); }
  Index numbers() const { return g_.kernel[0] * in_plane_; }

  template <class Write>
  static const F* in_place(T* workspace, const Write& write) {
    if constexpr (std::same_as<F, T>) {
      return workspace;
    } else {
      F* const factors = reinterpret_cast<F*>(workspace);
      write(factors);
      return factors;
    }
  }

  void copy(const Block& b, const T* x, T* to) const {
    const Index channels = g_.in_channels, extent = g_.input[2] * channels;
    const Index before = std::min(g_.padding[2] * channels, in_line_);
    const Index seen = std::clamp(in_line_ - before, Index{0}, extent);
    const Index lines = (b.count - 1) * g_.stride[1] + g_.kernel[1];
    for (Index j = 0; j < g_.kernel[0]; ++j) {
      if (!inside(b, j)) continue;
      const Index plane = b.n * g_.input[0] + b.t * g_.stride[0] + j - g_.padding[0];
      for (Index i = 0; i < lines; ++i) {
        const Index h = b.first * g_.stride[1] + i - g_.padding[1];
        T* const line = to + tap(j, i);
        if (h < 0 || h >= g_.input[1]) {
          std::fill_n(line, in_line_, T(0));
        } else {
          std::fill_n(line, before, T(0));
          std::fill(std::copy_n(x + (plane * g_.input[1] + h) * extent, seen, line + before), line + in_line_, T(0));
        }
      }
    }
  }

  ConvGeometry g_;
  Index most_;                // lines of a block
  Index in_line_, in_plane_;  // numbers of a copied line and plane
};

/// As cpu::conv, with factors F.
template <Multiplicand F, class T = Sum<F>>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  constexpr Index each = numbers_in<F>;
  const Lines<F> lines(g);
  const Index taps = g.kernel[0] * g.kernel[1], columns = g.out_channels, width = g.output[2];
  const Index run = g.kernel[2] * g.in_channels / each, next = lines.next() / each,
              next_line = lines.next_line() / each;
  const Index no_run = 0;  // columns are the vectors
  const RightOperand<F> right(Layout::normal, taps * run, columns, w, columns, no_run, g.outputs());
  const PerThread<T> workspaces(lines.workspace());
  const PerThread<Run<F>> runs_of(taps);
  parallel_tasks(lines.blocks(), [&](Index task) {
    Run<F>* const runs = runs_of.mine();
    const auto block = lines.block(task);
    const F* const seen = lines.along_lines(block, x, workspaces.mine());
    for (Index i = 0; i < block.count * quotient_up(width, Index{TileShape::rows}); ++i) {
      const Index line = i % block.count, first = i / block.count * TileShape::rows;
      const Index rows = std::min<Index>(TileShape::rows, width - first);
      const F* const from = seen + line * next_line + first * next;
      TileTarget<T> target;
      std::array<const F*, TileShape::max_rows> in;
      for (Index r = 0; r < TileShape::max_rows; ++r) {
        const Index row = std::min(r, rows - 1);
        in[static_cast<std::size_t>(r)] = from + row * next;
        target.rows[static_cast<std::size_t>(r)] = y + (lines.position(block) + line * width + first + row) * columns;
      }
      Index count = 0;
      for (Index j = 0; j < taps; ++j) {
        const Index j0 = j / g.kernel[1], tap = lines.tap(j0, j % g.kernel[1]) / each;
        if (!lines.inside(block, j0)) continue;
        Run<F>& to = runs[count++];
        to.k = j * run, to.length = run;
        for (std::size_t r = 0; r < in.size(); ++r) to.rows[r] = in[r] + tap;
      }
      for (Index p = 0; p < right.panels().count(); ++p) {
        TileTarget<T> part = target;
        const Index column = right.panels().first_column(p);
        for (T*& row : part.rows) row += column;
        if (bias != nullptr) part.start = bias + column;
        multiply_tile(runs, count, 1, right.panels().panel(p), static_cast<int>(rows), part);
      }
    }
  });
}

/// Adds the products of a block, which reads the pixels `seen`, to the columns of dw for a panel of dy.
template <Multiplicand F, class T = Sum<F>>
void add_block(const ConvGeometry& g, const Lines<F>& lines, const typename Lines<F>::Block& block, const F* seen,
               const Panel<F>& panel, T* dw) {
  constexpr Index each = numbers_in<F>;
  const Index run = g.kernel[2] * g.in_channels, plane = g.kernel[1] * run, length = g.output[2] / each;
  std::array<Run<F>, static_cast<std::size_t>(Lines<F>::most_lines)> runs;
  TileTarget<T> target;
  target.load = true;
  // The rows of a tile may be of several taps, but only of one tap in time, which is inside or not.
  for (Index k = 0; k < g.kernel[0] * plane; k += std::min<Index>(TileShape::rows, plane - k % plane)) {
    const Index j0 = k / plane, rows = std::min<Index>(TileShape::rows, plane - k % plane);
    if (!lines.inside(block, j0)) continue;
    for (Index r = 0; r < TileShape::max_rows; ++r) {
      const Index row = k + std::min(r, rows - 1), within = row % plane;
      const F* const from = seen + lines.tap(j0, within / run) + within % run;
      for (Index line = 0; line < block.count; ++line) {
        runs[static_cast<std::size_t>(line)].rows[static_cast<std::size_t>(r)] = from + line * lines.next_line();
      }
      target.rows[static_cast<std::size_t>(r)] = dw + row * g.out_channels;
    }
    for (Index line = 0; line < block.count; ++line) {
      Run<F>& to = runs[static_cast<std::size_t>(line)];
      to.k = line * length, to.length = length;
    }
    multiply_tile(runs.data(), block.count, lines.next() * each, panel, static_cast<int>(rows), target);
  }
}

/// As cpu::conv_weight, with factors F. The blocks are summed in groups, whose number does not depend on the number of
/// threads.
template <Multiplicand F, class T = Sum<F>>
void conv_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Lines<F> lines(g);
  const Index columns = g.out_channels, size = g.taps() * g.in_channels * columns;
  const Index groups = std::min(lines.blocks(), Index{32});
  const Scratch<T> sums(groups * size);
  const PerThread<T> workspaces(lines.workspace());
  const PerThread<F> panels(lines.positions() / numbers_in<F> * panel_columns<F>);
  parallel_tasks(groups, [&](Index group) {
    T* const sum = sums + group * size;
    std::fill_n(sum, size, T(0));
    const Index last = lines.blocks() * (group + 1) / groups;
    for (Index i = lines.blocks() * group / groups; i < last; ++i) {
      const auto block = lines.block(i);
      const F* const seen = lines.along_positions(block, x, workspaces.mine());
      for (Index column = 0; column < columns; column += panel_columns<F>) {
        const Index width = std::min(panel_columns<F>, columns - column), pitch = round_up(width, lanes<T>);
        const Index positions = block.count * g.output[2];
        const T* const from = dy + lines.position(block) * columns + column;
        const auto right = [&]() -> const F* {
          F* const packed = panels.mine();
          if constexpr (!std::same_as<F, T>) {
            pair_rows(from, columns, positions / numbers_in<F>, width, packed, width);
          } else if (pitch == columns) {
            return from;
          } else {  // distant rows would conflict in few sets of the cache
            for (Index p = 0; p < positions; ++p) {
              T* const row = packed + p * pitch;
              std::fill(std::copy_n(from + p * columns, width, row), row + pitch, T(0));
            }
          }
          return packed;
        };
        add_block(g, lines, block, seen, {PanelKind::columns, right(), pitch, width}, sum + column);
      }
    }
  });
  sum_middle(Index{1}, groups, size, static_cast<const T*>(sums.data()), dw);
}

}  // namespace flipbook::cpu::narrow
