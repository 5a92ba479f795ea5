// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/norm.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

/// What the discriminator of paths sees of a code, which is in [−1, 1] for four deviations: the code itself, positions
/// and steps; in training with a little noise, so that it cannot tell by the last digit.
struct PathView {
  static constexpr int in = PathCode::size, out = in + 4 * frames, dimensions = nn::any;

  template <Real T, class B>
  struct Instance {
    Tensor<T, B> basis = PathCode::basis<B>() * 4.0;  // (20, 2·T)

    template <Value X>
    X operator()(const X& codes) const {
      const Index n = codes.extent(0);
      const X code = reshape(codes, {n, in});
      const X path = reshape(matmul(code, lift_like(code, basis)), {n, frames, 2});
      const X steps = slice(path, 1, 1, frames) - slice(path, 1, 0, frames - 1);
      X seen = reshape(concat(1, path * (1.0 / 11), pad(steps * (1.0 / 3), 1, 0, 1)), {n, 4 * frames});
      if constexpr (training<X>) seen = seen + 0.05 * normal<T, B>(seen.shape(), code.tape().rng());
      return concat(-1, code, seen);
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

using PathGenerator = Sequential<Linear<16, 256>, ReLU, Linear<256, 256>, ReLU, Linear<256, PathCode::size>>;
using PathDiscriminator = Sequential<PathView, Linear<PathView::out, 256>, LeakyReLU<0.2>,  //
                                     Linear<256, 256>, LeakyReLU<0.2>, Linear<256, 1>>;

using AdversarialPicture = Gan<PictureGenerator, PictureDiscriminator>;
using AdversarialPath = Gan<PathGenerator, PathDiscriminator>;
// [/adversarial]

}  // namespace flipbook::examples::demo
