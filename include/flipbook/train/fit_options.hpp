// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <flipbook/optim/schedule.hpp>
#include <flipbook/train/monitor.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How `Trainer::fit` trains.
struct FitOptions {
  Index steps = 1000;  ///< total when `fit` returns, including those before a resumption
  Index batch = 8;     ///< clips in a step, for each rank
  int workers = 1;     ///< threads that prepare batches
  StepOptions step = {};
  double minutes = 0;                     ///< if given, `fit` trains for this time instead of `steps` steps
  schedule::Any learning_rate = {};       ///< of the step; empty: the rule's
  schedule::OfShare rate_of_share = {};   ///< instead, of the completed fraction of steps or minutes
  std::filesystem::path checkpoint = {};  ///< its file, tested before the first step; empty: none
  double checkpoint_every = 60;           ///< seconds
  Index keep = 1;                         ///< number of checkpoints; older ones are named by `older_checkpoint`
  /// Evaluates the model, such as by a loss on validation clips; lower is better. The model with the best value is kept
  /// as `best_checkpoint(checkpoint)`.
  std::function<double()> evaluate = {};
  Index evaluate_every = 0;       ///< steps; 0: whenever a checkpoint is written
  bool higher_is_better = false;  ///< order of the values of `evaluate`
  /// The number of consecutive steps that may be skipped because they are not finite; one more ends the training. Their
  /// total is among the losses, as "skipped". The error of each is reported on stderr.
  Index skip_not_finite = 0;
  std::function<void(const StepReport&)> monitor = {};  ///< receives a report of a step, on rank 0
  Index monitor_every = 100;                            ///< steps
  std::string title = "training";                       ///< of the progress bar; empty: none
  std::string unit = "clips";
};

}  // namespace flipbook
