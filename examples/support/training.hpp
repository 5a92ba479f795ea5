// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <filesystem>
#include <string>

#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/log/log.hpp>
#include <flipbook/train/plan_memory.hpp>
#include <flipbook/train/trainer.hpp>

#include "options.hpp"

namespace flipbook::examples {

/// The checkpoint of a run, in the folder that it writes to.
inline std::filesystem::path checkpoint_of(const TrainingOptions& options) {
  return options.out / "checkpoint.safetensors";
}

/// The options of one of several stages, in a folder of its own, where it goes on only if it has begun.
inline TrainingOptions stage_of(TrainingOptions options, const std::string& name, Index steps) {
  options.in_stage(name);
  options.steps = steps;
  options.resume = options.resume && std::filesystem::exists(checkpoint_of(options));
  return options;
}

/// Makes ready to write to --out: goes on from its checkpoint where --resume says so, and refuses to write over one
/// where it does not.
template <class Trainer>
void prepare(Trainer& trainer, const TrainingOptions& options) {
  const auto checkpoint = checkpoint_of(options);
  std::error_code failed;
  std::filesystem::create_directories(options.out, failed);
  require(!failed, "--out '", options.out.string(), "' cannot be made: ", failed.message());
  if (options.resume) {
    trainer.resume(checkpoint);
    std::printf("resumed after %td steps\n", trainer.steps());
  } else {
    require(!std::filesystem::exists(checkpoint), "'", checkpoint.string(),
            "' is there already: --resume goes on from it, ", "another --out leaves it alone");
  }
}

/// Trainer::fit, to clips that the device makes by itself where it can.
template <class Trainer, class Clips, class... AfterStep>
bool fit(Trainer& trainer, const Clips& data, const FitOptions& options, const AfterStep&... after_step) {
  if constexpr (std::same_as<Clips, Data> && MadeOn<MovingSprites, typename decltype(trainer.model)::Backend>) {
    if (data.sprites.has_value()) return trainer.fit(*data.sprites, options, after_step...);
  }
  return trainer.fit(data.training, options, after_step...);
}

/// Clips in a grid, large enough to look at, as an animated GIF.
template <class B>
void show(const std::filesystem::path& path, const Tensor<float, B>& clips, Index columns) {
  const Index factor = std::max<Index>(1, 128 / clips.extent(2));
  const Tensor<float> frames = make_grid(to<Cpu>(clips), std::min(columns, clips.extent(0)));  // (T, H, W, C)
  write_gif(path, upscale(frames, factor), {.frames_per_second = 10});
}

/// What a model makes, on its way to a file and to the logs.
struct Showing {
  std::filesystem::path folder;
  const Log& log;
  Index step;
  bool last;  ///< whether training is over, the time to measure

  /// Clips in a grid, as NAME.gif.
  template <class B>
  void operator()(const std::string& name, const Tensor<float, B>& clips, Index columns) const {
    show(folder / (name + ".gif"), clips, columns);
    if (!log.empty()) log.clip(step, name, make_grid(to<Cpu>(clips), std::min(columns, clips.extent(0)), 2, 0.5F));
  }
};

/// Trains as the options say, keeps a checkpoint, the losses (history.csv) and what --log and --page ask for, and says
/// where they are.
/// @param data    a Data, or a struct with `training` and `name` where clips have more than frames
/// @param finish  called with a Showing at the end, also after Ctrl-C, to write what the model makes; where there are
///                logs, now and then before
/// @return        false after Ctrl-C, and where --plan trains nothing
template <class Trainer, class Clips, class Finish>
bool train(Trainer& trainer, const Clips& data, const TrainingOptions& options, FitOptions how, const Finish& finish) {
  how.batch = options.batch;
  how.workers = static_cast<int>(options.workers);
  if (options.plan) {
    std::fputs(to_string(plan_memory(trainer, data.training, how)).c_str(), stdout);
    return false;
  }
  prepare(trainer, options);
  std::printf("data: %s\nparameters: %td\n", data.name.c_str(), trainer.model.parameters().size());
  how.steps = options.steps;
  how.checkpoint = checkpoint_of(options);
  how.keep = options.keep;
  trainer.shard_optimizers(options.shard_optimizer);
  // Of several ranks the first logs and shows.
  const bool first = distributed::world().rank() == 0;
  const Log log = first ? options.open_log(how.title, trainer.history()) : Log{};
  const auto show = [&](bool last) { finish(Showing{options.out, log, trainer.steps(), last}); };
  const bool complete = fit(trainer, data, how, [&](Index step, const Losses& losses) {
    log(step, losses);
    if (log.empty() || options.show_every == 0 || step == options.steps) return;
    if (step % options.show_every == 0) show(false);
  });
  if (!first) return complete;
  trainer.history().write(options.out / "history.csv");
  show(true);
  std::printf("%s after %td steps; written to %s\n", complete ? "done" : "stopped", trainer.steps(),
              options.out.c_str());
  if (!complete) std::printf("the same command with --resume goes on from here\n");
  return complete;
}

/// Clips [first, first + count) where a model takes them.
template <class B>
Tensor<float, B> batch_on(const AnyClips& clips, Index first, Index count) {
  return to<B>(batch_of(clips, first, count));
}
/// The same with what else a source has, as a batch of training.
template <class B, Dataset Source>
auto whole_batch_on(const Source& source, Index first, Index count) {
  return map_members(batch_of(source, first, count), [](const Tensor<float>& x) { return to<B>(x); });
}
/// The classes of a batch, one-hot, (N, K); none where it is of clips alone.
template <class Batch>
auto classes_of(const Batch& batch) {
  if constexpr (AnnotatedClip<Batch>) return batch.label;
  else return Batch{};
}

}  // namespace flipbook::examples
