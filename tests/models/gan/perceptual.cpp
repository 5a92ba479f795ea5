// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include <flipbook/models/gan/adversarial.hpp>
#include <flipbook/models/gan/perceptual.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Small = Vae<Sequential<Linear<6, 8>, Tanh, Linear<8, 4>>, Sequential<Linear<2, 8>, Tanh, Linear<8, 6>>,
                  latent::DiagonalGaussian<2>>;
using Seen = Sequential<Linear<6, 5>, BatchNorm<5>, ReLU>;
using Judge = Sequential<Linear<6, 8>, LeakyReLU<0.2>, Linear<8, 1>>;
using Model = Perceptual<Small, Seen>;

bool same(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

TEST_CASE("the distance of features is added to the model's loss, at its weight") {
  Module<Model, float> model{Rng{1}};
  const auto x = full<float>({3, 6}, 0.7F);
  const auto lost = [&](double weight) {
    model->perceptual_weight = weight;
    Rng rng{5};
    Tape tape{model->maker(), rng};
    return model->play(tape, x, rng);
  };
  const auto without = lost(0), with = lost(10);
  const auto distance = loss::feature_distance(evaluating(model->features)(without.reconstructions.value()),
                                               model->features(without.real));
  REQUIRE(double(distance.item()) > 1e-3);
  CHECK(double(with.loss.item()) ==
        doctest::Approx(double(without.loss.item()) + 10 * double(distance.item())).epsilon(1e-5));
}

TEST_CASE("its gradient reaches the model through features that are not trained, nor is their normalisation changed") {
  Trainer trainer{Module<Adversarial<Model, Judge>, float>{Rng{1}}, optim::Adam{.learning_rate = 0.01}, 1};
  auto& net = trainer.model;
  net->model.perceptual_weight = 100;
  const auto features = net.part(net->model.features).clone();
  const auto statistics = net.buffers().clone();
  const auto vae = net.part(net->model.model).clone();
  const Losses losses = trainer.step(full<float>({4, 6}, 0.7F));
  CHECK(losses.size() == 3);
  CHECK(same(net.part(net->model.features), features));
  CHECK(same(net.buffers(), statistics));
  CHECK_FALSE(same(net.part(net->model.model), vae));

  // And it matters: other features pull the model another way.
  const auto moved = [&](double weight) {
    Trainer other{Module<Adversarial<Model, Judge>, float>{Rng{1}}, optim::Adam{.learning_rate = 0.01}, 1};
    other.model->model.perceptual_weight = weight;
    (void)other.step(full<float>({4, 6}, 0.7F));
    return other.model.part(other.model->model.model).clone();
  };
  CHECK_FALSE(same(moved(0), moved(100)));
}
