// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Clips of sprites with the classes of their images: `label` is (S, K), one-hot, a row for each sprite.
///
///     fb::LabelledSprites clips(fb::MovingSprites(fb::read_idx("train-images")), fb::read_idx("train-labels"));
template <Dataset Source>
class LabelledSprites {
 public:
  /// @param source  MovingSprites, StochasticSprites or GravitySprites
  /// @param labels  the class of each of the source's images, from 0, (N)
  /// @throws Error if the number of labels is not that of the images
  LabelledSprites(Source source, Tensor<std::uint8_t> labels) : source_(std::move(source)), labels_(std::move(labels)) {
    const Index images = source_.images().extent(0);
    require(labels_.shape() == Shape{images}, "LabelledSprites: labels ", labels_.shape(), " of ", images, " images");
    classes_ = *std::max_element(labels_.begin(), labels_.end()) + 1;
  }

  Shape shape() const { return source_.shape(); }
  Index classes() const noexcept { return classes_; }

  LabelledClip<> clip(Index index) const {
    const Index sprites = source_.options().sprites;
    Tensor<float> label({sprites, classes_});
    std::fill(label.begin(), label.end(), 0.0F);
    for (Index number = 0; number < sprites; ++number) {
      label.data()[number * classes_ + labels_.data()[source_.image(index, number)]] = 1;
    }
    return {source_.clip(index), label};
  }
  const Source& source() const noexcept { return source_; }

 private:
  Source source_;
  Tensor<std::uint8_t> labels_;
  Index classes_;
};

}  // namespace flipbook
