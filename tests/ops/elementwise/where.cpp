// SPDX-License-Identifier: MIT
#include <flipbook/ops/elementwise/where.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {
// 0 and 1, about as many of each.
template <class M>
Tensor<M> drawn_mask(const Shape& shape) {
  Rng rng{5};
  return tabulated<M>(shape, [&](const Indices&) { return rng.below(2); });
}
// The element of x at an index of a shape that x, of the same rank, broadcasts to.
template <class T>
T repeated(const Tensor<T>& x, Indices index) {
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (x.extent(axis) == 1) index[static_cast<std::size_t>(axis)] = 0;
  }
  return at(x, index);
}
}  // namespace

TEST_CASE_TEMPLATE("a mask chooses between two tensors, all broadcast against each other", T, float, double) {
  struct Case {
    Shape mask, a, b, y;
  };
  for (const auto& [mask, a, b, y] :
       {Case{{1}, {1}, {1}, {1}}, Case{{37}, {37}, {37}, {37}}, Case{{3, 1}, {3, 19}, {1, 19}, {3, 19}},
        Case{{2, 5, 7}, {2, 1, 7}, {1, 1, 1}, {2, 5, 7}}, Case{{1, 1}, {4, 1}, {1, 3}, {4, 3}},
        Case{{0, 3}, {1, 3}, {1, 1}, {0, 3}}}) {
    const auto u = random<T>(a, 1), v = random<T>(b, 2);
    const auto check = [&](const auto& m) {
      const auto expected =
          tabulated<T>(y, [&](const Indices& i) { return repeated(m, i) != 0 ? repeated(u, i) : repeated(v, i); });
      CHECK(same(where(m, u, v), expected));
    };
    check(drawn_mask<T>(mask));
    check(drawn_mask<std::uint8_t>(mask));
    check(drawn_mask<std::int32_t>(mask));
  }
}

TEST_CASE_TEMPLATE("a masked fill sets what the mask names and leaves the rest", T, float, double) {
  for (const auto& [mask, x] :
       {std::pair<Shape, Shape>{{1}, {1}}, {{31}, {31}}, {{5, 1}, {5, 17}}, {{7}, {2, 3, 7}}, {{}, {3}}}) {
    const auto m = drawn_mask<T>(mask), v = random<T>(x);
    const auto wide = broadcast_to(m, x), filled = masked_fill(v, m, -3.5);
    CHECK(same(filled, tabulated<T>(x, [&](const Indices& i) { return at(wide, i) != 0 ? T(-3.5) : at(v, i); })));
  }
}

TEST_CASE("gradients go to what was chosen, to the second order, and sum over what was repeated") {
  const auto mask = drawn_mask<std::uint8_t>({5, 7});
  const auto a = random<double>({5, 1}, 1), b = random<double>({7}, 2), x = random<double>({5, 7}, 3);
  const auto chosen = [&](const auto& u, const auto& v) { return square(where(mask, u, v)) * u; };
  CHECK(gradient_error(chosen, a, b) < 1e-7);
  CHECK(second_gradient_error(chosen, a, b) < 1e-7);
  const auto filled = [&](const auto& v) { return square(masked_fill(v, mask, 2)); };
  CHECK(gradient_error(filled, x) < 1e-7);
  CHECK(second_gradient_error(filled, x) < 1e-7);
}

TEST_CASE_TEMPLATE("what is not chosen has no influence, not even as NaN", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> mask({2}, {1, 0});
  CHECK(to_vector(where(mask, Tensor<T>({2}, {1, nan}), Tensor<T>({2}, {nan, 2}))) == std::vector<T>{1, 2});
  Tape tape;
  const auto x = tape.variable(Tensor<T>({2}, {4, -1}));  // √ has no value at −1, and its gradient none either
  const auto y = where(mask, sqrt(masked_fill(x, equal(mask, 0), 1)), x);
  CHECK(to_vector(y.value()) == std::vector<T>{2, -1});
  CHECK(to_vector(tape.gradient(sum(y), x)) == std::vector<T>{0.25, 1});
}

TEST_CASE_TEMPLATE("comparisons are 1 where they hold", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const Tensor<T> x({4}, {1, 2, 3, nan}), y({4}, {2, 2, 2, 2});
  const auto check = [&](const Tensor<T>& of_tensors, const Tensor<T>& of_number, std::vector<T> expected) {
    CHECK(to_vector(of_tensors) == expected);
    CHECK(to_vector(of_number) == expected);
  };
  check(greater(x, y), greater(x, 2), {0, 0, 1, 0});
  check(greater_equal(x, y), greater_equal(x, 2), {0, 1, 1, 0});
  check(less(x, y), less(x, 2), {1, 0, 0, 0});
  check(less_equal(x, y), less_equal(x, 2), {1, 1, 0, 0});
  check(equal(x, y), equal(x, 2), {0, 1, 0, 0});
  CHECK(greater(random<T>({3, 1}), random<T>({1, 5})).shape() == Shape{3, 5});
}

TEST_CASE("shapes that do not fit are named") {
  const auto x = random<float>({2, 3});
  CHECK(error_of([&] { where(ones<float>({2}), x, x); }) == "where: shapes (2) and (2, 3) do not broadcast");
  CHECK(error_of([&] { masked_fill(x, ones<float>({2}), 0); }) ==
        "masked_fill: shapes (2) and (2, 3) do not broadcast");
  CHECK(error_of([&] {
          masked_fill(x, ones<float>({4, 2, 3}), 0);
        }) == "masked_fill: a mask of shape (4, 2, 3) does not broadcast to (2, 3)");
  CHECK(error_of([&] { greater(x, ones<float>({2})); }) == "greater: shapes (2, 3) and (2) do not broadcast");
}
