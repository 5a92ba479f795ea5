// SPDX-License-Identifier: MIT
#include <flipbook/kernels/matmul/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_matmul(Table& table) {
  each(scalars, [&]<class T>() { table.add("matmul", kernel::matmul<T>); });
}

}  // namespace flipbook::parts
