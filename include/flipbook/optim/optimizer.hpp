#pragma once

#include <utility>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/optim/cpu.hpp>

namespace flipbook {

/// An optimiser at work on one flat tensor of parameters: a rule (optim::Sgd, RmsProp, Adam, AdamW), what the
/// rule remembers of each parameter, and the number of steps taken. A step is one pass over memory.
///
///     fb::Optimizer optimizer{fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}, generator.parameters()};
///     optimizer.step(generator.parameters(), tape.gradient(loss, generator));
///
/// A rule is an aggregate of its settings, `learning_rate` among them, with
///     std::vector<const char*> remembers() const       names of what it remembers, as PyTorch calls them
///     void update(Index step, const auto& pass) const  calls pass(f) for step 1, 2, …, where f(g, p, s…) changes
///                                                      parameter p and memories s…, F::memories of them, for
///                                                      gradient g: numbers or vectors of them
template <class Rule, Real T, class B = Cpu>
class Optimizer {
 public:
  /// The settings, which may change between steps: `optimizer.rule.learning_rate = schedule(step)`.
  Rule rule;

  /// Remembers nothing yet of parameters (P).
  Optimizer(Rule settings, const Tensor<T, B>& parameters) : rule(std::move(settings)), shape_(parameters.shape()) {
    for (const char* name : rule.remembers()) memory_.push_back({name, zeros<T, B>(shape_)});
  }
  Optimizer(const Optimizer& other) : rule(other.rule), shape_(other.shape_), steps_(other.steps_) {
    for (const auto& [name, tensor] : other.memory_) memory_.push_back({name, tensor.clone()});
  }
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(Optimizer other) noexcept {
    rule = std::move(other.rule);
    shape_ = other.shape_;
    steps_ = other.steps_;
    memory_ = std::move(other.memory_);
    return *this;
  }

  /// Changes the parameters, in their memory, by one step against the gradient.
  /// @throws Error  if there are more or fewer of either than this optimiser was made for, or if the settings
  ///                have come to need a memory that they did not need then
  void step(Tensor<T, B> parameters, const Tensor<T, B>& gradient) {
    require(parameters.shape() == shape_ && gradient.shape() == shape_, "optimizer: made for parameters of shape ",
            shape_, ", got parameters ", parameters.shape(), " and gradient ", gradient.shape());
    require(memory_.size() == rule.remembers().size(),
            "optimizer: its settings have changed in what they remember; make another");
    rule.update(steps_ + 1, [&]<class F>(const F& f) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        kernel::update(B{}, f, gradient, parameters, memory_[I].second...);
      }(std::make_index_sequence<F::memories>{});
    });
    ++steps_;
  }

  Index steps() const noexcept { return steps_; }

  /// Calls f(name, tensor) for each memory (P); writing through the tensor changes it.
  template <class F>
  void visit(const F& f) const {
    for (const auto& [name, tensor] : memory_) f(name, tensor);
  }
  /// Goes on as after so many steps, once what was remembered then has been written.
  void resume(Index steps) {
    require(steps >= 0, "optimizer: cannot go on after ", steps, " steps");
    steps_ = steps;
  }

 private:
  std::vector<std::pair<const char*, Tensor<T, B>>> memory_;
  Shape shape_;
  Index steps_ = 0;
};

}  // namespace flipbook
