// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flipbook/models/gan/view.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/repeat.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Kinds of fakes: an argument of ViewDiscriminator, with one static function that takes the fakes that a discriminator
/// judges from the result of the model's `play` (see Adversarial).
namespace fakes {

/// Clips generated from noise.
struct Samples {
  static const auto& of(const auto& made) {
    static_assert(
        requires { made.samples; }, "ViewDiscriminator: the model's `play` makes no samples to face");
    return made.samples;
  }
};
/// Reconstructions of the model's input clips.
struct Reconstructions {
  static const auto& of(const auto& made) {
    static_assert(
        requires { made.reconstructions; }, "ViewDiscriminator: the model's `play` makes no reconstructions to face");
    return made.reconstructions;
  }
};
/// Continuations of given frames.
struct Predictions {
  static const auto& of(const auto& made) {
    static_assert(
        requires { made.predictions; }, "ViewDiscriminator: the model's `play` makes no predictions to face");
    return made.predictions;
  }
};
/// The first of these kinds that the model has.
struct Any {
  static const auto& of(const auto& made) {
    if constexpr (requires { made.samples; }) return made.samples;
    else if constexpr (requires { made.reconstructions; }) return made.reconstructions;
    else return Predictions::of(made);
  }
};

}  // namespace fakes

/// A discriminator with its view of the clips and the kind of fakes that it judges. Parameters have the names of the
/// network. A network alone stands for ViewDiscriminator<Network>.
///
///     ViewDiscriminator<FrameNetwork, view::RandomFrames<8>>
///     ViewDiscriminator<ClipNetwork, view::Downsampled<2>, fakes::Reconstructions>
///
/// @tparam Network  the view's result → logits of any shape; a `conditional` network also receives the batch's labels,
///                  a row (…) for each image or clip of the view
template <nn::Layer Network, class View = view::Clip, class Fakes = fakes::Any>
struct ViewDiscriminator {
  static constexpr int in = Network::in, out = Network::out, dimensions = nn::any;
  template <Real T, class B>
  using Instance = Of<Network, T, B>;
};

/// Several discriminators, each a network or a ViewDiscriminator, such as one of frames and one of motion: their losses
/// are added.
template <nn::Layer... D>
struct Discriminators {
  static constexpr int in = std::tuple_element_t<0, std::tuple<D...>>::in, out = nn::any, dimensions = nn::any;
  static_assert((nn::channels_match<D::in, in> && ...), "Discriminators: they must all take the same channels");

  template <Real T, class B>
  struct Instance {
    using Held = detail::LayersOf<T, B, D...>;
    Held all;

    explicit Instance(Rng& rng) : all(rng) {}
    static void fields(auto& self, auto&& field) { Held::fields(self.all, field); }
    /// The logits of each network for the same x: views are applied by the training.
    template <Value X>
    auto operator()(const X& x) const {
      return all.apply([&](const auto&... d) { return std::tuple{d(x)...}; });
    }
  };
};

namespace detail {

/// The view, the fakes and the network of a discriminator.
template <class D>
struct Judgement {
  using View = view::Clip;
  using Fakes = fakes::Any;
  using Network = D;
};
template <class N, class V, class F>
struct Judgement<ViewDiscriminator<N, V, F>> {
  using View = V;
  using Fakes = F;
  using Network = N;
};

template <class Network>
inline constexpr bool conditional = false;
template <class Network>
  requires requires { requires Network::conditional; }
inline constexpr bool conditional<Network> = true;

/// d as a function of the view alone, with the labels (N, …) of the clips, or None.
template <class D, class Instance, class Label>
auto with_labels(const Instance& d, const Label& label) {
  if constexpr (conditional<typename Judgement<D>::Network>) {
    static_assert(!std::same_as<Label, None>,
                  "ViewDiscriminator: the network is conditional, and the batch has no labels");
    const Index n = label.extent(0);
    return [&d, n, rows = label.reshape({n, label.size() / n})](const auto& seen) {  // rows (N, K)
      const Index each = seen.extent(0) / n;
      return d(seen, each == 1 ? rows : repeat_interleave(rows, each));
    };
  } else {
    return [&d](const auto& seen) { return d(seen); };
  }
}

/// Σ f(type, discriminator) over one discriminator, or over those of Discriminators in their order.
template <class D>
struct EachDiscriminator {
  template <class Instance, class F>
  static auto sum(const Instance& d, const F& f) {
    return f(std::type_identity<D>{}, d);
  }
};
template <class... D>
struct EachDiscriminator<Discriminators<D...>> {
  template <class Instance, class F>
  static auto sum(const Instance& several, const F& f) {
    return several.all.apply([&](const auto&... d) {
      const std::tuple terms{f(std::type_identity<D>{}, d)...};  // in this order
      return std::apply([](const auto&... term) { return (term + ...); }, terms);
    });
  }
};

}  // namespace detail
}  // namespace flipbook
