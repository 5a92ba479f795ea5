// SPDX-License-Identifier: MIT
#include <flipbook/loss/penalty.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>

using namespace flipbook;

namespace {

// D(x) = w · x, whose slope is w everywhere.
template <class T>
auto linear_discriminator(const Tensor<T>& w) {
  return [=](const auto& x) { return sum(x * w, {1, 2}, true); };
}

using Critic = nn::Sequential<nn::Linear<5, 7>, nn::Tanh, nn::Linear<7, 6>, nn::LeakyReLU<0.2>, nn::Linear<6, 1>>;

}  // namespace

TEST_CASE_TEMPLATE("a linear discriminator is punished for the length of its weight alone", T, float, double) {
  Rng rng{1};
  const Tensor<T> w({1, 2, 2}, {1, 2, 0, -2});  // ‖w‖ = 3
  const auto real = normal<T>({5, 2, 2}, rng), fake = normal<T>({5, 2, 2}, rng);
  Tape tape;
  CHECK(loss::gradient_penalty(tape, linear_discriminator(w), real, fake).item() == doctest::Approx(10 * 4));
  CHECK(loss::gradient_penalty(tape, linear_discriminator(w), real, fake, 1).item() == doctest::Approx(4));
  CHECK(loss::r1(tape, linear_discriminator(w), real, 3).item() == doctest::Approx(1.5 * 9));
}

TEST_CASE_TEMPLATE(
    "interpolates lie between their own pair, each at a place of its own, the tape's stream alone says where", T, float,
    double) {
  const Tensor<T> real = full<T>({64, 3}, 2), fake = full<T>({64, 3}, -1);
  Tensor<T> seen;
  const auto look = [&](const auto& x) {
    seen = x.value();
    return sum(x);
  };
  const auto at = [&](Rng rng) {
    Tape tape{rng};
    loss::gradient_penalty(tape, look, real, fake);
    return to_vector(seen);
  };
  const auto points = at(Rng{4});
  for (std::size_t i = 0; i < points.size(); i += 3) {
    CHECK(points[i] > T(-1));
    CHECK(points[i] < T(2));
    CHECK(points[i] == points[i + 1]);
    CHECK(points[i] == points[i + 2]);
    if (i > 0) CHECK(points[i] != points[i - 3]);
  }
  CHECK(at(Rng{4}) == points);
  CHECK(at(Rng{5}) != points);
}

TEST_CASE_TEMPLATE("a discriminator that is flat is punished by the full weight, without NaN", T, float, double) {
  Tape tape;
  const auto w = tape.variable(zeros<T>({1, 3}));
  const auto x = ones<T>({2, 3});
  const auto penalty = loss::gradient_penalty(
      tape, [&](const auto& points) { return sum(points * w); }, x, x);
  CHECK(penalty.item() == doctest::Approx(10));
  const auto slope = tape.gradient(penalty, w);
  for (const T element : slope) CHECK(element == 0);
}

TEST_CASE("the gradient of each penalty in the discriminator's parameters agrees with finite differences") {
  Rng rng{2};
  Module<Critic, double> critic{rng.split()};
  const auto real = normal<double>({3, 5}, rng), fake = normal<double>({3, 5}, rng);
  CHECK(parameter_gradient_error(critic, [&](Tape& tape) { return loss::gradient_penalty(tape, critic, real, fake); }) <
        1e-6);
  CHECK(parameter_gradient_error(critic, [&](Tape& tape) { return loss::r1(tape, critic, real); }) < 1e-6);
}

TEST_CASE("a penalty passes through convolutions") {
  using Network = nn::Sequential<nn::Conv2d<2, 3, Window{.kernel = 3, .stride = 2, .padding = 1}>, nn::LeakyReLU<0.2>,
                                 nn::Conv2d<3, 1, Window{.kernel = 2}>>;
  Rng rng{2};
  Module<Network, double> critic{rng.split()};
  const auto real = normal<double>({2, 5, 5, 2}, rng);
  CHECK(parameter_gradient_error(critic, [&](Tape& tape) { return loss::r1(tape, critic, real); }) < 1e-6);
}

TEST_CASE("samples that do not pair up, and no samples, are refused") {
  Tape tape;
  const auto identity = [](const auto& x) { return x; };
  CHECK_THROWS_WITH_AS(loss::gradient_penalty(tape, identity, zeros<float>({2, 3}), zeros<float>({3, 3})),
                       "gradient_penalty: needs samples of one shape, got (2, 3) and (3, 3)", Error);
  CHECK_THROWS_AS(loss::gradient_penalty(tape, identity, zeros<float>({0, 3}), zeros<float>({0, 3})), Error);
  CHECK_THROWS_AS(loss::r1(tape, identity, zeros<float>({0, 3})), Error);
}
