// SPDX-License-Identifier: MIT
#include <flipbook/nn/dropout.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include <flipbook/nn/module.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

TEST_CASE("in inference a dropout layer passes its input, without a copy") {
  const auto x = random<float>({3, 5, 7});
  CHECK(Module<Dropout<0.5>, float>{}(x).data() == x.data());
  static_assert(Dropout<>::in == any && Dropout<>::out == any && Dropout<>::dimensions == any);
  CHECK(Module<Dropout<>, float>{}.parameters().size() == 0);
}

TEST_CASE_TEMPLATE("in training it drops its share and scales the rest, anew at every call", T, float, double) {
  const Module<Dropout<0.25>, T> layer;
  const auto x = ones<T>({20'000});
  Tape tape{Rng{1}};
  const auto y = layer(tape.constant(x)).value(), again = layer(tape.constant(x)).value();
  const auto dropped = std::count(y.begin(), y.end(), T(0));
  CHECK(dropped == doctest::Approx(5000).epsilon(0.05));
  CHECK(dropped + std::count(y.begin(), y.end(), static_cast<T>(1 / 0.75)) == 20'000);
  CHECK(!same(again, y));
  Tape same_seed{Rng{1}};
  CHECK(same(layer(same_seed.constant(x)).value(), y));
}

TEST_CASE("the default drops half, and a probability of 0 nothing") {
  const auto x = ones<float>({20'000});
  Tape tape{Rng{1}};
  const auto y = Module<Dropout<>, float>{}(tape.constant(x)).value();
  CHECK(std::count(y.begin(), y.end(), 0.0F) == doctest::Approx(10'000).epsilon(0.05));
  CHECK(std::count(y.begin(), y.end(), 2.0F) == 20'000 - std::count(y.begin(), y.end(), 0.0F));
  CHECK(same(Module<Dropout<0.0>, float>{}(tape.constant(x)).value(), x));
}

TEST_CASE("the gradient passes where elements do") {
  const Module<Dropout<0.5>, double> layer;
  Tape tape{Rng{2}};
  const auto x = tape.variable(ones<double>({200}));
  const auto y = layer(x);
  CHECK(same(tape.gradient(sum(y), x), y.value()));
}
