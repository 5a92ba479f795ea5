// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/position.hpp>
#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;

namespace {

template <class M, class X>
X stepwise(const M& net, const X& x) {
  List<X> outputs;
  const auto frames = unstack(x, 1);
  auto state = net->start(frames[0]);
  for (const X& frame : frames) outputs.push_back(net->step(frame, state));
  return stack(1, outputs);
}

}  // namespace

TEST_CASE_TEMPLATE("sinusoidal positions are sines and cosines of falling frequencies", T, float, double) {
  const auto table = sinusoidal_positions<T>({9}, 10, 3);
  const auto expected = test::tabulated<T>({9, 10}, [](const test::Indices& at) {
    const double angle = double(at[0] + 3) / std::pow(10000.0, double(at[1] / 2) / 5);
    return at[1] % 2 == 0 ? std::sin(angle) : std::cos(angle);
  });
  CHECK(difference(table, expected) < 1e-6);
}

TEST_CASE("three-dimensional positions differ wherever place does") {
  const auto table = sinusoidal_positions<double>({3, 4, 5}, 12).reshape({60, 12});
  for (Index i = 0; i < 60; ++i) {
    for (Index j = 0; j < i; ++j) CHECK(difference(table[i], table[j]) > 1e-2);
  }
}

TEST_CASE_TEMPLATE("positions are added, and go on step by step", T, float, double) {
  const Module<SinusoidalPosition, T> sines;
  const Module<LearnedPosition<6, 7>, T> learned{Rng{1}};
  const Module<LearnedPosition<6, 4, 3, 2>, T> learned_3d{Rng{1}};
  const auto tokens = random<T>({2, 5, 6}), clip = random<T>({2, 4, 3, 2, 6});
  CHECK(test::same(sines(tokens), Tensor<T>(tokens + sinusoidal_positions<T>({5}, 6))));
  CHECK(test::same(sines(clip), Tensor<T>(clip + sinusoidal_positions<T>({4, 3, 2}, 6))));
  CHECK(test::same(learned(tokens), Tensor<T>(tokens + learned->tables[0].value.slice(0, 5))));
  const auto expected = test::tabulated<T>(clip.shape(), [&](const test::Indices& at) {
    const auto along = [&](std::size_t axis) {
      return test::at(learned_3d->tables[axis].value, {at[axis + 1], at[4]});
    };
    return test::at(clip, at) + along(0) + along(1) + along(2);
  });
  CHECK(difference(learned_3d(clip), expected) < 1e-6);
  CHECK(test::same(stepwise(sines, clip), sines(clip)));
  CHECK(test::same(stepwise(learned, tokens), learned(tokens)));
  CHECK(test::same(stepwise(learned_3d, clip), learned_3d(clip)));
}

TEST_CASE("learned positions have gradients") {
  Module<LearnedPosition<3, 4, 2, 2>, double> net{Rng{1}};
  const auto x = random<double>({2, 3, 2, 1, 3});
  CHECK(parameter_gradient_error(net, [&](Tape& tape) { return square(net(tape.constant(x))); }) < 1e-7);
  CHECK(gradient_error([&](const auto& v) { return square(net(v)); }, x) < 1e-7);
}

TEST_CASE("places that were not learned are refused, and odd channels") {
  const Module<LearnedPosition<3, 4>, float> net{Rng{1}};
  CHECK(test::error_of([&] { net(zeros<float>({1, 5, 3})); }) == "LearnedPosition: place 4 of 4 along axis 0");
  Index steps = 3;
  CHECK_THROWS_AS(net(zeros<float>({1, 2, 3}), steps), Error);
  CHECK_THROWS_AS(net(zeros<float>({1, 2, 2, 3})), Error);
  CHECK_THROWS_AS(net(zeros<float>({1, 3})), Error);
  CHECK(test::error_of([] { sinusoidal_positions<float>({4}, 5); }) ==
        "sinusoidal_positions: needs an even number of channels, got 5");
}
