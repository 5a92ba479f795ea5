// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

/// The log-probability of the bin of x under a logistic distribution with mean m and log-scale s. The 256 bins are
/// centred at −1, −1 + 2/255, …, 1; the outer bins include the tails. With the bin's ends a and b in units of the
/// scale,
///
///     σ(a) − σ(b) = σ(a) σ(−b) (1 − e^−(a − b)),
///
/// whose logarithm is accurate for any probability, however small. x has no gradient.
struct LogisticBinLogProb {
  static constexpr bool twice = false;
  static constexpr double half_bin = 1.0 / 255;

  template <class V>
  constexpr V value(const V& m, const V& s, const V& x) const {
    const Ends<V> e(m, s, x);
    const V inside = math::log(-math::expm1(-e.width));
    return math::select(e.last, V(0), -math::softplus(-e.a)) - math::select(e.first, V(0), math::softplus(e.b)) +
           math::select(e.first, V(0), math::select(e.last, V(0), inside));
  }
  template <int I, class V>
  constexpr V derivative(const V& m, const V& s, const V& x) const {
    if constexpr (I == 2) return V(0);
    const Ends<V> e(m, s, x);
    const V above = math::select(e.last, V(0), math::sigmoid(-e.a));
    const V below = math::select(e.first, V(0), math::sigmoid(e.b));
    if constexpr (I == 0) return e.rate * (below - above);
    const V inside = math::select(e.first, V(0), math::select(e.last, V(0), e.width / math::expm1(e.width)));
    return e.b * below - e.a * above - inside;
  }

 private:
  template <class V>
  struct Ends {
    V rate, a, b, width;
    decltype(V() < V()) first, last;
    constexpr Ends(const V& m, const V& s, const V& x)
        : rate(math::exp(-s)),
          a((x - m + constant<V>(half_bin)) * rate),
          b((x - m - constant<V>(half_bin)) * rate),
          width(constant<V>(2 * half_bin) * rate),
          first(x < constant<V>(half_bin - 1)),
          last(x > constant<V>(1 - half_bin)) {}
  };
};

/// A sample of a logistic distribution with mean m and scale e^s, from u uniform on [0, 1), rounded to the nearest of
/// 256 levels in [0, 1].
struct LogisticLevel {
  template <class V>
  constexpr V operator()(const V& m, const V& s, const V& u) const {
    const V inside = math::min(math::max(u, constant<V>(0x1p-24)), constant<V>(1 - 0x1p-24));
    const V x = m + math::exp(s) * (math::log(inside) - math::log(V(1) - inside));
    const V level = constant<V>(127.5) * (math::min(math::max(x, V(-1)), V(1)) + V(1));
    return math::floor(level + constant<V>(0.5)) / constant<V>(255);
  }
};

}  // namespace function

namespace likelihood {

/// A mixture of K logistic distributions for each channel, over 256 levels in [0, 1]: 8-bit pixels. Salimans et al.,
/// PixelCNN++, 2017, without its regression of one colour on another. Each channel has 3K adjacent parameters: K
/// logits, K means (of levels scaled to [−1, 1]), and K log-scales, clamped to ±7 (with larger scales, all mass is at
/// the ends).
template <int K = 5>
struct DiscretizedLogisticMixture {
  static_assert(K > 0, "DiscretizedLogisticMixture<K>: needs at least one component");
  static constexpr int parameters_per_channel = 3 * K;
  static constexpr bool unit_interval = true;
  template <Real T, class B>
  using Instance = DiscretizedLogisticMixture;

  /// log p(x) of levels x = 0, 1/255, …, 1: (N). A value between levels is treated as the centre of a bin. x has no
  /// gradient.
  /// @throws Error  if there are not 3K parameters for each channel
  template <Value P, Operand X>
  static auto log_prob(const P& parameters, const X& x) {
    detail::check_shapes("DiscretizedLogisticMixture", parameters.shape(), x.shape(), 3 * K);
    const Index rows = x.shape().size();
    const auto [logits, means, log_scales] = components(parameters);                              // (rows, K)
    const auto levels = broadcast_to(affine(tensor_of(x).reshape({rows, 1}), 2, -1), {rows, K});  // (rows, K)
    const auto each = fused("DiscretizedLogisticMixture", function::LogisticBinLogProb{}, means, log_scales, levels);
    return sum_per_sample(reshape(log_sum_exp(log_softmax(logits) + each), x.shape()));
  }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng) {
    const auto [logits, means, log_scales] = components(parameters);
    const auto chosen = sample_categorical(logits, rng);  // (rows)
    const auto x = map(function::LogisticLevel{}, take_along_axis(means, chosen), take_along_axis(log_scales, chosen),
                       uniform<T, B>(chosen.shape(), rng));  // (rows)
    return x.reshape(data_shape(parameters.shape()));
  }
  /// E x before rounding to a level, which is within half a level of E x after it.
  template <Value P>
  static P mean(const P& parameters) {
    const auto [logits, means, log_scales] = components(parameters);
    // E clip(X, −1, 1) = −1 + ∫ P(X > t) dt over [−1, 1], with P(X > t) = σ((m − t) / s)
    const auto scales = exp(log_scales);
    const auto reach = scales * (softplus((means + 1) / scales) - softplus((means - 1) / scales));
    return reshape(sum(softmax(logits) * reach, {-1}) * 0.5, data_shape(parameters.shape()));
  }

 private:
  template <class P>
  struct Components {
    P logits, means, log_scales;  // (rows, K)
  };
  static Shape data_shape(const Shape& parameters) {
    require(parameters.rank() > 0 && parameters[-1] % (3 * K) == 0, "DiscretizedLogisticMixture: parameters of shape ",
            parameters, "; the last extent must be a multiple of ", 3 * K);
    return parameters.with_tail(1, {parameters[-1] / (3 * K)});
  }
  template <Value P>
  static Components<P> components(const P& parameters) {
    const auto part = split(reshape(parameters, Shape{data_shape(parameters.shape()).size(), 3 * K}), 1, 3);
    return {part[0], part[1], clamp(part[2], detail::least_log_scale, -detail::least_log_scale)};
  }
};

}  // namespace likelihood
}  // namespace flipbook
