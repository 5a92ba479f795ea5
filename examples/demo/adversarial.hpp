// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/norm.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

/// What judges of paths see: the code, and the positions that its steps add up to; in training with a little noise, so
/// that they cannot tell by the last digit. (N, …, 2·T) → (N, 4·T)
struct PathView {
  static constexpr int in = 2 * frames, out = 4 * frames, dimensions = nn::any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& code) const {
      const Index n = code.extent(0);
      X steps = reshape(code, {n, frames, 2});
      if constexpr (training<X>) steps = steps + 0.025 * normal<T, B>(steps.shape(), code.tape().rng());
      const X first = slice(steps, 1, 0, 1), rest = slice(steps, 1, 1, frames) * (3.0 / 11);
      return concat(-1, reshape(steps, {n, in}), reshape(cumsum(concat(1, first, rest), 1), {n, in}));
    }
  };
};

// [adversarial]
constexpr Window head{.kernel = 4, .bias = false};
constexpr Window up{.kernel = 4, .stride = 2, .padding = 1, .bias = false};

using PictureGenerator = Sequential<                       // noise    (N, 1, 1, 64)
    ConvTranspose2d<64, 192, head>, BatchNorm<192>, ReLU,  //          (N, 4, 4, 192)
    ConvTranspose2d<192, 96, up>, BatchNorm<96>, ReLU,     //          (N, 8, 8, 96)
    ConvTranspose2d<96, 48, up>, BatchNorm<48>, ReLU,      //          (N, 16, 16, 48)
    ConvTranspose2d<48, 1, half>, Tanh>;                   // pictures (N, 32, 32, 1)
using PictureDiscriminator = Sequential<                   // pictures (N, 32, 32, 1)
    Conv2d<1, 48, up>, LeakyReLU<0.2>,                     //          (N, 16, 16, 48)
    Conv2d<48, 96, up>, BatchNorm<96>, LeakyReLU<0.2>,     //          (N, 8, 8, 96)
    Conv2d<96, 192, up>, BatchNorm<192>, LeakyReLU<0.2>,   //          (N, 4, 4, 192)
    Conv2d<192, 1, Window{.kernel = 4}>>;                  // logits   (N, 1, 1, 1)

using PathGenerator = Sequential<Linear<16, 256>, ReLU, Linear<256, 256>, ReLU, Linear<256, 2 * frames>>;
using PathDiscriminator = Sequential<PathView, Linear<4 * frames, 256>, LeakyReLU<0.2>,  //
                                     Linear<256, 256>, LeakyReLU<0.2>, Linear<256, 1>>;

using AdversarialPicture = Gan<PictureGenerator, PictureDiscriminator>;
using AdversarialPath = Gan<PathGenerator, PathDiscriminator>;
// [/adversarial]

}  // namespace flipbook::examples::demo
