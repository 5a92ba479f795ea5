// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/affine_tile.hpp>
#include <flipbook/backend/cpu/gemm/lines.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// As WeightGradient, from copied lines: a number of the input is copied once for all taps that read it, while
/// WeightGradient gathers it for each tap. The blocks of lines are summed in groups, whose number does not depend on
/// the number of threads.
template <Real T>
class LineWeightGradient {
 public:
  /// @param right  (positions, columns), dense
  LineWeightGradient(const ReceptiveField& field, const Pixels<const T*>& in, const T* right, Index columns)
      : lines_(field, in, columns > lanes<T> ? 128 : 256), right_(right), columns_(columns) {
    while (lines_.all() > most_room && lines_.divide()) continue;
    swapped_ = affine_cost<T>(columns, lines_.length()) * 5 < affine_cost<T>(lines_.length(), columns) * 4;
    groups_ =
        std::clamp(most_sums / std::max(size(), Index{1}), Index{1}, std::clamp(lines_.count(), Index{1}, Index{32}));
    panels_ = quotient_up(columns_, panel_columns<T>);
    panels_a_task_ = swapped_ ? panels_ : std::max(Index{1}, panels_);
    while (!swapped_ && panels_a_task_ > 1 && tasks() < 4 * threads()) panels_a_task_ = quotient_up(panels_a_task_, 2);
  }
  /// Whether copying pays: with many columns, WeightGradient uses each gathered number often.
  bool fits() const {
    if (lines_.field().outputs() == 0 || lines_.field().taps() <= 1 || lines_.all() > most_room) return false;
    const bool few = columns_ <= panel_columns<T>, long_lines = lines_.field().positions[2] >= 16;
    const bool in_cache = plane_rows() >= 128 && plane_rows() * columns_ <= most_room;
    return (few || (long_lines && in_cache)) && lines_.seen() >= 0.55;
  }
  /// Approximate cost of a position, in halves of vector operations, including products with zeros and the copies.
  double cost() const {
    const Index runs = lines_.field().kernel[0] * lines_.runs(), length = lines_.length();
    const double products =
        static_cast<double>(runs * std::min(affine_cost<T>(length, columns_), affine_cost<T>(columns_, length)));
    return 1.1 * products / lines_.seen();
  }

  void operator()(T* out) const {
    const bool direct = groups_ == 1 && !swapped_;
    const Scratch<T> sums(direct ? 0 : groups_ * size()), sum(swapped_ ? size() : 0);
    T* const to = direct ? out : sums.data();
    const PerThread<T> seen(lines_.all() + panel_columns<T>), packed(lines_.most_positions() * panel_columns<T>);
    parallel_tasks(tasks(), [&](Index task) { run(task, to, seen.mine(), packed.mine()); });
    if (direct) return;
    sum_middle(Index{1}, groups_, size(), static_cast<const T*>(to), swapped_ ? sum.data() : out);
    if (swapped_) transpose(sum.data(), rows(), columns_, rows(), out, columns_);
  }

 private:
  static constexpr Index most_sums = Index{1} << 20, most_lines = 256;
  static constexpr Index most_room = cache::half_of_second / Index{sizeof(T)};
  using Block = typename CopiedLines<T>::Block;

  Index plane_rows() const { return lines_.runs() * lines_.length(); }  ///< of one tap in time
  Index rows() const { return lines_.field().kernel[0] * plane_rows(); }
  Index size() const { return rows() * columns_; }
  Index shares() const { return quotient_up(panels_, panels_a_task_); }
  Index tasks() const { return groups_ * lines_.field().kernel[0] * shares(); }

  /// Computes a tap in time and some columns for a group of blocks.
  void run(Index task, T* sums, T* seen, T* packed) const {
    const Index share = task % shares(), j0 = task / shares() % lines_.field().kernel[0];
    const Index group = task / shares() / lines_.field().kernel[0];
    const Index first = share * panels_a_task_ * panel_columns<T>;
    const Index last = std::min(first + panels_a_task_ * panel_columns<T>, columns_);
    T* const sum = sums + group * size() + (swapped_ ? j0 * plane_rows() : j0 * plane_rows() * columns_);
    if (swapped_) {
      for (Index o = 0; o < columns_; ++o) std::fill_n(sum + o * rows(), plane_rows(), T(0));
    } else {
      for (Index r = 0; r < plane_rows(); ++r) std::fill(sum + r * columns_ + first, sum + r * columns_ + last, T(0));
    }
    for (Index i = lines_.count() * group / groups_; i < lines_.count() * (group + 1) / groups_; ++i) {
      const Block block = lines_.block(i);
      std::array<Steps, most_lines> found;
      const std::span<const Steps> runs(found.data(), copy(block, j0, seen, found));
      if (runs.empty()) continue;
      if (swapped_) add_swapped(block, runs, seen, sum);
      for (Index column = first; !swapped_ && column < last; column += panel_columns<T>) {
        const Index width = std::min(panel_columns<T>, last - column);
        add(runs, seen, pack(block, column, width, packed), sum + column);
      }
    }
  }

  /// Copies the lines that tap j0 in time reads. Makes a run of each line of outputs for which it is inside; returns
  /// their number.
  std::size_t copy(const Block& block, Index j0, T* to, std::array<Steps, most_lines>& runs) const {
    const auto& s = lines_.field();
    std::size_t count = 0;
    for (Index p = 0; p < block.planes; ++p, to += lines_.plane()) {
      if (!lines_.inside(block.first_plane + p, j0)) continue;
      lines_.copy(block, block.first_plane + p, j0, to);
      for (Index line = 0; line < block.lines; ++line) {
        const Index at = p * lines_.plane() + line * lines_.next_line();
        runs[count++] = {at, (p * block.lines + line) * s.positions[2], s.positions[2]};
      }
    }
    if (swapped_) {
      for (Steps& run : std::span(runs.data(), count)) run = {run.right * columns_, run.left, run.count};
    }
    return count;
  }
  /// The first position of a block in a plane.
  const T* right_of(const Block& block, Index plane) const {
    const auto& s = lines_.field().positions;
    return right_ + ((block.first_plane + plane) * s[1] + block.first_line) * s[2] * columns_;
  }
  Panel<T> pack(const Block& block, Index column, Index width, T* packed) const {
    const Index pitch = round_up(width, lanes<T>), positions = block.lines * lines_.field().positions[2];
    if (pitch == columns_) return {PanelKind::columns, right_of(block, 0), pitch, width};
    const Panel<T> panel{PanelKind::columns, packed, pitch, width};
    for (Index p = 0; p < block.planes; ++p) {
      const T* from = right_of(block, p) + column;
      for (Index i = 0; i < positions; ++i, from += columns_, packed += pitch) {
        for (Index j = 0; j < width; j += lanes<T>) {
          load_part(from + j, std::min(lanes<T>, width - j)).store_unaligned(packed + j);
        }
      }
    }
    return panel;
  }

  void add(std::span<const Steps> runs, const T* seen, const Panel<T>& panel, T* sum) const {
    std::array<Steps, most_lines> scaled;
    for (std::size_t i = 0; i < runs.size(); ++i) scaled[i] = {runs[i].left, runs[i].right * panel.step, runs[i].count};
    for (Index j = 0; j < lines_.runs(); ++j) {
      T* const to = sum + j * lines_.length() * columns_;
      affine_product<T>({seen + lines_.ahead(j), 1, lines_.next(), panel.data, panel.step},
                        std::span(scaled.data(), runs.size()), lines_.length(), panel.columns,
                        {to, columns_, to, columns_});
    }
  }
  /// `add` with the operands swapped: numbers of the input are the vectors.
  void add_swapped(const Block& block, std::span<const Steps> runs, const T* seen, T* sum) const {
    for (Index j = 0; j < lines_.runs(); ++j) {
      for (Index c = 0; c < lines_.length(); c += panel_columns<T>) {
        T* const to = sum + j * lines_.length() + c;
        affine_product<T>({right_of(block, 0), 1, columns_, seen + lines_.ahead(j) + c, lines_.next()}, runs, columns_,
                          std::min(panel_columns<T>, lines_.length() - c), {to, rows(), to, rows()});
      }
    }
  }

  CopiedLines<T> lines_;
  const T* right_;
  Index columns_;
  bool swapped_;
  Index groups_, panels_, panels_a_task_;
};

}  // namespace flipbook::cpu
