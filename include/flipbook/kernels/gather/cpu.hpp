// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/gather/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

// Rows are those of the last axis of x; an index is a position in a row.

inline constexpr Index rows_grain = 256;

/// The position of the first index outside [0, count), or the number of indices.
inline Index first_out_of_range(Cpu, const Tensor<std::int32_t, Cpu>& indices, Index count) {
  const auto stray = [=](std::int32_t i) { return i < 0 || i >= count; };
  return std::find_if(indices.begin(), indices.end(), stray) - indices.begin();
}

/// y[r, j] = x[r, index[r, j]]
template <class T>
void take_along_axis(Cpu, const Tensor<T, Cpu>& x, const Tensor<std::int32_t, Cpu>& index, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) {
    from_library<"take_along_axis">(take_along_axis<T>)(Cpu{}, x, index, y);
  } else {
    const Index width = x.extent(-1), each = places_of_each_row(x, index);
    parallel_for(index.size(), rows_grain, [&, out = y.data()](Index first, Index last) {
      for (Index i = first; i < last; ++i) out[i] = x.data()[i / each * width + index.data()[i]];
    });
  }
}

/// x = 0, then x[r, index[r, j]] += y[r, j] in the order of j.
template <class T>
void scatter(Cpu, const Tensor<T, Cpu>& y, const Tensor<std::int32_t, Cpu>& index, Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) {
    from_library<"scatter">(scatter<T>)(Cpu{}, y, index, x);
  } else {
    const Index width = x.extent(-1), each = places_of_each_row(x, index), rows = x.size() / std::max<Index>(1, width);
    parallel_for(rows, rows_grain, [&, out = x.data()](Index first, Index last) {
      std::fill(out + first * width, out + last * width, T(0));
      for (Index r = first; r < last; ++r) {
        for (Index i = r * each; i < (r + 1) * each; ++i) out[r * width + index.data()[i]] += y.data()[i];
      }
    });
  }
}

/// index[r] = i with probability exp(x[r, i]) / Σ exp(x[r]). Row r draws from the stream's block r.
template <class T>
void sample_categorical(Cpu, const Tensor<T, Cpu>& x, const Rng& stream, Tensor<std::int32_t, Cpu>& index) {
  if constexpr (compiled<T>) {
    from_library<"sample_categorical">(sample_categorical<T>)(Cpu{}, x, stream, index);
  } else {
    parallel_for(index.size(), rows_grain, [&, width = x.extent(-1), out = index.data()](Index first, Index last) {
      for (Index r = first; r < last; ++r) {
        const T* const row = x.data() + r * width;
        const T top = *std::max_element(row, row + width);
        const auto weight = [&](Index i) { return std::exp(static_cast<double>(row[i] - top)); };
        double total = 0;
        for (Index i = 0; i < width; ++i) total += weight(i);
        double left = Rng::unit_pair(stream.block(static_cast<std::uint64_t>(r)))[0] * total;
        Index chosen = 0, likely = 0;  // rounding may leave a remainder: then the last possible class
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
}

}  // namespace flipbook::kernel
