// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/reduce/sum.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

TEST_CASE_TEMPLATE("sums over any axes agree with the CPU", T, float, double, bfloat16, Half) {
  const auto same_for = [&](const Shape& shape, std::initializer_list<int> axes) {
    const auto x = random<double>(shape);
    CHECK(disagreement<T>([&](const auto& v) { return sum(v, axes); }, x) < device_tolerance<T>);
    CHECK(disagreement<T>([&](const auto& v) { return mean(v, axes, true); }, x) < device_tolerance<T>);
  };
  same_for({1}, {0});
  same_for({7}, {0});
  same_for({5, 3}, {0});
  same_for({5, 3}, {1});
  same_for({5, 3}, {0, 1});
  same_for({9, 16}, {0});
  same_for({300, 40}, {0});
  same_for({300, 1}, {0});
  same_for({3, 700}, {-1});
  same_for({4, 5, 6, 8}, {0, 1, 2});
  same_for({4, 5, 6, 7}, {1, 3});
  same_for({2, 3, 2, 3, 2, 3}, {0, 2, 4});
  same_for({2, 129, 3}, {1});
}

TEST_CASE_TEMPLATE("long sums are as exact as the CPU's", T, float, double) {
  const auto x = affine(random<double>({200'003}), 1, 0.5);
  CHECK(disagreement<T>([](const auto& v) { return sum(v); }, x) < device_tolerance<T>);
  CHECK(disagreement<T>([](const auto& v) { return sum(v.reshape({-1, 1}), {0}); }, x) < device_tolerance<T>);
  const auto columns = affine(random<double>({20'011, 5}), 1, 0.5), wide = affine(random<double>({20'011, 8}), 1, 0.5);
  CHECK(disagreement<T>([](const auto& v) { return sum(v, {0}); }, columns) < device_tolerance<T>);
  CHECK(disagreement<T>([](const auto& v) { return sum(v, {0}); }, wide) < device_tolerance<T>);
  CHECK(disagreement<T>([](const auto& v) { return sum(v, {1}); }, random<double>({3, 70'001})) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("the sum of nothing is zero", T, float, double, bfloat16, Half) {
  CHECK(static_cast<double>(sum(Tensor<T, Cuda>({0})).item()) == 0);
  for (const T x : to_vector(sum(Tensor<T, Cuda>({0, 5}), {0}))) CHECK(static_cast<double>(x) == 0);
  for (const T x : to_vector(sum(Tensor<T, Cuda>({5, 0}), {1}))) CHECK(static_cast<double>(x) == 0);
  CHECK(to_vector(sum(Tensor<T, Cuda>({3, 0, 2}), {0})).empty());
}

TEST_CASE_TEMPLATE("gradients of sums and of what is repeated agree", T, double, bfloat16) {
  const auto x = random<double>({4, 3, 5});
  CHECK(gradient_disagreement<T>([](const auto& v) { return sum(v, {1}); }, x) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>([](const auto& v) { return mean(v); }, x) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>([](const auto& v) { return sum_per_sample(v); }, x) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>([](const auto& v) { return broadcast_to(v, {2, 4, 3, 5}); }, x) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>(
            [](const auto& v) {
              return broadcast_to(v, {6, 8});
            },
            random<double>({8})) < device_tolerance<T>);
}

TEST_CASE("a sum has the same bits every time") {
  const auto x = to<Cuda>(random<float>({3, 70'001}));
  const auto first = to_vector(sum(x, {1}));
  for (int time = 0; time < 3; ++time) CHECK(to_vector(sum(x, {1})) == first);
}

TEST_CASE_TEMPLATE("the largest and smallest numbers along an axis, their places and gradients, are the CPU's", T,
                   float, double, bfloat16, Half) {
  for (const Shape& shape :
       {Shape{1}, Shape{7}, Shape{5, 3}, Shape{3, 700}, Shape{2, 9, 5}, Shape{1, 20'011}, Shape{0, 3}}) {
    const auto x = random<double>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 0) continue;
      CAPTURE(to_string(shape));
      CAPTURE(axis);
      CHECK(disagreement<T>([=](const auto& v) { return std::tuple{argmax(v, axis), argmin(v, axis)}; }, x) == 0);
      CHECK(disagreement<T>([=](const auto& v) { return std::tuple{max(v, axis), min(v, axis, true)}; }, x) == 0);
    }
  }
  const auto larger = [](const auto& v) { return max(v, 1); };
  CHECK(gradient_disagreement<T>(larger, random<double>({4, 9, 5})) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("the first of several that are largest is named, and a NaN above all, as on the CPU", T, float,
                   double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  const Tensor<T> x({4, 4},
                    {1, 3, 3, 0, 0, 0, 0, 0, infinity, nan, 2, nan, -infinity, -infinity, -infinity, -infinity});
  CHECK(same(to<Cpu>(argmax(to<Cuda>(x), 1)), argmax(x, 1)));
  CHECK(same(to<Cpu>(argmin(to<Cuda>(x), 1)), argmin(x, 1)));
}
