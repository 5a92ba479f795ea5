// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <flipbook/distributed/collectives.hpp>
#include <flipbook/optim/average.hpp>
#include <flipbook/optim/schedule.hpp>
#include <flipbook/train/checkpoint.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/interrupt.hpp>
#include <flipbook/train/progress.hpp>
#include <flipbook/train/stepper.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
struct DataSetIsNotOfWhatTheModelIsTrainedOn;  // compilers print it where a data set cannot be taken
template <class Net, class V>
struct BatchOfT {
  using Type = V;
};
template <class Net, class V>
  requires AnnotatedClip<typename Net::template Batch<V>>
struct BatchOfT<Net, V> {
  using Type = typename Net::template Batch<V>;
};
}  // namespace detail

/// What a model is trained on, of values V: V itself, or `Net::Batch<V>`, an AnnotatedClip, where Net names one.
template <class Net, class V>
using BatchOf = typename detail::BatchOfT<Net, V>::Type;

/// A data set of what the model is trained on. One of annotated clips is also `ClipsOnly(source)`.
template <class Source, class Net>
concept DatasetFor = Dataset<Source> && std::same_as<ClipOf<Source>, BatchOf<Net, Tensor<float>>>;

/// A model that is trained on one loss. Its instance, an Of<Net, T, B>, has
///
///     V loss(const V& clips) const    of variables V, such as Variable<T, B>: clips (N, …, C), a single number
///
/// One that is trained on annotated clips takes a batch of them, `loss(const LabelledClip<V>& clips)`, and names them
/// in Net: `template <class V> using Batch = LabelledClip<V>`.
template <class Net, class T, class B>
concept LossModel = requires(const Of<Net, T, B>& model, const BatchOf<Net, Variable<T, B>>& clips) {
  { model.loss(clips) } -> std::convertible_to<Variable<T, B, Order::higher>>;
};

/// The steps of a model whose members are all trained on one loss, `model->loss(clips)`.
template <class Net, Real T, class B, class Rule>
class LossTraining {
 public:
  LossTraining(const Module<Net, T, B>& model, const Rule& rule) : optimizer_(rule, model.parameters()) {}

  Losses step(const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& clips, Rng& rng,
              const StepOptions& how) {
    const auto loss = [&](Tape& tape) {
      return model->loss(map_members(clips, [&](const Tensor<T, B>& x) { return tape.constant(x); }));
    };
    return {{"loss", train_step(model, optimizer_, rng, loss, how)}};
  }
  Index variant() const { return 0; }
  void visit_optimizers(auto&& f) { f("optimizer", optimizer_); }

 private:
  Optimizer<Rule, T, B> optimizer_;
};

namespace detail {
struct AnyOptimizer {
  template <class Rule, class T, class B>
  void operator()(const std::string& name, Optimizer<Rule, T, B>& optimizer) const;
};
}  // namespace detail

/// How a model is trained, step by step, such as LossTraining; made from the model and an optimiser's rule. A model
/// that is trained in a way of its own, such as an adversarial one, has one as `Net::Training<T, B, Rule>`.
///
///     Losses step(const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& clips, Rng& rng,
///                 const StepOptions& how)
///     void visit_optimizers(auto&& f)    calls f(name, optimizer) for each of its optimisers
///
/// A step is a function of what it is given and of its members that changes the model's parameters and buffers and the
/// optimisers, or throws and changes nothing. Where it has `Index variant() const`, Cuda may capture it: see Trainer.
template <class S, class Net, class T, class B, class Rule>
concept Training = std::constructible_from < S,
        const Module<Net, T, B>
&, const Rule& > &&requires(S& training, const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& clips,
                            Rng& rng, const StepOptions& how) {
  { training.step(model, clips, rng, how) } -> std::same_as<Losses>;
  training.visit_optimizers(detail::AnyOptimizer{});
};

namespace detail {

template <class Net, class T, class B, class Rule>
struct TrainingOf {
  static_assert(LossModel<Net, T, B>, "Trainer: the model is not a LossModel, nor has it a class Training of its own");
  using Type = LossTraining<Net, T, B, Rule>;
};
/// A model that is trained in a way of its own, such as an adversarial one, brings it.
template <class Net, class T, class B, class Rule>
  requires requires { typename Net::template Training<T, B, Rule>; }
struct TrainingOf<Net, T, B, Rule> {
  using Type = typename Net::template Training<T, B, Rule>;
  static_assert(Training<Type, Net, T, B, Rule>, "Trainer: the model's Training is not a Training");
};

/// Checks the contract of models with `static constexpr bool unit_interval = true`. NaN is left to the check of the
/// loss.
/// @throws Error  if a number is outside [0, 1] by more than rounding and interpolation explain: says which are there
template <class T, class B>
void require_unit_range(const Tensor<T, B>& clips) {
  constexpr float slack = 0.01F;
  const Tensor<float, Cpu> here = to<Cpu>(cast<float>(clips));
  const auto [least, most] = std::minmax_element(here.begin(), here.end());
  require(!(*least < -slack || *most > 1 + slack), "training: clips of shape ", clips.shape(), " have numbers from ",
          *least, " to ", *most,
          "; this model takes them in [0, 1]: divide 8-bit levels by 255, map [-1, 1] by (x + 1) / 2");
}

template <class T, class B>
bool all_finite(const Tensor<T, B>& x) {
  const Tensor<Wide<T>, Cpu> here = to<Cpu>(cast<Wide<T>>(x));
  return std::ranges::all_of(here, [](auto number) { return std::isfinite(number); });
}

/// What a rank says after a step, and what all of them then do: rank 0's clock counts, and any may stop.
struct Decision {
  double share = 0;  ///< of the training that has passed
  bool stop = false, interrupted = false, save = false;
};
inline Decision agreed(const Decision& mine) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return mine;
  const bool first = ranks.rank() == 0;
  std::array<double, 4> votes{first ? mine.share : 0, mine.stop ? 1.0 : 0, mine.interrupted ? 1.0 : 0,
                              first && mine.save ? 1.0 : 0};
  ranks.sum(votes.data(), votes.size(), distributed::Number::float64);
  return {votes[0], votes[1] > 0, votes[2] > 0, votes[3] > 0};
}

inline std::string reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception was thrown";
  }
}

}  // namespace detail

/// How `Trainer::fit` trains.
struct FitOptions {
  Index steps = 1000;  ///< taken in all when `fit` returns, resumed ones included
  Index batch = 8;     ///< clips in a step, of each rank where several train together
  int workers = 1;     ///< threads that prepare batches
  StepOptions step = {};
  double minutes = 0;                     ///< where it is given, `fit` trains so long, in place of `steps` steps
  schedule::Any learning_rate = {};       ///< of the step; empty: as the rule says
  schedule::OfShare rate_of_share = {};   ///< in its place, of the part of the steps or minutes that has passed
  std::filesystem::path checkpoint = {};  ///< where progress is kept, tried before the first step; empty: nowhere
  double checkpoint_every = 60;           ///< seconds
  std::string title = "training";         ///< of the progress bar; empty: none
  std::string unit = "clips";
};

/// A model with what trains it. On Cuda a step is captured as a graph and replayed until the model's settings change,
/// where its training has
///
///     Index variant() const    of which kind the next step is: steps of a kind launch the same, whatever their numbers
///
/// and takes no decision by numbers on the device. `fit` is the loop that every example runs; `step` is one turn of it,
/// for a loop of one's own.
///
///     fb::Trainer trainer{fb::Module<Vae3d, float>{rng}, fb::optim::Adam{.learning_rate = 1e-3}};
///     trainer.fit(clips, {.steps = 2000, .batch = 8, .checkpoint = "vae.safetensors"});
///     auto samples = trainer.model->sample(4, rng);
template <class Net, Real T, class B, class Rule>
class Trainer {
 public:
  Module<Net, T, B> model;

  explicit Trainer(Module<Net, T, B> untrained, Rule rule = {}, std::uint64_t seed = 0)
      : model(as_on_first_rank(std::move(untrained))), rng_(seed), training_(model, rule) {}

  /// One step on a batch of clips (N, …, C), in [0, 1] where the model says so (`unit_interval`).
  /// @throws Error  if there are no clips, the first batch is outside the model's interval, or the loss is not finite;
  ///                the model is then as it was
  Losses step(const BatchOf<Net, Tensor<T, B>>& clips, const StepOptions& how = {}) {
    require(clip_of(clips).size() > 0, "Trainer: a batch of no clips, of shape ", clip_of(clips).shape());
    if constexpr (requires { requires Net::unit_interval; }) {
      if (!std::exchange(range_checked_, true)) detail::require_unit_range(clip_of(clips));
    }
    const Rng before = rng_;
    Losses losses;
    try {
      rng_ = rng_.of_part(distributed::world().rank(), distributed::world().size());
      losses = stepper_.step(training_, model, clips, rng_, how);
    } catch (...) {
      rng_ = before;
      throw;
    }
    ++steps_;
    if (average_) average_->update(model.parameters());
    history_.add(steps_, losses);
    return losses;
  }

  /// Trains until `options.steps` steps have been taken in all, or for `options.minutes`, and keeps a checkpoint where
  /// one is asked for: now and then, at the end, and when the program is told to stop (Ctrl-C), in which case it
  /// returns false. A checkpoint that cannot be written now and then is tried again later; one that could not be
  /// written at the end is an error. Whatever is thrown on the way, by the source or by `after_step`, the steps that
  /// were taken are saved first. A model that is not finite, or whose loss is not although its batch is, is never saved
  /// in the place of a good one. Batch k is the same whenever it is asked for, so a resumed run goes through the same
  /// bits. Several ranks (distributed/communicator.hpp) take a batch of `options.batch` clips each, stop together, and
  /// the first of them writes and shows the progress; one that throws anything but NotFinite ends all.
  /// @param after_step  called as after_step(steps, losses); may return false to stop
  /// @throws Error      before the first step, if a checkpoint as large as this model's cannot be written; otherwise
  ///                    as `step`, and whatever the source or `after_step` throws
  template <DatasetFor<Net> Source, class F>
  bool fit(const Source& source, const FitOptions& options, const F& after_step) {
    const bool timed = options.minutes > 0;
    if (!timed && steps_ >= options.steps) return true;
    distributed::Communicator& ranks = distributed::world();
    const bool first_rank = ranks.rank() == 0;
    if (!options.checkpoint.empty()) {
      on_first_rank([&] { detail::try_checkpoint(options.checkpoint, state()); });
    }
    detail::Batches<B, Source> batches(source, {.batch = options.batch,
                                                .workers = options.workers,
                                                .first = steps_,
                                                .part = ranks.rank(),
                                                .parts = ranks.size()});
    const auto cast_each = []<class X>(const Tensor<float, X>& x) { return cast<T>(x); };
    const Interrupt interrupt;
    std::optional<Progress> progress;
    if (!options.title.empty() && first_rank)
      progress.emplace(options.title, options.steps,
                       ProgressSettings{.unit = options.unit, .begin = steps_, .seconds = 60 * options.minutes});
    const Index began = steps_;
    const auto start = Clock::now();
    const auto share = [&] {
      return timed ? seconds_since(start) / (60 * options.minutes)
                   : static_cast<double>(steps_) / static_cast<double>(options.steps);
    };
    auto saved = start;
    detail::Decision all{.share = timed ? 0 : share()};
    bool diverged = false;
    double waited = 0;  // for data
    try {
      while (!all.stop && all.share < 1) {
        if (options.rate_of_share) set_learning_rate(options.rate_of_share(std::min(all.share, 1.0)));
        else if (options.learning_rate) set_learning_rate(options.learning_rate(steps_));
        const auto asked = Clock::now();
        const auto clips = map_members(batches.next(), cast_each);
        waited += seconds_since(asked);
        const Losses losses = step(clips, options.step, diverged);
        if (progress) progress->update(steps_, losses, (steps_ - began) * options.batch * ranks.size(), waited);
        const bool go_on = called(after_step, losses), told = interrupt.requested();
        all = detail::agreed({share(), !go_on || told, told, seconds_since(saved) > options.checkpoint_every});
        if (options.checkpoint.empty() || !all.save || all.stop || all.share >= 1) continue;
        saved_or_said(options.checkpoint);
        saved = Clock::now();
      }
    } catch (const NotFinite&) {  // all ranks throw it, since what they judge is summed over them
      if (!options.checkpoint.empty() && !diverged && steps_ > began) saved_or_said(options.checkpoint);
      throw;
    } catch (...) {
      const bool can_save = !sharded_ || ranks.size() == 1;  // the others are not there to give their shares
      if (!options.checkpoint.empty() && steps_ > began && can_save) saved_or_said(options.checkpoint, true);
      if (ranks.size() > 1) ranks.abort(detail::reason_of(std::current_exception()).c_str());
      throw;
    }
    if (!options.checkpoint.empty()) {
      save_finite(options.checkpoint);
      (void)mean_over_ranks(0.0);  // no rank goes on to read it before it is there
    }
    return !all.interrupted;
  }
  template <DatasetFor<Net> Source>
  bool fit(const Source& source, const FitOptions& options = {}) {
    return fit(source, options, [](Index, const Losses&) {});
  }
  template <Dataset Source, class... F>
    requires(!DatasetFor<Source, Net>)
  detail::DataSetIsNotOfWhatTheModelIsTrainedOn fit(const Source&, const FitOptions& = {}, const F&...)
  = delete;

  /// Writes the model with all that training needs to go on to the same bits; PyTorch and load_weights read it too.
  /// Of several ranks, which all call it, the first writes.
  void save(const std::filesystem::path& path) {
    on_first_rank([&] { save_checkpoint(path, state()); });
  }
  /// Goes on from a file of `save`.
  /// @throws Error  if it cannot be read or is of another model or rule; nothing has been changed then
  void resume(const std::filesystem::path& path) {
    const bool sharded = sharded_;
    shard_optimizers(false);
    try {
      load_checkpoint(path, state());
    } catch (...) {
      shard_optimizers(sharded);
      throw;
    }
    shard_optimizers(sharded);
  }

  Index steps() const noexcept { return steps_; }
  /// Whether steps are captured as a graph and replayed, as on Cuda after the first few.
  bool captured() const noexcept { return stepper_.captured(); }
  const History& history() const noexcept { return history_; }
  Rng& rng() noexcept { return rng_; }
  auto& training() noexcept { return training_; }
  const auto& training() const noexcept { return training_; }

  /// Sets the rate of all optimisers' rules; each goes on to multiply it by its factor.
  void set_learning_rate(double rate) {
    training_.visit_optimizers([&](const std::string&, auto& optimizer) { optimizer.rule.learning_rate = rate; });
  }
  /// One optimiser learns at `factor` times the rate of the rule, whatever a schedule makes of it; "discriminator" at
  /// 4: Heusel et al., GANs trained by a two time-scale update rule, 2017.
  /// @throws Error  if no optimiser of the training has this name
  void scale_learning_rate(const std::string& name, double factor) {
    std::string names;
    bool found = false;
    training_.visit_optimizers([&](const std::string& each, auto& optimizer) {
      names += (names.empty() ? "'" : ", '") + each + "'";
      if (each == name) found = true, optimizer.rate_factor = factor;
    });
    require(found, "scale_learning_rate: no optimiser '", name, "'; there are ", names);
  }

  /// Whether each of several ranks keeps only its share of what the optimisers remember (`Optimizer::shard`).
  void shard_optimizers(bool shard = true) {
    training_.visit_optimizers([&](const std::string&, auto& optimizer) {
      if (shard) optimizer.shard();
      else optimizer.unshard();
    });
    sharded_ = shard;
  }

  /// Keeps an exponential moving average of the parameters from now on.
  void keep_average(double decay) { average_.emplace(decay, model.parameters()); }
  bool keeps_average() const noexcept { return average_.has_value(); }
  /// Calls f() with the average in place of the parameters.
  template <class F>
  auto with_average(const F& f) {
    require(average_.has_value(), "with_average: no average is kept; call keep_average(decay) before training");
    const Swapped swapped(*average_, model.parameters());
    return f();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }

  static Module<Net, T, B> as_on_first_rank(Module<Net, T, B> untrained) {
    copy_from_first_rank(untrained.parameters());
    copy_from_first_rank(untrained.buffers());
    return untrained;
  }

  struct Swapped {
    MovingAverage<T, B>& average;
    const Tensor<T, B>& parameters;
    Swapped(MovingAverage<T, B>& a, const Tensor<T, B>& p) : average(a), parameters(p) { average.swap(parameters); }
    ~Swapped() { average.swap(parameters); }
  };

  /// Calls write(), which takes the state down, on the first rank; the others give it their shares of that.
  template <class Write>
  void on_first_rank(const Write& write) {
    if (distributed::world().rank() == 0) return write();
    training_.visit_optimizers([](const std::string&, const auto& optimizer) {
      optimizer.visit([&](const auto&, const auto& memory) { optimizer.whole(memory); });
    });
  }
  auto state() {
    return [this](auto&& visit) { this->visit_state(visit); };
  }
  void visit_state(auto& visit) {
    visit("", model);
    training_.visit_optimizers(visit);
    if (average_) visit("average", *average_);
    visit("rng", rng_);
    visit("steps", detail::StepCount{steps_});
    visit("history", history_);
  }

  /// A step; `diverged` is set where it is not finite by the model's fault.
  Losses step(const BatchOf<Net, Tensor<T, B>>& clips, const StepOptions& how, bool& diverged) {
    try {
      return step(clips, how);
    } catch (const NotFinite&) {
      diverged = true;
      for_each_member(clips, [&](std::string_view, const auto& x) { diverged = diverged && detail::all_finite(x); });
      throw;
    }
  }
  void save_finite(const std::filesystem::path& path, bool whatever_rank = false) {
    if (!detail::all_finite(model.parameters()) || !detail::all_finite(model.buffers())) {
      throw NotFinite(text("training: the model is not finite after ", steps_, " steps, and ", detail::quoted(path),
                           " was not written; lower the learning rate"));
    }
    if (whatever_rank) save_checkpoint(path, state());
    else save(path);
  }
  /// Writes a checkpoint, or says on stderr why it cannot be.
  void saved_or_said(const std::filesystem::path& path, bool whatever_rank = false) noexcept {
    try {
      save_finite(path, whatever_rank);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "\nflipbook: no checkpoint was written: %s\n", error.what());
    }
  }

  template <class F>
  bool called(const F& after_step, const Losses& losses) {
    if constexpr (std::is_void_v<decltype(after_step(steps_, losses))>) {
      after_step(steps_, losses);
      return true;
    } else {
      return after_step(steps_, losses);
    }
  }

  Rng rng_;
  typename detail::TrainingOf<Net, T, B, Rule>::Type training_;
  detail::Stepper<T, B, BatchOf<Net, Tensor<T, B>>> stepper_;
  std::optional<MovingAverage<T, B>> average_;
  History history_;
  Index steps_ = 0;
  bool range_checked_ = false, sharded_ = false;
};

template <class Net, class T, class B, class Rule>
Trainer(Module<Net, T, B>, Rule, std::uint64_t) -> Trainer<Net, T, B, Rule>;
template <class Net, class T, class B, class Rule>
Trainer(Module<Net, T, B>, Rule) -> Trainer<Net, T, B, Rule>;

}  // namespace flipbook
