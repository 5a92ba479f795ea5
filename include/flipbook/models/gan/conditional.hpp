// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/nn/linear.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/reshape.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

/// Class-conditional discriminators: `conditional` networks, whose instances are called with the view of the clips and
/// with one-hot labels (N, Classes). See ViewDiscriminator.
namespace flipbook::inline FLIPBOOK_ISA {

/// A projection discriminator: the logit of x under class y is ψ(φ(x)) + yᵀ V φ(x). Miyato and Koyama, cGANs with
/// projection discriminator, 2018.
///
/// @tparam Features  φ: the view of the clips → (N, D), or (N, 1, …, D)
/// @tparam Head      ψ: (N, D) → (N, 1)
/// @tparam Embed     V: labels (N, Classes) → (N, D)
template <nn::Layer Features, int Classes, nn::Layer Head = nn::Linear<Features::out, 1>,
          nn::Layer Embed = nn::Linear<Classes, Features::out, false>>
struct ProjectionDiscriminator {
  static constexpr int in = Features::in, out = 1, dimensions = nn::any;
  static constexpr bool conditional = true;

  template <Real T, class B>
  struct Instance {
    Of<Features, T, B> features;
    Of<Head, T, B> head;
    Of<Embed, T, B> embed;

    explicit Instance(Rng& rng) : features(rng), head(rng), embed(rng) {}
    static void fields(auto& self, auto&& field) {
      field("features", self.features);
      field("head", self.head);
      field("embed", self.embed);
    }
    /// Logits (N, 1).
    template <Value X>
    X operator()(const X& x, const Tensor<T, B>& label) const {
      const X y = features(x);
      const X phi = reshape(y, {y.shape()[0], Features::out});  // (N, D)
      return head(phi) + sum(phi * embed(lift_like(phi, label)), {1});
    }
  };
};

/// The output of a discriminator with an auxiliary classifier: its logits, and the loss of the classifier.
template <Value X>
struct Classified {
  X logits;
  X loss;  ///< cross-entropy in nats, averaged over the clips
};

/// A discriminator that also classifies clips: of the network's 1 + Classes output channels, the first is the
/// discriminator's logit and the others are the logits of the classes. The discriminator also minimises the
/// cross-entropy of the data's classes, the generator that of the fakes, which are generated for the same labels. Odena
/// et al., Conditional image synthesis with auxiliary classifier GANs, 2017.
///
/// @tparam Network  the view of the clips → (N, 1, …, 1 + Classes)
template <nn::Layer Network, int Classes>
struct AuxiliaryClassifier {
  static_assert(nn::channels_match<Network::out, 1 + Classes>, "AuxiliaryClassifier: a logit and one for each class");
  static constexpr int in = Network::in, out = 1, dimensions = nn::any;
  static constexpr bool conditional = true;

  template <Real T, class B>
  struct Instance : Of<Network, T, B> {
    using Base = Of<Network, T, B>;
    using Base::Base;
    template <Value X>
    Classified<X> operator()(const X& x, const Tensor<T, B>& label) const {
      const X y = static_cast<const Base&>(*this)(x);
      const Index n = y.shape()[0], places = y.size() / (n * (1 + Classes));
      const auto parts = split(reshape(y, {n, places, 1 + Classes}), -1, {1, Classes});
      const auto classes = lift_like(x, label.reshape({n, 1, Classes}));
      return {parts[0], -mean(sum(log_softmax(parts[1]) * classes, {2}))};
    }
  };
};

/// A network with an auxiliary classifier if there are classes, else the network itself.
template <class Network, int Classes>
using Classifying = std::conditional_t<(Classes > 0), AuxiliaryClassifier<Network, Classes>, Network>;

}  // namespace flipbook
