// SPDX-License-Identifier: MIT
#include "../support/train_tokens.hpp"

namespace flipbook::examples {

FLIPBOOK_TOKEN_STAGE(template bool train_vq_gan, VectorTokenizer, Data)

}  // namespace flipbook::examples
