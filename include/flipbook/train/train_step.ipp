// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE void check_step(double loss, double length, Index steps) {
  if (!std::isfinite(loss)) {
    throw NotFinite(text("training: the loss is ", loss, " after ", steps,
                         " steps; check the data for NaN, or lower the learning rate"));
  }
  if (!std::isfinite(length)) throw NotFinite(text("training: the gradient is not finite after ", steps, " steps"));
}

FLIPBOOK_INLINE void check_buffers(bool finite, Index steps) {
  if (!finite) {
    throw NotFinite(text("training: a buffer, such as running statistics, would not be finite after ", steps,
                         " steps; check the data for numbers that are too large"));
  }
}

}  // namespace detail

}  // namespace flipbook
