// SPDX-License-Identifier: MIT
#include "../support/train_vae.hpp"

#include "../support/models.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_vae, EachFrameVae, (const VaeSettings&, const Data&, const Shape&))

}  // namespace flipbook::examples
