// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <vector>

#include <flipbook/backend/cpu/gemm/multiplicand.hpp>
#include <flipbook/backend/cpu/simd/simd.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/tensor.hpp>

/// What bounds every kernel of the machine: its multiply-add units, and its memory.

namespace flipbook::roof {

inline constexpr Index rounds = 1 << 22, chains = 12;

/// Independent fused multiply-adds on every thread, enough of them to hide their latency.
/// @param results  one for each thread, which must be kept from the optimiser
inline void multiply_adds(std::vector<float>& results) {
  using V = cpu::Simd<float>;
  parallel_tasks(threads(), [&](Index thread) {
    V sum[chains];
    for (Index i = 0; i < chains; ++i) sum[i] = V(static_cast<float>(i));
    for (Index r = 0; r < rounds; ++r) {
      FLIPBOOK_UNROLL
      for (Index i = 0; i < chains; ++i) sum[i] = cpu::multiply_add(sum[i], V(1.0001F), V(0.999F));
    }
    for (Index i = 1; i < chains; ++i) sum[0] += sum[i];
    results[static_cast<std::size_t>(thread)] = xsimd::hadd(sum[0]);
  });
}
/// How many of them one call does.
inline double multiply_adds() { return double(rounds * chains * threads() * cpu::lanes<float>); }

inline void copy(const Tensor<float, Cpu>& from, Tensor<float, Cpu>& to) {
  parallel_for(from.size(), 1 << 13, [&](Index first, Index last) {
    std::memcpy(to.data() + first, from.data() + first, static_cast<std::size_t>(last - first) * sizeof(float));
  });
}

}  // namespace flipbook::roof
