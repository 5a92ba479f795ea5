// SPDX-License-Identifier: MIT
#include "../support/train_tokens.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_prior, ClipMaskGit<VectorTokenizer>,
                         (const TokenSettings&, const TrainingOptions&, const std::filesystem::path&, const Data&))

}  // namespace flipbook::examples
