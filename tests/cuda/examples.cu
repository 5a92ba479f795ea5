// SPDX-License-Identifier: MIT
// What the training examples do with a model, on both backends: with models small enough to be emulated.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/models/autoregressive/networks.hpp>

#include "../../examples/support/train_autoregressive.hpp"
#include "../../examples/support/train_gan.hpp"
#include "../../examples/support/train_vae.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::examples;

namespace {

using SmallGan = Gan<Sequential<Linear<2, 48>, Unflatten<3, 4, 4, 1>, Tanh>, Sequential<Flatten, Linear<48, 1>>>;
using SmallVae = Vae<Sequential<Flatten, Linear<48, 4>>, Sequential<Linear<2, 48>, Unflatten<3, 4, 4, 1>>,
                     latent::DiagonalGaussian<2>>;
using SmallForecast = Autoregressive<FrameLstm<4, 4, 1, 3, 4>>;

Data small_data() {
  const auto source = [](std::uint64_t seed) {
    return WithChannels(MovingShapes({.frames = 3, .canvas = 4, .shapes = 1, .largest = 0.4, .seed = seed}), 1);
  };
  return {source(1), source(2), "small shapes"};
}
Data small_sprites() {
  const MovingSprites sprites(full<std::uint8_t>({1, 2, 2}, 200), {.frames = 3, .canvas = 4});
  return {sprites, sprites, "small sprites", false, sprites};
}

/// The numbers below the heading of a run's table of losses.
std::vector<double> losses(const std::filesystem::path& folder) {
  std::ifstream file(folder / "history.csv");
  file.ignore(1000, '\n');
  std::string table(std::istreambuf_iterator<char>(file), {});
  std::ranges::replace(table, ',', ' ');
  std::istringstream numbers(table);
  return {std::istream_iterator<double>(numbers), std::istream_iterator<double>()};
}

/// Runs train(backend, options) on both: five steps each, of which a device captures the third, then two more from the
/// other's checkpoint.
template <class Train>
void trains_on_both(const Train& train, const std::vector<const char*>& pictures) {
  const auto root = std::filesystem::temp_directory_path() / ("flipbook-on-both-" + std::to_string(::getpid()));
  std::filesystem::remove_all(root);
  const auto options = [&](const char* folder, Index steps, bool resume) {
    return TrainingOptions{.out = root / folder, .steps = steps, .batch = 2, .seed = 3, .resume = resume};
  };
  const auto same = [&](const char* a, const char* b) {
    const auto here = losses(root / a), there = losses(root / b);
    REQUIRE(here.size() == there.size());
    for (std::size_t i = 0; i < here.size(); ++i) CHECK(there[i] == doctest::Approx(here[i]).epsilon(1e-4));
    return here.size();
  };
  train(Cpu{}, options("cpu", 5, false));
  train(Cuda{}, options("cuda", 5, false));
  CHECK(same("cpu", "cuda") >= 10);  // a step's number and a loss, five times
  for (const char* picture : pictures) CHECK(std::filesystem::file_size(root / "cuda" / picture) > 100);

  std::filesystem::rename(root / "cpu", root / "swap");
  std::filesystem::rename(root / "cuda", root / "cpu");
  std::filesystem::rename(root / "swap", root / "cuda");
  train(Cpu{}, options("cpu", 7, true));
  train(Cuda{}, options("cuda", 7, true));
  CHECK(same("cpu", "cuda") >= 14);
  std::filesystem::remove_all(root);
}

}  // namespace

TEST_CASE("a generator trains against a discriminator on either backend") {
  const auto train = []<class B>(B, const TrainingOptions& options) {
    train_gan<SmallGan, B>({.training = options}, small_data());
  };
  trains_on_both(train, {"samples.gif", "data.gif"});
}

TEST_CASE("an autoencoder trains on either backend") {
  const auto train = []<class B>(B, const TrainingOptions& options) {
    train_vae<SmallVae, B>({.training = options, .beta = 0.5}, small_data(), {8});
  };
  trains_on_both(train, {"reconstructions.gif", "samples.gif", "interpolation.gif"});
}

TEST_CASE("an autoregressive model trains on either backend") {
  const auto train = []<class B>(B, const TrainingOptions& options) {
    train_autoregressive<SmallForecast, B>({.training = options, .scheduled_sampling = 0.5}, small_sprites(), 1);
  };
  trains_on_both(train, {"predictions.gif"});
}

TEST_CASE("a device is selected by its number, and one that is not there is named") {
  const auto body = []<class B>(B) { CHECK((std::is_same_v<B, Cuda> && cuda::device() == cuda::device_count() - 1)); };
  on_device(cuda::device_count() - 1, body);
  cuda::select(0);
  CHECK_THROWS_WITH_AS(on_device(63, body), doctest::Contains("--device cuda:63: there "), Error);
#ifdef FLIPBOOK_CUDA_EMULATED
  emulated::set_devices(0);
  CHECK_THROWS_WITH_AS(on_device(0, body), doctest::Contains("no CUDA device answers"), Error);
  emulated::set_devices(2);
#endif
}
