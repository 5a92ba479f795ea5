#pragma once

#include <vector>

#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

namespace flipbook::inline FLIPBOOK_ISA::likelihood {

/// One of K classes: log p(k) = log softmax(logits)ₖ. The K logits of a channel stand side by side. Data are classes
/// 0 … K − 1, as int32: (N, …, C), or (N, …) for one channel, such as tokens.
template <int K>
struct Categorical {
  static_assert(K > 0, "Categorical<K>: needs at least one class");
  static constexpr int parameters_per_channel = K;
  template <Real T, class B>
  using Instance = Categorical;

  /// @throws Error  if there are not K logits for each channel, or a class is outside 0 … K − 1
  template <Value P>
  static auto log_prob(const P& logits, const Tensor<std::int32_t, typename P::Backend>& x) {
    Shape with_channels = x.shape();
    if (x.rank() < logits.rank()) with_channels.push_back(1);
    detail::check_shapes("Categorical", logits.shape(), with_channels, K);
    const auto each = take_along_axis(log_softmax(by_channel(logits)), x.reshape({x.size()}));
    return sum_per_sample(reshape(each, x.shape()));
  }
  /// Classes: (N, …, C).
  template <Real T, class B>
  static Tensor<std::int32_t, B> sample(const Tensor<T, B>& logits, Rng& rng) {
    return sample_categorical(by_channel(logits), rng).reshape(data_shape(logits.shape()));
  }
  /// The expected class, Σ k p(k), for classes with an order, such as grey levels: (N, …, C).
  template <Value P>
  static P mean(const P& logits) {
    using T = typename P::Scalar;
    std::vector<T> classes;
    for (int k = 0; k < K; ++k) classes.push_back(static_cast<T>(static_cast<float>(k)));
    const auto expected = softmax(by_channel(logits)) * Tensor<T, typename P::Backend>({K}, classes);
    return reshape(sum(expected, {-1}), data_shape(logits.shape()));
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
};

}  // namespace flipbook::likelihood
