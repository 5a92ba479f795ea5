// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <numeric>
#include <string_view>
#include <vector>

#include <flipbook/core/parallel.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/io/pixels.hpp>

/// Metrics of predictions, samples and probabilities over a whole data set. A metric is a small object that receives
/// batches as tensors of float or double on the CPU, and keeps sums in double.
///
///     metric.add(prediction, target)    adds a batch; throws for infinite or NaN elements and for wrong shapes
///     metric.value()                    the value for all that was added; throws if nothing was
///     metric.merge(other)               as if all that was added to `other` had been added here
namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// A metric that compares predictions with targets. A copy of one without data has the same options.
template <class M>
concept Metric = std::copyable<M> && requires(M metric, const M& other, const Tensor<float>& x) {
  metric.add(x, x);
  metric.merge(other);
  other.value();
};

/// A metric that ranks predictions: its value is one number, and the constant `M::higher_is_better` states the order.
template <class M>
concept Criterion = Metric<M> && requires(const M& metric) {
  { metric.value() } -> std::same_as<double>;
  { M::higher_is_better } -> std::convertible_to<bool>;
};

namespace detail {

/// A running mean.
class Average {
 public:
  void add(double value, Index count = 1) { sum_ += value, count_ += count; }
  void merge(const Average& other) { add(other.sum_, other.count_); }
  Index count() const noexcept { return count_; }
  double value(const char* name) const {
    require(count_ > 0, name, ".value: nothing was added");
    return sum_ / static_cast<double>(count_);
  }

 private:
  double sum_ = 0;
  Index count_ = 0;
};

/// The frames of a batch.
struct Frames {
  Index count, height, width, channels;
  Index size() const noexcept { return height * width * channels; }
};

inline void require_pair(const char* name, const Shape& prediction, const Shape& target) {
  require(prediction == target && prediction.size() > 0, name, ".add: prediction ", prediction, " and target ", target,
          " must be of one shape and not empty");
}
inline Frames frames_of(const char* name, const Shape& x) {
  require(x.rank() >= 3 && x.size() > 0, name, ".add: needs frames (…, H, W, C) and not none, got ", x);
  return {x.part(0, x.rank() - 3).size(), x[-3], x[-2], x[-1]};
}
inline Frames frames_of(const char* name, const Shape& prediction, const Shape& target) {
  require_pair(name, prediction, target);
  return frames_of(name, prediction);
}
template <class T, class U>
void require_finite_pair(const char* name, const Tensor<T>& prediction, const Tensor<U>& target) {
  require_finite(prediction, text(name, ".add: prediction"));
  require_finite(target, text(name, ".add: target"));
}
template <class Options>
void require_same(const char* name, const Options& here, const Options& there) {
  require(here == there, name, ".merge: the two measure by different options");
}

/// Σ term(i) over [0, count), in lanes that a compiler vectorises.
template <class Term>
double sum_of(Index count, const Term& term) {
  constexpr Index width = 8;
  std::array<double, width> lanes{};
  const Index whole = count - count % width;
  for (Index i = 0; i < whole; i += width) {
    for (Index lane = 0; lane < width; ++lane) lanes[static_cast<std::size_t>(lane)] += term(i + lane);
  }
  double sum = std::accumulate(lanes.begin(), lanes.end(), 0.0);
  for (Index i = whole; i < count; ++i) sum += term(i);
  return sum;
}

/// Σ part(first, last) over pieces of [0, count), parallel, with a result that does not depend on the number of
/// threads. `part` must not throw.
template <class Part>
double parallel_sum(Index count, Index piece, const Part& part) {
  std::vector<double> sums(static_cast<std::size_t>((count + piece - 1) / piece));
  parallel_for(static_cast<Index>(sums.size()), 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      sums[static_cast<std::size_t>(i)] = part(i * piece, std::min(count, (i + 1) * piece));
    }
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace detail
}  // namespace flipbook::metrics
