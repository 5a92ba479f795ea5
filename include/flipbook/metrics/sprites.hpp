// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

#include <cmath>

/// Metrics of clips of one sprite on black, such as those of MovingSprites with one sprite. The properties of these
/// clips are known, so samples can be evaluated without a network.
namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// The path of a clip's sprite.
struct CentroidPath {
  Tensor<double> at;          ///< (T, 2): row and column, in pixels from the centre of the first
  std::vector<Index> seen{};  ///< (T): 1 if the frame shows a sprite; if not, `at` keeps its last value
};

/// The centre of mass of each frame, c = Σ w p / Σ w over pixels p with w = Σ_channels max(x − floor, 0). Before the
/// sprite appears it is the centre of the frame.
/// @param clip  (T, H, W, C)          @param floor  values up to it are black, so that haze has no weight
/// @throws Error  if the shape is another, or an element is not finite
template <std::floating_point T>
CentroidPath centroid_path(const Tensor<T>& clip, double floor = 0.1) {
  require(clip.rank() == 4 && clip.size() > 0, "centroid_path: needs a clip (T, H, W, C), got ", clip.shape());
  require_finite(clip, "centroid_path: clip");
  const Index length = clip.extent(0), height = clip.extent(1), width = clip.extent(2), channels = clip.extent(3);
  CentroidPath path{Tensor<double>({length, 2})};  // (T, 2)
  double y = static_cast<double>(height - 1) / 2, x = static_cast<double>(width - 1) / 2;
  const T* from = clip.data();
  for (Index t = 0; t < length; ++t) {
    double mass = 0, down = 0, right = 0;
    for (Index row = 0; row < height; ++row) {
      for (Index column = 0; column < width; ++column) {
        for (Index c = 0; c < channels; ++c) {
          const double weight = std::max(static_cast<double>(*from++) - floor, 0.0);
          mass += weight, down += weight * static_cast<double>(row), right += weight * static_cast<double>(column);
        }
      }
    }
    if (mass > 0) y = down / mass, x = right / mass;
    path.seen.push_back(mass > 0);
    path.at.data()[2 * t] = y, path.at.data()[2 * t + 1] = x;
  }
  return path;
}

namespace detail {

/// Statistics of a path c with steps v_t = c_{t+1} − c_t and second differences a_t = v_{t+1} − v_t.
struct PathMotion {
  double speed = 0;      // mean |v|
  double deviation = 0;  // standard deviation of |v|
  double bend = 0;       // mean |a|
  double straight = 0;   // fraction of a below the limit of a straight path
};

inline PathMotion motion_of(const CentroidPath& path, double straight_below) {
  const Index steps = path.at.extent(0) - 1, bends = steps - 1;
  const double* at = path.at.data();
  const auto seen = [&](Index t) { return path.seen[static_cast<std::size_t>(t)] == 1; };
  PathMotion motion;
  double squares = 0;
  for (Index t = 0; t < steps; ++t) {
    const double step = std::hypot(at[2 * t + 2] - at[2 * t], at[2 * t + 3] - at[2 * t + 1]);
    motion.speed += step / static_cast<double>(steps), squares += step * step / static_cast<double>(steps);
  }
  for (Index t = 0; t < bends; ++t, at += 2) {
    const double bend = std::hypot(at[4] - 2 * at[2] + at[0], at[5] - 2 * at[3] + at[1]);
    motion.bend += bend / static_cast<double>(bends);
    const bool straight = bend < straight_below && seen(t) && seen(t + 1) && seen(t + 2);
    motion.straight += (straight ? 1 : 0) / static_cast<double>(bends);
  }
  motion.deviation = std::sqrt(std::max(squares - motion.speed * motion.speed, 0.0));
  return motion;
}

/// Calls of_clip(n, path) for clips (N, T, H, W, C) of `least` frames or more.
template <class T, class OfClip>
void each_path(const char* name, const Tensor<T>& clips, Index least, double floor, const OfClip& of_clip) {
  require(clips.rank() == 5 && clips.size() > 0 && clips.extent(1) >= least, name, ": needs clips (N, T, H, W, C) of ",
          least, " frames or more, got ", clips.shape());
  require_finite(clips, name);
  for (Index n = 0; n < clips.extent(0); ++n) of_clip(n, centroid_path(clips[n], floor));
}

}  // namespace detail

/// The thresholds for a visible sprite and for straight motion.
struct SpriteOptions {
  double floor = 0.1;           ///< values up to it are black
  double straight_below = 1.6;  ///< in pixels; a straight path rounded to pixels has second differences up to √2
  bool operator==(const SpriteOptions&) const = default;
};

/// Four statistics of each clip's path, as features for FrechetDistance: mean and standard deviation of the speed
/// |c_{t+1} − c_t|, mean of |c_{t+2} − 2 c_{t+1} + c_t|, and the fraction of straight steps (SpriteMotion).
/// @param clips  (N, T, H, W, C), T > 2      @return  (N, 4)
/// @throws Error  if the shape is another, or an element is not finite
template <std::floating_point T>
Tensor<double> path_statistics(const Tensor<T>& clips, SpriteOptions options = {}) {
  Tensor<double> statistics({clips.rank() == 5 ? clips.extent(0) : 0, 4});  // (N, 4)
  detail::each_path("path_statistics", clips, 3, options.floor, [&](Index n, const CentroidPath& path) {
    const auto [speed, deviation, bend, straight] = detail::motion_of(path, options.straight_below);
    const std::array numbers{speed, deviation, bend, straight};
    std::copy(numbers.begin(), numbers.end(), statistics.data() + 4 * n);
  });
  return statistics;
}

/// The sprite's motion. The value is the fraction of straight steps: those of three frames that show the sprite, with
/// |c_{t+2} − 2 c_{t+1} + c_t| below 1.6 pixels, where c is the centroid. A sprite at rest is straight too: read the
/// value together with the speed, and compare both with those of real clips, which bounce.
class SpriteMotion {
 public:
  static constexpr const char* name = "SpriteMotion";
  static constexpr bool higher_is_better = true;

  explicit SpriteMotion(SpriteOptions options = {}) : options_(options) {}

  /// @param clips  (N, T, H, W, C), T > 2
  /// @throws Error  if the shape is another, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& clips) {
    detail::each_path("SpriteMotion.add", clips, 3, options_.floor, [&](Index, const CentroidPath& path) {
      const detail::PathMotion motion = detail::motion_of(path, options_.straight_below);
      straight_.add(motion.straight), speed_.add(motion.speed);
      for (const Index seen : path.seen) seen_.add(static_cast<double>(seen));
    });
  }
  /// @throws Error  if the two have different options
  void merge(const SpriteMotion& other) {
    detail::require_same(name, options_, other.options_);
    straight_.merge(other.straight_), speed_.merge(other.speed_), seen_.merge(other.seen_);
  }
  /// The fraction of straight steps, averaged over clips.
  /// @throws Error  if nothing was added
  double value() const { return straight_.value(name); }
  /// |c_{t+1} − c_t| in pixels, averaged over steps and clips.
  double speed() const { return speed_.value(name); }
  /// The fraction of frames that show a sprite.
  double seen() const { return seen_.value(name); }

 private:
  SpriteOptions options_;
  detail::Average straight_, speed_, seen_;
};

/// The error of a predicted sprite's path: |c − c′| between the centroids, in pixels, averaged over frames. A
/// prediction without a sprite has the largest error that a frame allows, √(H² + W²).
class PathError {
 public:
  static constexpr const char* name = "PathError";
  static constexpr bool higher_is_better = false;

  explicit PathError(SpriteOptions options = {}) : options_(options) {}

  /// @param prediction  (T, H, W, C) or (N, T, H, W, C)          @param target  of the same shape
  /// @throws Error  if the shapes differ, an element is not finite, or a frame of the target shows nothing
  template <std::floating_point T>
  void add(const Tensor<T>& prediction, const Tensor<T>& target) {
    detail::require_pair(name, prediction.shape(), target.shape());
    require(target.rank() == 4 || target.rank() == 5, name, ".add: needs clips (N, T, H, W, C), got ", target.shape());
    const Shape one = target.shape().part(target.rank() - 4, target.rank());
    const Shape all{target.size() / one.size(), one[0], one[1], one[2], one[3]};
    const Tensor<T> predicted = prediction.reshape(all), real = target.reshape(all);  // (N, T, H, W, C)
    detail::Average more;
    for (Index n = 0; n < all[0]; ++n) {
      const CentroidPath from = centroid_path(predicted[n], options_.floor),
                         to = centroid_path(real[n], options_.floor);
      for (Index t = 0; t < one[0]; ++t) {
        const auto frame = static_cast<std::size_t>(t);
        require(to.seen[frame] == 1, name, ".add: frame ", t, " of target ", n, " shows nothing above ",
                options_.floor);
        const double *a = from.at.data() + 2 * t, *b = to.at.data() + 2 * t;
        more.add(from.seen[frame] == 1 ? std::hypot(a[0] - b[0], a[1] - b[1])
                                       : std::hypot(static_cast<double>(one[1]), static_cast<double>(one[2])));
      }
    }
    mean_.merge(more);
  }
  /// @throws Error  if the two have different options
  void merge(const PathError& other) {
    detail::require_same(name, options_, other.options_);
    mean_.merge(other.mean_);
  }
  /// @throws Error  if nothing was added
  double value() const { return mean_.value(name); }

 private:
  SpriteOptions options_;
  detail::Average mean_;
};

/// The change of a sprite's appearance while it moves. With p_t the crop around frame t's centroid, interpolated
/// linearly, and p the mean crop of the clip,
///
///     Σ_t |p_t − p|² / Σ_t |p_t|²,
///
/// averaged over clips: 0 for a sprite of constant appearance, 1 − 1/T if no two frames share a pixel. A clip without a
/// sprite counts as 1.
class ContentChange {
 public:
  static constexpr const char* name = "ContentChange";
  static constexpr bool higher_is_better = false;
  struct Options {
    Index crop = 28;     ///< height and width of the sprite, in pixels
    double floor = 0.1;  ///< values up to it have no weight in the centroid
    bool operator==(const Options&) const = default;
  };

  ContentChange() : ContentChange(Options{}) {}
  explicit ContentChange(Options options) : options_(options) {
    require(options_.crop > 0, name, ": a crop of ", options_.crop, " pixels");
  }

  /// @param clips  (N, T, H, W, C)
  /// @throws Error  if the shape is another, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& clips) {
    detail::each_path("ContentChange.add", clips, 1, options_.floor,
                      [&](Index n, const CentroidPath& path) { mean_.add(change(clips[n], path)); });
  }
  /// @throws Error  if the two have different options
  void merge(const ContentChange& other) {
    detail::require_same(name, options_, other.options_);
    mean_.merge(other.mean_);
  }
  /// @throws Error  if nothing was added
  double value() const { return mean_.value(name); }

 private:
  template <class T>
  double change(const Tensor<T>& clip, const CentroidPath& path) const {
    const Index length = clip.extent(0), size = options_.crop * options_.crop * clip.extent(3);
    std::vector<double> crops(static_cast<std::size_t>(length * size));
    for (Index t = 0; t < length; ++t) cut(crops.data() + t * size, clip[t], path.at.data() + 2 * t);
    double changes = 0, squares = 0;
    for (Index i = 0; i < size; ++i) {
      double mean = 0;
      for (Index t = 0; t < length; ++t)
        mean += crops[static_cast<std::size_t>(t * size + i)] / static_cast<double>(length);
      for (Index t = 0; t < length; ++t) {
        const double pixel = crops[static_cast<std::size_t>(t * size + i)];
        changes += (pixel - mean) * (pixel - mean), squares += pixel * pixel;
      }
    }
    return squares > 0 ? changes / squares : 1;
  }

  /// The crop (S, S, C) of a frame (H, W, C) around a centroid, 0 outside of the frame.
  template <class T>
  void cut(double* crop, const Tensor<T>& frame, const double* centroid) const {
    const Index height = frame.extent(0), width = frame.extent(1), channels = frame.extent(2);
    const double reach = static_cast<double>(options_.crop - 1) / 2;
    const double top = centroid[0] - reach, left = centroid[1] - reach;
    const auto row = static_cast<Index>(std::floor(top)), column = static_cast<Index>(std::floor(left));
    const double down = top - static_cast<double>(row), right = left - static_cast<double>(column);
    const auto pixel = [&](Index y, Index x, Index c) {
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      return inside ? static_cast<double>(frame.data()[(y * width + x) * channels + c]) : 0.0;
    };
    for (Index y = row; y < row + options_.crop; ++y) {
      for (Index x = column; x < column + options_.crop; ++x) {
        for (Index c = 0; c < channels; ++c) {
          *crop++ = (1 - down) * ((1 - right) * pixel(y, x, c) + right * pixel(y, x + 1, c)) +
                    down * ((1 - right) * pixel(y + 1, x, c) + right * pixel(y + 1, x + 1, c));
        }
      }
    }
  }

  Options options_;
  detail::Average mean_;
};

}  // namespace flipbook::metrics
