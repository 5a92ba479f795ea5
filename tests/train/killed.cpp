// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flipbook/core/random.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/optim/adam.hpp>

#include "models.hpp"

using namespace flipbook;
using namespace std::chrono_literals;

extern char** environ;

namespace {

const MovingShapes clips({.frames = 2, .canvas = 8, .seed = 5});
constexpr const char* checkpoint_variable = "FLIPBOOK_TEST_CHECKPOINT";

auto new_trainer() {
  return Trainer{Module<test::TinyVae<2, 8>, float>{Rng{1}}, optim::Adam{.learning_rate = 3e-3}, 2};
}

/// This program again, which only trains and saves until it is killed.
pid_t start_victim() {
  const char* arguments[] = {"victim", "--test-case=a victim trains", "--no-skip", nullptr};
  pid_t id = 0;
  REQUIRE(posix_spawn(&id, "/proc/self/exe", nullptr, nullptr, const_cast<char**>(arguments), environ) == 0);
  return id;
}

/// The steps that the checkpoint has, once they are more than before; or no more after a minute.
Index steps_beyond(Index before, const std::filesystem::path& checkpoint) {
  for (int wait = 0; wait < 60'000; ++wait) {
    if (std::filesystem::exists(checkpoint)) {
      auto trainer = new_trainer();
      trainer.resume(checkpoint);
      if (trainer.steps() > before) return trainer.steps();
    }
    std::this_thread::sleep_for(1ms);
  }
  return before;
}

}  // namespace

TEST_CASE("a victim trains" * doctest::skip()) {
  const std::filesystem::path checkpoint = std::getenv(checkpoint_variable);
  auto trainer = new_trainer();
  if (std::filesystem::exists(checkpoint)) trainer.resume(checkpoint);
  trainer.fit(clips, {.steps = 1'000'000,
                      .batch = 4,
                      .checkpoint = checkpoint,
                      .checkpoint_every = 0,
                      .keep = 3,
                      .evaluate = [&] { return -static_cast<double>(trainer.steps()); },
                      .title = ""});
}

TEST_CASE("whenever a run is killed, its checkpoints are whole, and the run goes on from the last to the same bits") {
  const auto folder = std::filesystem::temp_directory_path() / ("flipbook_killed_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto checkpoint = folder / "run.safetensors";
  ::setenv(checkpoint_variable, checkpoint.c_str(), 1);

  Rng rng{7};
  Index steps = 0;
  for (int round = 0; round < 12; ++round) {
    const pid_t victim = start_victim();
    const Index reached = steps_beyond(steps, checkpoint);
    std::this_thread::sleep_for(std::chrono::microseconds(static_cast<int>(3000 * uniform<double>({1}, rng).item())));
    ::kill(victim, SIGKILL);
    int status = 0;
    ::waitpid(victim, &status, 0);
    CHECK(WIFSIGNALED(status));
    REQUIRE(reached > steps);
    auto trainer = new_trainer();
    trainer.resume(checkpoint);
    CHECK(trainer.steps() >= reached);
    steps = trainer.steps();
    int whole = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".tmp") continue;
      new_trainer().resume(entry.path());
      ++whole;
    }
    CHECK(whole >= 2);  // with the best
  }

  auto killed = new_trainer(), whole = new_trainer();
  killed.resume(checkpoint);
  whole.fit(clips, {.steps = steps, .batch = 4, .title = ""});
  CHECK(to_vector(killed.model.parameters()) == to_vector(whole.model.parameters()));
  CHECK(killed.history().csv() == whole.history().csv());
  std::filesystem::remove_all(folder);
}
