// SPDX-License-Identifier: MIT
#include "../support/train_state_space.hpp"

#include "../support/models.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_world_model, PendulumWorld,
                         (const StateSpaceSettings&, const PendulumClips&, Index))

}  // namespace flipbook::examples
