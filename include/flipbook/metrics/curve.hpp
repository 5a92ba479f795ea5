// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <utility>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

namespace detail {
/// Frame t of every clip: (…, T, H, W, C) → (N, H, W, C).
template <class T>
Tensor<T> frames_at(const Tensor<T>& clips, Index t) {
  const Frames frames = frames_of("Curve", clips.shape());
  const Index length = clips.extent(-4), size = frames.size(), count = frames.count / length;
  Tensor<T> at({count, frames.height, frames.width, frames.channels});  // (N, H, W, C)
  for (Index n = 0; n < count; ++n) std::copy_n(clips.data() + (n * length + t) * size, size, at.data() + n * size);
  return at;
}
template <class M>
auto values_of(const std::vector<M>& metrics) {
  std::vector<decltype(std::declval<const M&>().value())> values;
  values.reserve(metrics.size());
  for (const M& metric : metrics) values.push_back(metric.value());
  return values;
}
}  // namespace detail

/// A metric of frames by time: one value for each frame index of a clip, such as `Curve<Ssim>`. If clips differ in
/// length, each index has the clips that are long enough.
template <Metric M>
class Curve {
 public:
  /// @param metric  with the options for all frame indices, and no data yet
  explicit Curve(M metric = M{}) : empty_(std::move(metric)) {}

  /// @param prediction  (…, T, H, W, C)    @param target  (…, T, H, W, C)
  /// @throws Error  if the shapes differ or have no axis of time, and what the metric throws; nothing is added then
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    detail::require_pair("Curve", prediction.shape(), target.shape());
    require(target.rank() >= 4, "Curve.add: needs clips (…, T, H, W, C), got ", target.shape());
    std::vector<M> longer = grown(target.extent(-4));
    for (Index t = 0; t < target.extent(-4); ++t) {
      longer[static_cast<std::size_t>(t)].add(detail::frames_at(prediction, t), detail::frames_at(target, t));
    }
    metrics_ = std::move(longer);
  }
  void merge(const Curve& other) {
    std::vector<M> longer = grown(static_cast<Index>(other.metrics_.size()));
    for (std::size_t t = 0; t < other.metrics_.size(); ++t) longer[t].merge(other.metrics_[t]);
    metrics_ = std::move(longer);
  }
  /// The metric's value at each frame index, from the first frame on.
  /// @throws Error  if nothing was added
  auto value() const {
    require(!metrics_.empty(), "Curve.value: nothing was added");
    return detail::values_of(metrics_);
  }

 private:
  std::vector<M> grown(Index length) const {
    std::vector<M> longer = metrics_;
    longer.resize(std::max(longer.size(), static_cast<std::size_t>(length)), empty_);
    return longer;
  }

  M empty_;
  std::vector<M> metrics_;
};

/// Metrics of one type with different options, such as several thresholds or windows.
template <Metric M>
class Several {
 public:
  explicit Several(std::vector<M> metrics) : metrics_(std::move(metrics)) {}

  /// Passes the arguments to `add` of each metric.
  /// @throws Error  what a metric throws; nothing is added then
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    std::vector<M> more = metrics_;
    for (M& metric : more) metric.add(prediction, target);
    metrics_ = std::move(more);
  }
  /// @throws Error  if the two have different metrics
  void merge(const Several& other) {
    require(metrics_.size() == other.metrics_.size(), "Several.merge: ", metrics_.size(), " metrics and ",
            other.metrics_.size());
    std::vector<M> more = metrics_;
    for (std::size_t i = 0; i < more.size(); ++i) more[i].merge(other.metrics_[i]);
    metrics_ = std::move(more);
  }
  /// The values, in order.
  auto value() const { return detail::values_of(metrics_); }

 private:
  std::vector<M> metrics_;
};

}  // namespace flipbook::metrics
