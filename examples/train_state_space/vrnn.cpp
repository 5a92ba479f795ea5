// SPDX-License-Identifier: MIT
#include "../support/train_state_space.hpp"

#include "../support/models.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_futures, VrnnFutures, (const StateSpaceSettings&, const Data&, Index))

}  // namespace flipbook::examples
