// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gather/gather.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

using Indices = Tensor<std::int32_t, Cpu>;

template <class T>
void gather_rows(Cpu, const Tensor<T, Cpu>& table, const Indices& indices, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"gather_rows">(gather_rows<T>)(Cpu{}, table, indices, y);
  else cpu::gather_rows(indices.size(), table.extent(1), table.data(), indices.data(), y.data());
}
template <class T>
void add_rows(Cpu, const Tensor<T, Cpu>& y, const Indices& indices, Tensor<T, Cpu>& table) {
  if constexpr (compiled<T>) from_library<"add_rows">(add_rows<T>)(Cpu{}, y, indices, table);
  else cpu::add_rows(indices.size(), table.extent(1), y.data(), indices.data(), table.data());
}

}  // namespace flipbook::kernel
