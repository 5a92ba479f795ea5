// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// A grid of pixels: the first one, and the distances between samples and between pixels along each axis.
template <class P>
struct Pixels {
  using Axes = ConvGeometry::Axes;
  P data = nullptr;
  Index batch_pitch = 0;
  Axes pitch{0, 0, 0};

  /// A dense (N, T, H, W, C).
  static Pixels dense(P data, const Axes& extent, Index channels) {
    return {data,
            extent[0] * extent[1] * extent[2] * channels,
            {extent[1] * extent[2] * channels, extent[2] * channels, channels}};
  }
  Index offset(Index n, Index t, Index h, Index w) const {
    return n * batch_pitch + t * pitch[0] + h * pitch[1] + w * pitch[2];
  }
};

/// The input pixels that every output position reads:
///
///     output position q reads with tap j the input pixel  q · stride + j · step + origin,  along each axis.
///
/// A convolution has one receptive field; a transposed convolution has one for each phase of its stride; a matrix
/// product has a single tap, whose pixels are the left operand's rows.
struct ReceptiveField {
  using Axes = ConvGeometry::Axes;
  Index batch = 1;
  Axes extent{1, 1, 1}, positions{1, 1, 1};  ///< of the input, of the output
  Axes kernel{1, 1, 1}, stride{1, 1, 1}, step{1, 1, 1}, origin{0, 0, 0};
  Index channels = 1;    ///< of an input pixel that are read
  bool touching = true;  ///< channels of adjacent pixels are contiguous along the last axis

  Index outputs() const { return batch * positions[0] * positions[1] * positions[2]; }
  Index taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  bool inside(int axis, Index at) const { return at >= 0 && at < extent[static_cast<std::size_t>(axis)]; }
};

/// Contiguous length of a reduction: the taps of a line, if they adjoin and are not too many, else one of them.
inline Index contiguous_run(bool adjoin, Index channels, Index taps) {
  return adjoin && taps * channels <= longest_run ? taps * channels : channels;
}

/// out[n, q, o] = start[o] + Σ_j Σ_c  in[n, pixel(q, j), c] · panels[(j, c), o]
///
/// Tiles are consecutive output positions, across image rows; each position's channels are read in place. Taps that
/// adjoin in memory are one run. Pixels outside the image are read from a row of zeros, or, in the middle of a run,
/// from a copy of that run; taps that are outside for a whole tile are skipped.
template <Multiplicand F>
class ImplicitGemm {
  using T = Sum<F>;

 public:
  /// @param field  its channels, as those of `in`, are in factors
  ImplicitGemm(const ReceptiveField& field, const Pixels<const F*>& in, const Pixels<T*>& out, const Panels<F>& panels,
               const T* start, bool accumulate)
      : field_(field), in_(in), out_(out), panels_(panels), start_(start), accumulate_(accumulate) {
    const auto& s = field_;
    const bool in_order = panels.tap_pitch == ReceptiveField::Axes{0, 0, 0};
    const Index line = s.kernel[2] * s.channels;
    if (in_order) panels_.tap_pitch = {s.kernel[1] * line, line, s.channels};
    merged_ =
        in_order && s.kernel[2] > 1 && contiguous_run(s.touching && s.step[2] == 1, s.channels, s.kernel[2]) == line;
    across_ = merged_ ? 1 : s.kernel[2];
    pieces_ = quotient_up(s.channels, longest_run);
    segments_ = s.kernel[0] * s.kernel[1] * across_ * pieces_;
    const Index length = std::max(merged_ ? line : std::min(s.channels, longest_run), Index{1});
    // A tile's rows stay in the first-level cache while panels pass through it. Few columns have few panels, and a sum
    // over lanes at the end of each block.
    const Index depth = panels.kind == PanelKind::columns ? 512 : 4096;
    block_ = std::clamp(depth / length, Index{1}, most_runs);
    // A tile across samples has the same borders in all its rows, which pays if images are small.
    batch_inner_ = s.batch > 1 && s.batch * s.positions[2] >= panels.tile_rows() && s.positions[2] <= 8 && s.taps() > 1;
    const Index panel_bytes = depth * panels.width() * static_cast<Index>(sizeof(F));
    const Index fitting = cache::half_of_second / panel_bytes;
    panels_a_task_ = std::clamp(fitting, Index{1}, std::max(panels.count(), Index{1}));
  }

  /// Workspace of one thread in F, for copies of runs that cross a border.
  Index workspace() const { return merged_ ? block_ * field_.kernel[2] * field_.channels * TileShape::max_rows : 0; }

  Index tasks() const {
    return quotient_up(field_.outputs(), rows_a_task()) * quotient_up(panels_.count(), panels_a_task_);
  }
  /// Halves the tasks' size; false if they cannot be smaller.
  bool divide() {
    if (tiles_a_task_ > 2 || (tiles_a_task_ > 1 && panels_a_task_ == 1)) tiles_a_task_ /= 2;
    else if (panels_a_task_ > 1) panels_a_task_ = quotient_up(panels_a_task_, 2);
    else return false;
    return true;
  }

  void operator()(Index task, F* workspace) const {
    const Index blocks = quotient_up(field_.outputs(), rows_a_task());
    const Index first = task % blocks * rows_a_task(), last = std::min(first + rows_a_task(), field_.outputs());
    const Index first_panel = task / blocks * panels_a_task_;
    const Index last_panel = std::min(first_panel + panels_a_task_, panels_.count());
    Index segment = 0;
    do {  // at least once, so that an output which no tap reaches is written too
      const Index end = std::min(segment + block_, segments_);
      for (Index q = first; q < last; q += panels_.tile_rows()) {
        const int rows = static_cast<int>(std::min<Index>(panels_.tile_rows(), last - q));
        tile(q, rows, segment, end, first_panel, last_panel, workspace);
      }
      segment = end;
    } while (segment < segments_);
  }

 private:
  static constexpr Index most_runs = 64;

  struct Place {
    Index t, h;
    bool operator==(const Place&) const = default;
  };
  /// The output positions of a tile's rows; rows past the last repeat it.
  struct Tile {
    template <class U>
    using Each = std::array<U, TileShape::max_rows>;
    Each<Index> in;           ///< offset of the first tap's pixel, inside or not
    Each<Place> at;           ///< its position along the first two axes
    Each<Index> first, last;  ///< taps along the last axis that are inside
    Each<T*> out;
    bool one_line = true;                  ///< all rows have the same position along the first two axes
    Index seen_by_any[2], seen_by_all[2];  ///< range of taps along the last axis
  };

  Index rows_a_task() const { return tiles_a_task_ * panels_.tile_rows(); }

  void tile(Index q, int rows, Index segment, Index end, Index first_panel, Index last_panel, F* workspace) const {
    const Tile tile = locate(q, rows);
    std::array<Run<F>, most_runs> runs;
    Index count = 0;
    for (Index s = segment; s < end; ++s) count += collect(s, tile, runs[static_cast<std::size_t>(count)], workspace);
    TileTarget<T> target;
    target.load = segment > 0 || accumulate_;
    for (Index p = first_panel; p < last_panel; ++p) {
      const Index column = panels_.first_column(p);
      for (std::size_t i = 0; i < tile.out.size(); ++i) target.rows[i] = tile.out[i] + column;
      if (start_ != nullptr) target.start = start_ + column;
      multiply_tile(runs.data(), count, 1, panels_.panel(p), rows, target);
    }
  }

  Tile locate(Index q, int rows) const {
    const auto& s = field_;
    const auto& extent = s.positions;
    Index rest = batch_inner_ ? q / s.batch : q;
    Index w = rest % extent[2];
    rest /= extent[2];
    Index h = rest % extent[1], t = rest / extent[1], n = q % s.batch;
    if (!batch_inner_) n = t / extent[0], t %= extent[0];
    const auto step = [](Index& at, Index end) { return ++at == end ? (at = 0, true) : false; };
    Tile tile;
    for (std::size_t i = 0; i < tile.in.size(); ++i) {
      const Index x0 = t * s.stride[0] + s.origin[0], x1 = h * s.stride[1] + s.origin[1];
      const Index x2 = w * s.stride[2] + s.origin[2];
      tile.in[i] = in_.offset(n, x0, x1, x2);
      tile.at[i] = {x0, x1};
      tile.first[i] = x2 >= 0 ? 0 : std::min(quotient_up(-x2, s.step[2]), s.kernel[2]);
      const Index end = x2 >= s.extent[2] ? 0 : quotient_up(s.extent[2] - x2, s.step[2]);
      tile.last[i] = std::clamp(end, tile.first[i], s.kernel[2]);
      tile.out[i] = out_.data + out_.offset(n, t, h, w);
      tile.one_line &= tile.at[i] == tile.at[0];
      if (static_cast<int>(i) + 1 >= rows) continue;
      if (batch_inner_ && !step(n, s.batch)) continue;
      if (step(w, extent[2]) && step(h, extent[1]) && step(t, extent[0]) && !batch_inner_) ++n;
    }
    const auto [first_seen, first_in_all] = std::minmax_element(tile.first.begin(), tile.first.end());
    const auto [last_in_all, last_seen] = std::minmax_element(tile.last.begin(), tile.last.end());
    tile.seen_by_any[0] = *first_seen, tile.seen_by_any[1] = *last_seen;
    tile.seen_by_all[0] = *first_in_all, tile.seen_by_all[1] = *last_in_all;
    return tile;
  }

  /// Makes the run of a segment of the reduction and returns 1, or returns 0 if its taps are outside for all rows of
  /// the tile.
  Index collect(Index segment, const Tile& tile, Run<F>& run, F*& workspace) const {
    const auto& s = field_;
    const Index piece = segment % pieces_ * longest_run, j2 = segment / pieces_ % across_;
    const Index line = segment / (pieces_ * across_), j1 = line % s.kernel[1], j0 = line / s.kernel[1];
    const auto inside = [&](std::size_t i) {
      return s.inside(0, tile.at[i].t + j0 * s.step[0]) && s.inside(1, tile.at[i].h + j1 * s.step[1]);
    };
    // The run has the taps [first, last), each inside for some row.
    const Index first = merged_ ? tile.seen_by_any[0] : j2, last = merged_ ? tile.seen_by_any[1] : j2 + 1;
    if (first >= last || first >= tile.seen_by_any[1] || last <= tile.seen_by_any[0]) return 0;
    run.k = j0 * panels_.tap_pitch[0] + j1 * panels_.tap_pitch[1] + first * panels_.tap_pitch[2] + piece;
    run.length = merged_ ? (last - first) * s.channels : std::min(longest_run, s.channels - piece);
    const F* const from = in_.data;
    const Index tap = j0 * s.step[0] * in_.pitch[0] + j1 * s.step[1] * in_.pitch[1] + piece;
    const Index ahead = tap + first * s.step[2] * in_.pitch[2];
    if (tile.one_line && first >= tile.seen_by_all[0] && last <= tile.seen_by_all[1]) {
      if (!inside(0)) return 0;
      for (std::size_t i = 0; i < run.rows.size(); ++i) run.rows[i] = from + tile.in[i] + ahead;
      return 1;
    }
    bool any = false;
    for (std::size_t i = 0; i < run.rows.size(); ++i) {
      if (!inside(i) || tile.first[i] >= last || tile.last[i] <= first) {
        run.rows[i] = zero_row<F>.data();
        continue;
      }
      any = true;
      if (tile.first[i] <= first && tile.last[i] >= last) {
        run.rows[i] = from + tile.in[i] + ahead;
      } else {
        const F* const seen = from + tile.in[i] + tap + tile.first[i] * in_.pitch[2];
        run.rows[i] = workspace;
        workspace = std::fill_n(workspace, (tile.first[i] - first) * s.channels, F{});
        workspace = std::copy_n(seen, (tile.last[i] - tile.first[i]) * s.channels, workspace);
        workspace = std::fill_n(workspace, (last - tile.last[i]) * s.channels, F{});
      }
    }
    return any ? 1 : 0;
  }

  ReceptiveField field_;
  Pixels<const F*> in_;
  Pixels<T*> out_;
  Panels<F> panels_;
  const T* start_;
  bool accumulate_;
  bool merged_, batch_inner_;
  Index across_, pieces_, segments_;  // runs along the last axis, for the channels of one tap, in all
  Index block_;                       // segments whose panels stay in cache
  Index tiles_a_task_ = 16, panels_a_task_;
};

/// Computes all products of a list, which write different outputs, as one parallel loop.
template <Multiplicand F>
void implicit_gemm(std::span<ImplicitGemm<F>> list) {
  Index workspace = 0;
  for (const auto& each : list) workspace = std::max(workspace, each.workspace());
  run_tasks<F>(list, workspace);
}

}  // namespace flipbook::cpu
