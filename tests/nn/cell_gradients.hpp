// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <flipbook/nn/module.hpp>
#include <flipbook/testing/gradients.hpp>

#include "ops/tensors.hpp"

namespace flipbook::test {

/// Checks the gradients of a recurrent cell over two steps, in its inputs of the given shape and in its parameters.
template <class Cell>
void check_cell_gradients(const Shape& shape) {
  Module<Cell, double> cell{Rng{5}};
  const auto first = random<double>(shape, 2), second = random<double>(shape, 3);
  const auto run = [&](const auto& x, const auto& y) {
    auto state = cell->start(x);
    const auto before = cell(x, state);
    return before + cell(y, state);
  };
  CHECK(gradient_error(run, first, second) < 1e-7);
  CHECK(second_gradient_error(run, first, second) < 1e-6);
  CHECK(parameter_gradient_error(cell, [&](Tape& tape) { return run(tape.constant(first), tape.constant(second)); }) <
        1e-7);
}

}  // namespace flipbook::test
