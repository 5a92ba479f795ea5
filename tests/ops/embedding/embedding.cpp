// SPDX-License-Identifier: MIT
#include <flipbook/ops/embedding/embedding.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("an embedding holds the rows asked for", T, float, double) {
  for (const auto& [rows, width] : {std::pair<Index, Index>{1, 1}, {5, 3}, {7, 16}, {3, 37}}) {
    const auto table = random<T>({rows, width});
    const auto indices = drawn_indices({2, 11}, rows);
    const auto expected = tabulated<T>({2, 11, width}, [&](const Indices& i) {
      return at(table, {at(indices, {i[0], i[1]}), i[2]});
    });
    CHECK(same(embedding(table, indices), expected));
  }
}

TEST_CASE_TEMPLATE("the gradient of an embedding adds up over every use of a row, whatever the threads", T, float,
                   double) {
  const auto table = random<T>({13, 67});
  const auto indices = drawn_indices({500}, 11);
  const auto dy = random<T>({500, 67}, 2);
  auto expected = zeros<double>({13, 67});
  each_index(dy.shape(), [&](const Indices& i) {
    at(expected, {at(indices, {i[0]}), i[1]}) += static_cast<double>(at(dy, i));
  });
  const auto gradient = [&] {
    Tape tape;
    const auto w = tape.variable(table);
    return tape.gradient(sum(embedding(w, indices) * dy), w);
  };
  const int before = threads();
  set_threads(1);
  const auto serial = gradient();
  set_threads(4);
  CHECK(same(gradient(), serial));
  set_threads(before);
  CHECK(difference(serial, cast<T>(expected)) < tolerance<T>);
}

TEST_CASE_TEMPLATE("one of each row is 1, where the index says", T, float, double) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{3, 7}}) {
    const auto indices = drawn_indices(shape, 11);
    const auto hot = one_hot<T>(indices, 11);
    CHECK(same(take_along_axis(hot, indices), ones<T>(shape)));
    CHECK(sum(hot).item() == static_cast<T>(indices.size()));
  }
}

TEST_CASE("the gradient of an embedding is exact to second order") {
  const auto table = random<double>({5, 3});
  const auto rows = drawn_indices({2, 4}, 5);
  const auto embedded = [&](const auto& w) { return square(embedding(w, rows)); };
  CHECK(gradient_error(embedded, table) < 1e-8);
  CHECK(second_gradient_error(embedded, table) < 1e-7);
}

TEST_CASE("indices out of range and shapes that do not fit are refused") {
  const auto table = random<float>({5, 3});
  const auto at_most = [](std::int32_t i) { return Tensor<std::int32_t>({2}, {0, i}); };
  CHECK(error_of([&] { embedding(table, at_most(5)); }) == "embedding: index 5 is not in [0, 5)");
  CHECK(error_of([&] { embedding(table, at_most(-1)); }) == "embedding: index -1 is not in [0, 5)");
  CHECK(error_of([&] { embedding(table.reshape({15}), at_most(0)); }) ==
        "embedding: needs a table (V, D), got shape (15)");
  CHECK(error_of([&] { one_hot<float>(at_most(2), 2); }) == "one_hot: index 2 is not in [0, 2)");
}
