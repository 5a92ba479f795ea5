// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

/// Clips of frames of two pixels, which grow brighter and darker at different times: (8, 5, 2), in levels of 8 bits.
Tensor<float> clips() {
  Tensor<float> x({8, 5, 2});
  for (Index i = 0; i < x.size(); ++i) {
    const double phase = 0.7 * static_cast<double>(i / 2 % 5 + i / 10) + static_cast<double>(i % 2);
    x.data()[i] = static_cast<float>(std::round(127.5 * (1 + std::sin(phase))) / 255);
  }
  return x;
}

/// The loss of a model before and after some steps of training, with the same random numbers.
template <class M>
std::pair<double, double> trained(M& model, const Tensor<float>& x) {
  const auto loss = [&] {
    Tape tape{Rng{1}};
    return static_cast<double>(model->loss(tape.constant(x)).item());
  };
  const double before = loss();
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  for (int step = 0; step < 40; ++step) {
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(x)); });
  }
  return {before, loss()};
}

bool all(const Tensor<float>& x, bool (*holds)(float)) { return std::all_of(x.begin(), x.end(), holds); }
bool is_finite(float x) { return std::isfinite(x); }
bool in_unit_interval(float x) { return 0 <= x && x <= 1; }
bool is_bit(float x) { return x == 0 || x == 1; }
bool is_level(float x) { return in_unit_interval(x) && x == std::round(x * 255) / 255; }

/// What each of a likelihood's draws must be.
template <class L>
constexpr bool (*drawn)(float) = is_finite;
template <>
constexpr bool (*drawn<likelihood::Bernoulli>)(float) = is_bit;
template <int K>
constexpr bool (*drawn<likelihood::DiscretizedLogisticMixture<K>>)(float) = is_level;
template <>
constexpr bool (*drawn<likelihood::Categorical<256>>)(float) = is_level;

/// What expectations must be.
template <class L>
constexpr bool (*expected)(float) = likelihood::unit_interval<L> ? in_unit_interval : is_finite;

}  // namespace

#define LIKELIHOODS                                                                              \
  likelihood::Bernoulli, likelihood::Gaussian, likelihood::LearnedGaussian, likelihood::Laplace, \
      likelihood::DiscretizedLogisticMixture<2>, likelihood::Categorical<256>

TEST_CASE_TEMPLATE("a variational autoencoder learns under any likelihood, and gives what it may", L, LIKELIHOODS) {
  using Model = Vae<Linear<2, 4>, Linear<2, 2 * L::parameters_per_channel>, latent::DiagonalGaussian<2>, L>;
  Module<Model, float> model{Rng{3}};
  const auto x = clips();
  const auto [before, after] = trained(model, x);
  CHECK(after < before - 0.1);

  Rng rng{4};
  const auto z = normal<float>({20, 2}, rng);
  const auto frames = model->likelihood.sample(model->decode(z), rng);
  CHECK(frames.shape() == Shape{20, 2});
  CHECK(all(frames, drawn<L>));
  const auto mean = model->sample(20, rng), again = model->reconstruct(x);
  CHECK(mean.shape() == Shape{20, 2});
  CHECK(all(mean, expected<L>));
  CHECK(again.shape() == x.shape());
  CHECK(all(again, expected<L>));
  CHECK(all(model->log_likelihood(x.reshape({40, 2}), 3, rng), is_finite));
}

TEST_CASE_TEMPLATE("an autoregressive model learns under any likelihood, and gives what it may", L, LIKELIHOODS) {
  using Model = Autoregressive<Stack<GruCell<2, 8>, Linear<8, 2 * L::parameters_per_channel>>, L>;
  Module<Model, float> model{Rng{3}};
  model->scheduled_sampling = 0.3;
  const auto x = clips();
  const auto [before, after] = trained(model, x);
  CHECK(after < before - 0.1);

  Rng rng{4};
  const auto context = slice(x, 1, 0, 2);
  const auto frames = model->sample(context, 3, rng), mean = model->predict(context, 3);
  CHECK(frames.shape() == Shape{8, 3, 2});
  CHECK(all(frames, drawn<L>));
  CHECK(mean.shape() == Shape{8, 3, 2});
  CHECK(all(mean, expected<L>));
  CHECK(model->open_loop_log_likelihood(x, 2).shape() == Shape{8});
}
