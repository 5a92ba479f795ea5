// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The extents of an attention.
struct AttentionGeometry {
  Index batch = 1, heads = 1, queries = 0, keys = 0;
  Index width = 0;         ///< of one head
  Index causal_block = 0;  ///< tokens that attend to each other and to all before them; 0: every key is visible
  double scale = 1;

  /// The number of leading keys visible to query i. The last query is aligned with the last key.
  constexpr Index visible(Index i) const noexcept {
    if (causal_block == 0) return keys;
    const Index place = i + keys - queries;
    return place < 0 ? 0 : std::min(keys, (place / causal_block + 1) * causal_block);
  }
  /// The multiply-adds of `products` products of queries with their visible keys, or of scores with the values.
  constexpr Index multiply_adds(Index products) const noexcept {
    Index seen = 0;
    for (Index i = 0; i < queries; ++i) seen += visible(i);
    return products * batch * heads * seen * width;
  }
};

/// Rows of one tensor for every sample and head; element (n, i, h, d) at n·sample + i·row + h·head + d.
template <class T>
struct HeadRows {
  T* data = nullptr;
  Index sample = 0, row = 0, head = 0;
  constexpr HeadRows of(Index n, Index h) const { return {data + n * sample + h * head, sample, row, head}; }
  constexpr T* operator()(Index i) const { return data + i * row; }
};

/// The mask that is added to a head's scores, with that of query i and key j at i·row + j; null: none.
template <class T>
using ScoreMask = HeadRows<const T>;

/// The queries, keys and values, or their gradients.
template <class T>
struct AttentionRows {
  HeadRows<T> q, k, v;
  constexpr AttentionRows of(Index n, Index h) const { return {q.of(n, h), k.of(n, h), v.of(n, h)}; }
};

}  // namespace flipbook
