// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Normalisation of each channel, (x − mean) / deviation, and its inverse. It is not a data set, since likelihoods,
/// images and files rely on a data set's values being in [0, 1]. A model that needs normalised values applies it to its
/// input, and the inverse to its output.
struct Normalisation {
  std::vector<float> mean, deviation;  ///< one number per channel

  /// The mean and standard deviation per channel of the first clips of a source.
  /// @throws Error if `clips` is not positive, or if a channel is constant
  template <Dataset Source>
  static Normalisation measured(const Source& source, Index clips) {
    require(clips > 0, "Normalisation: measured on ", clips, " clips");
    const Index channels = source.shape()[3];
    std::vector<double> sum(static_cast<std::size_t>(channels)), squares = sum;
    for (Index i = 0; i < clips; ++i) {
      const Tensor<float> clip = source.clip(i);  // (T, H, W, C)
      for (Index at = 0; at < clip.size(); ++at) {
        const double value = static_cast<double>(clip.data()[at]);  // in [0, 1], so its square may be summed
        const auto channel = static_cast<std::size_t>(at % channels);
        sum[channel] += value, squares[channel] += value * value;
      }
    }
    const double count = static_cast<double>(clips * (source.shape().size() / channels));
    Normalisation measured;
    for (std::size_t c = 0; c < sum.size(); ++c) {
      const double mean = sum[c] / count, variance = squares[c] / count - mean * mean;
      require(variance > 1e-12, "Normalisation: channel ", c, " is ", mean, " everywhere");
      measured.mean.push_back(static_cast<float>(mean));
      measured.deviation.push_back(static_cast<float>(std::sqrt(variance)));
    }
    return measured;
  }

  /// (x − mean) / deviation
  /// @param x  (…, C)
  /// @throws Error for another number of channels, and for a deviation that is not positive
  Tensor<float> normalise(const Tensor<float>& x) const {
    return each(x, [](float value, float mean, float deviation) { return (value - mean) / deviation; });
  }
  /// mean + deviation · y, the inverse.
  Tensor<float> restore(const Tensor<float>& y) const {
    return each(y, [](float value, float mean, float deviation) { return mean + deviation * value; });
  }

 private:
  template <class F>
  Tensor<float> each(const Tensor<float>& x, const F& f) const {
    const auto channels = static_cast<Index>(mean.size());
    require(channels > 0 && mean.size() == deviation.size(), "Normalisation: ", mean.size(), " means and ",
            deviation.size(), " deviations");
    for (const float d : deviation) require(std::isfinite(d) && d > 0, "Normalisation: a deviation of ", d);
    require(x.rank() > 0 && x.extent(-1) == channels, "Normalisation: of ", channels, " channels, got ", x.shape());
    Tensor<float> y(x.shape());
    for (Index i = 0; i < x.size(); ++i) {
      const auto c = static_cast<std::size_t>(i % channels);
      y.data()[i] = f(x.data()[i], mean[c], deviation[c]);
    }
    return y;
  }
};

}  // namespace flipbook
