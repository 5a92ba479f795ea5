// SPDX-License-Identifier: MIT
#include <flipbook/ops/softmax/softmax.hpp>

#include <limits>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// Rows of a few threads, of a warp and of a block, and of none; what no pack divides.
const std::vector<Shape> shapes{{1, 1}, {3, 2}, {0, 5}, {7, 5}, {2, 3, 32}, {5, 67}, {129, 16}, {3, 1000}, {2, 4099}};

const auto all_of_them = [](const auto& x) { return std::tuple{softmax(x), log_softmax(x), log_sum_exp(x)}; };

}  // namespace

TEST_CASE_TEMPLATE("softmax, its logarithm and its normaliser are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<double>(shape), 3, 1);
    CHECK(disagreement<T>(all_of_them, x) < device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("gradients of softmax and its relatives are the CPU's", T, float, double, bfloat16, flipbook::half) {
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<double>(shape), 3, 1), dy = random<double>(shape, 2);
    const auto y = softmax(x), log_y = log_softmax(x), total = log_sum_exp(x);
    const auto d_total = random<double>(total.shape(), 3);
    CHECK(disagreement<T>(SoftmaxGradient{}, y, dy) < device_tolerance<T>);
    CHECK(disagreement<T>(LogSoftmaxGradient{}, log_y, dy) < device_tolerance<T>);
    CHECK(disagreement<T>(LogSumExpGradient{}, x, total, d_total) < device_tolerance<T>);
  }
}

TEST_CASE("rows with infinite numbers are what they are on the CPU") {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const Tensor<double> x({3, 3}, {0, -infinite, 1, -infinite, -infinite, 2, 1e300, -1e300, 0});
  CHECK(disagreement<double>([](const auto& v) { return std::tuple{softmax(v), log_sum_exp(v)}; }, x) < 1e-14);
  const auto y = to<Cpu>(log_sum_exp(to<Cuda>(full<double>({2, 5}, -infinite))));
  CHECK(y.data()[0] == -infinite);
  CHECK(y.data()[1] == -infinite);
}
