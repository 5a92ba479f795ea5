// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <cmath>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

namespace detail {
template <class T>
void require_outcomes(const char* name, const Tensor<T>& x) {
  flipbook::detail::require_each(x, text(name, ".add: what happened must be 0 or 1"),
                                 [](T value) { return value == 0 || value == 1; });
}
template <class T>
void require_forecasts(const char* name, const Tensor<T>& probability, const Tensor<T>& outcome) {
  require(probability.shape() == outcome.shape() && outcome.size() > 0, name, ".add: probabilities ",
          probability.shape(), " and outcomes ", outcome.shape(), " must be of one shape and not empty");
  require_unit(probability, text(name, ".add: probabilities"));
  require_outcomes(name, outcome);
}
}  // namespace detail

/// Brier score: the mean of (p − y)² for probabilities p and outcomes y, which are 1 for an event and 0 for none.
/// Brier, Verification of forecasts expressed in terms of probability, 1950.
class Brier {
 public:
  static constexpr const char* name = "Brier";
  static constexpr bool higher_is_better = false;

  /// @param probability  (…)      @param outcome  (…), 0 or 1
  /// @throws Error  if the shapes differ, or an element is no probability or no outcome
  template <std::floating_point T>
  void add(const Tensor<T>& probability, const Tensor<T>& outcome) {
    detail::require_forecasts(name, probability, outcome);
    const double sum = detail::sum_of(outcome.size(), [p = probability.data(), y = outcome.data()](Index i) {
      const double difference = static_cast<double>(p[i]) - static_cast<double>(y[i]);
      return difference * difference;
    });
    mean_.add(sum, outcome.size());
  }
  void merge(const Brier& other) { mean_.merge(other.mean_); }
  /// @throws Error  if nothing was added
  double value() const { return mean_.value(name); }

 private:
  detail::Average mean_;
};

/// Calibration of probabilities: whether events predicted with probability p have the frequency p. Probabilities fall
/// into B bins of equal width, ((b − 1)/B, b/B], the first with 0; the value is the expected calibration error,
///
///     Σ_b n_b / n · |frequency of events in b − mean probability in b|
///
/// Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, 2015.
class Reliability {
 public:
  static constexpr const char* name = "Reliability";
  static constexpr bool higher_is_better = false;
  struct Options {
    Index bins = 10;
    bool operator==(const Options&) const = default;
  };
  /// A point of the reliability diagram.
  struct Bin {
    Index count;
    double probability;  ///< mean predicted probability
    double frequency;    ///< fraction of events
  };

  Reliability() : Reliability(Options{}) {}
  explicit Reliability(Options options) : options_(options) {
    require(options_.bins > 0, name, ": needs bins, got ", options_.bins);
    probabilities_.resize(static_cast<std::size_t>(options_.bins));
    outcomes_.resize(probabilities_.size());
  }

  /// @param probability  (…)      @param outcome  (…), 0 or 1
  /// @throws Error  if the shapes differ, or an element is no probability or no outcome
  template <std::floating_point T>
  void add(const Tensor<T>& probability, const Tensor<T>& outcome) {
    detail::require_forecasts(name, probability, outcome);
    for (Index i = 0; i < outcome.size(); ++i) {
      const double p = probability.data()[i];
      const std::size_t bin = bin_of(p);
      probabilities_[bin].add(p), outcomes_[bin].add(outcome.data()[i]);
    }
  }
  /// @throws Error  if the two have different bins
  void merge(const Reliability& other) {
    detail::require_same(name, options_, other.options_);
    for (std::size_t bin = 0; bin < outcomes_.size(); ++bin) {
      probabilities_[bin].merge(other.probabilities_[bin]), outcomes_[bin].merge(other.outcomes_[bin]);
    }
  }
  /// The expected calibration error.
  /// @throws Error  if nothing was added
  double value() const {
    detail::Average error;
    for (const auto& [count, probability, frequency] : curve()) {
      error.add(static_cast<double>(count) * std::abs(frequency - probability), count);
    }
    return error.value(name);
  }
  /// The bins that are not empty, from low to high.
  std::vector<Bin> curve() const {
    std::vector<Bin> bins;
    for (std::size_t bin = 0; bin < outcomes_.size(); ++bin) {
      const Index count = outcomes_[bin].count();
      if (count > 0) bins.push_back({count, probabilities_[bin].value(name), outcomes_[bin].value(name)});
    }
    return bins;
  }

 private:
  /// The number of inner edges below p, which are those of NumPy's linspace.
  std::size_t bin_of(double p) const {
    const double width = 1 / static_cast<double>(options_.bins);
    auto bin = std::clamp(static_cast<Index>(p / width), Index{0}, options_.bins - 1);
    while (bin > 0 && !(static_cast<double>(bin) * width < p)) --bin;
    while (bin + 1 < options_.bins && static_cast<double>(bin + 1) * width < p) ++bin;
    return static_cast<std::size_t>(bin);
  }

  Options options_;
  std::vector<detail::Average> probabilities_, outcomes_;
};

}  // namespace flipbook::metrics
