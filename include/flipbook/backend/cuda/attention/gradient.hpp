// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/attention/attention.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

/// The gradients of attention. With P = exp(S − log_sums), recomputed from the scores:
///
///     dV = Pᵀ·dY,   dS = P ∘ (dY·Vᵀ − rowsum(dY ∘ Y)),   dQ = scale · dS·K,   dK = scale · dSᵀ·Q
///
/// One kernel loops over keys for a tile of queries, another over queries for a tile of keys. Scores are computed
/// twice, but the order of every sum is fixed.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

template <class T>
struct AttentionGradientWork {
  AttentionWork<T> forward;
  HeadRows<const T> dy;
  const Wide<T>* inner;  ///< rowsum(dY ∘ Y) (N, H, queries)
  Index all_keys;        ///< number of keys that have a gradient
};

/// inner[n, h, i] = Σ_d y[n, i, h, d] · dy[n, i, h, d], one warp for each element.
template <class T>
__global__ void inner_products(AttentionGeometry g, HeadRows<const T> y, HeadRows<const T> dy, Wide<T>* inner) {
  for (Index i = thread_number() / 32; i < g.batch * g.heads * g.queries; i += thread_count() / 32) {
    const Index head = i / g.queries, query = i % g.queries;
    const T *const a = y.of(head / g.heads, head % g.heads)(query), *const b =
                                                                        dy.of(head / g.heads, head % g.heads)(query);
    Wide<T> sum = 0;
    for (Index d = threadIdx.x % 32; d < g.width; d += 32)
      sum += static_cast<Wide<T>>(a[d]) * static_cast<Wide<T>>(b[d]);
    for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, distance);
    if (threadIdx.x % 32 == 0) inner[i] = sum;
  }
}

/// The tiles of both kernels in shared memory: rows are (Q, dY) and columns (K, V), or the reverse.
template <class T, class Tiles>
struct GradientTiles {
  T* const rows = shared<T>();
  T *const row_others = rows + Tiles::row_size, *const columns = row_others + Tiles::row_size;
  T *const column_others = columns + Tiles::column_size, *const weights = column_others + Tiles::column_size;
  static constexpr std::size_t bytes = (2 * Tiles::row_size + 2 * Tiles::column_size + Tiles::weight_size) * sizeof(T);
};

template <class T, class Tiles>
__global__ void __launch_bounds__(Tiles::threads) attention_queries(AttentionGradientWork<T> work, HeadRows<T> dq) {
  using A = Wide<T>;
  using Scores = typename Tiles::Scores;
  constexpr int lines = Scores::lines;
  const AttentionGeometry& g = work.forward.geometry;
  const bool packed = work.forward.packed;
  const HeadTile at(blockIdx.x, (g.queries + Tiles::rows - 1) / Tiles::rows);
  const Index n = at.head / g.heads, h = at.head % g.heads;
  const AttentionRows<const T> x = work.forward.x.of(n, h);
  const HeadRows<const T> dy = work.dy.of(n, h);
  const ScoreMask<T> mask = work.forward.mask.of(n, h);
  const int first = static_cast<int>(at.tile) * Tiles::rows, slab = static_cast<int>(blockIdx.y) * Tiles::width;
  const int chunks = static_cast<int>(gridDim.y), any = work.forward.seen(first + Tiles::rows - 1);
  const A scale = static_cast<A>(g.scale) / log_of_two<A>;

  const GradientTiles<T, Tiles> tiles;
  Scores s, d;
  typename Tiles::Outputs sums;
  sums.clear();
  A log_sum[lines], inner[lines];
  int seen[lines];
#pragma unroll
  for (int i = 0; i < lines; ++i) {
    const int query = first + Scores::row(i);
    const bool inside = query < g.queries;
    log_sum[i] = inside ? work.forward.log_sums[at.head * g.queries + query] / log_of_two<A> : infinity<A>;
    inner[i] = inside ? work.inner[at.head * g.queries + query] : 0;
    seen[i] = inside ? work.forward.seen(query) : 0;
  }
  for (int key = 0; key < any; key += Tiles::columns) {
    s.clear(), d.clear();
    for (int chunk = 0; chunk < chunks; ++chunk) {
      const Index from = Index{chunk} * Tiles::width;
      __syncthreads();  // all threads have read the previous tiles
      if (chunks > 1 || key == 0) {
        Tiles::template read<Tiles::rows>(tiles.rows, x.q, first, g.queries, from, g.width, packed);
        Tiles::template read<Tiles::rows>(tiles.row_others, dy, first, g.queries, from, g.width, packed);
      }
      Tiles::template read<Tiles::columns>(tiles.columns, x.k, key, g.keys, from, g.width, packed);
      Tiles::template read<Tiles::columns>(tiles.column_others, x.v, key, g.keys, from, g.width, packed);
      __syncthreads();
      s.template multiply<Tiles::width, Inner::depth, Inner::depth>({tiles.rows, Tiles::pitch},
                                                                    {tiles.columns, Tiles::pitch});
      d.template multiply<Tiles::width, Inner::depth, Inner::depth>({tiles.row_others, Tiles::pitch},
                                                                    {tiles.column_others, Tiles::pitch});
    }
    if (chunks > 1) {
      __syncthreads();
      Tiles::template read<Tiles::columns>(tiles.columns, x.k, key, g.keys, slab, g.width, packed);
      __syncthreads();
    }
    Tiles::write_weights(tiles.weights, [&](int i, int j) {
      const A score = scored<T>(s(i, j), scale, mask, first + Scores::row(i), key + Scores::column(j), seen[i]);
      return power_of_two(score - log_sum[i]) * (d(i, j) - inner[i]);
    });
    sums.template multiply<Tiles::columns, Inner::depth, Inner::side>({tiles.weights, Tiles::weight_pitch},
                                                                      {tiles.columns, Tiles::pitch});
  }
  store_rows<T, Tiles>(sums, dq.of(n, h), first, g.queries, slab, g.width, static_cast<A>(g.scale));
}

template <class T, class Tiles>
__global__ void __launch_bounds__(Tiles::threads, 1)  // one block without register spills, rather than two
    attention_keys(AttentionGradientWork<T> work, HeadRows<T> dk, HeadRows<T> dv) {
  using A = Wide<T>;
  using Scores = typename Tiles::Scores;
  const AttentionGeometry& g = work.forward.geometry;
  const bool packed = work.forward.packed;
  const HeadTile at(blockIdx.x, (work.all_keys + Tiles::rows - 1) / Tiles::rows);
  const Index n = at.head / g.heads, h = at.head % g.heads;
  const AttentionRows<const T> x = work.forward.x.of(n, h);
  const HeadRows<const T> dy = work.dy.of(n, h);
  const ScoreMask<T> mask = work.forward.mask.of(n, h);
  const int first = static_cast<int>(at.tile) * Tiles::rows, slab = static_cast<int>(blockIdx.y) * Tiles::width;
  const int chunks = static_cast<int>(gridDim.y);
  const A scale = static_cast<A>(g.scale) / log_of_two<A>;

  const GradientTiles<T, Tiles> tiles;
  Scores s, d;
  typename Tiles::Outputs by_key, by_value;
  by_key.clear(), by_value.clear();
  bool begun = false;
  for (int query = 0; query < g.queries; query += Tiles::columns) {
    if (work.forward.seen(query + Tiles::columns - 1) <= first) continue;  // none of these keys is visible
    s.clear(), d.clear();
    for (int chunk = 0; chunk < chunks; ++chunk) {
      const Index from = Index{chunk} * Tiles::width;
      __syncthreads();  // all threads have read the previous tiles
      if (chunks > 1 || !begun) {
        Tiles::template read<Tiles::rows>(tiles.rows, x.k, first, g.keys, from, g.width, packed);
        Tiles::template read<Tiles::rows>(tiles.row_others, x.v, first, g.keys, from, g.width, packed);
      }
      Tiles::template read<Tiles::columns>(tiles.columns, x.q, query, g.queries, from, g.width, packed);
      Tiles::template read<Tiles::columns>(tiles.column_others, dy, query, g.queries, from, g.width, packed);
      __syncthreads();
      s.template multiply<Tiles::width, Inner::depth, Inner::depth>({tiles.rows, Tiles::pitch},
                                                                    {tiles.columns, Tiles::pitch});
      d.template multiply<Tiles::width, Inner::depth, Inner::depth>({tiles.row_others, Tiles::pitch},
                                                                    {tiles.column_others, Tiles::pitch});
    }
    begun = true;
    if (chunks > 1) {
      __syncthreads();
      Tiles::template read<Tiles::columns>(tiles.columns, x.q, query, g.queries, slab, g.width, packed);
      Tiles::template read<Tiles::columns>(tiles.column_others, dy, query, g.queries, slab, g.width, packed);
      __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < Scores::line; ++j) {
      const int column = query + Scores::column(j);
      const bool inside = column < g.queries;
      const A log_sum = inside ? work.forward.log_sums[at.head * g.queries + column] / log_of_two<A> : infinity<A>;
      const A inner = inside ? work.inner[at.head * g.queries + column] : 0;
      const int seen = inside ? work.forward.seen(column) : 0;
#pragma unroll
      for (int i = 0; i < Scores::lines; ++i) {
        s(i, j) = power_of_two(scored<T>(s(i, j), scale, mask, column, first + Scores::row(i), seen) - log_sum);
        d(i, j) = s(i, j) * (d(i, j) - inner);
      }
    }
    Tiles::write_weights(tiles.weights, [&](int i, int j) { return s(i, j); });
    by_value.template multiply<Tiles::columns, Inner::depth, Inner::side>({tiles.weights, Tiles::weight_pitch},
                                                                          {tiles.column_others, Tiles::pitch});
    Tiles::write_weights(tiles.weights, [&](int i, int j) { return d(i, j); });
    by_key.template multiply<Tiles::columns, Inner::depth, Inner::side>({tiles.weights, Tiles::weight_pitch},
                                                                        {tiles.columns, Tiles::pitch});
  }
  store_rows<T, Tiles>(by_key, dk.of(n, h), first, work.all_keys, slab, g.width, static_cast<A>(g.scale));
  store_rows<T, Tiles>(by_value, dv.of(n, h), first, work.all_keys, slab, g.width, A(1));
}

}  // namespace detail

/// The gradients with respect to q, k and v; 0 for keys from geometry.keys to `all_keys`, which no query attends to.
template <class T>
void attention_gradient(const AttentionWork<T>& forward, const HeadRows<const T>& y, const HeadRows<const T>& dy,
                        const AttentionRows<T>& dx, Index all_keys) {
  const AttentionGeometry& g = forward.geometry;
  const Index rows = g.batch * g.heads * g.queries;
  const Scratch<Wide<T>> inner(rows);
  launch(detail::inner_products<T>, blocks_for(rows, block_threads / 32), block_threads, 0, g, y, dy, inner.data());
  const detail::AttentionGradientWork<T> work{forward, dy, inner.data(), all_keys};
  detail::with_width<T>(g.width, [&]<bool Fast, int Width> {
    using Tiles = AttentionTiles<T, Fast, sizeof(T) == 8 || Width == 128 ? 32 : 64, Width>;
    constexpr std::size_t shared_bytes = detail::GradientTiles<T, Tiles>::bytes;
    launch(detail::attention_queries<T, Tiles>, detail::attention_grid<Tiles>(g, g.queries), Tiles::threads,
           shared_bytes, work, dx.q);
    launch(detail::attention_keys<T, Tiles>, detail::attention_grid<Tiles>(g, all_keys), Tiles::threads, shared_bytes,
           work, dx.k, dx.v);
  });
}

}  // namespace flipbook::cuda
