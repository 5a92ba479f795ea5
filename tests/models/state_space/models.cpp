// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <filesystem>

#include <flipbook/models/state_space/rssm.hpp>
#include <flipbook/models/state_space/svg.hpp>
#include <flipbook/models/state_space/vrnn.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;

namespace {

using SmallSvg = Svg<1, 8, 6, 8, 16, 3>;
using SmallFixed = SvgFixedPrior<1, 8, 6, 8, 16, 3>;
using SmallVrnn = Vrnn<1, 8, 8, 24, 3>;
using SmallRssm = Rssm<2, 1, 8, 8, 24, 3, 4, 1>;

/// A bright column of 8 that an action (one of two) moves to the left or to the right, round the edge; its state is 1
/// while it is in the left half.
ClipWithActions<> columns(Index clips, Index frames, Rng& rng) {
  ClipWithActions<> batch{full<float>({clips, frames, 8, 8, 1}, 0.02F), zeros<float>({clips, frames, 2}),
                          zeros<float>({clips, frames, 1})};
  for (Index n = 0; n < clips; ++n) {
    Index at = rng.below(8);
    for (Index t = 0; t < frames; ++t) {
      for (Index y = 0; y < 8; ++y) batch.clip[n][t].data()[8 * y + at] = 0.98F;
      batch.state[n].data()[t] = at < 4 ? 1.0F : 0.0F;
      const Index action = rng.below(2);
      batch.actions[n].data()[2 * t + action] = 1;
      at = (at + (action == 0 ? 7 : 1)) % 8;
    }
  }
  return batch;
}

/// A model that was trained on batches of `draw(rng)`.
template <class Model, class Draw>
Module<Model, float> trained(int steps, const Draw& draw) {
  Module<Model, float> model{Rng{1}};
  model->divergence.free_nats = 0;  // a nat is more than a frame of these clips has to tell
  Optimizer adam{optim::Adam{.learning_rate = 5e-3}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < steps; ++i) {
    const auto batch = draw(rng);
    const auto loss = [&](Tape& tape) {
      return model->loss(map_members(batch, [&](const auto& x) { return tape.constant(x); }));
    };
    (void)train_step(model, adam, rng, loss, {.clip_norm = 10});
  }
  return model;
}
double difference(const Tensor<float>& a, const Tensor<float>& b) {
  return static_cast<double>(max(abs(a - b)).item());
}

/// Whether the nats that a model lacks for one clip are halved as it learns that clip alone.
template <class Model>
void overfits() {
  Rng rng{3};
  const auto clip = columns(1, 5, rng).clip;
  const auto bound = [&](int steps) {
    const auto model = trained<Model>(steps, [&](Rng&) { return clip; });
    Rng draws{4};
    return static_cast<double>(model->elbo(clip, draws).item());
  };
  const double before = bound(0), after = bound(60);
  MESSAGE("ELBO from " << before << " to " << after << " nats");
  CHECK(after > 0.5 * before);
}

}  // namespace

TEST_CASE("models learn a clip") {
  overfits<SmallFixed>();
  overfits<SmallVrnn>();
}

TEST_CASE("a world model imagines what actions lead to, and foretells what is beside the frames") {
  const auto model = trained<SmallRssm>(400, [](Rng& rng) { return columns(16, 5, rng); });
  Rng rng{5};
  const auto unseen = columns(64, 6, rng);
  const auto state = model->observe(slice(unseen.clip, 1, 0, 2), slice(unseen.actions, 1, 0, 2), rng);
  const auto imagined = model->imagine(state, slice(unseen.actions, 1, 1, 5), rng);  // frames 2 to 5
  const auto place = [](const Tensor<float>& clips) { return argmax(mean(clips, {2}), 3); };
  const auto there = place(imagined.clips), truth = place(slice(unseen.clip, 1, 2, 6));
  Index right = 0;
  for (Index i = 0; i < there.size(); ++i) right += there.data()[i] == truth.data()[i];
  MESSAGE(right << " of " << there.size() << " columns are where the actions led them");
  CHECK(right > there.size() * 8 / 10);
  CHECK(mean(square(model->head(imagined.features) - slice(unseen.state, 1, 2, 6))).item() < 0.1F);
}

TEST_CASE("frames are decoded with the maps of the last frame seen, and one by one as whole clips are") {
  Module<SmallSvg, float> model{Rng{1}};
  model->seen_frames = 2;
  Rng data{6};
  const auto clips = columns(2, 5, data).clip;
  Rng rng{7}, again{7};
  const auto path = model->infer(clips, {}, rng);
  const auto features = unstack(model->emission(concat(-1, path.h, path.z)), 1);
  const auto frames = unstack(clips, 1);
  REQUIRE(path.skips.size() == 1);
  const auto maps = unstack(path.skips[0].reshape({2, 4, 4, 4, 6}), 1);
  auto state = model->start(model->encoder(frames[0]).code);
  for (std::size_t t = 0; t < 5; ++t) {
    if (t > 0) CHECK(difference(maps[t - 1], model->encoder(frames[std::min<std::size_t>(t - 1, 1)]).skips[0]) < 1e-5);
    model->observe(frames[t], {}, state, again);
    if (t > 0) CHECK(difference(state.features, features[t - 1]) < 1e-5);
  }
  const auto future = model->imagine(model->observe(slice(clips, 1, 0, 2), rng), 3, rng).clips;
  CHECK(future.shape() == Shape{2, 3, 8, 8, 1});
  CHECK_THROWS_WITH_AS(model->elbo(slice(clips, 1, 0, 1), rng),
                       "StateSpace: clips of shape (2, 1, 8, 8, 1); needs (N, T, H, W, C) with T > 1", Error);
}

TEST_CASE("a model that is not given a first frame imagines clips from nothing") {
  const Module<SmallVrnn, float> model{Rng{8}};
  Rng rng{9};
  const auto clips = model->imagine(model->start(3), 4, rng).clips;
  CHECK(clips.shape() == Shape{3, 4, 8, 8, 1});
  CHECK(difference(clips[0], clips[1]) > 0);
}

TEST_CASE("weights that were saved and loaded give the same bits") {
  const auto path = std::filesystem::temp_directory_path() / "flipbook-state-space.safetensors";
  const Module<SmallRssm, float> model{Rng{10}};
  save_weights(path, model);
  Module<SmallRssm, float> other{Rng{11}};
  load_weights(path, other);
  std::filesystem::remove(path);
  Rng data{12}, one{13}, two{13};
  const auto batch = columns(3, 4, data);
  CHECK(to_vector(model->elbo(batch, one)) == to_vector(other->elbo(batch, two)));
}
