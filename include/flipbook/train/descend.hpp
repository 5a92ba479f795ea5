#pragma once

#include <cmath>

#include <flipbook/nn/module.hpp>
#include <flipbook/optim/clip.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/train/history.hpp>

namespace flipbook {

struct StepOptions {
  double clip_norm = 0;  ///< gradients longer than this are shortened to it; 0 leaves them
};

/// One step of an optimiser against the gradient of a loss, and the changes to buffers that were noted on
/// the way. Returns the loss.
/// @param part        the module, or member of one, whose parameters are trained; the tape must want them
/// @param parameters  the same parameters in one tensor: `module.parameters()`, `module.part(member)`
/// @throws Error  if the loss or the gradient is not finite; nothing has been changed then
template <class T, class B, Order order, class Part, class Rule>
double descend(Tape& tape, const Variable<T, B, order>& loss, const Part& part, const Tensor<T, B>& parameters,
               Optimizer<Rule, T, B>& optimizer, const StepOptions& how = {}) {
  const double value = static_cast<double>(loss.item());
  require(std::isfinite(value), "training: the loss is ", value, " after ", optimizer.steps(),
          " steps; check the data for NaN, or lower the learning rate");
  const Tensor<T, B> gradient = tape.gradient(loss, part);
  const double length = how.clip_norm > 0 ? optim::clip_norm(gradient, how.clip_norm) : 0;
  require(std::isfinite(length), "training: the gradient is not finite after ", optimizer.steps(), " steps");
  optimizer.step(parameters, gradient);
  tape.commit();
  return value;
}

/// One step that lowers a loss: `loss(tape)` computes it in a recorded run.
///
///     fb::minimise(vae, optimizer, rng, [&](fb::Tape& tape) { return -mean(vae->elbo(tape.constant(clips))); });
template <class Net, class T, class B, class Rule, class Loss>
double minimise(const Module<Net, T, B>& module, Optimizer<Rule, T, B>& optimizer, Rng& rng, const Loss& loss,
                const StepOptions& how = {}) {
  Tape tape{module, rng.split()};
  return descend(tape, loss(tape), module, module.parameters(), optimizer, how);
}

}  // namespace flipbook
