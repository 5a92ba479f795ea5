// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// The numbers of elements by predicted and observed events.
struct Contingency {
  Index hits = 0, misses = 0, false_alarms = 0, correct_negatives = 0;
};

/// hits / (hits + misses + false alarms)
struct CriticalSuccess {
  static constexpr const char* name = "Csi";
  static constexpr bool higher_is_better = true;
  static Index part(const Contingency& table) { return table.hits; }
  static Index whole(const Contingency& table) { return table.hits + table.misses + table.false_alarms; }
};
/// hits / (hits + misses)
struct Detection {
  static constexpr const char* name = "Pod";
  static constexpr bool higher_is_better = true;
  static Index part(const Contingency& table) { return table.hits; }
  static Index whole(const Contingency& table) { return table.hits + table.misses; }
};
/// false alarms / (hits + false alarms)
struct FalseAlarm {
  static constexpr const char* name = "Far";
  static constexpr bool higher_is_better = false;
  static Index part(const Contingency& table) { return table.false_alarms; }
  static Index whole(const Contingency& table) { return table.hits + table.false_alarms; }
};

/// A ratio of counts of events; an event is an element ≥ a threshold.
template <class Ratio>
class EventScore {
 public:
  static constexpr bool higher_is_better = Ratio::higher_is_better;
  struct Options {
    double threshold = 0.5;
    bool operator==(const Options&) const = default;
  };

  explicit EventScore(Options options = {}) : options_(options) {}

  /// @param prediction  (…)      @param target  (…)
  /// @throws Error  if the shapes differ, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    detail::require_pair(Ratio::name, prediction.shape(), target.shape());
    detail::require_finite_pair(Ratio::name, prediction, target);
    Index predicted = 0, happened = 0, both = 0;
    for (Index i = 0; i < target.size(); ++i) {
      const bool p = prediction.data()[i] >= options_.threshold, t = target.data()[i] >= options_.threshold;
      predicted += p, happened += t, both += p && t;
    }
    add_counts({both, happened - both, predicted - both, target.size() - predicted - happened + both});
  }
  /// @throws Error  if the two have different thresholds
  void merge(const EventScore& other) {
    detail::require_same(Ratio::name, options_, other.options_);
    add_counts(other.table_);
  }
  /// The ratio over all elements that were added.
  /// @throws Error  if the denominator is 0
  double value() const {
    require(Ratio::whole(table_) > 0, Ratio::name, ".value: no event ≥ ", options_.threshold, " to count");
    return static_cast<double>(Ratio::part(table_)) / static_cast<double>(Ratio::whole(table_));
  }
  const Contingency& table() const noexcept { return table_; }

 private:
  void add_counts(const Contingency& more) {
    table_.hits += more.hits;
    table_.misses += more.misses;
    table_.false_alarms += more.false_alarms;
    table_.correct_negatives += more.correct_negatives;
  }

  Options options_;
  Contingency table_;
};

/// Critical success index: the fraction of predicted or observed events that were both predicted and observed.
using Csi = EventScore<CriticalSuccess>;
/// Probability of detection: the fraction of observed events that were predicted.
using Pod = EventScore<Detection>;
/// False alarm ratio: the fraction of predicted events that were not observed.
using Far = EventScore<FalseAlarm>;

/// Fractions skill score: the agreement of the fractions of events in n × n neighbourhoods,
///
///     1 − Σ (p − o)² / (Σ p² + Σ o²),
///
/// where p and o are the fractions of elements ≥ a threshold in the neighbourhood of a pixel, of predictions and
/// targets; there are no events outside the frame. The sums are over pixels, channels, and all frames that were added.
/// Roberts & Lean, Scale-selective verification of rainfall accumulations from high-resolution forecasts of convective
/// events, 2008.
class Fss {
 public:
  static constexpr const char* name = "Fss";
  static constexpr bool higher_is_better = true;
  struct Options {
    double threshold = 0.5;
    Index window = 5;  ///< height and width of a neighbourhood, odd
    bool operator==(const Options&) const = default;
  };

  Fss() : Fss(Options{}) {}
  explicit Fss(Options options) : options_(options) {
    require(options_.window > 0 && options_.window % 2 == 1, name, ": the window must be odd, got ", options_.window);
  }

  /// @param prediction  (…, H, W, C)      @param target  (…, H, W, C)
  /// @throws Error  if the shapes differ, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    const detail::Frames frames = detail::frames_of(name, prediction.shape(), target.shape());
    detail::require_finite_pair(name, prediction, target);
    std::vector<Sums> sums(static_cast<std::size_t>(frames.count));
    parallel_for(frames.count, 1, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const Index at = i * frames.size();
        for (Index c = 0; c < frames.channels; ++c) {
          sums[static_cast<std::size_t>(i)].add(of_frame(prediction.data() + at + c, target.data() + at + c, frames));
        }
      }
    });
    for (const Sums& frame : sums) sums_.add(frame);
  }
  /// @throws Error  if the two have different options
  void merge(const Fss& other) {
    detail::require_same(name, options_, other.options_);
    sums_.add(other.sums_);
  }
  /// @throws Error  if there is no event in predictions or targets
  double value() const {
    require(sums_.squares > 0, name, ".value: no event ≥ ", options_.threshold, " to count");
    return 1 - sums_.differences / sums_.squares;
  }

 private:
  struct Sums {
    double differences = 0, squares = 0;
    void add(const Sums& more) { differences += more.differences, squares += more.squares; }
  };

  /// The number of events above and left of each corner between pixels, (H + 1, W + 1).
  template <class T>
  std::vector<Index> corner_counts(const T* x, const detail::Frames& frame) const {
    const Index across = frame.width + 1;
    std::vector<Index> counts(static_cast<std::size_t>((frame.height + 1) * across));
    for (Index row = 0; row < frame.height; ++row) {
      Index* below = counts.data() + (row + 1) * across;
      for (Index column = 0, in_row = 0; column < frame.width; ++column) {
        in_row += x[(row * frame.width + column) * frame.channels] >= options_.threshold;
        below[column + 1] = below[column + 1 - across] + in_row;
      }
    }
    return counts;
  }
  /// Of one channel, whose first element is given.
  template <class T>
  Sums of_frame(const T* prediction, const T* target, const detail::Frames& frame) const {
    const std::vector<Index> predicted = corner_counts(prediction, frame), happened = corner_counts(target, frame);
    const Index reach = options_.window / 2, across = frame.width + 1;
    const auto pixels = static_cast<double>(options_.window * options_.window);
    Sums sums;
    for (Index row = 0; row < frame.height; ++row) {
      const Index top = std::max<Index>(row - reach, 0), bottom = std::min(row + reach + 1, frame.height);
      for (Index column = 0; column < frame.width; ++column) {
        const Index left = std::max<Index>(column - reach, 0), right = std::min(column + reach + 1, frame.width);
        const auto share = [&](const std::vector<Index>& counts) {
          const auto corner = [&](Index y, Index x) { return counts[static_cast<std::size_t>(y * across + x)]; };
          const Index inside = corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left);
          return static_cast<double>(inside) / pixels;
        };
        const double p = share(predicted), o = share(happened);
        sums.add({(p - o) * (p - o), p * p + o * o});
      }
    }
    return sums;
  }

  Options options_;
  Sums sums_;
};

}  // namespace flipbook::metrics
