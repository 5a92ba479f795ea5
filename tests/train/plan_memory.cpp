// SPDX-License-Identifier: MIT
#include <flipbook/train/plan_memory.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include <flipbook/data/moving_shapes.hpp>
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

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window half{.kernel = 4, .stride = 2, .padding = 1}, same{.kernel = 3, .padding = 1};

// Of clips of 4 frames of 16×16 pixels.
template <int Out>
using Encoder = Sequential<Conv3d<1, 12, half>, LeakyReLU<0.2>, Flatten, Linear<12 * 2 * 8 * 8, Out>>;
template <int In>
using Decoder = Sequential<Linear<In, 12 * 2 * 8 * 8>, Unflatten<2, 8, 8, 12>, LeakyReLU<0.2>,
                           ConvTranspose3d<12, 1, half>>;
using SmallVae = Vae<Encoder<8>, Decoder<4>, latent::DiagonalGaussian<4>>;
using SmallGan = Gan<Decoder<4>, Encoder<1>>;
using Predictor = Autoregressive<Stack<ConvLstmCell<1, 12, same>, Linear<12, 1>>>;
using Tokens = Autoregressive<Stack<Linear<1, 16>, Transformer<2, 16, 2>, Linear<16, 1>>>;
template <bool recompute>
using SmallFlow = Flow<SpaceTimeTransformer<
    1, SpaceTimeOptions{.patch = {1, 2, 2}, .width = 16, .blocks = 3, .heads = 2, .recompute = recompute}>>;

template <class Model>
auto trainer_of() {
  return Trainer{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}};
}

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
  for (const Index batch : {8, 16, 32}) {
    const Shape shape{batch, 4, 16, 16, 1};
    const double needed = measured<Model>(shape);
    const auto clips_of = [&](Index count) { return full<float>({count, 4, 16, 16, 1}, 0.25F); };
    const auto from_smaller_steps =
        detail::plan_memory(trainer, batch, 4 * 16 * 16 * sizeof(float), StepOptions{}, clips_of, 0);
    MESSAGE(batch << " clips: planned " << from_smaller_steps.total() << ", measured " << needed);
    CHECK(static_cast<double>(from_smaller_steps.total()) == doctest::Approx(needed).epsilon(0.05));
    CHECK(static_cast<double>(plan_memory(trainer, shape).total()) == doctest::Approx(needed).epsilon(0.01));
  }
}
