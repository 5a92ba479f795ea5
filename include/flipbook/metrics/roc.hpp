// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/calibration.hpp>

#include <limits>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// Receiver operating characteristic of scores, such as those of anomalies: the fractions of positives (y = 1) and of
/// negatives (y = 0) that reach each threshold. The value is the area under the curve: the probability that a positive
/// has a higher score than a negative, where a tie counts half. Scores are stored.
class Roc {
 public:
  static constexpr const char* name = "Roc";
  static constexpr bool higher_is_better = true;
  /// The rates of scores ≥ threshold, for each score that occurs, from +∞ down.
  struct Point {
    double false_positive_rate, true_positive_rate, threshold;
  };

  /// @param score  (…)      @param positive  (…), 0 or 1
  /// @throws Error  if the shapes differ, a score is not finite, or a label neither 0 nor 1
  template <std::floating_point T>
  void add(const Tensor<T>& score, const Tensor<T>& positive) {
    require(score.shape() == positive.shape() && score.size() > 0, name, ".add: scores ", score.shape(), " and labels ",
            positive.shape(), " must be of one shape and not empty");
    require_finite(score, text(name, ".add: scores"));
    detail::require_outcomes(name, positive);
    for (Index i = 0; i < score.size(); ++i) {
      (positive.data()[i] == 1 ? positives_ : negatives_).push_back(static_cast<double>(score.data()[i]));
    }
  }
  void merge(const Roc& other) {
    positives_.insert(positives_.end(), other.positives_.begin(), other.positives_.end());
    negatives_.insert(negatives_.end(), other.negatives_.begin(), other.negatives_.end());
  }
  /// The area under the curve.
  /// @throws Error  if there are no positives, or nothing else
  double value() const {
    double area = 0;
    Point last{0, 0, 0};
    for (const Point& point : curve()) {
      area += (point.false_positive_rate - last.false_positive_rate) *
              (point.true_positive_rate + last.true_positive_rate) / 2;
      last = point;
    }
    return area;
  }
  /// The points of the curve, from (0, 0) to (1, 1).
  /// @throws Error  if there are no positives, or nothing else
  std::vector<Point> curve() const {
    require(!positives_.empty() && !negatives_.empty(), name, ".value: needs positives and others, has ",
            positives_.size(), " and ", negatives_.size());
    const std::vector<double> positives = descending(positives_), negatives = descending(negatives_);
    std::vector<Point> points{{0, 0, std::numeric_limits<double>::infinity()}};
    auto p = positives.begin(), n = negatives.begin();
    while (p != positives.end() || n != negatives.end()) {
      const double threshold = n == negatives.end() || (p != positives.end() && *p > *n) ? *p : *n;
      while (p != positives.end() && *p == threshold) ++p;
      while (n != negatives.end() && *n == threshold) ++n;
      points.push_back({share(negatives, n), share(positives, p), threshold});
    }
    return points;
  }

 private:
  static std::vector<double> descending(std::vector<double> scores) {
    std::sort(scores.begin(), scores.end(), std::greater<>());
    return scores;
  }
  static double share(const std::vector<double>& scores, std::vector<double>::const_iterator reached) {
    return static_cast<double>(reached - scores.begin()) / static_cast<double>(scores.size());
  }

  std::vector<double> positives_, negatives_;
};

}  // namespace flipbook::metrics
