// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include <flipbook/data/dataset.hpp>
#include <flipbook/data/tensor_dataset.hpp>
#include <flipbook/io/image.hpp>

/// Clip sources that wrap others.
namespace flipbook::examples {

/// Any source of clips, where its type must not show.
class AnyClips {
 public:
  template <Dataset Source>
    requires(!std::same_as<Source, AnyClips>)
  AnyClips(Source source) : held_(std::make_shared<Held<Source>>(std::move(source))) {}

  Shape shape() const { return held_->shape(); }
  Tensor<float> clip(Index index) const { return held_->clip(index); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Shape shape() const = 0;
    virtual Tensor<float> clip(Index index) const = 0;
  };
  template <class Source>
  struct Held final : Interface {
    explicit Held(Source held) : source(std::move(held)) {}
    Shape shape() const override { return source.shape(); }
    Tensor<float> clip(Index index) const override { return clip_of(source.clip(index)); }
    Source source;
  };
  std::shared_ptr<const Interface> held_;
};

/// Clips of a source with one or three channels as clips of three or one: grey is repeated, and made of
/// colours by how bright they look (ITU-R BT.601).
template <Dataset Source>
class WithChannels {
 public:
  WithChannels(Source source, Index channels) : source_(std::move(source)), channels_(channels) {
    const Index from = source_.shape()[3];
    require((from == 1 || from == 3) && (channels == 1 || channels == 3), "clips of ", from, " channels as clips of ",
            channels, "; both must be 1 or 3");
  }
  Shape shape() const { return source_.shape().with_tail(1, {channels_}); }
  Index size() const requires FiniteDataset<Source> { return source_.size(); }
  Tensor<float> clip(Index index) const {
    const Tensor<float> from = source_.clip(index);
    if (from.extent(3) == channels_) return from;
    Tensor<float> to(from.shape().with_tail(1, {channels_}));
    if (channels_ == 3) {
      for (Index i = 0; i < from.size(); ++i) std::fill_n(to.data() + 3 * i, 3, from.data()[i]);
    } else {
      const float* rgb = from.data();
      for (float& grey : to) grey = 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2], rgb += 3;
    }
    return to;
  }

 private:
  Source source_;
  Index channels_;
};

}  // namespace flipbook::examples
