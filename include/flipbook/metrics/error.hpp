// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/frame_mean.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// The reduction of the errors of a frame's H·W·C elements: their mean or, as in papers on video prediction (OpenSTL:
/// Tan et al., 2023), their sum.
enum class Reduction { mean, sum };

namespace detail {
template <class Error>
double reduce(Reduction reduction, const Frames& frame, const Error& error) {
  const double sum = sum_of(frame.size(), error);
  return reduction == Reduction::sum ? sum : sum / static_cast<double>(frame.size());
}
template <class T>
double squared_error(Reduction reduction, const T* x, const T* y, const Frames& frame) {
  return reduce(reduction, frame, [x, y](Index i) {
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    return difference * difference;
  });
}
}  // namespace detail

/// (x − y)² over the elements of a frame.
struct SquaredError {
  static constexpr const char* name = "Mse";
  static constexpr bool higher_is_better = false;

  Reduction over_frame = Reduction::mean;

  template <std::floating_point T>
  double operator()(const T* x, const T* y, const detail::Frames& frame) const {
    return detail::squared_error(over_frame, x, y, frame);
  }
  bool operator==(const SquaredError&) const = default;
};

/// |x − y| over the elements of a frame.
struct AbsoluteError {
  static constexpr const char* name = "Mae";
  static constexpr bool higher_is_better = false;

  Reduction over_frame = Reduction::mean;

  template <std::floating_point T>
  double operator()(const T* x, const T* y, const detail::Frames& frame) const {
    return detail::reduce(over_frame, frame,
                          [x, y](Index i) { return std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])); });
  }
  bool operator==(const AbsoluteError&) const = default;
};

/// 10 log₁₀(R² / mse) of a frame in decibels, R being the range of the data.
struct PeakSignalToNoise {
  static constexpr const char* name = "Psnr";
  static constexpr bool higher_is_better = true;
  /// The quantity averaged over frames: decibels, as in papers, or squared errors, whose mean is then converted to
  /// decibels. The mean of decibels is never lower; it is infinite if one frame has no error.
  enum class Mean { decibels, errors };

  double data_range = 1;  ///< largest − smallest value that an element may have
  Mean mean_of = Mean::decibels;

  template <std::floating_point T>
  double operator()(const T* x, const T* y, const detail::Frames& frame) const {
    const double error = detail::squared_error(Reduction::mean, x, y, frame);
    return mean_of == Mean::decibels ? decibels(error) : error;
  }
  double finish(double mean) const { return mean_of == Mean::decibels ? mean : decibels(mean); }
  bool operator==(const PeakSignalToNoise&) const = default;

 private:
  double decibels(double error) const { return 10 * std::log10(data_range * data_range / error); }
};

/// Mean squared error: the mean over frames of the mean, or sum, over a frame's elements.
using Mse = FrameMean<SquaredError>;
/// Mean absolute error: the mean over frames of the mean, or sum, over a frame's elements.
using Mae = FrameMean<AbsoluteError>;
/// Peak signal-to-noise ratio in decibels: the mean over frames, or the ratio of the frames' mean squared error.
using Psnr = FrameMean<PeakSignalToNoise>;

}  // namespace flipbook::metrics
