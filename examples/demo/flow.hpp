// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/nn/unet.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

// [flow]
// Pictures (N, 1, 32, 32, 1), folded into 16×16 places of four pixels: two levels of residual convolutions, of 16×16
// and 8×8 places, that are told the noise level; the places of the second attend to each other.
using Velocity = UNet<
    3, 1,
    UNetOptions{
        .widths = {32, 64}, .attention = {Attend::nothing, Attend::space}, .kernel = {1, 3, 3}, .patch = {1, 2, 2}}>;

using PictureFlow = Flow<Velocity>;
using PathFlow = CodeFlow<PathCode::size, 256, 3>;
// [/flow]

}  // namespace flipbook::examples::demo
