// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/models/vae/vq_gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Variational = Vae<Sequential<Linear<6, 8>, Tanh, Linear<8, 4>>, Sequential<Linear<2, 8>, Tanh, Linear<8, 6>>,
                        latent::DiagonalGaussian<2>>;
using Judge = Sequential<Linear<6, 16>, LeakyReLU<0.2>, Linear<16, 1>>;
template <class Quantizer>
using Coded = Autoencoder<Sequential<Linear<6, 16>, Tanh, Linear<16, Quantizer::size>>, Quantizer,
                          Sequential<Linear<Quantizer::size, 16>, Tanh, Linear<16, 6>>>;
template <class Quantizer>
using Small = Adversarial<Coded<Quantizer>, Judge, loss::Hinge, regulariser::NoPenalty, weight::Adaptive>;

/// Stripes of two kinds, each dark or light.
Tensor<float> stripes(Index n, Rng& rng) {
  Tensor<float> x({n, 6});
  for (Index i = 0; i < n; ++i) {
    const bool odd = rng.below(2) == 1, light = rng.below(2) == 1;
    for (Index j = 0; j < 6; ++j) x.data()[i * 6 + j] = (j % 2 == 1) == odd ? (light ? 0.9F : 0.6F) : 0.1F;
  }
  return x;
}

template <class Net>
auto trainer_of() {
  return Trainer{Module<Net, float>{Rng{1}}, optim::Adam{.learning_rate = 3e-3}, 1};
}
/// A model that has no weight to pull at.
struct Biased {
  Parameter<float, Cpu> scale{ones<float>({3})};
  static void fields(auto& self, auto&& field) { field("scale", self.scale); }
  const Biased& last_layer() const { return *this; }
};
bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

TEST_CASE_TEMPLATE("an autoencoder of codes learns beside its judge", Quantizer, quantizer::FiniteScalar<5, 5>,
                   quantizer::Vector<16, 4>) {
  auto trainer = trainer_of<Small<Quantizer>>();
  Rng rng{2};
  const auto before = trainer.model.part(trainer.model->discriminator).clone();
  for (int i = 0; i < 600; ++i) {
    const Losses losses = trainer.step(stripes(32, rng));
    REQUIRE(losses.size() == 3);
    for (const auto& [name, value] : losses) REQUIRE(std::isfinite(value));
  }
  CHECK_FALSE(same(trainer.model.part(trainer.model->discriminator), before));
  const auto& autoencoder = trainer.model->model;
  const auto x = stripes(64, rng);
  const double error = double(mean(square(autoencoder.reconstruct(x) - x)).item());
  MESSAGE("squared error " << error << " of " << double(mean(square(mean(x, {0}) - x)).item()));
  CHECK(error < 0.03);  // without codes 0.12

  // What InLatents takes as its tokenizer.
  const auto path = std::filesystem::temp_directory_path() / "flipbook_vq_gan.safetensors";
  save_weights(path, trainer.model);
  Module<Coded<Quantizer>, float> tokenizer{Rng{7}};
  load_weights(path, tokenizer, "model.");
  std::filesystem::remove(path);
  CHECK(same(tokenizer->reconstruct(x), autoencoder.reconstruct(x)));
}

TEST_CASE("the game pulls at the decoder's last weight as hard as the autoencoder's own loss") {
  auto trainer = trainer_of<Small<quantizer::FiniteScalar<5, 5>>>();
  Rng rng{2};
  for (int i = 0; i < 20; ++i) (void)trainer.step(stripes(32, rng));
  const auto& model = trainer.model->model;
  Tape tape{model, Rng{3}};
  const auto made = model.play(tape, stripes(32, rng), rng);
  const auto game = loss::Hinge::generator(trainer.model->discriminator(made.reconstructions));
  const auto weighted = weight::Adaptive::times(1, tape, game, made.loss, model);
  const auto& last = get<2>(model.decoder.layers);
  const auto pull = [&](const auto& loss) {
    const auto by_last = tape.gradient(loss, last, {.retain_graph = true});
    return std::sqrt(double(sum(square(slice(by_last, 0, 0, 16 * 6))).item()));  // the weight's, without the bias
  };
  REQUIRE(pull(game) > 0.01);
  CHECK(pull(weighted) == doctest::Approx(pull(made.loss)).epsilon(0.02));
}

TEST_CASE("a model without a weight in its last layer is refused") {
  const Biased model;
  Tape tape{model};
  const auto x = sum(tape.lift(model.scale));
  CHECK_THROWS_WITH_AS(weight::Adaptive::times(1, tape, x, x, model),
                       "weight::Adaptive: last_layer() has no weight, a parameter of two axes or more", Error);
}

TEST_CASE("a variational autoencoder against a judge is VaeGan, to the bit") {
  auto one = trainer_of<VaeGan<Variational, Judge>>();
  auto other = trainer_of<Adversarial<Variational, Judge>>();
  Rng rng{4};
  for (int i = 0; i < 3; ++i) {
    const auto x = stripes(5, rng);
    (void)one.step(x), (void)other.step(x);
  }
  CHECK(same(one.model.parameters(), other.model.parameters()));

  one.model->vae.importance_samples = 3;
  CHECK_THROWS_WITH_AS(one.step(stripes(5, rng)),
                       "Vae: 3 importance samples; discriminators need the reconstruction from 1", Error);
}

TEST_CASE("what discriminators see comes with the autoencoder's own loss, to the bit") {
  Rng rng{5};
  const auto x = stripes(5, rng);
  const auto check = [&](const auto& model) {
    Tape one{model, Rng{6}}, other{model, Rng{6}};
    CHECK(model->play(one, x, rng).loss.item() == model->loss(other.constant(x)).item());
  };
  check(Module<Variational, float>{Rng{1}});
  check(Module<Coded<quantizer::FiniteScalar<5, 5>>, float>{Rng{1}});
}

TEST_CASE("the networks of VqGan judge patches of images and of clips, and a step of it is finite") {
  const Module<vq_gan::ImageDiscriminator<3, 2>, float> images{Rng{1}};
  CHECK(images(zeros<float>({5, 64, 64, 3})).shape() == Shape{5, 14, 14, 1});
  const Module<vq_gan::VideoDiscriminator<3, 2>, float> videos{Rng{1}};
  CHECK(videos(zeros<float>({2, 16, 64, 64, 3})).shape() == Shape{2, 6, 14, 14, 1});

  auto trainer = trainer_of<VqGan<VideoVqVae<1, 4, quantizer::FiniteScalar<8, 6, 5>>, 1, 2>>();
  Rng rng{2};
  const auto x = uniform<float>({2, 16, 64, 64, 1}, rng);
  const auto before = trainer.model.parameters().clone();
  const Losses losses = trainer.step(x);
  CHECK(losses.size() == 3);
  CHECK_FALSE(same(trainer.model.parameters(), before));
  CHECK(trainer.model->model.codes(x).shape() == Shape{2, 4, 8, 8});
}
