// SPDX-License-Identifier: MIT
#include <flipbook/nn/embedding.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("training and inference look up the same rows", T, float, double) {
  const Module<nn::Embedding<7, 5>, T> table{Rng{2}};
  const Tensor<std::int32_t> tokens({2, 3}, {0, 6, 3, 3, 1, 0});
  Tape tape;
  const auto y = table(tokens);
  CHECK(y.shape() == Shape{2, 3, 5});
  CHECK(same(table(tape, tokens).value(), y));
  CHECK(same(y[0][1], table->weight.value[6]));
}

TEST_CASE("the gradient of the table is exact") {
  Module<nn::Embedding<4, 3>, double> table{Rng{2}};
  const Tensor<std::int32_t> tokens({5}, {0, 3, 3, 1, 0});
  CHECK(parameter_gradient_error(table, [&](Tape& tape) { return square(table(tape, tokens)); }) < 1e-8);
}
