// SPDX-License-Identifier: MIT
#include <flipbook/kernels/embedding/cpu.hpp>
#include <flipbook/kernels/gather/cpu.hpp>
#include <flipbook/kernels/shape/cpu.hpp>
#include <flipbook/kernels/sort/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_indices(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("gather_rows", kernel::gather_rows<T>);
    table.add("add_rows", kernel::add_rows<T>);
    table.add("take_along_axis", kernel::take_along_axis<T>);
    table.add("scatter", kernel::scatter<T>);
    table.add("sample_categorical", kernel::sample_categorical<T>);
    table.add("carry_out", kernel::detail::carry_out<T>);
    table.add("argsort", kernel::argsort<T>);
  });
}

}  // namespace flipbook::parts
