// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/two_samples.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

namespace detail {

/// Concatenated vectors, in double.
class FeatureRows {
 public:
  template <class T>
  void add(const Tensor<T>& features) {
    width_ = features.extent(1);
    rows_.insert(rows_.end(), features.begin(), features.end());
  }
  void merge(const FeatureRows& other) {
    width_ = std::max(width_, other.width_);
    rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
  }
  Index count() const noexcept { return width_ == 0 ? 0 : static_cast<Index>(rows_.size()) / width_; }
  Index width() const noexcept { return width_; }
  const double* row(Index i) const noexcept { return rows_.data() + i * width_; }

 private:
  Index width_ = 0;
  std::vector<double> rows_;
};

}  // namespace detail

/// The kernel distance of two sets of features: the unbiased estimate of MMD² with k(x, y) = (x·y / D + 1)³:
///
///     Σ_{i≠j} k(xᵢ, xⱼ) / (N (N − 1)) + Σ_{i≠j} k(yᵢ, yⱼ) / (M (M − 1)) − 2 Σ k(xᵢ, yⱼ) / (N M)
///
/// Bińkowski et al., Demystifying MMD GANs, 2018. For samples of one distribution, however few, it is about 0 and of
/// either sign. Features are stored, and the time grows with the square of their number. They are from a network of
/// your own, as for FrechetDistance.
class KernelDistance : public detail::TwoSamples<detail::FeatureRows> {
 public:
  static constexpr bool higher_is_better = false;

  KernelDistance() : TwoSamples("KernelDistance") {}

  /// @throws Error  if fewer than two samples of either set were added
  double value() const {
    require_two_each();
    const auto n = static_cast<double>(generated().count()), m = static_cast<double>(real().count());
    return 2 * sum_of_pairs(generated()) / (n * (n - 1)) + 2 * sum_of_pairs(real()) / (m * (m - 1)) -
           2 * sum_between(generated(), real()) / (n * m);
  }

 private:
  static double kernel(const double* x, const double* y, Index width) {
    const double product = detail::sum_of(width, [x, y](Index i) { return x[i] * y[i]; });
    const double shifted = product / static_cast<double>(width) + 1;
    return shifted * shifted * shifted;
  }
  /// Σ k over row i of x and rows [0, last(i)) of y.
  template <class Last>
  static double sum_of_kernels(const detail::FeatureRows& x, const detail::FeatureRows& y, const Last& last) {
    return detail::parallel_sum(x.count(), 1, [&](Index i, Index) {
      double sum = 0;
      for (Index j = 0; j < last(i); ++j) sum += kernel(x.row(i), y.row(j), x.width());
      return sum;
    });
  }
  static double sum_of_pairs(const detail::FeatureRows& x) {
    return sum_of_kernels(x, x, [](Index i) { return i; });
  }
  static double sum_between(const detail::FeatureRows& x, const detail::FeatureRows& y) {
    return sum_of_kernels(x, y, [&](Index) { return y.count(); });
  }
};

}  // namespace flipbook::metrics
