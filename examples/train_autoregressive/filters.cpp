// SPDX-License-Identifier: MIT
#include "../support/train_autoregressive.hpp"

#include "../support/models.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_autoregressive, FilterForecast,
                         (const AutoregressiveSettings&, const Data&, Index))

}  // namespace flipbook::examples
