// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/models/gan/adversarial.hpp>
#include <flipbook/models/gan/conditional.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Painter = Sequential<Linear<3, 8>, Tanh, Linear<8, 2>>;
using Critic = Sequential<Linear<2, 8>, BatchNorm<8>, LeakyReLU<0.2>, Linear<8, 1>>;

/// Points of noise and of points, and a loss: all that a model can bring to a game. Fakes are times `scale`.
struct Everything {
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> scale{ones<T, B>({1, 1})};
    static void fields(auto& self, auto&& field) { field("scale", self.scale); }
    const Instance& last_layer() const { return *this; }
    struct Made {
      Tensor<T, B> real;
      Variable<T, B> samples, reconstructions, predictions, loss;
    };
    Made play(Tape& tape, const Tensor<T, B>& points, Rng&) const {
      const auto times = [&](double x) { return tape.constant(full<T, B>(points.shape(), T(x))) * scale; };
      return {points, times(0.1), times(0.2), times(0.3), mean(square(times(1) - 2))};
    }
  };
};

std::vector<std::vector<float>> heard(5);
/// A discriminator that notes the mean of what it sees.
template <std::size_t I>
struct Ear {
  static constexpr int in = any, out = 1, dimensions = any;
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight{ones<T, B>({1})};
    static void fields(auto& self, auto&& field) { field("weight", self.weight); }
    template <Value X>
    X operator()(const X& x) const {
      const X y = mean(x) * weight;
      heard[I].push_back(float(y.item()));
      return y;
    }
  };
};

/// A generator of noise with the contract of Adversarial.
struct FromNoise {
  template <Real T, class B>
  struct Instance : Of<Painter, T, B> {
    using Of<Painter, T, B>::Instance;
    struct Made {
      Tensor<T, B> real;
      Variable<T, B> samples;
    };
    Made play(Tape& tape, const Tensor<T, B>& points, Rng& rng) const {
      return {affine(points, 2, -1), (*this)(tape.constant(normal<T, B>({points.extent(0), 3}, rng)))};
    }
  };
};

Tensor<float> points(Index n, std::uint64_t seed = 1) {
  Rng rng{seed};
  return uniform<float>({n, 2}, rng);
}

/// Parameters, buffers, and what optimisers remember.
template <class Trainer>
std::vector<std::vector<float>> state(Trainer& trainer) {
  std::vector<std::vector<float>> all{to_vector(trainer.model.parameters()), to_vector(trainer.model.buffers())};
  trainer.training().visit_optimizers([&](const auto&, auto& optimizer) {
    optimizer.visit([&](const auto&, const auto& memory) { all.push_back(to_vector(memory)); });
    all.push_back({static_cast<float>(optimizer.steps())});
  });
  return all;
}

template <class Net, class Rule = optim::Sgd>
auto trainer_of(const Rule& rule = {.learning_rate = 0.1}) {
  return Trainer{Module<Net, float>{Rng{1}}, rule, 2};
}

}  // namespace

TEST_CASE("each discriminator sees the data and the fakes that it asked for, and the model its own loss too") {
  using Net = Adversarial<Everything,
                          Discriminators<ViewDiscriminator<Ear<0>, view::Clip, fakes::Samples>,
                                         ViewDiscriminator<Ear<1>, view::Clip, fakes::Reconstructions>,
                                         ViewDiscriminator<Ear<2>, view::Clip, fakes::Predictions>, Ear<3>>,
                          loss::Wasserstein>;
  auto trainer = trainer_of<Net>();
  trainer.model->weight = 0.5;
  const Losses losses = trainer.step(full<float>({4, 2}, 0.9F));
  const float fakes[] = {0.1F, 0.2F, 0.3F, 0.1F};
  double judged = 0, game = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    REQUIRE(heard[i].size() == 3);  // data, fakes, and fakes again by the new parameter
    const float weight = 1 - 0.1F * (fakes[i] - 0.9F);
    CHECK(heard[i][0] == doctest::Approx(0.9F));
    CHECK(heard[i][1] == doctest::Approx(fakes[i]));
    CHECK(heard[i][2] == doctest::Approx(weight * fakes[i]));
    judged += fakes[i] - 0.9, game -= weight * fakes[i];
  }
  REQUIRE(losses.size() == 3);
  CHECK(losses[0].first == "total");
  CHECK(losses[0].second == doctest::Approx(1 + 0.5 * game));
  CHECK(losses[1] == std::pair<std::string, double>{"loss", 1});
  CHECK(losses[2].second == doctest::Approx(judged));
}

TEST_CASE("a Gan is a sentence of Adversarial, bit for bit") {
  const auto run = []<class Net>(const std::type_identity<Net>&) {
    auto trainer = trainer_of<Net, optim::Adam>({.learning_rate = 1e-2});
    std::vector<double> losses;
    for (int i = 0; i < 4; ++i) {
      for (const auto& [name, value] : trainer.step(points(16, std::uint64_t(i)))) losses.push_back(value);
    }
    return std::pair{losses, state(trainer)};
  };
  CHECK(run(std::type_identity<Adversarial<FromNoise, Critic>>{}) == run(std::type_identity<Gan<Painter, Critic>>{}));
}

namespace {
/// Logits that are not finite once the discriminator has learned.
struct Fragile {
  static constexpr int in = 2, out = 1, dimensions = any;
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight{zeros<T, B>({1})};
    static void fields(auto& self, auto&& field) { field("weight", self.weight); }
    template <Value X>
    X operator()(const X& x) const {
      return mean(x) * weight + affine(log(1 - square(lift_like(x, weight))), 0, 0);
    }
  };
};
/// NaN whatever it sees.
struct Broken {
  static constexpr int in = 2, out = 1, dimensions = any;
  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return affine(mean(x), std::numeric_limits<double>::quiet_NaN(), 0);
    }
  };
};
}  // namespace

TEST_CASE("a step is taken by all or by none: not where a discriminator's loss, or the model's turn, is not finite") {
  const auto refused = [](auto trainer) {
    const auto before = state(trainer);
    const Rng rng = trainer.rng();
    CHECK_THROWS_AS(trainer.step(points(8)), NotFinite);
    CHECK(state(trainer) == before);
    CHECK(trainer.rng() == rng);
  };
  refused(trainer_of<Adversarial<FromNoise, Discriminators<Critic, Broken>>, optim::Adam>());
  // The second's parameter goes from 0 to far beyond 1 in the discriminators' turn, where its logit is NaN.
  refused(
      trainer_of<Adversarial<FromNoise, Discriminators<Critic, Fragile>, loss::Wasserstein>>({.learning_rate = 1e3}));
}

TEST_CASE(
    "an optimiser keeps its ratio to the others when the rate is set, and a wrong name is answered by the names") {
  const auto moved = [](double factor, double rate) {
    auto trainer = trainer_of<Adversarial<FromNoise, Critic>>();
    trainer.scale_learning_rate("discriminator", factor);
    trainer.set_learning_rate(rate);
    const auto before = trainer.model.part(trainer.model->discriminator).clone();
    (void)trainer.step(points(8));
    return trainer.model.part(trainer.model->discriminator) - before;
  };
  const auto once = moved(1, 0.01), four = moved(4, 0.01);
  for (Index i = 0; i < once.size(); ++i) {
    CHECK(four.data()[i] == doctest::Approx(4 * once.data()[i]).epsilon(1e-3).scale(1e-3));
  }
  auto trainer = trainer_of<Adversarial<FromNoise, Critic>>();
  CHECK_THROWS_WITH_AS(trainer.scale_learning_rate("generator", 2),
                       "scale_learning_rate: no optimiser 'generator'; there are 'discriminator', 'model'", Error);
}

TEST_CASE("an adaptive weight makes game and loss pull at the last layer with equal strength") {
  const Module<Everything, float> model{Rng{1}};
  Tape tape{model};
  const auto scale = tape.lift(model->scale);
  const auto own = 3 * sum(square(scale)), game = -0.5 * sum(scale);  // slopes 6 and −1/2
  const auto times = weight::Adaptive::times(2, tape, game, own, *model.operator->());
  CHECK(times.item() == doctest::Approx(2 * 12 * -0.5).epsilon(1e-3));
  CHECK(tape.gradient(own + times, model).item() == doctest::Approx(6 - 12).epsilon(1e-3));

  auto trainer = trainer_of<Adversarial<Everything, Ear<4>, loss::Hinge, regulariser::NoPenalty, weight::Adaptive>>();
  const Losses losses = trainer.step(full<float>({4, 2}, 0.9F));
  CHECK(std::isfinite(losses[0].second));
  CHECK(trainer.model->model.scale.value.item() != 1);
}

namespace {

/// Points that are told which class they are to be of.
struct ToldPoints {
  template <class V>
  using Batch = LabelledClip<V>;
  using Network = Sequential<Linear<5, 32>, ReLU, Linear<32, 2>>;
  template <Real T, class B>
  struct Instance : Of<Network, T, B> {
    using Of<Network, T, B>::Instance;
    struct Made {
      Tensor<T, B> real;
      Variable<T, B> samples;
    };
    Made play(Tape& tape, const LabelledClip<Tensor<T, B>>& points, Rng& rng) const {
      const auto z = normal<T, B>({points.clip.extent(0), 2}, rng);
      return {affine(points.clip, 2, -1), (*this)(tape.constant(concat(-1, z, points.label)))};
    }
    Tensor<T, B> sample(const Tensor<T, B>& label, Rng& rng) const {
      return affine((*this)(concat(-1, normal<T, B>({label.extent(0), 2}, rng), label)), 0.5, 0.5);
    }
  };
};
constexpr float centres[3][2] = {{0.2F, 0.2F}, {0.8F, 0.3F}, {0.4F, 0.8F}};

LabelledClip<> told(Index n, Rng& rng) {
  LabelledClip<> batch{normal<float>({n, 2}, rng), zeros<float>({n, 3})};
  for (Index i = 0; i < n; ++i) {
    const Index k = rng.below(3);
    batch.label.data()[3 * i + k] = 1;
    for (Index j = 0; j < 2; ++j) batch.clip.data()[2 * i + j] = centres[k][j] + 0.02F * batch.clip.data()[2 * i + j];
  }
  return batch;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "labels reach generator and discriminator, so that each class is made where it is asked for", Judge,
    ProjectionDiscriminator<Sequential<Linear<2, 32>, LeakyReLU<0.2>, Linear<32, 32>, LeakyReLU<0.2>>, 3>,
    AuxiliaryClassifier<Sequential<Linear<2, 32>, LeakyReLU<0.2>, Linear<32, 4>>, 3>) {
  auto trainer = trainer_of<Adversarial<ToldPoints, Judge>, optim::Adam>({.learning_rate = 3e-3, .beta1 = 0.5});
  Rng rng{3};
  for (int i = 0; i < 400; ++i) (void)trainer.step(told(32, rng));
  const auto asked = told(300, rng);
  const auto made = trainer.model->model.sample(asked.label, rng);
  int right = 0;
  for (Index i = 0; i < 300; ++i) {
    const auto distance = [&](Index k) {
      return std::hypot(made.data()[2 * i] - centres[k][0], made.data()[2 * i + 1] - centres[k][1]);
    };
    const Index nearest = distance(0) < std::min(distance(1), distance(2)) ? 0 : distance(1) < distance(2) ? 1 : 2;
    right += asked.label.data()[3 * i + nearest] == 1;
  }
  MESSAGE(right << " of 300 are of the class that was asked for");
  CHECK(right > 270);
}
