// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include <flipbook/nn/module.hpp>
#include <flipbook/optim/clip.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/train/gradient_average.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/snapshot.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/train/cuda.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

/// How a training step is taken.
struct StepOptions {
  double clip_norm = 0;     ///< largest norm of the gradient, which is scaled down to it; 0: no limit
  Index micro_batches = 1;  ///< parts of a batch in Trainer, whose gradients are averaged: less memory for a step
  bool capture = true;      ///< on Cuda: Trainer captures a step and replays it, if the training allows it
};

namespace detail {

/// The number x as reported by a step: the mean over all ranks, each of which has it for its part of the batch.
template <class T>
double report(const Tensor<T, Cpu>& x) {
  return mean_over_ranks(static_cast<double>(x.item()));
}
#ifdef FLIPBOOK_CUDA
template <class T>
double report(const Tensor<T, Cuda>& x) {
  return cuda::report(mean_over_ranks(cast<double>(x)).data());
}
#endif

FLIPBOOK_INLINE void check_step(double loss, double length, Index steps);
FLIPBOOK_INLINE void check_buffers(bool finite, Index steps);

/// The gradient of parameters, in consecutive parts: the mean over all ranks, if there are several.
template <class T, Order order>
auto mean_gradients(Tape& tape, const Variable<T, Cpu, order>& loss, const Tape::Targets<T, Cpu>& parameters) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return tape.gradients(loss, parameters, {});
  GradientAverage<T> mean(ranks, parameters);
  tape.gradients(loss, parameters, {}, mean);
  return mean.finish();
}
/// Replaces each of these buffers, of type T, by its mean over all ranks.
template <class T>
[[gnu::cold]] void average_buffers(const std::vector<Tape::DeferredBuffer>& buffers) {
  for (const auto& [data, bytes, block] : buffers) {
    T* const numbers = static_cast<T*>(const_cast<void*>(data));
    Tensor<T> buffer({static_cast<Index>(bytes / sizeof(T))}, std::span(numbers, bytes / sizeof(T)));
    buffer = mean_over_ranks(buffer);
    std::copy(buffer.begin(), buffer.end(), numbers);
  }
}
/// Applies the updates of buffers, with the same result on all ranks.
template <class T>
void apply_updates(Tape& tape) {
  if (distributed::world().size() == 1) return tape.apply_updates();
  const std::vector<Tape::DeferredBuffer> buffers = tape.deferred_buffers();
  tape.apply_updates();
  average_buffers<T>(buffers);
}

template <class T, Order order, class Part, class Rule>
double backward_and_step(Tape& tape, const Variable<T, Cpu, order>& loss, const Part& part,
                         const Tensor<T, Cpu>& parameters, Optimizer<Rule, T, Cpu>& optimizer, const StepOptions& how) {
  const double value = report(loss.value());
  check_step(value, 0, optimizer.steps());
  const auto parts = mean_gradients(tape, loss, tape.targets<T, Cpu>(part));
  const std::span<const Tensor<T, Cpu>> gradient(parts);
  const double length = how.clip_norm > 0 ? optim::clip_norm(gradient, how.clip_norm) : optim::length(gradient);
  check_step(value, length, optimizer.steps());
  Snapshot<Cpu> before;
  before.add(tape);
  apply_updates<T>(tape);
  check_buffers(before.template finite<T>(), optimizer.steps());
  optimizer.step(parameters, gradient);
  before.release();
  return value;
}

#ifdef FLIPBOOK_CUDA
// The device checks a step and skips it if it is not finite. The host reads the result once, after all other work of
// the step has been launched; in a captured step, after the replay.
FLIPBOOK_TEMPLATE(void average_buffers<float>(const std::vector<Tape::DeferredBuffer>&));

template <class T, Order order, class Part, class Rule>
double backward_and_step(Tape& tape, const Variable<T, Cuda, order>& loss, const Part& part,
                         const Tensor<T, Cuda>& parameters, Optimizer<Rule, T, Cuda>& optimizer,
                         const StepOptions& how) {
  const auto judged = [&] {
    if constexpr (std::same_as<T, half>) {
      const Tensor<float, Cuda> scale = optimizer.loss_scale();
      const Tensor<T, Cuda> times = cast<T>(scale.slice(0, 1)).reshape(loss.shape());
      const Tensor<T, Cuda> gradient = mean_over_ranks(tape.gradient(loss * tape.constant(times), part));
      return std::pair{gradient, cuda::judge(mean_over_ranks(loss.value()), gradient, how.clip_norm, scale)};
    } else {
      const Tensor<T, Cuda> gradient = mean_over_ranks(tape.gradient(loss, part));
      return std::pair{gradient, cuda::judge(mean_over_ranks(loss.value()), gradient, how.clip_norm)};
    }
  };
  auto [gradient, judgement] = judged();
  cuda::apply_updates<T>(tape, judgement);
  optimizer.step(parameters, gradient, judgement.factor);
  // In half, a step whose gradient overflows is skipped without an error.
  const auto check = [&optimizer](double value, double length, double buffers) {
    if (value - value + length - length + buffers == 0) return;
    optimizer.resume(optimizer.steps() - 1);
    check_step(value, std::same_as<T, half> ? 0 : length, optimizer.steps());
    check_buffers(buffers == 0, optimizer.steps());
  };
  if (cuda::queue().capture == nullptr) {
    const std::vector<double> report = to_vector(judgement.report);
    check(report[0], report[1], report[2]);
    return report[0];
  }
  cuda::Capture& capture = *cuda::queue().capture;
  const std::array promises = capture.promise<3>(judgement.report.data());
  const double value = promises[0];
  capture.after_replay([&capture, check, promises] {
    check(capture.kept(promises[0]), capture.kept(promises[1]), capture.kept(promises[2]));
  });
  return value;
}
#endif

}  // namespace detail

/// A number reported by a training step. If the step is captured on a device to be replayed (Trainer), it stands for
/// the value of the replay, and must be put into the step's Losses unchanged, or with its sign changed.
template <class T, class B, Order order>
double reported(const Variable<T, B, order>& x) {
  return detail::report(x.value());
}

/// One step of an optimiser against the gradient of a loss, and the deferred updates of buffers. Returns the loss.
/// Gradients in half are scaled (LossScale); if they overflow, the step is skipped and not counted, and buffers do not
/// change.
/// @param part        the module, or member of one, whose parameters are trained; the tape must watch them
/// @param parameters  the same parameters in one tensor: `module.parameters()`, `module.part(member)`
/// @throws NotFinite  if the loss, the gradient's norm or a buffer's update is not finite; nothing has been changed
///                    then
template <class T, class B, Order order, class Part, class Rule>
double backward_and_step(Tape& tape, const Variable<T, B, order>& loss, const Part& part,
                         const Tensor<T, B>& parameters, Optimizer<Rule, T, B>& optimizer,
                         const StepOptions& how = {}) {
  return detail::backward_and_step(tape, loss, part, parameters, optimizer, how);
}

/// One step that lowers a loss: `loss(tape)` computes it in a recorded run.
///
///     fb::train_step(vae, optimizer, rng, [&](fb::Tape& tape) { return -mean(vae->elbo(tape.constant(clips))); });
template <class Net, class T, class B, class Rule, class Loss>
double train_step(const Module<Net, T, B>& module, Optimizer<Rule, T, B>& optimizer, Rng& rng, const Loss& loss,
                  const StepOptions& how = {}) {
  Tape tape{module, rng.split()};
  return backward_and_step(tape, loss(tape), module, module.parameters(), optimizer, how);
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/train_step.ipp>
#endif
