// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/backend/cpu/simd/simd.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/kernels/filter/geometry.hpp>

/// A filter for each block of pixels, for pixels whose channels fill vectors: a tap multiplies a whole pixel by its
/// weight.
namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

template <Real T>
class WidePixels {
 public:
  explicit WidePixels(const LocalFilterGeometry& geometry) : g_(geometry), column_of_(geometry.width) {
    for (Index j = 0; j < g_.width; ++j) column_of_[j] = j / g_.block_width() * g_.taps();
  }

  /// A row of y, each pixel a weighted sum over the pixels around it in x. The weights are those of the pixel's own
  /// filter, or, in the adjoint, of the filters of the pixels in the sum.
  template <bool Adjoint>
  void sum_row(Index frame, Index row, const T* x, const T* filters, T* y) const {
    const Index line = g_.width * g_.channels;
    x += frame * g_.height * line, y += (frame * g_.height + row) * line;
    for (Index column = 0; column < g_.width; ++column, y += g_.channels) {
      each_piece([&]<int R>(Index c, Index count) {
        using V = Simd<T>;
        V sum[R];
        FLIPBOOK_UNROLL
        for (int r = 0; r < R; ++r) sum[r] = V(0);
        each_tap<Adjoint>(row, g_.height, [&](Index a, Index from_row) {
          const T* const weights = row_of_filters(filters, frame, Adjoint ? from_row : row) + a * g_.kernel;
          each_tap<Adjoint>(column, g_.width, [&](Index b, Index from) {
            const V weight(weights[column_of_[Adjoint ? from : column] + b]);
            const T* const pixel = x + from_row * line + from * g_.channels + c;
            FLIPBOOK_UNROLL
            for (int r = 0; r < R; ++r) sum[r] = xsimd::fma(weight, vector<R>(pixel + r * lanes<T>, count), sum[r]);
          });
        });
        FLIPBOOK_UNROLL
        for (int r = 0; r < R; ++r) {
          if (R > 1 || count == lanes<T>) sum[r].store_unaligned(y + c + r * lanes<T>);
          else store_part(sum[r], y + c, count);
        }
      });
    }
  }

  /// The gradient with respect to a row of filters: for each tap, a sum over the pixels of its block and their
  /// channels.
  void gradient_row(Index frame, Index row, const T* x, const T* dy, T* dfilters) const {
    const Index line = g_.width * g_.channels, top = row * g_.block_height();
    T* const to = dfilters + (frame * g_.rows + row) * g_.columns * g_.taps();
    std::fill_n(to, g_.columns * g_.taps(), T(0));
    x += frame * g_.height * line, dy += frame * g_.height * line;
    for (Index i = top; i < top + g_.block_height(); ++i) {
      for (Index j = 0; j < g_.width; ++j) {
        each_tap<false>(i, g_.height, [&](Index a, Index from_row) {
          each_tap<false>(j, g_.width, [&](Index b, Index from) {
            to[column_of_[j] + a * g_.kernel + b] +=
                product(x + from_row * line + from * g_.channels, dy + i * line + j * g_.channels);
          });
        });
      }
    }
  }

 private:
  /// Calls body(tap, from) for each tap along an axis whose pixel `from` is inside, for the output at `at`.
  template <bool Adjoint, class Body>
  void each_tap(Index at, Index extent, const Body& body) const {
    const Index before = Adjoint ? extent - 1 - at : at, after = Adjoint ? at : extent - 1 - at;
    const Index end = std::min(g_.kernel, g_.reach() + 1 + after);
    for (Index tap = std::max<Index>(0, g_.reach() - before); tap < end; ++tap) {
      body(tap, Adjoint ? at + g_.reach() - tap : at + tap - g_.reach());
    }
  }
  /// Calls body.template operator()<R>(c, count) for R vectors of channels from c on, or for one vector, of which
  /// `count` lanes are channels.
  template <class Body>
  void each_piece(const Body& body) const {
    constexpr int most = 4;
    Index c = 0;
    for (; c + most * lanes<T> <= g_.channels; c += most * lanes<T>) body.template operator()<most>(c, lanes<T>);
    for (; c < g_.channels; c += lanes<T>) body.template operator()<1>(c, std::min(lanes<T>, g_.channels - c));
  }
  template <int R>
  static Simd<T> vector(const T* from, Index count) {
    return R > 1 || count == lanes<T> ? Simd<T>::load_unaligned(from) : load_part(from, count);
  }
  const T* row_of_filters(const T* filters, Index frame, Index row) const {
    return filters + (frame * g_.rows + row / g_.block_height()) * g_.columns * g_.taps();
  }
  T product(const T* a, const T* b) const {
    Simd<T> sum(0);
    Index c = 0;
    for (; c + lanes<T> <= g_.channels; c += lanes<T>) {
      sum = xsimd::fma(Simd<T>::load_unaligned(a + c), Simd<T>::load_unaligned(b + c), sum);
    }
    if (c < g_.channels) sum = xsimd::fma(load_part(a + c, g_.channels - c), load_part(b + c, g_.channels - c), sum);
    return xsimd::hadd(sum);
  }

  LocalFilterGeometry g_;
  Scratch<Index> column_of_;  // where the filter of a column's block begins in a row of filters
};

/// `local_filter`, or its adjoint from x to y. A task computes a row.
template <bool Adjoint, Real T>
void sum_wide_pixels(const LocalFilterGeometry& g, const T* x, const T* filters, T* y) {
  const WidePixels<T> pixels(g);
  parallel_tasks(g.frames * g.height, [&](Index task) {
    pixels.template sum_row<Adjoint>(task / g.height, task % g.height, x, filters, y);
  });
}
/// `local_filter_gradient`. A task computes a row of blocks.
template <Real T>
void wide_filter_gradient(const LocalFilterGeometry& g, const T* x, const T* dy, T* dfilters) {
  const WidePixels<T> pixels(g);
  parallel_tasks(g.frames * g.rows,
                 [&](Index task) { pixels.gradient_row(task / g.rows, task % g.rows, x, dy, dfilters); });
}

}  // namespace detail

}  // namespace flipbook::cpu
