// SPDX-License-Identifier: MIT
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/rmsprop.hpp>
#include <flipbook/optim/sgd.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_update(Table& table) {
  using namespace function;
  using optim::RmsProp;
  each(scalars, [&]<class T>() {
    using X = HostTensor<T>;
    table.add("update", kernel::update<T, SgdPass>);
    table.add("update", kernel::update<T, MomentumPass<false>, X>);
    table.add("update", kernel::update<T, MomentumPass<true>, X>);
    table.add("update", kernel::update<T, AdamPass, X, X>);
    table.add("update", kernel::update<T, RmsPropPass<false, false, RmsProp>, X>);
    table.add("update", kernel::update<T, RmsPropPass<true, false, RmsProp>, X, X>);
    table.add("update", kernel::update<T, RmsPropPass<false, true, RmsProp>, X, X>);
    table.add("update", kernel::update<T, RmsPropPass<true, true, RmsProp>, X, X, X>);
  });
}

}  // namespace flipbook::parts
