// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/gemm/tile.hpp>
#include <flipbook/backend/cuda/runtime/launch.hpp>

/// Products of operands in device memory, tile by tile through shared memory: the next tile is loaded while one is
/// multiplied.
///
/// An operand is a matrix whose lines are contiguous, or gathered as if they were. It has
///
///     Line line(int i)           where line i begins
///     Place place(int j)         where element j of a line is
///     const T* address(Line, Place)   null: the element is 0
///     bool packed                whether each pack that begins at a multiple of its size is contiguous and aligned,
///                                or all 0

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The part of each tile of `Lines` × `Line` elements that a thread loads. The next tile begins `Line` elements further
/// or, if tiles go `Down`, `Lines` lines further.
template <class Operand, class T, int Lines, int Line, bool Down, int Threads>
class Stage {
  static constexpr int size = pack_size<T>, packs_a_line = Line / size, lines_a_pass = Threads / packs_a_line;
  static constexpr int packs = (Lines + lines_a_pass - 1) / lines_a_pass;
  static_assert(Line % size == 0 && Threads % packs_a_line == 0);

 public:
  /// @param line, number  where the first tile begins
  __device__ Stage(const Operand& operand, int line, int number)
      : operand_(operand), line_(line + first_line()), number_(number + first_number()) {
    if constexpr (!Down) {
#pragma unroll
      for (int i = 0; i < packs; ++i) lines_[i] = operand.line(line_ + i * lines_a_pass);
    } else {
      place_ = operand.place(number_);
    }
  }

  /// Loads this thread's packs of the tile, and advances to the next tile.
  __device__ void fetch() {
    if constexpr (!Down) place_ = operand_.place(number_);
#pragma unroll
    for (int i = 0; i < packs; ++i) {
      if (first_line() + i * lines_a_pass >= Lines) break;
      if constexpr (Down) lines_[i] = operand_.line(line_ + i * lines_a_pass);
      packs_[i] = read(lines_[i]);
    }
    if constexpr (Down) line_ += Lines;
    else number_ += Line;
  }

  template <class Sums>
  __device__ void put(T* tile, int pitch) const {
#pragma unroll
    for (int i = 0; i < packs; ++i) {
      const int line = first_line() + i * lines_a_pass;
      if (line >= Lines) break;
      store_each<size>(tile + line * pitch + first_number(), [&](int e) { return Sums::staged(packs_[i].lane[e]); });
    }
  }

 private:
  __device__ static int first_line() { return static_cast<int>(threadIdx.x) / packs_a_line; }
  __device__ static int first_number() { return static_cast<int>(threadIdx.x) % packs_a_line * size; }

  __device__ Pack<T, size> read(const typename Operand::Line& line) const {
    Pack<T, size> pack;
    if (operand_.packed) {
      const T* const from = operand_.address(line, place_);
      if (from != nullptr) return load<size>(from);
#pragma unroll
      for (int e = 0; e < size; ++e) pack.lane[e] = T(0);
    } else {
#pragma unroll
      for (int e = 0; e < size; ++e) {
        const T* const from = operand_.address(line, e == 0 ? place_ : operand_.place(number_ + e));
        pack.lane[e] = from == nullptr ? T(0) : *from;
      }
    }
    return pack;
  }

  const Operand& operand_;
  int line_, number_;
  typename Operand::Line lines_[packs];
  typename Operand::Place place_;
  Pack<T, size> packs_[packs];
};

/// A tile of Rows × Columns sums over the depth, in steps of `Step`.
template <class T, bool Fast, int Rows, int Columns, int Down, int Across, int Step, Inner A, Inner B>
struct StagedProduct {
  using Sums = cuda::Sums<T, Fast, Rows, Columns, Down, Across>;
  static constexpr int threads = Sums::threads, rows = Rows, columns = Columns, step = Step;
  static constexpr int a_lines = A == Inner::depth ? Rows : Step, a_line = A == Inner::depth ? Step : Rows;
  static constexpr int b_lines = B == Inner::depth ? Columns : Step, b_line = B == Inner::depth ? Step : Columns;
  static constexpr int a_pitch = shared_pitch<T>(a_line, A), b_pitch = shared_pitch<T>(b_line, B);
  static constexpr int a_size = a_lines * a_pitch, b_size = b_lines * b_pitch;
  static constexpr std::size_t shared_bytes = 2 * (a_size + b_size) * sizeof(T);

  /// sums = the products of `left` from `row` and `right` from `column`, over steps [first, last) of the depth.
  template <class Left, class Right>
  __device__ static void sum(Sums& sums, const Left& left, int row, const Right& right, int column, int first,
                             int last) {
    Stage<Left, T, a_lines, a_line, A == Inner::side, threads> a(left, A == Inner::depth ? row : first * Step,
                                                                 A == Inner::depth ? first * Step : row);
    Stage<Right, T, b_lines, b_line, B == Inner::side, threads> b(right, B == Inner::depth ? column : first * Step,
                                                                  B == Inner::depth ? first * Step : column);
    T* const buffers = shared<T>();
    sums.clear();
    if (first < last) a.fetch(), b.fetch();
    for (int i = first; i < last; ++i) {
      T *const a_tile = buffers + (i % 2) * (a_size + b_size), *const b_tile = a_tile + a_size;
      a.template put<Sums>(a_tile, a_pitch);
      b.template put<Sums>(b_tile, b_pitch);
      __syncthreads();  // also: all threads have read the previous tile, whose buffer the next one reuses
      if (i + 1 < last) a.fetch(), b.fetch();
      sums.template multiply<Step, A, B>({a_tile, a_pitch}, {b_tile, b_pitch});
    }
  }
};

}  // namespace flipbook::cuda
