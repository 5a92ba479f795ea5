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
  Index steps = 1000;  ///< taken in all when `fit` returns, resumed ones included
  Index batch = 8;     ///< clips in a step, of each rank where several train together
  int workers = 1;     ///< threads that prepare batches
  StepOptions step = {};
  double minutes = 0;                     ///< where it is given, `fit` trains so long, in place of `steps` steps
  schedule::Any learning_rate = {};       ///< of the step; empty: as the rule says
  schedule::OfShare rate_of_share = {};   ///< in its place, of the part of the steps or minutes that has passed
  std::filesystem::path checkpoint = {};  ///< where progress is kept, tried before the first step; empty: nowhere
  double checkpoint_every = 60;           ///< seconds
  Index keep = 1;  ///< checkpoints; older ones stand beside the newest, as `older_checkpoint` says
  /// What a model is worth, the less the better, such as a loss on clips for validation. The model with the best of it
  /// is kept as `best_checkpoint(checkpoint)`.
  std::function<double()> evaluate = {};
  Index evaluate_every = 0;       ///< steps; 0: where a checkpoint is written
  bool higher_is_better = false;  ///< of what `evaluate` gives
  /// So many steps in a row may be left out because they are not finite; one more ends the training. Their number in
  /// all is among the losses, as "skipped". What they would have done is said on stderr.
  Index skip_not_finite = 0;
  std::function<void(const StepReport&)> monitor = {};  ///< is told what a step was like, on rank 0
  Index monitor_every = 100;                            ///< steps
  std::string title = "training";                       ///< of the progress bar; empty: none
  std::string unit = "clips";
};

}  // namespace flipbook
