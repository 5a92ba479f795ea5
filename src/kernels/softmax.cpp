// SPDX-License-Identifier: MIT
#include <flipbook/kernels/softmax/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_softmax(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("softmax", kernel::softmax<T>);
    table.add("log_softmax", kernel::log_softmax<T>);
    table.add("log_sum_exp", kernel::log_sum_exp<T>);
    table.add("softmax_gradient", kernel::softmax_gradient<T>);
    table.add("log_softmax_gradient", kernel::log_softmax_gradient<T>);
    table.add("log_sum_exp_gradient", kernel::log_sum_exp_gradient<T>);
  });
}

}  // namespace flipbook::parts
