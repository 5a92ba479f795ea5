// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <flipbook/optim/adam.hpp>

#include "../support/data.hpp"
#include "../support/gallery.hpp"
#include "board.hpp"
#include "judge.hpp"

namespace flipbook::examples::demo {

inline constexpr Index shown = 8, given = 8;   ///< clips of a family in a row; frames that a prediction begins with
inline constexpr Index starts = 6, stops = 9;  ///< clips to predict from; stops of an interpolation
inline const std::vector<double> sketches{0, 0.04, 0.12, 0.3, 0.6, 1};  ///< shares of training that are shown

/// What a family is to learn from, and how long.
struct Task {
  const Data& data;                                      ///< clips of 32 frames
  const std::optional<Module<Tracker, float>>& tracker;  ///< none where clips are not of one thing
  const std::optional<MovingSprites>& sprites;           ///< clips of one thing, whose length may be chosen
  const std::optional<Judge>& judge;
  double seconds;
  std::uint64_t seed;
  std::filesystem::path out;  ///< for checkpoints
  Board& board;

  AnyClips clips(Index length, std::uint64_t stream) const {
    MovingSprites::Options options = sprites->options();
    options.frames = length;
    options.seed = seed * 100 + stream;
    return MovingSprites(sprites->images(), options);
  }
};

/// What it has learned.
struct Learned {
  bool complete = true;                    ///< false after Ctrl-C
  Section section;                         ///< of the page
  std::vector<Tensor<float>> snapshots;    ///< the same clips (8, 32, 64, 64, 1), from the same noise, over training
  std::vector<Tensor<float>> predictions;  ///< for each start, (1, 32, 64, 64, 1), of which 8 frames were given
  std::vector<Tensor<float>> between;      ///< from one clip to another, (1, 32, 64, 64, 1) each
  Curve curve;                             ///< its loss over training
  Quality quality;
};

template <class B>
Learned variational(const Task& task);
template <class B>
Learned adversarial(const Task& task);
template <class B>
Learned autoregressive(const Task& task);
template <class B>
Learned flow(const Task& task);
template <class B>
Learned disentangled(const Task& task);
/// Of any clips: knows nothing of pictures and paths.
template <class B>
Learned generic(const Task& task);

/// Explicit instantiations of a family's function, for each backend that there is.
#ifdef FLIPBOOK_CUDA
#define FLIPBOOK_DEMO_FAMILY(name)         \
  template Learned name<Cpu>(const Task&); \
  template Learned name<Cuda>(const Task&);
#else
#define FLIPBOOK_DEMO_FAMILY(name) template Learned name<Cpu>(const Task&);
#endif

/// A part of a task's time, as shares of it.
struct Span {
  double begin, end;
};

/// Trains on a source for a part of the task's time, and calls sketch() once for each of `sketches`, when that share of
/// it has passed. Returns false after Ctrl-C.
template <class Trainer, class Source, class Sketch>
bool train(Trainer& trainer, const Source& source, const Task& task, const std::string& name, const Span& span,
           FitOptions how, const Sketch& sketch) {
  const double seconds = task.seconds * (span.end - span.begin);
  how.minutes = seconds / 60;
  how.title.clear();
  const auto began = std::chrono::steady_clock::now();
  std::size_t next = 0;
  const auto sketch_until = [&](double share) {
    for (; next < sketches.size() && sketches[next] <= share; ++next) sketch();
  };
  sketch_until(0);
  const bool complete = trainer.fit(source, how, [&](Index, const Losses& losses) {
    const double share = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() / seconds;
    task.board.update(name, span.begin + share * (span.end - span.begin), losses);
    if (share < 1) sketch_until(share);
  });
  sketch_until(1);
  return complete;
}
template <class Trainer, class Source>
bool train(Trainer& trainer, const Source& source, const Task& task, const std::string& name, const Span& span,
           const FitOptions& how) {
  return train(trainer, source, task, name, span, how, [] {});
}

inline std::string decimal(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

/// A loss over the minutes of training.
template <class Trainer>
Curve curve_of(const std::string& name, const Trainer& trainer, double minutes) {
  Curve curve{.name = name};
  const auto& rows = trainer.history().rows();
  for (const auto& row : rows) {
    if (!row.values.empty() && std::isfinite(row.values[0]))
      curve.add(minutes * static_cast<double>(row.step) / static_cast<double>(trainer.steps()), row.values[0]);
  }
  return curve;
}

/// What all pages say of a family that is trained: how good its clips are, its loss, its size.
/// @param sample      called as sample(n, rng), gives clips (n, T, 64, 64, 1) with T ≥ 16
/// @param parameters  in all of its networks
template <class Trainer, class Sample>
void conclude(Learned& learned, const Task& task, const Trainer& trainer, Index parameters, const Sample& sample) {
  if (task.judge) {
    learned.quality = task.judge->measure([&](Index first, Index n) {
      return sample(n, Rng{13, static_cast<std::uint64_t>(first)});
    });
  }
  learned.curve = curve_of(learned.section.family, trainer, task.seconds / 60);
  learned.section.facts = {{"parameters", grouped(parameters)}, {"steps", grouped(trainer.steps())}};
  learned.section.source_title = "The model, as written in examples/demo/" + learned.section.source_title;
}

/// The lines of a source file between // [name] and // [/name]; none where it is not there to be read.
std::string shown_source(const std::string& file, const std::string& name);

}  // namespace flipbook::examples::demo
