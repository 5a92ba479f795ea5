// SPDX-License-Identifier: MIT
#include <flipbook/models/flow/in_latents.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include <flipbook/data/tensor_dataset.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/flow/latent_diffusion.hpp>
#include <flipbook/models/vae/spatial_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;

namespace {

/// Clips (N, T, 16, 16, 1) have latents (N, T, 2, 2, 2).
using Places = SpatialFrameVae<1, 4, 2>;
template <class Levels>
using Tiny = LatentDiffusion<Places, 16, 1, 0, Levels>;

/// Points (N, 1, 1, 1, 2), whose latents are linear in them.
using Linear = Vae<nn::Linear<2, 4>, nn::Linear<2, 2>, latent::DiagonalGaussian<2>, likelihood::FixedGaussian<0.1>>;
using Points = InLatents<Linear, CodeFlow<2, 32, 2>>;

template <class X>
bool same(const X& a, const X& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

/// ẑ = (3x + 5, x + ½y), almost without noise, and back.
template <class Model>
void be_linear(Model& vae) {
  const auto write = [](auto& to, const std::vector<double>& numbers) {
    std::transform(numbers.begin(), numbers.end(), to.value.data(), [](double x) { return static_cast<float>(x); });
  };
  write(vae.encoder.weight, {3, 1, 0, 0, 0, 0.5, 0, 0});
  write(vae.encoder.bias, {5, 0, -30, -30});
  write(vae.decoder.weight, {1.0 / 3, -2.0 / 3, 0, 2});
  write(vae.decoder.bias, {-5.0 / 3, 10.0 / 3});
}
/// Points of means 2 and −1, deviations 0.5 and 1.25, and a correlation of 0.6.
Tensor<float> gaussian(Index n, Rng& rng) {
  auto x = normal<float>({n, 1, 1, 1, 2}, rng);
  for (Index i = 0; i < n; ++i) {
    float* const p = x.data() + 2 * i;
    p[1] = -1 + 0.75F * p[0] + p[1];
    p[0] = 2 + 0.5F * p[0];
  }
  return x;
}

struct Moments {
  std::vector<double> mean, deviation;
};
Moments moments(const Tensor<float>& x) {  // (…, 2)
  Moments m{{0, 0}, {0, 0}};
  const double n = static_cast<double>(x.size() / 2);
  for (Index i = 0; i < x.size(); ++i) m.mean[static_cast<std::size_t>(i % 2)] += double(x.data()[i]) / n;
  for (Index i = 0; i < x.size(); ++i) {
    const auto c = static_cast<std::size_t>(i % 2);
    m.deviation[c] += std::pow(double(x.data()[i]) - m.mean[c], 2) / n;
  }
  for (double& d : m.deviation) d = std::sqrt(d);
  return m;
}

/// A velocity that leads to `target` whatever the noise was: the flow of data that are all alike.
struct Toward {
  static constexpr int in = 2, out = 2, dimensions = nn::any, condition = 0;

  template <Real T, class B>
  struct Instance {
    Buffer<T, B> target{zeros<T, B>({1, 3, 2, 2, 2})};

    explicit Instance(Rng&) {}
    static void fields(auto& self, auto&& field) { field("target", self.target); }
    template <Value X>
    X operator()(const X& x, const X& level, const X& = {}) const {
      return (target.value - x) / (1 - reshape(level, {level.extent(0), 1, 1, 1, 1}));
    }
  };
};

}  // namespace

TEST_CASE("training changes the prior alone, and a seed makes it the same on any number of threads") {
  Rng rng{1};
  const auto clips = uniform<float>({8, 3, 16, 16, 1}, rng);
  const auto trained = [&](int team) {
    set_threads(team);
    Trainer trainer{Module<Tiny<flow::OneLevel>, float>{Rng{1}},
                    optim::AdamW{.learning_rate = 1e-2, .weight_decay = 0.1}, 5};
    Rng stream{2};
    trainer.model->measure(TensorDataset(clips), 8, stream, 3);
    const auto before = trainer.model.part(trainer.model->autoencoder).clone(),
               buffers = trainer.model.buffers().clone();
    const auto prior = trainer.model.part(trainer.model->prior).clone();
    for (int i = 0; i < 4; ++i) (void)trainer.step(clips);
    CHECK(same(trainer.model.part(trainer.model->autoencoder), before));
    CHECK(same(trainer.model.buffers(), buffers));  // running statistics of the autoencoder, too
    CHECK(!same(trainer.model.part(trainer.model->prior), prior));
    return trainer.model;
  };
  const int before = threads();
  const auto model = trained(3), again = trained(1);
  set_threads(before);
  CHECK(same(model.parameters(), again.parameters()));
  CHECK(same(model.buffers(), again.buffers()));
}

TEST_CASE("no gradient reaches the autoencoder, though the tape differentiates all") {
  Module<Points, double> model{Rng{3}};
  Rng rng{4};
  const auto x = normal<double>({8, 1, 1, 1, 2}, rng);
  Tape tape{model, Rng{5}};
  const auto gradient = tape.gradient(model->loss(tape, x), model);
  const Index of_autoencoder = model.part(model->autoencoder).size();
  double rest = 0;
  for (Index i = 0; i < gradient.size(); ++i) {
    if (i < of_autoencoder) CHECK(gradient.data()[i] == 0);
    else rest += std::abs(gradient.data()[i]);
  }
  CHECK(rest > 0);
}

TEST_CASE_TEMPLATE("the mean and the deviation are those of the latents that are drawn", T, float, double) {
  Module<Points, T> model{Rng{3}};
  Rng data{4};
  const auto x = gaussian(50, data);
  for (const Index batch : {1, 7, 50, 100}) {
    Rng one{5}, other{5};
    model->measure(TensorDataset(x), 50, one, batch);
    List<Tensor<T>> drawn;
    for (Index first = 0; first < 50; first += batch) {
      const auto part = cast<T>(x.slice(first, std::min(first + batch, Index{50})));
      drawn.push_back(latent::DiagonalGaussian<2>::sample(model->autoencoder.encode(part), other));
    }
    const auto expected = moments(cast<float>(concat(0, drawn)));
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(double(model->mean.value.data()[c]) == doctest::Approx(expected.mean[c]).epsilon(1e-5));
      CHECK(double(model->deviation.value.data()[c]) == doctest::Approx(expected.deviation[c]).epsilon(1e-5));
    }
  }
  const auto all = cast<T>(x);
  const auto again = model->reconstruct(all), directly = model->autoencoder.reconstruct(all);
  for (Index i = 0; i < x.size(); ++i) {
    CHECK(double(again.data()[i]) == doctest::Approx(double(directly.data()[i])).epsilon(1e-4));
  }
}

TEST_CASE("a perfect flow of one clip gives this clip as the autoencoder has it") {
  using Model = InLatents<Places, Flow<Toward, flow::Straight, flow::OneLevel, flow::Range::unbounded>>;
  Module<Model, double> model{Rng{1}};
  Rng rng{2};
  const auto clip = uniform<float>({1, 3, 16, 16, 1}, rng);
  model->measure(TensorDataset(clip), 1, rng);
  const auto z = model->latents(cast<double>(clip));  // (1, 3, 2, 2, 2)
  std::copy(z.begin(), z.end(), model->prior.network.target.value.data());
  const flow::Sampling how{.integration = {.solver = flow::Solver::euler, .steps = 7}};
  const auto drawn = model->sample({2, 3, 2, 2, 2}, rng, how);  // (2, 3, 16, 16, 1)
  const auto expected = model->autoencoder.reconstruct(cast<double>(clip));
  REQUIRE(drawn.shape() == Shape{2, 3, 16, 16, 1});
  for (Index i = 0; i < drawn.size(); ++i) {
    CHECK(drawn.data()[i] == doctest::Approx(expected.data()[i % expected.size()]).epsilon(1e-9));
  }
}

TEST_CASE("of Gaussian data and a linear autoencoder, samples have the data's means, deviations and correlation") {
  Trainer trainer{Module<Points, float>{Rng{1}}, optim::Adam{.learning_rate = 3e-3}, 1};
  auto& model = *trainer.model.operator->();
  be_linear(model.autoencoder);
  Rng rng{2};
  model.measure(TensorDataset(gaussian(4000, rng)), 4000, rng, 1000);
  CHECK(double(model.mean.value.data()[0]) == doctest::Approx(11).epsilon(0.02));  // 3·2 + 5
  CHECK(double(model.deviation.value.data()[0]) == doctest::Approx(1.5).epsilon(0.05));
  for (int step = 0; step < 1000; ++step) (void)trainer.step(gaussian(256, rng));
  const auto drawn = model.sample({8000, 1, 1, 1, 2}, rng);
  const auto data = gaussian(8000, rng);
  const auto own = moments(drawn), theirs = moments(data);
  const auto correlation = [](const Tensor<float>& x, const Moments& m) {
    double sum = 0;
    for (Index i = 0; i < x.size(); i += 2) {
      sum += (double(x.data()[i]) - m.mean[0]) * (double(x.data()[i + 1]) - m.mean[1]);
    }
    return sum / (double(x.size()) / 2 * m.deviation[0] * m.deviation[1]);
  };
  MESSAGE("means " << own.mean[0] << ", " << own.mean[1] << " of " << theirs.mean[0] << ", " << theirs.mean[1]);
  MESSAGE("deviations " << own.deviation[0] << ", " << own.deviation[1] << " of " << theirs.deviation[0] << ", "
                        << theirs.deviation[1]);
  for (std::size_t c = 0; c < 2; ++c) {
    CHECK(std::abs(own.mean[c] - theirs.mean[c]) < 0.1 * theirs.deviation[c]);
    CHECK(own.deviation[c] == doctest::Approx(theirs.deviation[c]).epsilon(0.15));
  }
  CHECK(correlation(data, theirs) == doctest::Approx(0.6).epsilon(0.1));
  CHECK(std::abs(correlation(drawn, own) - 0.6) < 0.2);  // of the latents it is 0.87
}

TEST_CASE_TEMPLATE("clips go on from frames as the autoencoder has them", Levels, flow::OneLevel, flow::LevelPerFrame) {
  Module<Tiny<Levels>, float> model{Rng{1}};
  Rng rng{2};
  const auto clips = uniform<float>({2, 3, 16, 16, 1}, rng);
  model->measure(TensorDataset(clips), 2, rng);
  const flow::Sampling how{.integration = {.steps = 2}};
  const auto longer = model->sample(clips, 4, rng, how);
  REQUIRE(longer.shape() == Shape{2, 7, 16, 16, 1});
  const auto begins = slice(longer, 1, 0, 3), expected = model->reconstruct(clips);
  for (Index i = 0; i < begins.size(); ++i) CHECK(std::abs(begins.data()[i] - expected.data()[i]) < 1e-5F);
}

TEST_CASE("a prior with a condition is trained on labelled clips, and told the condition in sampling") {
  using Labelled = InLatents<Linear, CodeFlow<2, 16, 1, 3>>;
  Trainer trainer{Module<Labelled, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 1};
  Rng rng{2};
  be_linear(trainer.model->autoencoder);
  // Points of three classes, each at a place of its own.
  LabelledClip<Tensor<float>> batch{zeros<float>({96, 1, 1, 1, 2}), zeros<float>({96, 3})};
  for (Index i = 0; i < 96; ++i) {
    batch.label.data()[3 * i + i % 3] = 1;
    batch.clip.data()[2 * i] = static_cast<float>(i % 3);
  }
  trainer.model->measure(TensorDataset(batch.clip + 0.01 * normal<float>({96, 1, 1, 1, 2}, rng)), 96, rng);
  for (int step = 0; step < 400; ++step) (void)trainer.step(batch);
  const auto drawn = trainer.model->sample({96, 1, 1, 1, 2}, rng, {}, batch.label);
  CHECK(double(mean(abs(drawn - batch.clip)).item()) < 0.15);
}

TEST_CASE("weights that were saved draw the same bits, with the statistics") {
  Module<Points, float> model{Rng{1}};
  Rng rng{2};
  model->measure(TensorDataset(gaussian(64, rng)), 64, rng);
  const auto draw = [](const auto& from) {
    Rng stream{9};
    return from->sample({5, 1, 1, 1, 2}, stream, {.integration = {.steps = 3}});
  };
  const auto path = std::filesystem::temp_directory_path() / "in_latents.safetensors";
  save_weights(path, model);
  Module<Points, float> loaded{Rng{77}};
  CHECK(!same(draw(loaded), draw(model)));
  load_weights(path, loaded);
  CHECK(same(draw(loaded), draw(model)));
  CHECK(same(loaded->deviation.value, model->deviation.value));
  std::filesystem::remove(path);
}

TEST_CASE("no clips, and latents that are the same everywhere, are refused") {
  Module<Points, float> model{Rng{1}};
  be_linear(model->autoencoder);
  Rng rng{2};
  const TensorDataset alike(ones<float>({4, 1, 1, 1, 2}));
  CHECK_THROWS_WITH_AS(model->measure(alike, 0, rng), "InLatents: measured on 0 clips, 16 at a time; needs some",
                       Error);
  CHECK_THROWS_WITH_AS(model->measure(alike, 4, rng),
                       "InLatents: channel 0 of the latents is 8.000000 everywhere, or not finite", Error);
  CHECK(same(model->deviation.value, ones<float>({2})));
}
