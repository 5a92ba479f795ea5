// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/reshape.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

namespace flipbook::inline FLIPBOOK_ISA::latent {

/// Independent categorical distributions: their probabilities (N, …, Groups · Classes), which are the mean of the
/// one-hot vectors, and log-probabilities (N, …, Groups, Classes).
template <Value X>
struct OneHot {
  X mean, log_probs;
};

/// A latent of `Groups` independent variables of `Classes` classes each, as concatenated one-hot vectors, with a
/// uniform prior: an argument of a model's type. Hafner et al., Mastering Atari with discrete world models, 2021.
///
/// Probabilities are mixed with 1 % of the uniform distribution, so that every divergence is finite:
/// p = 0.99 · softmax(logits) + 0.01 / Classes. Hafner et al., Mastering diverse domains through world models, 2023.
template <int Groups, int Classes>
struct Categorical {
  static_assert(Groups > 0 && Classes > 1, "Categorical<Groups, Classes>: needs a group, and two classes");
  static constexpr int size = Groups * Classes;
  static constexpr int parameters = size;  ///< number of logits from an encoder
  static constexpr double uniform_part = 0.01;
  template <Real T, class B>
  using Instance = Categorical;

  /// @throws Error  if there are not Groups · Classes channels
  template <Value X>
  static OneHot<X> posterior(const X& encoded) {
    require(encoded.rank() > 1 && encoded.extent(-1) == parameters, "Categorical: needs (N, …, ", parameters, ") for ",
            Groups, " variables of ", Classes, " classes, got ", encoded.shape());
    const X logits = reshape(encoded, encoded.shape().with_tail(1, {Groups, Classes}));
    const X probabilities =
        affine(softmax(logits), 1 - uniform_part, uniform_part / Classes);  // (N, …, Groups, Classes)
    return {reshape(probabilities, encoded.shape()), log(probabilities)};
  }

  /// One-hot vectors, (N, …, Groups · Classes), with the gradient of the probabilities (straight-through). Bengio et
  /// al., Estimating or propagating gradients through stochastic neurons, 2013.
  template <Value X>
  static X sample(const OneHot<X>& q, Rng& rng) {
    using B = typename X::Backend;
    const auto& log_probs = tensor_of(q.log_probs);
    const auto classes = sample_categorical(log_probs, rng);  // (N, …, Groups)
    // No check of the classes, which would synchronise with the device and prevent the capture of the step.
    const auto drawn = Scatter<B>{classes, log_probs.shape()}(ones<typename X::Scalar, B>(classes.shape()));
    return drawn.reshape(q.mean.shape()) + (q.mean - stop_gradient(q.mean));
  }
  /// The same with the tape's random numbers.
  template <Value X>
    requires training<X>
  static X sample(const OneHot<X>& q) { return sample(q, q.mean.tape().rng()); }
  /// A sample of the prior: (N, Groups · Classes).
  template <Real T, class B = Cpu>
  static Tensor<T, B> prior_sample(Index samples, Rng& rng) {
    return sample(posterior(zeros<T, B>({samples, size})), rng);
  }

  /// KL(q ‖ uniform) of each variable: Σ q log q + log Classes over its classes, (N, …, Groups).
  template <Value X>
  static X kl_elements(const OneHot<X>& q) {
    return sum(exp(q.log_probs) * q.log_probs, {-1}, true) + std::log(static_cast<double>(Classes));
  }
  /// KL(q ‖ p) of each variable: Σ q (log q − log p) over its classes, (N, …, Groups).
  template <Value X, Value Y>
  static auto kl_elements(const OneHot<X>& q, const OneHot<Y>& p) {
    return sum(exp(q.log_probs) * (q.log_probs - p.log_probs), {-1}, true);
  }
  /// KL(q ‖ uniform), or KL(q ‖ p), in nats: (N).
  template <Value X, class... P>
  static auto kl(const OneHot<X>& q, const P&... p) {
    return sum_per_sample(kl_elements(q, p...));
  }

  /// log q(z) of one-hot vectors z, in nats: (N).
  template <Value X, Value Y>
  static auto log_prob(const OneHot<X>& q, const Y& z) {
    return sum_per_sample(reshape(q.log_probs, z.shape()) * z);
  }
  /// log p(z) of the prior, in nats: (N).
  template <Value X>
  static X prior_log_prob(const X& z) {
    return sum_per_sample(z) * -std::log(static_cast<double>(Classes));
  }
};

}  // namespace flipbook::latent
