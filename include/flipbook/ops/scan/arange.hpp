// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/fill.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/scan/cumsum.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// 0, 1, …, count − 1: (count). It is computed on the backend, so that a captured step copies nothing.
template <Real T, class B = Cpu>
Tensor<T, B> arange(Index count) {
  return cumsum(ones<T, B>({count}), 0) - 1;
}

}  // namespace flipbook
