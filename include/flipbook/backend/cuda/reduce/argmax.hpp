// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>

#include <flipbook/backend/cuda/reduce/rows.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// index[r] = the index of the first largest element of row r, or of the first smallest. NaN counts as larger, or
/// smaller, than any number. The first pass finds the value, the second its first index.
template <bool largest, class T>
__global__ void __launch_bounds__(RowPlan::most_threads)
    arg_extreme(RowPlan plan, const T* __restrict__ x, std::int32_t* __restrict__ index) {
  using A = Wide<T>;
  const RowThread<1> at(plan);
  x += at.row * plan.n;
  const auto further = [](A a, A b) {
    if (a != a || b != b) return a != a ? a : b;
    return (largest ? b > a : b < a) ? b : a;
  };
  A best = largest ? -std::numeric_limits<A>::infinity() : std::numeric_limits<A>::infinity();
  at.each([&](Index i) { best = further(best, static_cast<A>(x[i])); });
  best = at.all(best, further);
  int place = static_cast<int>(plan.n);
  at.each([&](Index i) {
    const A v = static_cast<A>(x[i]);
    if (i < place && (v == best || (v != v && best != best))) place = static_cast<int>(i);
  });
  place = at.all(place, [](int a, int b) { return b < a ? b : a; });
  if (at.inside && at.lane == 0) index[at.row] = place;
}

}  // namespace flipbook::cuda
