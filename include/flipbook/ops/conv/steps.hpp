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

/// Inputs and gradients of steps whose contributions to the gradient of the shared weights are not computed yet.
template <class T, class B>
struct ConvSteps {
  List<Tensor<T, B>> x, dy;
  const Node* weights = nullptr;  // the node that receives the weights' gradient
};

/// The shared weights of all steps. Its gradient adds the collected contributions to the one that arrives.
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

/// The convolution of a step. The first step in the backward pass propagates its contribution to the weights' gradient;
/// the others are collected.
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
            steps->x.clear(), steps->dy.clear();  // left by a differentiation that threw
          }
          return by_weights();
        });
  }
};

}  // namespace detail

/// A convolution with the same weights in every step of a sequence, without bias. On devices the gradient of the
/// weights is computed from all steps together, in fewer and larger products; it rounds differently from a sum over
/// steps.
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
