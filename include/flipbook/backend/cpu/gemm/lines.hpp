// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The start of a run of steps of a reduction: its offset from the first number that a row of a tile reads, and its
/// offset in a panel.
struct LineRun {
  Index ahead, panel;
};

/// Rows of a tile: the first input and the output of each.
template <Multiplicand F>
struct LineTile {
  static constexpr int most = TileShape::registers / 2;
  std::array<const F*, static_cast<std::size_t>(most)> from;
  std::array<Sum<F>*, static_cast<std::size_t>(most)> to;
};

/// sum[i][j] += from[i][at + p·pitch] · right[p·step + j] for p < count. Rows have more pointers than there are
/// registers, and each pointer is loaded once for all p.
template <int count, Multiplicand F, int rows, int vectors>
[[gnu::always_inline]] inline void add_steps(Simd<Sum<F>> (&sum)[rows][vectors], const LineTile<F>& tile, Index at,
                                             Index pitch, const F* right, Index step) {
  using V = Simd<Sum<F>>;
  V column[count][vectors];
  FLIPBOOK_UNROLL
  for (int p = 0; p < count; ++p) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) column[p][j] = load(right + p * step + j * lanes<Sum<F>>);
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    const F* const from = tile.from[static_cast<std::size_t>(i)] + at;
    FLIPBOOK_UNROLL
    for (int p = 0; p < count; ++p) {
      const V x = broadcast(from[p * pitch]);
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) sum[i][j] = add_product<F>(x, column[p][j], sum[i][j]);
    }
  }
}

/// to[i][j] = start[j] + Σ_runs Σ_p from[i][ahead + p·pitch] · panel[panel + p·step + j], p < length, for the panel's
/// columns j.
/// @param start  whole vectors, or null to start from to[i][j]
template <Multiplicand F, int rows, int vectors, class T = Sum<F>>
void lines_times_panel(const LineTile<F>& tile, std::span<const LineRun> runs, Index length, Index pitch,
                       const Panel<F>& panel, const T* start) {
  constexpr Index width = lanes<T>;
  constexpr int some = TileShape::registers / (8 * vectors * vectors) > 1 ? TileShape::registers / (8 * vectors) : 1;
  const Index last = panel.columns - (vectors - 1) * width;  // columns of the last vector
  Simd<T> sum[rows][vectors];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    const T* const from = start == nullptr ? tile.to[static_cast<std::size_t>(i)] : start;
    FLIPBOOK_UNROLL
    for (int j = 0; j + 1 < vectors; ++j) sum[i][j] = Simd<T>::load_unaligned(from + j * width);
    sum[i][vectors - 1] = start == nullptr && last < width ? load_part(from + (vectors - 1) * width, last)
                                                           : Simd<T>::load_unaligned(from + (vectors - 1) * width);
  }
  for (const LineRun& run : runs) {
    const F* right = panel.data + run.panel;
    Index at = run.ahead, left = length;
    for (; left >= some; left -= some, at += some * pitch, right += some * panel.step) {
      add_steps<some>(sum, tile, at, pitch, right, panel.step);
    }
    if constexpr (some > 1) {
      for (; left > 0; --left, at += pitch, right += panel.step) {
        add_steps<1>(sum, tile, at, pitch, right, panel.step);
      }
    }
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    T* const to = tile.to[static_cast<std::size_t>(i)];
    FLIPBOOK_UNROLL
    for (int j = 0; j + 1 < vectors; ++j) sum[i][j].store_unaligned(to + j * width);
    if (last == width) sum[i][vectors - 1].store_unaligned(to + (vectors - 1) * width);
    else store_part(sum[i][vectors - 1], to + (vectors - 1) * width, last);
  }
}

/// Blocks of lines of outputs, and copies of the pixels that they read, with zeros for pixels outside. In a copy, every
/// tap is at the same distance from every output.
template <Multiplicand F>
class CopiedLines {
 public:
  /// Lines of outputs of some planes; a plane is a pair (sample, time).
  struct Block {
    Index first_plane, planes, first_line, lines;
  };

  CopiedLines(const ReceptiveField& field, const Pixels<const F*>& in, Index positions) : field_(field), in_(in) {
    const auto share = [&](Index size, Index most) {
      return std::clamp(positions / std::max(size, Index{1}), Index{1}, std::max(most, Index{1}));
    };
    lines_ = share(field.positions[2], field.positions[1]);
    planes_ = share(field.positions[1] * field.positions[2], field.batch * field.positions[0]);
  }
  const ReceptiveField& field() const { return field_; }

  Index count() const { return quotient_up(all_planes(), planes_) * quotient_up(field_.positions[1], lines_); }
  Block block(Index i) const {
    const Index blocks = quotient_up(field_.positions[1], lines_);
    const Index plane = i / blocks * planes_, line = i % blocks * lines_;
    return {plane, std::min(planes_, all_planes() - plane), line, std::min(lines_, field_.positions[1] - line)};
  }
  /// The fraction of the multiplied numbers that is not border.
  double seen() const {
    double part = 1;
    for (std::size_t axis = planes_ > 1 ? 0 : 1; axis < 3; ++axis) {
      const auto& s = field_;
      Index inside = 0;
      for (Index j = 0; j < s.kernel[axis]; ++j) {  // of positions with 0 <= q · stride + first < extent
        const Index first = s.origin[axis] + j * s.step[axis];
        const Index before = first < 0 ? quotient_up(-first, s.stride[axis]) : 0;
        const Index end = first < s.extent[axis] ? quotient_up(s.extent[axis] - first, s.stride[axis]) : 0;
        inside += std::max(std::min(end, s.positions[axis]) - before, Index{0});
      }
      part *= static_cast<double>(inside) / static_cast<double>(s.kernel[axis] * s.positions[axis]);
    }
    return part;
  }
  Index most_positions() const { return planes_ * lines_ * field_.positions[2]; }  ///< of a block
  Index planes() const { return planes_; }                                         ///< of a block
  /// Halves the blocks; false if they cannot be smaller.
  bool divide() {
    if (planes_ == 1 && lines_ == 1) return false;
    Index& most = planes_ > 1 ? planes_ : lines_;
    most = quotient_up(most, 2);
    return true;
  }

  /// Numbers of a run of taps, and number of runs of the taps of a plane.
  Index length() const { return (merged() ? field_.kernel[2] : 1) * field_.channels; }
  Index runs() const { return field_.kernel[1] * across(); }
  /// Offset of run j in a copied plane, for the first output.
  Index ahead(Index j) const {
    return j / across() * field_.step[1] * line() + j % across() * field_.step[2] * field_.channels;
  }
  Index next() const { return field_.stride[2] * field_.channels; }  ///< from output to output of a line
  Index next_line() const { return field_.stride[1] * line(); }
  /// Numbers of a copied plane, and of all planes that one tap in time reads.
  Index plane() const { return reach(lines_, field_.stride[1], field_.kernel[1], field_.step[1]) * line(); }
  Index all() const { return planes_ * plane(); }

  /// Whether tap j in time of a plane of outputs is inside the input.
  bool inside(Index plane, Index j) const { return field_.inside(0, time(plane, j)); }
  /// Copies the lines that tap j in time reads for a plane of outputs.
  void copy(const Block& block, Index plane, Index j, F* to) const {
    const auto& s = field_;
    const Index t = time(plane, j), h = block.first_line * s.stride[1] + s.origin[1];
    const Index lines = reach(block.lines, s.stride[1], s.kernel[1], s.step[1]);
    const Index first = std::clamp(-s.origin[2], Index{0}, pixels());
    const Index last = std::clamp(s.extent[2] - s.origin[2], first, pixels());
    for (Index i = 0; i < lines; ++i) {
      if (!s.inside(0, t) || !s.inside(1, h + i) || first == last) {
        to = std::fill_n(to, line(), F{});
        continue;
      }
      const F* from = in_.data + in_.offset(plane / s.positions[0], t, h + i, s.origin[2] + first);
      to = std::fill_n(to, first * s.channels, F{});
      if (s.touching) {
        to = std::copy_n(from, (last - first) * s.channels, to);
      } else {
        for (Index w = first; w < last; ++w, from += in_.pitch[2]) to = std::copy_n(from, s.channels, to);
      }
      to = std::fill_n(to, (pixels() - last) * s.channels, F{});
    }
  }

 private:
  static Index reach(Index positions, Index stride, Index taps, Index step) {
    return (positions - 1) * stride + (taps - 1) * step + 1;
  }
  Index all_planes() const { return field_.batch * field_.positions[0]; }
  Index time(Index plane, Index j) const {
    return plane % field_.positions[0] * field_.stride[0] + field_.origin[0] + j * field_.step[0];
  }
  bool merged() const { return field_.step[2] == 1; }
  Index across() const { return merged() ? 1 : field_.kernel[2]; }
  Index pixels() const { return reach(field_.positions[2], field_.stride[2], field_.kernel[2], field_.step[2]); }
  Index line() const { return pixels() * field_.channels; }

  ReceptiveField field_;
  Pixels<const F*> in_;
  Index lines_, planes_;  // of a block
};

}  // namespace flipbook::cpu
