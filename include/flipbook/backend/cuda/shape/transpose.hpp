// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

/// to[j, i] = from[i, j] for one tile of 32 × 32 of a matrix (rows, columns).
template <class T>
__device__ void transpose_tile(Index rows, Index columns, Index number, const T* from, T* to) {
  __shared__ T tile[32][33];
  const Index across = (columns + 31) / 32, i = number / across * 32, j = number % across * 32;
  const int beside = static_cast<int>(threadIdx.x) % 32, down = static_cast<int>(threadIdx.x) / 32;
  __syncthreads();  // the last tile has been written
  for (int k = down; k < 32; k += 8) {
    if (i + k < rows && j + beside < columns) tile[k][beside] = from[(i + k) * columns + j + beside];
  }
  __syncthreads();
  for (int k = down; k < 32; k += 8) {
    if (i + beside < rows && j + k < columns) to[(j + k) * rows + i + beside] = tile[beside][k];
  }
}

template <class T>
__device__ void transpose_tiles(const Transposes& list) {
  int at = 0;
  for (Index tile = blockIdx.x; tile < list.tiles(); tile += gridDim.x) {
    while (tile >= list.matrix[at].tiles) ++at;
    const auto& matrix = list.matrix[at];
    transpose_tile(matrix.rows, matrix.columns, tile - (at == 0 ? 0 : list.matrix[at - 1].tiles),
                   static_cast<const T*>(matrix.from), static_cast<T*>(matrix.to));
  }
}

template <class T>
__global__ void transpose(Index rows, Index columns, const T* from, T* to) {
  transpose_tile(rows, columns, Index{blockIdx.x}, from, to);
}
template <class T>
__global__ void transpose_each(const __grid_constant__ Transposes list) {
  transpose_tiles<T>(list);
}
/// As `transpose_each`, with the list in memory, since it is not complete when this launch is captured.
template <class T>
__global__ void transpose_noted(const Transposes* list) {
  transpose_tiles<T>(*list);
}

template <class T>
void transpose_matrix(Index rows, Index columns, const T* from, T* to) {
  launch(transpose<T>, grid_of((rows + 31) / 32 * ((columns + 31) / 32)), 256, 0, rows, columns, from, to);
}
template <class T>
void launch_transposes(const Transposes& list) {
  launch(transpose_each<T>, blocks_for(list.tiles(), 1), 256, 0, list);
}
template <class T>
void launch_noted(const Transposes* list) {
  launch(transpose_noted<T>, static_cast<unsigned>(properties().multiprocessors) * 8, 256, 0, list);
}

/// Calls body(the transpose of `from`). A captured step computes the transpose once for all calls, together with others
/// if `from` has not changed since their launch.
/// @return  what body returns
template <class T, class Body>
bool with_transposed(Index rows, Index columns, const T* from, const Body& body) {
  const auto bytes = static_cast<std::size_t>(rows * columns) * sizeof(T);
  Derived* const derived = Derived::of_thread();
  if (derived == nullptr) {
    const Scratch<T> transposed(rows * columns);
    transpose_matrix<T>(rows, columns, from, transposed.data());
    return body(std::as_const(transposed).data());
  }
  if (const void* const known = derived->find(from, rows, columns)) return body(static_cast<const T*>(known));
  void* transposed = derived->make_together(from, rows, columns, bytes, launch_noted<T>);
  if (transposed == nullptr) {
    transposed = derived->make(from, rows, columns, bytes);
    transpose_matrix<T>(rows, columns, from, static_cast<T*>(transposed));
  }
  return body(static_cast<const T*>(transposed));
}

/// Calls fill(from) and transposes the matrix `from` (rows, columns) to `to`. If `later`, a captured step does so
/// before `to` is read (`settle`), together with others.
/// @return  what fill returns; if false, nothing is transposed
template <class T, class Fill>
bool transpose_into(T* to, Index rows, Index columns, bool later, const Fill& fill) {
  const auto bytes = static_cast<std::size_t>(rows * columns) * sizeof(T);
  Derived* const derived = Derived::of_thread();
  if (!later || derived == nullptr) {
    const Scratch<T> from(rows * columns);
    if (!fill(from.data())) return false;
    transpose_matrix<T>(rows, columns, from.data(), to);
    return true;
  }
  const std::shared_ptr<void> from(Cuda::allocate(bytes), [bytes](void* block) { Cuda::release(block, bytes); });
  if (!fill(static_cast<T*>(from.get()))) return false;
  derived->transpose_later(from, to, rows, columns, bytes, launch_transposes<T>);
  return true;
}

}  // namespace detail
}  // namespace flipbook::cuda
