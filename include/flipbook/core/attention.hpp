#pragma once

#include <algorithm>

#include <flipbook/core/scalar.hpp>

namespace flipbook {

/// An attention worked out for given extents.
struct AttentionGeometry {
  Index batch = 1, heads = 1, queries = 0, keys = 0;
  Index width = 0;         ///< of one head
  Index causal_block = 0;  ///< tokens that see each other and all before them; 0: every key is seen
  double scale = 1;

  /// How many keys query i may see: the first so many. The last query stands beside the last key.
  Index visible(Index i) const noexcept {
    if (causal_block == 0) return keys;
    const Index place = i + keys - queries;
    return place < 0 ? 0 : std::min(keys, (place / causal_block + 1) * causal_block);
  }
};

}  // namespace flipbook
