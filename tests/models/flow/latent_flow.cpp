// SPDX-License-Identifier: MIT
#include <flipbook/models/flow/latent_flow.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

namespace {

// Points on two short arcs, far apart in the plane: no code N(0, I) of a small β decodes to them by itself.
// [latent-flow]
using Points =
    LatentFlow<Vae<nn::Linear<2, 4>, nn::Linear<2, 2>, latent::DiagonalGaussian<2>, likelihood::FixedGaussian<0.1>>,
               CodeFlow<2, 32, 2>>;
// [/latent-flow]

Tensor<float> points(Index n, Rng& rng) {
  Tensor<float> x({n, 2});
  for (Index i = 0; i < n; ++i) {
    const double angle = 0.3 * rng.uniform() + (rng.uniform() < 0.5 ? 0 : 3);
    x.data()[2 * i] = static_cast<float>(std::cos(angle)), x.data()[2 * i + 1] = static_cast<float>(std::sin(angle));
  }
  return x;
}

/// The mean distance of points from the unit circle's arcs.
double distance(const Tensor<float>& x) {
  double total = 0;
  for (Index i = 0; i < x.extent(0); ++i) {
    double nearest = 1e9;
    for (int k = 0; k <= 30; ++k) {
      for (const double from : {0.0, 3.0}) {
        const double angle = from + 0.01 * k;
        nearest =
            std::min(nearest, std::hypot(x.data()[2 * i] - std::cos(angle), x.data()[2 * i + 1] - std::sin(angle)));
      }
    }
    total += nearest;
  }
  return total / static_cast<double>(x.extent(0));
}

}  // namespace

TEST_CASE("the flow draws codes that decode to data where codes of N(0, I) do not") {
  Trainer trainer{Module<Points, float>{Rng{1}}, optim::Adam{.learning_rate = 3e-3}, 1};
  trainer.model->autoencoder.settings.beta = 0.1;
  Rng rng{2};
  for (int step = 0; step < 800; ++step) trainer.step(points(64, rng));
  const double drawn = distance(trainer.model->sample({256, 2}, rng)),
               by_prior = distance(trainer.model->autoencoder.sample(256, rng));
  CHECK(drawn < 0.2);
  CHECK(by_prior > 2 * drawn);
  CHECK(distance(trainer.model->reconstruct(points(64, rng))) < 0.1);
}

TEST_CASE("the flow's loss trains the flow alone, and is weighed") {
  Module<Points, double> model{Rng{3}};
  Rng rng{4};
  const auto x = cast<double>(points(8, rng));
  const auto gradient = [&](double weight) {
    model->prior_weight = weight;
    Tape tape{model, Rng{5}};
    return tape.gradient(model->loss(tape.constant(x)), model);
  };
  const auto one = gradient(1), three = gradient(3);
  const Index of_vae = model.part(model->autoencoder).size();
  for (Index i = 0; i < one.size(); ++i) {
    const double expected = i < of_vae ? one.data()[i] : 3 * one.data()[i];
    CHECK(three.data()[i] == doctest::Approx(expected).epsilon(1e-9));
  }
  model->autoencoder.importance_samples = 5;
  Tape tape{model};
  CHECK_THROWS_WITH_AS(model->loss(tape.constant(x)),
                       "LatentFlow: 5 importance samples; the flow learns from 1 draw of z", Error);
}
