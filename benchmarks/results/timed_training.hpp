// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <flipbook/core/error.hpp>
#include <flipbook/io/atomic_file.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/schedule.hpp>
#include <flipbook/train/checkpoint.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/interrupt.hpp>
#include <flipbook/train/train_step.hpp>

#include "../../examples/support/options.hpp"

/// What the programs behind docs/results.md have in common.
namespace flipbook::results {

/// What every such program can be told; `out` before `add_to` is its default.
struct RunOptions {
  std::filesystem::path data = {}, out;
  double minutes = 60;
  Index batch = 8;
  std::uint64_t seed = 1;

  void add_to(examples::CommandLine& line) {
    line.input("--data", data, "The folder of the four files of MNIST or Fashion-MNIST, gzipped");
    line.output("--out", out, "Where the run is kept, and goes on from");
    line.positive("--minutes", minutes, "Time to train, in all");
    line.number("--batch", batch, "Clips or digits in a step");
    line.seed(seed);
    line.threads();
  }
  std::filesystem::path training_images() const { return data / "train-images-idx3-ubyte.gz"; }
  std::filesystem::path test_images() const { return data / "t10k-images-idx3-ubyte.gz"; }
};

/// Trains for a time instead of a number of steps. The time counts over all runs that go on from the same folder, and
/// without what happens between steps, such as an evaluation.
class TimedTraining {
 public:
  /// @param folder   where the checkpoint is, and is kept
  /// @param minutes  of training, in all
  TimedTraining(std::filesystem::path folder, double minutes) : folder_(std::move(folder)), budget_(60 * minutes) {
    require(budget_ > 0, "TimedTraining: ", minutes, " minutes; needs more than 0");
    std::filesystem::create_directories(folder_);
  }

  Index steps() const noexcept { return steps_; }
  double seconds() const noexcept { return static_cast<double>(milliseconds_) / 1000; }
  /// The mean loss of each two-hundredth of the time, by the seconds of training at its end.
  const History& curve() const noexcept { return curve_; }

  /// Calls loss = step(k, share) for the steps k, where `share` in [0, 1) is the part of the time that has passed,
  /// until it has, or the program is told to stop (then false).
  /// @param parts  what else the run consists of, as for save_checkpoint: parts(visit) calls visit(name, part)
  template <class Parts, class Step>
  bool run(const Parts& parts, const Step& step) {
    const auto state = [&](auto&& visit) {
      parts(visit);
      visit("steps", steps_), visit("milliseconds", milliseconds_), visit("curve", curve_);
    };
    const auto checkpoint = folder_ / "checkpoint.safetensors";
    if (std::filesystem::exists(checkpoint)) load_checkpoint(checkpoint, state);
    const Interrupt interrupt;
    const double before = seconds();
    double trained = 0, saved = 0, sum = 0;
    Index count = 0;
    while (before + trained < budget_ && !interrupt.requested()) {
      const auto start = Clock::now();
      sum += step(steps_, (before + trained) / budget_), ++count, ++steps_;
      trained += std::chrono::duration<double>(Clock::now() - start).count();
      milliseconds_ = std::llround(1000 * (before + trained));
      if (before + trained >= budget_ * static_cast<double>(curve_.rows().size() + 1) / points) {
        report(sum / static_cast<double>(count));
        sum = 0, count = 0;
      }
      if (trained - saved > 60) save_checkpoint(checkpoint, state), saved = trained;
    }
    save_checkpoint(checkpoint, state);
    return before + trained >= budget_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double points = 200;

  void report(double loss) {
    curve_.add(static_cast<Index>(curve_.rows().size()) + 1, {{"seconds", seconds()}, {"loss", loss}});
    std::fprintf(stderr, "\r%3.0f %%  step %td  loss %.3f  %.0f of %.0f s ", 100 * seconds() / budget_, steps_, loss,
                 seconds(), budget_);
    if (seconds() >= budget_) std::fputc('\n', stderr);
  }

  std::filesystem::path folder_;
  double budget_;
  Index steps_ = 0, milliseconds_ = 0;
  History curve_;
};

/// Trains a module by Adam: the rate rises over 100 steps to `learning_rate` and falls to 0 by a cosine over the time.
/// @param loss_of  loss_of(k, share) of step k, at a share in [0, 1) of the time: a function of a Tape
/// @return  false if the program was told to stop
template <class M, class LossOf>
bool train_with_adam(M& module, TimedTraining& training, std::uint64_t seed, double learning_rate,
                     const LossOf& loss_of) {
  Optimizer adam{optim::Adam{}, module.parameters()};
  Rng rng{seed, 1};
  const auto falling = schedule::cosine(learning_rate, 1000);  // in thousandths of the time
  return training.run([&](auto&& visit) { visit("", module), visit("optimizer", adam), visit("rng", rng); },
                      [&](Index k, double share) {
                        const double warm_up = std::min(1.0, static_cast<double>(k + 1) / 100);
                        adam.rule.learning_rate = warm_up * falling(std::llround(1000 * share));
                        return train_step(module, adam, rng, loss_of(k, share), {.clip_norm = 100});
                      });
}

/// Calls evaluate(first, last) for blocks of `count` test clips, and reports the progress.
template <class F>
void evaluate_blocks(Index count, Index block, const F& evaluate) {
  for (Index first = 0; first < count; first += block) {
    const Index last = std::min(first + block, count);
    evaluate(first, last);
    std::fprintf(stderr, "\revaluated %td of %td clips ", last, count);
  }
  std::fputc('\n', stderr);
}

/// The figures of a run by name; written as JSON, which scripts/results reads.
class Figures {
 public:
  void add(const std::string& name, double value) {
    require(std::isfinite(value), "the figure '", name, "' is ", value);
    std::printf("%-44s %.6g\n", name.c_str(), value);
    figures_[name] = value;
  }
  /// Beside the time, the steps and the curve of the training.
  void write(const std::filesystem::path& path, const TimedTraining& training) const {
    nlohmann::json run{{"seconds", training.seconds()}, {"steps", training.steps()}, {"figures", figures_}};
    for (const auto& row : training.curve().rows()) run["curve"].push_back(row.values);
    const std::string text = run.dump();
    write_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

 private:
  nlohmann::json figures_;
};

}  // namespace flipbook::results
