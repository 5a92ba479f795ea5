// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/space_time.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

// [generic]
using FrameEncoder = PerFrame<Sequential<                                      // clips (N, T, 64, 64, 1)
    Conv2d<1, 32, half>, SiLU, Conv2d<32, 64, half>, SiLU,                     //       (N, T, 16, 16, 64)
    Conv2d<64, 64, half>, SiLU, Conv2d<64, 16, same>>>;                        // mean and log-variance (N, T, 8, 8, 16)
using FrameDecoder = PerFrame<Sequential<                                      // codes (N, T, 8, 8, 8)
    Conv2d<8, 64, same>, SiLU, ConvTranspose2d<64, 64, half>, SiLU,            //       (N, T, 16, 16, 64)
    ConvTranspose2d<64, 32, half>, SiLU, ConvTranspose2d<32, 16, half>, SiLU,  //       (N, T, 64, 64, 16)
    Conv2d<16, 1, same>, Sigmoid>>;                                            // clips (N, T, 64, 64, 1)

using FrameCodes = Vae<FrameEncoder, FrameDecoder, latent::DiagonalGaussian<8>, Sharp>;
using CodesFlow = Flow<SpaceTimeTransformer<8, SpaceTimeOptions{.patch = {1, 2, 2}, .width = 128, .blocks = 4}>,
                       flow::Straight, flow::LevelPerFrame, flow::Range::unbounded>;
// [/generic]

}  // namespace flipbook::examples::demo
