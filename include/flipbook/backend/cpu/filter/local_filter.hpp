// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <numeric>

#include <flipbook/backend/cpu/filter/wide_pixels.hpp>
#include <flipbook/backend/cpu/runtime/rounding.hpp>
#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/backend/cpu/simd/simd.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/kernels/filter/geometry.hpp>

/// A filter for each block of pixels. If pixels have few channels, a row of a frame is one line of width · channels
/// numbers. The weights of a tap are a line of the same length, with each weight repeated for all numbers of its
/// block's columns.
namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Rows of a frame that are filtered together and share the loads of the filters.
inline constexpr Index filtered_rows = 4;

/// Lines of one frame in a workspace, with zeros on both sides as far as a filter reaches.
template <Real T>
struct FilterLines {
  LocalFilterGeometry g;
  Index numbers, margin, stride;  ///< of a line: its numbers, zeros on each side, distance to the next line

  explicit FilterLines(const LocalFilterGeometry& geometry)
      : g(geometry),
        numbers(g.width * g.channels),
        margin(g.reach() * g.channels),
        stride(round_up(numbers + 2 * margin, lanes<T>) + lanes<T>) {}

  /// Copies `count` rows of a frame from row `first` on; rows outside of the frame are zeros.
  void copy_rows(const T* picture, Index first, Index count, T* lines) const {
    for (Index i = 0; i < count; ++i) {
      T* const line = lines + i * stride;
      std::fill_n(line, stride, T(0));
      if (const Index row = first + i; row >= 0 && row < g.height) {
        std::copy_n(picture + row * numbers, numbers, line + margin);
      }
    }
  }
  /// Expands the filters of a row of blocks, (columns, K²), to a line for each tap. A block's last vector may exceed
  /// the block: the next block overwrites the excess, and zeros overwrite that of the last block.
  void repeat_filters(const T* filters, T* lines) const {
    const Index taps = g.taps(), repeats = g.block_width() * g.channels;
    for (Index tap = 0; tap < taps; ++tap) std::fill_n(lines + tap * stride, margin, T(0));
    for (Index column = 0; column < g.columns; ++column, filters += taps) {
      T* const first = lines + margin + column * repeats;
      for (Index tap = 0; tap < taps; ++tap) {
        const Simd<T> weight(filters[tap]);
        for (Index i = 0; i < repeats; i += lanes<T>) weight.store_unaligned(first + tap * stride + i);
      }
    }
    for (Index tap = 0; tap < taps; ++tap)
      std::fill(lines + tap * stride + margin + numbers, lines + (tap + 1) * stride, T(0));
  }
  /// The adjoint of `repeat_filters`.
  void sum_repeats(const T* lines, T* filters) const {
    const Index taps = g.taps(), repeats = g.block_width() * g.channels;
    for (Index column = 0; column < g.columns; ++column) {
      const T* from = lines + margin + column * repeats;
      for (Index tap = 0; tap < taps; ++tap, from += stride) *filters++ = std::accumulate(from, from + repeats, T(0));
    }
  }
  /// Calls body(at, count) for each vector of a row of the frame, of which `count` lanes belong to the row.
  template <class Body>
  void each_vector(const Body& body) const {
    for (Index at = 0; at < numbers; at += lanes<T>) body(at, std::min(lanes<T>, numbers - at));
  }
  /// Number of rows that are filtered together, from row `first` of a block on.
  Index rows_from(Index first) const { return std::min(filtered_rows, g.block_height() - first); }
};

/// Calls body.template operator()<R>() with R = rows.
template <class Body>
void with_filtered_rows(Index rows, const Body& body) {
  static_assert(filtered_rows == 4);
  if (rows == 1) body.template operator()<1>();
  else if (rows == 2) body.template operator()<2>();
  else if (rows == 3) body.template operator()<3>();
  else body.template operator()<4>();
}

/// y[r] = Σ_a Σ_b filters[a·K + b] · x[r + a, … + b] for R rows.
template <int R, Real T>
void filter_rows(const FilterLines<T>& lines, const T* x, const T* filters, T* y) {
  using V = Simd<T>;
  const Index kernel = lines.g.kernel, channels = lines.g.channels, stride = lines.stride;
  lines.each_vector([&](Index at, Index count) {
    V sum[R];
    FLIPBOOK_UNROLL
    for (int r = 0; r < R; ++r) sum[r] = V(0);
    const T* weights = filters + lines.margin + at;
    for (Index a = 0; a < kernel; ++a) {
      const T* from = x + a * stride + at;
      for (Index b = 0; b < kernel; ++b, weights += stride, from += channels) {
        const V weight = V::load_unaligned(weights);
        FLIPBOOK_UNROLL
        for (int r = 0; r < R; ++r) sum[r] = xsimd::fma(weight, V::load_unaligned(from + r * stride), sum[r]);
      }
    }
    FLIPBOOK_UNROLL
    for (int r = 0; r < R; ++r) store_part(sum[r], y + r * lines.numbers + at, count);
  });
}

/// dfilters[a·K + b] += Σ_r x[r + a, … + b] · dy[r] over R rows.
template <int R, Real T>
void add_filter_gradient(const FilterLines<T>& lines, const T* x, const T* dy, T* dfilters) {
  using V = Simd<T>;
  const Index kernel = lines.g.kernel, channels = lines.g.channels, stride = lines.stride;
  lines.each_vector([&](Index at, Index count) {
    V d[R];
    FLIPBOOK_UNROLL
    for (int r = 0; r < R; ++r) d[r] = load_part(dy + r * lines.numbers + at, count);
    T* to = dfilters + lines.margin + at;
    for (Index a = 0; a < kernel; ++a) {
      const T* from = x + a * stride + at;
      for (Index b = 0; b < kernel; ++b, to += stride, from += channels) {
        V sum = V::load_unaligned(to);
        FLIPBOOK_UNROLL
        for (int r = 0; r < R; ++r) sum = xsimd::fma(d[r], V::load_unaligned(from + r * stride), sum);
        sum.store_unaligned(to);
      }
    }
  });
}

/// x += Σ_b filters[b] · y[… − b + ⌊K/2⌋]: the adjoint of the K taps of one row of the filters, for the row y.
template <Real T>
void add_filter_adjoint(const FilterLines<T>& lines, const T* y, const T* filters, T* x) {
  using V = Simd<T>;
  const Index kernel = lines.g.kernel, channels = lines.g.channels;
  lines.each_vector([&](Index at, Index count) {
    V sum = load_part(x + at, count);
    for (Index b = 0; b < kernel; ++b) {
      const Index from = at + 2 * lines.margin - b * channels;
      sum = xsimd::fma(V::load_unaligned(filters + b * lines.stride + from), V::load_unaligned(y + from), sum);
    }
    store_part(sum, x + at, count);
  });
}

}  // namespace detail

/// y (frames, H, W, C): the frames x, each pixel filtered by its block's filter of filters (frames, rows, columns, K²).
/// A task computes some rows.
template <Real T>
void local_filter(const LocalFilterGeometry& g, const T* x, const T* filters, T* y) {
  if (g.channels >= lanes<T>) return detail::sum_wide_pixels<false>(g, x, filters, y);
  const detail::FilterLines<T> lines(g);
  if (g.frames * g.height * lines.numbers == 0) return;
  const Index parts = quotient_up(g.block_height(), detail::filtered_rows);
  parallel_tasks(g.frames * g.rows * parts, [&](Index task) {
    const Index part = task % parts * detail::filtered_rows, block = task / parts, frame = block / g.rows;
    const Index rows = lines.rows_from(part), top = block % g.rows * g.block_height() + part;
    const Scratch<T> weights(g.taps() * lines.stride), seen((rows + g.kernel - 1) * lines.stride);
    lines.repeat_filters(filters + block * g.columns * g.taps(), weights.data());
    lines.copy_rows(x + frame * g.height * lines.numbers, top - g.reach(), rows + g.kernel - 1, seen.data());
    detail::with_filtered_rows(rows, [&]<int R>() {
      detail::filter_rows<R>(lines, seen.data(), weights.data(), y + (frame * g.height + top) * lines.numbers);
    });
  });
}

/// dfilters (frames, rows, columns, K²): the gradient with respect to the filters, from dy (frames, H, W, C). A task
/// computes a row of blocks.
template <Real T>
void local_filter_gradient(const LocalFilterGeometry& g, const T* x, const T* dy, T* dfilters) {
  if (g.channels >= lanes<T>) return detail::wide_filter_gradient(g, x, dy, dfilters);
  const detail::FilterLines<T> lines(g);
  parallel_tasks(g.frames * g.rows, [&](Index block) {
    const Index frame = block / g.rows, first = block % g.rows * g.block_height();
    const Scratch<T> sums(g.taps() * lines.stride), seen((detail::filtered_rows + g.kernel - 1) * lines.stride);
    std::fill_n(sums.data(), g.taps() * lines.stride, T(0));
    for (Index part = 0; part < g.block_height(); part += detail::filtered_rows) {
      const Index rows = lines.rows_from(part), top = first + part;
      lines.copy_rows(x + frame * g.height * lines.numbers, top - g.reach(), rows + g.kernel - 1, seen.data());
      detail::with_filtered_rows(rows, [&]<int R>() {
        detail::add_filter_gradient<R>(lines, seen.data(), dy + (frame * g.height + top) * lines.numbers, sums.data());
      });
    }
    lines.sum_repeats(sums.data(), dfilters + block * g.columns * g.taps());
  });
}

/// The adjoint with respect to x (frames, H, W, C): adds each row of y to the rows that it was computed from, in the
/// order of y's rows. If there are more threads than frames, they divide the rows of x.
template <Real T>
void local_filter_adjoint(const LocalFilterGeometry& g, const T* y, const T* filters, T* x) {
  if (g.channels >= lanes<T>) return detail::sum_wide_pixels<true>(g, y, filters, x);
  const detail::FilterLines<T> lines(g);
  if (g.frames * g.height * lines.numbers == 0) return;
  const Index bands = std::clamp<Index>(quotient_up(threads(), g.frames), 1, g.height);
  parallel_tasks(g.frames * bands, [&](Index task) {
    const Index frame = task / bands, band = task % bands;
    const Index begin = g.height * band / bands, end = g.height * (band + 1) / bands;
    T* const picture = x + frame * g.height * lines.numbers;
    std::fill(picture + begin * lines.numbers, picture + end * lines.numbers, T(0));
    const Scratch<T> weights(g.taps() * lines.stride), line(lines.stride);
    Index repeated = -1;  // the row of blocks whose filters `weights` holds
    for (Index row = std::max<Index>(0, begin - g.reach()); row < std::min(g.height, end + g.reach()); ++row) {
      if (const Index block = frame * g.rows + row / g.block_height(); block != repeated) {
        lines.repeat_filters(filters + block * g.columns * g.taps(), weights.data());
        repeated = block;
      }
      lines.copy_rows(y + frame * g.height * lines.numbers, row, 1, line.data());
      for (Index a = std::max<Index>(0, begin + g.reach() - row); a < std::min(g.kernel, end + g.reach() - row); ++a) {
        detail::add_filter_adjoint(lines, line.data(), weights + a * g.kernel * lines.stride,
                                   picture + (row + a - g.reach()) * lines.numbers);
      }
    }
  });
}

}  // namespace flipbook::cpu
