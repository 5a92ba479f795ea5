// SPDX-License-Identifier: MIT
// Networks and losses of 16-bit numbers: what compiles, how far from double they are, and no further.
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/nn/spectral_norm.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

constexpr Window keeps{.kernel = 3, .padding = 1}, halves{.kernel = 4, .stride = 2, .padding = 1};

using Images = Sequential<SpectralNorm<Conv2d<3, 8, halves>>, BatchNorm<8>, LeakyReLU<0.2>, Upsample<2>,
                          ConvTranspose2d<8, 4, keeps>, GroupNorm<2, 4>, SiLU, AvgPool<2>, Flatten,
                          Linear<4 * 4 * 4, 6>, LayerNorm<6>, Dropout<0.2>>;
using Clips = Stack<ConvLstmCell<2, 4, keeps>, Conv2d<4, 4, halves>, ConvGruCell<4, 4, keeps>>;
using Tokens = Stack<Linear<3, 8>, SinusoidalPosition, Transformer<1, 8, 2, TransformerOptions{.rotary = true}>>;

}  // namespace

TEST_CASE_TEMPLATE("networks of short numbers stay near the CPU's in double", T, bfloat16, flipbook::half) {
  CHECK(module_disagreement<T, Images>(random<double>({4, 8, 8, 3})) < device_tolerance<T>);
  CHECK(module_disagreement<T, Clips>(random<double>({2, 3, 4, 4, 2})) < device_tolerance<T>);
  CHECK(module_disagreement<T, Tokens>(random<double>({2, 5, 3})) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("losses of short numbers stay near the CPU's in double", T, bfloat16, flipbook::half) {
  const auto data = [](const auto& p, const auto& x) {
    using P = std::remove_cvref_t<decltype(p)>;
    if constexpr (Real<typename std::remove_cvref_t<decltype(x)>::Scalar>) {
      return to<typename P::Backend>(converted<typename P::Scalar>(x));
    } else {
      return to<typename P::Backend>(x);
    }
  };
  const auto check = [&]<class Likelihood>(Likelihood, Index channels, const auto& x) {
    const auto log_p = [&](const auto& p) { return Likelihood::log_prob(p, data(p, x)); };
    const auto parameters = random<double>({2, 3, channels}, 4);
    CHECK(disagreement<T>(log_p, parameters) < device_tolerance<T>);
    CHECK(gradient_disagreement<T>(log_p, parameters) < device_tolerance<T>);
    const auto mean = [](const auto& p) { return Likelihood::mean(p); };
    CHECK(gradient_disagreement<T>(mean, parameters) < device_tolerance<T>);
    Rng rng{5};
    const auto drawn = to<Cpu>(Likelihood::sample(to<Cuda>(converted<T>(parameters)), rng));
    CHECK(drawn.shape() == x.shape());
    for (const auto each : drawn) CHECK(std::isfinite(static_cast<double>(each)));
  };
  const auto x = sigmoid(random<double>({2, 3, 4}, 3));
  check(likelihood::Bernoulli{}, 4, x);
  check(likelihood::FixedGaussian<0.3>{}, 4, x);
  check(likelihood::Laplace{}, 8, x);
  check(likelihood::Categorical<5>{}, 20, full<std::int32_t>({2, 3, 4}, 3));
  check(likelihood::Categorical<5>::Levels{}, 20, full<double>({2, 3, 4}, 0.7));
  check(likelihood::DiscretizedLogisticMixture<3>{}, 36, full<double>({2, 3, 4}, 64.0 / 255));
  CHECK(gradient_disagreement<T>([](const auto& r, const auto& f) { return loss::Hinge::discriminator(r, f); }, x, x) <
        device_tolerance<T>);
}

TEST_CASE_TEMPLATE("models of short numbers learn and draw", T, bfloat16, flipbook::half) {
  using Recurrent = Autoregressive<ConvLstm<1, 4, 3, 2, 2>, likelihood::Gaussian>;
  using Autoencoder = Vae<Sequential<Flatten, Linear<16, 4>>, Sequential<Linear<2, 16>, Unflatten<4, 4, 1>>,
                          latent::DiagonalGaussian<2>, likelihood::LearnedGaussian>;
  const auto slope = [](const auto& model, const auto& clips) {
    using M = std::remove_cvref_t<decltype(model)>;
    Tape tape{model, Rng{2}};
    const auto x = to<typename M::Backend>(converted<typename M::Scalar>(clips));
    return converted<double>(to<Cpu>(tape.gradient(model->loss(tape.constant(x)), model)));
  };
  const auto clips = sigmoid(random<double>({2, 4, 4, 4, 1}, 6));
  Module<Recurrent, double> here{Rng{1}};
  Module<Recurrent, T, Cuda> there{Rng{1}};
  here->scheduled_sampling = there->scheduled_sampling = 0.5;
  CHECK(difference(slope(there, clips), slope(here, clips)) < device_tolerance<T>);
  Rng rng{3};
  CHECK(there->sample(to<Cuda>(converted<T>(clips)), 2, rng).shape() == Shape{2, 2, 4, 4, 1});

  const Module<Autoencoder, double> vae{Rng{1}};
  const Module<Autoencoder, T, Cuda> on_device{Rng{1}};
  CHECK(difference(slope(on_device, clips[0]), slope(vae, clips[0])) < device_tolerance<T>);
}
