#pragma once

#include <flipbook/backend/cpu/attention.hpp>

namespace flipbook::cpu {

namespace detail {

/// One tile of queries of the backward pass. With P = exp(S − log_sums), from the scores once more:
///
///     dV += Pᵀ·dY,   dS = P ∘ (dY·Vᵀ − rowsum(dY ∘ Y)),   dQ = scale · dS·K,   dK += dSᵀ·(scale · Q)
template <Real T>
struct AttentionBackward {
  using V = Simd<T>;
  const QueryTile<T>& tile;
  Index row;                             ///< of straight rows: the width, in whole vectors
  T *dy_turned, *d_scores, *dq_turned;   ///< dYᵀ (D, ·), dSᵀ (keys, ·), dQᵀ (D, ·)
  T *q_rows, *dy_rows;                   ///< scale · Q and dY (queries, D)
  T *log_sums, *inner;                   ///< of the tile's queries (·): rowsum(dY ∘ Y)

  static Index room(const AttentionGeometry& g) {
    return query_tile<T> * (2 * g.width + key_tile + 2 * round_up(g.width, lanes<T>) + 2);
  }

  AttentionBackward(const QueryTile<T>& queries, const HeadRows<const T>& q, const HeadRows<const T>& y,
                    const HeadRows<const T>& dy, const T* head_log_sums, T* room)
      : tile(queries),
        row(round_up(queries.geometry.width, lanes<T>)),
        dy_turned(room),
        d_scores(dy_turned + query_tile<T> * queries.geometry.width),
        dq_turned(d_scores + query_tile<T> * key_tile),
        q_rows(dq_turned + query_tile<T> * queries.geometry.width),
        dy_rows(q_rows + query_tile<T> * row),
        log_sums(dy_rows + query_tile<T> * row),
        inner(log_sums + query_tile<T>) {
    const Index width = tile.geometry.width;
    tile.turn(dy, T(1), dy_turned);
    std::fill_n(dq_turned, query_tile<T> * width, T(0));
    for (Index i = 0; i < tile.lanes_used; ++i) {
      const bool present = i < tile.count;
      log_sums[i] = present ? head_log_sums[tile.first + i] : std::numeric_limits<T>::infinity();
      inner[i] = T(0);
      if (!present) continue;
      const T *const from_q = q(tile.first + i), *const from_dy = dy(tile.first + i), *const from_y = y(tile.first + i);
      T *const to_q = q_rows + i * row, *const to_dy = dy_rows + i * row;
      for (Index d = 0; d < width; ++d) {
        to_q[d] = static_cast<T>(tile.geometry.scale) * from_q[d];
        to_dy[d] = from_dy[d];
        inner[i] += from_dy[d] * from_y[d];
      }
      std::fill(to_q + width, to_q + row, T(0));
      std::fill(to_dy + width, to_dy + row, T(0));
    }
  }

  /// Sᵀ to Pᵀ, and (dY·Vᵀ)ᵀ to dSᵀ.
  void differentiate(const HeadRows<const T>& v, Index key, Index keys) const {
    const Index n = tile.lanes_used;
    multiply_rows(v(key), v.row, 1, keys, tile.geometry.width, tile.panel(dy_turned), d_scores, n, false);
    for (Index i = 0; i < n; i += lanes<T>) {
      const V log_sum = V::load_unaligned(log_sums + i), mean = V::load_unaligned(inner + i);
      for (Index j = 0; j < keys; ++j) {
        T *const s = tile.scores + j * n + i, *const ds = d_scores + j * n + i;
        const V weight = math::exp(V::load_unaligned(s) - log_sum);
        weight.store_unaligned(s);
        (weight * (V::load_unaligned(ds) - mean)).store_unaligned(ds);
      }
    }
  }
  /// to[j][d] += Σ_i weights[j][i] · rows[i][d] over the tile's queries.
  void add_rows(const T* weights, const T* rows, Index key, Index keys, const HeadRows<T>& to) const {
    for (Index d = 0; d < tile.geometry.width; d += panel_columns<T>) {
      const Panel<T> panel{PanelKind::columns, rows + d, row, std::min(panel_columns<T>, tile.geometry.width - d)};
      multiply_rows(weights, tile.lanes_used, 1, keys, tile.count, panel, to(key) + d, to.row, true);
    }
  }
  void add_queries(const HeadRows<const T>& k, Index key, Index keys) const {
    multiply_rows(k(key), 1, k.row, tile.geometry.width, keys, tile.panel(d_scores), dq_turned, tile.lanes_used, true);
  }
  void finish(const HeadRows<T>& dq) const {
    for (Index i = 0; i < tile.count; ++i) {
      T* const to = dq(tile.first + i);
      for (Index d = 0; d < tile.geometry.width; ++d) {
        to[d] = static_cast<T>(tile.geometry.scale) * dq_turned[d * tile.lanes_used + i];
      }
    }
  }
};

template <Real T>
void attend_gradient(const AttentionGeometry& g, const AttentionRows<const T>& x,
                                       const ScoreMask<T>& mask, const HeadRows<const T>& y, const HeadRows<const T>& dy,
                                       const T* log_sums, const AttentionRows<T>& dx, Index all_keys, T* room) {
  for (Index j = 0; j < all_keys; ++j) {
    std::fill_n(dx.k(j), g.width, T(0));
    std::fill_n(dx.v(j), g.width, T(0));
  }
  for (Index which = 0; which < quotient_up(g.queries, query_tile<T>); ++which) {
    const QueryTile<T> tile(g, which, x.q, room);
    const AttentionBackward<T> backward(tile, x.q, y, dy, log_sums, room + QueryTile<T>::room(g));
    for (Index key = 0; key < tile.visible(); key += key_tile) {
      const Index keys = std::min(key_tile, tile.visible() - key);
      tile.score(x.k, key, keys, mask);
      backward.differentiate(x.v, key, keys);
      backward.add_rows(tile.scores, backward.dy_rows, key, keys, dx.v);
      backward.add_rows(backward.d_scores, backward.q_rows, key, keys, dx.k);
      backward.add_queries(x.k, key, keys);
    }
    backward.finish(dx.q);
  }
}

}  // namespace detail

/// The gradients in q, k and v. Parallel over samples and heads: the queries of a head add to the same keys,
/// in order. Keys from g.keys to `all_keys`, which no query sees, have gradient 0.
template <Real T>
void attention_gradient(const AttentionGeometry& g, const AttentionRows<const T>& x, const ScoreMask<T>& mask,
                        const HeadRows<const T>& y, const HeadRows<const T>& dy, const T* log_sums,
                        const AttentionRows<T>& dx, Index all_keys) {
  const PerThread<T> rooms(detail::QueryTile<T>::room(g) + detail::AttentionBackward<T>::room(g));
  parallel_tasks(g.batch * g.heads, [&](Index head) {
    const Index n = head / g.heads, h = head % g.heads;
    detail::attend_gradient<T>(g, x.of(n, h), mask.of(n, h), y.of(n, h), dy.of(n, h), log_sums + head * g.queries,
                               dx.of(n, h), all_keys, rooms.mine());
  });
}

}  // namespace flipbook::cpu
