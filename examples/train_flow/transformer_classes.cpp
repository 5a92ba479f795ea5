// SPDX-License-Identifier: MIT
#include "../support/train_flow.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_flow, PatchFlowOfClasses, (const FlowSettings&, const DataOfClasses&))

}  // namespace flipbook::examples
