// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <flipbook/core/parallel.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "../io/files.hpp"
#include "openmp.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

constexpr int numbers = 4 * 8 * 8 * 3;
/// Convolution, normalisation with buffers, and products.
using Small = Vae<Sequential<Conv3d<3, 4, Window{.kernel = {1, 3, 3}, .padding = {0, 1, 1}}>, BatchNorm<4>,
                             LeakyReLU<0.2>, Flatten, Linear<4 * 4 * 8 * 8, 8>>,
                  Sequential<Linear<4, numbers>, Unflatten<4, 8, 8, 3>>, latent::DiagonalGaussian<4>>;
const MovingShapes clips({.frames = 4, .canvas = 8, .seed = 5});

auto trainer_of(std::uint64_t seed) {
  return Trainer{Module<Small, float>{Rng{seed}}, optim::Adam{.learning_rate = 1e-3}, seed + 1};
}
FitOptions options(Index steps, const std::filesystem::path& checkpoint = {}) {
  return {.steps = steps, .batch = 4, .workers = 2, .checkpoint = checkpoint, .checkpoint_every = 0, .title = ""};
}

/// Calls f(number) in `count` threads at once.
template <class F>
void in_threads(int count, const F& f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& thread : threads) thread.join();
}

/// While one exists, loops run on so many threads of those that the calling thread starts.
struct Threads {
  int before = threads();
  explicit Threads(int count) { set_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { set_threads(before); }
};

std::vector<float> inferred(const Module<Small, float>& model, std::uint64_t seed) {
  Rng rng{seed};
  return to_vector(model->sample(2, rng));
}
/// What a run of so many steps has in the end.
std::vector<float> trained(std::uint64_t seed, Index steps, const std::filesystem::path& checkpoint = {}) {
  auto trainer = trainer_of(seed);
  trainer.fit(clips, options(steps, checkpoint));
  return to_vector(trainer.model.parameters());
}

/// Clips of which one cannot be had.
struct Failing {
  Index broken;
  Shape shape() const { return clips.shape(); }
  Tensor<float> clip(Index i) const {
    require(i != broken, "clip ", i, " is damaged");
    return clips.clip(i);
  }
};

}  // namespace

TEST_CASE("one module serves many threads at once, each of which has what it would have alone") {
  const Module<Small, float> model{Rng{1}};
  const auto batch = batch_of(clips, 0, 3);
  const auto encoded = to_vector(model->encode(batch).mean);
  std::atomic<int> wrong = 0;
  in_threads(4, [&](int i) {
    const Threads some(1 + i % 2);
    for (int k = 0; k < 5; ++k) {
      wrong += to_vector(model->encode(batch).mean) != encoded;
      wrong += inferred(model, static_cast<std::uint64_t>(i)) != inferred(model, static_cast<std::uint64_t>(i));
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("trainers of several threads do not disturb each other, and each saves to its own file") {
  const Folder folder;
  std::vector<std::vector<float>> alone, together(3);
  for (std::uint64_t i = 0; i < 3; ++i) alone.push_back(trained(i, 6));
  in_threads(3, [&](int i) {
    const Threads two(2);
    const auto number = static_cast<std::size_t>(i);
    together[number] = trained(number, 6, folder / std::to_string(i));
  });
  CHECK(together == alone);
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto resumed = trainer_of(9);
    resumed.resume(folder / std::to_string(i));
    CHECK(to_vector(resumed.model.parameters()) == alone[i]);
  }
}

TEST_CASE("a model may be used while another is trained, and files be written and read by several threads") {
  const Folder folder;
  const auto path = folder / "weights";
  const Module<Small, float> model{Rng{1}};
  save_weights(path, model);
  const auto expected = inferred(model, 3);
  std::atomic<int> wrong = 0;
  in_threads(4, [&](int i) {
    if (i == 0) trained(1, 6);
    for (int k = 0; k < 5; ++k) {
      if (i == 1) save_weights(path, model);
      Module<Small, float> read{Rng{2}};
      load_weights(path, read);
      wrong += inferred(read, 3) != expected;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a source that throws in a worker ends its own trainer, with its steps saved, and no other") {
  const Folder folder;
  const auto alone = trained(1, 6);
  std::atomic<int> thrown = 0, wrong = 0;
  in_threads(4, [&](int i) {
    if (i == 0) return void(wrong += trained(1, 6) != alone);
    auto trainer = trainer_of(2);
    const auto path = folder / std::to_string(i);
    try {
      trainer.fit(Failing{.broken = 4 * i + 1}, options(20, path));
    } catch (const Error&) {
      ++thrown;
    }
    wrong += trainer.steps() != i;
    auto resumed = trainer_of(3);
    resumed.resume(path);
    wrong += resumed.steps() != i;
  });
  CHECK(thrown == 3);
  CHECK(wrong == 0);
}

TEST_CASE(
    "a loader's place may be asked for by other threads while one takes batches, and it may be dropped anywhere") {
  for (int round = 0; round < 8; ++round) {
    DataLoader loader(clips, {.batch = 2, .workers = 3, .ahead = 4});
    std::atomic<bool> over = false;
    std::atomic<int> wrong = 0;
    std::thread asking([&] {
      for (Index before = 0; !over;) {
        const Index now = loader.position();
        wrong += now < before, before = now;
        (void)loader.ready();
      }
    });
    for (Index k = 0; k < round; ++k) wrong += to_vector(loader.next()) != to_vector(batch_of(clips, 2 * k, 2));
    over = true;
    asking.join();
    CHECK(wrong == 0);
  }
}

TEST_CASE("a signal stops the trainers of all threads, each with its checkpoint") {
  const Folder folder;
  std::atomic<int> begun = 0, stopped = 0;
  in_threads(4, [&](int i) {
    if (i == 3) {
      while (begun < 3) std::this_thread::yield();
      ::raise(SIGTERM);
      return;
    }
    auto trainer = trainer_of(2);
    const auto path = folder / std::to_string(i);
    bool first = true;
    const bool whole = trainer.fit(clips, options(1'000'000, path), [&](Index, const Losses&) {
      if (std::exchange(first, false)) ++begun;
    });
    auto resumed = trainer_of(3);
    resumed.resume(path);
    stopped += !whole && resumed.steps() == trainer.steps();
  });
  CHECK(stopped == 3);
}

TEST_CASE("tensors may be freed by another thread than made them") {
  std::vector<Tensor<float>> made(200);
  in_threads(4, [&](int i) {
    for (std::size_t k = static_cast<std::size_t>(i); k < made.size(); k += 4) {
      made[k] = full<float>({static_cast<Index>(1 + 50 * k)}, static_cast<float>(k));
    }
  });
  std::atomic<int> wrong = 0;
  in_threads(4, [&](int i) {
    for (std::size_t k = static_cast<std::size_t>(3 - i); k < made.size(); k += 4) {
      wrong += made[k].data()[0] != static_cast<float>(k);
      made[k] = {};
    }
  });
  CHECK(wrong == 0);
}

// ThreadSanitizer knows no threads of a process that was forked while it had others.
TEST_CASE("a process that was forked after training and inference goes on with both, to the same bits" *
          doctest::skip(FLIPBOOK_WATCHED != 0)) {
  const Threads two(2);
  const auto expected = trained(1, 4);
  const Module<Small, float> model{Rng{1}};
  const auto sample = inferred(model, 3);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(trained(1, 4) == expected && inferred(model, 3) == sample ? 0 : 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(trained(1, 4) == expected);
}

TEST_CASE("a process may be forked while other threads of it compute, and its child computes" *
          doctest::skip(FLIPBOOK_WATCHED != 0)) {
  const Threads two(2);
  const Module<Small, float> model{Rng{1}};
  const auto sample = inferred(model, 3), expected = trained(1, 2);
  std::atomic<bool> over = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      const Threads two(2);
      while (!over) inferred(model, 3), full<float>({100}, 1.0F);
    });
  }
  int good = 0;
  for (int k = 0; k < 30; ++k) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);  // ends one that waits for ever
      ::_exit(inferred(model, 3) == sample && trained(1, 2) == expected ? 0 : 1);
    }
    int status = -1;
    good += ::waitpid(child, &status, 0) == child && status == 0;
    if (good <= k) break;
  }
  over = true;
  for (std::thread& other : others) other.join();
  CHECK(good == 30);
}
