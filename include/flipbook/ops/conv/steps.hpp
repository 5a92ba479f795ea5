// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <utility>

#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// What steps have given to the gradient of the weights that they share, and that is yet to be worked out.
template <class T, class B>
struct ConvSteps {
  List<Tensor<T, B>> x, dy;
  const Node* weights = nullptr;  // where the gradient of these arrives
};

/// Weights as all steps read them. To the gradient that arrives this adds what the steps have left.
template <bool may_group, class T, class B>
struct StepWeights {
  static constexpr unsigned saves = save::none;
  Window window;
  std::shared_ptr<ConvSteps<T, B>> steps;

  Tensor<T, B> operator()(const Tensor<T, B>& w) const { return w; }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dw) const {
    if constexpr (is_tensor<V>) {
      const auto x = std::exchange(steps->x, {}), dy = std::exchange(steps->dy, {});
      if (!x.empty()) {
        const BasicConvolutionWeight<may_group> by_weights{window, dw.shape()};
        return gradients(dw + by_weights(concat(0, x), concat(0, dy)));
      }
    }
    return gradients(dw);
  }
};

/// The convolution of a step. The first step that is differentiated hands its part of the weights' gradient on.
template <bool may_group, class T, class B>
struct StepConvolution : BasicConvolution<may_group> {
  std::shared_ptr<ConvSteps<T, B>> steps;

  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    const V &x = std::get<0>(saved.inputs), &w = std::get<1>(saved.inputs);
    const auto by_weights = [&, this] {
      return apply(BasicConvolutionWeight<may_group>{this->window, w.shape()}, x, dy);
    };
    return gradients(
        [&, this] {
          return apply(BasicTransposedConvolution<may_group>{this->window, x.shape()}, dy, w);
        },
        [&, this, by_weights]() -> std::optional<V> {
          if constexpr (is_tensor<V>) {
            if (steps->weights->has_gradient()) {
              steps->x.push_back(x), steps->dy.push_back(dy);
              return {};
            }
            steps->x.clear(), steps->dy.clear();  // of a differentiation that was broken off
          }
          return by_weights();
        });
  }
};

}  // namespace detail

/// A convolution with the same weights in every step of a sequence, without bias. On devices their gradient is worked
/// out from all steps together, which takes fewer and larger products, and rounds differently than a sum over steps.
///
///     const StepwiseConv<false, X> from_hidden(weights, window);
///     for (…) h = f(h, from_hidden(h));
template <bool may_group, Value W>
class StepwiseConv {
  using T = typename W::Scalar;
  using B = typename W::Backend;
  static constexpr bool together = is_variable<W> && !std::same_as<B, Cpu>;

 public:
  /// @param w  as for `conv`
  StepwiseConv(const W& w, const Window& window) : window_(window), w_(w) {
    if constexpr (together) {
      steps_ = std::make_shared<detail::ConvSteps<T, B>>();
      w_ = apply(detail::StepWeights<may_group, T, B>{window, steps_}, w);
      steps_->weights = w_.node();
    }
  }
  W operator()(const W& x) const {
    if constexpr (together) {
      const Shape y = detail::conv_result(x.shape(), w_.shape(), window_);
      return apply(detail::StepConvolution<may_group, T, B>{{window_, y}, steps_}, x, w_);
    } else {
      return conv<may_group>(x, w_, None{}, window_);
    }
  }

 private:
  Window window_;
  W w_;
  std::shared_ptr<detail::ConvSteps<T, B>> steps_;
};

}  // namespace flipbook
