// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Where the run of a tap begins: behind what a row of a tile sees first, and in a panel.
struct TapRun {
  Index ahead, k;
};

/// Rows of outputs: what each sees first, and where it goes.
template <Multiplicand F>
struct LineTile {
  static constexpr int most = TileShape::registers / 2;
  std::array<const F*, static_cast<std::size_t>(most)> from;
  std::array<Sum<F>*, static_cast<std::size_t>(most)> to;
};

/// sum[i][j] += from[i][at + p] · right[p·step + j], for so many p: rows have more pointers than registers hold, and
/// each is read once for all of them.
template <int count, Multiplicand F, int rows, int vectors>
[[gnu::always_inline]] inline void add_steps(Simd<Sum<F>> (&sum)[rows][vectors], const LineTile<F>& tile, Index at,
                                             const F* right, Index step) {
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
      const V x = broadcast(from[p]);
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) sum[i][j] = add_product<F>(x, column[p][j], sum[i][j]);
    }
  }
}

/// to[i][j] = start[j] + Σ_taps Σ_p from[i][ahead + p] · panel[k + p][j], p < length.
/// @param start  whole vectors
template <Multiplicand F, int rows, int vectors, class T = Sum<F>>
void lines_times_panel(const LineTile<F>& tile, std::span<const TapRun> taps, Index length, const Panel<F>& panel,
                       const T* start) {
  constexpr Index width = lanes<T>;
  constexpr int some = vectors > 1 ? 1 : TileShape::registers / 8;
  Simd<T> sum[rows][vectors];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) sum[i][j] = Simd<T>::load_unaligned(start + j * width);
  }
  for (const TapRun& tap : taps) {
    const F* right = panel.data + tap.k * panel.step;
    Index at = tap.ahead;
    const Index end = at + length;
    for (; at + some <= end; at += some, right += some * panel.step) add_steps<some>(sum, tile, at, right, panel.step);
    if constexpr (some > 1) {
      for (; at < end; ++at, right += panel.step) add_steps<1>(sum, tile, at, right, panel.step);
    }
  }
  const Index last = panel.columns - (vectors - 1) * width;  // columns of the last vector
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    T* const to = tile.to[static_cast<std::size_t>(i)];
    FLIPBOOK_UNROLL
    for (int j = 0; j + 1 < vectors; ++j) sum[i][j].store_unaligned(to + j * width);
    if (last == width) sum[i][vectors - 1].store_unaligned(to + (vectors - 1) * width);
    else store_part(sum[i][vectors - 1], to + (vectors - 1) * width, last);
  }
}

/// As ImplicitGemm, for runs so short that to find them takes as long as to multiply them. A task copies the lines of
/// pixels that some lines of outputs see, with zeros for what is outside: from there, every tap is at the same distance
/// from every output.
template <Multiplicand F>
class LineGemm {
  using T = Sum<F>;

 public:
  /// @param start  as many numbers as columns, or null
  LineGemm(const ReceptiveField& field, const Pixels<const F*>& in, const Pixels<T*>& out, const Panels<F>& panels,
           const T* start)
      : field_(field), in_(in), out_(out), panels_(panels), start_(start) {
    while (workspace() > most_room && divide()) {
    }
  }

  /// Whether it pays, for panels of columns: the more of them, the less it matters how long a run takes to find.
  static bool fits(const ReceptiveField& field, const Panels<F>& panels, const T* start) {
    if (panels.kind != PanelKind::columns || panels.tap_pitch != ReceptiveField::Axes{0, 0, 0}) return false;
    const Index vectors = quotient_up(panels.columns, lanes<T>);
    const LineGemm all(field, {}, {}, panels, start);
    return field.outputs() > 0 && field.taps() > 0 && all.taps() <= most_taps && all.workspace() <= most_room &&
           (vectors == 1 || all.length() * vectors <= 512);
  }

  Index workspace() const { return planes_ * plane(); }  ///< in F, of one thread
  Index tasks() const { return quotient_up(all_planes(), planes_) * quotient_up(field_.positions[1], lines_); }
  /// Halves the tasks' size; false if they cannot be smaller.
  bool divide() {
    if (planes_ == 1 && lines_ == 1) return false;
    Index& most = planes_ > 1 ? planes_ : lines_;
    most = quotient_up(most, 2);
    return true;
  }

  void operator()(Index task, F* workspace) const {
    const Index blocks = quotient_up(field_.positions[1], lines_);
    Block block;
    block.first_plane = task / blocks * planes_, block.first_line = task % blocks * lines_;
    block.planes = std::min(planes_, all_planes() - block.first_plane);
    block.lines = std::min(lines_, field_.positions[1] - block.first_line);
    block.seen = workspace;
    std::array<TapRun, most_taps> taps;
    const std::span<const TapRun> runs(taps.data(), copy(block, workspace, taps));
    alignas(64) std::array<T, static_cast<std::size_t>(panel_columns<F>)> start{};
    for (Index p = 0; p < panels_.count(); ++p) {
      const Panel<F> panel = panels_.panel(p);
      const Index column = panels_.first_column(p);
      if (start_ != nullptr) std::copy_n(start_ + column, panel.columns, start.data());
      if (panel.columns > lanes<T>) multiply<TileShape::rows, 2>(block, runs, panel, column, start.data());
      else multiply<LineTile<F>::most, 1>(block, runs, panel, column, start.data());
    }
  }

 private:
  static constexpr Index most_taps = 128, most_room = cache::half_of_second / Index{sizeof(F)};
  static constexpr Index positions_a_task = 256;

  /// Lines of outputs, of some planes: (sample, time) pairs.
  struct Block {
    Index first_plane, planes, first_line, lines;
    const F* seen;  ///< a plane for each tap in time, of lines
  };
  /// An output of a block.
  struct Place {
    Index plane = 0, line = 0, w = 0;
    const F* from = nullptr;
    T* to = nullptr;
  };

  static Index reach(Index positions, Index stride, Index taps, Index step) {
    return (positions - 1) * stride + (taps - 1) * step + 1;
  }
  Index all_planes() const { return field_.batch * field_.positions[0]; }
  bool merged() const { return field_.step[2] == 1; }
  Index length() const { return (merged() ? field_.kernel[2] : 1) * field_.channels; }
  Index taps() const { return field_.kernel[0] * field_.kernel[1] * (merged() ? 1 : field_.kernel[2]); }
  Index pixels() const { return reach(field_.positions[2], field_.stride[2], field_.kernel[2], field_.step[2]); }
  Index line() const { return pixels() * field_.channels; }
  Index tap_plane() const { return reach(lines_, field_.stride[1], field_.kernel[1], field_.step[1]) * line(); }
  Index plane() const { return field_.kernel[0] * tap_plane(); }

  /// Copies what a block sees; returns how many taps see anything.
  std::size_t copy(const Block& block, F* to, std::array<TapRun, most_taps>& taps) const {
    const auto& s = field_;
    std::size_t count = 0;
    for (Index j0 = 0; j0 < s.kernel[0]; ++j0) {
      bool any = false;
      for (Index p = 0; p < block.planes; ++p) any |= copy_plane(block, block.first_plane + p, j0, to + p * plane());
      to += tap_plane();
      if (!any) continue;
      const Index across = merged() ? 1 : s.kernel[2];
      for (Index j = 0; j < s.kernel[1] * across; ++j) {
        const Index ahead = (j / across) * s.step[1] * line() + (j % across) * s.step[2] * s.channels;
        taps[count++] = {j0 * tap_plane() + ahead, (j0 * s.kernel[1] * across + j) * length()};
      }
    }
    return count;
  }
  /// The lines that tap j0 in time sees; whether any is inside.
  bool copy_plane(const Block& block, Index plane, Index j0, F* to) const {
    const auto& s = field_;
    const Index t = plane % s.positions[0] * s.stride[0] + s.origin[0] + j0 * s.step[0];
    const Index h = block.first_line * s.stride[1] + s.origin[1];
    const Index lines = reach(block.lines, s.stride[1], s.kernel[1], s.step[1]);
    const Index first = std::clamp(-s.origin[2], Index{0}, pixels());
    const Index last = std::clamp(s.extent[2] - s.origin[2], first, pixels());
    bool any = false;
    for (Index i = 0; i < lines; ++i) {
      if (!s.inside(0, t) || !s.inside(1, h + i)) {
        to = std::fill_n(to, line(), F{});
        continue;
      }
      any = true;
      const F* from = in_.data + in_.offset(plane / s.positions[0], t, h + i, s.origin[2] + first);
      to = std::fill_n(to, first * s.channels, F{});
      if (s.touching) {
        to = std::copy_n(from, (last - first) * s.channels, to);
      } else {
        for (Index w = first; w < last; ++w, from += in_.pitch[2]) to = std::copy_n(from, s.channels, to);
      }
      to = std::fill_n(to, (pixels() - last) * s.channels, F{});
    }
    return any;
  }

  template <int rows, int vectors>
  void multiply(const Block& block, std::span<const TapRun> runs, const Panel<F>& panel, Index column,
                const T* start) const {
    const Index all = block.planes * block.lines * field_.positions[2];
    Place place;
    find(block, column, place);
    for (Index q = 0; q < all; q += rows) {
      LineTile<F> tile;
      for (Index i = 0; i < rows; ++i) {
        tile.from[static_cast<std::size_t>(i)] = place.from, tile.to[static_cast<std::size_t>(i)] = place.to;
        if (q + i + 1 < all) step(block, column, place);
      }
      lines_times_panel<F, rows, vectors>(tile, runs, length(), panel, start);
    }
  }
  void find(const Block& block, Index column, Place& at) const {
    const Index plane = block.first_plane + at.plane;
    at.from = block.seen + at.plane * this->plane() + at.line * field_.stride[1] * line();
    at.to = out_.data + column +
            out_.offset(plane / field_.positions[0], plane % field_.positions[0], block.first_line + at.line, 0);
  }
  void step(const Block& block, Index column, Place& at) const {
    at.from += field_.stride[2] * field_.channels, at.to += out_.pitch[2];
    if (++at.w < field_.positions[2]) return;
    at.w = 0;
    if (++at.line == block.lines) at.line = 0, ++at.plane;
    find(block, column, at);
  }

  ReceptiveField field_;
  Pixels<const F*> in_;
  Pixels<T*> out_;
  Panels<F> panels_;
  const T* start_;
  // Lines and planes of a task.
  Index lines_ = std::clamp(positions_a_task / std::max(field_.positions[2], Index{1}), Index{1},
                            std::max(field_.positions[1], Index{1}));
  Index planes_ = std::clamp(positions_a_task / std::max(field_.positions[1] * field_.positions[2], Index{1}), Index{1},
                             std::max(all_planes(), Index{1}));
};

/// All of them, which write different outputs, as one parallel loop.
template <Multiplicand F>
void line_gemm(std::span<LineGemm<F>> list) {
  Index workspace = 0;
  for (const auto& each : list) workspace = std::max(workspace, each.workspace());
  if (workspace > 0) run_tasks<F>(list, workspace);
}

}  // namespace flipbook::cpu
