// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/likelihood/likelihood.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

/// log N(x; m, e²ˢ) = −½ z² − s − ½ log 2π with z = (x − m) e⁻ˢ.
struct GaussianLogProb {
  static constexpr bool twice = true;
  template <class V>
  constexpr V value(const V& m, const V& s, const V& x) const {
    const V z = (x - m) * math::exp(-s);
    return constant<V>(-0.5) * z * z - s - constant<V>(0.5 * std::log(2 * std::numbers::pi));
  }
  template <int I, class V>
  constexpr auto derivative(const V& m, const V& s, const V& x) const {
    const V scale = exp_of(-s), z = (x - m) * scale;
    if constexpr (I == 0) return z * scale;
    else if constexpr (I == 1) return z * z - 1;
    else return -(z * scale);
  }
};

}  // namespace function

namespace likelihood {

namespace detail {

template <Value M, Operand S, Operand X>
auto gaussian_log_prob(const M& mean, const S& log_scale, const X& x) {
  check_shapes("Gaussian", mean.shape(), x.shape(), 1);
  return sum_per_sample(fused("Gaussian", function::GaussianLogProb{}, mean, broadcast_to(log_scale, x.shape()), x));
}

template <Real T, class B>
Tensor<T, B> gaussian_sample(const Tensor<T, B>& mean, const Tensor<T, B>& log_scale, Rng& rng) {
  return mean + exp(log_scale) * normal<T, B>(mean.shape(), rng);
}

}  // namespace detail

/// N(x; m, e²ˢ): the means m are the first half of the channels, the log-scales s the second, clamped to at least −7.
struct Gaussian {
  static constexpr int parameters_per_channel = 2;
  template <Real T, class B>
  using Instance = Gaussian;

  /// @throws Error  if there are not two parameters for each channel
  template <Value P, Operand X>
  static auto log_prob(const P& parameters, const X& x) {
    detail::check_shapes("Gaussian", parameters.shape(), x.shape(), 2);
    const auto half = detail::parts("Gaussian", parameters, 2);
    return detail::gaussian_log_prob(half[0], detail::floored(half[1]), x);
  }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng) {
    const auto half = detail::parts("Gaussian", parameters, 2);
    return detail::gaussian_sample(half[0], detail::floored(half[1]), rng);
  }
  template <Value P>
  static P mean(const P& parameters) {
    return detail::parts("Gaussian", parameters, 2)[0];
  }
};

/// N(x; m, Scale²) with one fixed scale: the squared error, in nats.
template <double Scale>
struct FixedGaussian {
  static_assert(Scale > 0, "FixedGaussian<Scale>: the scale must be positive");
  static constexpr int parameters_per_channel = 1;
  template <Real T, class B>
  using Instance = FixedGaussian;

  /// @throws Error  if means and x differ in shape
  template <Value P, Operand X>
  static auto log_prob(const P& mean, const X& x) {
    return detail::gaussian_log_prob(mean, log_scale<P>(), x);
  }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& mean, Rng& rng) {
    return detail::gaussian_sample(mean, log_scale<Tensor<T, B>>(), rng);
  }
  template <Value P>
  static P mean(const P& mean) {
    return mean;
  }

 private:
  template <class P>
  static auto log_scale() {
    using T = typename P::Scalar;
    return full<T, typename P::Backend>({}, static_cast<T>(std::log(Scale)));
  }
};

/// N(x; m, e²ˢ) with one log-scale s, a parameter that is trained with the network and is initially 0.
struct LearnedGaussian {
  static constexpr int parameters_per_channel = 1;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> log_scale{zeros<T, B>({1})};

    static void fields(auto& self, auto&& field) { field("log_scale", self.log_scale); }

    /// @throws Error  if means and x differ in shape
    template <Value P, Operand X>
    auto log_prob(const P& mean, const X& x) const {
      return detail::gaussian_log_prob(mean, detail::floored(lift_like(mean, log_scale)), x);
    }
    Tensor<T, B> sample(const Tensor<T, B>& mean, Rng& rng) const {
      return detail::gaussian_sample(mean, detail::floored(log_scale.value), rng);
    }
    template <Value P>
    P mean(const P& mean) const {
      return mean;
    }
  };
};

}  // namespace likelihood
}  // namespace flipbook

namespace flipbook::inline FLIPBOOK_ISA {
FLIPBOOK_RECORDED_3(Fused<function::GaussianLogProb>);
}  // namespace flipbook
