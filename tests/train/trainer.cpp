// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/optim/adam.hpp>

#include "../io/files.hpp"
#include "models.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

constexpr int numbers = 4 * 8 * 8 * 3;
using SmallVae = TinyVae<4, 8>;
using Judge = Sequential<Conv3d<3, 4, Window{.kernel = 4, .stride = 2, .padding = 1}>, BatchNorm<4>, LeakyReLU<0.2>,
                         Flatten, Linear<128, 1>>;
using SmallVaeGan = VaeGan<SmallVae, Judge>;

const MovingShapes clips({.frames = 4, .canvas = 8, .seed = 5});

template <class Model>
auto trainer_of() {
  return Trainer{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 3e-3}, 2};
}

FitOptions quietly(Index steps) { return {.steps = steps, .batch = 4, .title = ""}; }

}  // namespace

TEST_CASE_TEMPLATE("a run that stops and is resumed in another process's place reaches the same bits", Model, SmallVae,
                   SmallVaeGan) {
  const Folder folder;
  auto whole = trainer_of<Model>();
  whole.keep_average(0.9);
  CHECK(whole.fit(clips, quietly(12)));

  auto first = trainer_of<Model>();
  first.keep_average(0.9);
  FitOptions options = quietly(5);
  options.checkpoint = folder / "run.safetensors";
  CHECK(first.fit(clips, options));
  auto second = trainer_of<Model>();
  second.keep_average(0.9);
  second.resume(options.checkpoint);
  CHECK(second.steps() == 5);
  CHECK(second.fit(clips, quietly(12)));

  CHECK(to_vector(second.model.parameters()) == to_vector(whole.model.parameters()));
  CHECK(to_vector(second.model.buffers()) == to_vector(whole.model.buffers()));
  CHECK(second.history().csv() == whole.history().csv());
  CHECK(second.with_average([&] { return to_vector(second.model.parameters()); }) ==
        whole.with_average([&] { return to_vector(whole.model.parameters()); }));
}

TEST_CASE("training lowers the loss, and its history has a row for each step") {
  auto trainer = trainer_of<SmallVae>();
  trainer.fit(clips, quietly(60));
  const auto& rows = trainer.history().rows();
  REQUIRE(rows.size() == 60);
  CHECK(rows.back().step == 60);
  CHECK(rows.back().values[0] < 0.7 * rows.front().values[0]);
}

TEST_CASE("an autoencoder that faces a discriminator learns to reconstruct, and both of them move") {
  auto trainer = trainer_of<SmallVaeGan>();
  const auto before = to_vector(trainer.model.part(trainer.model->discriminator));
  trainer.fit(clips, quietly(80));
  const auto& names = trainer.history().names();
  REQUIRE(names == std::vector<std::string>{"total", "-ELBO", "discriminator"});
  CHECK(trainer.history().rows().back().values[1] < 0.7 * trainer.history().rows().front().values[1]);
  CHECK(to_vector(trainer.model.part(trainer.model->discriminator)) != before);
}

TEST_CASE("a schedule sets the rate of every step") {
  auto trainer = trainer_of<SmallVae>();
  std::vector<Index> asked;
  FitOptions options = quietly(4);
  options.learning_rate = [&](Index step) {
    asked.push_back(step);
    return 0.0;
  };
  const auto before = to_vector(trainer.model.parameters());
  trainer.fit(clips, options);
  CHECK(asked == std::vector<Index>{0, 1, 2, 3});
  CHECK(to_vector(trainer.model.parameters()) == before);
}

TEST_CASE("a rate of the share of training is asked for with the share of the steps that have been taken") {
  auto trainer = trainer_of<SmallVae>();
  FitOptions options = quietly(4);
  std::vector<double> shares;
  options.rate_of_share = [&](double share) {
    shares.push_back(share);
    return 1e-3 * (1 + share);
  };
  options.learning_rate = schedule::constant(7);
  trainer.fit(clips, options);
  CHECK(shares == std::vector<double>{0, 0.25, 0.5, 0.75});
  trainer.training().visit_optimizers(
      [](const std::string&, auto& optimizer) { CHECK(optimizer.rule.learning_rate == doctest::Approx(1.75e-3)); });
}

TEST_CASE("training by minutes takes steps until they are over, whatever the number of steps asked for") {
  auto trainer = trainer_of<SmallVae>();
  trainer.fit(clips, quietly(3));
  FitOptions options = quietly(1);  // fewer than were taken
  options.minutes = 0.2 / 60;
  double last = 0;
  options.rate_of_share = [&](double share) {
    CHECK(share >= last);
    CHECK(share <= 1);
    last = share;
    return 1e-3;
  };
  const auto began = std::chrono::steady_clock::now();
  CHECK(trainer.fit(clips, options));
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(200));
  CHECK(trainer.steps() > 3);
  CHECK(last > 0);
}

TEST_CASE("a callback may end the training, and Ctrl-C does, with a checkpoint") {
  const Folder folder;
  auto trainer = trainer_of<SmallVae>();
  CHECK(trainer.fit(clips, quietly(50), [](Index step, const Losses&) { return step < 3; }));
  CHECK(trainer.steps() == 3);

  FitOptions options = quietly(50);
  options.checkpoint = folder / "run.safetensors";
  CHECK_FALSE(trainer.fit(clips, options, [](Index step, const Losses&) {
    if (step == 7) std::raise(SIGINT);
  }));
  CHECK(trainer.steps() == 7);
  auto resumed = trainer_of<SmallVae>();
  resumed.resume(options.checkpoint);
  CHECK(resumed.steps() == 7);
  CHECK(to_vector(resumed.model.parameters()) == to_vector(trainer.model.parameters()));
}

namespace {

/// Clips of which one cannot be had, or is no clip.
struct Failing {
  Index broken = -1, not_finite = -1;
  Shape shape() const { return clips.shape(); }
  Tensor<float> clip(Index i) const {
    require(i != broken, "clip ", i, " is damaged");
    return i == not_finite ? full<float>(shape(), NAN) : clips.clip(i);
  }
};

/// While one exists, files cannot grow beyond some bytes, as on a full disk.
struct FullDisk {
  rlimit before{};
  FullDisk() {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit little{1000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &little);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before); }
};

FitOptions saving(Index steps, const std::filesystem::path& path, double every = 60) {
  return {.steps = steps, .batch = 4, .checkpoint = path, .checkpoint_every = every, .title = ""};
}
Index steps_in(const std::filesystem::path& checkpoint) {
  auto trainer = trainer_of<SmallVae>();
  trainer.resume(checkpoint);
  return trainer.steps();
}

}  // namespace

TEST_CASE("where a clip cannot be had, or the program's own function throws, the steps before it are saved") {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  auto trainer = trainer_of<SmallVae>();
  CHECK_THROWS_WITH_AS(trainer.fit(Failing{.broken = 14}, saving(50, path)), "clip 14 is damaged", Error);
  CHECK(trainer.steps() == 3);
  CHECK(steps_in(path) == 3);
  const auto stop = [](Index step, const Losses&) {
    if (step == 5) throw std::string("enough");
  };
  CHECK_THROWS_AS(trainer.fit(clips, saving(50, path), stop), std::string);
  CHECK(steps_in(path) == 5);
}

TEST_CASE("a folder that is missing and a disk that is full are met before the first step") {
  const Folder folder;
  auto trainer = trainer_of<SmallVae>();
  CHECK_THROWS_WITH_AS(trainer.fit(clips, saving(3, folder / "none" / "x")), doctest::Contains("No such file"), Error);
  {
    const FullDisk full;
    CHECK_THROWS_WITH_AS(trainer.fit(clips, saving(3, folder / "x")), doctest::Contains("cannot write"), Error);
  }
  CHECK(trainer.steps() == 0);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a disk that is full for a while costs no progress, one that is at the end is an error") {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  auto trainer = trainer_of<SmallVae>();
  std::optional<FullDisk> full;
  CHECK(trainer.fit(clips, saving(6, path, 0), [&](Index step, const Losses&) {
    if (step == 2) {
      while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      full.emplace();
    }
    if (step != 4) return;
    CHECK(steps_in(path) == 1);
    full.reset();
  }));
  CHECK(steps_in(path) == 6);
  CHECK_THROWS_WITH_AS(trainer.fit(clips, saving(8, path), [&](Index, const Losses&) { full.emplace(); }),
                       doctest::Contains("cannot write"), Error);
  full.reset();
  CHECK(steps_in(path) == 6);
}

TEST_CASE("a model that is not finite, or gives no finite loss, does not take the place of a good checkpoint") {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  auto trainer = trainer_of<SmallVae>();
  CHECK(trainer.fit(clips, saving(3, path)));
  const auto spoilt = [&](float value) {
    return [&, value](Index, const Losses&) {
      Tensor<float> parameters = trainer.model.parameters();
      fill(parameters, value);
    };
  };
  CHECK_THROWS_WITH_AS(trainer.fit(clips, saving(4, path), spoilt(INFINITY)), doctest::Contains("not written"), Error);
  CHECK_THROWS_AS(trainer.fit(clips, saving(9, path, 0), spoilt(INFINITY)), NotFinite);
  CHECK_THROWS_AS(trainer.fit(clips, saving(9, path), spoilt(1e30F)), NotFinite);
  CHECK(steps_in(path) == 3);
}

TEST_CASE("where it is the batch that is not finite, the model is good, and saved") {
  const Folder folder;
  const auto path = folder / "run.safetensors";
  auto trainer = trainer_of<SmallVae>();
  CHECK_THROWS_AS(trainer.fit(Failing{.not_finite = 11}, saving(50, path)), NotFinite);
  CHECK(steps_in(path) == 2);
}

TEST_CASE("a game takes no micro-batches, and tells who observes it how its discriminator judges") {
  auto trainer = trainer_of<SmallVaeGan>();
  const auto batch = batch_of(clips, 0, 4);
  CHECK_THROWS_WITH_AS(trainer.step(batch, {.micro_batches = 2}), doctest::Contains("takes no micro-batches"), Error);
  const StepReport report = monitored(trainer.model, [&] { return trainer.step(batch); });
  REQUIRE(report.numbers.size() == 2);
  CHECK(report.numbers[0].first == "data judged right");
  CHECK(report.numbers[1].first == "fakes judged right");
  for (const auto& [name, share] : report.numbers)
    CHECK((share == 0 || share == 0.25 || share == 0.5 || share >= 0.75));
  CHECK(report.parts.size() == 2);
}

TEST_CASE("data that are not finite stop the training before they reach the model") {
  auto trainer = trainer_of<SmallVae>();
  auto batch = batch_of(clips, 0, 2);
  batch.data()[5] = std::numeric_limits<float>::quiet_NaN();
  const auto before = to_vector(trainer.model.parameters());
  CHECK_THROWS_WITH_AS(trainer.step(batch), doctest::Contains("clip 0 of the batch is not finite"), Error);
  CHECK(to_vector(trainer.model.parameters()) == before);
  CHECK(trainer.steps() == 0);
}

namespace {

/// A model whose loss is finite and has no gradient.
struct Pointed {
  template <Real T, class B>
  struct Instance {
    Of<Sequential<Flatten, Linear<numbers, 1>>, T, B> net;
    explicit Instance(Rng& rng) : net(rng) {}
    static void fields(auto& self, auto&& field) { field("net", self.net); }
    template <Value V>
    V loss(const V& x) const {
      return sum(sqrt(square(affine(net(x), 0, 0))));
    }
  };
};
/// Of whose running variance a number may be too large while loss and gradient are not.
using Normalised = Squares<Sequential<BatchNorm<3>, Flatten, Linear<numbers, 1>>>;

template <class Model>
auto state_of(Trainer<Model, float, Cpu, optim::Adam>& trainer) {
  std::vector<std::vector<float>> all{to_vector(trainer.model.parameters()), to_vector(trainer.model.buffers())};
  trainer.training().visit_optimizers([&](const auto&, auto& optimizer) {
    optimizer.visit([&](const auto&, const auto& memory) { all.push_back(to_vector(memory)); });
    all.push_back({static_cast<float>(optimizer.steps())});
  });
  return std::pair{all, trainer.rng()};
}

}  // namespace

TEST_CASE_TEMPLATE("a step whose gradient or buffers are not finite changes nothing, at default settings", Model,
                   Pointed, Normalised) {
  auto trainer = trainer_of<Model>();
  Tensor<float> batch = batch_of(clips, 0, 2);
  batch.data()[5] = 1e30F;
  const auto before = state_of(trainer);
  for (const double clip : {0.0, 1.0}) {
    CHECK_THROWS_WITH_AS(trainer.step(batch, {.clip_norm = clip}), doctest::Contains("finite"), Error);
    CHECK(state_of(trainer) == before);
  }
  CHECK(trainer.steps() == 0);
}

TEST_CASE("a learning rate that is not finite is refused before it reaches the model") {
  auto trainer = trainer_of<SmallVae>();
  const auto before = state_of(trainer);
  for (const double rate : {1e300, std::nan("")}) {
    trainer.set_learning_rate(rate);
    CHECK_THROWS_WITH_AS(trainer.step(batch_of(clips, 0, 2)), doctest::Contains("learning rate"), Error);
    CHECK(state_of(trainer) == before);
  }
}

TEST_CASE("a first batch outside [0, 1] is refused where the likelihood needs that, with what was found") {
  auto trainer = trainer_of<SmallVae>();
  const auto batch = batch_of(clips, 0, 2);
  const auto before = to_vector(trainer.model.parameters());
  CHECK_THROWS_WITH_AS(trainer.step(affine(batch, 255, 0)), doctest::Contains("divide 8-bit levels by 255"), Error);
  CHECK(to_vector(trainer.model.parameters()) == before);
  auto signs = trainer_of<SmallVae>();
  CHECK_THROWS_WITH_AS(signs.step(affine(full<float>(batch.shape(), 0.F), 1, -1)),
                       doctest::Contains("numbers from -1.000000 to -1.000000"), Error);

  using Free = Vae<Sequential<Flatten, Linear<numbers, 8>>, Sequential<Linear<4, 2 * numbers>, Unflatten<4, 8, 8, 6>>,
                   latent::DiagonalGaussian<4>, likelihood::Gaussian>;
  auto free = trainer_of<Free>();  // any number has a density under a normal distribution
  (void)free.step(affine(batch, 2, -1));
  CHECK(free.steps() == 1);
}

TEST_CASE("a batch of no clips, and clips of other channels, are refused by name") {
  auto trainer = trainer_of<SmallVae>();
  CHECK_THROWS_WITH_AS(trainer.step(Tensor<float>({0, 4, 8, 8, 3})),
                       "Trainer: a batch of no clips, of shape (0, 4, 8, 8, 3)", Error);
  Module<Vae<Sequential<Conv2d<1, 2, Window{.kernel = 8}>, Flatten>, Sequential<Linear<1, 64>, Unflatten<8, 8, 1>>,
             latent::DiagonalGaussian<1>>,
         float>
      grey{Rng{1}};
  CHECK_THROWS_WITH_AS(grey->encode(Tensor<float>({2, 8, 8, 3})),
                       "Vae: clips of shape (2, 8, 8, 3) have 3 channels; its network takes 1", Error);
  CHECK(trainer.steps() == 0);
}

TEST_CASE("an average is kept beside the parameters, and only shown when asked for") {
  auto trainer = trainer_of<SmallVae>();
  CHECK_THROWS_WITH_AS(trainer.with_average([] {}), doctest::Contains("no average is kept"), Error);
  trainer.keep_average(0.5);
  trainer.fit(clips, quietly(3));
  const auto before = to_vector(trainer.model.parameters());
  const auto average = trainer.with_average([&] { return to_vector(trainer.model.parameters()); });
  CHECK(average != before);
  CHECK(to_vector(trainer.model.parameters()) == before);
}

TEST_CASE("an average has buffers of its own, and one of a file of before begins as the buffers that it holds") {
  const Folder folder;
  auto trainer = trainer_of<SmallVaeGan>();
  const auto at_first = to_vector(trainer.model.buffers());
  REQUIRE_FALSE(at_first.empty());
  trainer.keep_average(0.5);
  trainer.fit(clips, quietly(1));
  const auto now = to_vector(trainer.model.buffers());
  const auto average = trainer.with_average([&] { return to_vector(trainer.model.buffers()); });
  for (std::size_t i = 0; i < now.size(); ++i) {
    CHECK(average[i] == doctest::Approx((at_first[i] + now[i]) / 2).epsilon(1e-5).scale(1));
  }
  CHECK(to_vector(trainer.model.buffers()) == now);

  const auto path = folder / "run.safetensors";
  trainer.save(path);
  auto resumed = trainer_of<SmallVaeGan>();
  resumed.keep_average(0.5);
  resumed.resume(path);
  CHECK(resumed.with_average([&] { return to_vector(resumed.model.buffers()); }) == average);

  SafetensorsFile file = read_safetensors(path);
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : file.tensors) {
    if (name != "training/average/buffers") tensors.push_back(tensor);
  }
  REQUIRE(tensors.size() + 1 == file.tensors.size());
  file.metadata.erase("flipbook.checksum");
  write_safetensors(path, tensors, file.metadata);
  auto older = trainer_of<SmallVaeGan>();
  older.keep_average(0.5);
  older.resume(path);
  CHECK(older.with_average([&] { return to_vector(older.model.buffers()); }) == now);
}

#if !FLIPBOOK_SANITIZED
TEST_CASE("after the first steps, training asks the system for no memory") {
  auto trainer = trainer_of<SmallVaeGan>();
  const auto batch = batch_of(clips, 0, 4);
  for (int i = 0; i < 5; ++i) (void)trainer.step(batch);
  const auto before = HostPool::instance().statistics();
  for (int i = 0; i < 20; ++i) (void)trainer.step(batch);
  const auto after = HostPool::instance().statistics();
  CHECK(after.system_allocations == before.system_allocations);
  CHECK(after.in_use == before.in_use);
}
#endif
