// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/loss/penalty.hpp>
#include <flipbook/optim/clip.hpp>

namespace flipbook::inline FLIPBOOK_ISA::regulariser {

/// Bounds the gradient of a discriminator: an argument of Gan and Adversarial, such as R1, with two static functions.
///
///     penalty(Tape&, const D& discriminator, const X& real, const X& fake, const V& loss)
///                                     the loss plus the penalty; discriminator(x) is the sum of the logits for
///                                     a view x. Several discriminators are penalised separately
///     void after_step(const Tensor<T, B>& parameters)    changes the discriminator's parameters after a step
///
/// The Training of a model checks it for the variables V that it records.
template <class R, class D, class V>
concept Regulariser = requires(Tape& tape, const D& discriminator, const V& real, const V& fake, const V& loss,
                               const Tensor<typename V::Scalar, typename V::Backend>& parameters) {
  { R::penalty(tape, discriminator, real, fake, loss) } -> Value;
  R::after_step(parameters);
};

}  // namespace flipbook::regulariser

namespace flipbook::inline FLIPBOOK_ISA::detail {
struct AnyScore {
  template <Value X>
  X operator()(const X& x) const;
};
}  // namespace flipbook::detail

namespace flipbook::inline FLIPBOOK_ISA::regulariser {

/// No regularisation.
struct NoPenalty {
  template <class D, class X, class V>
  static V penalty(Tape&, const D&, const X&, const X&, const V& loss) {
    return loss;
  }
  template <class P>
  static void after_step(const P&) {}
};

/// γ/2 · E ‖∇ D(x)‖² for data x. Mescheder et al., 2018.
template <double Gamma = 10.0>
struct R1 : NoPenalty {
  template <class D, class X, class V>
  static auto penalty(Tape& tape, const D& discriminator, const X& real, const X&, const V& loss) {
    return loss + loss::r1(tape, discriminator, real, Gamma);
  }
};

/// weight · E (‖∇ D(x̂)‖ − 1)² for x̂ between data and samples. Gulrajani et al., 2017.
template <double Weight = 10.0>
struct GradientPenalty : NoPenalty {
  template <class D, class X, class V>
  static auto penalty(Tape& tape, const D& discriminator, const X& real, const X& fake, const V& loss) {
    return loss + loss::gradient_penalty(tape, discriminator, real, fake, Weight);
  }
};

/// Clamps every parameter to ±Limit after a step. Arjovsky et al., 2017.
template <double Limit = 0.01>
struct WeightClipping : NoPenalty {
  template <class P>
  static void after_step(const P& parameters) {
    optim::clip_weights(parameters, Limit);
  }
};

}  // namespace flipbook::regulariser
