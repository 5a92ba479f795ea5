// SPDX-License-Identifier: MIT
#include <flipbook/kernels/recurrent/cpu.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

void add_recurrent(Table& table) {
  each(scalars, [&]<class T>() {
    table.add("lstm", kernel::lstm<T, LstmOrder>);
    table.add("lstm_gradient", kernel::lstm_gradient<T, LstmOrder>);
    table.add("gru", kernel::gru<T>);
    table.add("gru_gradient", kernel::gru_gradient<T>);
  });
}

}  // namespace flipbook::parts
