// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <utility>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Random augmentations of clips; the defaults change nothing.
struct Augmentation {
  Index height = 0, width = 0;     ///< of a random crop; 0: the whole extent
  bool flip_horizontally = false;  ///< mirrors half of the clips left to right
  bool flip_vertically = false;    ///< mirrors half of the clips top to bottom
  double brightness = 0;           ///< values are multiplied by 1 − brightness … 1 + brightness, and clamped to 1
};

/// The clips of a source, randomly augmented. All frames of a clip are augmented alike, by a function of the seed and
/// the clip's index. Annotations such as actions would have to be transformed with the frames, so annotated clips are
/// not accepted.
template <Dataset Source>
class Augmented {
  static_assert(std::same_as<decltype(std::declval<const Source&>().clip(Index{})), Tensor<float>>,
                "Augmented: takes a data set whose clips are frames alone");

 public:
  /// @throws Error if the crop is larger than the source's frames, or the brightness is outside [0, 1]
  Augmented(Source source, const Augmentation& how, std::uint64_t seed = 0)
      : source_(std::move(source)), how_(how), seed_(seed) {
    const Shape whole = source_.shape();
    require(whole.rank() == 4, "Augmented: a clip has the axes (T, H, W, C), got ", whole);
    require(0 <= how.height && how.height <= whole[1] && 0 <= how.width && how.width <= whole[2],
            "Augmented: parts of ", how.height, " x ", how.width, " of frames of ", whole[1], " x ", whole[2]);
    require(0 <= how.brightness && how.brightness <= 1, "Augmented: brightness ", how.brightness, "; needs 0 to 1");
    if (how_.height == 0) how_.height = whole[1];
    if (how_.width == 0) how_.width = whole[2];
  }

  Shape shape() const { return source_.shape().with_tail(3, {how_.height, how_.width, source_.shape()[3]}); }
  Index size() const requires FiniteDataset<Source> { return source_.size(); }

  Tensor<float> clip(Index index) const {
    const Tensor<float> from = source_.clip(index);  // (T, H, W, C)
    Rng rng{seed_, static_cast<std::uint64_t>(index)};
    const Index top = rng.below(from.extent(1) - how_.height + 1), left = rng.below(from.extent(2) - how_.width + 1);
    const bool mirrored = rng.uniform() < 0.5 && how_.flip_horizontally;
    const bool upside_down = rng.uniform() < 0.5 && how_.flip_vertically;
    const auto factor = static_cast<float>(rng.uniform(1 - how_.brightness, 1 + how_.brightness));
    const Index channels = from.extent(3), wide = from.extent(2);
    Tensor<float> to(shape());  // (T, h, w, C)
    float* out = to.data();
    for (Index t = 0; t < to.extent(0); ++t) {
      for (Index y = 0; y < how_.height; ++y) {
        const Index row = top + (upside_down ? how_.height - 1 - y : y);
        for (Index x = 0; x < how_.width; ++x, out += channels) {
          const Index column = left + (mirrored ? how_.width - 1 - x : x);
          std::copy_n(from.data() + ((t * from.extent(1) + row) * wide + column) * channels, channels, out);
        }
      }
    }
    if (how_.brightness > 0)
      for (float& value : to) value = std::min(1.0F, factor * value);
    return to;
  }

 private:
  Source source_;
  Augmentation how_;
  std::uint64_t seed_;
};

}  // namespace flipbook
