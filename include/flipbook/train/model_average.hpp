// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <flipbook/nn/module.hpp>
#include <flipbook/optim/average.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
/// A ModelAverage's part of a checkpoint.
template <class T, class B>
struct AverageState {
  MovingAverage<T, B>& parameters;
  std::optional<MovingAverage<T, B>>& buffers;  // none for a model without buffers
  Tensor<T, B> buffers_now;                     // the model's
};
}  // namespace detail

/// The exponential moving average of a model over training: of its parameters, and of its buffers, since running
/// statistics of normalisations are valid only for their parameters.
template <Real T, class B>
class ModelAverage {
 public:
  /// Initialises the average with the model.
  /// @throws Error  if decay is not within [0, 1)
  template <class Net>
  ModelAverage(double decay, const Module<Net, T, B>& model) : parameters_(decay, model.parameters()) {
    if (model.buffers().size() > 0) buffers_.emplace(decay, model.buffers());
  }

  /// Updates the average after a step.
  template <class Net>
  void update(const Module<Net, T, B>& model) {
    parameters_.update(model.parameters());
    if (buffers_) buffers_->update(model.buffers());
  }
  /// Calls f() with the average in place of the model; the model is restored when f has returned or thrown.
  template <class Net, class F>
  auto in_place_of(const Module<Net, T, B>& model, const F& f) {
    swap(model);
    struct Restore {
      ModelAverage& average;
      const Module<Net, T, B>& model;
      ~Restore() { average.swap(model); }
    };
    const Restore restore{*this, model};
    return f();
  }

  template <class Net>
  detail::AverageState<T, B> state(const Module<Net, T, B>& model) {
    return {parameters_, buffers_, model.buffers()};
  }

 private:
  template <class Net>
  void swap(const Module<Net, T, B>& model) {
    parameters_.swap(model.parameters());
    if (buffers_) buffers_->swap(model.buffers());
  }

  MovingAverage<T, B> parameters_;
  std::optional<MovingAverage<T, B>> buffers_;
};

}  // namespace flipbook
