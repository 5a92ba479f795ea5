// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/train/checkpoint.hpp>
#include <flipbook/train/diagnosis.hpp>
#include <flipbook/train/fit.hpp>
#include <flipbook/train/fit_options.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/model_average.hpp>
#include <flipbook/train/stepper.hpp>
#include <flipbook/train/training.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// Checks the contract of models with `static constexpr bool unit_interval = true`. NaN is left to the check of the
/// loss.
/// @throws Error  if a number is outside [0, 1] by more than rounding and interpolation explain: states the range
template <class T, class B>
void require_unit_range(const Tensor<T, B>& clips) {
  constexpr float slack = 0.01F;
  const Tensor<float, Cpu> here = to<Cpu>(cast<float>(clips));
  const auto [least, most] = std::minmax_element(here.begin(), here.end());
  require(!(*least < -slack || *most > 1 + slack), "training: clips of shape ", clips.shape(), " have numbers from ",
          *least, " to ", *most,
          "; this model takes them in [0, 1]: divide 8-bit levels by 255, map [-1, 1] by (x + 1) / 2");
}

FLIPBOOK_TEMPLATE(void require_unit_range(const Tensor<float>&));

}  // namespace detail

/// A model with its training and optimisers. On Cuda a step is captured as a graph and replayed until the model's
/// settings change, if its training has
///
///     Index variant() const    the kind of the next step: steps of a kind launch the same, whatever their numbers
///
/// and makes no decision by numbers on the device. `fit` is the training loop of every example; `step` is one iteration
/// of it, for a loop of your own.
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

  /// One step on a batch of clips (N, …, C), in [0, 1] if the model requires it (`unit_interval`).
  /// @throws Error  if there are no clips, the first batch is outside the model's interval, or the loss is not finite;
  ///                the model is then unchanged
  Losses step(const BatchOf<Net, Tensor<T, B>>& clips, const StepOptions& how = {}) {
    require(clip_of(clips).size() > 0, "Trainer: a batch of no clips, of shape ", clip_of(clips).shape());
    if constexpr (requires { requires Net::unit_interval; }) {
      if (!std::exchange(range_checked_, true)) detail::require_unit_range(clip_of(clips));
    }
    require(
        how.micro_batches == 1 || requires { requires TrainingT::takes_micro_batches; },
        "training: this model's training takes no micro-batches, such as that of a game, whose players meet the "
        "same clips; train on smaller batches");
    const Rng before = rng_;
    Losses losses;
    try {
      rng_ = rng_.of_part(distributed::world().rank(), distributed::world().size());
      losses = stepper_.step(training_, model, clips, rng_, how);
    } catch (const NotFinite& error) {
      rng_ = before;
      const std::string why = why_not_finite(clips, how), what = error.what();
      throw NotFinite(why.empty() ? what : text(what.substr(0, what.find(';')), "; ", why));
    } catch (...) {
      rng_ = before;
      throw;
    }
    ++steps_;
    if (skipped_) losses.emplace_back("skipped", *skipped_);
    if (average_) average_->update(model);
    history_.add(steps_, losses);
    return losses;
  }

  /// Trains until `options.steps` steps have been taken in all, or for `options.minutes`. Returns false if the program
  /// was asked to stop (Ctrl-C).
  ///
  /// If a checkpoint is requested, it is written at intervals, at the end, and when the program is asked to stop. A
  /// failure to write it at an interval is retried later; at the end it is an error. If the source or `after_step`
  /// throws, the steps taken are saved first. A model that is not finite, or whose loss is not finite on a finite
  /// batch, never replaces a good one. Batch k does not depend on when it is requested, so a resumed run is bitwise
  /// identical.
  ///
  /// Several ranks (distributed/communicator.hpp) take a batch of `options.batch` clips each and stop together; the
  /// first of them writes and shows the progress. A rank that throws anything but NotFinite ends all.
  /// @param after_step  called as after_step(steps, losses); may return false to stop
  /// @throws Error      before the first step, if a checkpoint as large as this model's cannot be written; otherwise
  ///                    as `step`, and whatever the source or `after_step` throws
  template <DatasetFor<Net> Source, class F>
  bool fit(const Source& source, const FitOptions& options, const F& after_step) {
    return detail::Fit<Net, T, B, Rule>(*this, options).run(source, after_step);
  }
  template <DatasetFor<Net> Source>
  bool fit(const Source& source, const FitOptions& options = {}) {
    return fit(source, options, [](Index, const Losses&) {});
  }
  template <Dataset Source, class... F>
    requires(!DatasetFor<Source, Net>)
  detail::DataSetIsNotOfWhatTheModelIsTrainedOn fit(const Source&, const FitOptions& = {}, const F&...)
  = delete;

  /// Writes the model with all that training needs to resume bitwise identically; PyTorch and load_weights read it too.
  /// All of several ranks call it; the first writes.
  void save(const std::filesystem::path& path) {
    on_first_rank([&] { save_checkpoint(path, state()); });
  }
  /// Resumes from a file of `save`.
  /// @throws Error  if it cannot be read or is of another model or rule; nothing has been changed then
  void resume(const std::filesystem::path& path, ResumeOptions how = {}) {
    const bool sharded = sharded_;
    shard_optimizers(false);
    try {
      load_checkpoint(path, state(), how);
    } catch (...) {
      shard_optimizers(sharded);
      throw;
    }
    shard_optimizers(sharded);
  }

  Index steps() const noexcept { return steps_; }
  /// The best value of `FitOptions::evaluate` so far.
  const std::optional<double>& best() const noexcept { return best_; }
  /// Whether steps are captured as a graph and replayed, as on Cuda after the first few.
  bool captured() const noexcept { return stepper_.captured(); }
  const History& history() const noexcept { return history_; }
  Rng& rng() noexcept { return rng_; }
  auto& training() noexcept { return training_; }
  const auto& training() const noexcept { return training_; }

  /// Sets the learning rate of all optimisers' rules; each still multiplies it by its factor.
  void set_learning_rate(double rate) {
    training_.visit_optimizers([&](const std::string&, auto& optimizer) { optimizer.rule.learning_rate = rate; });
  }
  /// Multiplies the learning rate of one optimiser by `factor`, under any schedule; "discriminator" by 4: Heusel et
  /// al., GANs trained by a two time-scale update rule, 2017.
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

  /// Sets whether each of several ranks keeps only its share of the optimisers' state (`Optimizer::shard`).
  void shard_optimizers(bool shard = true) {
    training_.visit_optimizers([&](const std::string&, auto& optimizer) {
      if (shard) optimizer.shard();
      else optimizer.unshard();
    });
    sharded_ = shard;
  }

  /// Changes the settings of the parameters whose names match a pattern from now on: "*.bias", "decoder.*", where *
  /// stands for any characters. If a parameter is in several groups, the last one set applies. Files do not contain
  /// groups.
  ///
  ///     trainer.set_group(fb::is_vector, {.weight_decay = 0});          // biases, factors of normalisations
  ///     trainer.set_group("encoder.*", {.rate_factor = 0.1});
  ///
  /// The gradient of a frozen parameter is still computed, and counts in clip_norm.
  /// @throws Error  if no trained parameter has such a name: lists their names; if a number is negative or not finite,
  ///                or the rule has no weight decay
  void set_group(const std::string& pattern, const ParameterGroup& group) {
    set_group(text("'", pattern, "'"), group,
              [&](const std::string& name, const Shape&) { return detail::matches(pattern, name); });
  }
  void set_group(const ParameterChoice& chosen, const ParameterGroup& group) {
    set_group("what was chosen", group, chosen);
  }

  /// Keeps an exponential moving average of the parameters and buffers from now on.
  void keep_average(double decay) { average_.emplace(decay, model); }
  bool keeps_average() const noexcept { return average_.has_value(); }
  /// Calls f() with the average in place of the model's parameters and buffers.
  template <class F>
  auto with_average(const F& f) {
    require(average_.has_value(), "with_average: no average is kept; call keep_average(decay) before training");
    return average_->in_place_of(model, f);
  }

 private:
  using TrainingT = typename detail::TrainingOf<Net, T, B, Rule>::Type;
  friend detail::Fit<Net, T, B, Rule>;

  static Module<Net, T, B> as_on_first_rank(Module<Net, T, B> untrained) {
    copy_from_first_rank(untrained.parameters());
    copy_from_first_rank(untrained.buffers());
    return untrained;
  }

  /// Calls write(), which collects the state, on the first rank; the others send it their shares.
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
    if (average_) visit("average", average_->state(model));
    visit("rng", rng_);
    visit("steps", detail::StepCount{steps_});
    visit("best", best_), visit("skipped", skipped_);
    visit("history", history_);
  }

  void set_group(const std::string& what, const ParameterGroup& group, const ParameterChoice& chosen) {
    std::vector<std::string> names;
    bool any = false;
    training_.visit_optimizers([&](const std::string&, auto& optimizer) {
      any = optimizer.set_group_if_any(model, chosen, group, names) || any;
    });
    if (!any) detail::fail_unmatched(what, names);
    stepper_ = {};
  }
  /// The origin of the first number that is not finite, found by repeating the step under observation.
  std::string why_not_finite(const BatchOf<Net, Tensor<T, B>>& clips, const StepOptions& how) {
    if (std::string data = detail::not_finite_data(clips); !data.empty()) return data;
    const distributed::Use alone(distributed::alone);  // other ranks may have found the origin in their data
    Snapshot<B> before;
    before.add(model.parameters()), before.add(model.buffers());
    training_.visit_optimizers([&](const std::string&, auto& optimizer) { before.add(optimizer); });
    detail::FirstNotFinite first(detail::names_of(detail::fields_of(model)));
    const Observing observing(first);
    Rng again = rng_;
    try {
      (void)training_.step(model, clips, again, how);
    } catch (const NotFinite&) {
      return first.found();
    }
    return first.found();  // in half the device skips such a step
  }
  /// Continues as after a step that changed nothing.
  Losses skipped_step(const NotFinite& error) {
    ++steps_;
    (void)rng_.split();
    skipped_ = skipped_.value_or(0) + 1;
    const Losses losses{{"skipped", *skipped_}};
    history_.add(steps_, losses);
    std::fprintf(stderr, "\nflipbook: step %td was left out: %s\n", steps_, error.what());
    return losses;
  }
  /// The state, collected for a file; a copy can be written while training continues.
  detail::CheckpointWriter written(bool copy) {
    detail::CheckpointWriter run(copy);
    visit_state(run);
    return run;
  }

  Rng rng_;
  TrainingT training_;
  detail::Stepper<T, B, BatchOf<Net, Tensor<T, B>>> stepper_;
  std::optional<ModelAverage<T, B>> average_;
  History history_;
  std::optional<double> best_, skipped_;
  Index steps_ = 0;
  bool range_checked_ = false, sharded_ = false;
};

template <class Net, class T, class B, class Rule>
Trainer(Module<Net, T, B>, Rule, std::uint64_t) -> Trainer<Net, T, B, Rule>;
template <class Net, class T, class B, class Rule>
Trainer(Module<Net, T, B>, Rule) -> Trainer<Net, T, B, Rule>;

}  // namespace flipbook
