// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/affine_tile.hpp>
#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// out[(j, c), o] = start[o] + Σ_{n, q}  in[n, pixel(q, j), c] · right[n, q, o]
///
/// The reduction is over positions, so both operands are read down their columns. A task gathers the numbers of a block
/// of its rows (j, c) and columns o for some hundred positions, skips positions that read only border, and multiplies
/// in cache. Each task iterates over all positions, in order: no sum depends on the number of threads.
template <Multiplicand F>
class WeightGradient {
  using T = Sum<F>;

 public:
  WeightGradient(const ReceptiveField& field, const Pixels<const T*>& in, const Pixels<const T*>& right, Index columns,
                 T* out, Index out_pitch, const T* start, bool accumulate)
      : field_(field),
        in_(in),
        right_(right),
        rows_(field.taps() * field.channels),
        columns_(columns),
        out_(out),
        out_pitch_(out_pitch),
        start_(start),
        accumulate_(accumulate),
        merged_(field.touching && field.step[2] == 1) {
    // If runs of adjacent input are long, tasks end where runs end: then more positions read only border and are
    // skipped.
    const Index run = (merged_ ? field.kernel[2] : 1) * field.channels;
    if (run > most_rows) rows_a_task_ = round_up(quotient_up(run, quotient_up(run, most_rows)), TileShape::rows);
    else rows_a_task_ = run >= most_rows / 4 ? most_rows / run * run : most_rows;
    rows_a_task_ = std::min({rows_a_task_, round_up(rows_, row_unit), most_rows});
    columns_a_task_ = std::min(most_columns, round_up(columns_, panel_columns<T>));
    const auto tiles = [](Index rows, Index columns) {
      const Index few = rows == 1 ? 1 : TileShape::few_rows;
      return (rows <= few ? few : round_up(rows, TileShape::rows)) * quotient_up(columns, lanes<T>);
    };
    swapped_ = 2 * tiles(columns_, rows_) < tiles(rows_, columns_);
  }

  /// Approximate cost of the products of a position, in halves of vector operations.
  static Index cost(const ReceptiveField& field, Index columns) {
    const Index rows = field.taps() * field.channels;
    return std::min(affine_cost<F>(rows, columns), affine_cost<F>(columns, rows));
  }

  /// Whether the operands are swapped, since columns are few: the rows are then the vectors. The sum is written as
  /// out[o, (j, c)] with a pitch of rows(), without start or earlier values.
  bool swapped() const { return swapped_; }
  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  void write_to(T* transposed) { transposed_ = transposed; }
  /// Writes a swapped sum to the output.
  void transpose_back() const {
    parallel_for(rows_, 1024, [&](Index first, Index last) {
      for (Index r = first; r < last; ++r) {
        for (Index o = 0; o < columns_; ++o) {
          T& to = out_[r * out_pitch_ + o];
          to = (accumulate_ ? to : start_ != nullptr ? start_[o] : T(0)) + transposed_[o * rows_ + r];
        }
      }
    });
  }

  /// Workspace of one thread, in T.
  static constexpr Index workspace() { return positions_a_block * (row_pitch + column_pitch); }

  Index tasks() const { return quotient_up(rows_, rows_a_task_) * quotient_up(columns_, columns_a_task_); }
  /// Halves the tasks' size; false if they cannot be smaller.
  bool divide() {
    const bool by_columns = columns_a_task_ > panel_columns<T>;
    const bool by_rows = rows_a_task_ > row_unit && (rows_a_task_ >= columns_a_task_ || !by_columns);
    if (!by_rows && !by_columns) return false;
    if (by_rows) rows_a_task_ = round_up(rows_a_task_ / 2, row_unit);
    else columns_a_task_ = round_up(columns_a_task_ / 2, panel_columns<T>);
    return true;
  }

  void operator()(Index task, T* workspace) const {
    const Index blocks = quotient_up(rows_, rows_a_task_);
    Block block;
    block.first_row = task % blocks * rows_a_task_;
    block.rows = std::min(rows_a_task_, rows_ - block.first_row);
    block.first_column = task / blocks * columns_a_task_;
    block.columns = std::min(columns_a_task_, columns_ - block.first_column);
    block.left = workspace;
    block.right = workspace + positions_a_block * row_pitch;
    cut(block);
    bool later = false;
    Index q = 0;
    do {  // at least once, so that an empty sum is written too
      block.positions = 0;
      while (q < field_.outputs() && block.positions < positions_a_block) q = gather(block, q);
      multiply(block, factors(block.left, row_pitch, block.rows, block.positions),
               factors(block.right, column_pitch, block.columns, block.positions), later);
      later = true;
    } while (q < field_.outputs());
  }

 private:
  static constexpr Index positions_a_block = 128;
  static constexpr Index most_rows = 1024 / static_cast<Index>(sizeof(T)), most_columns = most_rows, row_unit = 24;
  // An odd number of cache lines, to avoid set conflicts between the rows of a column.
  static constexpr Index line = 64 / static_cast<Index>(sizeof(T));
  static constexpr Index row_pitch = (most_rows / line | 1) * line, column_pitch = (most_columns / line | 1) * line;

  /// Adjacent rows of the result, from adjacent numbers of the input.
  struct Piece {
    Index j0, j1, j2;    ///< the tap; of merged taps the first
    Index first, count;  ///< numbers from that tap's pixel on
    Index to;            ///< row of the block
  };
  struct Block {
    Index first_row, rows, first_column, columns;
    T *left, *right;  ///< gathered: a row for each position
    Index positions;
    std::array<Piece, most_rows> pieces;
    Index piece_count;
    std::span<const Piece> all() const { return {pieces.data(), static_cast<std::size_t>(piece_count)}; }
  };

  void cut(Block& block) const {
    const auto& s = field_;
    const Index taps = merged_ ? s.kernel[2] : 1, run = taps * s.channels;
    block.piece_count = 0;
    for (Index r = block.first_row; r < block.first_row + block.rows;) {
      const Index tap = r / run * taps, within = r % run;
      const Index count = std::min(run - within, block.first_row + block.rows - r);
      block.pieces[static_cast<std::size_t>(block.piece_count++)] = {tap / (s.kernel[1] * s.kernel[2]),
                                                                     tap / s.kernel[2] % s.kernel[1],
                                                                     tap % s.kernel[2],
                                                                     within,
                                                                     count,
                                                                     r - block.first_row};
      r += count;
    }
  }

  /// Positions of one line of the output, from `first` to before `last`.
  struct Line {
    Index n, t, h, first, last;
    Index size() const { return last - first; }
  };

  /// Gathers positions from q to the end of their line, as many as fit the workspace; returns the next position. Each
  /// is a row of both operands, padded with zeros to whole vectors. A row of the left operand has the block's pieces:
  ///
  ///                left: pixels of x that p reads         right: channels of y at p
  ///     p = 0    | 0 0 0 x x x | 0 0 0 x x x | 0 0 |      | y y y y y | 0 0 0 |
  ///     p = 1    | x x x x x x | x x x x x x | 0 0 |      | y y y y y | 0 0 0 |
  ///                 piece 0       piece 1
  Index gather(Block& block, Index q) const {
    const auto& s = field_;
    const Index w = q % s.positions[2], h = q / s.positions[2] % s.positions[1];
    const Index plane = q / (s.positions[2] * s.positions[1]), t = plane % s.positions[0], n = plane / s.positions[0];
    const Index end = std::min(s.positions[2], w + positions_a_block - block.positions);
    const Line line = seeing(block, {n, t, h, w, end});
    if (line.size() > 0) {
      gather_left(block, line);
      gather_right(block, line);
      block.positions += line.size();
      complete_factor(block);
    }
    return q + end - w;
  }
  /// The first pixel of a piece, at position 0 of a line.
  std::array<Index, 3> pixel(const Piece& piece, const Line& line) const {
    const auto& s = field_;
    return {line.t * s.stride[0] + s.origin[0] + piece.j0 * s.step[0],
            line.h * s.stride[1] + s.origin[1] + piece.j1 * s.step[1], s.origin[2] + piece.j2 * s.step[2]};
  }
  /// A line without the positions at its ends that read only pixels outside the image.
  Line seeing(const Block& block, const Line& line) const {
    const auto& s = field_;
    Line seen{line.n, line.t, line.h, line.last, line.first};
    for (const Piece& piece : block.all()) {
      const auto at = pixel(piece, line);
      if (!s.inside(0, at[0]) || !s.inside(1, at[1])) continue;
      const Index nearest = piece.first / s.channels, farthest = (piece.first + piece.count - 1) / s.channels;
      const Index low = -at[2] - farthest, high = s.extent[2] - at[2] - nearest;  // low <= w · stride < high
      seen.first = std::min(seen.first, std::max(line.first, low <= 0 ? 0 : quotient_up(low, s.stride[2])));
      seen.last = std::max(seen.last, std::min(line.last, high <= 0 ? 0 : quotient_up(high, s.stride[2])));
    }
    if (seen.size() > 0)  // a factor has the same positions, however many are skipped
      seen.first -= (seen.first - line.first) % numbers_in<F>;
    return seen;
  }
  /// Gathers the pieces of each position. Of a piece's numbers [begin, stop), [low, high) are inside the image:
  ///
  ///     line of x                | x x x x x x x x … x x |
  ///     a piece       | 0 0 0 0 0 x x x x |
  ///                 begin        low    high = stop
  void gather_left(const Block& block, const Line& line) const {
    const auto& s = field_;
    T* const left = block.left + block.positions * row_pitch;
    for (const Piece& piece : block.all()) {
      const auto at = pixel(piece, line);
      const bool seen = s.inside(0, at[0]) && s.inside(1, at[1]);
      const T* const row = in_.data + (seen ? in_.offset(line.n, at[0], at[1], 0) : 0);
      T* to = left + piece.to;
      for (Index p = line.first; p < line.last; ++p, to += row_pitch) {
        const Index x = p * s.stride[2] + at[2], begin = piece.first, stop = piece.first + piece.count;
        const Index low = seen ? std::clamp(-x * s.channels, begin, stop) : stop;
        const Index high = std::clamp((s.extent[2] - x) * s.channels, low, stop);
        T* at_low = std::fill_n(to, low - begin, T(0));
        if (low < high) at_low = std::copy_n(row + x * in_.pitch[2] + low, high - low, at_low);
        std::fill_n(at_low, stop - high, T(0));
      }
    }
    pad(left, line.size(), block.rows, row_pitch);
  }
  void gather_right(const Block& block, const Line& line) const {
    T* const right = block.right + block.positions * column_pitch;
    for (Index p = line.first; p < line.last; ++p) {
      std::copy_n(right_.data + right_.offset(line.n, line.t, line.h, p) + block.first_column, block.columns,
                  right + (p - line.first) * column_pitch);
    }
    pad(right, line.size(), block.columns, column_pitch);
  }
  /// Pads the `present` numbers of each row with zeros to whole vectors.
  static void pad(T* to, Index rows, Index present, Index pitch) {
    const Index missing = round_up(present, lanes<T>) - present;
    for (Index i = 0; i < rows && missing > 0; ++i, to += pitch) std::fill_n(to + present, missing, T(0));
  }
  /// Adds positions of zeros until the last factor is whole.
  static void complete_factor(Block& block) {
    for (; block.positions % numbers_in<F> != 0; ++block.positions) {
      std::fill_n(block.left + block.positions * row_pitch, row_pitch, T(0));
      std::fill_n(block.right + block.positions * column_pitch, column_pitch, T(0));
    }
  }

  /// The gathered numbers as factors of a reduction over positions.
  static const F* factors(T* gathered, [[maybe_unused]] Index pitch, [[maybe_unused]] Index count,
                          [[maybe_unused]] Index positions) {
    if constexpr (std::same_as<F, T>) {
      return gathered;
    } else {
      auto* const pairs = reinterpret_cast<F*>(gathered);
      pair_rows(gathered, pitch, positions / 2, round_up(count, lanes<T>), pairs, pitch);
      return pairs;
    }
  }

  void multiply(const Block& block, const F* left, const F* right, bool later) const {
    struct Operand {
      const F* data;
      Index pitch, first, count;
    };
    Operand down{left, row_pitch, block.first_row, block.rows};
    Operand across{right, column_pitch, block.first_column, block.columns};
    if (swapped_) std::swap(down, across);
    T* const out = swapped_ ? transposed_ : out_;
    const Index out_pitch = swapped_ ? rows_ : out_pitch_;
    TileTarget<T> target;
    target.load = later || (accumulate_ && !swapped_);
    Run<F> run;
    run.k = 0, run.length = block.positions / numbers_in<F>;
    for (Index j = 0; j < across.count; j += panel_columns<F>) {
      const Panel<F> panel{PanelKind::columns, across.data + j, across.pitch,
                           std::min(panel_columns<F>, across.count - j)};
      if (start_ != nullptr && !swapped_) target.start = start_ + across.first + j;
      for (Index i = 0; i < down.count; i += TileShape::rows) {
        const Index rows = std::min<Index>(TileShape::rows, down.count - i);
        for (Index k = 0; k < TileShape::max_rows; ++k) {
          const auto row = static_cast<std::size_t>(k);
          const Index r = i + std::min(k, rows - 1);
          run.rows[row] = down.data + r;
          target.rows[row] = out + (down.first + r) * out_pitch + across.first + j;
        }
        multiply_tile(&run, 1, down.pitch, panel, static_cast<int>(rows), target);
      }
    }
  }

  ReceptiveField field_;
  Pixels<const T*> in_, right_;
  Index rows_, columns_;
  T* out_;
  Index out_pitch_;
  const T* start_;
  bool accumulate_;
  bool merged_, swapped_;
  T* transposed_ = nullptr;
  Index rows_a_task_, columns_a_task_;
};

/// Computes all gradients of a list, which write different outputs.
template <Multiplicand F>
void weight_gradient(std::span<WeightGradient<F>> list) {
  using T = Sum<F>;
  Index size = 0;
  for (const auto& each : list) size += each.swapped() ? each.rows() * each.columns() : 0;
  const Scratch<T> transposed(size);
  T* free = transposed.data();
  for (auto& each : list) {
    if (!each.swapped()) continue;
    each.write_to(free);
    free += each.rows() * each.columns();
  }
  run_tasks<T>(list, WeightGradient<F>::workspace());
  for (const auto& each : list) {
    if (each.swapped()) each.transpose_back();
  }
}

}  // namespace flipbook::cpu
