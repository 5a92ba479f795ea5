// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr int pixels = 36, size = 2;
using Encoder = Sequential<Linear<pixels, 32>, Tanh, Linear<32, 2 * size>>;
using Decoder = Sequential<Linear<size, 32>, Tanh, Linear<32, pixels>>;
using Small = Vae<Encoder, Decoder, latent::DiagonalGaussian<size>>;

/// Blurred bars, one of twelve: six rows and six columns of a 6×6 picture.
template <class T>
Tensor<T> bars(Index count, Rng& rng) {
  Tensor<T> x = full<T>({count, pixels}, T(0.05));
  for (Index i = 0; i < count; ++i) {
    const Index which = rng.below(12);
    for (Index j = 0; j < 6; ++j) x.data()[i * pixels + (which < 6 ? which * 6 + j : j * 6 + which - 6)] = T(0.95);
  }
  return x;
}

template <class T>
Module<Small, T> trained(int steps) {
  Module<Small, T> vae{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, vae.parameters()};
  Rng rng{2};
  for (int i = 0; i < steps; ++i) {
    const Tensor<T> x = bars<T>(32, rng);
    vae->settings.beta = std::min(1.0, i / 200.0);  // at first the code is free, or nothing is put into it
    (void)train_step(vae, adam, rng, [&](Tape& tape) { return vae->loss(tape.constant(x)); });
  }
  return vae;
}

}  // namespace

TEST_CASE_TEMPLATE("training raises the ELBO past what a picture without a code can have", T, float, double) {
  Rng rng{3};
  const Tensor<T> x = bars<T>(200, rng);
  const Module<Small, T> before{Rng{1}}, after = trained<T>(600);
  const double first = double(mean(before->elbo(x, rng)).item()), last = double(mean(after->elbo(x, rng)).item());
  // Independent pixels, each bright in one picture of six, cannot do better than −18 nats.
  MESSAGE("ELBO from " << first << " to " << last << " nats");
  CHECK(first < -20);
  CHECK(last > -13.5);
}

TEST_CASE("the importance-weighted estimate of log p is at least the ELBO, and rises with its draws") {
  Rng rng{4};
  const auto vae = trained<double>(300);
  const auto x = bars<double>(100, rng);
  double elbo = 0;
  for (int i = 0; i < 20; ++i) elbo += mean(vae->elbo(x, rng)).item() / 20;
  const double one = mean(vae->log_likelihood(x, 1, rng)).item();
  const double few = mean(vae->log_likelihood(x, 10, rng)).item(), many = mean(vae->log_likelihood(x, 200, rng)).item();
  CHECK(one == doctest::Approx(elbo).epsilon(0.05));
  CHECK(few > elbo);
  CHECK(many > few - 0.05);
  CHECK(many > elbo + 0.1);
}

TEST_CASE("the importance weighted bound of one pass is the estimate of many, and a loss with exact gradients") {
  Module<Small, double> vae{Rng{9}};
  Rng rng{10};
  const auto x = bars<double>(3, rng);
  double whole = 0, apart = 0;
  for (int i = 0; i < 400; ++i) {
    whole += mean(vae->importance_weighted_bound(x, 5, rng)).item() / 400;
    apart += mean(vae->log_likelihood(x, 5, rng)).item() / 400;
  }
  CHECK(whole == doctest::Approx(apart).epsilon(2e-3));
  vae->importance_samples = 5;
  CHECK(parameter_gradient_error(vae, [&](Tape& tape) { return vae->loss(tape.constant(x)); }) < 1e-6);
  vae->settings.beta = 0.5;
  CHECK_THROWS_WITH_AS(vae->importance_weighted_bound(x, 5, rng),
                       "importance_weighted_bound: takes no beta (0.500000) and no free bits (0.000000)", Error);
}

TEST_CASE("the gradient of the loss is exact in all parameters") {
  Module<Small, double> vae{Rng{5}};
  Rng rng{6};
  const auto x = bars<double>(3, rng);
  CHECK(parameter_gradient_error(vae, [&](Tape& tape) { return vae->loss(tape.constant(x)); }) < 1e-6);
  vae->settings = {.beta = 0.5, .free_bits = 0};
  CHECK(parameter_gradient_error(vae, [&](Tape& tape) { return vae->loss(tape.constant(x)); }) < 1e-6);
}

TEST_CASE("reconstructions are nearer to their picture than to others'") {
  Rng rng{7};
  const auto vae = trained<float>(600);
  const auto x = bars<float>(50, rng);
  const auto y = vae->reconstruct(x);
  CHECK(y.shape() == x.shape());
  const double own = mean(square(x - y)).item();
  const double other = mean(square(x.slice(1, 50) - y.slice(0, 49))).item();
  CHECK(own < 0.7 * other);
  const auto [dark, bright] = std::minmax_element(y.begin(), y.end());  // of pictures of 0.05 and 0.95
  CHECK(*dark < 0.2F);
  CHECK(*bright > 0.8F);
}

TEST_CASE("samples are new pictures, and interpolation ends at the reconstructions of its ends") {
  Rng rng{8};
  const auto vae = trained<float>(20);
  CHECK(vae->sample(5, rng).shape() == Shape{5, pixels});
  CHECK(vae->sample(Shape{2, 3}, rng).shape() == Shape{2, 3, pixels});
  const auto x = bars<float>(2, rng);
  const auto path = vae->interpolate(x[0], x[1], 4), ends = vae->reconstruct(x);
  CHECK(path.shape() == Shape{4, pixels});
  for (Index i = 0; i < pixels; ++i) {
    CHECK(path[0].data()[i] == doctest::Approx(ends[0].data()[i]).epsilon(1e-4));
    CHECK(path[3].data()[i] == doctest::Approx(ends[1].data()[i]).epsilon(1e-4));
  }
  CHECK_THROWS_WITH_AS(vae->interpolate(x[0], x[1], 1), "interpolate: needs at least two steps, got 1", Error);
}
