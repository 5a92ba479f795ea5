// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/flow/latent_flow.hpp>
#include <flipbook/nn/per_frame.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

// [variational]
using Encoder = Sequential<                                        // pictures (N, 1, 32, 32, 1)
    PerFrame<Sequential<                                           //
        Conv2d<1, 32, half>, SiLU, Conv2d<32, 64, half>, SiLU,     //          (N, 8, 8, 64)
        Conv2d<64, 96, half>, SiLU, Flatten, Linear<1536, 96>>>>;  // mean and log-variance (N, 1, 96)

using Decoder = Sequential<                                                    // codes (N, 1, 48)
    PerFrame<Sequential<                                                       //
        Linear<48, 1536>, Unflatten<4, 4, 96>, SiLU,                           //       (N, 4, 4, 96)
        ConvTranspose2d<96, 64, half>, SiLU,                                   //       (N, 8, 8, 64)
        ConvTranspose2d<64, 48, half>, SiLU,                                   //       (N, 16, 16, 48)
        ConvTranspose2d<48, 32, half>, SiLU, Conv2d<32, 1, same>, Sigmoid>>>;  // pictures (N, 1, 32, 32, 1)

using PictureVae = Vae<Encoder, Decoder, latent::DiagonalGaussian<48>, Sharp>;
using VariationalPicture = LatentFlow<PictureVae, CodeFlow<48, 512, 3>>;  // codes are drawn from a learned prior
using VariationalPath = CodeFlow<PathCode::size, 256, 3>;                 // so are paths
// [/variational]

}  // namespace flipbook::examples::demo
