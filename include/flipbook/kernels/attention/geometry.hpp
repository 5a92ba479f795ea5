// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// An attention worked out for given extents.
struct AttentionGeometry {
  Index batch = 1, heads = 1, queries = 0, keys = 0;
  Index width = 0;         ///< of one head
  Index causal_block = 0;  ///< tokens that see each other and all before them; 0: every key is seen
  double scale = 1;

  /// How many keys query i may see: the first so many. The last query stands beside the last key.
  constexpr Index visible(Index i) const noexcept {
    if (causal_block == 0) return keys;
    const Index place = i + keys - queries;
    return place < 0 ? 0 : std::min(keys, (place / causal_block + 1) * causal_block);
  }
  /// Of so many products of queries with the keys, or of scores with the values, that they may see.
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

/// What is added to the score of query i and key j of a head: at i·row + j; null: nothing.
template <class T>
using ScoreMask = HeadRows<const T>;

/// Tensors of attention, or gradients in them.
template <class T>
struct AttentionRows {
  HeadRows<T> q, k, v;
  constexpr AttentionRows of(Index n, Index h) const { return {q.of(n, h), k.of(n, h), v.of(n, h)}; }
};

}  // namespace flipbook
