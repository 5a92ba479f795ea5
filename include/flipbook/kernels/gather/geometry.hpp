// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// The number of indices for each row.
template <class T, class B>
Index places_of_each_row(const Tensor<T, B>& rows, const Tensor<std::int32_t, B>& index) {
  return index.size() / std::max<Index>(1, rows.shape().part(0, rows.rank() - 1).size());
}

}  // namespace flipbook::kernel
