// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/conv/narrow.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// Convolutions with few output channels, such as the last layer of an image decoder, and adjoints of convolutions with
/// few input channels. A vector along the result's channels would be nearly empty, and one along the summed channels
/// would need a sum over its lanes at the end. Instead, a vector has adjacent pixels of one channel; a task transposes
/// the lines that it reads to this layout.
namespace flipbook::inline FLIPBOOK_ISA::cpu::narrow {

/// Whether these kernels compute the adjoint of a convolution.
template <Real T>
bool fits_adjoint(const ConvGeometry& g) {
  return g.groups == 1 && g.dilation == ConvGeometry::Axes{1, 1, 1} && g.in_channels <= 4 && g.kernel[2] <= 8 &&
         g.output[2] >= TileShape::rows;
}

/// The geometry of which the convolution g, at stride 1, is the adjoint, if its taps are reversed.
inline ConvGeometry reversed(ConvGeometry g) {
  std::swap(g.input, g.output);
  std::swap(g.in_channels, g.out_channels);
  for (std::size_t axis = 0; axis < 3; ++axis) g.padding[axis] = g.kernel[axis] - 1 - g.padding[axis];
  return g;
}
/// Whether these kernels compute a convolution: each number that is transposed has enough products to pay for it.
template <Real T>
bool fits_reversed(const ConvGeometry& g) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (g.padding[axis] >= g.kernel[axis]) return false;
  }
  const bool pays = g.in_channels <= 64 * g.out_channels && g.taps() > 1;
  return pays && g.stride == ConvGeometry::Axes{1, 1, 1} && fits_adjoint<T>(reversed(g));
}

/// to[i][c] = Σ_runs Σ_p  rows[i][p·step …] · numbers[(k + p)·columns + c], for vectors of neighbouring pixels.
template <Multiplicand F, int rows, int columns, class T = Sum<F>>
void pixels_times_numbers(std::span<const Run<F>> runs, Index step, const F* numbers, T* to) {
  using V = Simd<T>;
  V sum[rows][columns];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int c = 0; c < columns; ++c) sum[i][c] = V(T(0));
  }
  for (const Run<F>& run : runs) {
    const F* left[rows];
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) left[i] = run.rows[static_cast<std::size_t>(i)];
    const F* right = numbers + run.k * columns;
    const Index end = run.length * step;
    for (Index at = 0; at < end; at += step, right += columns) {
      V number[columns];
      FLIPBOOK_UNROLL
      for (int c = 0; c < columns; ++c) number[c] = broadcast(right[c]);
      FLIPBOOK_UNROLL
      for (int i = 0; i < rows; ++i) {
        V x = load(left[i] + at);
        keep_in_register(x);
        FLIPBOOK_UNROLL
        for (int c = 0; c < columns; ++c) sum[i][c] = add_product<F>(x, number[c], sum[i][c]);
      }
    }
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int c = 0; c < columns; ++c) sum[i][c].store_unaligned(to + (i * columns + c) * lanes<T>);
  }
}

/// cpu::conv_transpose of one geometry, with factors F. A task computes some lines of all planes of a clip, in order of
/// time, so that it transposes every line that it reads once.
template <Multiplicand F>
class Adjoint {
  using T = Sum<F>;

 public:
  /// @param reversed  whether `w` are the weights (taps, O, C) of a convolution, in the order of its taps
  Adjoint(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x, bool reversed)
      : g_(g),
        deep_(g.out_channels / numbers_in<F>),
        y_(y),
        bias_(bias),
        x_(x),
        numbers_(g.taps() * deep_ * g.in_channels),
        rows_(rows_of(static_cast<int>(g.in_channels))) {
    set_reach();
    most_ = std::min(Index{8}, quotient_up(g.input[1], g.stride[1]));
    vectors_ = quotient_up(quotient_up(g.input[2], g.stride[2]), lanes<T>);
    row_ = vectors_ * lanes<T> + last_[2] - first_[2];
    line_ = deep_ * row_;
    plane_ = (most_ + last_[1] - first_[1]) * line_;
    pack(w, reversed);
  }
  Index tasks() const { return g_.batch * blocks(); }
  /// A ring buffer of one plane for each tap in time, and a line before it is transposed.
  Index workspace() const { return g_.kernel[0] * plane_ + g_.output[2] * deep_; }

  /// @param planes  workspace() factors    @param runs  one for each tap
  void operator()(Index task, F* planes, Run<F>* runs) const {
    const Index n = task / blocks(), line = task % blocks() * most_;
    Index transposed = -g_.padding[0] - g_.kernel[0];  // the next plane to transpose
    for (Index t = 0; t < g_.input[0]; ++t) {
      const Phase in_time = phase_of(g_, 0, t % g_.stride[0]);
      const Index first = t / g_.stride[0] + in_time.origin, end = first + in_time.taps;
      for (transposed = std::max(transposed, first); transposed < end; ++transposed) {
        transpose(n, transposed, line, planes + slot(transposed) * plane_, planes + g_.kernel[0] * plane_);
      }
      for (Index i = 0; i < g_.stride[1] * g_.stride[2]; ++i) {
        const Index h = i / g_.stride[2], w = i % g_.stride[2];
        make({n, t, line, h, w, first}, {in_time, phase_of(g_, 1, h), phase_of(g_, 2, w)}, planes, runs);
      }
    }
  }

 private:
  static constexpr int most_columns = 4;
  /// Vectors of pixels of a tile: its sums, numbers and a vector of pixels fill the registers.
  static constexpr int rows_of(int columns) {
    return std::min((TileShape::registers - 1) / columns - 1, TileShape::max_rows);
  }
  using Phases = std::array<Phase, 3>;
  using Starts = std::array<Index, static_cast<std::size_t>(TileShape::max_rows)>;

  /// The pixels (h + stride · …, w + stride · …) of a task's lines, at time t of clip n, which read planes from `plane`
  /// on.
  struct Part {
    Index n, t, line, h, w, plane;
  };

  Index blocks() const { return quotient_up(quotient_up(g_.input[1], g_.stride[1]), most_); }
  Index slot(Index plane) const { return (plane % g_.kernel[0] + g_.kernel[0]) % g_.kernel[0]; }
  bool inside(std::size_t axis, Index at) const { return at >= 0 && at < g_.output[axis]; }

  /// Sets the range of distances from a position to the pixels of y that any phase reads.
  void set_reach() {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      first_[axis] = g_.output[axis], last_[axis] = -g_.output[axis];
      for (Index phase = 0; phase < g_.stride[axis]; ++phase) {
        const Phase p = phase_of(g_, axis, phase);
        if (p.taps == 0) continue;
        first_[axis] = std::min(first_[axis], p.origin);
        last_[axis] = std::max(last_[axis], p.origin + p.taps - 1);
      }
    }
  }

  /// Packs the weights as (taps, O, C). @param reversed  whether they are so in `w`, from the last tap to the first
  void pack(const T* w, [[maybe_unused]] bool reversed) {
    const Index channels = g_.in_channels;
    if constexpr (std::same_as<F, T>) {
      for (Index j = 0, tap = deep_ * channels; reversed && j < g_.taps(); ++j) {
        std::copy_n(w + (g_.taps() - 1 - j) * tap, tap, numbers_ + j * tap);
      }
      if (reversed) return;
    }
    const Multiplicands<F> factors(w, g_.taps() * channels * g_.out_channels);
    parallel_for(g_.taps() * channels, 8, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        F* const to = numbers_ + i / channels * deep_ * channels + i % channels;
        for (Index o = 0; o < deep_; ++o) to[o * channels] = factors.data()[i * deep_ + o];
      }
    });
  }

  /// Transposes lines of plane `t` of y to (lines, O, pixels), with zeros for pixels outside.
  /// @param spare  memory for a line
  void transpose(Index n, Index t, Index line, F* to, F* spare) const {
    if (!inside(0, t)) return;
    const Index width = g_.output[2], shift = -first_[2];
    const Index seen = std::clamp(row_ - shift, Index{0}, width);
    for (Index i = 0; i < most_ + last_[1] - first_[1]; ++i, to += line_) {
      const Index h = line + i + first_[1];
      std::fill_n(to, line_, F{});
      if (!inside(1, h)) continue;
      const Index skipped = std::max(Index{0}, -shift), pixels = std::max(seen - skipped, Index{0});
      const T* const from = y_ + (((n * g_.output[0] + t) * g_.output[1] + h) * width + skipped) * g_.out_channels;
      if constexpr (std::same_as<F, T>) {
        cpu::transpose(from, deep_, pixels, deep_, to + skipped + shift, row_);
      } else {
        write_factors(from, pixels * g_.out_channels, spare);
        cpu::transpose(&spare->bits, deep_, pixels, deep_, &to[skipped + shift].bits, row_);
      }
    }
  }

  /// Computes the pixels of a part, `rows_` vectors at a time.
  void make(const Part& part, const Phases& phase, const F* planes, Run<F>* runs) const {
    const Index all = std::min(most_, phase[1].pixels - part.line) * vectors_;
    for (Index m = 0; m < all; m += rows_) {
      const Index count = list_runs(part, phase, starts(phase, m, all), planes, runs);
      alignas(64) std::array<T, static_cast<std::size_t>(TileShape::registers * lanes<T>)> sums;
      multiply({runs, static_cast<std::size_t>(count)}, sums.data());
      for (Index i = 0; i < std::min(rows_, all - m); ++i) {
        write(part, phase, m + i, sums.data() + i * g_.in_channels * lanes<T>);
      }
    }
  }
  /// Offsets in a plane of the first tap's pixels, for vectors [m, m + rows_); vectors beyond the last repeat it.
  [[gnu::always_inline]] Starts starts(const Phases& phase, Index m, Index all) const {
    Starts from;
    for (Index i = 0; i < rows_; ++i) {
      const Index place = std::min(m + i, all - 1);
      from[static_cast<std::size_t>(i)] = (place / vectors_ + phase[1].origin - first_[1]) * line_ +
                                          place % vectors_ * lanes<T> + phase[2].origin - first_[2];
    }
    return from;
  }
  /// Lists a run over O for each tap whose plane is inside y. Tap (j1, j2) is at an offset of j1 lines and j2 pixels:
  ///
  ///     plane, channel o     | 0 0 y y y y y y y 0 |  line j1 = 0
  ///                                [ vector ]         tap (0, 0)
  ///                                  [ vector ]       tap (0, 1)
  ///                          | 0 0 y y y y y y y 0 |  line j1 = 1
  ///                                [ vector ]         tap (1, 0)
  [[gnu::always_inline]] Index list_runs(const Part& part, const Phases& phase, const Starts& from, const F* planes,
                                         Run<F>* runs) const {
    Index count = 0;
    for (Index j0 = 0; j0 < phase[0].taps; ++j0) {
      if (!inside(0, part.plane + j0)) continue;
      const F* const plane = planes + slot(part.plane + j0) * plane_;
      for (Index j = 0; j < phase[1].taps * phase[2].taps; ++j) {
        const Index j1 = j / phase[2].taps, j2 = j % phase[2].taps;
        Run<F>& run = runs[count++];
        run.k = tap(phase, j0, j1, j2) * deep_, run.length = deep_;
        for (std::size_t i = 0; i < static_cast<std::size_t>(rows_); ++i) {
          run.rows[i] = plane + from[i] + j1 * line_ + j2;
        }
      }
    }
    return count;
  }
  Index tap(const Phases& p, Index j0, Index j1, Index j2) const {
    return ((p[0].tap - j0 * p[0].tap_step) * g_.kernel[1] + p[1].tap - j1 * p[1].tap_step) * g_.kernel[2] + p[2].tap -
           j2 * p[2].tap_step;
  }
  void multiply(std::span<const Run<F>> runs, T* sums) const {
    constexpr std::array kernels{pixels_times_numbers<F, rows_of(1), 1>, pixels_times_numbers<F, rows_of(2), 2>,
                                 pixels_times_numbers<F, rows_of(3), 3>, pixels_times_numbers<F, rows_of(4), 4>};
    static_assert(kernels.size() == most_columns);
    kernels[static_cast<std::size_t>(g_.in_channels - 1)](runs, row_, numbers_.data(), sums);
  }
  /// Writes vector m of a part, (C, lanes), to its pixels, which are a stride apart.
  [[gnu::always_inline]] void write(const Part& part, const Phases& phase, Index m, const T* sums) const {
    const Index h = (part.line + m / vectors_) * g_.stride[1] + part.h, q = m % vectors_ * lanes<T>;
    const Index above = ((part.n * g_.input[0] + part.t) * g_.input[1] + h) * g_.input[2];
    T* const to = x_ + (above + q * g_.stride[2] + part.w) * g_.in_channels;
    const Index pixels = std::min(lanes<T>, phase[2].pixels - q);
    for (Index c = 0; c < g_.in_channels; ++c) {
      const T start = bias_ == nullptr ? T(0) : bias_[c];
      for (Index p = 0; p < pixels; ++p) to[p * g_.stride[2] * g_.in_channels + c] = sums[c * lanes<T> + p] + start;
    }
  }

  ConvGeometry g_;
  Index deep_;  // factors along O
  const T *y_, *bias_;
  T* x_;
  Scratch<F> numbers_;
  ConvGeometry::Axes first_, last_;  // range of distances from a position to the pixels that it reads
  Index most_, vectors_;             // lines of a task, vectors of a line
  Index row_, line_, plane_;         // numbers of one channel of a line, of a line and of a plane
  Index rows_;                       // vectors of pixels of a tile
};

/// As cpu::conv_transpose, with factors F.
template <Multiplicand F, class T = Sum<F>>
void conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x, bool reversed = false) {
  const Adjoint<F> all(g, y, w, bias, x, reversed);
  const PerThread<F> workspaces(all.workspace());
  const PerThread<Run<F>> runs(g.taps());
  parallel_tasks(all.tasks(), [&](Index task) { all(task, workspaces.mine(), runs.mine()); });
}

/// As cpu::conv.
template <Real T>
void conv_reversed(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  conv_transpose<T>(reversed(g), x, w, bias, y, true);
}

}  // namespace flipbook::cpu::narrow
