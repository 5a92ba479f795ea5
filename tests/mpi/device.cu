// SPDX-License-Identifier: MIT
// Devices of several ranks, emulated.
#include <doctest/doctest.h>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/distributed/nccl.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

namespace {

constexpr Index whole_batch = 12;
const MovingShapes shapes({.frames = 1, .canvas = 4, .seed = 5});
using Net = nn::Sequential<nn::Linear<3, 5>, nn::BatchNorm<5>, nn::Tanh, nn::Linear<5, 2>>;

/// A regression on noise, so that a step draws random numbers.
struct Regression {
  template <Real T, class B>
  struct Instance {
    Of<Net, T, B> net;
    explicit Instance(Rng& rng) : net(rng) {}
    static void fields(auto& self, auto&& field) { field("net", self.net); }
    template <Value X>
    auto loss(const X& x) const {
      const auto flat = reshape(x, {-1, 3});
      const auto noise = normal<T, B>({flat.extent(0), 2}, x.tape().rng());
      return mean(square(net(flat) - noise));
    }
  };
};

/// What a training on this backend comes to, in seven steps.
template <class B>
Tensor<double> learnt(bool capture, bool shard = false) {
  Trainer trainer{Module<Regression, double, B>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 2};
  trainer.shard_optimizers(shard);
  const Index batch = whole_batch / distributed::world().size();
  CHECK(trainer.fit(shapes, {.steps = 7, .batch = batch, .step = {.capture = capture}, .title = ""}));
  CHECK(trainer.captured() == capture);
  return to<Cpu>(trainer.model.parameters());
}
double furthest(const Tensor<double>& a, const Tensor<double>& b) {
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.data()[i] - b.data()[i]));
  return most;
}

}  // namespace

TEST_CASE("captured steps of several ranks learn what one process learns, by sums on their devices") {
  const auto alone = [] {
    const distributed::Use use(distributed::alone);
    return learnt<Cpu>(false);
  }();
  REQUIRE(distributed::world().on_devices());
  CHECK(furthest(learnt<Cuda>(false), alone) < 1e-7);
  CHECK(furthest(learnt<Cuda>(true), alone) < 1e-7);
  CHECK(furthest(learnt<Cuda>(true, true), alone) < 1e-7);
  CHECK(furthest(learnt<Cpu>(false), alone) < 1e-7);
}

TEST_CASE("without NCCL sums go by way of the host, and steps are not captured") {
  Mpi ranks;
  const distributed::Use use(ranks);
  const auto by_host = learnt<Cuda>(false);
  Trainer trainer{Module<Regression, double, Cuda>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 2};
  CHECK(trainer.fit(shapes, {.steps = 7, .batch = whole_batch / ranks.size(), .title = ""}));
  CHECK(trainer.captured() == (ranks.size() == 1));
  CHECK(furthest(to<Cpu>(trainer.model.parameters()), by_host) == 0);
}
