// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <flipbook/backend/cuda/gemm/tile.hpp>
#include <flipbook/backend/cuda/runtime/arithmetic.hpp>
#include <flipbook/backend/cuda/runtime/divider.hpp>
#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/kernels/attention/geometry.hpp>

/// Attention without the matrix of all scores (Dao et al., FlashAttention, 2022): a block computes 64 queries of one
/// head in a loop over tiles of keys. Scores are in units of log 2, so that weights are powers of two.
///
/// If a head is wider than a tile, products over the width are summed in chunks, and each slab of the result is
/// computed by its own block.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Tiles of 64 × `Columns` scores, with `Width` components of a head.
template <class T, bool Fast, int Columns, int Width>
struct AttentionTiles {
  static constexpr int rows = 64, columns = Columns, width = Width;
  using Scores = Sums<T, Fast, rows, Columns, 4, 1>;
  using Outputs = Sums<T, Fast, rows, Width, 4, 1>;
  static constexpr int threads = Scores::threads;
  static constexpr int pitch = shared_pitch<T>(Width, Inner::depth),
                       weight_pitch = shared_pitch<T>(Columns, Inner::depth);
  static constexpr int row_size = rows * pitch, column_size = Columns * pitch, weight_size = rows * weight_pitch;
  static_assert(Outputs::threads == threads && Outputs::lines == Scores::lines);

  /// Reads components [from, from + Width) of rows [first, first + Lines) of a head; 0 beyond `rows` and `numbers`.
  template <int Lines>
  __device__ static void read(T* tile, const HeadRows<const T>& head, Index first, Index rows, Index from,
                              Index numbers, bool packed) {
    constexpr int size = pack_size<T>, packs_a_line = Width / size;
#pragma unroll 4
    for (int i = static_cast<int>(threadIdx.x); i < Lines * packs_a_line; i += threads) {
      const int line = i / packs_a_line, at = i % packs_a_line * size;
      const T* const source = first + line < rows ? head(first + line) + from + at : nullptr;
      const Index rest = source == nullptr ? 0 : numbers - from - at;
      T* const to = tile + line * pitch + at;
      if (packed && rest >= size) {
        const Pack<T, size> pack = load<size>(source);
        store_each<size>(to, [&](int e) { return Scores::staged(pack.lane[e]); });
      } else {
        store_each<size>(to, [&](int e) { return e < rest ? Scores::staged(source[e]) : T(0); });
      }
    }
  }

  /// Writes a thread's weights to the tile in shared memory. The threads that read them are in the same warp.
  template <class F>
  __device__ static void write_weights(T* tile, const F& f) {
    __syncwarp();  // the warp has read the previous tile
#pragma unroll
    for (int i = 0; i < Scores::lines; ++i) {
#pragma unroll
      for (int j = 0; j < Scores::line; ++j) {
        tile[Scores::row(i) * weight_pitch + Scores::column(j)] = Scores::staged(static_cast<T>(f(i, j)));
      }
    }
    __syncwarp();
  }
};

/// AttentionGeometry::visible without 64-bit divisions, which are some hundred instructions on a device.
struct SeenKeys {
  int keys, queries, block;  ///< block 0: every key is visible
  Divider divide;

  explicit SeenKeys(const AttentionGeometry& g)
      : keys(static_cast<int>(g.keys)),
        queries(static_cast<int>(g.queries)),
        block(static_cast<int>(std::min<Index>(g.causal_block, keys))),
        divide(std::max(1, block)) {}
  /// The number of keys visible to a query. Queries beyond the last are treated as the last.
  constexpr int operator()(int query) const {
    if (block == 0) return keys;
    const int place = (query < queries ? query : queries - 1) + keys - queries;
    if (place < 0) return 0;
    const auto seen = (static_cast<unsigned>(divide(place)) + 1) * static_cast<unsigned>(block);
    return seen < static_cast<unsigned>(keys) ? static_cast<int>(seen) : keys;
  }
};

template <class T>
struct AttentionWork {
  AttentionGeometry geometry;
  SeenKeys seen;
  AttentionRows<const T> x;
  ScoreMask<T> mask;
  Wide<T>* log_sums;  ///< (N, H, queries)
  bool packed;        ///< x may be read in packs of 16 bytes
};

namespace detail {

template <class A>
__device__ inline A power_of_two(A x) {
  if constexpr (std::is_same_v<A, double>) return exp2(x);
  else return exp2f(x);
}
template <class A>
__device__ inline A log_two(A x) {
  if constexpr (std::is_same_v<A, double>) return log2(x);
  else return log2f(x);
}
template <class A>
inline constexpr A log_of_two = static_cast<A>(0.69314718055994530942);
template <class A>
inline constexpr A infinity = std::numeric_limits<A>::infinity();

/// The tile and head of a block. The last tiles come first: in causal attention they have the most keys.
struct HeadTile {
  Index tile, head;
  constexpr HeadTile(Index block, Index tiles) : tile(tiles - 1 - block % tiles), head(block / tiles) {}
};

/// scale · s + mask in units of log 2, or −∞ for keys from `seen` on.
template <class T>
__device__ inline Wide<T> scored(Wide<T> s, Wide<T> scale, const ScoreMask<T>& mask, int query, int key, int seen) {
  if (key >= seen) return -infinity<Wide<T>>;
  const Wide<T> score = s * scale;
  return mask.data == nullptr ? score : score + static_cast<Wide<T>>(mask(query)[key]) / log_of_two<Wide<T>>;
}

template <class T, class Tiles>
__global__ void __launch_bounds__(Tiles::threads) attention(AttentionWork<T> work, HeadRows<T> out) {
  using A = Wide<T>;
  using Scores = typename Tiles::Scores;
  constexpr int lines = Scores::lines;
  const AttentionGeometry& g = work.geometry;
  const HeadTile at(blockIdx.x, (g.queries + Tiles::rows - 1) / Tiles::rows);
  const AttentionRows<const T> x = work.x.of(at.head / g.heads, at.head % g.heads);
  const ScoreMask<T> mask = work.mask.of(at.head / g.heads, at.head % g.heads);
  const int first = static_cast<int>(at.tile) * Tiles::rows, slab = static_cast<int>(blockIdx.y) * Tiles::width;
  const int chunks = static_cast<int>(gridDim.y), any = work.seen(first + Tiles::rows - 1);
  const A scale = static_cast<A>(g.scale) / log_of_two<A>;

  T* const queries = shared<T>();
  T *const keys = queries + Tiles::row_size, *const values = keys + Tiles::column_size;
  T* const weights = values + Tiles::column_size;

  Scores s;
  typename Tiles::Outputs y;
  y.clear();
  A largest[lines], total[lines];
  int seen[lines];
#pragma unroll
  for (int i = 0; i < lines; ++i) {
    largest[i] = std::numeric_limits<A>::lowest(), total[i] = 0;  // finite, so that −∞ − largest is −∞
    seen[i] = first + Scores::row(i) < g.queries ? work.seen(first + Scores::row(i)) : 0;
  }
  for (int key = 0; key < any; key += Tiles::columns) {
    s.clear();
    for (int chunk = 0; chunk < chunks; ++chunk) {
      __syncthreads();  // all threads have read the previous tiles
      if (chunks > 1 || key == 0) {
        Tiles::template read<Tiles::rows>(queries, x.q, first, g.queries, chunk * Tiles::width, g.width, work.packed);
      }
      Tiles::template read<Tiles::columns>(keys, x.k, key, g.keys, chunk * Tiles::width, g.width, work.packed);
      if (chunk == 0) Tiles::template read<Tiles::columns>(values, x.v, key, g.keys, slab, g.width, work.packed);
      __syncthreads();
      s.template multiply<Tiles::width, Inner::depth, Inner::depth>({queries, Tiles::pitch}, {keys, Tiles::pitch});
    }
#pragma unroll
    for (int i = 0; i < lines; ++i) {
      A most = largest[i], sum = 0;
#pragma unroll
      for (int j = 0; j < Scores::line; ++j) {
        s(i, j) = scored<T>(s(i, j), scale, mask, first + Scores::row(i), key + Scores::column(j), seen[i]);
        most = s(i, j) > most ? s(i, j) : most;
      }
      most = across_row<Scores>(most, [](A a, A b) { return a > b ? a : b; });
#pragma unroll
      for (int j = 0; j < Scores::line; ++j) sum += s(i, j) = power_of_two(s(i, j) - most);
      const A shrink = power_of_two(largest[i] - most);
      largest[i] = most, total[i] = total[i] * shrink + sum;
#pragma unroll
      for (int j = 0; j < Tiles::Outputs::line; ++j) y(i, j) *= shrink;
    }
    Tiles::write_weights(weights, [&](int i, int j) { return s(i, j); });
    y.template multiply<Tiles::columns, Inner::depth, Inner::side>({weights, Tiles::weight_pitch},
                                                                   {values, Tiles::pitch});
  }
#pragma unroll
  for (int i = 0; i < lines; ++i) {
    const A sum = across_row<Scores>(total[i], [](A a, A b) { return a + b; });
    const int query = first + Scores::row(i);
    if (query >= g.queries) continue;
    if (slab == 0 && Scores::column(0) == 0) {
      work.log_sums[at.head * g.queries + query] = sum == 0 ? infinity<A> : (largest[i] + log_two(sum)) * log_of_two<A>;
    }
    T* const to = out.of(at.head / g.heads, at.head % g.heads)(query);
#pragma unroll
    for (int j = 0; j < Tiles::Outputs::line; ++j) {
      const int d = slab + Tiles::Outputs::column(j);
      if (d < g.width) to[d] = static_cast<T>(sum == 0 ? A(0) : y(i, j) / sum);
    }
  }
}

/// Writes sums · factor to components [slab, slab + Width) of rows [first, …) of a head.
template <class T, class Tiles>
__device__ void store_rows(typename Tiles::Outputs& sums, const HeadRows<T>& head, int first, Index rows, int slab,
                           Index width, Wide<T> factor) {
#pragma unroll
  for (int i = 0; i < Tiles::Outputs::lines; ++i) {
    const int row = first + Tiles::Outputs::row(i);
    if (row >= rows) continue;
    T* const to = head(row);
#pragma unroll
    for (int j = 0; j < Tiles::Outputs::line; ++j) {
      const int d = slab + Tiles::Outputs::column(j);
      if (d < width) to[d] = static_cast<T>(sums(i, j) * factor);
    }
  }
}

/// Calls f.template operator()<Fast, Width>() with the tile width for heads of `width`.
template <class T, class F>
void with_width(Index width, const F& f) {
  with_arithmetic<T>([&]<bool Fast> {
    if constexpr (sizeof(T) == 8) f.template operator()<Fast, 32>();
    else if (width <= 32) f.template operator()<Fast, 32>();
    else if (sizeof(T) == 4 || width <= 64) f.template operator()<Fast, 64>();
    else if constexpr (sizeof(T) == 2) f.template operator()<Fast, 128>();
  });
}

/// One block for each tile of `rows` rows, head and slab.
/// @throws Error  if there are too many of them, or too many queries or keys
template <class Tiles>
dim3 attention_grid(const AttentionGeometry& g, Index rows) {
  const Index blocks = (rows + Tiles::rows - 1) / Tiles::rows * g.batch * g.heads,
              slabs = (g.width + Tiles::width - 1) / Tiles::width;
  const Index most = (Index{1} << 31) - 128;
  require(blocks < most && slabs < 65536 && g.keys < most && g.queries < most, "attention: ", g.queries,
          " queries and ", g.keys, " keys of ", g.batch * g.heads, " heads are too many");
  return dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(slabs));
}

}  // namespace detail

/// y = softmax(scale · q·kᵀ + mask)·v for every sample and head, and the logarithms of the softmax's denominators.
/// @throws Error  if there are too many heads, queries or keys for one launch
template <class T>
void attention(const AttentionWork<T>& work, const HeadRows<T>& y) {
  detail::with_width<T>(work.geometry.width, [&]<bool Fast, int Width> {
    using Tiles = AttentionTiles<T, Fast, sizeof(T) == 8 ? 32 : 64, Width>;
    constexpr std::size_t shared_bytes = (Tiles::row_size + 2 * Tiles::column_size + Tiles::weight_size) * sizeof(T);
    launch(detail::attention<T, Tiles>, detail::attention_grid<Tiles>(work.geometry, work.geometry.queries),
           Tiles::threads, shared_bytes, work, y);
  });
}

}  // namespace flipbook::cuda
