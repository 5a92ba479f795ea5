// SPDX-License-Identifier: MIT
#include <numeric>

#include <flipbook/ops/matmul/matmul.hpp>

#include "agree.hpp"

using namespace flipbook;
using test::device_tolerance;
using test::disagreement;

namespace {

struct Case {
  Index batch, m, n, k;
};

std::vector<Case> random_cases(Index count) {
  Rng rng{1};
  std::vector<Case> cases{{1, 1, 1, 1}, {2, 3, 1, 64}, {1, 1, 65, 7}, {3, 64, 32, 16}};
  for (Index i = 0; i < count; ++i)
    cases.push_back({1 + rng.below(3), 1 + rng.below(40), 1 + rng.below(40), 1 + rng.below(90)});
  return cases;
}

/// The largest disagreement over all transpositions.
template <class T>
double disagreement_of(const Case& c) {
  double largest = 0;
  for (const auto [ta, tb] : {Transposed{}, {true, false}, {false, true}, {true, true}}) {
    const auto a = test::random<double>(ta ? Shape{c.batch, c.k, c.m} : Shape{c.batch, c.m, c.k}, 1);
    const auto b = test::random<double>(tb ? Shape{c.batch, c.n, c.k} : Shape{c.batch, c.k, c.n}, 2);
    const Transposed transposed{ta, tb};
    const auto f = [=](const auto& x, const auto& y) { return matmul(x, y, transposed); };
    largest = std::max(largest, disagreement<T>(f, a, b));
  }
  return largest;
}

}  // namespace

TEST_CASE_TEMPLATE("products of matrices agree with the CPU's", T, float, double, bfloat16, flipbook::half) {
  for (const Case& c : random_cases(12)) {
    CAPTURE(c.batch);
    CAPTURE(c.m);
    CAPTURE(c.n);
    CAPTURE(c.k);
    CHECK(disagreement_of<T>(c) < device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("one matrix may serve all of a batch, and a bias is added to each row", T, float, double, bfloat16) {
  for (const Case& c : random_cases(6)) {
    CAPTURE(c.batch);
    CAPTURE(c.m);
    CAPTURE(c.n);
    CAPTURE(c.k);
    const auto x = test::random<double>({c.batch, c.m, c.k}, 1), w = test::random<double>({c.k, c.n}, 2);
    const auto b = test::random<double>({c.n}, 3);
    CHECK(disagreement<T>([](const auto&... of) { return matmul(of...); }, x, w) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto&... of) { return linear(of...); }, x, w, b) < device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("gradients of products agree with the CPU's", T, float, double, bfloat16) {
  const auto x = test::random<double>({3, 7, 9}, 1), w = test::random<double>({9, 5}, 2),
             b = test::random<double>({5}, 3);
  const auto y = test::random<double>({3, 9, 4}, 4);
  CHECK(test::gradient_disagreement<T>([](const auto&... of) { return linear(of...); }, x, w, b) < device_tolerance<T>);
  CHECK(test::gradient_disagreement<T>([](const auto&... of) { return matmul(of...); }, x, y) < device_tolerance<T>);
}

TEST_CASE("with TF32, products of floats stay within its rounding") {
  cuda::arithmetic().tf32 = true;
  const double apart = disagreement_of<float>({2, 33, 17, 65});
  cuda::arithmetic().tf32 = false;
  CHECK(apart < 2e-3);
  CHECK(apart > 1e-5);  // it is TF32 that was tested
}

TEST_CASE("matrices and biases that stand at no multiple of 16 bytes are read as well") {
  const auto all = test::random<double>({1 + 24 + 48 + 8}, 4);
  const auto at = [](const auto& x, Index first, const Shape& shape) {
    return x.slice(first, first + shape.size()).reshape(shape);
  };
  const auto f = [&](const auto& x) { return linear(at(x, 1, {4, 6}), at(x, 25, {6, 8}), at(x, 73, {8})); };
  CHECK(disagreement<float>(f, all) < device_tolerance<float>);
  CHECK(disagreement<bfloat16>(f, all) < device_tolerance<bfloat16>);
}

TEST_CASE("products of nothing are nothing, or the bias") {
  const auto bias = to<Cuda>(Tensor<float>({2}, {1, 2}));
  CHECK(linear(Tensor<float, Cuda>({0, 3}), Tensor<float, Cuda>({3, 2}), bias).shape() == Shape{0, 2});
  CHECK(to_vector(matmul(Tensor<float, Cuda>({2, 0}), Tensor<float, Cuda>({0, 2}))) == std::vector<float>(4, 0));
  CHECK(to_vector(linear(Tensor<float, Cuda>({2, 0}), Tensor<float, Cuda>({0, 2}), bias)) ==
        std::vector<float>{1, 2, 1, 2});
}

#ifdef FLIPBOOK_CUDA_EMULATED
TEST_CASE_TEMPLATE("where cuBLASLt has no kernel, products are worked out all the same", T, float, double, bfloat16) {
  const auto b = test::random<double>({5}, 3);
  const auto agrees = [&](const Case& c) {
    CHECK(disagreement_of<T>(c) < device_tolerance<T>);
    const auto x = test::random<double>({c.m, c.k}, 1), w = test::random<double>({c.k, 5}, 2);
    CHECK(disagreement<T>([](const auto&... of) { return linear(of...); }, x, w, b) < device_tolerance<T>);
  };
  emulated::blas::recommends = 0;
  agrees({2, 6, 8, 71}), agrees({2, 6, 8, 71});  // also when it is known already
  emulated::blas::recommends = 3, emulated::blas::refuses = true;
  agrees({2, 6, 8, 72});
  emulated::blas::refuses = false;
}
#endif

TEST_CASE("what is timed once is remembered, and right") {
  const Case c{1, 11, 13, 17};
  const auto run = [&] {
#ifdef FLIPBOOK_CUDA_EMULATED
    const auto products = [] {
      return std::accumulate(std::begin(emulated::blas::products_run), std::end(emulated::blas::products_run),
                             std::size_t{0});
    };
    const std::size_t before = products();
#endif
    CHECK(disagreement_of<float>(c) < device_tolerance<float>);
#ifdef FLIPBOOK_CUDA_EMULATED
    return products() - before;
#else
    return std::size_t{4};
#endif
  };
  cuda::arithmetic().autotune = true;
  run();
  const std::size_t again = run();
  cuda::arithmetic().autotune = false;
  CHECK(again == 4);  // one for each transposition
}

TEST_CASE_TEMPLATE("a product onto a sum, with and without a bias, and its gradients, agree with the CPU", T, float,
                   double, bfloat16) {
  const auto onto = [](const auto&... of) { return linear_onto(of...); };
  for (const Case& c : random_cases(4)) {
    const auto sum = test::random<double>({c.batch, c.m, c.n}, 1), x = test::random<double>({c.batch, c.m, c.k}, 2);
    const auto w = test::random<double>({c.k, c.n}, 3), b = test::random<double>({c.n}, 4);
    CHECK(disagreement<T>(onto, sum, x, w) < device_tolerance<T>);
    CHECK(disagreement<T>(onto, sum, x, w, b) < device_tolerance<T>);
    CHECK(test::gradient_disagreement<T>(onto, sum, x, w, b) < device_tolerance<T>);
  }
}

TEST_CASE("a product onto a sum of another shape is refused") {
  const auto on_device = [](const Shape& shape) { return to<Cuda>(test::random<float>(shape)); };
  CHECK_THROWS_WITH_AS(linear_onto(on_device({3, 5}), on_device({2, 4}), on_device({4, 5})),
                       "linear_onto: input (2, 4) with weights (4, 5) onto (3, 5)", Error);
}
