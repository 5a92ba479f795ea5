// SPDX-License-Identifier: MIT
#include "../support/train_tokens.hpp"

namespace flipbook::examples {

FLIPBOOK_TOKEN_STAGE(template void train_prior, ScalePrior::OfClasses, DataOfClasses)

}  // namespace flipbook::examples
