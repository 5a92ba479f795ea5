// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <cmath>
#include <utility>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// A measure of a pair of frames, from which FrameMean makes a metric. It contains the metric's options, and has
///
///     static constexpr const char* name           as errors state it
///     static constexpr bool higher_is_better
///     double operator()(const T* prediction, const T* target, const detail::Frames& frame) const    of one frame;
///                                                 must not throw, and give NaN or ±∞ where an element is not finite
///     void check(const detail::Frames& frames) const      optional: throws for frames that it cannot measure
///     double finish(double mean) const                    optional: makes the value of the mean over frames
template <class F>
concept FrameMeasure = std::equality_comparable<F> && requires(const F& measure, const float* x, detail::Frames frame) {
  { F::name } -> std::convertible_to<const char*>;
  { F::higher_is_better } -> std::convertible_to<bool>;
  { measure(x, x, frame) } -> std::same_as<double>;
};

/// The mean of a measure over frames, such as Mse, Mae, Psnr and Ssim.
template <FrameMeasure F>
class FrameMean {
 public:
  static constexpr bool higher_is_better = F::higher_is_better;

  explicit FrameMean(F measure = {}) : measure_(std::move(measure)) {}

  /// @param prediction  (…, H, W, C): frames, clips (N, T, H, W, C), or any others    @param target  (…, H, W, C)
  /// @throws Error  if the shapes differ, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    const detail::Frames frames = detail::frames_of(F::name, prediction.shape(), target.shape());
    if constexpr (requires { measure_.check(frames); }) measure_.check(frames);
    std::vector<double> values(static_cast<std::size_t>(frames.count));
    const Index size = frames.size();
    parallel_for(frames.count, 1 + 4096 / size, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        values[static_cast<std::size_t>(i)] = measure_(prediction.data() + i * size, target.data() + i * size, frames);
      }
    });
    // Elements are checked only if a value is not finite: that may also be a valid value, such as PSNR of equal frames.
    if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) {
      detail::require_finite_pair(F::name, prediction, target);
    }
    for (const double value : values) mean_.add(value);
  }
  /// @throws Error  if the two have different options
  void merge(const FrameMean& other) {
    detail::require_same(F::name, measure_, other.measure_);
    mean_.merge(other.mean_);
  }
  /// @throws Error  if nothing was added
  double value() const {
    const double mean = mean_.value(F::name);
    if constexpr (requires { measure_.finish(mean); }) return measure_.finish(mean);
    else return mean;
  }
  /// The number of frames that were added.
  Index frames() const noexcept { return mean_.count(); }

 private:
  F measure_;
  detail::Average mean_;
};

}  // namespace flipbook::metrics
