// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

namespace detail {

/// Channels and dimensions of the input and output of a layer, or of a sequence of layers.
struct Ends {
  int in, out, input_dimensions, dimensions;
};

/// The two layers of a mismatch, counted from 0: the output of the first does not match the input of the second.
struct Disagreement {
  bool of_channels = false, of_dimensions = false;
  int giving = 0, given = 0, taking = 0, taken = 0;
};

struct Row {
  Ends ends{any, any, any, any};
  Disagreement disagreement;
};

constexpr Row row(std::initializer_list<Ends> layers) {
  Ends ends{any, any, any, any};
  int fixed_channels = 0, fixed_dimensions = 0, at = 0;  // the layers that set them; others preserve them
  bool anything = true;
  for (const Ends& next : layers) {
    if (!match(ends.out, next.in)) return {ends, {true, false, fixed_channels, ends.out, at, next.in}};
    if (!match(ends.dimensions, next.input_dimensions)) {
      return {ends, {false, true, fixed_dimensions, ends.dimensions, at, next.input_dimensions}};
    }
    if (anything) ends.in = next.in, ends.input_dimensions = next.input_dimensions;
    anything = anything && next.in == any && next.out == any && next.dimensions == any;
    if (next.out != any) ends.out = next.out, fixed_channels = at;
    if (next.dimensions != any) ends.dimensions = next.dimensions, fixed_dimensions = at;
    ++at;
  }
  return {ends, {}};
}

template <class... Layers>
inline constexpr Row row_of = row({Ends{Layers::in, Layers::out, input_dimensions_of<Layers>, Layers::dimensions}...});

// Compilers print a mismatch as ChannelsDiffer<LayerAt<0>, Gives<64>, LayerAt<2>, Takes<32>>.
template <int>
struct LayerAt;
template <int>
struct Gives;
template <int>
struct Takes;
template <class Giving, class Given, class Taking, class Taken>
struct ChannelsDiffer;
template <class Giving, class Given, class Taking, class Taken>
struct DimensionsDiffer;
struct Agreement;

template <class... Layers>
constexpr auto verdict() {
  constexpr Disagreement d = row_of<Layers...>.disagreement;
  if constexpr (d.of_channels) {
    return std::type_identity<ChannelsDiffer<LayerAt<d.giving>, Gives<d.given>, LayerAt<d.taking>, Takes<d.taken>>>{};
  } else if constexpr (d.of_dimensions) {
    return std::type_identity<DimensionsDiffer<LayerAt<d.giving>, Gives<d.given>, LayerAt<d.taking>, Takes<d.taken>>>{};
  } else {
    return std::type_identity<Agreement>{};
  }
}
template <class Verdict>
concept Agrees = std::is_same_v<Verdict, Agreement>;

}  // namespace detail

/// The input of each layer has the channels and the dimensions of the previous layer's output.
template <class... Layers>
concept LayersAgreeInChannelsAndDimensions = detail::Agrees<typename decltype(detail::verdict<Layers...>())::type>;

/// Layers one after another. The compiler checks that each layer accepts the previous one's output. Parameters are
/// named by position, as in PyTorch: "0.weight". An activation after a normalisation is fused into it; on devices, so
/// is an activation after a bias.
template <Layer... Layers>
  requires LayersAgreeInChannelsAndDimensions<Layers...>
struct Sequential {
  static_assert(sizeof...(Layers) > 0, "Sequential<>: needs at least one layer");
  static constexpr int in = detail::row_of<Layers...>.ends.in, out = detail::row_of<Layers...>.ends.out;
  static constexpr int input_dimensions = detail::row_of<Layers...>.ends.input_dimensions;
  static constexpr int dimensions = detail::row_of<Layers...>.ends.dimensions;
  static constexpr bool adds = Adding<std::tuple_element_t<sizeof...(Layers) - 1, std::tuple<Layers...>>>;

  template <Real T, class B>
  struct Instance {
    using Held = flipbook::detail::LayersOf<T, B, Layers...>;
    Held layers;  // get<0>(layers) is the first

    explicit Instance(Rng& rng) : layers(rng) {}

    static void fields(auto& self, auto&& field) { Held::fields(self.layers, field); }
    template <Value X>
    X operator()(const X& x) const {
      return run<0>(x);
    }
    template <Value X>
    X operator()(const X& x, const Onto<X>& onto) const requires(adds) {
      return run<0>(x, onto);
    }

   private:
    template <std::size_t I>
    using At = std::tuple_element_t<I, std::tuple<Layers...>>;
    /// Whether a layer and the next are fused: a normalisation, or on devices a layer with a bias, and an activation.
    template <std::size_t I>
    static constexpr bool fused() {
      constexpr bool on_device = !std::is_same_v<B, Cpu>;
      if constexpr (I + 1 == sizeof...(Layers)) return false;
      else return (Normalising<At<I>> || (on_device && AddingBias<At<I>>)) && Activation<At<I + 1>>;
    }
    /// Each layer's input is released before the next layer runs. Other arguments are passed to the last layer.
    template <std::size_t I, class X, class... More>
    auto run(X x, const More&... more) const {
      if constexpr (I == sizeof...(Layers)) {
        return x;
      } else if constexpr (fused<I>()) {
        auto y = detail::run_layer(get<I>(layers), x, Epilogue{At<I + 1>::f});
        detail::pass_layer(get<I + 1>(layers), y);
        x = {};
        return run<I + 2>(std::move(y), more...);
      } else if constexpr (I + 1 == sizeof...(Layers)) {
        return detail::run_layer(get<I>(layers), x, more...);
      } else {
        auto y = detail::run_layer(get<I>(layers), x);
        x = {};
        return run<I + 1>(std::move(y), more...);
      }
    }
  };
};

}  // namespace flipbook::nn
