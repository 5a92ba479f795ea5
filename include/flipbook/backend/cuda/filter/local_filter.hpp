// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/backend/cuda/runtime/divider.hpp>
#include <flipbook/kernels/filter/geometry.hpp>

/// Filters that differ from block to block, as in backend/cpu/filter/local_filter.hpp.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Frames and the filters of their blocks, with the dividers that locate an element.
struct LocalFilterPlan {
  LocalFilterGeometry g;
  Divider channels, width, block_height, block_width;
  Divider block_run;  ///< elements of a block in one row of a frame

  /// @throws Error  unless a frame has fewer than 2^31 elements
  explicit LocalFilterPlan(const LocalFilterGeometry& geometry)
      : g(geometry),
        channels(divider(g.channels)),
        width(divider(g.width)),
        block_height(divider(g.block_height())),
        block_width(divider(g.block_width())),
        block_run(divider(g.block_width() * g.channels)) {
    require(picture() < Index{1} << 31, "local_filter: pictures of ", g.height, "×", g.width, " with ", g.channels,
            " channels; a device needs fewer than 2^31 numbers in each");
  }

  /// The number of elements of a frame.
  constexpr Index picture() const { return g.height * g.width * g.channels; }
  /// The filter of a pixel.
  template <class T>
  __device__ const T* filter_of(const T* filters, Index frame, int row, int column) const {
    return filters + ((frame * g.rows + block_height(row)) * g.columns + block_width(column)) * g.taps();
  }

 private:
  static Divider divider(Index extent) { return Divider(std::max<Index>(1, extent)); }  // 0 if there are no elements
};

/// The pixel and channel of element i of the frames.
struct FilteredPixel {
  Index frame;
  int row, column, channel;

  __device__ FilteredPixel(const LocalFilterPlan& plan, Index i) : frame(i / plan.picture()) {
    row = static_cast<int>(i % plan.picture());
    channel = plan.channels.split(row);
    column = plan.width.split(row);
  }
  /// Calls body(tap, row, column) for each neighbour within the frame, in the order of taps.
  template <class Body>
  __device__ void each_neighbour(const LocalFilterGeometry& g, const Body& body) const {
    const int kernel = static_cast<int>(g.kernel), top = row - kernel / 2, left = column - kernel / 2;
    const int a_end = end(top, g.height, kernel), b_begin = begin(left), b_end = end(left, g.width, kernel);
    for (int a = begin(top); a < a_end; ++a) {
      for (int b = b_begin; b < b_end; ++b) body(a * kernel + b, top + a, left + b);
    }
  }

 private:
  // The taps that read within the extent of an axis, if tap 0 reads at `first`: [begin, end).
  static __device__ int begin(int first) { return first < 0 ? -first : 0; }
  static __device__ int end(int first, Index extent, int kernel) {
    const int behind = static_cast<int>(extent) - first;
    return behind < kernel ? behind : kernel;
  }
};

/// y (frames, H, W, C): the frames x, each pixel filtered with the filter of its block. A thread computes a pack of a
/// pixel's channels.
template <class T, int N>
__global__ void local_filter(LocalFilterPlan plan, const T* __restrict__ x, const T* __restrict__ filters,
                             T* __restrict__ y) {
  using A = Wide<T>;
  const LocalFilterGeometry& g = plan.g;
  each_pack<N>(g.frames * plan.picture(), [&](Index i) {
    const FilteredPixel pixel(plan, i);
    const T* const weights = plan.filter_of(filters, pixel.frame, pixel.row, pixel.column);
    const T* const picture = x + pixel.frame * plan.picture() + pixel.channel;
    A sum[N] = {};
    pixel.each_neighbour(g, [&](int tap, int row, int column) {
      const A weight = static_cast<A>(weights[tap]);
      const auto v = load<N>(picture + (row * g.width + column) * g.channels);
#pragma unroll
      for (int k = 0; k < N; ++k) sum[k] += weight * static_cast<A>(v.lane[k]);
    });
    store_each<N>(y + i, [&](int k) { return sum[k]; });
  });
}

/// The adjoint with respect to x: a sum over each pixel's neighbours, with the mirrored tap of the neighbour's filter.
template <class T, int N>
__global__ void local_filter_adjoint(LocalFilterPlan plan, const T* __restrict__ y, const T* __restrict__ filters,
                                     T* __restrict__ x) {
  using A = Wide<T>;
  const LocalFilterGeometry& g = plan.g;
  const int last_tap = static_cast<int>(g.taps()) - 1;
  each_pack<N>(g.frames * plan.picture(), [&](Index i) {
    const FilteredPixel pixel(plan, i);
    const T* const picture = y + pixel.frame * plan.picture() + pixel.channel;
    A sum[N] = {};
    pixel.each_neighbour(g, [&](int tap, int row, int column) {
      const A weight = static_cast<A>(plan.filter_of(filters, pixel.frame, row, column)[last_tap - tap]);
      const auto v = load<N>(picture + (row * g.width + column) * g.channels);
#pragma unroll
      for (int k = 0; k < N; ++k) sum[k] += weight * static_cast<A>(v.lane[k]);
    });
    store_each<N>(x + i, [&](int k) { return sum[k]; });
  });
}

/// dfilters (frames, rows, columns, K²): the gradient of Σ dy · y with respect to the filters. Each row of the plan is
/// a tap, with the elements of its block.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    local_filter_gradient(RowPlan rows, LocalFilterPlan plan, const T* __restrict__ x, const T* __restrict__ dy,
                          T* __restrict__ dfilters) {
  using A = Wide<T>;
  const LocalFilterGeometry& g = plan.g;
  const RowThread<N> row(rows);
  const Index block = row.row / g.taps(), line = block / g.columns;  // a line of blocks
  const int tap = static_cast<int>(row.row % g.taps()), kernel = static_cast<int>(g.kernel);
  const int height = static_cast<int>(g.height), width = static_cast<int>(g.width);
  const int channels = static_cast<int>(g.channels), numbers = width * channels;
  const int top = static_cast<int>(line % g.rows * g.block_height());
  const int left = static_cast<int>(block % g.columns * g.block_width());
  const int down = tap / kernel - kernel / 2, across = tap % kernel - kernel / 2;
  const Index first = line / g.rows * plan.picture() + top * numbers + left * channels;
  const T* const dy_block = dy + first;
  const T* const x_block = x + first + Index{down} * numbers + Index{across} * channels;
  const A sum = row.template sum_of<A>([&](Index i) {
    int block_row = static_cast<int>(i);
    const int in_run = plan.block_run.split(block_row);
    const int x_row = top + block_row + down, x_column = left + plan.channels(in_run) + across;
    if (x_row < 0 || x_row >= height || x_column < 0 || x_column >= width) return A(0);
    const int at = block_row * numbers + in_run;
    const auto v = load<N>(x_block + at);
    const auto d = load<N>(dy_block + at);
    A total = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) total += static_cast<A>(v.lane[k]) * static_cast<A>(d.lane[k]);
    return total;
  });
  if (row.inside && row.lane == 0) dfilters[row.row] = static_cast<T>(sum);
}

}  // namespace flipbook::cuda
