// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <flipbook/backend/cuda/runtime/stream.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Launches `kernel` on the calling thread's stream and returns at once. An empty grid launches nothing.
/// @param shared_bytes  dynamic shared memory of each block, which `shared<T>()` returns
/// @throws Error  if the device cannot run the launch
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  constexpr std::size_t without_asking = 48 * 1024;
  if (shared_bytes > without_asking) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
          "launch: shared memory");
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream();
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "launch");
}

/// The dynamic shared memory of the running block, aligned to 128 bytes.
template <class T>
__device__ T* shared() {
#ifdef FLIPBOOK_CUDA_EMULATED
  return reinterpret_cast<T*>(emulated::shared_memory());
#else
  extern __shared__ __align__(128) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
#endif
}

/// Whether the block is the last of `blocks` to call this with one ticket of the queue. All threads of a block call it.
/// The last block can read what the others have written before, by __ldcg.
template <class = void>
__device__ bool last_block(unsigned* ticket, Index blocks) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    __threadfence();  // orders the block's writes before its count, and its reads after the others' counts
    last = atomicAdd(ticket, 1U) + 1 == static_cast<unsigned>(blocks);
    if (last) *ticket = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

/// Threads per block of kernels that loop over an array.
inline constexpr unsigned block_threads = 256;

/// The blocks for `count` units of work, `per_block` in each, but no more than keep the device busy: kernels loop with
/// the stride of the grid.
inline unsigned blocks_for(Index count, Index per_block = block_threads) {
  const Index needed = (count + per_block - 1) / per_block;
  return static_cast<unsigned>(std::min<Index>(needed, Index{properties().multiprocessors} * 32));
}

/// A one-dimensional grid.
/// @throws Error  unless there are fewer than 2^31 blocks
inline dim3 grid_of(Index blocks) {
  require(blocks < Index{1} << 31, "Cuda: a launch of ", blocks, " blocks; fewer than 2^31 are possible");
  return dim3(static_cast<unsigned>(blocks));
}

/// The index of the calling thread in a one-dimensional grid, and the number of threads.
__device__ inline Index thread_number() { return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline Index thread_count() { return static_cast<Index>(gridDim.x) * blockDim.x; }

}  // namespace flipbook::cuda
