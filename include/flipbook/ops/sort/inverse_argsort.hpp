// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/sort/sort.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The index of each element of a row of the last axis in the sorted row, ascending: (…, K) → (…, K). The sort is
/// stable; no element may be NaN. It is the inverse permutation of `argsort`, on any backend: devices compare all pairs
/// of elements, with (…, K, K) in memory, and do not involve the host.
/// @throws Error  if x is a single number
template <Real T, class B>
Tensor<std::int32_t, B> inverse_argsort(const Tensor<T, B>& x) {
  require(x.rank() > 0, "inverse_argsort: a single number has no axis to sort along");
  using W = Wide<T>;  // 16-bit scalars cannot represent all counts
  const Index count = x.extent(-1);
  const Tensor<W, B> places = arange<W, B>(count);  // (K)
  if constexpr (std::is_same_v<B, Cpu>) {
    const Tensor<W> each = detail::expanded(places, x.shape());                     // (…, K)
    return cast<std::int32_t>(Scatter<Cpu>{argsort(cast<W>(x)), x.shape()}(each));  // (…, K)
  } else {
    Shape one = x.shape(), other = x.shape().with_tail(1, {1, count});
    one.push_back(1);
    const auto here = cast<W>(x).reshape(one), there = cast<W>(x).reshape(other);  // (…, K, 1) and (…, 1, K)
    const auto earlier = less(places, places.reshape({count, 1}));                 // (K, K)
    const auto before = less(there, here) + equal(there, here) * earlier;          // (…, K, K)
    return cast<std::int32_t>(sum(before, {x.rank()}, true));                      // (…, K)
  }
}

}  // namespace flipbook
