// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <flipbook/backend/cuda/norm/normalize.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// `normalize` with a given mean and variance.
template <class T, class After = NoFunction>
void normalize_by(Cuda, const NormGeometry& g, double epsilon, const Tensor<T, Cuda>& x,
                  const Tensor<Wide<T>, Cuda>& mean, const Tensor<Wide<T>, Cuda>& variance, const Tensor<T, Cuda>& w,
                  const Tensor<T, Cuda>& b, Tensor<T, Cuda>& y, const After& after = {}) {
  if (x.size() == 0) return;
  cuda::with_packs<T>(
      g.channels(),
      [&]<int N>() {
        const cuda::ColumnPlan plan(g.outer, g.rows, g.channels(), N);
        cuda::launch(cuda::normalize_columns<T, N, After>, plan.grid(), plan.block(), 0, plan, g, epsilon, x.data(),
                     mean.data(), variance.data(), w.data(), b.data(), after, y.data());
      },
      x.data(), y.data());
}

/// y = after((x − mean) / √(variance + ε) · w + b) over every set; also writes the mean and variance.
template <Along Direction, class T, class After = NoFunction>
void normalize(Cuda, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cuda>& x,
               const Tensor<T, Cuda>& w, const Tensor<T, Cuda>& b, Tensor<T, Cuda>& y, Tensor<Wide<T>, Cuda>& mean,
               Tensor<Wide<T>, Cuda>& variance, const After& after = {}) {
  if (x.size() == 0) return;
  if constexpr (Direction == Along::rows) {
    return cuda::with_packs<T>(
        g.width,
        [&]<int N>() {
          cuda::launch_rows(cuda::normalize_rows<T, N, After>, {g.sets(), g.width, N}, g.groups, epsilon, centred,
                            x.data(), w.data(), b.data(), after, y.data(), mean.data(), variance.data());
        },
        x.data(), w.data(), b.data(), y.data());
  } else {
    cuda::with_packs<T>(
        g.channels(),
        [&]<int N>() {
          const cuda::ColumnPlan plan(g.outer, g.rows, g.channels(), N);
          const cuda::Scratch<double> pieces(g.outer * g.channels() * 2 * plan.pieces);
          const bool columns_alone = g.width == 1 && plan.tickets() <= cuda::Queue::most_tickets;
          const cuda::ColumnSums sums{pieces.data(), plan.pieces, columns_alone ? cuda::queue().tickets : nullptr};
          cuda::launch(cuda::column_moments<T, N>, plan.grid(), plan.block(), 0, plan, x.data(), sums, mean.data(),
                       variance.data());
          if (columns_alone) return;
          cuda::launch_rows(cuda::merge_moments<Wide<T>>, {g.sets(), g.width * plan.pieces, 1}, g, plan, sums,
                            mean.data(), variance.data());
        },
        x.data());
    normalize_by(Cuda{}, g, epsilon, x, std::as_const(mean), std::as_const(variance), w, b, y, after);
  }
}

/// dx, and dw and db as the two rows of `sums`; b is needed if a function followed. Along rows, `onto` is added to dx
/// unless it is empty.
template <Along Direction, class T, class After = NoFunction>
void normalize_gradient(Cuda, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cuda>& x,
                        const Tensor<Wide<T>, Cuda>& mean, const Tensor<Wide<T>, Cuda>& variance,
                        const Tensor<T, Cuda>& w, const Tensor<T, Cuda>& dy, Tensor<T, Cuda>& dx, Tensor<T, Cuda>& sums,
                        const After& after = {}, const Tensor<T, Cuda>& b = {}, const Tensor<T, Cuda>& onto = {}) {
  if (x.size() == 0) return fill(sums, T(0));
  constexpr bool of_rows = Direction == Along::rows;
  const Index channels = g.channels(), outer = of_rows ? 1 : g.outer, sets = of_rows ? 0 : g.sets();
  const cuda::Scratch<double> means(sets * 2);
  cuda::with_packs<T>(
      channels,
      [&]<int N>() {
        const cuda::ColumnPlan plan(outer, of_rows ? g.outer : g.rows, channels, N);
        const cuda::Scratch<double> pieces(outer * channels * 2 * plan.pieces);
        const bool columns_alone =
            outer == 1 && (of_rows || g.width == 1) && plan.tickets() <= cuda::Queue::most_tickets;
        const cuda::ColumnSums each{pieces.data(), plan.pieces, columns_alone ? cuda::queue().tickets : nullptr};
        const cuda::AffineGradient<T> gradient{sums.data(), sums.data() + channels, means.data()};
        cuda::launch(cuda::column_products<of_rows, T, N, After>, plan.grid(), plan.block(), 0, plan, g, epsilon,
                     x.data(), mean.data(), variance.data(), w.data(), b.data(), after, dy.data(), each, gradient);
        if (columns_alone) return;
        const Index longest = std::max(outer, g.width) * plan.pieces;
        cuda::launch_rows(cuda::finish_products<T>, {channels + sets, longest, 1}, g, epsilon, of_rows, each,
                          variance.data(), w.data(), gradient);
      },
      x.data(), dy.data());
  if constexpr (of_rows) {
    return cuda::with_packs<T>(
        g.width,
        [&]<int N>() {
          cuda::launch_rows(cuda::row_gradient<T, N, After>, {g.sets(), g.width, N}, g.groups, epsilon, centred,
                            x.data(), mean.data(), variance.data(), w.data(), b.data(), after, dy.data(), onto.data(),
                            dx.data());
        },
        x.data(), w.data(), dy.data(), onto.data(), dx.data());
  } else {
    cuda::with_packs<T>(
        channels,
        [&]<int N>() {
          const cuda::ColumnPlan plan(g.outer, g.rows, channels, N);
          cuda::launch(cuda::column_gradient<T, N, After>, plan.grid(), plan.block(), 0, plan, g, epsilon, x.data(),
                       mean.data(), variance.data(), w.data(), b.data(), after, means.data(), dy.data(), dx.data());
        },
        x.data(), dy.data(), dx.data());
  }
}

}  // namespace flipbook::kernel
