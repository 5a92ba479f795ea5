// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <flipbook/backend/cuda/random/random.hpp>
#include <flipbook/backend/cuda/reduce/rows.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// y[r, j] = x[r, index[r, j]], with `each` indices for every row; NaN for an index out of range.
template <class T>
__global__ void take_along_axis(Index count, Index each, Index width, const T* x, const std::int32_t* index, T* y) {
  each_pack<1>(count, [&](Index at) {
    const Index i = index[at];
    y[at] = 0 <= i && i < width ? x[at / each * width + i] : static_cast<T>(std::numeric_limits<float>::quiet_NaN());
  });
}

/// x[r, i] = Σ_j y[r, j] over all j < `each` with index[r, j] = i, in order. One thread for each element of x reads all
/// indices of the row.
template <class T>
__global__ void scatter(Index count, Index each, Index width, const T* y, const std::int32_t* index, T* x) {
  each_pack<1>(count, [&](Index at) {
    const Index row = at / width, i = at % width;
    Wide<T> sum(0);
    for (Index j = row * each; j < (row + 1) * each; ++j) {
      if (index[j] == i) sum += static_cast<Wide<T>>(y[j]);
    }
    x[at] = static_cast<T>(sum);
  });
}

/// index[r] = i with probability exp(x[r, i]) / Σ exp(x[r]). Row r draws from the stream's block r; its warp searches
/// for the position at which the running sum exceeds the number drawn, 32 positions at a time.
template <class T>
__global__ void __launch_bounds__(RowPlan::most_threads)
    sample_categorical(RowPlan plan, const T* x, Draws draws, std::int32_t* index) {
  using A = Wide<T>;
  constexpr unsigned all = 0xffffffffU;
  const RowThread<1> at(plan);
  x += at.row * plan.n;
  A top = -std::numeric_limits<A>::infinity();
  const auto larger = [](A a, A b) { return b > a ? b : a; };
  at.each([&](Index i) { top = larger(top, static_cast<A>(x[i])); });
  top = at.all(top, larger);
  const auto weight = [&](Index i) { return std::exp(static_cast<double>(static_cast<A>(x[i]) - top)); };
  const double total = at.template sum_of<double>(weight);
  double left = Rng::unit_pair(draws.stream().block(static_cast<std::uint64_t>(at.row)))[0] * total;
  Index chosen = -1, likely = 0;  // rounding may leave a remainder: then the last possible class
  for (Index first = 0; first < at.n && chosen < 0; first += 32) {
    const double w = first + at.lane < at.n ? weight(first + at.lane) : 0.0;
    double running = w;
    for (int distance = 1; distance < 32; distance *= 2) {
      const double before = __shfl_up_sync(all, running, static_cast<unsigned>(distance));
      if (at.lane >= distance) running += before;
    }
    const unsigned possible = __ballot_sync(all, w > 0), passed = __ballot_sync(all, w > 0 && left < running);
    if (possible != 0) likely = first + 31 - __clz(static_cast<int>(possible));
    if (passed != 0) chosen = first + __ffs(static_cast<int>(passed)) - 1;
    left -= __shfl_sync(all, running, 31);
  }
  if (at.inside && at.lane == 0) index[at.row] = static_cast<std::int32_t>(chosen < 0 ? likely : chosen);
}

}  // namespace flipbook::cuda
