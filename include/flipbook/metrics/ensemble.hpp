// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <cmath>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// Continuous ranked probability score of predictions x₁ … x_M drawn for each element y, averaged over elements:
///
///     Σᵢ |xᵢ − y| / M − Σᵢⱼ |xᵢ − xⱼ| / (2 M²)              standard: that of the members' own distribution
///     Σᵢ |xᵢ − y| / M − Σᵢⱼ |xᵢ − xⱼ| / (2 M (M − 1))       fair: without bias for the distribution that they are from
///
/// Gneiting & Raftery, Strictly proper scoring rules, prediction, and estimation, 2007; Ferro, Fair scores for ensemble
/// forecasts, 2014. The fair one is the default, since its mean does not depend on M; it may be below 0.
class Crps {
 public:
  static constexpr const char* name = "Crps";
  static constexpr bool higher_is_better = false;
  enum class Estimator { fair, standard };
  struct Options {
    Estimator estimator = Estimator::fair;
    bool operator==(const Options&) const = default;
  };

  Crps() : Crps(Options{}) {}
  explicit Crps(Options options) : options_(options) {}

  /// @param drawn  (M, …): M predictions, such as (M, N, T, H, W, C)      @param target  (…)
  /// @throws Error  if the shapes do not fit, the fair estimator has fewer than two members, or an element is not
  ///                finite
  template <std::floating_point T>
  void add(const Tensor<T>& drawn, const Tensor<T>& target) {
    require(
        drawn.rank() == target.rank() + 1 && drawn.size() > 0 && drawn.shape().part(1, drawn.rank()) == target.shape(),
        name, ".add: drawn ", drawn.shape(), " and target ", target.shape(), "; needs (M, …) and (…)");
    const Index members = drawn.extent(0), size = target.size();
    require(members > 1 || options_.estimator == Estimator::standard, name,
            ".add: the fair estimator needs two members or more, got ", drawn.shape());
    detail::require_finite_pair(name, drawn, target);
    const double sum = detail::parallel_sum(size, 1024, [&](Index first, Index last) {
      std::vector<double> x(static_cast<std::size_t>(members));
      double part = 0;
      for (Index i = first; i < last; ++i) {
        for (Index m = 0; m < members; ++m) x[static_cast<std::size_t>(m)] = drawn.data()[m * size + i];
        part += score(x, target.data()[i]);
      }
      return part;
    });
    mean_.add(sum, size);
  }
  /// @throws Error  if the two have different estimators
  void merge(const Crps& other) {
    detail::require_same(name, options_, other.options_);
    mean_.merge(other.mean_);
  }
  /// @throws Error  if nothing was added
  double value() const { return mean_.value(name); }

 private:
  double score(std::vector<double>& x, double y) const {
    std::sort(x.begin(), x.end());
    const auto count = static_cast<double>(x.size());
    double error = 0, spread = 0, rank = 1 - count;  // Σᵢⱼ |xᵢ − xⱼ| / 2 = Σ (2i − M + 1) xᵢ, in order of size
    for (const double member : x) {
      error += std::abs(member - y);
      spread += rank * member;
      rank += 2;
    }
    const double pairs = options_.estimator == Estimator::fair ? count * (count - 1) : count * count;
    return error / count - spread / pairs;
  }

  Options options_;
  detail::Average mean_;
};

}  // namespace flipbook::metrics
