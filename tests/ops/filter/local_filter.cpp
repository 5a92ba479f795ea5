// SPDX-License-Identifier: MIT
#include <flipbook/ops/filter/local_filter.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include <flipbook/core/parallel.hpp>
#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// The sum that the docstring has, in double.
template <class T>
Tensor<T> by_definition(const Tensor<T>& x, const Tensor<T>& filters) {
  const Index height = x.extent(1), width = x.extent(2);
  const auto kernel = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(filters.extent(3)))));
  return tabulated<T>(x.shape(), [&](const Indices& i) {
    double total = 0;
    for (Index tap = 0; tap < filters.extent(3); ++tap) {
      const Index row = i[1] + tap / kernel - kernel / 2, column = i[2] + tap % kernel - kernel / 2;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const Indices block{i[0], i[1] * filters.extent(1) / height, i[2] * filters.extent(2) / width, tap};
      total += static_cast<double>(at(filters, block)) * static_cast<double>(at(x, Indices{i[0], row, column, i[3]}));
    }
    return total;
  });
}

struct Case {
  Shape x, filters;
};

/// Shapes drawn at random: extents of 1, primes and powers of two, filters larger than pictures, and blocks whose rows
/// are a number, a vector, and more.
std::vector<Case> drawn_cases(int count) {
  Rng rng{17};
  const auto one_of = [&](const std::vector<Index>& from) {
    return from[static_cast<std::size_t>(rng.below(static_cast<Index>(from.size())))];
  };
  const std::vector<Index> blocks{1, 2, 3, 5, 7}, extents{1, 2, 3, 4, 5, 8, 9}, kernels{1, 3, 3, 5, 7, 9};
  std::vector<Case> cases;
  for (int i = 0; i < count; ++i) {
    const Index n = 1 + rng.below(3), rows = one_of(blocks), columns = one_of(blocks), kernel = one_of(kernels);
    const Index height = rows * one_of(extents), width = columns * (i % 4 == 0 ? 1 : one_of(extents));
    cases.push_back({{n, height, width, 1 + rng.below(20)}, {n, rows, columns, kernel * kernel}});
  }
  return cases;
}

/// Of several dozen products, some hundred for a gradient of a large block.
template <class T>
constexpr double allowed = 3 * tolerance<T>;

}  // namespace

TEST_CASE_TEMPLATE("pixels are sums over their neighbours by the filters of their blocks", T, float, double) {
  for (const auto& [x_shape, filters_shape] : drawn_cases(100)) {
    CAPTURE(to_string(x_shape));
    CAPTURE(to_string(filters_shape));
    const auto x = random<T>(x_shape), filters = random<T>(filters_shape, 2);
    CHECK(difference(local_filter(x, filters), by_definition(x, filters)) < allowed<T>);
  }
}

TEST_CASE_TEMPLATE("the gradients are the adjoints", T, float, double) {
  for (const auto& [x_shape, filters_shape] : drawn_cases(100)) {
    CAPTURE(to_string(x_shape));
    CAPTURE(to_string(filters_shape));
    const auto x = random<T>(x_shape), filters = random<T>(filters_shape, 2), y = random<T>(x_shape, 3);
    Tape tape;
    const auto v = tape.variable(x), f = tape.variable(filters);
    const auto product = sum(local_filter(v, f) * y);
    const auto dx = tape.gradient(product, v, {.retain_graph = true}), dfilters = tape.gradient(product, f);
    // What is summed in T has terms of this size altogether, whatever it comes to.
    const double size = static_cast<double>(sum(local_filter(abs(x), abs(filters)) * abs(y)).item());
    CHECK(dx.shape() == x_shape);
    CHECK(dfilters.shape() == filters_shape);
    CHECK(std::abs(static_cast<double>(sum(dx * x).item() - product.item())) < tolerance<T> * size);
    CHECK(std::abs(static_cast<double>(sum(dfilters * filters).item() - product.item())) < tolerance<T> * size);
  }
}

TEST_CASE("gradients in pictures and filters are exact to second order") {
  const auto f = [](const auto& x, const auto& filters) { return square(local_filter(x, filters)); };
  for (const auto& [x_shape, filters_shape] : std::vector<Case>{{{1, 1, 1, 1}, {1, 1, 1, 1}},
                                                                {{1, 1, 1, 1}, {1, 1, 1, 25}},
                                                                {{2, 3, 5, 3}, {2, 3, 5, 9}},
                                                                {{1, 6, 4, 2}, {1, 2, 2, 9}},
                                                                {{2, 5, 7, 1}, {2, 1, 7, 25}},
                                                                {{1, 5, 2, 17}, {1, 5, 1, 9}}}) {
    CAPTURE(to_string(x_shape));
    CAPTURE(to_string(filters_shape));
    const auto x = random<double>(x_shape), filters = random<double>(filters_shape, 2);
    CHECK(gradient_error(f, x, filters) < 1e-7);
    CHECK(second_gradient_error(f, x, filters) < 1e-6);
  }
}

TEST_CASE("a filter of one tap moves a picture, and zeros come in from outside") {
  const Tensor<float> x({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const auto tap = [](Index place) {
    auto filter = zeros<float>({1, 1, 1, 9});
    filter.data()[place] = 1;
    return filter;
  };
  CHECK(same(local_filter(x, tap(4)), x));
  CHECK(to_vector(local_filter(x, tap(5))) == std::vector<float>{2, 3, 0, 5, 6, 0});  // from the right
  CHECK(to_vector(local_filter(x, tap(1))) == std::vector<float>{0, 0, 0, 1, 2, 3});  // from above
  const Tensor<float> scales({1, 1, 3, 1}, {1, 10, 100});
  CHECK(to_vector(local_filter(x, scales)) == std::vector<float>{1, 20, 300, 4, 50, 600});
}

TEST_CASE("any number of threads gives the same bits") {
  struct Restore {
    int before = threads();
    ~Restore() { set_threads(before); }
  } restore;
  for (const auto& [x_shape, filters_shape] : std::vector<Case>{{{1, 61, 41, 1}, {1, 61, 41, 25}},
                                                                {{1, 30, 28, 3}, {1, 3, 4, 81}},
                                                                {{2, 37, 52, 21}, {2, 1, 4, 9}},
                                                                {{5, 9, 8, 16}, {5, 9, 8, 9}}}) {
    CAPTURE(to_string(x_shape));
    const auto x = random<float>(x_shape), filters = random<float>(filters_shape, 2);
    const auto results = [&](int count) {
      set_threads(count);
      Tape tape;
      const auto v = tape.variable(x), f = tape.variable(filters);
      const auto y = local_filter(v, f);
      const auto loss = sum(square(y));
      return std::array{y.value(), tape.gradient(loss, v, {.retain_graph = true}), tape.gradient(loss, f)};
    };
    const auto alone = results(1);
    for (const int count : {2, 3, 7}) {
      const auto together = results(count);
      for (std::size_t i = 0; i < 3; ++i) CHECK(same(together[i], alone[i]));
    }
  }
}

TEST_CASE("of nothing there is nothing, and its filters' gradient is zero") {
  for (const auto& [x_shape, filters_shape] : std::vector<Case>{{{0, 4, 6, 3}, {0, 2, 3, 9}},
                                                                {{2, 0, 6, 3}, {2, 2, 3, 9}},
                                                                {{2, 4, 0, 3}, {2, 2, 3, 9}},
                                                                {{2, 4, 6, 0}, {2, 2, 3, 9}}}) {
    CAPTURE(to_string(x_shape));
    Tape tape;
    const auto v = tape.variable(Tensor<float>(x_shape)), f = tape.variable(random<float>(filters_shape));
    const auto y = local_filter(v, f);
    CHECK(y.shape() == x_shape);
    CHECK(tape.gradient(sum(y), v, {.retain_graph = true}).shape() == x_shape);
    CHECK(same(tape.gradient(sum(y), f), zeros<float>(filters_shape)));
  }
}

TEST_CASE("what does not fit is refused, and the text says why") {
  const Shape pictures{2, 4, 6, 3};
  const auto refused = [](const Shape& x, const Shape& filters) {
    const std::string text = "local_filter: pictures " + to_string(x) + " and filters " + to_string(filters) +
                             "; needs (N, H, W, C) and (N, h, w, K²), where h and w divide H and W, and K is odd";
    return error_of([&] { local_filter(Tensor<float>(x), Tensor<float>(filters)); }) == text;
  };
  CHECK(refused({2, 3, 4, 6, 3}, {2, 4, 6, 9}));
  CHECK(refused(pictures, {2, 4, 6, 3, 3}));
  CHECK(refused(pictures, {1, 4, 6, 9}));
  CHECK(refused(pictures, {2, 3, 6, 9}));
  CHECK(refused(pictures, {2, 4, 4, 9}));
  CHECK(refused(pictures, {2, 8, 6, 9}));
  CHECK(refused(pictures, {2, 0, 6, 9}));
  CHECK(refused(pictures, {2, 4, 0, 9}));
  for (const Index taps : {0, 2, 4, 8, 16, 36}) CHECK(refused(pictures, {2, 4, 6, taps}));
}
