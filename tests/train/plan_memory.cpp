// SPDX-License-Identifier: MIT
#include <flipbook/train/plan_memory.hpp>

#include <doctest/doctest.h>

#include <array>
#include <concepts>
#include <string>

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/flow/flow.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/nn/space_time.hpp>
#include <flipbook/nn/transformer.hpp>
#include <flipbook/optim/adam.hpp>

#include "models.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window half{.kernel = 4, .stride = 2, .padding = 1}, same{.kernel = 3, .padding = 1};

// Of clips of 4 frames of 32×32 pixels.
template <int Out>
using Encoder = Sequential<Conv3d<1, 16, half>, LeakyReLU<0.2>, Flatten, Linear<16 * 2 * 16 * 16, Out>>;
template <int In>
using Decoder =
    Sequential<Linear<In, 16 * 2 * 16 * 16>, Unflatten<2, 16, 16, 16>, LeakyReLU<0.2>, ConvTranspose3d<16, 1, half>>;
using SmallVae = Vae<Encoder<8>, Decoder<4>, latent::DiagonalGaussian<4>>;
using SmallGan = Gan<Decoder<4>, Encoder<1>>;
using Predictor = Autoregressive<Stack<ConvLstmCell<1, 12, same>, Linear<12, 1>>>;
using Tokens = Autoregressive<Stack<Linear<1, 16>, Transformer<2, 16, 2>, Linear<16, 1>>>;
template <bool recompute>
using SmallFlow = Flow<SpaceTimeTransformer<
    1, SpaceTimeOptions{.patch = {1, 2, 2}, .width = 16, .blocks = 2, .heads = 2, .recompute = recompute}>>;

template <class Model>
auto trainer_of() {
  return Trainer{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}};
}

template <class Model>
Shape clips_for(Index count) {
  if (std::same_as<Model, SmallVae> || std::same_as<Model, SmallGan>) return {count, 4, 32, 32, 1};
  if (std::same_as<Model, Predictor> || std::same_as<Model, Tokens>) return {count, 4, 8, 8, 1};
  return {count, 4, 16, 16, 1};
}

#ifdef FLIPBOOK_POISON  // with sanitizers a step takes some twenty times as long
constexpr std::array<Index, 1> batches{8};
#else
constexpr std::array<Index, 3> batches{8, 16, 32};
#endif

/// What the pool lends at once for a trainer, its clips and a step on them, at most.
template <class Model>
double measured(const Shape& shape) {
  const std::size_t before = HostPool::instance().statistics().in_use;
  auto trainer = trainer_of<Model>();
  Rng rng{3};
  const auto clips = uniform<float>(shape, rng);
  HostPool::instance().reset_peak();
  (void)trainer.step(clips);
  return static_cast<double>(HostPool::instance().statistics().peak - before);
}

struct TwoThreads {
  int before = threads();
  TwoThreads() { set_threads(2); }
  ~TwoThreads() { set_threads(before); }
};

}  // namespace

TEST_CASE_TEMPLATE("a plan is within a twentieth of what a step then needs", Model, SmallVae, SmallGan, Predictor,
                   Tokens, SmallFlow<false>) {
  const TwoThreads two;
  const auto trainer = trainer_of<Model>();
  for (const Index batch : batches) {
    const Shape shape = clips_for<Model>(batch);
    const double needed = measured<Model>(shape);
    const auto clips_of = [&](Index count) { return full<float>(clips_for<Model>(count), 0.25F); };
    const auto bytes = static_cast<std::size_t>(shape.size() / batch) * sizeof(float);
    const auto plan = flipbook::detail::plan_memory(trainer, batch, bytes, StepOptions{}, clips_of, 0);
    MESSAGE(batch << " clips: planned " << plan.total() << ", measured " << needed);
    CHECK(static_cast<double>(plan.total()) == doctest::Approx(needed).epsilon(0.05));
  }
}

TEST_CASE("a plan says what half the batch and recomputed blocks would need, and a step with them needs that") {
  const TwoThreads two;
  const Shape shape = clips_for<SmallFlow<false>>(16);
  const MemoryPlan plan = plan_memory(trainer_of<SmallFlow<false>>(), shape);
  REQUIRE(plan.alternatives.size() == 2);
  CHECK(plan.alternatives[0].what == "Recompute of SpaceTimeBlock at network.blocks.0 and 1 more");
  CHECK(static_cast<double>(plan.alternatives[0].total) ==
        doctest::Approx(measured<SmallFlow<true>>(shape)).epsilon(0.1));
  CHECK(plan.alternatives[1].what == "a batch of 8");
  CHECK(static_cast<double>(plan.alternatives[1].total) ==
        doctest::Approx(measured<SmallFlow<false>>(clips_for<SmallFlow<false>>(8))).epsilon(0.05));
}

TEST_CASE("a plan is of the largest kind of step, and changes nothing") {
  auto trainer = trainer_of<SmallGan>();
  const Shape shape = clips_for<SmallGan>(4);
  const std::size_t every_step = plan_memory(trainer, shape).total();
  trainer.training().generator_every = 5;
  const auto before = to_vector(trainer.model.parameters());
  Rng rng = trainer.rng();
  CHECK(plan_memory(trainer, shape).total() == doctest::Approx(static_cast<double>(every_step)).epsilon(0.01));
  CHECK(to_vector(trainer.model.parameters()) == before);
  CHECK(trainer.rng().uniform() == rng.uniform());
  CHECK(trainer.training().variant() == 0);
}

TEST_CASE("a plan for fit counts the batches made ahead, and is printed as a table") {
  auto trainer = trainer_of<SmallVae>();
  trainer.keep_average(0.9);
  const test::GreyClips clips{{4, 32, 32, 1}};
  // [plan]
  const MemoryPlan plan = plan_memory(trainer, clips, {.batch = 2});  // of training by trainer.fit(clips, {.batch = 2})
  const std::string table = to_string(plan);                          // std::cout << plan
  // [/plan]
  const std::size_t clip = 4 * 32 * 32 * sizeof(float);
  const auto parameters = static_cast<std::size_t>(trainer.model.parameters().size()) * sizeof(float);
  CHECK(plan.clips == 3 * 2 * clip);
  CHECK(plan.parameters == parameters);
  CHECK(plan.optimizer == 3 * parameters);
  CHECK(plan.activations > 2 * 16 * 2 * 16 * 16 * sizeof(float));
  CHECK(table.starts_with("a step on 2 clips:\n"));
  CHECK(table.find(" MB  activations\n") != std::string::npos);
  CHECK(table.find(" MB  a batch of 1\n") != std::string::npos);
}
