// SPDX-License-Identifier: MIT
#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/loss/adversarial.hpp>
#include <flipbook/loss/elbo.hpp>
#include <flipbook/loss/penalty.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>

#include "cases.hpp"

namespace fb = flipbook;
namespace loss = flipbook::loss;
namespace likelihood = flipbook::likelihood;
using namespace flipbook::nn;
using flipbook::Window;
using pytorch::Inputs;

using Critic =
    Sequential<Conv2d<3, 8, Window{.kernel = 3, .stride = 2, .padding = 1}>, Tanh, GroupNorm<2, 8>, LeakyReLU<0.2>,
               Conv2d<8, 6, Window{.kernel = 3, .padding = 1}>, Softplus, Conv2d<6, 1, Window{.kernel = {3, 4}}>>;
using Latent = fb::latent::DiagonalGaussian<7>;

template <class Game>
constexpr auto discriminator = [](const auto& in) { return Game::discriminator(in[0], in[1]); };
template <class Game>
constexpr auto generator = [](const auto& in) { return Game::generator(in[0]); };
template <class Likelihood>
constexpr auto log_prob = [](const auto& in) { return Likelihood::log_prob(in[0], in[1]); };

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.function("mse", [](const auto& in) { return loss::mse(in[0], in[1]); });
  cases.function("mae", [](const auto& in) { return loss::mae(in[0], in[1]); });
  cases.function("bce_with_logits",
                 [](const auto& in) { return loss::binary_cross_entropy_with_logits(in[0], in[1]); });
  for (const char* name : {"cross_entropy", "cross_entropy_of_tokens"}) {
    cases.function(name, [](const auto& in) { return loss::cross_entropy(in[0], in.whole(1)); });
  }

  cases.function("minimax_discriminator", discriminator<loss::Minimax>);
  cases.function("minimax_generator", generator<loss::Minimax>);
  cases.function("non_saturating_generator", generator<loss::NonSaturating>);
  cases.function("least_squares_discriminator", discriminator<loss::LeastSquares>);
  cases.function("least_squares_generator", generator<loss::LeastSquares>);
  cases.function("hinge_discriminator", discriminator<loss::Hinge>);
  cases.function("hinge_generator", generator<loss::Hinge>);
  cases.function("wasserstein_discriminator", discriminator<loss::Wasserstein>);

  cases.layer<Critic>("gradient_penalty", []<fb::Real T>(const auto& critic, const Inputs<fb::Variable<T>>& in) {
    fb::Tape& tape = in[0].tape();
    fb::Rng again = tape.rng();
    in.drawn(fb::uniform<T>({in[0].extent(0), 1, 1, 1}, again));
    return loss::gradient_penalty(tape, critic, in[0], in[1]);
  });
  cases.layer<Critic>("r1", []<fb::Real T>(const auto& critic, const Inputs<fb::Variable<T>>& in) {
    return loss::r1(in[0].tape(), critic, in[0]);
  });

  cases.function("bernoulli", log_prob<likelihood::Bernoulli>);
  cases.function("gaussian", log_prob<likelihood::Gaussian>);
  cases.function("laplace", log_prob<likelihood::Laplace>);
  cases.function("categorical",
                 [](const auto& in) { return likelihood::Categorical<7>::log_prob(in[0], in.whole(1)); });

  cases.function("kl_to_standard_normal", [](const auto& in) { return Latent::kl(Latent::posterior(in[0])); });
  cases.function("kl_between_normals",
                 [](const auto& in) { return Latent::kl(Latent::posterior(in[0]), Latent::posterior(in[1])); });
  cases.function("normal_log_prob", [](const auto& in) { return Latent::log_prob(Latent::posterior(in[0]), in[1]); });
  cases.function("importance_weighted_bound", [](const auto& in) { return loss::importance_weighted_bound(in[0]); });
  return cases.status();
}
