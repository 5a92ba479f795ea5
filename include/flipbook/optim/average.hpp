// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/core/error.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/ops/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {
/// decay · average + (1 − decay) · p.
struct Mix {
  double decay;
  template <class V>
  constexpr V operator()(const V& average, const V& p) const {
    return constant<V>(decay) * average + constant<V>(1 - decay) * p;
  }
};
}  // namespace function

/// The exponential moving average of parameters over training, often a better model than the last step's: a ← decay · a
/// + (1 − decay) · p after each step, initialised with the parameters.
template <Real T, class B = Cpu>
class MovingAverage {
 public:
  /// @throws Error  if decay is not within [0, 1)
  MovingAverage(double decay, const Tensor<T, B>& parameters) : decay_(decay), value_(parameters.clone()) {
    require(decay >= 0 && decay < 1, "MovingAverage: the decay must lie in [0, 1), got ", decay);
  }

  void update(const Tensor<T, B>& parameters) {
    require(parameters.shape() == value_.shape(), "MovingAverage: of ", value_.shape(), ", got ", parameters.shape());
    map_into(value_, function::Mix{decay_}, value_, parameters);
  }
  /// Restarts the average from the parameters.
  void restart(const Tensor<T, B>& parameters) {
    require(parameters.shape() == value_.shape(), "MovingAverage: of ", value_.shape(), ", got ", parameters.shape());
    B::copy(value_.data(), parameters.data(), static_cast<std::size_t>(value_.size()) * sizeof(T));
  }
  /// Exchanges the average with the parameters, in their memory: once to use it, and once more to continue training.
  void swap(Tensor<T, B> parameters) {
    require(parameters.shape() == value_.shape(), "MovingAverage: of ", value_.shape(), ", got ", parameters.shape());
    const Tensor<T, B> average = value_.clone();
    const auto bytes = static_cast<std::size_t>(value_.size()) * sizeof(T);
    B::copy(value_.data(), std::as_const(parameters).data(), bytes);
    B::copy(parameters.data(), average.data(), bytes);
  }

  /// (P), in the order of the parameters; writing through it changes the average.
  const Tensor<T, B>& value() const noexcept { return value_; }

 private:
  double decay_;
  Tensor<T, B> value_;
};

}  // namespace flipbook
