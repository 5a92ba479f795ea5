// SPDX-License-Identifier: MIT
#include "../support/train_flow.hpp"

namespace flipbook::examples {

FLIPBOOK_ON_EACH_BACKEND(template void train_flow, ForcingFlowOfClasses, (const FlowSettings&, const DataOfClasses&))

}  // namespace flipbook::examples
