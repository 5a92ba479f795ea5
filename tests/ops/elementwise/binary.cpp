// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

namespace {

/// The element of x at an index of a shape that x broadcasts to.
template <class T>
T at(const Tensor<T>& x, const Shape& shape, Index flat) {
  Index offset = 0, step = 1;
  for (int axis = 1; axis <= shape.rank(); ++axis) {
    const Index i = flat % shape[-axis];
    flat /= shape[-axis];
    if (axis > x.rank()) continue;
    if (x.extent(-axis) != 1) offset += i * step;
    step *= x.extent(-axis);
  }
  return x.data()[offset];
}

const std::vector<std::pair<Shape, Shape>> pairs{
    {{}, {}},
    {{1}, {1}},
    {{7}, {7}},
    {{2, 3, 5}, {5}},
    {{5}, {2, 3, 5}},
    {{2, 1, 5}, {3, 1}},
    {{4, 1}, {1, 17}},
    {{2, 3, 4, 1}, {1, 3, 1, 19}},
    {{3, 1, 2}, {1, 4, 1}},
    {{6, 33}, {}},
    {{2, 0, 3}, {3}},
    {{2, 3, 2, 2, 3}, {2, 3, 1, 1, 3}},
};

}  // namespace

TEST_CASE_TEMPLATE("arithmetic broadcasts over every pattern of axes", T, float, double) {
  Rng rng{1};
  for (const auto& [a_shape, b_shape] : pairs) {
    CAPTURE(to_string(a_shape));
    CAPTURE(to_string(b_shape));
    const Tensor<T> a = normal<T>(a_shape, rng), b = uniform<T>(b_shape, rng, 0.5, 2);
    const Tensor<T> added = a + b, subtracted = a - b, multiplied = a * b, divided = a / b;
    for (Index i = 0; i < added.size(); ++i) {
      const T x = at(a, added.shape(), i), y = at(b, added.shape(), i);
      CHECK(added.data()[i] == x + y);
      CHECK(subtracted.data()[i] == x - y);
      CHECK(multiplied.data()[i] == x * y);
      CHECK(divided.data()[i] == x / y);
    }
  }
}

TEST_CASE("gradients of arithmetic are summed over what was broadcast, to the second order") {
  Rng rng{2};
  for (const auto& [a_shape, b_shape] : pairs) {
    if (a_shape.size() == 0) continue;
    CAPTURE(to_string(a_shape));
    CAPTURE(to_string(b_shape));
    const auto a = normal<double>(a_shape, rng), b = uniform<double>(b_shape, rng, 0.5, 2);
    const auto f = [](const auto& x, const auto& y) { return (x + y) * (x - y) / y; };
    CHECK(gradient_error(f, a, b) < 1e-6);
    CHECK(second_gradient_error(f, a, b) < 1e-6);
  }
}

TEST_CASE("numbers stand on either side") {
  const Tensor<double> x({2}, {1, 4});
  CHECK(to_vector(2 * x + 1) == std::vector<double>{3, 9});
  CHECK(to_vector(1 - x) == std::vector<double>{0, -3});
  CHECK(to_vector(-(x - 1) / 2) == std::vector<double>{0, -1.5});
}

TEST_CASE_TEMPLATE("a power of tensors is that of their elements, broadcast", T, float, double) {
  Rng rng{4};
  const Tensor<T> x = uniform<T>({3, 1, 17}, rng, 0.2, 3), y = uniform<T>({5, 1}, rng, -2, 2), z = pow(x, y);
  CHECK(z.shape() == Shape{3, 5, 17});
  for (Index i = 0; i < z.size(); ++i) {
    const double expected = std::pow(double(at(x, z.shape(), i)), double(at(y, z.shape(), i)));
    CHECK(double(z.data()[i]) == doctest::Approx(expected).epsilon(std::is_same_v<T, float> ? 1e-6 : 1e-14));
  }
  if constexpr (std::is_same_v<T, double>) {
    const auto power = [](const auto& a, const auto& b) { return pow(a, b); };
    CHECK(gradient_error(power, x, y) < 1e-7);
    CHECK(second_gradient_error(power, x, y) < 1e-6);
  }
}

TEST_CASE("shapes that do not broadcast are named") {
  CHECK_THROWS_WITH_AS(Tensor<float>({2, 3}) + Tensor<float>({2}), "+: shapes (2, 3) and (2) do not broadcast", Error);
  CHECK_THROWS_WITH_AS(Tensor<float>({4}) / Tensor<float>({3}), "/: shapes (4) and (3) do not broadcast", Error);
}
