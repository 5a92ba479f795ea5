// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/norm/normalize.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

using flipbook::Along;
using flipbook::NormGeometry;

/// y = after((x − mean) / √(variance + ε) · w + b) over every set; also writes the mean and variance.
template <Along Direction, class T, class After = NoFunction>
void normalize(Cpu, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cpu>& x,
               const Tensor<T, Cpu>& w, const Tensor<T, Cpu>& b, Tensor<T, Cpu>& y, Tensor<T, Cpu>& mean,
               Tensor<T, Cpu>& variance, const After& after = {}) {
  if constexpr (compiled<T, After>) {
    from_library<"normalize", Direction>(normalize<Direction, T, After>)(Cpu{}, g, epsilon, centred, x, w, b, y, mean,
                                                                         variance, after);
  } else {
    if (x.size() == 0) return;
    if constexpr (Direction == Along::rows) {
      cpu::normalize_rows(g, epsilon, centred, x.data(), w.data(), b.data(), y.data(), mean.data(), variance.data(),
                          after);
    } else {
      cpu::column_statistics(g, x.data(), mean.data(), variance.data());
      cpu::normalize_by(g, epsilon, x.data(), std::as_const(mean).data(), std::as_const(variance).data(), w.data(),
                        b.data(), y.data(), after);
    }
  }
}

/// `normalize` with a given mean and variance.
template <class T, class After = NoFunction>
void normalize_by(Cpu, const NormGeometry& g, double epsilon, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& mean,
                  const Tensor<T, Cpu>& variance, const Tensor<T, Cpu>& w, const Tensor<T, Cpu>& b, Tensor<T, Cpu>& y,
                  const After& after = {}) {
  if constexpr (compiled<T, After>) {
    from_library<"normalize_by">(normalize_by<T, After>)(Cpu{}, g, epsilon, x, mean, variance, w, b, y, after);
  } else {
    if (x.size() == 0) return;
    cpu::normalize_by(g, epsilon, x.data(), mean.data(), variance.data(), w.data(), b.data(), y.data(), after);
  }
}

/// dx, and dw and db as the two rows of `sums`; b is needed if a function followed.
template <Along Direction, class T, class After = NoFunction>
void normalize_gradient(Cpu, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cpu>& x,
                        const Tensor<T, Cpu>& mean, const Tensor<T, Cpu>& variance, const Tensor<T, Cpu>& w,
                        const Tensor<T, Cpu>& dy, Tensor<T, Cpu>& dx, Tensor<T, Cpu>& sums, const After& after = {},
                        const Tensor<T, Cpu>& b = {}) {
  if constexpr (compiled<T, After>) {
    from_library<"normalize_gradient", Direction>(normalize_gradient<Direction, T, After>)(
        Cpu{}, g, epsilon, centred, x, mean, variance, w, dy, dx, sums, after, b);
  } else {
    if (x.size() == 0) {
      std::fill(sums.begin(), sums.end(), T(0));
    } else if constexpr (Direction == Along::rows) {
      cpu::row_gradient(g, epsilon, centred, x.data(), mean.data(), variance.data(), w.data(), dy.data(), dx.data(),
                        sums.data(), after, b.data());
    } else {
      cpu::column_gradient(g, epsilon, x.data(), mean.data(), variance.data(), w.data(), dy.data(), dx.data(),
                           sums.data(), sums.data() + g.channels(), after, b.data());
    }
  }
}

}  // namespace flipbook::kernel
