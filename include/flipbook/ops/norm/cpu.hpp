#pragma once

#include <flipbook/backend/cpu/normalize.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::kernel {

using flipbook::NormGeometry;

/// y = (x − mean) / √(variance + ε) · w + b over every set; writes the statistics that it used.
template <class T>
void normalize(Cpu, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& w,
               const Tensor<T, Cpu>& b, Tensor<T, Cpu>& y, Tensor<T, Cpu>& mean, Tensor<T, Cpu>& variance) {
  if (x.size() == 0) return;
  if (g.rows == 1) {
    cpu::normalize_rows(g, epsilon, centred, x.data(), w.data(), b.data(), y.data(), mean.data(), variance.data());
  } else {
    cpu::column_statistics(g, x.data(), mean.data(), variance.data());
    cpu::normalize_by(g, epsilon, x.data(), std::as_const(mean).data(), std::as_const(variance).data(), w.data(), b.data(),
                      y.data());
  }
}

/// The same with statistics that are given.
template <class T>
void normalize_by(Cpu, const NormGeometry& g, double epsilon, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& mean,
                  const Tensor<T, Cpu>& variance, const Tensor<T, Cpu>& w, const Tensor<T, Cpu>& b, Tensor<T, Cpu>& y) {
  if (x.size() > 0) cpu::normalize_by(g, epsilon, x.data(), mean.data(), variance.data(), w.data(), b.data(), y.data());
}

/// dx, and dw and db as the two rows of `sums`.
template <class T>
void normalize_gradient(Cpu, const NormGeometry& g, double epsilon, bool centred, const Tensor<T, Cpu>& x,
                        const Tensor<T, Cpu>& mean, const Tensor<T, Cpu>& variance, const Tensor<T, Cpu>& w,
                        const Tensor<T, Cpu>& dy, Tensor<T, Cpu>& dx, Tensor<T, Cpu>& sums) {
  if (x.size() == 0) {
    std::fill(sums.begin(), sums.end(), T(0));
  } else if (g.rows == 1) {
    cpu::row_gradient(g, epsilon, centred, x.data(), mean.data(), variance.data(), w.data(), dy.data(), dx.data(),
                      sums.data());
  } else {
    cpu::column_gradient(g, epsilon, x.data(), mean.data(), variance.data(), w.data(), dy.data(), dx.data(), sums.data(),
                         sums.data() + g.channels());
  }
}

}  // namespace flipbook::kernel
