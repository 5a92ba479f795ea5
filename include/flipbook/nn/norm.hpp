// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/norm/norm.hpp>

namespace flipbook::inline FLIPBOOK_ISA::function {

/// running = (1 − momentum)·running + momentum·factor·batch.
struct ExponentialUpdate {
  double momentum, factor;
  template <class V>
  constexpr V operator()(const V& running, const V& batch) const {
    return constant<V>(1 - momentum) * running + constant<V>(momentum * factor) * batch;
  }
};

}  // namespace flipbook::function

namespace flipbook::inline FLIPBOOK_ISA::nn {

// Every layer accepts a function of its result, as Epilogue{f}: Sequential passes the activation that follows.

/// Options of a normalisation layer.
struct NormOptions {
  double epsilon = 1e-5;  ///< added to the variance
  bool affine = true;     ///< each channel has a weight and a bias
  double momentum = 0.1;  ///< BatchNorm only: the weight of each batch in the running statistics
};

namespace detail {

/// A layer's weight and bias for each channel, initially 1 and 0; empty unless `Affine`.
template <Real T, class B, int Channels, bool Affine>
struct ScaleAndShift {
  std::conditional_t<Affine, Parameter<T, B>, None> weight, bias;  // (C)

  ScaleAndShift() {
    if constexpr (Affine) weight = {ones<T, B>({Channels})}, bias = {zeros<T, B>({Channels})};
  }
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }
};

/// Records on a tape the update of running statistics by those of a batch, which has `count` elements of each channel
/// on this rank.
template <class T, class B>
void follow(Tape& tape, const Buffer<T, B>& running_mean, const Buffer<T, B>& running_var,
            const Statistics<T, B>& batch, Index count, double momentum) {
  const double all = static_cast<double>(count * ranks_in_batch_norm()), unbiased = all / (all - 1);
  const MapsInto<function::ExponentialUpdate, T, B> change{
      {{momentum, 1}, running_mean.value, cast<T>(batch.mean)},
      {{momentum, unbiased}, running_var.value, cast<T>(batch.variance)}};
  tape.defer(change, running_mean, running_var);
}

FLIPBOOK_TEMPLATE(void follow(Tape&, const Buffer<float, Cpu>&, const Buffer<float, Cpu>&,
                              const Statistics<float, Cpu>&, Index, double));

}  // namespace detail

/// Batch normalisation of each channel of (N, …, C) over all other axes. Training mode uses the batch's statistics and
/// updates the running ones with them, the variance unbiased. Evaluation mode uses the running ones. Ioffe and
/// Szegedy, 2015.
/// @throws Error  in training mode, if a channel has only one element
template <int Channels, NormOptions Options = NormOptions{}>
struct BatchNorm {
  static_assert(Channels > 0, "BatchNorm<Channels>: must be positive");
  static constexpr int in = Channels, out = Channels, dimensions = any;
  static constexpr bool normalises = true;

  template <Real T, class B>
  struct Instance : detail::ScaleAndShift<T, B, Channels, Options.affine> {
    Buffer<T, B> running_mean{zeros<T, B>({Channels})}, running_var{ones<T, B>({Channels})};  // (C)

    static void fields(auto& self, auto&& field) {
      detail::ScaleAndShift<T, B, Channels, Options.affine>::fields(self, field);
      field("running_mean", self.running_mean);
      field("running_var", self.running_var);
    }
    template <Value X, class After = NoFunction>
    X operator()(const X& x, const After& after = {}) const {
      if constexpr (training<X>) {
        if (x.tape().training()) {
          const Statistics<T, B> batch{Tensor<Wide<T>, B>(Shape{Channels}), Tensor<Wide<T>, B>(Shape{Channels})};
          const X y = batch_norm(x, this->weight, this->bias, Options.epsilon, batch, after);
          detail::follow(x.tape(), running_mean, running_var, batch, x.size() / Channels, Options.momentum);
          return y;
        }
      }
      const Statistics<T, B> running{cast<Wide<T>>(running_mean.value), cast<Wide<T>>(running_var.value)};
      return normalize_by(x, running, this->weight, this->bias, Options.epsilon, after);
    }
  };
};

/// Layer normalisation of (…, C) over the channels of each position. Ba et al., 2016.
template <int Channels, NormOptions Options = NormOptions{}>
struct LayerNorm {
  static_assert(Channels > 0, "LayerNorm<Channels>: must be positive");
  static constexpr int in = Channels, out = Channels, dimensions = any;
  static constexpr bool normalises = true;

  template <Real T, class B>
  struct Instance : detail::ScaleAndShift<T, B, Channels, Options.affine> {
    template <Value X, class After = NoFunction>
    X operator()(const X& x, const After& after = {}) const {
      return layer_norm(x, this->weight, this->bias, Options.epsilon, after);
    }
  };
};

/// Normalisation of groups of neighbouring channels of (N, …, C) over all positions of each sample. Wu and He, 2018.
template <int Groups, int Channels, NormOptions Options = NormOptions{}>
struct GroupNorm {
  static_assert(Groups > 0 && Channels > 0 && Channels % Groups == 0,
                "GroupNorm<Groups, Channels>: groups must divide the channels");
  static constexpr int in = Channels, out = Channels, dimensions = any;
  static constexpr bool normalises = true;

  template <Real T, class B>
  struct Instance : detail::ScaleAndShift<T, B, Channels, Options.affine> {
    template <Value X, class After = NoFunction>
    X operator()(const X& x, const After& after = {}) const {
      return group_norm(x, Groups, this->weight, this->bias, Options.epsilon, after);
    }
  };
};

/// Normalisation of each channel of (N, …, C) over all positions of each sample. By default it has no weight and bias,
/// as in PyTorch. Ulyanov et al., 2016.
/// @throws Error  if there is only one position
template <int Channels, NormOptions Options = NormOptions{.affine = false}>
struct InstanceNorm {
  static_assert(Channels > 0, "InstanceNorm<Channels>: must be positive");
  static constexpr int in = Channels, out = Channels, dimensions = any;
  static constexpr bool normalises = true;

  template <Real T, class B>
  struct Instance : detail::ScaleAndShift<T, B, Channels, Options.affine> {
    template <Value X, class After = NoFunction>
    X operator()(const X& x, const After& after = {}) const {
      return instance_norm(x, this->weight, this->bias, Options.epsilon, after);
    }
  };
};

/// Division of each position of (…, C) by the root mean square of its channels. Zhang and Sennrich, 2019.
template <int Channels, double Epsilon = 1e-6>
struct RMSNorm {
  static_assert(Channels > 0, "RMSNorm<Channels>: must be positive");
  static constexpr int in = Channels, out = Channels, dimensions = any;
  static constexpr bool normalises = true;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight{ones<T, B>({Channels})};  // (C)

    static void fields(auto& self, auto&& field) { field("weight", self.weight); }
    template <Value X, class After = NoFunction>
    X operator()(const X& x, const After& after = {}) const {
      return rms_norm(x, weight, Epsilon, after);
    }
  };
};

}  // namespace flipbook::nn
