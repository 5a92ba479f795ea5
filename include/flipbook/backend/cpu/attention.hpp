#pragma once

#include <array>
#include <cmath>
#include <limits>

#include <flipbook/backend/cpu/pack.hpp>
#include <flipbook/core/attention.hpp>

/// Attention without the matrix of all queries by all keys: FlashAttention (Dao et al., 2022) on vectors.
/// A tile of queries is turned, so that its queries are the lanes of a vector: scores are then rows of keys
/// times a panel, maxima and sums over keys are plain vector operations, and keys and values are read
/// where they lie.

namespace flipbook::cpu {

namespace detail {

/// Keys that are worked on at a time.
inline constexpr Index key_tile = 64;
/// Queries of a tile.
template <Real T>
inline constexpr Index query_tile = panel_columns<T>;

/// to[i][j] (+)= Σ_p left[i·row + p·step] · panel[p][j]  for `rows` rows.
template <Real T>
void multiply_rows(const T* left, Index row, Index step, Index rows, Index length, const Panel<T>& panel, T* to,
                   Index to_row, bool accumulate) {
  for (Index first = 0; first < rows; first += TileShape::rows) {
    const Index present = std::min<Index>(TileShape::rows, rows - first);
    Run<T> run{0, length, {}};
    TileTarget<T> target;
    target.load = accumulate;
    for (Index i = 0; i < TileShape::max_rows; ++i) {
      const Index at = first + std::min(i, present - 1);
      run.rows[static_cast<std::size_t>(i)] = left + at * row;
      target.rows[static_cast<std::size_t>(i)] = to + at * to_row;
    }
    multiply_tile(&run, 1, step, panel, static_cast<int>(present), target);
  }
}

/// Some queries of one head, turned: every array is (…, lanes), with one lane for each query.
template <Real T>
struct QueryTile {
  using V = Simd<T>;
  const AttentionGeometry& geometry;
  Index first, count;               ///< queries
  Index lanes_used;                 ///< rounded up to whole vectors
  T *turned, *scores, *limits;      ///< scale · Qᵀ (D, ·), then Sᵀ (keys, ·), keys seen (·)

  static Index room(const AttentionGeometry& g) { return query_tile<T> * (g.width + key_tile + 1); }

  QueryTile(const AttentionGeometry& g, Index which, const HeadRows<const T>& q, T* room)
      : geometry(g),
        first(which * query_tile<T>),
        count(std::min(query_tile<T>, g.queries - first)),
        lanes_used(round_up(count, lanes<T>)),
        turned(room),
        scores(turned + query_tile<T> * g.width),
        limits(scores + query_tile<T> * key_tile) {
    turn(q, static_cast<T>(g.scale), turned);
    for (Index i = 0; i < lanes_used; ++i) limits[i] = static_cast<T>(i < count ? g.visible(first + i) : g.keys);
  }

  /// rowsᵀ · factor of this tile's queries; lanes without a query hold 0.
  void turn(const HeadRows<const T>& rows, T factor, T* to) const {
    for (Index i = 0; i < lanes_used; ++i) {
      const T* const row = i < count ? rows(first + i) : nullptr;
      for (Index d = 0; d < geometry.width; ++d) to[d * lanes_used + i] = row == nullptr ? T(0) : factor * row[d];
    }
  }
  /// Keys that any of these queries sees.
  Index visible() const { return geometry.visible(first + count - 1); }
  Panel<T> panel(const T* data) const { return {PanelKind::columns, data, lanes_used, lanes_used}; }

  /// Sᵀ for keys [key, key + keys): scaled, masked; −∞ where a query does not see a key.
  void score(const HeadRows<const T>& k, Index key, Index keys, const ScoreMask<T>& mask) const {
    multiply_rows(k(key), k.row, 1, keys, geometry.width, panel(turned), scores, lanes_used, false);
    if (mask.data != nullptr) {
      for (Index i = 0; i < count; ++i) {
        const T* const added = mask(first + i) + key;
        for (Index j = 0; j < keys; ++j) scores[j * lanes_used + i] += added[j];
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
};

/// One tile of queries of the forward pass, its room, and its running maximum and sum over keys.
template <Real T>
struct AttentionForward {
  using V = Simd<T>;
  const QueryTile<T>& tile;
  T *sums, *maxima, *totals, *shrink;  ///< (Σ P·V)ᵀ (D, ·), the others (·)

  static Index room(const AttentionGeometry& g) { return query_tile<T> * (g.width + 3); }

  AttentionForward(const QueryTile<T>& queries, T* room)
      : tile(queries),
        sums(room),
        maxima(sums + query_tile<T> * queries.geometry.width),
        totals(maxima + query_tile<T>),
        shrink(totals + query_tile<T>) {
    std::fill_n(sums, query_tile<T> * tile.geometry.width, T(0));
    std::fill_n(totals, query_tile<T>, T(0));
    std::fill_n(maxima, query_tile<T>, std::numeric_limits<T>::lowest());  // finite, so that −∞ − maximum is −∞
  }

  /// Sᵀ to exp(S − maximum)ᵀ, by the maximum so far.
  void exponentiate(Index keys) const {
    const Index n = tile.lanes_used;
    for (Index i = 0; i < n; i += lanes<T>) {
      const V before = V::load_unaligned(maxima + i);
      V largest = before, total(T(0));
      for (Index j = 0; j < keys; ++j) largest = math::max(largest, V::load_unaligned(tile.scores + j * n + i));
      for (Index j = 0; j < keys; ++j) {
        const V weight = math::exp(V::load_unaligned(tile.scores + j * n + i) - largest);
        total += weight;
        weight.store_unaligned(tile.scores + j * n + i);
      }
      const V factor = math::exp(before - largest);
      factor.store_unaligned(shrink + i);
      largest.store_unaligned(maxima + i);
      (V::load_unaligned(totals + i) * factor + total).store_unaligned(totals + i);
    }
  }
  void add_values(const HeadRows<const T>& v, Index key, Index keys) const {
    const Index n = tile.lanes_used;
    for (Index d = 0; d < tile.geometry.width; ++d) {
      for (Index i = 0; i < n; i += lanes<T>) {
        (V::load_unaligned(sums + d * n + i) * V::load_unaligned(shrink + i)).store_unaligned(sums + d * n + i);
      }
    }
    multiply_rows(v(key), 1, v.row, tile.geometry.width, keys, tile.panel(tile.scores), sums, n, true);
  }
  /// Output rows and logarithms of Σ exp S; a query that saw nothing has 0 and +∞.
  void finish(const HeadRows<T>& y, T* log_sums) const {
    for (Index i = 0; i < tile.count; ++i) {
      const bool any = !(totals[i] == T(0));
      const T factor = any ? T(1) / totals[i] : T(0);
      T* const row = y(tile.first + i);
      for (Index d = 0; d < tile.geometry.width; ++d) row[d] = any ? sums[d * tile.lanes_used + i] * factor : T(0);
      log_sums[tile.first + i] = any ? maxima[i] + std::log(totals[i]) : std::numeric_limits<T>::infinity();
    }
  }
};

template <Real T>
void attend(const AttentionGeometry& g, Index which, const HeadRows<const T>& q,
                              const HeadRows<const T>& k, const HeadRows<const T>& v, const ScoreMask<T>& mask,
                              const HeadRows<T>& y, T* log_sums, T* room) {
  const QueryTile<T> tile(g, which, q, room);
  const AttentionForward<T> forward(tile, room + QueryTile<T>::room(g));
  for (Index key = 0; key < tile.visible(); key += key_tile) {
    const Index keys = std::min(key_tile, tile.visible() - key);
    tile.score(k, key, keys, mask);
    forward.exponentiate(keys);
    forward.add_values(v, key, keys);
  }
  forward.finish(y, log_sums);
}

}  // namespace detail

/// y = softmax(scale · q·kᵀ + mask)·v for every sample and head, and the logarithms of the softmax's
/// denominators (N, H, queries). Parallel over samples, heads and tiles of queries.
template <Real T>
void attention(const AttentionGeometry& g, const HeadRows<const T>& q, const HeadRows<const T>& k,
               const HeadRows<const T>& v, const ScoreMask<T>& mask, const HeadRows<T>& y, T* log_sums) {
  const Index tiles = quotient_up(g.queries, detail::query_tile<T>);
  const PerThread<T> rooms(detail::QueryTile<T>::room(g) + detail::AttentionForward<T>::room(g));
  parallel_tasks(g.batch * g.heads * tiles, [&](Index task) {
    const Index head = task / tiles, n = head / g.heads, h = head % g.heads;
    detail::attend<T>(g, task % tiles, q.of(n, h), k.of(n, h), v.of(n, h), mask.of(n, h), y.of(n, h),
                      log_sums + head * g.queries, rooms.mine());
  });
}

}  // namespace flipbook::cpu
