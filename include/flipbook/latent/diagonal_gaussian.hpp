// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <numbers>

#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA::latent {

namespace detail {

/// ½ (σ² + μ² − 1 − log σ²), from mean and log-variance.
struct StandardKl {
  static constexpr bool twice = true;
  template <class V>
  constexpr V value(const V& m, const V& l) const {
    return constant<V>(0.5) * (math::exp(l) + m * m - constant<V>(1) - l);
  }
  template <int I, class V>
  constexpr auto derivative(const V& m, const V& l) const {
    if constexpr (I == 0) return m;
    else return (function::exp_of(l) - 1) / 2;
  }
};
/// σ·ε, from log-variance and ε.
struct ScaledNoise {
  static constexpr bool twice = true;
  template <class V>
  constexpr V value(const V& l, const V& e) const {
    return math::exp(l * constant<V>(0.5)) * e;
  }
  template <int I, class V>
  constexpr auto derivative(const V& l, const V& e) const {
    if constexpr (I == 0) return function::exp_of(l / 2) * e / 2;
    else return function::exp_of(l / 2);
  }
};

/// Devices fuse a chain of small operations into one launch; the host does not, since that would change the rounding.
template <class X>
inline constexpr bool on_host = std::same_as<typename X::Backend, Cpu>;

}  // namespace detail

/// Independent normal distributions: their means and log-variances, (N, …, Z) each.
template <Value X>
struct Normal {
  X mean, log_variance;
};

/// A latent of Z independent normal variables with a standard normal prior: an argument of a model's type.
///
///     const auto q = Latent::posterior(encoder(x));   // parameters (N, …, 2Z)
///     const auto z = Latent::sample(q);               // (N, …, Z)
///     loss = -mean(elbo(log p(x | z), Latent::kl_elements(q)));
template <int Z>
struct DiagonalGaussian {
  static_assert(Z > 0, "DiagonalGaussian<Z>: needs at least one number");
  static constexpr int size = Z;
  static constexpr int parameters = 2 * Z;  ///< number of channels from an encoder
  template <Real T, class B>
  using Instance = DiagonalGaussian;

  /// The means are the first half of the channels, the log-variances the second, clamped to [−30, 20], so that every
  /// variance and its inverse are finite.
  /// @throws Error  if there are not 2Z channels
  template <Value X>
  static Normal<X> posterior(const X& encoded) {
    require(encoded.rank() > 1 && encoded.extent(-1) == parameters, "DiagonalGaussian: needs (N, …, ", parameters,
            ") for ", Z, " numbers, got ", encoded.shape());
    const auto half = split(encoded, -1, 2);
    return {half[0], clamp(half[1], -30, 20)};
  }

  /// z = μ + σ·ε with ε standard normal, so that gradients reach μ and σ. Kingma and Welling, 2014.
  template <Value X>
  static X sample(const Normal<X>& q, Rng& rng) {
    const auto noise = normal<typename X::Scalar, typename X::Backend>(q.mean.shape(), rng);
    if constexpr (detail::on_host<X>) return q.mean + exp(q.log_variance * 0.5) * noise;
    else return q.mean + fused("DiagonalGaussian", detail::ScaledNoise{}, q.log_variance, noise);
  }
  /// The same with the tape's random numbers.
  template <Value X>
    requires training<X>
  static X sample(const Normal<X>& q) { return sample(q, q.mean.tape().rng()); }
  /// A sample of the prior: (N, Z).
  template <Real T, class B = Cpu>
  static Tensor<T, B> prior_sample(Index samples, Rng& rng) {
    return normal<T, B>({samples, Z}, rng);
  }

  /// KL(q ‖ N(0, 1)) of each variable: ½ (σ² + μ² − 1 − log σ²), (N, …, Z).
  template <Value X>
  static X kl_elements(const Normal<X>& q) {
    if constexpr (detail::on_host<X>) return 0.5 * (exp(q.log_variance) + square(q.mean) - 1 - q.log_variance);
    else return fused("DiagonalGaussian", detail::StandardKl{}, q.mean, q.log_variance);
  }
  /// KL(q ‖ p) of each variable: ½ (σ²/σₚ² + (μ − μₚ)²/σₚ² − 1 − log σ² + log σₚ²), (N, …, Z).
  template <Value X, Value Y>
  static auto kl_elements(const Normal<X>& q, const Normal<Y>& p) {
    const auto log_ratio = q.log_variance - p.log_variance;
    return 0.5 * (exp(log_ratio) + square(q.mean - p.mean) * exp(-p.log_variance) - 1 - log_ratio);
  }
  /// KL(q ‖ N(0, 1)), or KL(q ‖ p), in nats: (N).
  template <Value X, class... P>
  static auto kl(const Normal<X>& q, const P&... p) {
    return sum_per_sample(kl_elements(q, p...));
  }

  /// log q(z), in nats: (N).
  template <Value X, Value Y>
  static auto log_prob(const Normal<X>& q, const Y& z) {
    return sum_per_sample(fused("DiagonalGaussian", function::GaussianLogProb{}, q.mean, q.log_variance * 0.5, z));
  }
  /// log p(z) of the prior, in nats: (N).
  template <Value X>
  static X prior_log_prob(const X& z) {
    return sum_per_sample(affine(square(z), -0.5, -0.5 * std::log(2 * std::numbers::pi)));
  }
};

}  // namespace flipbook::latent

namespace flipbook::inline FLIPBOOK_ISA {
FLIPBOOK_RECORDED_2(Fused<latent::detail::ScaledNoise>);
FLIPBOOK_RECORDED_2(Fused<latent::detail::StandardKl>);
}  // namespace flipbook
