#pragma once

#include <flipbook/core/parallel.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::kernel {

/// y = x · scale where the element's random word is at least `threshold`, and 0 elsewhere. Element i reads
/// word i mod 4 of block i / 4 of the stream.
template <class T>
void dropout(Cpu, const Rng& stream, std::uint32_t threshold, T scale, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  const Index blocks = (x.size() + 3) / 4;
  parallel_for(blocks, 1024, [&, in = x.data(), out = y.data(), size = x.size()](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const auto words = stream.block(static_cast<std::uint64_t>(i));
      for (Index j = 4 * i; j < std::min(size, 4 * i + 4); ++j) {
        out[j] = words[static_cast<std::size_t>(j % 4)] < threshold ? T(0) : in[j] * scale;
      }
    }
  });
}

}  // namespace flipbook::kernel
