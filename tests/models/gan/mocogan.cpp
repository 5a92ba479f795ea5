// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Index frames = 5, size = 4;
/// Frames of 4×4 pixels, without normalisation, so that a frame is a function of its own codes.
template <int Z>
using Painter = Sequential<Flatten, Linear<Z, 32>, ReLU, Linear<32, size * size>, Unflatten<size, size, 1>, Tanh>;
template <int Categories = 0>
using Maker = mocogan::Generator<Painter<5 + Categories>, 3, 2, Categories>;
using Frames = Sequential<Flatten, Linear<size * size, 32>, LeakyReLU<0.2>, Linear<32, 1>>;
template <int Out = 1>
using Clips = Sequential<Flatten, Linear<frames * size * size, 64>, LeakyReLU<0.2>, Linear<64, Out>>;
using Small = Adversarial<Maker<>, Discriminators<ViewDiscriminator<Frames, view::RandomFrames<1>>, Clips<>>>;
using Labelled =
    Adversarial<Maker<2>, Discriminators<ViewDiscriminator<Frames, view::RandomFrames<1>>, Classifying<Clips<3>, 2>>>;

/// A bright half of a row: the row is the clip's, one of two for each label; the half is drawn for each frame.
/// (N, 5, 4, 4, 1).
LabelledClip<> blinking(Index n, Rng& rng) {
  LabelledClip<> batch{full<float>({n, frames, size, size, 1}, 0.1F), zeros<float>({n, 1, 2})};
  for (Index i = 0; i < n; ++i) {
    const Index row = rng.below(size);
    batch.label.data()[2 * i + row / 2] = 1;
    for (Index t = 0; t < frames; ++t) {
      float* const half = batch.clip.data() + ((i * frames + t) * size + row) * size + 2 * rng.below(2);
      half[0] = half[1] = 0.9F;
    }
  }
  return batch;
}

/// Of clips that were made, the part of frames with one bright half of a row, and of all steps from one such frame to
/// the next those that keep the row, and those that change the half; and of frames those with a row of label 0.
struct Look {
  double halves = 0, kept = 0, changed = 0, first_label = 0;
};
Look look(const Tensor<float>& clips) {
  Look part;
  const double all = double(clips.extent(0) * frames);
  for (Index i = 0; i < clips.extent(0); ++i) {
    Index before = -1;
    for (Index t = 0; t < frames; ++t) {
      Index place = -1, bright = 0;
      for (Index half = 0; half < 2 * size; ++half) {
        const float* const at = clips[i][t].data() + 2 * half;
        if (at[0] + at[1] > 1) place = half, ++bright;
      }
      if (bright != 1) place = -1;
      part.halves += (place >= 0) / all;
      part.first_label += (place >= 0 && place < size) / all;
      if (before >= 0 && place >= 0) {
        part.kept += (place / 2 == before / 2) / (all * (frames - 1) / frames);
        part.changed += (place % 2 != before % 2) / (all * (frames - 1) / frames);
      }
      before = place;
    }
  }
  return part;
}

const auto same = [](const auto& x) { return x; };

}  // namespace

TEST_CASE("MoCoGAN's parts are named as its authors' and make clips of any length, the same for the same seed") {
  const Module<Small, float> gan{Rng{1}};
  std::set<std::string> names;
  for_each_parameter(gan, [&](const std::string& name, const auto&) { names.insert(name); });
  CHECK(names.contains("model.recurrent.weight_hh"));
  CHECK(names.contains("model.main.1.weight"));
  CHECK(names.contains("discriminator.1.3.bias"));
  Rng rng{2}, again{2};
  const auto clips = gan->model.sample(3, 9, rng);
  CHECK(clips.shape() == Shape{3, 9, size, size, 1});
  CHECK(to_vector(gan->model.sample(3, 9, again)) == to_vector(clips));
}

TEST_CASE("content is one code for all frames, and motion goes from the past to the future") {
  const Module<Maker<>, float> maker{Rng{1}};
  Rng rng{2};
  const auto z = maker->noise(2, frames, rng);
  const auto clips = maker->generate(z, same);
  const auto differ = [&](const auto& other, Index n, Index t) {
    return to_vector(maker->generate(other, same)[n][t]) != to_vector(clips[n][t]);
  };
  auto other = z;
  other.content = z.content.clone();
  other.content.data()[1] += 1;  // of the first clip
  for (Index t = 0; t < frames; ++t) {
    CHECK(differ(other, 0, t));
    CHECK(!differ(other, 1, t));
  }
  other = z;
  other.steps = z.steps.clone();
  other.steps.data()[2 * 2] += 1;  // of its third frame
  for (Index t = 0; t < frames; ++t) CHECK(differ(other, 0, t) == (t >= 2));

  Module<Maker<>, float> still = maker;  // a unit that passes nothing on: every frame is the same
  for_each_parameter(still->recurrent,
                     [](const std::string&, auto& p) { std::fill(p.value.begin(), p.value.end(), 0.0F); });
  auto no_start = z;
  no_start.first = zeros<float>({2, 2});
  const auto frozen_clips = still->generate(no_start, same);
  for (Index t = 1; t < frames; ++t) CHECK(to_vector(frozen_clips[0][t]) == to_vector(frozen_clips[0][0]));
  CHECK(to_vector(frozen_clips[1][0]) != to_vector(frozen_clips[0][0]));
}

TEST_CASE("the gradient reaches every parameter of the generator, through time") {
  using Smooth = mocogan::Generator<Sequential<Flatten, Linear<5, 4>, Tanh, Unflatten<2, 2, 1>>, 3, 2>;
  Module<Smooth, double> maker{Rng{1}};
  Rng rng{2};
  const auto z = maker->noise(2, 3, rng);
  const auto clips = [&](Tape& tape) {
    return maker->generate(z, [&](const Tensor<double>& x) { return tape.constant(x); });
  };
  CHECK(parameter_gradient_error(maker, clips) < 1e-7);
}

TEST_CASE("MoCoGAN learns what stays and what moves, of both categories, and comes back from a file to the bit") {
  Trainer trainer{Module<Labelled, float>{Rng{1}}, optim::Adam{.learning_rate = 2e-3, .beta1 = 0.5}, 2};
  Rng rng{3};
  const auto of_label = [&](Index label) {
    Tensor<float> one = zeros<float>({200, 2});
    for (Index i = 0; i < 200; ++i) one.data()[2 * i + label] = 1;
    Rng noise{4};
    return look(trainer.model->model.sample(200, frames, noise, one));
  };
  CHECK(of_label(0).halves < 0.2);
  for (int i = 0; i < 1500; ++i) (void)trainer.step(blinking(32, rng));
  const Look first = of_label(0), second = of_label(1);
  for (const Look& each : {first, second}) {
    MESSAGE(each.halves << " one half, " << each.kept << " in its row, " << each.changed << " change, "
                        << each.first_label << " of label 0");
    CHECK(each.kept > 0.5);  // 0.25 by chance
    CHECK(each.changed > 0.1);
  }
  CHECK(first.first_label > 0.6);
  CHECK(second.first_label < 0.2);

  const auto path = std::filesystem::temp_directory_path() / ("flipbook_mocogan_" + std::to_string(::getpid()));
  save_weights(path, trainer.model);
  Module<Labelled, float> loaded{Rng{9}};
  load_weights(path, loaded);
  std::filesystem::remove(path);
  const auto label = blinking(4, rng).label;
  Rng one{5}, two{5};
  CHECK(to_vector(loaded->model.sample(4, frames, one, label)) ==
        to_vector(trainer.model->model.sample(4, frames, two, label)));
}

TEST_CASE("the same seeds give the same training of MoCoGAN on any number of threads, and bad clips are refused") {
  const int before = threads();
  std::vector<std::vector<float>> results;
  for (const int count : {1, 3}) {
    set_threads(count);
    Trainer trainer{Module<Small, float>{Rng{1}}, optim::Adam{.learning_rate = 2e-3}, 2};
    Rng rng{3};
    for (int i = 0; i < 3; ++i) (void)trainer.step(blinking(16, rng).clip);
    results.push_back(to_vector(trainer.model.parameters()));
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  Trainer trainer{Module<Small, float>{Rng{1}}, optim::Adam{}, 2};
  CHECK_THROWS_WITH_AS(trainer.step(zeros<float>({2, 4, 4, 1})),
                       doctest::Contains("MoCoGan: needs clips (N, T, H, W, C)"), Error);
}
