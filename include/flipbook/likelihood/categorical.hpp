// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

/// The class 0 … last whose level k / last is nearest to x. NaN gives class 0, so that no read is out of bounds.
struct NearestClass {
  double last;
  template <class V>
  constexpr V operator()(const V& x) const {
    return math::select(x > V(0), math::floor(math::min(x, V(1)) * constant<V>(last) + constant<V>(0.5)), V(0));
  }
};
/// The level of a class: k / last.
struct LevelOfClass {
  double last;
  template <class V>
  constexpr V operator()(const V& k) const {
    return k / constant<V>(last);
  }
};

}  // namespace function

namespace likelihood {

/// One of K classes: log p(k) = log softmax(logits)ₖ. The K logits of a channel are adjacent.
///
/// The functions of the type itself accept and return classes 0 … K − 1, as int32: (N, …, C), or (N, …) for one
/// channel, such as tokens. A model of frames uses the distribution of `Levels`: 8-bit pixels for K = 256.
template <int K>
struct Categorical {
  static_assert(K > 0, "Categorical<K>: needs at least one class");
  static constexpr int parameters_per_channel = K;
  static constexpr bool unit_interval = true;

  /// The same distribution over the levels k / (K − 1) from 0 to 1 instead of the classes k.
  struct Levels {
    static_assert(K > 1, "Categorical<K>: levels from 0 to 1 need at least two classes");

    /// The log-probability of the level nearest to x (N, …, C): (N). x has no gradient, since it is rounded.
    /// @throws Error  if there are not K logits for each channel
    template <Value P, Operand X>
    static auto log_prob(const P& logits, const X& x) {
      detail::check_shapes("Categorical", logits.shape(), x.shape(), K);
      return log_prob_of(logits, cast<std::int32_t>(map(function::NearestClass{K - 1}, tensor_of(x))));
    }
    /// A sample, in levels: (N, …, C).
    template <Real T, class B>
    static Tensor<T, B> sample(const Tensor<T, B>& logits, Rng& rng) {
      return map(function::LevelOfClass{K - 1}, cast<T>(Categorical::sample(logits, rng)));
    }
    /// The expected level, Σ p(k) · k / (K − 1): (N, …, C).
    template <Value P>
    static P mean(const P& logits) {
      return Categorical::mean(logits) / (K - 1);
    }
  };
  template <Real T, class B>
  using Instance = Levels;

  /// log p(x) of classes x (N, …, C), or (N, …) for one channel: (N).
  /// @throws Error  if there are not K logits for each channel, or a class is outside 0 … K − 1
  template <Value P>
  static auto log_prob(const P& logits, const Tensor<std::int32_t, typename P::Backend>& x) {
    Shape with_channels = x.shape();
    if (x.rank() < logits.rank()) with_channels.push_back(1);
    detail::check_shapes("Categorical", logits.shape(), with_channels, K);
    flipbook::detail::require_indices("Categorical", x, K);
    return log_prob_of(logits, x);
  }
  /// A sample, in classes: (N, …, C).
  template <Real T, class B>
  static Tensor<std::int32_t, B> sample(const Tensor<T, B>& logits, Rng& rng) {
    return sample_categorical(by_channel(logits), rng).reshape(data_shape(logits.shape()));
  }
  /// The expected class, Σ k p(k), for ordered classes such as grey levels: (N, …, C).
  template <Value P>
  static P mean(const P& logits) {
    const auto classes = arange<typename P::Scalar, typename P::Backend>(K);
    return reshape(sum(softmax(by_channel(logits)) * classes, {-1}), data_shape(logits.shape()));
  }

 private:
  static Shape data_shape(const Shape& logits) {
    require(logits.rank() > 0 && logits[-1] % K == 0, "Categorical: logits of shape ", logits,
            "; the last extent must be a multiple of ", K);
    return logits.with_tail(1, {logits[-1] / K});
  }
  template <Value P>
  static P by_channel(const P& logits) {
    return reshape(logits, Shape{data_shape(logits.shape()).size(), K});
  }
  /// Does not check the classes, which would synchronise with the device and prevent the capture of the step.
  template <Value P>
  static auto log_prob_of(const P& logits, const Tensor<std::int32_t, typename P::Backend>& classes) {
    using Take = TakeAlongAxis<typename P::Backend>;
    const auto each = apply(Take{classes.reshape({classes.size()})}, log_softmax(by_channel(logits)));
    return sum_per_sample(reshape(each, classes.shape()));
  }
};

}  // namespace likelihood
}  // namespace flipbook
