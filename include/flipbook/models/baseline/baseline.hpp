// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/tensor.hpp>

/// Predictions without learning, which a trained model should beat. Each has
///
///     Tensor<float> predict(const Tensor<float>& context, Index frames) const
///
/// which returns the next frames (N, frames, H, W, C) after a context (N, T, H, W, C).
namespace flipbook::inline FLIPBOOK_ISA::baseline {

namespace detail {

struct Extents {
  Index clips, frames, height, width, channels;
  Index frame() const noexcept { return height * width * channels; }
};

inline Extents extents_of(const char* name, const Tensor<float>& context, Index frames, Index least) {
  require(context.rank() == 5 && context.extent(1) >= least && context.size() > 0, name, ": context ", context.shape(),
          "; needs (N, T, H, W, C) of at least ", least, least == 1 ? " frame" : " frames");
  require(frames > 0, name, ": ", frames, " frames asked for");
  const Shape& s = context.shape();
  return {s[0], s[1], s[2], s[3], s[4]};
}

/// A displacement in pixels between consecutive frames.
struct Motion {
  Index down = 0, right = 0;
};

/// Σ (after(p) − before(p − motion))² over the rows [top, bottom) and columns [left, right) of `after`; `before` is 0
/// outside its borders.
inline double mismatch(const float* before, const float* after, const Extents& e, const Motion& motion,
                       const std::array<Index, 4>& window) {
  const auto [top, bottom, left, right] = window;
  double sum = 0;
  for (Index y = top; y < bottom; ++y) {
    for (Index x = left; x < right; ++x) {
      const Index from_y = y - motion.down, from_x = x - motion.right;
      const bool inside = from_y >= 0 && from_y < e.height && from_x >= 0 && from_x < e.width;
      for (Index c = 0; c < e.channels; ++c) {
        const float was = inside ? before[(from_y * e.width + from_x) * e.channels + c] : 0.0F;
        const double difference = static_cast<double>(after[(y * e.width + x) * e.channels + c] - was);
        sum += difference * difference;
      }
    }
  }
  return sum;
}

/// The motion of at most `reach` pixels with the least mismatch in a window; of equal ones the shortest.
inline Motion best_motion(const float* before, const float* after, const Extents& e, Index reach,
                          const std::array<Index, 4>& window) {
  Motion best;
  double least = mismatch(before, after, e, best, window);
  for (Index length = 1; length <= reach; ++length) {
    for (Index down = -length; down <= length; ++down) {
      for (Index right = -length; right <= length; ++right) {
        if (std::max(std::abs(down), std::abs(right)) != length) continue;
        const double error = mismatch(before, after, e, {down, right}, window);
        if (error < least) least = error, best = {down, right};
      }
    }
  }
  return best;
}

/// Calls clip(last but one frame, last frame, first predicted frame) for each clip, in parallel.
template <class Clip>
Tensor<float> each_clip(const Tensor<float>& context, const Extents& e, Index frames, const Clip& clip) {
  Tensor<float> predicted({e.clips, frames, e.height, e.width, e.channels});
  parallel_for(e.clips, 1, [&, to = predicted.data(), from = context.data()](Index first, Index last) {
    for (Index n = first; n < last; ++n) {
      const float* const end = from + (n + 1) * e.frames * e.frame();
      clip(end - 2 * e.frame(), end - e.frame(), to + n * frames * e.frame());
    }
  });
  return predicted;
}

}  // namespace detail

/// Repeats the last frame.
struct Persistence {
  /// @throws Error  if there is no frame
  Tensor<float> predict(const Tensor<float>& context, Index frames) const {
    const auto e = detail::extents_of("Persistence", context, frames, 1);
    return detail::each_clip(context, e, frames, [&](const float*, const float* last, float* to) {
      for (Index t = 0; t < frames; ++t) std::copy_n(last, e.frame(), to + t * e.frame());
    });
  }
};

/// Predicts one constant frame, such as the mean of the training set.
struct Constant {
  Tensor<float> frame;  ///< (H, W, C)

  /// @throws Error  if the context's frames are of another shape
  Tensor<float> predict(const Tensor<float>& context, Index frames) const {
    const auto e = detail::extents_of("Constant", context, frames, 1);
    require(frame.shape() == context.shape().part(2, 5), "Constant: a frame ", frame.shape(), " for context ",
            context.shape());
    return detail::each_clip(context, e, frames, [&](const float*, const float*, float* to) {
      for (Index t = 0; t < frames; ++t) std::copy_n(frame.data(), e.frame(), to + t * e.frame());
    });
  }
};

/// Translates the last frame by the motion between the last two, in whole pixels; borders are filled with 0.
struct Advection {
  Index reach = 8;  ///< the largest motion between consecutive frames, in pixels

  /// @throws Error  if there are fewer than two frames
  Tensor<float> predict(const Tensor<float>& context, Index frames) const {
    const auto e = detail::extents_of("Advection", context, frames, 2);
    return detail::each_clip(context, e, frames, [&](const float* before, const float* last, float* to) {
      const auto [down, right] = detail::best_motion(before, last, e, reach, {0, e.height, 0, e.width});
      for (Index t = 0; t < frames; ++t) {
        for (Index y = 0; y < e.height; ++y) {
          for (Index x = 0; x < e.width; ++x, to += e.channels) {
            const Index from_y = y - (t + 1) * down, from_x = x - (t + 1) * right;
            const bool inside = from_y >= 0 && from_y < e.height && from_x >= 0 && from_x < e.width;
            if (inside) std::copy_n(last + (from_y * e.width + from_x) * e.channels, e.channels, to);
            else std::fill_n(to, e.channels, 0.0F);
          }
        }
      }
    });
  }
};

/// Optical flow by block matching: each block of the last frame continues the motion that best explains it from the
/// previous frame; a block of a single colour does not move. Moving blocks cover static ones and are averaged where
/// they overlap; the pixels that they leave show the context's median.
struct BlockMatching {
  Index block = 8;  ///< height and width, in pixels
  Index reach = 6;  ///< the largest motion of a block between consecutive frames, in pixels

  /// @throws Error  if there are fewer than two frames, `block` is not positive or `reach` is negative
  Tensor<float> predict(const Tensor<float>& context, Index frames) const {
    const auto e = detail::extents_of("BlockMatching", context, frames, 2);
    require(block > 0 && reach >= 0, "BlockMatching: blocks of ", block, " pixels that move by up to ", reach);
    return detail::each_clip(context, e, frames, [&](const float* before, const float* last, float* to) {
      std::vector<float> still(last, last + e.frame()), weight(static_cast<std::size_t>(frames * e.height * e.width));
      std::fill_n(to, frames * e.frame(), 0.0F);
      for (Index top = 0; top < e.height; top += block) {
        for (Index left = 0; left < e.width; left += block) {
          const std::array window{top, std::min(top + block, e.height), left, std::min(left + block, e.width)};
          if (uniform(last, e, window)) continue;
          const auto motion = detail::best_motion(before, last, e, reach, window);
          if (motion.down == 0 && motion.right == 0) continue;
          take_median(last - (e.frames - 1) * e.frame(), e, window, still.data());
          project(last, motion, window, e, frames, to, weight.data());
        }
      }
      for (Index i = 0; i < frames * e.frame(); ++i) {
        const float moving = weight[static_cast<std::size_t>(i / e.channels)];
        to[i] = moving > 0 ? to[i] / moving : still[static_cast<std::size_t>(i % e.frame())];
      }
    });
  }

 private:
  /// Whether a window of a frame has a single colour, so that its motion cannot be determined.
  static bool uniform(const float* frame, const detail::Extents& e, const std::array<Index, 4>& window) {
    const auto [top, bottom, left, right] = window;
    const float* const first = frame + (top * e.width + left) * e.channels;
    for (Index y = top; y < bottom; ++y) {
      for (Index x = left; x < right; ++x) {
        if (!std::equal(first, first + e.channels, frame + (y * e.width + x) * e.channels)) return false;
      }
    }
    return true;
  }
  /// The median of each number in a window over the frames of a context.
  static void take_median(const float* context, const detail::Extents& e, const std::array<Index, 4>& window,
                          float* to) {
    const auto [top, bottom, left, right] = window;
    std::vector<float> all(static_cast<std::size_t>(e.frames));
    for (Index y = top; y < bottom; ++y) {
      for (Index i = (y * e.width + left) * e.channels; i < (y * e.width + right) * e.channels; ++i) {
        for (Index t = 0; t < e.frames; ++t) all[static_cast<std::size_t>(t)] = context[t * e.frame() + i];
        const auto half = all.begin() + e.frames / 2;
        std::nth_element(all.begin(), half, all.end());
        to[i] = *half;
      }
    }
  }
  /// Adds a block to each predicted frame, and 1 to the weights of the pixels that it covers.
  static void project(const float* last, const detail::Motion& motion, const std::array<Index, 4>& window,
                      const detail::Extents& e, Index frames, float* to, float* weight) {
    const auto [top, bottom, left, right] = window;
    for (Index t = 0; t < frames; ++t) {
      for (Index y = top; y < bottom; ++y) {
        for (Index x = left; x < right; ++x) {
          const Index to_y = y + (t + 1) * motion.down, to_x = x + (t + 1) * motion.right;
          if (to_y < 0 || to_y >= e.height || to_x < 0 || to_x >= e.width) continue;
          const Index at = (t * e.height + to_y) * e.width + to_x;
          weight[at] += 1;
          for (Index c = 0; c < e.channels; ++c) to[at * e.channels + c] += last[(y * e.width + x) * e.channels + c];
        }
      }
    }
  }
};

}  // namespace flipbook::baseline
