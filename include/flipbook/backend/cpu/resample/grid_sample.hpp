// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/kernels/resample/positions.hpp>

/// Bilinear sampling. The corners and weights of 64 samples are computed at once, in vector registers, then the
/// channels of each sample.
namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

inline constexpr Index samples_together = 64;

/// The four pixels around each sample of a group, and `Sets` sets of weights for them.
template <Real T, int Sets>
struct Corners {
  using Int = xsimd::as_integer_t<T>;
  alignas(64) Int pixel[4][samples_together];
  alignas(64) T weight[Sets][4][samples_together];

  const T* picture_at(const T* picture, Index channels, std::size_t corner, Index i) const {
    return picture + static_cast<Index>(pixel[corner][i]) * channels;
  }
};

/// The corners of samples [first, first + count) of a frame, at the positions `grid`. The weights are those of `s`, or,
/// in two sets, their derivatives with respect to the position along the width and along the height.
template <Real T, int Sets>
void find_corners(const Sampling& s, const T* grid, Index first, Index count, Corners<T, Sets>& corners) {
  using V = Simd<T>;
  alignas(64) T across[samples_together], down[samples_together];
  for (Index i = 0; i < count; ++i) across[i] = grid[2 * (first + i)], down[i] = grid[2 * (first + i) + 1];
  if (s.own_columns > 0) {
    Index column = s.column_of(first), row = s.row_of(first);
    for (Index i = 0; i < count; ++i) {
      across[i] += static_cast<T>(column), down[i] += static_cast<T>(row);
      if (++column == s.own_columns) column = 0, ++row;
    }
  }
  for (Index i = count; i % lanes<T> != 0; ++i) across[i] = down[i] = T(0);
  const SampledAxis width = s.across, height = s.down;  // copies, which stores cannot alias: they stay in registers
  const auto line = static_cast<typename Corners<T, Sets>::Int>(width.extent);
  for (Index i = 0; i < count; i += lanes<T>) {
    const auto x = width.at(V::load_aligned(across + i)), y = height.at(V::load_aligned(down + i));
    const auto left = xsimd::to_int(x.low), right = xsimd::to_int(x.high);
    const auto above = xsimd::to_int(y.low) * line, below = xsimd::to_int(y.high) * line;
    (above + left).store_aligned(corners.pixel[0] + i);
    (above + right).store_aligned(corners.pixel[1] + i);
    (below + left).store_aligned(corners.pixel[2] + i);
    (below + right).store_aligned(corners.pixel[3] + i);
    FLIPBOOK_UNROLL
    for (int set = 0; set < Sets; ++set) {
      const int order_across = width.order + (Sets == 2 && set == 0), order_down = height.order + set;
      const V left_weight = x.low_weight(order_across), right_weight = x.high_weight(order_across);
      const V above_weight = y.low_weight(order_down), below_weight = y.high_weight(order_down);
      (above_weight * left_weight).store_aligned(corners.weight[set][0] + i);
      (above_weight * right_weight).store_aligned(corners.weight[set][1] + i);
      (below_weight * left_weight).store_aligned(corners.weight[set][2] + i);
      (below_weight * right_weight).store_aligned(corners.weight[set][3] + i);
    }
  }
}

/// Calls body.template operator()<N>() with N = channels if loops over so few are unrolled, else N = 0.
template <class Body>
void with_channels(Index channels, const Body& body) {
  if (channels == 1) body.template operator()<1>();
  else if (channels == 2) body.template operator()<2>();
  else if (channels == 3) body.template operator()<3>();
  else if (channels == 4) body.template operator()<4>();
  else body.template operator()<0>();
}

/// Calls whole(c) for every whole vector of channels, and part(c) for every channel after the last of these.
template <Real T, int N, class Whole, class Part>
void each_channel(Index channels, const Whole& whole, const Part& part) {
  Index c = 0;
  if constexpr (N == 0) {
    for (; c + lanes<T> <= channels; c += lanes<T>) whole(c);
    for (; c < channels; ++c) part(c);
  } else {
    FLIPBOOK_UNROLL
    for (Index i = 0; i < N; ++i) part(i);
  }
}

/// y[c] = Σ_k w[k] · corner k's channel c.
template <int N, Real T, int Sets>
void mix(const Corners<T, Sets>& corners, Index i, Index channels, const T* picture, T* y) {
  using V = Simd<T>;
  const auto at = [&](std::size_t corner) { return corners.picture_at(picture, channels, corner, i); };
  const T *const a = at(0), *const b = at(1), *const c = at(2), *const d = at(3);
  const T wa = corners.weight[0][0][i], wb = corners.weight[0][1][i];
  const T wc = corners.weight[0][2][i], wd = corners.weight[0][3][i];
  each_channel<T, N>(
      channels,
      [&](Index k) {
        const V above = V(wa) * V::load_unaligned(a + k) + V(wb) * V::load_unaligned(b + k);
        const V below = V(wc) * V::load_unaligned(c + k) + V(wd) * V::load_unaligned(d + k);
        (above + below).store_unaligned(y + k);
      },
      [&](Index k) { y[k] = wa * a[k] + wb * b[k] + (wc * c[k] + wd * d[k]); });
}

/// Σ_c dy[c] · corner k's channel c, for each corner k.
template <int N, Real T, int Sets>
std::array<T, 4> products(const Corners<T, Sets>& corners, Index i, Index channels, const T* picture, const T* dy) {
  using V = Simd<T>;
  std::array<T, 4> total{};
  std::array<V, 4> sum{V(0), V(0), V(0), V(0)};
  std::array<const T*, 4> corner;
  FLIPBOOK_UNROLL
  for (std::size_t k = 0; k < 4; ++k) corner[k] = corners.picture_at(picture, channels, k, i);
  each_channel<T, N>(
      channels,
      [&](Index c) {
        const V d = V::load_unaligned(dy + c);
        FLIPBOOK_UNROLL
        for (std::size_t k = 0; k < 4; ++k) sum[k] = xsimd::fma(d, V::load_unaligned(corner[k] + c), sum[k]);
      },
      [&](Index c) {
        FLIPBOOK_UNROLL
        for (std::size_t k = 0; k < 4; ++k) total[k] += dy[c] * corner[k][c];
      });
  if constexpr (N == 0) {
    for (std::size_t k = 0; k < 4; ++k) total[k] += xsimd::hadd(sum[k]);
  }
  return total;
}

/// Adds a sample, weighted, to those of its corners that are among pixels [begin, end).
template <int N, Real T>
void add_to_corners(const Corners<T, 1>& corners, Index i, Index channels, const T* from, T* picture, Index begin,
                    Index end) {
  using V = Simd<T>;
  FLIPBOOK_UNROLL
  for (int k = 0; k < 4; ++k) {
    const Index pixel = corners.pixel[k][i];
    if (static_cast<std::size_t>(pixel - begin) >= static_cast<std::size_t>(end - begin)) continue;
    T* const to = picture + pixel * channels;
    const T weight = corners.weight[0][k][i];
    each_channel<T, N>(
        channels,
        [&](Index c) {
          xsimd::fma(V(weight), V::load_unaligned(from + c), V::load_unaligned(to + c)).store_unaligned(to + c);
        },
        [&](Index c) { to[c] += weight * from[c]; });
  }
}

/// Calls body(frame, first, count) for pieces of each frame's samples, over all threads.
template <class Body>
void each_piece_of_samples(const Sampling& s, const Body& body) {
  const Index blocks = std::max<Index>(1, map_grain / (4 * samples_together * std::max<Index>(1, s.channels)));
  const Index piece = blocks * samples_together, pieces = (s.samples + piece - 1) / piece;
  parallel_tasks(s.frames * pieces, [&](Index task) {
    const Index end = std::min(s.samples, (task % pieces + 1) * piece);
    for (Index first = task % pieces * piece; first < end; first += samples_together) {
      body(task / pieces, first, std::min(samples_together, end - first));
    }
  });
}

}  // namespace detail

/// y (frames, samples, C): the frames x (frames, H, W, C) at the positions grid (frames, samples, 2).
template <Real T>
void grid_sample(const Sampling& s, const T* x, const T* grid, T* y) {
  detail::with_channels(s.channels, [&]<int N>() {
    detail::each_piece_of_samples(s, [&](Index frame, Index first, Index count) {
      const Index channels = N > 0 ? N : s.channels;
      detail::Corners<T, 1> corners;
      detail::find_corners(s, grid + 2 * frame * s.samples, first, count, corners);
      const T* const picture = x + frame * s.pixels() * channels;
      T* const to = y + (frame * s.samples + first) * channels;
      for (Index i = 0; i < count; ++i) detail::mix<N>(corners, i, channels, picture, to + i * channels);
    });
  });
}

/// dgrid (frames, samples, 2): the gradient with respect to the positions, from dy (frames, samples, C).
template <Real T>
void grid_sample_positions(const Sampling& s, const T* x, const T* grid, const T* dy, T* dgrid) {
  detail::with_channels(s.channels, [&]<int N>() {
    detail::each_piece_of_samples(s, [&](Index frame, Index first, Index count) {
      const Index channels = N > 0 ? N : s.channels;
      detail::Corners<T, 2> corners;
      detail::find_corners(s, grid + 2 * frame * s.samples, first, count, corners);
      const T* const picture = x + frame * s.pixels() * channels;
      const Index begin = frame * s.samples + first;
      for (Index i = 0; i < count; ++i) {
        const auto sum = detail::products<N>(corners, i, channels, picture, dy + (begin + i) * channels);
        for (int axis = 0; axis < 2; ++axis) {
          const auto& w = corners.weight[axis];
          dgrid[2 * (begin + i) + axis] = w[0][i] * sum[0] + w[1][i] * sum[1] + (w[2][i] * sum[2] + w[3][i] * sum[3]);
        }
      }
    });
  });
}

/// The adjoint with respect to x: adds each sample of y to its corners, in the order of samples. If there are more
/// threads than frames, they divide the rows of x, and each iterates over all samples.
template <Real T>
void grid_sample_adjoint(const Sampling& s, const T* y, const T* grid, T* x) {
  const Index height = s.down.extent, width = s.across.extent;
  const Index bands = std::clamp<Index>((threads() + s.frames - 1) / std::max<Index>(1, s.frames), 1, height);
  detail::with_channels(s.channels, [&]<int N>() {
    parallel_tasks(s.frames * bands, [&](Index task) {
      const Index channels = N > 0 ? N : s.channels, frame = task / bands, band = task % bands;
      const Index begin = height * band / bands * width, end = height * (band + 1) / bands * width;
      T* const picture = x + frame * s.pixels() * channels;
      std::fill(picture + begin * channels, picture + end * channels, T(0));
      for (Index first = 0; first < s.samples; first += detail::samples_together) {
        const Index count = std::min(detail::samples_together, s.samples - first);
        detail::Corners<T, 1> corners;
        detail::find_corners(s, grid + 2 * frame * s.samples, first, count, corners);
        const T* const from = y + (frame * s.samples + first) * channels;
        for (Index i = 0; i < count; ++i) {
          detail::add_to_corners<N>(corners, i, channels, from + i * channels, picture, begin, end);
        }
      }
    });
  });
}

}  // namespace flipbook::cpu
