// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/core/philox.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/dropout/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y = x · scale where the element's random word is at least `threshold`, and 0 elsewhere. Element
/// 64·r + 16·w + i reads word w of block 16·r + i of the stream.
template <class T>
void dropout(Cpu, const Rng& stream, std::uint32_t threshold, T scale, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) {
    from_library<"dropout">(dropout<T>)(Cpu{}, stream, threshold, scale, x, y);
  } else {
    constexpr Index blocks = dropout_run / 4;
    const Index size = x.size(), runs = (size + dropout_run - 1) / dropout_run;
    parallel_for(runs, 64, [&, in = x.data(), out = y.data()](Index first, Index last) {
      for (Index run = first; run < last; ++run) {
        const auto words = philox_blocks<blocks>(stream, static_cast<std::uint64_t>(run * blocks));
        for (Index w = 0; w < 4; ++w) {
          const auto& word = words[static_cast<std::size_t>(w)];
          const Index from = run * dropout_run + w * blocks, count = std::clamp<Index>(size - from, 0, blocks);
          for (Index i = 0; i < count; ++i) {
            const T kept = in[from + i] * scale;
            out[from + i] = word[static_cast<std::size_t>(i)] < threshold ? T(0) : kept;
          }
        }
      }
    });
  }
}

}  // namespace flipbook::kernel
