// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string>

#include <flipbook/data/dataset.hpp>
#include <flipbook/train/accumulate.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
struct DataSetIsNotOfWhatTheModelIsTrainedOn;  // printed by compilers if a data set does not fit
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

/// The type of a model's training data, of values V: V itself, or `Net::Batch<V>`, an AnnotatedClip, if Net declares
/// it.
template <class Net, class V>
using BatchOf = typename detail::BatchOfT<Net, V>::Type;

/// A data set of a model's training data. `ClipsOnly(source)` makes one of annotated clips fit a model of plain clips.
template <class Source, class Net>
concept DatasetFor = Dataset<Source> && std::same_as<ClipOf<Source>, BatchOf<Net, Tensor<float>>>;

/// A model that is trained on one loss. Its instance, an Of<Net, T, B>, has
///
///     V loss(const V& clips) const    of variables V, such as Variable<T, B>: clips (N, …, C), a single number
///
/// A model that is trained on annotated clips takes a batch of them, `loss(const LabelledClip<V>& clips)`, and declares
/// their type in Net: `template <class V> using Batch = LabelledClip<V>`.
template <class Net, class T, class B>
concept LossModel = requires(const Of<Net, T, B>& model, const BatchOf<Net, Variable<T, B>>& clips) {
  { model.loss(clips) } -> std::convertible_to<Variable<T, B, Order::higher>>;
};

/// The steps of a model whose members are all trained on one loss, `model->loss(clips)`.
template <class Net, Real T, class B, class Rule>
class LossTraining {
 public:
  static constexpr bool takes_micro_batches = true;

  LossTraining(const Module<Net, T, B>& model, const Rule& rule) : optimizer_(rule, model.parameters()) {}

  Losses step(const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& clips, Rng& rng,
              const StepOptions& how) {
    const auto loss = [&](Tape& tape, const BatchOf<Net, Tensor<T, B>>& of) {
      return model->loss(map_members(of, [&](const Tensor<T, B>& x) { return tape.constant(x); }));
    };
    if (how.micro_batches != 1) {
      return {{"loss", accumulated_step(model, clips, model, model.parameters(), optimizer_, rng, loss, how)}};
    }
    return {{"loss", train_step(
                         model, optimizer_, rng, [&](Tape& tape) { return loss(tape, clips); }, how)}};
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

/// The training of a model, step by step, such as LossTraining; constructed from the model and an optimiser's rule. A
/// model with its own training, such as an adversarial one, declares it as `Net::Training<T, B, Rule>`.
///
///     Losses step(const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& clips, Rng& rng,
///                 const StepOptions& how)
///     void visit_optimizers(auto&& f)    calls f(name, optimizer) for each of its optimisers
///
/// A step depends only on its arguments and on members; it changes the model's parameters and buffers and the
/// optimisers, or throws and changes nothing. If it has `Index variant() const`, Cuda may capture it: see Trainer. A
/// training with `static constexpr bool takes_micro_batches = true` supports StepOptions::micro_batches
/// (`accumulated_step`).
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
/// A model with its own training, such as an adversarial one, declares it.
template <class Net, class T, class B, class Rule>
  requires requires { typename Net::template Training<T, B, Rule>; }
struct TrainingOf<Net, T, B, Rule> {
  using Type = typename Net::template Training<T, B, Rule>;
  static_assert(Training<Type, Net, T, B, Rule>, "Trainer: the model's Training is not a Training");
};

}  // namespace detail
}  // namespace flipbook
