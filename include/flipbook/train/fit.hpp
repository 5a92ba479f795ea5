// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

#include <flipbook/train/agreement.hpp>
#include <flipbook/train/fit_options.hpp>
#include <flipbook/train/interrupt.hpp>
#include <flipbook/train/keeper.hpp>
#include <flipbook/train/monitor.hpp>
#include <flipbook/train/progress.hpp>
#include <flipbook/train/stepper.hpp>
#include <flipbook/train/training.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

template <class Net, Real T, class B, class Rule>
class Trainer;

namespace detail {

template <class T, class B>
bool all_finite(const Tensor<T, B>& x) {
  const Tensor<Wide<T>, Cpu> here = to<Cpu>(cast<Wide<T>>(x));
  return std::ranges::all_of(here, [](auto number) { return std::isfinite(number); });
}

/// One run of `Trainer::fit`: its loop, with its clock, progress and checkpoints.
template <class Net, Real T, class B, class Rule>
class Fit {
 public:
  Fit(Trainer<Net, T, B, Rule>& trainer, const FitOptions& options)
      : trainer_(trainer), options_(options), began_(trainer.steps_) {
    require(options.monitor_every >= 1, "training: a monitor that is told every ", options.monitor_every, " steps");
  }

  /// @return  false if the program was asked to stop
  template <class Source, class F>
  bool run(const Source& source, const F& after_step) {
    if (!timed_ && trainer_.steps_ >= options_.steps) return true;
    open_checkpoint();
    Batches<B, Source> batches(source, {.batch = options_.batch,
                                        .workers = options_.workers,
                                        .first = began_,
                                        .part = ranks_.rank(),
                                        .parts = ranks_.size()});
    const Interrupt interrupt;
    open_progress();
    start_ = saved_ = Clock::now();
    Decision all{.share = timed_ ? 0 : share()};
    try {
      while (!all.stop && all.share < 1) {
        set_learning_rate(all.share);
        const Losses losses = step(next(batches));
        if (progress_)
          progress_->update(trainer_.steps_, losses, (trainer_.steps_ - began_) * options_.batch * ranks_.size(),
                            waited_);
        const bool go_on = called(after_step, losses), told = interrupt.requested();
        const bool time = keeper_ && seconds_since(saved_) > options_.checkpoint_every && !keeper_->busy();
        all = agreed({share(), !go_on || told, told, time});
        if (!options_.checkpoint.empty() && !all.interrupted) keep_where_due(all);
      }
    } catch (const NotFinite&) {  // all ranks throw it, since they check sums over the ranks
      if (keeps_steps() && !diverged_) trainer_.on_first_rank([&] { save_or_say(); });
      throw;
    } catch (...) {
      save_what_was_learnt();
      if (ranks_.size() > 1) end_all(ranks_, std::current_exception());
      throw;
    }
    if (!options_.checkpoint.empty()) {
      trainer_.on_first_rank([&] { keeper_->keep_now(trainer_.written(false), trainer_.steps_); });
      (void)mean_over_ranks(0.0);  // no rank continues to read it before it exists
    }
    return !all.interrupted;
  }

 private:
  using Clips = BatchOf<Net, Tensor<T, B>>;
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }
  /// The completed fraction of the steps or minutes.
  double share() const {
    return timed_ ? seconds_since(start_) / (60 * options_.minutes)
                  : static_cast<double>(trainer_.steps_) / static_cast<double>(options_.steps);
  }

  void open_checkpoint() {
    if (options_.checkpoint.empty()) {
      require(!options_.evaluate, "training: the best model is kept beside a checkpoint; give its path");
      return;
    }
    trainer_.on_first_rank([&] {
      keeper_.emplace(options_.checkpoint, options_.keep, options_.evaluate != nullptr);
      keeper_->try_out(trainer_.written(false));
    });
    if (options_.evaluate && trainer_.steps_ > 0) {
      trainer_.best_ = best_so_far(trainer_.best_, best_checkpoint(options_.checkpoint), options_.higher_is_better);
    }
  }
  void open_progress() {
    if (options_.title.empty() || ranks_.rank() != 0) return;
    progress_.emplace(options_.title, options_.steps,
                      ProgressSettings{.unit = options_.unit, .begin = began_, .seconds = 60 * options_.minutes});
  }

  void set_learning_rate(double share_passed) {
    if (options_.rate_of_share) trainer_.set_learning_rate(options_.rate_of_share(std::min(share_passed, 1.0)));
    else if (options_.learning_rate) trainer_.set_learning_rate(options_.learning_rate(trainer_.steps_));
  }
  template <class Source>
  Clips next(Batches<B, Source>& batches) {
    const auto asked = Clock::now();
    auto clips = map_members(batches.next(), []<class X>(const Tensor<float, X>& x) { return cast<T>(x); });
    waited_ += seconds_since(asked);
    return clips;
  }

  /// One step, or none if it is not finite and may be skipped.
  Losses step(const Clips& clips) {
    try {
      const bool watched = options_.monitor && (trainer_.steps_ + 1) % options_.monitor_every == 0;
      const Losses losses = watched ? monitored_step(clips) : trainer_.step(clips, options_.step);
      in_a_row_ = 0;
      return losses;
    } catch (const NotFinite& error) {
      if (in_a_row_++ < options_.skip_not_finite) return trainer_.skipped_step(error);
      bool finite_data = true;
      for_each_member(clips, [&](std::string_view, const auto& x) { finite_data = finite_data && all_finite(x); });
      diverged_ = mean_over_ranks(finite_data ? 1.0 : 0.0) == 1;  // no, if data of any rank are not finite
      throw;
    }
  }
  Losses monitored_step(const Clips& clips) {
    StepOptions how = options_.step;
    how.capture = false;
    StepReport report = monitored(trainer_.model, [&] { return trainer_.step(clips, how); });
    report.step = trainer_.steps_;
    if (ranks_.rank() == 0) options_.monitor(report);
    return report.losses;
  }
  /// Calls after_step(steps, losses); returns whether training continues.
  template <class F>
  bool called(const F& after_step, const Losses& losses) const {
    if constexpr (std::is_void_v<decltype(after_step(trainer_.steps_, losses))>) {
      after_step(trainer_.steps_, losses);
      return true;
    } else {
      return after_step(trainer_.steps_, losses);
    }
  }

  /// Starts writing a checkpoint in the background if one is due, and the best model if it has just been found.
  void keep_where_due(const Decision& all) {
    const bool last = all.stop || all.share >= 1, due = all.save && !last;
    const bool best = options_.evaluate && to_evaluate(due || last) && is_best();
    if (due || best) {
      trainer_.on_first_rank([&] {
        keeper_->keep(std::make_shared<const CheckpointWriter>(trainer_.written(true)), trainer_.steps_, due, best);
      });
    }
    if (due) saved_ = Clock::now();
  }
  bool to_evaluate(bool writes) const {
    return options_.evaluate_every > 0 ? trainer_.steps_ % options_.evaluate_every == 0 : writes;
  }
  /// Evaluates the model, and stores the value if it is the best so far.
  bool is_best() {
    const double value = mean_over_ranks(options_.evaluate());
    const double sign = options_.higher_is_better ? -1 : 1;
    std::optional<double>& best = trainer_.best_;
    if (std::isnan(value) || (best && sign * value >= sign * *best)) return false;
    best = value;
    return true;
  }

  /// Whether this run has steps that must be saved after an error.
  bool keeps_steps() const { return !options_.checkpoint.empty() && trainer_.steps_ > began_; }
  void save_or_say() {
    keeper_->said([&] { keeper_->keep_now(trainer_.written(false), trainer_.steps_); });
  }
  /// After an error of this rank alone: saves the steps taken, unless this rank lacks the other ranks' shares.
  void save_what_was_learnt() {
    if (!keeps_steps() || (ranks_.size() > 1 && trainer_.sharded_)) return;
    if (!keeper_) keeper_.emplace(options_.checkpoint, options_.keep, false);
    save_or_say();
  }

  Trainer<Net, T, B, Rule>& trainer_;
  const FitOptions& options_;
  const bool timed_ = options_.minutes > 0;
  const Index began_;  // the steps taken before this run
  distributed::Communicator& ranks_ = distributed::world();
  std::optional<CheckpointKeeper> keeper_;  // of the first rank
  std::optional<Progress> progress_;
  Clock::time_point start_, saved_;
  double waited_ = 0;      // seconds, for data
  Index in_a_row_ = 0;     // consecutive skipped steps
  bool diverged_ = false;  // a step on finite data was not finite
};

}  // namespace detail
}  // namespace flipbook
