#pragma once

#include <algorithm>
#include <cmath>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::kernel {

// Rows are those of the last axis of x; an index is a place in a row.

inline constexpr Index rows_grain = 256;

/// Whether every index is a place in a row of `width`.
inline bool all_below(Cpu, const Tensor<std::int32_t, Cpu>& index, Index width) {
  return std::all_of(index.begin(), index.end(), [=](std::int32_t i) { return 0 <= i && i < width; });
}

/// y[r] = x[r, index[r]]
template <class T>
void pick(Cpu, const Tensor<T, Cpu>& x, const Tensor<std::int32_t, Cpu>& index, Tensor<T, Cpu>& y) {
  parallel_for(index.size(), rows_grain, [&, width = x.extent(-1), out = y.data()](Index first, Index last) {
    for (Index r = first; r < last; ++r) out[r] = x.data()[r * width + index.data()[r]];
  });
}

/// x[r, index[r]] = y[r], and zero elsewhere.
template <class T>
void place(Cpu, const Tensor<T, Cpu>& y, const Tensor<std::int32_t, Cpu>& index, Tensor<T, Cpu>& x) {
  parallel_for(index.size(), rows_grain, [&, width = x.extent(-1), out = x.data()](Index first, Index last) {
    std::fill(out + first * width, out + last * width, T(0));
    for (Index r = first; r < last; ++r) out[r * width + index.data()[r]] = y.data()[r];
  });
}

/// index[r] = i with probability exp(x[r, i]) / Σ exp(x[r]). Row r draws from the stream's block r.
template <class T>
void draw(Cpu, const Tensor<T, Cpu>& x, const Rng& stream, Tensor<std::int32_t, Cpu>& index) {
  parallel_for(index.size(), rows_grain, [&, width = x.extent(-1), out = index.data()](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T* const row = x.data() + r * width;
      const T top = *std::max_element(row, row + width);
      const auto weight = [&](Index i) { return std::exp(static_cast<double>(row[i] - top)); };
      double total = 0;
      for (Index i = 0; i < width; ++i) total += weight(i);
      double left = Rng::unit_pair(stream.block(static_cast<std::uint64_t>(r)))[0] * total;
      Index chosen = 0, likely = 0;  // rounding may leave a little after the last: then the last that can be
      for (; chosen < width; ++chosen) {
        const double w = weight(chosen);
        if (w > 0) likely = chosen;
        if (left < w) break;
        left -= w;
      }
      out[r] = static_cast<std::int32_t>(chosen < width ? chosen : likely);
    }
  });
}

}  // namespace flipbook::kernel
