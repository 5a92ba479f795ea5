// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/reduce/columns.hpp>
#include <flipbook/core/memory.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Σ x[0 … count): pairwise over blocks of vectors, so that the rounding error grows with log(count).
template <Real T>
T sum_run(const T* x, Index count) {
  constexpr Index block = 16 * lanes<T>;
  if (count > 8 * block) {
    const Index half = count / 2 / block * block;
    return sum_run(x, half) + sum_run(x + half, count - half);
  }
  std::array<Simd<T>, 4> part;
  part.fill(Simd<T>(T(0)));
  Index i = 0;
  for (; i + 4 * lanes<T> <= count; i += 4 * lanes<T>) {
    for (std::size_t j = 0; j < 4; ++j) part[j] += Simd<T>::load_unaligned(x + i + static_cast<Index>(j) * lanes<T>);
  }
  for (; i + lanes<T> <= count; i += lanes<T>) part[0] += Simd<T>::load_unaligned(x + i);
  if (i < count) part[1] += load_part(x + i, count - i);
  return xsimd::hadd((part[0] + part[1]) + (part[2] + part[3]));
}

/// out[j] = Σ_i x[i·width + j]: in blocks of rows, to keep rounding errors small.
template <Real T>
void sum_columns(const T* x, Index rows, Index width, T* out) {
  constexpr Index leaf = 64;
  each_strip<T>(width, [&]<class V, std::size_t K>(Index first) {
    std::array<V, K> total;
    total.fill(V(T(0)));
    for (Index top = 0; top < rows; top += leaf) {
      std::array<V, K> part;
      part.fill(V(T(0)));
      for (Index i = top; i < std::min(rows, top + leaf); ++i) {
        for (std::size_t k = 0; k < K; ++k) part[k] += load<V>(x + i * width + first + column<V>(k));
      }
      for (std::size_t k = 0; k < K; ++k) total[k] += part[k];
    }
    for (std::size_t k = 0; k < K; ++k) store(total[k], out + first + column<V>(k));
  });
}

/// Σ x[0 … count)².
template <Real T>
T sum_run_of_squares(const T* x, Index count) {
  std::array<Simd<T>, 4> part;
  part.fill(Simd<T>(T(0)));
  const auto add = [](Simd<T>& to, const Simd<T>& v) { to += v * v; };
  Index i = 0;
  for (; i + 4 * lanes<T> <= count; i += 4 * lanes<T>) {
    for (std::size_t j = 0; j < 4; ++j) add(part[j], Simd<T>::load_unaligned(x + i + static_cast<Index>(j) * lanes<T>));
  }
  for (; i + lanes<T> <= count; i += lanes<T>) add(part[0], Simd<T>::load_unaligned(x + i));
  if (i < count) add(part[1], load_part(x + i, count - i));
  return xsimd::hadd((part[0] + part[1]) + (part[2] + part[3]));
}

}  // namespace detail

/// Σ x²: in fixed blocks, whose sums are added in double.
template <Real T>
double sum_squares(Index count, const T* x) {
  constexpr std::size_t most = 64;
  std::array<T, most> parts;
  double total = 0;
  for (Index begin = 0; begin < count; begin += static_cast<Index>(most) * map_grain) {
    const Index size = std::min(count - begin, static_cast<Index>(most) * map_grain);
    parallel_for((size + map_grain - 1) / map_grain, 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Index at = begin + i * map_grain;
        parts[static_cast<std::size_t>(i)] = detail::sum_run_of_squares(x + at, std::min(map_grain, count - at));
      }
    });
    for (Index i = 0; i * map_grain < size; ++i) total += static_cast<double>(parts[static_cast<std::size_t>(i)]);
  }
  return total;
}

/// out[i, j] = Σ_r x[i, r, j], for x (outer, reduced, inner): one pass of a reduction. The order of a sum depends on
/// the extents alone, so the result does not depend on the number of threads.
template <Real T>
void sum_middle(Index outer, Index reduced, Index inner, const T* x, T* out) {
  if (inner == 1) {
    if (outer == 1 && reduced > map_grain) {  // one long run: fixed blocks, then their sum
      const Index blocks = (reduced + map_grain - 1) / map_grain;
      T* const parts = static_cast<T*>(HostPool::instance().allocate(static_cast<std::size_t>(blocks) * sizeof(T)));
      parallel_for(blocks, 1, [&](Index first, Index last) {
        for (Index i = first; i < last; ++i) {
          parts[i] = detail::sum_run(x + i * map_grain, std::min(map_grain, reduced - i * map_grain));
        }
      });
      *out = detail::sum_run(parts, blocks);
      HostPool::instance().release(parts, static_cast<std::size_t>(blocks) * sizeof(T));
      return;
    }
    parallel_for(outer, std::max<Index>(1, map_grain / std::max<Index>(1, reduced)), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) out[i] = detail::sum_run(x + i * reduced, reduced);
    });
    return;
  }
  // Long columns are first summed in fixed blocks of rows, so that every core has work.
  const Index block = std::max<Index>(64, map_grain / inner), blocks = (reduced + block - 1) / block;
  if (blocks > 1 && outer == 1) {
    const std::size_t bytes = static_cast<std::size_t>(blocks * inner) * sizeof(T);
    T* const parts = static_cast<T*>(HostPool::instance().allocate(bytes));
    parallel_for(blocks, 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        detail::sum_columns(x + i * block * inner, std::min(block, reduced - i * block), inner, parts + i * inner);
      }
    });
    detail::sum_columns(parts, blocks, inner, out);
    HostPool::instance().release(parts, bytes);
    return;
  }
  parallel_for(outer, std::max<Index>(1, map_grain / std::max<Index>(1, reduced * inner)),
               [&](Index first, Index last) {
                 for (Index i = first; i < last; ++i) {
                   detail::sum_columns(x + i * reduced * inner, reduced, inner, out + i * inner);
                 }
               });
}

}  // namespace flipbook::cpu
