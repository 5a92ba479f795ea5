// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Rows of n elements, each computed by `threads` neighbouring threads, a power of two: a part of a warp, a warp, or up
/// to a whole block. Kernels of rows have __launch_bounds__(RowPlan::most_threads), so that a block gets the registers
/// that it needs.
struct RowPlan {
  static constexpr int most_threads = 512;
  Index rows, n;
  int threads;

  /// Each thread reads a few packs of a row, so that several loads are in flight; fewer if there are too few rows to
  /// fill a device.
  RowPlan(Index row_count, Index width, int pack) : rows(row_count), n(width) {
    const Index packs = std::max<Index>(1, n / pack), each = rows * packs >= Index{1} << 18 ? 4 : 1;
    const auto wanted = std::bit_ceil(static_cast<std::uint64_t>((packs + each - 1) / each));
    threads = static_cast<int>(std::min<std::uint64_t>(wanted, most_threads));
  }
  unsigned block() const { return static_cast<unsigned>(std::max(threads, 256)); }
  dim3 grid() const {
    const Index rows_a_block = block() / threads;
    return grid_of((rows + rows_a_block - 1) / rows_a_block);
  }
};

/// A thread's part of one row. A row beyond the last has no elements, but its threads participate in collective
/// operations of the warp.
template <int N>
struct RowThread {
  Index row, n;  ///< n: the elements of this row
  int lane, threads;
  bool inside;

  __device__ explicit RowThread(const RowPlan& plan)
      : row(Index{blockIdx.x} * (blockDim.x / plan.threads) + threadIdx.x / plan.threads),
        n(row < plan.rows ? plan.n : 0),
        lane(static_cast<int>(threadIdx.x % plan.threads)),
        threads(plan.threads),
        inside(row < plan.rows) {}

  /// Calls body(i) with the first element of each of this thread's packs.
  template <class Body>
  __device__ void each(const Body& body) const {
#pragma unroll 4
    for (Index i = Index{lane} * N; i < n; i += Index{threads} * N) body(i);
  }

  /// Reduces v over a row's threads by `f`, which must be commutative; the result is bitwise the same in all of them.
  template <class A, class F>
  __device__ A all(A v, const F& f) const {
    for (int distance = (threads < 32 ? threads : 32) / 2; distance > 0; distance /= 2) {
      v = f(v, __shfl_xor_sync(0xffffffffU, v, distance));
    }
    if (threads <= 32) return v;
    __shared__ A part[RowPlan::most_threads / 32];
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    const int first = static_cast<int>(threadIdx.x) / threads * threads / 32;
    v = part[first];
    for (int warp = 1; warp < threads / 32; ++warp) v = f(v, part[first + warp]);
    __syncthreads();  // before `part` is used again
    return v;
  }
  template <class A>
  __device__ A sum(A v) const {
    return all(v, [](A a, A b) { return a + b; });
  }
  /// Σ f(i) over all packs of the row.
  template <class A, class F>
  __device__ A sum_of(const F& f) const {
    A total = 0;
    each([&](Index i) { total += f(i); });
    return sum(total);
  }
};

template <class... Parameters, class... Args>
void launch_rows(void (*kernel)(RowPlan, Parameters...), const RowPlan& plan, const Args&... args) {
  launch(kernel, plan.grid(), dim3(plan.block()), 0, plan, args...);
}

}  // namespace flipbook::cuda
