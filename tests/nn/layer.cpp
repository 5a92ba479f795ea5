// SPDX-License-Identifier: MIT
#include <flipbook/nn/layer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

#include "initial.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

struct NoLayer {};

/// The mean and the deviation of all elements.
template <class T>
std::pair<double, double> moments(const Tensor<T>& x) {
  double sum = 0, squares = 0;
  for (const T v : x) sum += static_cast<double>(v), squares += static_cast<double>(v) * static_cast<double>(v);
  const double n = static_cast<double>(x.size()), mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean)};
}

}  // namespace

TEST_CASE("numbers of channels and dimensions match where they are equal, or one is not known") {
  CHECK(channels_match<3, 3>);
  CHECK(!channels_match<3, 4>);
  CHECK(channels_match<any, 4>);
  CHECK(channels_match<3, any>);
  CHECK(channels_match<unknown, 4>);
  CHECK(channels_match<3, unknown>);
  CHECK(dimensions_match<2, 2>);
  CHECK(!dimensions_match<2, 3>);
  CHECK(dimensions_match<any, 3>);
}

TEST_CASE("a type says that it is a layer, an activation or a normalisation, and what dimensions it takes") {
  CHECK(Layer<Linear<2, 3>>);
  CHECK(!Layer<NoLayer>);
  CHECK(!Layer<int>);
  CHECK(Activation<ReLU>);
  CHECK(!Activation<Linear<2, 3>>);
  CHECK(Normalising<BatchNorm<3>>);
  CHECK(!Normalising<ReLU>);
  CHECK(input_dimensions_of<Linear<2, 3>> == Linear<2, 3>::dimensions);
  CHECK(input_dimensions_of<Unflatten<2, 2, 3>> != Unflatten<2, 2, 3>::dimensions);
}

TEST_CASE("a layer without parameters draws no random numbers, and one with parameters does") {
  Rng rng{1};
  (void)flipbook::detail::make_instance<Of<ReLU, float, Cpu>>(rng);
  CHECK(rng.position() == 0);
  (void)flipbook::detail::make_instance<Of<Linear<2, 3>, float, Cpu>>(rng);
  CHECK(rng.position() > 0);
}

TEST_CASE_TEMPLATE("initial values are uniform within a bound, such as 1/√inputs", T, float, double) {
  Rng rng{2};
  const auto x = init::uniform<T, Cpu>({100, 7}, 3, rng);
  CHECK(x.shape() == Shape{100, 7});
  CHECK(fills(x, 3));
  CHECK(moments(x).second == doctest::Approx(3 / std::sqrt(3.0)).epsilon(0.1));
  const auto y = init::fan_in<T, Cpu>({100, 7}, 16, rng);
  CHECK(fills(y, 0.25));
  Rng again{2};
  CHECK(same(init::uniform<T, Cpu>({100, 7}, 3, again), x));
}

TEST_CASE("the start of DCGANs: weights around 0, scales of normalisation around 1, biases 0") {
  Module<Sequential<Linear<40, 50>, BatchNorm<50>>, double> network{Rng{3}};
  const auto check = [&](double sigma) {
    const auto& [linear, norm] = network->layers;
    const auto [mean, deviation] = moments(linear.weight.value);
    CHECK(std::abs(mean) < 4 * sigma / std::sqrt(2000));
    CHECK(deviation == doctest::Approx(sigma).epsilon(0.07));
    const auto [scale, spread] = moments(norm.weight.value);
    CHECK(scale == doctest::Approx(1).epsilon(4 * sigma / std::sqrt(50)));
    CHECK(spread == doctest::Approx(sigma).epsilon(0.4));
    CHECK(same(linear.bias.value, zeros<double>({50})));
    CHECK(same(norm.bias.value, zeros<double>({50})));
  };
  init::dcgan(network, Rng{4});
  check(0.02);
  init::dcgan(network, Rng{4}, 0.1);
  check(0.1);
}

TEST_CASE("an observer is told of each layer of a container in turn, on tensors and on variables") {
  struct Told final : nn::detail::LayerObserver {
    std::string told;
    void enter(const void* layer, const void*) override { told += layer == nullptr ? "" : "("; }
    void leave(const Shape& output) override { told += to_string(output) + ")"; }
  } told;
  const Module<Sequential<Linear<2, 3>, LayerNorm<3>, ReLU, Sequential<Linear<3, 4>>>, float> network;
  const auto x = zeros<float>({5, 2});
  nn::detail::LayerObserver::running = &told;
  network(x);
  Tape tape;
  network(tape.constant(x));
  nn::detail::LayerObserver::running = nullptr;
  network(x);
  const std::string once = "((5, 3))((5, 3))((5, 3))(((5, 4))(5, 4))";  // an activation within a normalisation too
  CHECK(told.told == once + once);
}
