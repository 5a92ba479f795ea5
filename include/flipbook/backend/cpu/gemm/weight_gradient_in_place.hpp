// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/affine_tile.hpp>
#include <flipbook/backend/cpu/gemm/edge_tile.hpp>
#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// out[(j, c), o] = Σ_{n, q}  in[n, pixel(q, j), c] · right[n, q, o], for each group of channels
///
/// As WeightGradient, with operands in place: a tile is adjacent channels by adjacent columns, and the pixels that a
/// tap reads for a line of positions are one run. Nothing is gathered, and pixels outside are skipped. If the columns
/// are few, the operands are swapped. The lines are summed in parts, whose number does not depend on the number of
/// threads.
template <Real T>
class WeightGradientInPlace {
 public:
  /// @param field    of a group
  /// @param columns  of a group; `right` is dense, (positions, groups · columns)
  WeightGradientInPlace(const ReceptiveField& field, const Pixels<const T*>& in, const T* right, Index groups,
                        Index columns)
      : field_(field), in_(in), right_(right), groups_(groups), columns_(columns) {
    const Index as_it_is = affine_cost<T>(field.channels, columns), swapped = affine_cost<T>(columns, field.channels);
    swapped_ = 10 * swapped < 9 * as_it_is && (masked_vectors || field.channels % lanes<T> == 0);
    time_inside_ = field.kernel[0] > field.kernel[1];
    // The input of a block stays in a part of the second-level cache. With fewer blocks, sums are read and written less
    // often, which matters if they are in a farther cache.
    constexpr Index second = cache::half_of_second / Index{sizeof(T)};
    const Index numbers = field.stride[1] * field.stride[2] * field.channels + columns;
    const Index least = size() > second ? 128 : 32;
    const Index positions = std::clamp(second / 2 / std::max(numbers, Index{1}), least, Index{512});
    const Index line = std::max(field.positions[2], Index{1}), units = groups * panels() * field.taps();
    lines_a_block_ = std::clamp(positions / line, Index{1}, most_lines);
    parts_ =
        std::clamp(std::min(64 / units, lines() * line / 1024), Index{1}, std::clamp(blocks(), Index{1}, Index{32}));
    packs_ = !swapped_ && columns % lanes<T> != 0;
    fetches_ = in.batch_pitch * field.batch > cache::share_of_last / Index{sizeof(T)};
    panels_a_task_ = panels(), taps_a_task_ = field.taps();
    // Tasks for different panels read the same pixels. Tasks for different taps read the same columns, and the pixels
    // that their taps share.
    const bool taps_share = field.taps() > field.stride[0] * field.stride[1] * field.stride[2];
    Index &divided = taps_share ? panels_a_task_ : taps_a_task_, &other = taps_share ? taps_a_task_ : panels_a_task_;
    while (threads() > 1 && tasks() < 4 * threads() && halve(divided)) continue;
    while (tasks() < threads() && halve(other)) continue;
  }

  /// Approximate cost of a position at which all taps are inside, in halves of vector operations.
  static Index cost(const ReceptiveField& field, Index columns) {
    return field.taps() * std::min(affine_cost<T>(field.channels, columns), affine_cost<T>(columns, field.channels));
  }

  /// Whether the input is read from memory, with so few uses of each number that reading it in order matters most.
  static bool bound_by_memory(const ReceptiveField& s, Index columns) {
    const Index size = s.batch * s.extent[0] * s.extent[1] * s.extent[2] * s.channels;
    const bool few_uses = s.taps() * columns < 80 * s.stride[0] * s.stride[1] * s.stride[2];
    return few_uses && size > cache::share_of_last / Index{sizeof(T)};
  }

  void operator()(T* out) const {
    if (field_.outputs() == 0) {
      std::fill_n(out, size(), T(0));
      return;
    }
    const bool direct = parts_ == 1 && !swapped_;
    const Scratch<T> sums(direct ? 0 : parts_ * size()), sum(swapped_ && parts_ > 1 ? size() : 0);
    T* const to = direct ? out : sums.data();
    const PerThread<T> packed(packs_ ? lines_a_block_ * field_.positions[2] * panels_a_task_ * panel_columns<T> : 0);
    parallel_tasks(tasks(), [&](Index task) { run(task, to, packed.mine()); });
    if (direct) return;
    T* const all = !swapped_ ? out : parts_ > 1 ? sum.data() : to;
    if (parts_ > 1) sum_middle(Index{1}, parts_, size(), static_cast<const T*>(to), all);
    if (swapped_) transpose_back(all, out);
  }

 private:
  static constexpr Index most_lines = 256;
  using Runs = std::array<Steps, static_cast<std::size_t>(most_lines)>;

  /// A line of positions: the first tap's pixel at the first position, and the offset of that position in the right
  /// operand.
  struct Line {
    Index t, h, in, right;
  };
  using Lines = std::array<Line, static_cast<std::size_t>(most_lines)>;

  /// Some lines of positions, and some panels of a group.
  struct Block {
    Index group, line, end, panel, last_panel;
    bool first;  ///< of the blocks of its sum
  };

  Index pitch() const { return groups_ * columns_; }  ///< of `right`, and of the result
  Index size() const { return field_.taps() * field_.channels * pitch(); }
  Index lines() const { return field_.batch * field_.positions[0] * field_.positions[1]; }
  Index blocks() const { return quotient_up(lines(), lines_a_block_); }
  Index across() const { return swapped_ ? field_.channels : columns_; }
  Index panels() const { return quotient_up(across(), panel_columns<T>); }
  Index shares() const { return quotient_up(panels(), panels_a_task_); }
  Index tap_shares() const { return quotient_up(field_.taps(), taps_a_task_); }
  Index tasks() const { return parts_ * groups_ * shares() * tap_shares(); }
  static bool halve(Index& most) { return most > 1 && (most = quotient_up(most, 2), true); }

  /// Computes some taps and panels of a group for a part of the lines.
  void run(Index task, T* sums, T* packed) const {
    const auto next = [&](Index count) { return std::exchange(task, task / count) % count; };
    const Index tap = next(tap_shares()) * taps_a_task_, panel = next(shares()) * panels_a_task_, group = next(groups_);
    const Index first = blocks() * task / parts_;
    for (Index i = first; i < blocks() * (task + 1) / parts_; ++i) {
      const Index line = i * lines_a_block_, last_panel = std::min(panel + panels_a_task_, panels());
      const Block block{group, line, std::min(line + lines_a_block_, lines()), panel, last_panel, i == first};
      if (packs_) pack(block, packed);
      const Lines lines = lines_of(block);
      if (fetches_) fetch_lines({lines.data(), static_cast<std::size_t>(block.end - line)}, group);
      for (Index j = tap; j < std::min(tap + taps_a_task_, field_.taps()); ++j) {
        Runs runs;
        const std::size_t count = collect({lines.data(), static_cast<std::size_t>(block.end - line)}, j, runs);
        multiply(block, j, {runs.data(), count}, packed, sums + task * size());
      }
    }
  }

  /// Sample, time and height of a line. Lines are ordered such that those of a block read the same pixels with
  /// different taps.
  std::array<Index, 3> place(Index line) const {
    const Index times = field_.positions[0], heights = field_.positions[1], n = line / (times * heights);
    if (time_inside_) return {n, line % times, line / times % heights};
    return {n, line / heights % times, line % heights};
  }
  Index in_step() const { return field_.stride[2] * in_.pitch[2]; }
  Index right_step() const { return packs_ ? std::min(panel_columns<T>, round_up(columns_, lanes<T>)) : pitch(); }

  /// Packs the positions of a block, panel after panel; reads them in order, since they may come from memory.
  void pack(const Block& b, T* to) const {
    const Index panel = (b.end - b.line) * field_.positions[2] * panel_columns<T>, first = b.panel * panel_columns<T>;
    const Index columns = std::min(b.last_panel * panel_columns<T>, columns_) - first;
    for (Index line = b.line; line < b.end; ++line) {
      const auto [n, t, h] = place(line);
      const Index position = ((n * field_.positions[0] + t) * field_.positions[1] + h) * field_.positions[2];
      const T* from = right_ + position * pitch() + b.group * columns_ + first;
      for (Index q = 0; q < field_.positions[2]; ++q, from += pitch(), to += right_step()) {
        for (Index j = 0; j < columns; j += lanes<T>) {
          const auto some = load_part(from + j, std::min(lanes<T>, columns - j));
          some.store_unaligned(to + j / panel_columns<T> * panel + j % panel_columns<T>);
        }
      }
    }
  }

  Lines lines_of(const Block& b) const {
    const auto& s = field_;
    Lines lines;
    for (Index line = b.line; line < b.end; ++line) {
      const auto [n, t, h] = place(line);
      const Index x0 = t * s.stride[0] + s.origin[0], x1 = h * s.stride[1] + s.origin[1];
      const Index above = packs_ ? line - b.line : (n * s.positions[0] + t) * s.positions[1] + h;
      lines[static_cast<std::size_t>(line - b.line)] = {x0, x1, in_.offset(n, x0, x1, s.origin[2]),
                                                        above * s.positions[2] * right_step()};
    }
    return lines;
  }
  /// Prefetches the pixels of each line that the lines before it do not read: tiles read them in pieces that are far
  /// apart.
  void fetch_lines(std::span<const Line> lines, Index group) const {
    const auto& s = field_;
    for (const Line& line : lines) {
      for (Index i = 0; i < s.stride[1]; ++i) {
        const bool inside = s.inside(0, line.t) && s.inside(1, line.h + i);
        const T* const from = in_.data + line.in + in_.offset(0, 0, i, -s.origin[2]) + group * s.channels;
        if (inside) fetch(from, in_.pitch[2], s.extent[2], s.channels);
      }
    }
  }
  /// Writes the runs that tap j reads for `lines`; returns their number.
  std::size_t collect(std::span<const Line> lines, Index j, Runs& runs) const {
    const auto& s = field_;
    const Index j2 = j % s.kernel[2], j1 = j / s.kernel[2] % s.kernel[1], j0 = j / (s.kernel[2] * s.kernel[1]);
    const Index column = s.origin[2] + j2 * s.step[2];
    const auto before = [&](Index pixel) {  // positions of a line whose pixel is before `pixel`
      return pixel <= column ? 0 : std::min(quotient_up(pixel - column, s.stride[2]), s.positions[2]);
    };
    const Index low = before(0), high = before(s.extent[2]);
    if (low >= high) return 0;
    const Index in_time = j0 * s.step[0], down = j1 * s.step[1];
    const Index ahead = in_.offset(0, in_time, down, low * s.stride[2] + j2 * s.step[2]);
    std::size_t count = 0;
    for (const Line& line : lines) {
      if (!s.inside(0, line.t + in_time) || !s.inside(1, line.h + down)) continue;
      const Steps next{line.in + ahead, line.right + low * right_step(), high - low};
      Steps* const last = count == 0 ? nullptr : &runs[count - 1];
      const bool adjoins = last != nullptr && last->left + last->count * in_step() == next.left &&
                           last->right + last->count * right_step() == next.right;
      if (adjoins) last->count += next.count;
      else runs[count++] = next;
    }
    if (swapped_) {
      for (Steps& run : std::span(runs.data(), count)) std::swap(run.left, run.right);
    }
    return count;
  }

  /// Adds the products of a block to the sums of tap j, panel by panel.
  void multiply(const Block& b, Index j, std::span<const Steps> runs, const T* packed, T* sums) const {
    const Index positions = (b.end - b.line) * field_.positions[2], rows = swapped_ ? columns_ : field_.channels;
    const T *const in = in_.data + b.group * field_.channels, *const right = right_ + b.group * columns_;
    const Index result = swapped_ ? field_.channels : pitch();  // between rows
    T* const to = sums + (swapped_ ? (j * groups_ + b.group) * columns_ * result
                                   : j * field_.channels * result + b.group * columns_);
    for (Index p = b.panel; p < b.last_panel; ++p) {
      const Index column = p * panel_columns<T>, width = std::min(panel_columns<T>, across() - column);
      AffineOperands<T> operands{in, 1, in_step(), right + column, right_step()};
      if (packs_) operands.right = packed + (p - b.panel) * positions * panel_columns<T>;
      if (swapped_) operands = {right, 1, pitch(), in + column, in_step()};
      const AffineTarget<T> target{to + column, result, b.first ? zero_row<T>.data() : to + column,
                                   b.first ? 0 : result};
      affine_product<T>(operands, runs, rows, width, target);
    }
  }

  /// Transposes (taps, groups, columns, channels) to (taps, channels, groups · columns).
  void transpose_back(const T* from, T* out) const {
    parallel_for(field_.taps() * groups_, 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        T* const to = out + i / groups_ * field_.channels * pitch() + i % groups_ * columns_;
        transpose(from + i * columns_ * field_.channels, field_.channels, columns_, field_.channels, to, pitch());
      }
    });
  }

  ReceptiveField field_;
  Pixels<const T*> in_;
  const T* right_;
  Index groups_, columns_;
  bool swapped_, packs_, time_inside_, fetches_;
  Index panels_a_task_, taps_a_task_, lines_a_block_, parts_;
};

}  // namespace flipbook::cpu
