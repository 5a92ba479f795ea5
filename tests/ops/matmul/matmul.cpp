// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/core/eigen.hpp>
#include <flipbook/ops/matmul/matmul.hpp>

using namespace flipbook;

namespace {

constexpr Transposed layouts[] = {{false, false}, {true, false}, {false, true}, {true, true}};

template <class T>
void check_against_eigen(Index m, Index n, Index k, Transposed transposed, Rng& rng) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  const Tensor<T> a = normal<T>(transposed.a ? Shape{k, m} : Shape{m, k}, rng);
  const Tensor<T> b = normal<T>(transposed.b ? Shape{n, k} : Shape{k, n}, rng);
  const Tensor<T> c = matmul(a, b, transposed);
  REQUIRE(c.shape() == Shape{m, n});
  RowMajorMatrix<T> left = as_matrix(a), right = as_matrix(b);
  if (transposed.a) left.transposeInPlace();
  if (transposed.b) right.transposeInPlace();
  const RowMajorMatrix<T> expected = left * right;
  const double tolerance = (std::is_same_v<T, float> ? 1e-6 : 1e-14) * double(k + 1);
  CHECK((as_matrix(c) - expected).template lpNorm<Eigen::Infinity>() <= tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("products match Eigen's for every layout and size", T, float, double) {
  Rng rng{1};
  for (const Transposed transposed : layouts) {
    for (const auto& [m, n, k] : {std::tuple<Index, Index, Index>{1, 1, 1},
                                  {1, 17, 5},
                                  {7, 1, 13},
                                  {8, 32, 16},
                                  {13, 37, 29},
                                  {1, 512, 256},
                                  {65, 67, 131},
                                  {3, 100, 1}}) {
      check_against_eigen<T>(m, n, k, transposed, rng);
    }
  }
}

TEST_CASE_TEMPLATE("a batch of products is each product by itself, for every layout and size", T, float, double) {
  Rng rng{2};
  for (const Transposed t : layouts) {
    for (const auto& [m, n, k] : {std::tuple<Index, Index, Index>{5, 4, 7},
                                  {9, 18, 18},
                                  {1, 70, 3},
                                  {33, 1, 65},
                                  {150, 130, 6},
                                  {40, 9, 420}}) {
      const Tensor<T> a = normal<T>(t.a ? Shape{2, 3, k, m} : Shape{2, 3, m, k}, rng);
      const Tensor<T> b = normal<T>(t.b ? Shape{2, 3, n, k} : Shape{2, 3, k, n}, rng);
      const Tensor<T> c = matmul(a, b, t);
      REQUIRE(c.shape() == Shape{2, 3, m, n});
      for (Index i = 0; i < 2; ++i) {
        for (Index j = 0; j < 3; ++j) CHECK(to_vector(c[i][j]) == to_vector(matmul(a[i][j], b[i][j], t)));
      }
    }
  }
}

TEST_CASE("one matrix serves a whole batch") {
  Rng rng{3};
  const auto a = normal<double>({2, 3, 5}, rng), b = normal<double>({5, 4}, rng);
  const auto c = matmul(a, b);
  CHECK(c.shape() == Shape{2, 3, 4});
  CHECK(to_vector(c.reshape({6, 4})) == to_vector(matmul(a.reshape({6, 5}), b)));
}

TEST_CASE("gradients of products are exact to the second order, for every layout") {
  Rng rng{4};
  for (const Transposed t : layouts) {
    const auto a = normal<double>(t.a ? Shape{2, 4, 3} : Shape{2, 3, 4}, rng);
    const auto b = normal<double>(t.b ? Shape{2, 5, 4} : Shape{2, 4, 5}, rng);
    const auto f = [t](const auto& x, const auto& y) { return tanh(matmul(x, y, t)); };
    CHECK(gradient_error(f, a, b) < 1e-7);
    CHECK(second_gradient_error(f, a, b) < 1e-7);
  }
}

TEST_CASE("linear adds its bias to every row, with exact gradients") {
  Rng rng{5};
  const auto x = normal<double>({2, 3, 5}, rng), w = normal<double>({5, 4}, rng), b = normal<double>({4}, rng);
  const auto with = linear(x, w, b), without = linear(x, w) + b;
  CHECK(detail::relative_difference(with, without) < 1e-14);
  const auto f = [](const auto& x, const auto& w, const auto& b) { return tanh(linear(x, w, b)); };
  CHECK(gradient_error(f, x, w, b) < 1e-7);
  CHECK(second_gradient_error(f, x, w, b) < 1e-7);
  CHECK(linear(normal<double>({5}, rng), w, b).shape() == Shape{4});
}

TEST_CASE("an empty product is empty, and an empty sum is zero") {
  CHECK(matmul(Tensor<float>({0, 3}), Tensor<float>({3, 2})).size() == 0);
  CHECK(to_vector(matmul(Tensor<float>({2, 0}), Tensor<float>({0, 1}))) == std::vector<float>{0, 0});
}

TEST_CASE("shapes that do not multiply are named") {
  CHECK_THROWS_WITH_AS(matmul(Tensor<float>({2, 3}), Tensor<float>({4, 5})),
                       "matmul: inner extents 3 and 4 of (2, 3) and (4, 5) differ", Error);
  CHECK_THROWS_WITH_AS(matmul(Tensor<float>({2, 2, 3}), Tensor<float>({3, 3, 5})),
                       "matmul: leading axes of (2, 2, 3) and (3, 3, 5) differ", Error);
  CHECK_THROWS_WITH_AS(linear(Tensor<float>({2, 3}), Tensor<float>({4, 5})), "linear: input (2, 3) with weights (4, 5)",
                       Error);
}
