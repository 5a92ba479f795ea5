// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/attention/attention.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Queries per step of the backward pass over a tile of keys, and keys per tile.
inline constexpr Index query_rows = 64;
template <Real T>
inline constexpr Index key_lanes = panel_columns<T>;

/// Copies a row to whole vectors, padded with zeros.
template <Real T>
void copy_row(const T* from, Index width, T* to) {
  Index d = 0;
  for (; d + lanes<T> <= width; d += lanes<T>) Simd<T>::load_unaligned(from + d).store_unaligned(to + d);
  if (d < width) load_part(from + d, width - d).store_unaligned(to + d);
}

/// Copies a row from whole vectors.
template <Real T>
void put_row(const T* from, Index width, T* to) {
  Index d = 0;
  for (; d + lanes<T> <= width; d += lanes<T>) Simd<T>::load_unaligned(from + d).store_unaligned(to + d);
  if (d < width) store_part(Simd<T>::load_unaligned(from + d), to + d, width - d);
}

/// The gradient's inputs and outputs for the queries of one head, in consecutive rows of whole vectors, padded with
/// zeros.
template <Real T>
struct GradientRows {
  Index row;
  T *q, *dy, *dq;       ///< (queries, row)
  T *log_sums, *inner;  ///< (queries): to base 2, and rowsum(dY ∘ Y)

  static Index workspace(const AttentionGeometry& g) { return g.queries * (3 * round_up(g.width, lanes<T>) + 2); }

  GradientRows(const AttentionGeometry& g, T* workspace)
      : row(round_up(g.width, lanes<T>)),
        q(workspace),
        dy(q + g.queries * row),
        dq(dy + g.queries * row),
        log_sums(dq + g.queries * row),
        inner(log_sums + g.queries) {}

  void gather(const AttentionGeometry& g, const HeadRows<const T>& from_q, const HeadRows<const T>& from_y,
              const HeadRows<const T>& from_dy, const T* from_log_sums) const {
    for (Index i = 0; i < g.queries; ++i) {
      T *const of_dy = dy + i * row, *const of_y = dq + i * row;
      copy_row(from_q(i), g.width, q + i * row);
      copy_row(from_dy(i), g.width, of_dy);
      copy_row(from_y(i), g.width, of_y);
      Simd<T> products(T(0));
      for (Index d = 0; d < row; d += lanes<T>) {
        products = multiply_add(Simd<T>::load_unaligned(of_dy + d), Simd<T>::load_unaligned(of_y + d), products);
        Simd<T>(T(0)).store_unaligned(of_y + d);
      }
      inner[i] = xsimd::hadd(products);
      log_sums[i] = log2e_v<T> * from_log_sums[i];
    }
  }
};

/// A tile of keys of one head, as lanes, and their gradients. With P = exp(S − log_sums), from recomputed scores:
///
///     dV += Pᵀ·dY,   dS = P ∘ (dY·Vᵀ − rowsum(dY ∘ Y)),   dQ += scale · dS·K,   dK += scale · dSᵀ·Q
template <Real T>
struct KeyTile {
  using V = Simd<T>;
  const AttentionGeometry& geometry;
  const GradientRows<T>& queries;
  Index first, count, lanes_used;  ///< keys; lanes_used: count, rounded up to whole vectors
  T *k_transposed, *v_transposed;  ///< scale · Kᵀ and Vᵀ (D, ·)
  T *k, *dk, *dv;                  ///< (·, row)
  T *weights, *d_scores;           ///< P and scale · dS (queries, ·)

  static Index workspace(const AttentionGeometry& g) {
    return key_lanes<T> * (2 * g.width + 3 * round_up(g.width, lanes<T>) + 2 * query_rows);
  }

  KeyTile(const AttentionGeometry& g, const GradientRows<T>& rows, Index which, T* workspace)
      : geometry(g),
        queries(rows),
        first(which * key_lanes<T>),
        count(std::min(key_lanes<T>, g.keys - first)),
        lanes_used(round_up(count, lanes<T>)),
        k_transposed(workspace),
        v_transposed(k_transposed + lanes_used * g.width),
        k(v_transposed + lanes_used * g.width),
        dk(k + lanes_used * rows.row),
        dv(dk + lanes_used * rows.row),
        weights(dv + lanes_used * rows.row),
        d_scores(weights + lanes_used * query_rows) {}

  void start(const HeadRows<const T>& from_k, const HeadRows<const T>& from_v) const {
    const Index width = geometry.width, row = queries.row;
    transpose_rows(from_k, first, count, width, static_cast<T>(geometry.scale * log2e_v<double>), k_transposed,
                   lanes_used);
    transpose_rows(from_v, first, count, width, T(1), v_transposed, lanes_used);
    for (Index j = 0; j < count; ++j) copy_row(from_k(first + j), width, k + j * row);
    std::fill_n(dk, count * row, T(0));
    std::fill_n(dv, count * row, T(0));
  }
  /// Adds the gradients from queries [query, query + present).
  void add(Index query, Index present, const ScoreMask<T>& mask) const {
    const Index width = geometry.width, row = queries.row;
    const SmallOperand<T> q{queries.q + query * row, row, 1}, dy{queries.dy + query * row, row, 1};
    small_product<T>(q, present, width, {k_transposed, lanes_used}, lanes_used, {weights, lanes_used}, false);
    small_product<T>(dy, present, width, {v_transposed, lanes_used}, lanes_used, {d_scores, lanes_used}, false);
    if (mask.data != nullptr) add_mask(query, present, mask);
    if (geometry.visible(query) < first + count) hide(query, present);
    differentiate(query, present);
    const SmallOperand<T> p{weights, lanes_used, 1}, ds{d_scores, lanes_used, 1};
    small_product<T>(p.transposed(), count, present, {dy.data, row}, row, {dv, row}, true);
    small_product<T>(ds.transposed(), count, present, {q.data, row}, row, {dk, row}, true);
    small_product<T>(ds, present, count, {k, row}, row, {queries.dq + query * row, row}, true);
  }
  void finish(const HeadRows<T>& to_dk, const HeadRows<T>& to_dv) const {
    for (Index j = 0; j < count; ++j) {
      put_row(dk + j * queries.row, geometry.width, to_dk(first + j));
      put_row(dv + j * queries.row, geometry.width, to_dv(first + j));
    }
  }

 private:
  void add_mask(Index query, Index present, const ScoreMask<T>& mask) const {
    for (Index i = 0; i < present; ++i) {
      const T* const added = mask(query + i) + first;
      for (Index j = 0; j < count; ++j) weights[i * lanes_used + j] += log2e_v<T> * added[j];
    }
  }
  /// Sets the scores of keys that are not visible to a query to −∞.
  void hide(Index query, Index present) const {
    for (Index i = 0; i < present; ++i) {
      const Index seen = std::clamp<Index>(geometry.visible(query + i) - first, 0, count);
      std::fill(weights + i * lanes_used + seen, weights + i * lanes_used + count, -std::numeric_limits<T>::infinity());
    }
  }
  /// Replaces S by P, and dY·Vᵀ by scale · dS.
  void differentiate(Index query, Index present) const {
    const V scale(static_cast<T>(geometry.scale));
    for (Index i = 0; i < present; ++i) {
      const V log_sum(queries.log_sums[query + i]), inner(queries.inner[query + i]);
      for (Index at = i * lanes_used; at < (i + 1) * lanes_used; at += lanes<T>) {
        // No weight exceeds 1, however large the rounded scores are.
        const V weight = exp2<T>(math::min(V(T(0)), V::load_unaligned(weights + at) - log_sum));
        weight.store_unaligned(weights + at);
        (scale * weight * (V::load_unaligned(d_scores + at) - inner)).store_unaligned(d_scores + at);
      }
    }
  }
};

template <Real T>
void attend_gradient(const AttentionGeometry& g, const AttentionRows<const T>& x, const ScoreMask<T>& mask,
                     const HeadRows<const T>& y, const HeadRows<const T>& dy, const T* log_sums,
                     const AttentionRows<T>& dx, Index all_keys, T* workspace) {
  const GradientRows<T> queries(g, workspace);
  queries.gather(g, x.q, y, dy, log_sums);
  Index query = 0;
  for (Index which = 0; which < quotient_up(g.keys, key_lanes<T>); ++which) {
    const KeyTile<T> keys(g, queries, which, workspace + GradientRows<T>::workspace(g));
    while (query < g.queries && g.visible(query) <= keys.first) ++query;
    keys.start(x.k, x.v);
    for (Index i = query; i < g.queries; i += query_rows) keys.add(i, std::min(query_rows, g.queries - i), mask);
    keys.finish(dx.k, dx.v);
  }
  for (Index i = 0; i < g.queries; ++i) put_row(queries.dq + i * queries.row, g.width, dx.q(i));
  for (Index j = g.keys; j < all_keys; ++j) {
    std::fill_n(dx.k(j), g.width, T(0));
    std::fill_n(dx.v(j), g.width, T(0));
  }
}

}  // namespace detail

/// The gradients with respect to q, k and v. Parallel over samples and heads; the tiles of keys of a head add to dq in
/// order. Keys from g.keys to `all_keys`, which are visible to no query, have gradient 0.
template <Real T>
void attention_gradient(const AttentionGeometry& g, const AttentionRows<const T>& x, const ScoreMask<T>& mask,
                        const HeadRows<const T>& y, const HeadRows<const T>& dy, const T* log_sums,
                        const AttentionRows<T>& dx, Index all_keys) {
  const PerThread<T> workspaces(detail::GradientRows<T>::workspace(g) + detail::KeyTile<T>::workspace(g));
  parallel_tasks(g.batch * g.heads, [&](Index head) {
    const Index n = head / g.heads, h = head % g.heads;
    detail::fetch_head(g, head + 1, {&x.q, &y, &dy}, {&x.k, &x.v});
    detail::attend_gradient<T>(g, x.of(n, h), mask.of(n, h), y.of(n, h), dy.of(n, h), log_sums + head * g.queries,
                               dx.of(n, h), all_keys, workspaces.mine());
  });
}

}  // namespace flipbook::cpu
