// SPDX-License-Identifier: MIT
#include "../support/train_gan.hpp"

#include "../support/models.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_gan, ClipGan, (const GanSettings&, const Data&))

}  // namespace flipbook::examples
