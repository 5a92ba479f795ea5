// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>

#include <flipbook/backend/cpu/gemm/edge_tile.hpp>
#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/backend/cpu/gemm/small_product.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>
#include <flipbook/backend/cpu/simd/exp2.hpp>
#include <flipbook/kernels/attention/geometry.hpp>

/// Attention without the matrix of all queries by all keys: FlashAttention (Dao et al., 2022) on vectors. A tile of
/// queries is transposed, so that its queries are the lanes of a vector. Scores are then rows of keys times a panel,
/// maxima and sums over keys are plain vector operations, and keys and values are read in place. Scores are logarithms
/// to base 2.

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Keys per tile, and queries per tile.
inline constexpr Index key_tile = 64;
template <Real T>
inline constexpr Index query_tile = panel_columns<T>;

using std::numbers::ln2_v, std::numbers::log2e_v;

/// factor · rowsᵀ, as (width, lanes_used), of `count` rows from `first` on; lanes without a row are 0.
template <Real T>
void transpose_rows(const HeadRows<const T>& rows, Index first, Index count, Index width, T factor, T* to,
                    Index lanes_used) {
  transpose(rows(first), rows.row, count, width, to, lanes_used);
  for (Index d = 0; d < width; ++d, to += lanes_used) {
    for (Index i = 0; i < lanes_used; i += lanes<T>)
      (Simd<T>(factor) * Simd<T>::load_unaligned(to + i)).store_unaligned(to + i);
    for (Index i = count; i < lanes_used; ++i) to[i] = T(0);
  }
}

/// Prefetches the next head's rows of queries and of keys, if they fit the first-level cache together with the current
/// head. Without it, short heads wait for memory, since their rows are not one stream.
template <Real T>
[[gnu::always_inline]] inline void fetch_head(const AttentionGeometry& g, Index head,
                                              std::initializer_list<const HeadRows<const T>*> of_queries,
                                              std::initializer_list<const HeadRows<const T>*> of_keys) {
  constexpr Index most = 1024;
  if (head == g.batch * g.heads || std::max(g.queries, g.keys) * g.width > most) return;
  const Index n = head / g.heads, h = head % g.heads;
  for (const auto* rows : of_queries) fetch(rows->of(n, h).data, rows->row, g.queries, g.width);
  for (const auto* rows : of_keys) fetch(rows->of(n, h).data, rows->row, g.keys, g.width);
}

/// A tile of queries of one head, transposed, with their running maximum and sum over keys. Each array has `lanes_used`
/// columns, one lane for each query.
template <Real T>
struct QueryTile {
  using V = Simd<T>;
  const AttentionGeometry& geometry;
  Index first, count, lanes_used;  ///< queries; lanes_used: count, rounded up to whole vectors
  T *transposed, *sums;            ///< scale · Qᵀ and (Σ P·V)ᵀ (D, ·)
  T *limits, *maxima, *totals;     ///< visible keys, maxima of scores, sums of weights (·)

  static Index workspace(const AttentionGeometry& g) { return query_tile<T> * (2 * g.width + 3); }

  QueryTile(const AttentionGeometry& g, Index which, T* workspace)
      : geometry(g),
        first(which * query_tile<T>),
        count(std::min(query_tile<T>, g.queries - first)),
        lanes_used(round_up(count, lanes<T>)),
        transposed(workspace),
        sums(transposed + lanes_used * g.width),
        limits(sums + lanes_used * g.width),
        maxima(limits + lanes_used),
        totals(maxima + lanes_used) {}

  void start(const HeadRows<const T>& q) const {
    transpose_rows(q, first, count, geometry.width, static_cast<T>(geometry.scale * log2e_v<double>), transposed,
                   lanes_used);
    std::fill_n(sums, lanes_used * geometry.width, T(0));
    std::fill_n(totals, lanes_used, T(0));
    std::fill_n(maxima, lanes_used, std::numeric_limits<T>::lowest());  // finite, so that −∞ − maximum is −∞
    for (Index i = 0; i < lanes_used; ++i) {
      limits[i] = static_cast<T>(i < count ? geometry.visible(first + i) : geometry.keys);
    }
  }
  /// Number of keys that are visible to any of these queries.
  Index visible() const { return geometry.visible(first + count - 1); }

  /// Sᵀ for keys [key, key + keys): scaled, masked, and −∞ where a key is not visible to a query.
  void score(const HeadRows<const T>& k, Index key, Index keys, const ScoreMask<T>& mask, T* scores) const {
    small_product<T>({k(key), k.row, 1}, keys, geometry.width, {transposed, lanes_used}, lanes_used,
                     {scores, lanes_used}, false);
    if (mask.data != nullptr) {
      for (Index i = 0; i < count; ++i) {
        const T* const added = mask(first + i) + key;
        for (Index j = 0; j < keys; ++j) scores[j * lanes_used + i] += log2e_v<T> * added[j];
      }
    }
    if (key + keys <= geometry.visible(first)) return;
    const V hidden(-std::numeric_limits<T>::infinity());
    for (Index j = 0; j < keys; ++j) {
      for (Index i = 0; i < lanes_used; i += lanes<T>) {
        T* const at = scores + j * lanes_used + i;
        const auto seen = V(static_cast<T>(key + j)) < V::load_unaligned(limits + i);
        math::select(seen, V::load_unaligned(at), hidden).store_unaligned(at);
      }
    }
  }
  /// Replaces Sᵀ by 2^(S − maximum)ᵀ, with the maximum so far, and rescales the sums to this maximum.
  void exponentiate(Index keys, T* scores) const {
    for (Index i = 0; i < lanes_used; i += lanes<T>) {
      const V before = V::load_unaligned(maxima + i);
      V largest = before, total(T(0));
      for (Index j = 0; j < keys; ++j) largest = math::max(largest, V::load_unaligned(scores + j * lanes_used + i));
      for (Index j = 0; j < keys; ++j) {
        T* const at = scores + j * lanes_used + i;
        const V weight = exp2<T>(V::load_unaligned(at) - largest);
        total += weight;
        weight.store_unaligned(at);
      }
      const V shrink = exp2<T>(before - largest);
      largest.store_unaligned(maxima + i);
      multiply_add(V::load_unaligned(totals + i), shrink, total).store_unaligned(totals + i);
      if (xsimd::all(before == largest)) continue;
      for (Index d = 0; d < geometry.width; ++d) {
        T* const at = sums + d * lanes_used + i;
        (V::load_unaligned(at) * shrink).store_unaligned(at);
      }
    }
  }
  void add_values(const HeadRows<const T>& v, Index key, Index keys, const T* weights) const {
    small_product<T>({v(key), 1, v.row}, geometry.width, keys, {weights, lanes_used}, lanes_used, {sums, lanes_used},
                     true);
  }
  /// Writes the output rows and log Σ exp S; a query without visible keys has 0 and +∞.
  void finish(const HeadRows<T>& y, T* log_sums) const {
    for (Index i = 0; i < lanes_used; i += lanes<T>) {
      const V total = V::load_unaligned(totals + i), factor = V(T(1)) / total;
      const auto none = total == V(T(0));
      const V log_sum = multiply_add(V::load_unaligned(maxima + i), V(ln2_v<T>), math::log(total));
      math::select(none, V(std::numeric_limits<T>::infinity()), log_sum).store_unaligned(totals + i);
      for (Index d = 0; d < geometry.width; ++d) {
        T* const at = sums + d * lanes_used + i;
        math::select(none, V(T(0)), V::load_unaligned(at) * factor).store_unaligned(at);
      }
    }
    std::copy_n(totals, count, log_sums + first);
    transpose(sums, lanes_used, geometry.width, count, y(first), y.row);
  }
};

template <Real T>
void attend(const AttentionGeometry& g, Index which, const AttentionRows<const T>& x, const ScoreMask<T>& mask,
            const HeadRows<T>& y, T* log_sums, T* workspace) {
  const QueryTile<T> queries(g, which, workspace);
  T* const scores = workspace + QueryTile<T>::workspace(g);
  queries.start(x.q);
  for (Index key = 0; key < queries.visible(); key += key_tile) {
    const Index keys = std::min(key_tile, queries.visible() - key);
    queries.score(x.k, key, keys, mask, scores);
    queries.exponentiate(keys, scores);
    queries.add_values(x.v, key, keys, scores);
  }
  queries.finish(y, log_sums);
}

/// Whether attend_one is used: for a single query, such as the next token's, a tile would leave its other lanes empty.
template <Real T>
bool is_one(const AttentionGeometry& g) {
  return g.queries == 1 && g.width % lanes<T> == 0;
}

/// `attend` for a single query. The lanes are the elements of a key, then keys, then the elements of a value.
/// @param workspace  a number for each key, in whole vectors, and the query
template <Real T>
void attend_one(const AttentionGeometry& g, const AttentionRows<const T>& x, const ScoreMask<T>& mask, T* y, T* log_sum,
                T* workspace) {
  using V = Simd<T>;
  const Index keys = g.visible(0), whole = round_up(keys, lanes<T>);
  T *const weights = workspace, *const query = workspace + whole;
  const V unit(static_cast<T>(g.scale * log2e_v<double>));
  for (Index d = 0; d < g.width; d += lanes<T>) (unit * V::load_unaligned(x.q(0) + d)).store_unaligned(query + d);
  T highest = std::numeric_limits<T>::lowest();  // finite, so that −∞ − maximum is −∞
  for (Index j = 0; j < keys; ++j) {
    V sum(T(0));
    for (Index d = 0; d < g.width; d += lanes<T>) {
      sum = multiply_add(V::load_unaligned(query + d), V::load_unaligned(x.k(j) + d), sum);
    }
    weights[j] = xsimd::hadd(sum) + (mask.data == nullptr ? T(0) : log2e_v<T> * mask(0)[j]);
    highest = math::max(weights[j], highest);
  }
  std::fill(weights + keys, weights + whole, -std::numeric_limits<T>::infinity());
  V totals(T(0));
  for (Index j = 0; j < whole; j += lanes<T>) {
    const V weight = exp2<T>(V::load_unaligned(weights + j) - V(highest));
    weight.store_unaligned(weights + j);
    totals += weight;
  }
  const T total = xsimd::hadd(totals);
  const bool any = !(total == T(0));
  small_product<T>({weights, 0, 1}, 1, keys, {x.v.data, x.v.row}, g.width, {y, 0}, false);
  for (Index d = 0; d < g.width; ++d) y[d] = any ? y[d] / total : T(0);
  *log_sum = any ? highest * ln2_v<T> + std::log(total) : std::numeric_limits<T>::infinity();
}

}  // namespace detail

/// y = softmax(scale · q·kᵀ + mask)·v for every sample and head, and log_sums (N, H, queries), the logarithms of the
/// softmax's denominators. Parallel over samples, heads and tiles of queries.
template <Real T>
void attention(const AttentionGeometry& g, const HeadRows<const T>& q, const HeadRows<const T>& k,
               const HeadRows<const T>& v, const ScoreMask<T>& mask, const HeadRows<T>& y, T* log_sums) {
  const Index tiles = quotient_up(g.queries, detail::query_tile<T>);
  const Index of_one = round_up(g.keys, lanes<T>) + g.width;
  const Index of_tile = detail::QueryTile<T>::workspace(g) + detail::key_tile * detail::query_tile<T>;
  const PerThread<T> workspaces(detail::is_one<T>(g) ? of_one : of_tile);
  parallel_tasks(g.batch * g.heads * tiles, [&](Index task) {
    const Index head = task / tiles, n = head / g.heads, h = head % g.heads;
    const Index which = tiles - 1 - task % tiles;  // queries with the most visible keys first
    const AttentionRows<const T> x{q.of(n, h), k.of(n, h), v.of(n, h)};
    if (task % tiles == 0) detail::fetch_head(g, head + 1, {&q}, {&k, &v});
    const HeadRows<T> to = y.of(n, h);
    T* const log_sum = log_sums + head * g.queries;
    if (detail::is_one<T>(g)) detail::attend_one<T>(g, x, mask.of(n, h), to(0), log_sum, workspaces.mine());
    else detail::attend<T>(g, which, x, mask.of(n, h), to, log_sum, workspaces.mine());
  });
}

}  // namespace flipbook::cpu
