// SPDX-License-Identifier: MIT
#include "../support/train_tokens.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_tokens, ScaleTokenizer, (const TokenSettings&, const Data&))

}  // namespace flipbook::examples
