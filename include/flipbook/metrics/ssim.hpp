// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/frame_mean.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// Similarity of two frames in brightness, contrast and structure: the mean over all windows within the frame, and over
/// its channels, of
///
///     (2 μx μy + C1) (2 σxy + C2) / ((μx² + μy² + C1) (σx² + σy² + C2)),   C1 = (K1 R)², C2 = (K2 R)²,
///
/// where means, variances and the covariance are weighted over the window. The defaults are those of Wang et al., Image
/// quality assessment: from error visibility to structural similarity, 2004, for data in [0, 1].
struct StructuralSimilarity {
  static constexpr const char* name = "Ssim";
  static constexpr bool higher_is_better = true;
  enum class Weights { gaussian, uniform };

  Index window = 11;  ///< height and width, in pixels
  Weights weights = Weights::gaussian;
  double sigma = 1.5;  ///< of Gaussian weights, in pixels
  double k1 = 0.01, k2 = 0.03;
  double data_range = 1;           ///< R: largest − smallest value that an element may have
  bool sample_covariance = false;  ///< divides by the number of pixels minus one; for uniform weights

  /// OpenSTL's options (Tan et al., 2023) of scikit-image for frames in [0, 1]: 7 × 7 pixels of equal weight, sample
  /// covariance, and a range of 2, the default for floating-point images.
  static constexpr StructuralSimilarity openstl() {
    return {.window = 7, .weights = Weights::uniform, .data_range = 2, .sample_covariance = true};
  }

  /// @throws Error  if a frame is smaller than the window, or the options are invalid
  void check(const detail::Frames& frame) const {
    require(window > 0 && sigma > 0 && data_range > 0 && (!sample_covariance || window > 1), "Ssim: a window of ",
            window, " pixels, sigma ", sigma, " and a range of ", data_range, "; all must be above 0, and the window ",
            "above 1 for sample covariance");
    require(frame.height >= window && frame.width >= window, "Ssim.add: frames of ", frame.height, " × ", frame.width,
            " pixels are smaller than the window, ", window, " × ", window);
  }

  template <std::floating_point T>
  double operator()(const T* x, const T* y, const detail::Frames& frame) const {
    const Index across = frame.width * frame.channels, places = (frame.width - window + 1) * frame.channels;
    const std::vector<double> weight = window_weights();
    std::vector<double> columns(static_cast<std::size_t>(moments * across));
    std::vector<double> windows(static_cast<std::size_t>(moments * places));
    double sum = 0;
    for (Index row = 0; row + window <= frame.height; ++row) {
      weigh_down(columns, weight, x + row * across, y + row * across, across);
      for (Index m = 0; m < moments; ++m) {
        weigh_across(windows.data() + m * places, weight, columns.data() + m * across, places, frame.channels);
      }
      sum += sum_of_similarities(windows.data(), places);
    }
    return sum / static_cast<double>((frame.height - window + 1) * places);
  }
  bool operator==(const StructuralSimilarity&) const = default;

 private:
  static constexpr Index moments = 4;  // x, y, x² + y², xy

  /// The weights along one axis, with the sum 1: a window's weights are products of two.
  std::vector<double> window_weights() const {
    std::vector<double> weight(static_cast<std::size_t>(window), 1.0);
    if (weights == Weights::gaussian) {
      for (Index i = 0; i < window; ++i) {
        const double distance = static_cast<double>(i) - static_cast<double>(window - 1) / 2;
        weight[static_cast<std::size_t>(i)] = std::exp(-distance * distance / (2 * sigma * sigma));
      }
    }
    const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
    for (double& w : weight) w /= sum;
    return weight;
  }

  /// The moments of a window's rows, for each column and channel.
  template <class T>
  static void weigh_down(std::vector<double>& columns, const std::vector<double>& weight, const T* x, const T* y,
                         Index across) {
    std::fill(columns.begin(), columns.end(), 0.0);
    double* __restrict mean_x = columns.data(), * __restrict mean_y = mean_x + across;
    double* __restrict squares = mean_y + across, * __restrict products = squares + across;
    for (const double w : weight) {
      for (Index i = 0; i < across; ++i) {
        const double a = static_cast<double>(x[i]), b = static_cast<double>(y[i]);
        mean_x[i] += w * a;
        mean_y[i] += w * b;
        squares[i] += w * (a * a + b * b);
        products[i] += w * (a * b);
      }
      x += across, y += across;
    }
  }
  static void weigh_across(double* __restrict to, const std::vector<double>& weight, const double* __restrict from,
                           Index places, Index channels) {
    std::fill(to, to + places, 0.0);
    for (const double w : weight) {
      for (Index i = 0; i < places; ++i) to[i] += w * from[i];
      from += channels;
    }
  }

  double sum_of_similarities(const double* windows, Index places) const {
    const double c1 = k1 * data_range * k1 * data_range, c2 = k2 * data_range * k2 * data_range;
    const auto pixels = static_cast<double>(window * window);
    const double scale = sample_covariance ? pixels / (pixels - 1) : 1;
    const double *mean_x = windows, *mean_y = mean_x + places, *squares = mean_y + places, *products = squares + places;
    return detail::sum_of(places, [=](Index i) {
      const double product = mean_x[i] * mean_y[i], square = mean_x[i] * mean_x[i] + mean_y[i] * mean_y[i];
      return (2 * product + c1) * (2 * scale * (products[i] - product) + c2) /
             ((square + c1) * (scale * (squares[i] - square) + c2));
    });
  }
};

/// Structural similarity, 1 for equal frames: the mean over frames.
using Ssim = FrameMean<StructuralSimilarity>;

}  // namespace flipbook::metrics
