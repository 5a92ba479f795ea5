// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// y[i, :] = table[index[i], :] for rows of `width` elements; NaN for an index out of range.
template <class T, int N>
__global__ void gather_rows(Index count, Index rows, Index width, const T* __restrict__ table,
                            const std::int32_t* __restrict__ index, T* __restrict__ y) {
  each_pack<N>(count * width, [&](Index i) {
    const Index row = index[i / width];
    if (0 <= row && row < rows) store(load<N>(table + row * width + i % width), y + i);
    else store_each<N>(y + i, [](int) { return std::numeric_limits<float>::quiet_NaN(); });
  });
}

namespace detail {
// Adds to `sum` the packs y[i, column …] of all i with index[i] = row, in order. All lanes of a warp search for i
// together; lanes that are not `inside` add nothing.
template <int N, class T>
__device__ void add_where(Index row, Index count, Index width, const T* y, const std::int32_t* index, bool inside,
                          Wide<T> (&sum)[N]) {
  constexpr int tiles = 4;  // of 32 indices, loaded at the same time
  const int lane = static_cast<int>(threadIdx.x % 32);
  for (Index first = 0; first < count; first += 32 * tiles) {
    bool mine[tiles];
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) {
      const Index i = first + tile * 32 + lane;
      mine[tile] = i < count && index[i] == row;
    }
#pragma unroll
    for (int tile = 0; tile < tiles; ++tile) {
      for (unsigned found = __ballot_sync(0xffffffffU, mine[tile]); found != 0; found &= found - 1) {
        const Index i = first + tile * 32 + __ffs(static_cast<int>(found)) - 1;
        if (!inside) continue;
        const auto v = load<N>(y + i * width);
#pragma unroll
        for (int k = 0; k < N; ++k) sum[k] += static_cast<Wide<T>>(v.lane[k]);
      }
    }
  }
}
}  // namespace detail

/// table[index[i], :] += y[i, :]. A warp owns one row of the table, or 32 packs of it, and searches all indices, so
/// that every sum is in the order of i. Reading the indices costs rows · count / 32 loads from the cache.
template <class T, int N>
__global__ void add_rows(Index count, Index rows, Index width, const T* __restrict__ y,
                         const std::int32_t* __restrict__ index, T* __restrict__ table) {
  const Index strips = (width + 32 * N - 1) / (32 * N);
  for (Index warp = thread_number() / 32; warp < rows * strips; warp += thread_count() / 32) {
    const Index row = warp / strips, column = (warp % strips * 32 + threadIdx.x % 32) * N;
    const bool inside = column < width;
    T* const to = table + row * width + column;
    Wide<T> sum[N] = {};
    for (int k = 0; inside && k < N; ++k) sum[k] = static_cast<Wide<T>>(to[k]);
    detail::add_where(row, count, width, y + column, index, inside, sum);
    if (inside) store_each<N>(to, [&](int k) { return sum[k]; });
  }
}

/// The position of the first index outside [0, bound) in every piece of the indices, or `count`.
template <class Place>
__global__ void __launch_bounds__(RowPlan::most_threads)
    first_out_of_range(RowPlan plan, Index count, Index bound, const std::int32_t* __restrict__ index,
                       Place* __restrict__ found) {
  const RowThread<1> at(plan);
  Place first = count;
  at.each([&](Index i) {
    const Index place = at.row * plan.n + i;
    if (place < first && (index[place] < 0 || index[place] >= bound)) first = place;
  });
  first = at.all(first, [](Place a, Place b) { return b < a ? b : a; });
  if (at.inside && at.lane == 0) found[at.row] = first;
}

/// The position of the first index outside [0, bound), or the number of indices. Waits for the device: one reduction
/// and one copy. While a step is captured, indices are not checked: the result is their number, and a lookup with an
/// index out of range gives NaN.
inline Index first_out_of_range_of(const Tensor<std::int32_t, Cuda>& index, Index bound) {
  constexpr Index piece = 1 << 13;
  const Index count = index.size(), pieces = (count + piece - 1) / piece;
  if (count == 0 || queue().captured != nullptr) return count;
  const Scratch<std::int64_t> found(pieces);
  launch_rows(first_out_of_range<std::int64_t>, {pieces, piece, 1}, count, bound, index.data(), found.data());
  std::vector<std::int64_t> places(static_cast<std::size_t>(pieces));
  Cuda::copy(places.data(), found.data(), places.size() * sizeof(std::int64_t));
  return *std::min_element(places.begin(), places.end());
}

}  // namespace flipbook::cuda
