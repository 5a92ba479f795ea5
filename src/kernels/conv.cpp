// SPDX-License-Identifier: MIT
#include <flipbook/kernels/conv/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_conv(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("conv", kernel::conv<T>);
    table.add("conv_transpose", kernel::conv_transpose<T>);
    table.add("conv_weight", kernel::conv_weight<T>);
  });
}

}  // namespace flipbook::parts
