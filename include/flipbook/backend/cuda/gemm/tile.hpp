// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <flipbook/backend/cuda/gemm/tensor_core.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

/// Products of tiles in shared memory by all threads of a block, for convolutions and attention. Each thread has some
/// of a tile's sums in registers, as a small matrix (i, j). A line of it is a part of one row of the tile, which
/// `row_lanes` neighbouring threads share.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Which index of an operand is contiguous: the one that is summed over, or the other.
enum class Inner { depth, side };

/// An operand in shared memory.
template <class T>
struct SharedTile {
  const T* data;
  int pitch;
};

/// The pitch that aligns lines of `inner` elements to 16 bytes and avoids bank conflicts between threads of a warp.
template <class T>
constexpr int shared_pitch(int inner, Inner which) {
  return inner + (sizeof(T) == 4 && which == Inner::side ? 8 : pack_size<T>);
}

/// The sums of 16×16 threads, by fused multiply-adds.
template <class T, int Rows, int Columns>
class PlainSums {
 public:
  using Sum = Wide<T>;
  static constexpr int threads = 256, row_lanes = 16, lines = Rows / 16, line = Columns / 16;
  static_assert(Rows % 16 == 0 && Columns % 16 == 0);

  __device__ static int row(int i) { return static_cast<int>(threadIdx.x) / 16 + 16 * i; }
  __device__ static int column(int j) { return static_cast<int>(threadIdx.x) % 16 + 16 * j; }
  __device__ Sum& operator()(int i, int j) { return sums_[i][j]; }

  __device__ void clear() {
#pragma unroll
    for (auto& sums : sums_) {
#pragma unroll
      for (Sum& sum : sums) sum = 0;
    }
  }

  /// sums += a·b over `Depth`.
  template <int Depth, Inner A, Inner B>
  __device__ void multiply(SharedTile<T> a, SharedTile<T> b) {
#pragma unroll 4
    for (int k = 0; k < Depth; ++k) {
      T left[lines], right[line];
#pragma unroll
      for (int i = 0; i < lines; ++i) left[i] = a.data[A == Inner::depth ? row(i) * a.pitch + k : k * a.pitch + row(i)];
#pragma unroll
      for (int j = 0; j < line; ++j)
        right[j] = b.data[B == Inner::depth ? column(j) * b.pitch + k : k * b.pitch + column(j)];
#pragma unroll
      for (int i = 0; i < lines; ++i) {
#pragma unroll
        for (int j = 0; j < line; ++j) sums_[i][j] += left[i] * right[j];
      }
    }
  }

  /// x as it is stored in shared memory.
  __device__ static T staged(T x) { return x; }

 private:
  Sum sums_[lines][line];
};

/// The sums of `Down` × `Across` warps, by tensor cores: of bfloat16, half, or float rounded to tf32.
template <class T, int Rows, int Columns, int Down, int Across>
class TensorCoreSums {
  static constexpr int blocks = Rows / Down / 16, block_columns = Columns / Across / 8;  ///< a warp's blocks of 16×8
  static constexpr int step = sizeof(T) == 2 ? 16 : 8;
  static_assert(Rows % (16 * Down) == 0 && Columns % (16 * Across) == 0);

 public:
  using Sum = float;
  static constexpr int threads = 32 * Down * Across, row_lanes = 4, lines = 2 * blocks, line = 2 * block_columns;

  __device__ static int row(int i) { return first_row() + 16 * (i / 2) + 8 * (i % 2) + quad(); }
  __device__ static int column(int j) { return first_column() + 8 * (j / 2) + 2 * place() + j % 2; }
  __device__ Sum& operator()(int i, int j) { return sums_[i / 2][j / 2][2 * (i % 2) + j % 2]; }

  __device__ void clear() {
#pragma unroll
    for (auto& line_of_blocks : sums_) {
#pragma unroll
      for (auto& block : line_of_blocks) {
#pragma unroll
        for (float& sum : block) sum = 0;
      }
    }
  }

  /// sums += a·b over `Depth`.
  template <int Depth, Inner A, Inner B>
  __device__ void multiply(SharedTile<T> a, SharedTile<T> b) {
    static_assert(Depth % step == 0);
#pragma unroll
    for (int k = 0; k < Depth; k += step) {
      std::uint32_t left[blocks][4], right[block_columns][2];
#pragma unroll
      for (int i = 0; i < blocks; ++i) load_left<A>(left[i], a, first_row() + 16 * i, k);
#pragma unroll
      for (int j = 0; j < block_columns; j += 2) load_right<B>(right[j], right[j + 1], b, first_column() + 8 * j, k);
#pragma unroll
      for (int i = 0; i < blocks; ++i) {
#pragma unroll
        for (int j = 0; j < block_columns; ++j) multiply_add<T>(sums_[i][j], left[i], right[j]);
      }
    }
  }

  __device__ static T staged(T x) {
    if constexpr (std::is_same_v<T, float>) return round_to_tf32(x);
    else return x;
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int quad() { return lane() / 4; }
  __device__ static int place() { return lane() % 4; }
  __device__ static int first_row() { return static_cast<int>(threadIdx.x) / 32 / Across * (Rows / Down); }
  __device__ static int first_column() { return static_cast<int>(threadIdx.x) / 32 % Across * (Columns / Across); }

  /// Loads rows [row, row + 16) at depths [k, k + step).
  template <Inner A>
  __device__ static void load_left(std::uint32_t (&to)[4], SharedTile<T> a, int row, int k) {
    if constexpr (sizeof(T) == 4) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const int i = row + quad() + 8 * (r % 2), depth = k + place() + 4 * (r / 2);
        to[r] = std::bit_cast<std::uint32_t>(a.data[A == Inner::depth ? i * a.pitch + depth : depth * a.pitch + i]);
      }
    } else if constexpr (A == Inner::depth) {
      load_matrices(to, a.data + (row + lane() % 16) * a.pitch + k + lane() / 16 * 8);
    } else {
      load_matrices_turned(to, a.data + (k + lane() % 8 + lane() / 16 * 8) * a.pitch + row + lane() / 8 % 2 * 8);
    }
  }

  /// Loads columns [column, column + 16), eight to `first` and eight to `second`, at depths [k, k + step).
  template <Inner B>
  __device__ static void load_right(std::uint32_t (&first)[2], std::uint32_t (&second)[2], SharedTile<T> b, int column,
                                    int k) {
    std::uint32_t all[4];
    if constexpr (sizeof(T) == 4) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const int j = column + quad() + 8 * (r / 2), depth = k + place() + 4 * (r % 2);
        all[r] = std::bit_cast<std::uint32_t>(b.data[B == Inner::depth ? j * b.pitch + depth : depth * b.pitch + j]);
      }
    } else if constexpr (B == Inner::depth) {
      load_matrices(all, b.data + (column + lane() % 8 + lane() / 16 * 8) * b.pitch + k + lane() / 8 % 2 * 8);
    } else {
      load_matrices_turned(all, b.data + (k + lane() % 16) * b.pitch + column + lane() / 16 * 8);
    }
    first[0] = all[0], first[1] = all[1], second[0] = all[2], second[1] = all[3];
  }

  float sums_[blocks][block_columns][4];
};

/// The sums of a tile, by tensor cores if T supports them and `Fast` allows it (float is rounded to tf32).
template <class T, bool Fast, int Rows, int Columns, int Down, int Across>
using Sums = std::conditional_t<Fast && !std::is_same_v<T, double>, TensorCoreSums<T, Rows, Columns, Down, Across>,
                                PlainSums<T, Rows, Columns>>;

/// Reduces v by f over the threads that share a row of Sums; the result is bitwise the same in all of them.
template <class Sums, class F>
__device__ typename Sums::Sum across_row(typename Sums::Sum v, const F& f) {
#pragma unroll
  for (int distance = 1; distance < Sums::row_lanes; distance *= 2) v = f(v, __shfl_xor_sync(0xffffffffU, v, distance));
  return v;
}

}  // namespace flipbook::cuda
