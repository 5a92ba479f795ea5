// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/backend/cuda/random/random.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// y = x · scale where the element's random word is at least `threshold`, and 0 elsewhere. Element
/// 4·Blocks·r + Blocks·w + i reads word w of block Blocks·r + i of the stream: a thread draws one block for four
/// elements, and neighbouring threads serve adjacent elements.
template <int Blocks, class T>
__global__ void dropout(Draws draws, std::uint32_t threshold, Wide<T> scale, Index size, const T* __restrict__ x,
                        T* __restrict__ y) {
  const Rng stream = draws.stream();
  const Index runs = (size + 4 * Blocks - 1) / (4 * Blocks);
  each_pack<1>(runs * Blocks, [&](Index block) {
    const Index first = block / Blocks * (4 * Blocks) + block % Blocks;
    const auto words = stream.block(static_cast<std::uint64_t>(block));
#pragma unroll
    for (int w = 0; w < 4; ++w) {
      const Index i = first + w * Blocks;
      if (i >= size) break;
      const auto kept = static_cast<Wide<T>>(x[i]) * scale;
      y[i] = words[static_cast<std::size_t>(w)] < threshold ? T(0) : static_cast<T>(kept);
    }
  });
}

}  // namespace flipbook::cuda
