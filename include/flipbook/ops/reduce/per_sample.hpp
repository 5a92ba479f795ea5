// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Σ over all axes but the first, the batch: (N, …) → (N).
/// @throws Error  if x has no axis
template <Operand X>
auto sum_per_sample(const X& x) {
  const Shape& shape = x.shape();
  require(shape.rank() > 0, "sum_per_sample: a single number has no samples");
  return sum(reshape(x, Shape{shape[0], shape.part(1, shape.rank()).size()}), {1}, true);
}

}  // namespace flipbook
