// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/shape/copy.hpp>
#include <flipbook/kernels/resample/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {
inline Index grain_of(const Blocks& b) {
  return std::max<Index>(1, map_grain / std::max<Index>(1, b.block_size() * b.channels));
}
}  // namespace detail

/// Repeats each position of x over its block of y.
template <class T>
void repeat_blocks(const Blocks& b, const T* x, T* y) {
  CopyPlan plan;
  const Index x_row = b.count[2] * b.channels, x_plane = b.count[1] * x_row;
  const Index y_row = x_row * b.size[2], y_plane = b.count[1] * b.size[1] * y_row;
  plan.push(b.batch, b.count[0] * x_plane, b.count[0] * b.size[0] * y_plane);
  plan.push(b.count[0], x_plane, b.size[0] * y_plane);
  plan.push(b.size[0], 0, y_plane);
  plan.push(b.count[1], x_row, b.size[1] * y_row);
  plan.push(b.size[1], 0, y_row);
  plan.push(b.count[2], b.channels, b.size[2] * b.channels);
  plan.push(b.size[2], 0, b.channels);
  plan.push(b.channels, 1, 1);
  copy(plan, x, y);
}

/// Each position of y is the sum over its block of x.
template <Real T>
void sum_blocks(const Blocks& b, const T* x, T* y) {
  parallel_for(b.blocks(), detail::grain_of(b), [&](Index first, Index last) {
    for (Index block = first; block < last; ++block) {
      T* const to = y + block * b.channels;
      std::fill_n(to, b.channels, T(0));
      b.each_place([&, from = x + b.first_of(block)](Index offset) {
        for (Index c = 0; c < b.channels; ++c) to[c] += from[offset + c];
      });
    }
  });
}

/// The index in x of the largest number of each block, for each channel: the first of equals, or a NaN.
template <Real T>
void largest_of_blocks(const Blocks& b, const T* x, std::int64_t* index) {
  parallel_for(b.blocks(), detail::grain_of(b), [&](Index first, Index last) {
    for (Index block = first; block < last; ++block) {
      const Index start = b.first_of(block);
      std::int64_t* const best = index + block * b.channels;
      for (Index c = 0; c < b.channels; ++c) best[c] = start + c;
      b.each_place([&](Index offset) {
        for (Index c = 0; c < b.channels; ++c) {
          const T value = x[start + offset + c];
          if (value > x[best[c]] || std::isnan(value)) best[c] = start + offset + c;
        }
      });
    }
  });
}

namespace detail {
// Calls body(outer, first, count) for pieces of the inner axis, over all threads.
template <class Body>
void each_piece(Index outer, Index inner, const Body& body) {
  const Index pieces = (inner + map_grain - 1) / map_grain;
  parallel_tasks(outer * pieces, [&](Index i) {
    const Index first = i % pieces * map_grain;
    body(i / pieces, first, std::min(map_grain, inner - first));
  });
}
}  // namespace detail

/// y[o, j, :] interpolates between two neighbours of x[o, :, :], for x (outer, extent, inner).
template <Real T>
void interpolate(Index outer, const LinearTaps& taps, Index inner, const T* x, T* y) {
  detail::each_piece(outer, inner, [&](Index o, Index first, Index count) {
    for (Index j = 0; j < taps.resized; ++j) {
      const auto tap = taps.at(j);
      const T high = static_cast<T>(tap.weight), low = 1 - high;
      const T* const a = x + (o * taps.extent + tap.low) * inner + first;
      const T* const b = x + (o * taps.extent + tap.high) * inner + first;
      T* const to = y + (o * taps.resized + j) * inner + first;
      for (Index c = 0; c < count; ++c) to[c] = low * a[c] + high * b[c];
    }
  });
}

/// The adjoint of `interpolate`, from y (outer, resized, inner) to x (outer, extent, inner).
template <Real T>
void interpolate_adjoint(Index outer, const LinearTaps& taps, Index inner, const T* y, T* x) {
  detail::each_piece(outer, inner, [&](Index o, Index first, Index count) {
    const auto row = [&](Index i) { return x + (o * taps.extent + i) * inner + first; };
    for (Index i = 0; i < taps.extent; ++i) std::fill_n(row(i), count, T(0));
    for (Index j = 0; j < taps.resized; ++j) {
      const auto tap = taps.at(j);
      const T high = static_cast<T>(tap.weight), low = 1 - high;
      const T* const from = y + (o * taps.resized + j) * inner + first;
      T *const a = row(tap.low), *const b = row(tap.high);
      for (Index c = 0; c < count; ++c) a[c] += low * from[c];
      for (Index c = 0; c < count; ++c) b[c] += high * from[c];
    }
  });
}

}  // namespace flipbook::cpu
