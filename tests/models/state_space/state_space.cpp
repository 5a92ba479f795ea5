// SPDX-License-Identifier: MIT
#include <flipbook/models/state_space/state_space.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/core/parallel.hpp>
#include <flipbook/latent/categorical.hpp>
#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/ops/gather/gather.hpp>
#include <flipbook/ops/shape/repeat.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/testing/gradients.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

// Frames of 1 × 2 pixels, one action.
struct Discrete {
  using Latent = latent::Categorical<1, 2>;
  using Likelihood = likelihood::Bernoulli;
  using Encoder = Sequential<Flatten, Linear<2, 3>>;
  using Transition = Stack<GruCell<2 + 1, 4>>;
  using Prior = Stack<Linear<4, 2>>;
  using Posterior = Stack<Linear<4 + 3, 2>>;
  using Emission = Stack<Identity>;
  using Decoder = Sequential<Linear<4 + 2, 2>, Unflatten<1, 2, 1>>;
  using Head = NoHead;
  static constexpr Wiring wiring{.latent = true, .actions = 1};
  static constexpr DivergenceSettings divergence{};
};
// Everything is read and everything remembers.
struct Remembering {
  using Latent = latent::DiagonalGaussian<2>;
  using Likelihood = likelihood::Bernoulli;
  using Encoder = Sequential<Flatten, Linear<2, 3>>;
  using Transition = Stack<GruCell<3 + 2 + 1, 4>>;
  using Prior = Stack<RnnCell<4, 4>>;
  using Posterior = Stack<RnnCell<4 + 3, 4>>;
  using Emission = Stack<RnnCell<4 + 2, 3>>;
  using Decoder = Sequential<Linear<3, 2>, Unflatten<1, 2, 1>>;
  using Head = Linear<3, 2>;
  static constexpr Wiring wiring{.frame = true, .latent = true, .actions = 1};
  static constexpr DivergenceSettings divergence{};
};
using World = StateSpace<Discrete>;
using Model = StateSpace<Remembering>;
using Batch = ClipWithActions<Tensor<double>>;

/// A model whose random weights are large enough for everything to matter.
template <class Net>
Module<Net, double> drawn(std::uint64_t seed) {
  Module<Net, double> model{Rng{seed}};
  Tensor<double> all = model.parameters();
  for (double& weight : all) weight *= 3;
  return model;
}
Batch batch(Index clips, Index frames, Rng& rng) {
  return {uniform<double>({clips, frames, 1, 2, 1}, rng), normal<double>({clips, frames, 1}, rng),
          normal<double>({clips, frames, 2}, rng)};
}
Variable<double> loss_of(const Module<Model, double>& model, const Batch& clips, Tape& tape) {
  return model->loss(map_members(clips, [&](const auto& x) { return tape.constant(x); }));
}
double difference(const Tensor<double>& a, const Tensor<double>& b) { return max(abs(a - b)).item(); }

/// All 16 clips of two frames of two pixels that are 0 or 1, each once for all four ways in which z may be.
struct Enumeration {
  Tensor<double> clips{{64, 2, 1, 2, 1}}, actions{{64, 2, 1}}, z0{{64, 2}}, z1{{64, 2}};
  Enumeration() {
    for (Index row = 0; row < 64; ++row) {
      for (Index pixel = 0; pixel < 4; ++pixel) clips.data()[4 * row + pixel] = double(row / 4 >> pixel & 1);
      for (Index k = 0; k < 2; ++k) {
        z0.data()[2 * row + k] = row % 2 == k;
        z1.data()[2 * row + k] = row / 2 % 2 == k;
        actions.data()[2 * row + k] = 0.7;
      }
    }
  }
};

}  // namespace

TEST_CASE("p(x) by enumeration of z sums to 1 over all clips, and the ELBO is a lower bound of its logarithm") {
  const auto model = drawn<World>(3);
  const Enumeration all;
  const auto frames = unstack(all.clips, 1);
  auto state = model->start(model->encoder(frames[0]));
  const auto log_ratio_and_q = [&](const Tensor<double>& h, const Tensor<double>& frame, const Tensor<double>& z) {
    const auto q = World::Latent::posterior(model->posterior(concat(-1, h, model->encoder(frame)).reshape({64, 1, 7})));
    const auto p = World::Latent::posterior(model->prior(h.reshape({64, 1, 4})));
    const auto log_q = World::Latent::log_prob(q, z.reshape({64, 1, 2}));
    const auto log_p = World::Latent::log_prob(p, z.reshape({64, 1, 2})) +
                       likelihood::Bernoulli::log_prob(model->decoder(concat(-1, h, z)), frame);
    return std::pair{log_p, log_q};  // (64) each
  };
  auto memory = model->transition.start(frames[0]);
  const auto h0 = model->transition.step(zeros<double>({64, 3}), memory);
  const auto [p0, q0] = log_ratio_and_q(h0, frames[0], all.z0);
  const auto h1 = model->transition.step(concat(-1, all.z0, full<double>({64, 1}, 0.7)), memory);
  const auto [p1, q1] = log_ratio_and_q(h1, frames[1], all.z1);
  const auto log_joint = (p0 + p1).reshape({16, 4}), log_q = (q0 + q1).reshape({16, 4});

  const auto log_p = log_sum_exp(log_joint, true);  // (16)
  CHECK(sum(exp(log_p)).item() == doctest::Approx(1).epsilon(1e-9));
  for (const double total : sum(exp(log_q), {-1}, true)) CHECK(total == doctest::Approx(1).epsilon(1e-9));
  const auto bound = sum(exp(log_q) * (log_joint - log_q), {-1}, true);  // (16)
  for (Index x = 0; x < 16; ++x) CHECK(bound.data()[x] < log_p.data()[x]);

  constexpr Index draws = 2000;
  Rng rng{4};
  Tensor<std::int32_t> rows({16});
  for (std::int32_t x = 0; x < 16; ++x) rows.data()[x] = 4 * x;
  const auto each = [&](const Tensor<double>& x) { return repeat_interleave(index_select(x, 0, rows), draws); };
  const Batch many{each(all.clips), each(all.actions), zeros<double>({16 * draws, 2, 1})};
  const auto drawn_bound = model->elbo(many, rng).reshape({16, draws});
  const auto average = mean(drawn_bound, {1}, true);
  for (Index x = 0; x < 16; ++x) {
    const double spread = std::sqrt(mean(square(drawn_bound[x] - average.data()[x])).item() / draws);
    CHECK(std::abs(average.data()[x] - bound.data()[x]) < 4.5 * spread + 1e-9);
  }
}

TEST_CASE("frame by frame gives what whole clips give, and what is imagined goes on from there") {
  const auto model = drawn<Model>(5);
  Rng data{6};
  const auto clips = batch(3, 4, data);
  Rng rng{7}, again{7};
  const auto path = model->infer(clips.clip, clips.actions, rng);
  const auto features = unstack(model->emission(concat(-1, path.h, path.z)), 1);
  const auto frames = unstack(clips.clip, 1), actions = unstack(clips.actions, 1);
  auto state = model->start(model->encoder(frames[0]));
  for (std::size_t t = 0; t < 3; ++t) {
    model->observe(frames[t], t == 0 ? zeros<double>({3, 1}) : actions[t - 1], state, again);
    CHECK(difference(state.features, features[t]) < 1e-12);
  }
  Rng whole{7};
  const auto seen = model->observe(slice(clips.clip, 1, 0, 3), slice(clips.actions, 1, 0, 3), whole);
  CHECK(difference(seen.features, state.features) == 0);

  Rng future{8}, same{8};
  const auto imagined = model->imagine(state, slice(clips.actions, 1, 2, 4), future);
  CHECK(imagined.clips.shape() == Shape{3, 2, 1, 2, 1});
  const auto p = unstack(model->prior(path.h), 1)[3];
  const auto z = Model::Latent::sample(Model::Latent::posterior(p), same);
  const auto all = concat(1, slice(path.z, 1, 0, 3), z.reshape({3, 1, 2}));
  const auto expected = unstack(model->emission(concat(-1, path.h, all)), 1)[3];
  CHECK(difference(unstack(imagined.features, 1)[0], expected) < 1e-12);
  const auto frame = likelihood::Bernoulli::mean(model->decoder(expected));
  CHECK(difference(unstack(imagined.clips, 1)[0], frame) < 1e-12);
}

TEST_CASE("the gradient of the loss is exact in all parameters") {
  auto model = drawn<Model>(9);
  Rng rng{10};
  const auto clips = batch(2, 3, rng);
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return loss_of(model, clips, tape); }) < 1e-6);
}

TEST_CASE("balance leaves the loss and the prior's gradient, and takes its part of q's; free nats cost nothing") {
  auto model = drawn<Model>(11);
  Rng rng{12};
  const auto clips = batch(2, 3, rng);
  double value = 0;
  const auto gradient = [&](const DivergenceSettings& settings, const auto& part) {
    model->divergence = settings;
    Tape tape{model, Rng{13}};
    const auto loss = loss_of(model, clips, tape);
    value = loss.value().item();
    return tape.gradient(loss, part);
  };
  const auto whole = gradient({}, model->posterior), prior = gradient({}, model->prior);
  const double bound = value;
  const auto tenth = gradient({.representation = 0.1}, model->posterior);
  CHECK(value == doctest::Approx(bound).epsilon(1e-12));
  CHECK(difference(gradient({.representation = 0.1}, model->prior), prior) < 1e-12);
  const auto nothing = gradient({.representation = 0}, model->posterior);
  CHECK(difference(whole - tenth, affine(whole - nothing, 0.9, 0)) < 1e-12);
  CHECK(difference(whole, nothing) > 1e-3);

  const auto free = gradient({.free_nats = 1000}, model->prior);
  CHECK(difference(free, zeros<double>(free.shape())) == 0);
  const double beside = value;
  (void)gradient({.beta = 0}, model->prior);
  CHECK(beside == doctest::Approx(value + 1000));
}

TEST_CASE("the same seed gives the same bits for any number of threads, another seed another future") {
  const auto model = drawn<Model>(14);
  Rng data{15};
  const auto clips = batch(64, 4, data);
  const auto future = [&](std::uint64_t seed) {
    Rng rng{seed};
    const auto state = model->observe(clips.clip, clips.actions, rng);
    return to_vector(model->imagine(state, clips.actions, rng).clips);
  };
  const int before = threads();
  set_threads(1);
  const auto alone = future(1);
  set_threads(3);
  const auto together = future(1);
  set_threads(before);
  CHECK(alone == together);
  CHECK(alone != future(2));
}

TEST_CASE("clips and actions that do not fit are refused") {
  const auto model = drawn<Model>(16);
  Rng rng{17};
  auto clips = batch(2, 3, rng);
  CHECK_THROWS_WITH_AS(model->elbo({clips.clip, zeros<double>({2, 3, 2}), clips.state}, rng),
                       "StateSpace: actions of shape (2, 3, 2); needs (2, 3, 1)", Error);
  CHECK_THROWS_WITH_AS(model->infer(zeros<double>({2, 1, 2, 1}), clips.actions, rng),
                       "StateSpace: clips of shape (2, 1, 2, 1); needs (N, T, H, W, C) with T > 0", Error);
  const auto state = model->observe(clips.clip, clips.actions, rng);
  CHECK_THROWS_WITH_AS(model->imagine(state, zeros<double>({1, 3, 1}), rng),
                       "imagine: actions of shape (1, 3, 1); needs (2, K, 1)", Error);
}
