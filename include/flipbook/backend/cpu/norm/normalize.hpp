// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <type_traits>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/norm/columns.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>
#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/kernels/norm/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

// Σ f(in…) over a run, in pairs of vectors.
template <Real T, class F, class... In>
T sum_of(const F& f, Index count, const In*... in) {
  Simd<T> even(T(0)), odd(T(0));
  Index i = 0;
  for (; i + 2 * lanes<T> <= count; i += 2 * lanes<T>) {
    even += f(Simd<T>::load_unaligned(in + i)...);
    odd += f(Simd<T>::load_unaligned(in + i + lanes<T>)...);
  }
  if (i + lanes<T> <= count) {
    even += f(Simd<T>::load_unaligned(in + i)...);
    i += lanes<T>;
  }
  T rest = 0;
  for (; i < count; ++i) rest += f(in[i]...);
  return xsimd::hadd(even + odd) + rest;
}

}  // namespace detail

/// Normalises sets of a single row; statistics and result are computed while the row is in the cache. Without
/// `centred`, the mean is taken to be 0 (root mean square).
template <Real T, class After = NoFunction>
void normalize_rows(const NormGeometry& g, double epsilon, bool centred, const T* x, const T* w, const T* b, T* y,
                    T* mean, T* variance, const After& after = {}) {
  const Index width = g.width;
  parallel_for(g.sets(), std::max<Index>(1, map_grain / width), [&](Index first, Index last) {
    const Index together = rows_together(width);
    for (; first < last; first += together) {
      const Index end = std::min(first + together, last);
      const auto itself = [](const auto& v) { return v; };
      for (Index set = first; set < end; ++set) {
        mean[set] = centred ? detail::sum_of<T>(itself, width, x + set * width) / static_cast<T>(width) : T(0);
      }
      for (Index set = first; set < end; ++set) {
        const auto squared = [m = mean[set]](const auto& v) {
          const auto d = v - std::remove_cvref_t<decltype(v)>(m);
          return d * d;
        };
        variance[set] = detail::sum_of<T>(squared, width, x + set * width) / static_cast<T>(width);
      }
      for (Index set = first; set < end; ++set) {
        const Index channel = set % g.groups * width;
        const Simd<T> centre(mean[set]);
        const Simd<T> r(static_cast<T>(inverse_deviation(static_cast<double>(variance[set]), epsilon)));
        map_serial(
            [&](const Simd<T>& v, const Simd<T>& s, const Simd<T>& t) { return after((v - centre) * r * s + t); }, 0,
            width, y + set * width, x + set * width, w + channel, b + channel);
      }
    }
  });
}

/// The gradients of `normalize_rows`; `sums` (2, channels) receives dw, then db. For `after` and b see
/// `column_gradient`.
template <Real T, class After = NoFunction>
void row_gradient(const NormGeometry& g, double epsilon, bool centred, const T* x, const T* mean, const T* variance,
                  const T* w, const T* dy, T* dx, T* sums, const After& after = {}, const T* b = nullptr) {
  const Index channels = g.channels(), width = g.width;
  const Index block = std::clamp<Index>(map_grain / channels, 8, 256), blocks = (g.outer + block - 1) / block;
  const Scratch<T> part(blocks * 2 * channels);
  parallel_for(blocks, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      T *const dw = part + i * 2 * channels, *const db = dw + channels;
      std::fill_n(dw, 2 * channels, T(0));
      for (Index set = i * block * g.groups; set < std::min(g.outer, (i + 1) * block) * g.groups; ++set) {
        const Index channel = set % g.groups * width;
        const T *const row = x + set * width, *const scale = w + channel;
        const T m = mean[set], r = static_cast<T>(inverse_deviation(static_cast<double>(variance[set]), epsilon));
        const Simd<T> centre(m), deviation(r);
        const T* d = dy + set * width;
        if constexpr (detail::followed<After>) {  // computed once, in dx's memory
          map_serial([&](const Simd<T>& v, const Simd<T>& u, const Simd<T>& s,
                         const Simd<T>& t) { return after(v, (u - centre) * deviation * s + t); },
                     0, width, dx + set * width, d, row, scale, b + channel);
          d = dx + set * width;
        }
        const auto weighted = [](const auto& v, const auto& s) { return v * s; };
        const auto product = [m](const auto& v, const auto& s, const auto& u) {
          return v * s * (u - std::remove_cvref_t<decltype(u)>(m));
        };
        const T mean_sum = centred ? detail::sum_of<T>(weighted, width, d, scale) / static_cast<T>(width) : T(0);
        const T mean_product = detail::sum_of<T>(product, width, d, scale, row) * r / static_cast<T>(width);
        const Simd<T> a(mean_sum), p(mean_product);
        map_serial(
            [&](const Simd<T>& sum, const Simd<T>& v, const Simd<T>& u) { return sum + v * (u - centre) * deviation; },
            0, width, dw + channel, static_cast<const T*>(dw + channel), d, row);
        map_serial([](const Simd<T>& sum, const Simd<T>& v) { return sum + v; }, 0, width, db + channel,
                   static_cast<const T*>(db + channel), d);
        map_serial([&](const Simd<T>& v, const Simd<T>& s,
                       const Simd<T>& u) { return deviation * (v * s - a - (u - centre) * deviation * p); },
                   0, width, dx + set * width, d, scale, row);
      }
    }
  });
  sum_middle(Index{1}, blocks, 2 * channels, static_cast<const T*>(part.data()), sums);
}

}  // namespace flipbook::cpu
