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

FLIPBOOK_TEMPLATE(void require_unit_range(const Tensor<float>&));

}  // namespace detail

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

  /// Writes the model with all that training needs to go on to the same bits; PyTorch and load_weights read it too.
  /// Of several ranks, which all call it, the first writes.
  void save(const std::filesystem::path& path) {
    on_first_rank([&] { save_checkpoint(path, state()); });
  }
  /// Goes on from a file of `save`.
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
  /// The best that `FitOptions::evaluate` has given so far.
  const std::optional<double>& best() const noexcept { return best_; }
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

  /// Trains the parameters of a name otherwise than the rule says, from now on: "*.bias", "decoder.*", where * stands
  /// for any characters. Of several groups that a parameter is in, the one that was set last holds. Files do not keep
  /// groups.
  ///
  ///     trainer.set_group(fb::is_vector, {.weight_decay = 0});          // biases, factors of normalisations
  ///     trainer.set_group("encoder.*", {.rate_factor = 0.1});
  ///
  /// The gradient of a frozen one is still computed, and counts in clip_norm.
  /// @throws Error  if no parameter that is trained has such a name: says which there are; if a number is negative or
  ///                not finite, or the rule has no weight decay
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
  /// What the first number of a step was that is not finite, which is found by taking the step again with all that it
  /// computes in view.
  std::string why_not_finite(const BatchOf<Net, Tensor<T, B>>& clips, const StepOptions& how) {
    if (std::string data = detail::not_finite_data(clips); !data.empty()) return data;
    const distributed::Use alone(distributed::alone);  // other ranks may have found theirs in their data
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
    return first.found();  // in half the device leaves such a step out
  }
  /// Goes on as after a step that has changed nothing.
  Losses skipped_step(const NotFinite& error) {
    ++steps_;
    (void)rng_.split();
    skipped_ = skipped_.value_or(0) + 1;
    const Losses losses{{"skipped", *skipped_}};
    history_.add(steps_, losses);
    std::fprintf(stderr, "\nflipbook: step %td was left out: %s\n", steps_, error.what());
    return losses;
  }
  /// The state, taken down for a file; a copy can be written while training goes on.
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
