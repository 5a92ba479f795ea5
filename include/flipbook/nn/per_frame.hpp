// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Applies a function of frames (N, …, C) to every frame of clips (N, T, …, C), in one call with all frames as one
/// batch: (N, T, …, D).
/// @throws Error  if the clips have no time axis, or f does not return one result per frame
template <Value X, class F>
X for_each_frame(const X& clips, const F& f) {
  const Shape& shape = clips.shape();
  require(shape.rank() >= 3, "PerFrame: needs clips (N, T, …, C), got shape ", shape);
  Shape frames{shape[0] * shape[1]}, result = shape.part(0, 2);
  for (const Index extent : shape.part(2, shape.rank())) frames.push_back(extent);
  const X y = f(reshape(clips, frames));
  require(y.shape().rank() > 0 && y.shape()[0] == frames[0], "PerFrame: ", frames[0], " frames became ", y.shape());
  for (const Index extent : y.shape().part(1, y.shape().rank())) result.push_back(extent);
  return reshape(y, result);
}

/// A network of images applied to every frame of a clip: (N, T, H, W, C) → (N, T, H', W', D), or (N, T, D) if the
/// network returns one vector per image.
template <class Image>
struct PerFrame {
  static_assert(Layer<Image>, "PerFrame<Image>: needs a layer (a layer names in, out, dimensions)");
  static constexpr int in = Image::in, out = Image::out;
  static constexpr int with_time(int dimensions_of_image) {
    return dimensions_of_image < 0 ? dimensions_of_image : dimensions_of_image + 1;
  }
  static constexpr int input_dimensions = with_time(input_dimensions_of<Image>),
                       dimensions = with_time(Image::dimensions);

  template <Real T, class B>
  struct Instance {
    Of<Image, T, B> image;

    explicit Instance(Rng& rng) : image(flipbook::detail::make_instance<Of<Image, T, B>>(rng)) {}
    /// Parameters have the network's names.
    static void fields(auto& self, auto&& field) {
      if constexpr (HasFields<Of<Image, T, B>>) Of<Image, T, B>::fields(self.image, field);
    }
    template <Value X>
    X operator()(const X& x) const {
      return for_each_frame(x, image);
    }
  };
};

}  // namespace flipbook::nn
