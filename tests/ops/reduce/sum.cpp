// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/reduce/sum.hpp>

using namespace flipbook;

namespace {

/// Σ over the axes where `shape` has extent 1, one element after another.
template <class T>
std::vector<double> plain_sum(const Tensor<T>& x, const Shape& shape) {
  std::vector<double> result(static_cast<std::size_t>(shape.size()));
  for (Index i = 0; i < x.size(); ++i) {
    Index rest = i, offset = 0, step = 1;
    for (int axis = 1; axis <= x.rank(); ++axis) {
      const Index j = rest % x.extent(-axis);
      rest /= x.extent(-axis);
      if (shape[-axis] != 1) offset += j * step;
      step *= shape[-axis];
    }
    result[static_cast<std::size_t>(offset)] += double(x.data()[i]);
  }
  return result;
}

const std::vector<std::pair<Shape, Shape>> cases{
    {{1}, {1}},
    {{17}, {1}},
    {{3, 5}, {1, 5}},
    {{3, 5}, {3, 1}},
    {{2, 3, 4}, {2, 1, 4}},
    {{2, 3, 4}, {1, 3, 1}},
    {{2, 3, 4}, {1, 1, 1}},
    {{2, 3, 4, 5}, {1, 3, 1, 5}},
    {{2, 3, 4, 5}, {2, 1, 4, 1}},
    {{1000, 3}, {1, 3}},
    {{40'000}, {1}},
    {{300, 129}, {1, 129}},
    {{3, 40'001}, {3, 1}},
    {{2, 3, 2, 3, 2, 3}, {1, 3, 1, 3, 1, 3}},
    {{0, 3}, {1, 3}},
};

}  // namespace

TEST_CASE_TEMPLATE("sums over any pattern of axes match the plain sum", T, float, double) {
  Rng rng{1};
  for (const auto& [from, to] : cases) {
    CAPTURE(to_string(from));
    CAPTURE(to_string(to));
    const Tensor<T> x = normal<T>(from, rng), y = sum_to(x, to);
    CHECK(y.shape() == to);
    const auto expected = plain_sum(x, to);
    for (Index i = 0; i < y.size(); ++i) {
      CHECK(std::abs(double(y.data()[i]) - expected[static_cast<std::size_t>(i)]) <
            (std::is_same_v<T, float> ? 1e-6 : 1e-14) * std::sqrt(double(x.size()) + 1) * 4);
    }
  }
}

TEST_CASE("a sum's rounding error does not grow with its length") {
  const Tensor<float> x = full<float>({1 << 22}, 0.1F);
  CHECK(sum(x).item() == doctest::Approx(double(0.1F) * (1 << 22)).epsilon(1e-6));
  const Tensor<float> columns = full<float>({1 << 20, 3}, 0.1F);
  CHECK(sum(columns, {0}).data()[1] == doctest::Approx(double(0.1F) * (1 << 20)).epsilon(1e-5));
}

TEST_CASE("sums are bit-identical for any number of threads") {
  const int before = threads();
  Rng rng{2};
  const Tensor<float> x = normal<float>({1003, 257}, rng);
  std::vector<std::vector<float>> seen;
  for (const int team : {1, 2, 3}) {
    set_threads(team);
    auto all = to_vector(sum(x, {0}));
    for (const float v : sum(x, {1})) all.push_back(v);
    all.push_back(sum(x).item());
    seen.push_back(all);
  }
  set_threads(before);
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] == seen[2]);
}

TEST_CASE("axes are kept with extent 1, or dropped") {
  const Tensor<double> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(sum(x, {1}).shape() == Shape{2, 1});
  CHECK(sum(x, {-1}, true).shape() == Shape{2});
  CHECK(to_vector(sum(x, {0}, true)) == std::vector<double>{5, 7, 9});
  CHECK(to_vector(mean(x, {1})) == std::vector<double>{2, 5});
  CHECK(mean(x).item() == 3.5);
  CHECK(sum(x).shape() == Shape{});
}

TEST_CASE("summing and broadcasting are each other's adjoint") {
  Rng rng{3};
  for (const auto& [from, to] : cases) {
    if (from.size() == 0 || from.size() > 1000) continue;
    const auto x = normal<double>(from, rng), y = normal<double>(to, rng);
    const double left = sum(sum_to(x, to) * y).item(), right = sum(x * broadcast_to(y, from)).item();
    CHECK(left == doctest::Approx(right).epsilon(1e-12));
    CHECK(gradient_error([&, to = to](const auto& v) { return square(sum_to(v, to)); }, x) < 1e-6);
    CHECK(gradient_error([&, from = from](const auto& v) { return square(broadcast_to(v, from)); }, y) < 1e-6);
  }
}

TEST_CASE("shapes that do not fit are named") {
  CHECK_THROWS_WITH_AS(sum_to(Tensor<float>({2, 3}), Shape{2}), "sum_to: (2, 3) is not a broadcast of (2)", Error);
  CHECK_THROWS_WITH_AS(broadcast_to(Tensor<float>({2}), Shape{2, 3}), "broadcast_to: (2) does not broadcast to (2, 3)",
                       Error);
}
