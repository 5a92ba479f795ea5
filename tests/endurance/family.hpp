// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace flipbook::test {

/// Clips (T, H, W, C) = (4, 8, 8, 3), which every family here is trained on.
inline const MovingShapes clips({.frames = 4, .canvas = 8, .seed = 5});

/// A training run of a small model, whatever its type.
class Run {
 public:
  using AfterStep = std::function<bool(Index step)>;

  virtual ~Run() = default;
  /// Trains until so many steps have been taken in all; with a checkpoint after each, where it is given a path.
  virtual void fit(Index steps, const std::filesystem::path& checkpoint = {}, const AfterStep& after_step = {}) = 0;
  virtual void resume(const std::filesystem::path& checkpoint) = 0;
  virtual Index steps() const = 0;
  /// All that a run goes on from: parameters, their average, buffers, optimisers, random numbers and history.
  virtual std::vector<std::vector<float>> state() = 0;
  virtual std::string history() const = 0;
};

template <class Model>
class RunOf final : public Run {
 public:
  RunOf() { trainer_.keep_average(0.9); }

  void fit(Index steps, const std::filesystem::path& checkpoint, const AfterStep& after_step) override {
    trainer_.fit(clips,
                 {.steps = steps, .batch = 2, .checkpoint = checkpoint, .checkpoint_every = 0, .title = "", .unit = ""},
                 [&](Index step, const Losses&) { return !after_step || after_step(step); });
  }
  void resume(const std::filesystem::path& checkpoint) override { trainer_.resume(checkpoint); }
  Index steps() const override { return trainer_.steps(); }
  std::vector<std::vector<float>> state() override {
    std::vector<std::vector<float>> all{to_vector(trainer_.model.parameters()), to_vector(trainer_.model.buffers()),
                                        trainer_.with_average([&] { return to_vector(trainer_.model.parameters()); })};
    trainer_.training().visit_optimizers([&](const auto&, auto& optimizer) {
      optimizer.visit([&](const auto&, const auto& memory) { all.push_back(to_vector(memory)); });
      all.push_back({static_cast<float>(optimizer.steps())});
    });
    const Rng& rng = trainer_.rng();
    all.push_back({static_cast<float>(rng.position()), static_cast<float>(trainer_.steps())});
    return all;
  }
  std::string history() const override { return trainer_.history().csv(); }

 private:
  Trainer<Model, float, Cpu, optim::Adam> trainer_{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}, 2};
};

struct Family {
  std::string name;
  std::function<std::unique_ptr<Run>()> begin;  ///< a run that has taken no step
};

/// All families of this program.
inline std::vector<Family>& families() {
  static std::vector<Family> all;
  return all;
}
/// Makes a family of a model known to the tests of all.
template <class Model>
Family family_of(const std::string& name) {
  return families().emplace_back(name, [] { return std::make_unique<RunOf<Model>>(); });
}

/// Kills runs in other processes at random instants: what they leave is whole, and what a run that was never stopped
/// has after as many steps.
void check_killed(const Family& family);
/// Has the disk full at various lengths of the checkpoint: the one before it stays, and the run goes on from it.
void check_full_disk(const Family& family);
/// Cuts a checkpoint at every length, or at some: it is refused, and nothing has changed.
void check_truncated(const Family& family);

}  // namespace flipbook::test
