// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <utility>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// Best of n: the prediction with the best value of the criterion, of n drawn for a clip, is added to `Reported`.
///
/// `Reported` is the criterion itself unless named: `BestOf<Ssim>`, or `BestOf<Ssim, Curve<Ssim>>` for its values by
/// time. Denton & Fergus, Stochastic video generation with a learned prior, 2018, use it for each metric separately.
/// The value improves with n, and does not depend on the other predictions: state n, and evaluate all predictions by
/// Crps.
template <Criterion C, Metric Reported = C>
class BestOf {
 public:
  /// @param criterion  with its options; neither metric has data yet
  explicit BestOf(C criterion = C{}, Reported reported = Reported{})
      : empty_(std::move(criterion)), reported_(std::move(reported)) {}

  /// @param drawn  (n, N, …), such as n predictions (N, T, H, W, C)      @param target  (N, …)
  /// @throws Error  if the shapes do not fit, and what the metrics throw; nothing is added then
  template <std::floating_point T>
  void add(const Tensor<T>& drawn, const Tensor<T>& target) {
    require(
        drawn.rank() == target.rank() + 1 && drawn.size() > 0 && drawn.shape().part(1, drawn.rank()) == target.shape(),
        "BestOf.add: drawn ", drawn.shape(), " and target ", target.shape(), "; needs (n, N, …) and (N, …)");
    Reported more = reported_;
    for (Index clip = 0; clip < target.extent(0); ++clip) {
      more.add(drawn[best(drawn, target[clip], clip)][clip], target[clip]);
    }
    reported_ = std::move(more);
  }
  void merge(const BestOf& other) { reported_.merge(other.reported_); }
  /// The value of `Reported` for the best predictions.
  /// @throws Error  if nothing was added
  auto value() const { return reported_.value(); }

 private:
  template <class T>
  Index best(const Tensor<T>& drawn, const Tensor<T>& target, Index clip) const {
    std::vector<double> values;
    for (Index i = 0; i < drawn.extent(0); ++i) {
      C criterion = empty_;
      criterion.add(drawn[i][clip], target);
      values.push_back(C::higher_is_better ? -criterion.value() : criterion.value());
    }
    return std::min_element(values.begin(), values.end()) - values.begin();
  }

  C empty_;
  Reported reported_;
};

}  // namespace flipbook::metrics
