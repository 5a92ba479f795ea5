// SPDX-License-Identifier: MIT
#pragma once

#include <numbers>

#include <flipbook/likelihood/likelihood.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

struct Sign {
  static constexpr bool from_output = false;
  template <class V>
  constexpr V value(const V& x) const {
    return math::sign(x);
  }
  template <class V>
  constexpr V derivative(const V&) const {
    return V(0);
  }
  template <class V>
  constexpr V second_derivative(const V&) const {
    return V(0);
  }
};

/// log Laplace(x; m, eˢ) = −|x − m| e⁻ˢ − s − log 2.
struct LaplaceLogProb {
  static constexpr bool twice = true;
  template <class V>
  constexpr V value(const V& m, const V& s, const V& x) const {
    return -math::abs(x - m) * math::exp(-s) - s - constant<V>(std::numbers::ln2);
  }
  template <int I, class V>
  constexpr auto derivative(const V& m, const V& s, const V& x) const {
    using math::abs;  // for vectors and numbers; argument-dependent lookup finds that of variables
    const V rate = exp_of(-s);
    if constexpr (I == 0) return sign_of(x - m) * rate;
    else if constexpr (I == 1) return abs(x - m) * rate - 1;
    else return sign_of(m - x) * rate;
  }

 private:
  template <class V>
  static constexpr V sign_of(const V& x) {
    if constexpr (Value<V>) return apply(Unary<Sign>{}, x);
    else return math::sign(x);
  }
};

/// A sample of the Laplace distribution with mean 0 and scale 1, from u uniform on [0, 1).
struct LaplaceQuantile {
  template <class V>
  constexpr V operator()(const V& u) const {
    const V centred = u - constant<V>(0.5);
    // The smallest tail that single precision resolves, so that every sample is finite.
    const V tail = math::max(V(1) - (math::abs(centred) + math::abs(centred)), constant<V>(0x1p-25));
    return -math::sign(centred) * math::log(tail);
  }
};

}  // namespace function

namespace likelihood {

/// Laplace(x; m, eˢ), the absolute error with a predicted scale: the means m are the first half of the channels, the
/// log-scales s the second, clamped to at least −7.
struct Laplace {
  static constexpr int parameters_per_channel = 2;
  template <Real T, class B>
  using Instance = Laplace;

  /// @throws Error  if there are not two parameters for each channel
  template <Value P, Operand X>
  static auto log_prob(const P& parameters, const X& x) {
    detail::check_shapes("Laplace", parameters.shape(), x.shape(), 2);
    const auto half = detail::parts("Laplace", parameters, 2);
    return sum_per_sample(fused("Laplace", function::LaplaceLogProb{}, half[0], detail::floored(half[1]), x));
  }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng) {
    const auto half = detail::parts("Laplace", parameters, 2);
    const auto standard = map(function::LaplaceQuantile{}, uniform<T, B>(half[0].shape(), rng));
    return half[0] + exp(detail::floored(half[1])) * standard;
  }
  template <Value P>
  static P mean(const P& parameters) {
    return detail::parts("Laplace", parameters, 2)[0];
  }
};

}  // namespace likelihood
}  // namespace flipbook
