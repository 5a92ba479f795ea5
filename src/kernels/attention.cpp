// SPDX-License-Identifier: MIT
#include <tuple>

#include <flipbook/kernels/attention/cpu.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_attention(Table& table) {
  each(scalars, [&]<class T>() {
    using X = HostTensor<T>;
    table.add("attention", kernel::attention<T, X>);        // qkv
    table.add("attention", kernel::attention<T, X, X>);     // q and kv
    table.add("attention", kernel::attention<T, X, X, X>);  // q, k and v
    table.add("attention_gradient", kernel::attention_gradient<T, std::tuple<X>>);
    table.add("attention_gradient", kernel::attention_gradient<T, std::tuple<X, X>>);
    table.add("attention_gradient", kernel::attention_gradient<T, std::tuple<X, X, X>>);
    table.add("position_angles", kernel::position_angles<T>);
    table.add("apply_rotary", kernel::apply_rotary<T>);
  });
}

}  // namespace flipbook::parts
