// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <numbers>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// −log p of data under a model, or a bound of it, per clip, per frame or per dimension.
class NegativeLogLikelihood {
 public:
  static constexpr const char* name = "NegativeLogLikelihood";

  /// @param log_prob  (N), in nats per clip          @param data  of shape (N, T, H, W, C) or (N, H, W, C)
  /// @throws Error  if the shapes do not fit, or a number is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& log_prob, const Shape& data) {
    require((data.rank() == 4 || data.rank() == 5) && data.size() > 0 && log_prob.shape() == Shape{data[0]}, name,
            ".add: log-likelihoods ", log_prob.shape(), " of data ", data, "; needs (N) of (N, T, H, W, C)");
    require_finite(log_prob, text(name, ".add: log-likelihoods"));
    for (const T value : log_prob) clips_.add(-static_cast<double>(value));
    frames_ += data.part(0, data.rank() - 3).size();
    dimensions_ += data.size();
  }
  void merge(const NegativeLogLikelihood& other) {
    clips_.merge(other.clips_);
    frames_ += other.frames_;
    dimensions_ += other.dimensions_;
  }
  /// The mean of −log p over clips, in nats.
  /// @throws Error  if nothing was added
  double value() const { return clips_.value(name); }
  /// −Σ log p / number of frames, in nats.
  /// @throws Error  if nothing was added
  double nats_per_frame() const { return per(frames_); }
  /// −Σ log p / (number of elements · log 2). For a density over bytes that were scaled by 1/255 add log₂ 255.
  /// @throws Error  if nothing was added
  double bits_per_dimension() const { return per(dimensions_) / std::numbers::ln2; }

 private:
  double per(Index count) const {
    return clips_.value(name) * static_cast<double>(clips_.count()) / static_cast<double>(count);
  }

  detail::Average clips_;
  Index frames_ = 0, dimensions_ = 0;
};

}  // namespace flipbook::metrics
