#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <flipbook/backend/cpu/copy.hpp>
#include <flipbook/backend/cpu/map.hpp>

namespace flipbook::cpu {

/// Places (batch, time, height, width) of channels, in blocks: each axis has `count` blocks of `size`.
struct Blocks {
  using Axes = std::array<Index, 3>;
  Index batch = 1, channels = 1;
  Axes count{1, 1, 1}, size{1, 1, 1};

  Index blocks() const { return batch * count[0] * count[1] * count[2]; }
  Index block_size() const { return size[0] * size[1] * size[2]; }
  /// Calls body(offset) with where each place of a block is, in elements from the block's first.
  template <class Body>
  void each_place(const Body& body) const {
    const Index row = count[2] * size[2] * channels, plane = count[1] * size[1] * row;
    for (Index t = 0; t < size[0]; ++t)
      for (Index h = 0; h < size[1]; ++h)
        for (Index w = 0; w < size[2]; ++w) body(t * plane + h * row + w * channels);
  }
  /// Where the first element of a block is.
  Index first_of(Index block) const {
    const Index w = block % count[2], h = block / count[2] % count[1], t = block / (count[2] * count[1]) % count[0];
    const Index n = block / (count[2] * count[1] * count[0]);
    const Index row = count[2] * size[2] * channels, plane = count[1] * size[1] * row;
    return (n * count[0] + t) * size[0] * plane + h * size[1] * row + w * size[2] * channels;
  }
  Index grain() const { return std::max<Index>(1, map_grain / std::max<Index>(1, block_size() * channels)); }
};

/// Each place of x repeated over its block of y.
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

/// Each place of y is the sum over its block of x.
template <Real T>
void sum_blocks(const Blocks& b, const T* x, T* y) {
  parallel_for(b.blocks(), b.grain(), [&](Index first, Index last) {
    for (Index block = first; block < last; ++block) {
      T* const to = y + block * b.channels;
      std::fill_n(to, b.channels, T(0));
      b.each_place([&, from = x + b.first_of(block)](Index offset) {
        for (Index c = 0; c < b.channels; ++c) to[c] += from[offset + c];
      });
    }
  });
}

/// Where in x the largest of each block is, for each channel: the first of equals, or a NaN.
template <Real T>
void largest_of_blocks(const Blocks& b, const T* x, std::int64_t* index) {
  parallel_for(b.blocks(), b.grain(), [&](Index first, Index last) {
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

/// Two neighbours for each place along a resized axis, the centres of whose first and last places stay
/// inside (PyTorch's align_corners = false).
struct LinearTaps {
  Index extent, resized;
  struct Tap {
    Index low, high;
    double weight;  ///< of `high`
  };
  Tap at(Index j) const {
    const double scale = static_cast<double>(extent) / static_cast<double>(resized);
    const double place = std::max(0.0, (static_cast<double>(j) + 0.5) * scale - 0.5);
    const Index low = std::min(static_cast<Index>(place), extent - 1);
    return {low, std::min(low + 1, extent - 1), place - static_cast<double>(low)};
  }
};

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

/// y[o, j, :] between two neighbours of x[o, :, :].
template <Real T>
void interpolate(Index outer, const LinearTaps& taps, Index inner, const T* x, T* y) {
  detail::each_piece(outer, inner, [&](Index o, Index first, Index count) {
    for (Index j = 0; j < taps.resized; ++j) {
      const auto tap = taps.at(j);
      const T high = static_cast<T>(tap.weight), low = 1 - high;
      const T *const a = x + (o * taps.extent + tap.low) * inner + first;
      const T *const b = x + (o * taps.extent + tap.high) * inner + first;
      T* const to = y + (o * taps.resized + j) * inner + first;
      for (Index c = 0; c < count; ++c) to[c] = low * a[c] + high * b[c];
    }
  });
}

/// The adjoint: what y took from x is added to it.
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
