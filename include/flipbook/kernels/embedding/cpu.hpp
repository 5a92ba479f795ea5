#pragma once

#include <flipbook/backend/cpu/gather/gather.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

using Indices = Tensor<std::int32_t, Cpu>;

template <class T>
void gather_rows(Cpu, const Tensor<T, Cpu>& table, const Indices& indices, Tensor<T, Cpu>& y) {
  cpu::gather_rows(indices.size(), table.extent(1), table.data(), indices.data(), y.data());
}
template <class T>
void add_rows(Cpu, const Tensor<T, Cpu>& y, const Indices& indices, Tensor<T, Cpu>& table) {
  cpu::add_rows(indices.size(), table.extent(1), y.data(), indices.data(), table.data());
}

}  // namespace flipbook::kernel
