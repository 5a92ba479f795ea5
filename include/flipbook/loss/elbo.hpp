// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

/// kl, or the constant `least` if the mean over the batch does not exceed it.
struct AtLeast {
  static constexpr bool twice = false;
  double least;
  template <class V>
  constexpr V value(const V& kl, const V& mean) const {
    return math::select(mean > constant<V>(least), kl, constant<V>(least));
  }
  template <int I, class V>
  constexpr V derivative(const V&, const V& mean) const {
    if constexpr (I == 0) return math::select(mean > constant<V>(least), V(1), V(0));
    else return V(0);
  }
};

}  // namespace function

namespace loss {

/// Options of `elbo`.
struct ElboSettings {
  double beta = 1;       ///< weight of the divergence. Higgins et al., 2017
  double free_bits = 0;  ///< nats of each latent variable that are exempt from the loss. Kingma et al., 2016
};

/// A lower bound of log p(x), in nats, of each sample: log p(x | z) − β KL(q(z | x) ‖ p(z)), to be maximised.
///
/// With free bits λ, a latent variable whose divergence, averaged over the batch, is below λ counts as λ and has no
/// gradient. The average of the result is then equation 15 of Kingma et al., Improving variational inference with
/// inverse autoregressive flow, 2016.
/// @param log_likelihood  log p(x | z): (N)
/// @param kl              of each variable: (N, …, Z), or summed: (N)
/// @return  (N)
/// @throws Error  if the numbers of samples differ, or a setting is negative
template <Value L, Value K>
auto elbo(const L& log_likelihood, const K& kl, const ElboSettings& settings = {}) {
  require(log_likelihood.rank() == 1 && kl.rank() > 0 && kl.extent(0) == log_likelihood.extent(0),
          "elbo: needs log-likelihoods (N) and divergences (N, …), got ", log_likelihood.shape(), " and ", kl.shape());
  require(settings.beta >= 0 && settings.free_bits >= 0, "elbo: beta ", settings.beta, " and free bits ",
          settings.free_bits, " must not be negative");
  if (settings.free_bits == 0) return log_likelihood - settings.beta * sum_per_sample(kl);
  const auto batch = broadcast_to(mean(tensor_of(kl), {0}), kl.shape());
  const auto counted = fused("elbo", function::AtLeast{settings.free_bits}, kl, batch);
  return log_likelihood - settings.beta * sum_per_sample(counted);
}

/// A lower bound of log p(x), in nats: log (1/K Σₖ wₖ), from K log-weights log p(x | zₖ) + log p(zₖ) − log q(zₖ | x)
/// with zₖ drawn from q. It approaches log p(x) with increasing K; for K = 1 it is an ELBO. Burda et al., Importance
/// weighted autoencoders, 2016.
/// @param log_weights  (…, K)      @return  (…)
/// @throws Error  if K is 0
template <Value X>
auto importance_weighted_bound(const X& log_weights) {
  require(log_weights.rank() > 0 && log_weights.extent(-1) > 0, "importance_weighted_bound: no weights in ",
          log_weights.shape());
  return log_sum_exp(log_weights, true) - std::log(static_cast<double>(log_weights.extent(-1)));
}

}  // namespace loss
}  // namespace flipbook
