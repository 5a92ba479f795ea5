// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Each element along `axis` repeated `repeats` times, as torch.repeat_interleave: (…, E, …) → (…, E · repeats, …).
/// @throws Error  if the axis is not one of x, or `repeats` is below 1
template <Operand X>
auto repeat_interleave(const X& x, Index repeats, int axis = 0) {
  const Shape& from = x.shape();
  const auto at = static_cast<int>(from.place(axis));
  require(repeats > 0, "repeat_interleave: ", repeats, " repeats of ", from, "; needs at least 1");
  const Index outer = from.part(0, at).size(), inner = from.part(at + 1, from.rank()).size();
  const auto once = reshape(x, Shape{outer * from[at], 1, inner});
  const auto repeated = broadcast_to(once, {outer * from[at], repeats, inner});
  Shape to = from;
  to[at] *= repeats;
  return reshape(repeated, to);  // (…, E · repeats, …)
}

}  // namespace flipbook
