// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <flipbook/backend/cuda/runtime/stream.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Runs `kernel` on the calling thread's stream, after what was put there before; returns at once. A grid without
/// blocks is no launch.
/// @param shared_bytes  of dynamic shared memory for each block, which `shared<T>()` gives
/// @throws Error  if the device cannot run it so
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

/// Whether the block is the last of so many to come here with this ticket of the queue's: all of its threads call this,
/// and of one, what the others have written before is there for it, to be read by __ldcg.
template <class = void>
__device__ bool last_block(unsigned* ticket, Index blocks) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    __threadfence();  // what the block has written comes before its count, and what others have after theirs
    last = atomicAdd(ticket, 1U) + 1 == static_cast<unsigned>(blocks);
    if (last) *ticket = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

/// Threads in a block of kernels that go through an array.
inline constexpr unsigned block_threads = 256;

/// As many blocks as `count` units of work need at `per_block` each, and no more than keep the device busy: kernels
/// go on in steps of the whole grid.
inline unsigned blocks_for(Index count, Index per_block = block_threads) {
  const Index needed = (count + per_block - 1) / per_block;
  return static_cast<unsigned>(std::min<Index>(needed, Index{properties().multiprocessors} * 32));
}

/// A grid of so many blocks.
/// @throws Error  unless there are fewer than 2^31
inline dim3 grid_of(Index blocks) {
  require(blocks < Index{1} << 31, "Cuda: a launch of ", blocks, " blocks; fewer than 2^31 are possible");
  return dim3(static_cast<unsigned>(blocks));
}

/// The number of the running thread in a grid of one axis, and how many there are.
__device__ inline Index thread_number() { return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline Index thread_count() { return static_cast<Index>(gridDim.x) * blockDim.x; }

}  // namespace flipbook::cuda
