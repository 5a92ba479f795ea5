// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/nn/spectral_norm.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

#include "slope.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

using Encoder = Sequential<Linear<9, 8>, Tanh, Linear<8, 4>>;
using Decoder = Sequential<Linear<2, 8>, Tanh, Linear<8, 9>>;
using Judge = Sequential<Linear<9, 8>, LeakyReLU<0.2>, SpectralNorm<Linear<8, 1>>>;
using SmallVae = Vae<Encoder, Decoder, latent::DiagonalGaussian<2>, likelihood::LearnedGaussian>;
using Smooth = Sequential<Linear<9, 8>, Tanh, Linear<8, 1>>;
using Adversarial = Gan<Sequential<Linear<4, 8>, BatchNorm<8>, ReLU, Linear<8, 9>>, Judge>;
using Penalised = Gan<Sequential<Linear<4, 9>, Tanh>, Smooth, loss::Wasserstein, regulariser::GradientPenalty<>>;
using Clipped =
    Gan<Sequential<Linear<4, 9>, Tanh>, Discriminators<Smooth, Judge>, loss::Hinge, regulariser::WeightClipping<>>;

/// Losses and parameters after a few steps of a model that brings its own training.
template <class Net, class B>
auto trained(B, const Tensor<double>& data) {
  const Module<Net, double, B> model{Rng{1}};
  typename Net::template Training<double, B, optim::Adam> training(model, optim::Adam{.learning_rate = 1e-2});
  Rng rng{3};
  double last = 0;
  for (int i = 0; i < 3; ++i) {
    for (const auto& [name, value] : training.step(model, to<B>(data), rng, {})) last += value;
  }
  return std::pair{last, to<Cpu>(model.parameters())};
}
template <class Net>
void check_training(const Tensor<double>& data) {
  const auto [here, parameters] = trained<Net>(Cpu{}, data);
  const auto [there, on_device] = trained<Net>(Cuda{}, data);
  CHECK(there == doctest::Approx(here).epsilon(1e-10));
  CHECK(difference(on_device, parameters) < 1e-10);
}

const auto pictures = sigmoid(random<double>({6, 9}, 4));

}  // namespace

TEST_CASE_TEMPLATE("a variational model's loss and its gradient are the CPU's", T, float, double) {
  const auto loss = [](const auto& vae, Tape& tape) { return vae->loss(tape.constant(data_of(vae, pictures))); };
  check_gradient<T, SmallVae>(loss);
}

TEST_CASE("a variational model says and draws what it does on the CPU") {
  const auto run = []<class B>(B) {
    const Module<SmallVae, double, B> vae{Rng{1}};
    const auto x = to<B>(pictures);
    Rng rng{5};
    return std::tuple{to<Cpu>(vae->elbo(x, rng)), to<Cpu>(vae->log_likelihood(x, 3, rng)), to<Cpu>(vae->reconstruct(x)),
                      to<Cpu>(vae->sample(4, rng)), to<Cpu>(vae->interpolate(x[0], x[1], 3))};
  };
  CHECK(test::detail::apart(run(Cpu{}), run(Cuda{})) < 10 * device_tolerance<double>);
}

TEST_CASE("adversarial models take the CPU's steps") {
  check_training<Adversarial>(pictures);
  check_training<Penalised>(pictures);
  check_training<Clipped>(pictures);
  check_training<VaeGan<SmallVae, Smooth>>(pictures);
}

TEST_CASE_TEMPLATE("autoregressive models' losses and their gradients are the CPU's", T, float, double) {
  const auto clips = sigmoid(random<double>({2, 4, 4, 4, 1}, 6));
  const auto loss = [&](const auto& model, Tape& tape) { return model->loss(tape.constant(data_of(model, clips))); };
  check_gradient<T, Autoregressive<FrameLstm<4, 4, 1, 6, 5>>>(loss);
  check_gradient<T, Autoregressive<ConvLstm<1, 3, 3, 2>>>(loss);
  check_gradient<T, Autoregressive<PatchTransformer<1, 2, 12, 1, 2>>>(loss);
}

TEST_CASE("an autoregressive model fed its own frames now and then is the CPU's, and so is what it draws") {
  using Model = Autoregressive<ConvLstm<1, 3, 3, 2, 2>, likelihood::Gaussian>;
  const auto clips = sigmoid(random<double>({2, 4, 4, 4, 1}, 6));
  const auto run = [&]<class B>(B) {
    Module<Model, double, B> model{Rng{1}};
    model->scheduled_sampling = 0.5;
    Tape tape{model, Rng{2}};
    const auto gradient = tape.gradient(model->loss(tape.constant(to<B>(clips))), model);
    Rng rng{7};
    return std::tuple{to<Cpu>(gradient), to<Cpu>(model->sample(to<B>(clips), 3, rng)),
                      to<Cpu>(model->predict(to<B>(clips), 3)),
                      to<Cpu>(model->open_loop_log_likelihood(to<B>(clips), 2))};
  };
  CHECK(test::detail::apart(run(Cpu{}), run(Cuda{})) < 100 * device_tolerance<double>);
}

TEST_CASE("a model of tokens is the CPU's: its loss, the gradient of it, and what it draws") {
  using Model = TokenTransformer<7, 8, 1, 2, 12>;
  const Tensor<std::int32_t> tokens({2, 6}, {0, 3, 6, 2, 5, 1, 4, 4, 0, 6, 3, 2});
  const auto run = [&]<class B>(B) {
    const Module<Model, double, B> model{Rng{1}};
    Tape tape{model, Rng{2}};
    const auto gradient = tape.gradient(model->loss(tape, to<B>(tokens)), model);
    Rng rng{7};
    return std::tuple{to<Cpu>(gradient), to<Cpu>(model->log_likelihood(to<B>(tokens))),
                      to<Cpu>(model->sample(to<B>(tokens), 5, rng))};
  };
  CHECK(test::detail::apart(run(Cpu{}), run(Cuda{})) < 100 * device_tolerance<double>);
}
