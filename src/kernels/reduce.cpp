// SPDX-License-Identifier: MIT
#include <flipbook/kernels/reduce/cpu.hpp>
#include <flipbook/kernels/scan/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_reduce(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("sum_to", kernel::sum_to<T>);
    table.add("sum_squares", kernel::sum_squares<T>);
    table.add<true>("arg_extreme", kernel::arg_extreme<true, T>);
    table.add<false>("arg_extreme", kernel::arg_extreme<false, T>);
    table.add("cumsum", kernel::cumsum<T>);
  });
}

}  // namespace flipbook::parts
