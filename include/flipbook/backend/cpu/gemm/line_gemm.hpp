// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/lines.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// As ImplicitGemm, for runs so short that locating them takes as long as multiplying them: a task copies the lines
/// that it reads.
template <Multiplicand F>
class LineGemm {
  using T = Sum<F>;

 public:
  /// @param start  (columns) or null
  LineGemm(const ReceptiveField& field, const Pixels<const F*>& in, const Pixels<T*>& out, const Panels<F>& panels,
           const T* start)
      : lines_(field, in, positions_a_task), out_(out), panels_(panels), start_(start) {
    while (workspace() > most_room && divide()) continue;
    one_plane_ = lines_.planes() == 1;
  }

  /// Whether copying pays, for panels of columns: the more panels there are, the less the time to locate a run matters.
  static bool fits(const ReceptiveField& field, const Panels<F>& panels, const T* start) {
    if (panels.kind != PanelKind::columns || panels.tap_pitch != ReceptiveField::Axes{0, 0, 0}) return false;
    if (field.outputs() == 0 || field.taps() == 0) return false;
    const LineGemm all(field, {}, {}, panels, start);
    const Index vectors = quotient_up(panels.columns, lanes<T>);
    return field.kernel[0] * all.lines_.runs() <= most_runs && all.workspace() <= most_room &&
           (vectors == 1 || all.lines_.length() * vectors <= 512) && all.lines_.seen() >= 0.55;
  }

  Index workspace() const { return lines_.field().kernel[0] * lines_.all(); }  ///< in F, of one thread
  Index tasks() const { return lines_.count(); }
  bool divide() { return lines_.divide(); }

  void operator()(Index task, F* workspace) const {
    const Block block = lines_.block(task);
    Runs in_rows, in_numbers;  // with panel offsets in rows, and in numbers
    const std::size_t count = copy(block, workspace, in_rows);
    const std::span<const LineRun> runs(in_numbers.data(), count);
    alignas(64) std::array<T, static_cast<std::size_t>(panel_columns<F>)> start{};
    for (Index p = 0; p < panels_.count(); ++p) {
      const Panel<F> panel = panels_.panel(p);
      const Index column = panels_.first_column(p);
      for (std::size_t i = 0; i < count; ++i) in_numbers[i] = {in_rows[i].ahead, in_rows[i].panel * panel.step};
      if (start_ != nullptr) std::copy_n(start_ + column, panel.columns, start.data());
      if (panel.columns > lanes<T>) multiply<TileShape::rows, 2>(block, workspace, runs, panel, column, start.data());
      else multiply<LineTile<F>::most, 1>(block, workspace, runs, panel, column, start.data());
    }
  }

 private:
  static constexpr Index most_runs = 128;
  static constexpr Index most_room = cache::half_of_second / Index{sizeof(F)}, positions_a_task = 256;
  using Block = typename CopiedLines<F>::Block;
  using Runs = std::array<LineRun, static_cast<std::size_t>(most_runs)>;

  /// Copies the lines that a block reads, planes for each tap in time; returns the number of runs of taps inside.
  std::size_t copy(const Block& block, F* to, Runs& runs) const {
    std::size_t count = 0;
    for (Index j0 = 0; j0 < lines_.field().kernel[0]; ++j0, to += lines_.all()) {
      if (one_plane_ && !lines_.inside(block.first_plane, j0)) continue;
      for (Index p = 0; p < block.planes; ++p) lines_.copy(block, block.first_plane + p, j0, to + p * lines_.plane());
      for (Index j = 0; j < lines_.runs(); ++j) {
        runs[count++] = {j0 * lines_.all() + lines_.ahead(j), (j0 * lines_.runs() + j) * lines_.length()};
      }
    }
    return count;
  }

  template <int rows, int vectors>
  void multiply(const Block& block, const F* seen, std::span<const LineRun> runs, const Panel<F>& panel, Index column,
                const T* start) const {
    const auto& s = lines_.field();
    Index plane = 0, line = 0, w = 0;
    const F* from = nullptr;
    T* to = nullptr;
    const auto begin_line = [&] {
      const Index at = block.first_plane + plane;
      from = seen + plane * lines_.plane() + line * lines_.next_line();
      to = out_.data + out_.offset(at / s.positions[0], at % s.positions[0], block.first_line + line, 0) + column;
    };
    begin_line();
    const Index all = block.planes * block.lines * s.positions[2];
    for (Index q = 0; q < all; q += rows) {
      LineTile<F> tile;
      for (Index i = 0; i < rows; ++i) {
        tile.from[static_cast<std::size_t>(i)] = from, tile.to[static_cast<std::size_t>(i)] = to;
        if (q + i + 1 >= all) continue;
        from += lines_.next(), to += out_.pitch[2];
        if (++w < s.positions[2]) continue;
        w = 0;
        if (++line == block.lines) line = 0, ++plane;
        begin_line();
      }
      lines_times_panel<F, rows, vectors>(tile, runs, lines_.length(), Index{1}, panel, start);
    }
  }

  CopiedLines<F> lines_;
  bool one_plane_;  // per task, however tasks are divided: taps outside are then skipped
  Pixels<T*> out_;
  Panels<F> panels_;
  const T* start_;
};

/// Computes all products of a list, which write different outputs, as one parallel loop.
template <Multiplicand F>
void line_gemm(std::span<LineGemm<F>> list) {
  Index workspace = 0;
  for (const auto& each : list) workspace = std::max(workspace, each.workspace());
  if (workspace > 0) run_tasks<F>(list, workspace);
}

}  // namespace flipbook::cpu
