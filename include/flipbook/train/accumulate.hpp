// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <optional>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One step on a batch in `how.micro_batches` parts, computed one after another, so that memory is that of one part.
/// Losses and gradients are averaged, weighted by the parts' numbers of clips; buffers, such as running statistics, are
/// updated by every part. The result is the step on the whole batch, up to rounding, if the loss is a mean over
/// independent clips. Returns the loss.
/// @param module      the whole model; `part` and `parameters` as in backward_and_step
/// @param loss        called as loss(tape, clips of a part)
/// @throws Error      if there are fewer clips than parts, or in half, since the scale of the loss is that of one tape
/// @throws NotFinite  as backward_and_step
template <class Net, class T, class B, class Batch, class Part, class Rule, class Loss>
double accumulated_step(const Module<Net, T, B>& module, const Batch& batch, const Part& part,
                        const Tensor<T, B>& parameters, Optimizer<Rule, T, B>& optimizer, Rng& rng, const Loss& loss,
                        const StepOptions& how) {
  const Index clips = clip_of(batch).extent(0), parts = how.micro_batches;
  require(1 <= parts && parts <= clips, "training: ", clips, " clips cannot be cut into ", parts, " micro-batches");
  require(!std::same_as<T, half>, "training: no micro-batches in half; bfloat16 has the range of float");
  Snapshot<B> before;
  before.add(module.buffers());
  decltype(std::declval<Tape&>().gradients(loss(std::declval<Tape&>(), batch), part)) gradient;
  Tensor<T, B> lost;  // sum so far, a single number
  for (Index i = 0;; ++i) {
    const Index first = clips * i / parts, last = clips * (i + 1) / parts;
    Tape tape{part, rng.split()};
    const auto own = loss(tape, map_members(batch, [&](const Tensor<T, B>& x) { return x.slice(first, last); })) *
                     (static_cast<double>(last - first) / static_cast<double>(clips));
    const auto total = i == 0 ? own : own + tape.constant(lost);
    if (i > 0) tape.begin_gradient(parameters, std::move(gradient));
    if (i + 1 == parts) {
      const double value = backward_and_step(tape, total, part, parameters, optimizer, how);
      before.release();
      return value;
    }
    gradient = tape.gradients(total, part);
    lost = total.value();
    tape.apply_updates();
  }
}

}  // namespace flipbook
