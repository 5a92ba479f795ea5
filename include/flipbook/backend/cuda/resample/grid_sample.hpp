// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/kernels/resample/positions.hpp>

/// Bilinear sampling, as in backend/cpu/resample/grid_sample.hpp.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The neighbours of a sample along both axes.
template <class A>
struct SampledAt {
  Neighbours<A> x, y;

  /// @param sample  its index in its frame     @param position  its two elements of the grid
  template <class T>
  __device__ SampledAt(const Sampling& s, Index sample, const T* position)
      : x(s.across.at(static_cast<A>(position[0]) + static_cast<A>(s.column_of(sample)))),
        y(s.down.at(static_cast<A>(position[1]) + static_cast<A>(s.row_of(sample)))) {}

  /// The offset in a frame of the channels of one of the four pixels.
  __device__ Index pixel(const Sampling& s, int corner) const {
    return (static_cast<Index>(corner < 2 ? y.low : y.high) * s.across.extent +
            static_cast<Index>(corner % 2 == 0 ? x.low : x.high)) *
           s.channels;
  }
  /// The weight of one of the four pixels, or its derivative of these orders along the axes.
  __device__ A weight(int corner, int order_across, int order_down) const {
    return (corner < 2 ? y.low_weight(order_down) : y.high_weight(order_down)) *
           (corner % 2 == 0 ? x.low_weight(order_across) : x.high_weight(order_across));
  }
};

/// y[n, i, :]: the frames x sampled at grid[n, i]. A thread computes a pack of a sample's channels.
template <class T, int N>
__global__ void grid_sample(Sampling s, const T* __restrict__ x, const T* __restrict__ grid, T* __restrict__ y) {
  using A = Wide<T>;
  each_pack<N>(s.frames * s.samples * s.channels, [&](Index i) {
    const Index sample = i / s.channels;
    const SampledAt<A> at(s, sample % s.samples, grid + 2 * sample);
    const T* const picture = x + sample / s.samples * s.pixels() * s.channels + i % s.channels;
    A sum[N] = {};
#pragma unroll
    for (int corner = 0; corner < 4; ++corner) {
      const A weight = at.weight(corner, s.across.order, s.down.order);
      const auto v = load<N>(picture + at.pixel(s, corner));
#pragma unroll
      for (int k = 0; k < N; ++k) sum[k] += weight * static_cast<A>(v.lane[k]);
    }
    store_each<N>(y + i, [&](int k) { return sum[k]; });
  });
}

/// dgrid[n, i]: the gradient of Σ dy · y with respect to the positions. Each row of the plan is a sample's channels.
template <class T>
__global__ void __launch_bounds__(RowPlan::most_threads)
    grid_sample_positions(RowPlan plan, Sampling s, const T* __restrict__ x, const T* __restrict__ grid,
                          const T* __restrict__ dy, T* __restrict__ dgrid) {
  using A = Wide<T>;
  const RowThread<1> row(plan);
  const Index sample = row.inside ? row.row : 0;
  const SampledAt<A> at(s, sample % s.samples, grid + 2 * sample);
  const T* const picture = x + sample / s.samples * s.pixels() * s.channels;
  A product[4] = {}, across = 0, down = 0;
  row.each([&](Index c) {
    const A d = static_cast<A>(dy[sample * s.channels + c]);
#pragma unroll
    for (int corner = 0; corner < 4; ++corner) product[corner] += d * static_cast<A>(picture[at.pixel(s, corner) + c]);
  });
#pragma unroll
  for (int corner = 0; corner < 4; ++corner) {
    const A sum = row.sum(product[corner]);
    across += at.weight(corner, s.across.order + 1, s.down.order) * sum;
    down += at.weight(corner, s.across.order, s.down.order + 1) * sum;
  }
  if (row.inside && row.lane == 0) {
    dgrid[2 * sample] = static_cast<T>(across), dgrid[2 * sample + 1] = static_cast<T>(down);
  }
}

/// The side of a block's tile of pixels, and its threads: one for each pixel, and one for each sample read at a time.
inline constexpr int adjoint_tile = 16, adjoint_threads = adjoint_tile * adjoint_tile;

/// The blocks of the adjoint: one for each tile of pixels and pack of channels.
struct AdjointTiles {
  Index across, down, packs;
  AdjointTiles(const Sampling& s, int pack)
      : across((s.across.extent + adjoint_tile - 1) / adjoint_tile),
        down((s.down.extent + adjoint_tile - 1) / adjoint_tile),
        packs(s.channels / pack) {}
  Index blocks(Index frames) const { return frames * across * down * packs; }
};

/// The adjoint with respect to x: each pixel gathers from the samples that read it, in order. A block computes a tile
/// of pixels for a pack of channels. Its threads test 256 samples at a time for overlap with the tile; each thread then
/// adds those that overlap its pixel. All positions of a frame are read once for each tile and pack.
template <class T, int N>
__global__ void __launch_bounds__(adjoint_threads)
    grid_sample_adjoint(Sampling s, AdjointTiles tiles, const T* __restrict__ y, const T* __restrict__ grid,
                        T* __restrict__ x) {
  using A = Wide<T>;
  __shared__ Neighbours<A> across[adjoint_threads], down[adjoint_threads];
  __shared__ unsigned touching[adjoint_threads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  const Index pack = Index{blockIdx.x} % tiles.packs * N, tile = Index{blockIdx.x} / tiles.packs;
  const Index left = tile % tiles.across * adjoint_tile, top = tile / tiles.across % tiles.down * adjoint_tile;
  const Index frame = tile / (tiles.across * tiles.down);
  const Index column = left + thread % adjoint_tile, row = top + thread / adjoint_tile;
  const A own_x = static_cast<A>(column), own_y = static_cast<A>(row);
  const auto in_tile = [](const Neighbours<A>& n, Index first) {
    return n.high >= static_cast<A>(first) && n.low < static_cast<A>(first + adjoint_tile);
  };
  const auto weight_of = [](const Neighbours<A>& n, A place, int order) {
    return (n.low == place ? n.low_weight(order) : A(0)) + (n.high == place ? n.high_weight(order) : A(0));
  };
  A sum[N] = {};
  for (Index first = 0; first < s.samples; first += adjoint_threads) {
    const Index sample = first + thread;
    bool touches = false;
    if (sample < s.samples) {
      const SampledAt<A> at(s, sample, grid + 2 * (frame * s.samples + sample));
      touches = in_tile(at.x, left) && in_tile(at.y, top);
      if (touches) across[thread] = at.x, down[thread] = at.y;
    }
    const unsigned found = __ballot_sync(0xffffffffU, touches);
    if (thread % 32 == 0) touching[thread / 32] = found;
    __syncthreads();
    for (int warp = 0; warp < adjoint_threads / 32; ++warp) {
      for (unsigned left_over = touching[warp]; left_over != 0; left_over &= left_over - 1) {
        const int k = warp * 32 + __ffs(static_cast<int>(left_over)) - 1;
        if (own_x < across[k].low || own_x > across[k].high || own_y < down[k].low || own_y > down[k].high) continue;
        const A weight = weight_of(across[k], own_x, s.across.order) * weight_of(down[k], own_y, s.down.order);
        const auto v = load<N>(y + (frame * s.samples + first + k) * s.channels + pack);
#pragma unroll
        for (int lane = 0; lane < N; ++lane) sum[lane] += weight * static_cast<A>(v.lane[lane]);
      }
    }
    __syncthreads();  // before the next samples overwrite these
  }
  if (column < s.across.extent && row < s.down.extent) {
    store_each<N>(x + ((frame * s.down.extent + row) * s.across.extent + column) * s.channels + pack,
                  [&](int lane) { return sum[lane]; });
  }
}

}  // namespace flipbook::cuda
