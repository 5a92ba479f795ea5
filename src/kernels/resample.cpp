// SPDX-License-Identifier: MIT
#include <flipbook/kernels/filter/cpu.hpp>
#include <flipbook/kernels/resample/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_resample(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("repeat_blocks", kernel::repeat_blocks<T>);
    table.add("sum_blocks", kernel::sum_blocks<T>);
    table.add("largest_of_blocks", kernel::largest_of_blocks<T>);
    table.add("take", kernel::take<T>);
    table.add("put", kernel::put<T>);
    table.add("interpolate", kernel::interpolate<T>);
    table.add("interpolate_adjoint", kernel::interpolate_adjoint<T>);
    table.add("grid_sample", kernel::grid_sample<T>);
    table.add("grid_sample_adjoint", kernel::grid_sample_adjoint<T>);
    table.add("grid_sample_positions", kernel::grid_sample_positions<T>);
    table.add("local_filter", kernel::local_filter<T>);
    table.add("local_filter_adjoint", kernel::local_filter_adjoint<T>);
    table.add("local_filter_gradient", kernel::local_filter_gradient<T>);
  });
}

}  // namespace flipbook::parts
