// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <set>

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using PointGenerator = Sequential<Linear<8, 64>, ReLU, Linear<64, 64>, ReLU, Linear<64, 2>>;
using PointDiscriminator = Sequential<Linear<2, 64>, LeakyReLU<0.2>, Linear<64, 64>, LeakyReLU<0.2>, Linear<64, 1>>;

constexpr int modes = 8;
constexpr double spread = 0.02;

/// Points of eight Gaussians on a circle, in the unit square: (N, 2).
template <class T>
Tensor<T> ring(Index count, Rng& rng) {
  Tensor<T> points({count, 2});
  for (Index i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * double(rng.below(modes)) / modes;
    points.data()[2 * i] = T(0.5 + 0.35 * std::cos(angle) + spread * rng.normal());
    points.data()[2 * i + 1] = T(0.5 + 0.35 * std::sin(angle) + spread * rng.normal());
  }
  return points;
}

/// Modes with at least a fortieth of the samples within three deviations, and the part of the samples there.
template <class T>
std::pair<int, double> covered(const Tensor<T>& points) {
  std::array<int, modes> near{};
  for (Index i = 0; i < points.extent(0); ++i) {
    for (int k = 0; k < modes; ++k) {
      const double angle = 2 * std::numbers::pi * k / modes;
      const double dx = double(points.data()[2 * i]) - 0.5 - 0.35 * std::cos(angle);
      const double dy = double(points.data()[2 * i + 1]) - 0.5 - 0.35 * std::sin(angle);
      near[static_cast<std::size_t>(k)] += std::hypot(dx, dy) < 3 * spread;
    }
  }
  int count = 0, good = 0;
  for (const int n : near) {
    count += 40 * n >= points.extent(0);
    good += n;
  }
  return {count, double(good) / double(points.extent(0))};
}

template <class Model, class T>
Module<Model, T> trained(int steps, Index batch, int generator_every = 1) {
  Module<Model, T> gan{Rng{5}};
  typename Model::template Training<T, Cpu, optim::Adam> training(gan,
                                                                  optim::Adam{.learning_rate = 1e-3, .beta1 = 0.5});
  training.generator_every = generator_every;
  Rng rng{2};
  for (int i = 0; i < steps; ++i) (void)training.step(gan, ring<T>(batch, rng), rng, {});
  return gan;
}

}  // namespace

TEST_CASE("an adversarial network covers at least seven of the eight modes of a ring of Gaussians") {
  using Model = Gan<PointGenerator, PointDiscriminator, loss::NonSaturating, regulariser::R1<0.2>>;
  const auto gan = trained<Model, float>(2500, 128);
  Rng rng{9};
  const auto [count, good] = covered(gan->sample(1000, rng));
  MESSAGE(count << " modes, " << good << " of the samples within three deviations");
  CHECK(count >= 7);
  CHECK(good > 0.3);
}

TEST_CASE_TEMPLATE("every game and regulariser trains without its numbers running away", Model,
                   Gan<PointGenerator, PointDiscriminator, loss::Minimax>,
                   Gan<PointGenerator, PointDiscriminator, loss::LeastSquares>,
                   Gan<PointGenerator, PointDiscriminator, loss::Hinge>,
                   Gan<PointGenerator, PointDiscriminator, loss::Wasserstein, regulariser::GradientPenalty<>>,
                   Gan<PointGenerator, PointDiscriminator, loss::Wasserstein, regulariser::WeightClipping<>>) {
  const auto gan = trained<Model, double>(30, 16, 2);
  for (const double p : gan.parameters()) REQUIRE(std::abs(p) < 3);
}

TEST_CASE("weight clipping holds the discriminator's parameters and leaves the generator's alone") {
  using Model = Gan<PointGenerator, PointDiscriminator, loss::Wasserstein, regulariser::WeightClipping<0.01>>;
  const auto gan = trained<Model, float>(3, 8);
  const auto largest = [&](const auto& member) {
    float worst = 0;
    for (const float p : gan.part(member)) worst = std::max(worst, std::abs(p));
    return worst;
  };
  CHECK(largest(gan->discriminator) <= 0.01F);
  CHECK(largest(gan->generator) > 0.05F);
}

TEST_CASE("the generator rests where the discriminator takes several steps to one of its own") {
  using Model = Gan<PointGenerator, PointDiscriminator>;
  Module<Model, float> gan{Rng{5}};
  Model::Training<float, Cpu, optim::Adam> training(gan, optim::Adam{});
  training.generator_every = 3;
  Rng rng{1};
  std::vector<bool> moved;
  for (int i = 0; i < 6; ++i) {
    const auto before = to_vector(gan.part(gan->generator));
    const Losses losses = training.step(gan, ring<float>(8, rng), rng, {});
    moved.push_back(to_vector(gan.part(gan->generator)) != before);
    CHECK(losses.size() == (moved.back() ? 2 : 1));
  }
  CHECK(moved == std::vector<bool>{false, false, true, false, false, true});
}

TEST_CASE("several discriminators play at once, each with its own parameters") {
  using Two = Discriminators<PointDiscriminator, Sequential<Linear<2, 4>, Tanh, Linear<4, 1>>>;
  using Model = Gan<PointGenerator, Two, loss::Hinge>;
  Module<Model, float> gan{Rng{5}};
  std::set<std::string> names;
  for_each_parameter(gan, [&](const std::string& name, const auto&) { names.insert(name); });
  CHECK(names.contains("discriminator.0.4.bias"));
  CHECK(names.contains("discriminator.1.2.weight"));
  Model::Training<float, Cpu, optim::Adam> training(gan, optim::Adam{});
  Rng rng{1};
  const auto before = to_vector(gan.parameters());
  (void)training.step(gan, ring<float>(8, rng), rng, {});
  const auto after = to_vector(gan.parameters());
  for (std::size_t i = 0; i < before.size(); i += 7) CHECK(std::isfinite(after[i]));
  CHECK(to_vector(gan.part(get<1>(gan->discriminator.all))) != std::vector<float>(before.end() - 17, before.end()));
}

TEST_CASE("a step on data that is not finite changes nothing and says so") {
  using Model = Gan<PointGenerator, PointDiscriminator>;
  Module<Model, float> gan{Rng{5}};
  Model::Training<float, Cpu, optim::Adam> training(gan, optim::Adam{});
  Rng rng{1};
  Tensor<float> points = ring<float>(8, rng);
  points.data()[3] = std::nanf("");
  const auto before = to_vector(gan.parameters());
  CHECK_THROWS_WITH_AS(training.step(gan, points, rng, {}), doctest::Contains("training: the loss is"), Error);
  CHECK(to_vector(gan.parameters()) == before);
}

namespace {
struct BadForGenerators : loss::NonSaturating {
  template <Value V>
  static V generator(const V& fake) {
    return mean(sqrt(square(affine(fake, 0, 0))));  // 0, and no gradient
  }
};
}  // namespace

TEST_CASE("where the generator's part of a step is not finite, the discriminator's is taken back") {
  using Model = Gan<PointGenerator, PointDiscriminator, BadForGenerators>;
  Module<Model, float> gan{Rng{5}};
  Model::Training<float, Cpu, optim::Adam> training(gan, optim::Adam{});
  const auto state = [&] {
    std::vector<std::vector<float>> all{to_vector(gan.parameters())};
    training.visit_optimizers([&](const auto&, auto& optimizer) {
      optimizer.visit([&](const auto&, const auto& memory) { all.push_back(to_vector(memory)); });
      all.push_back({static_cast<float>(optimizer.steps())});
    });
    return all;
  };
  Rng rng{1};
  const auto before = state();
  CHECK_THROWS_WITH_AS(training.step(gan, ring<float>(8, rng), rng, {}), doctest::Contains("gradient is not finite"),
                       Error);
  CHECK(state() == before);
}

TEST_CASE("a batch of no samples, and samples of other channels, are refused by name") {
  using Model = Gan<PointGenerator, PointDiscriminator>;
  Module<Model, float> gan{Rng{5}};
  Model::Training<float, Cpu, optim::Adam> training(gan, optim::Adam{});
  Rng rng{1};
  CHECK_THROWS_WITH_AS(training.step(gan, Tensor<float>({0, 2}), rng, {}),
                       doctest::Contains("Gan: a batch of no clips"), Error);
  CHECK_THROWS_WITH_AS(training.step(gan, Tensor<float>({4, 3}), rng, {}),
                       "Gan: clips of shape (4, 3) have 3 channels; its network takes 2", Error);
}

TEST_CASE("the same seeds give the same training, bit for bit, on any number of threads") {
  using Model = Gan<PointGenerator, PointDiscriminator, loss::NonSaturating, regulariser::R1<>>;
  const int before = threads();
  std::vector<std::vector<float>> results;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    results.push_back(to_vector(trained<Model, float>(5, 64).parameters()));
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}
