// SPDX-License-Identifier: MIT
#include "../support/train_latent_flow.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_latent_flow, LatentClipsOfClasses,
                         (const FlowSettings&, const DataOfClasses&))

}  // namespace flipbook::examples
