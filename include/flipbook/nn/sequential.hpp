#pragma once

#include <string>
#include <tuple>
#include <utility>

#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

namespace detail {

/// That `After` takes what `Before`, the last layer that fixed it, gives.
template <class Before, class After>
struct Adjacent {
  static_assert(channels_match<Before::out, After::in>,
                "Sequential: the channels that a layer gives differ from those that the next one takes");
  static_assert(dimensions_match<Before::dimensions, input_dimensions_of<After>>,
                "Sequential: a layer works on another number of dimensions than the one before it");
  static constexpr bool checked = true;
};

/// What has been fixed so far: layers that take anything pass it on.
template <class Before, class After>
struct Passed {
  static constexpr int in = Before::in == any ? After::in : Before::in;
  static constexpr int out = After::out == any ? Before::out : After::out;
  static constexpr int dimensions = After::dimensions == any ? Before::dimensions : After::dimensions;
};

template <class Before, class... Rest>
struct Chain {
  using Result = Before;
};
template <class Before, class After, class... Rest>
struct Chain<Before, After, Rest...> {
  // The error should name the two layers, so a layer that fixes everything stands for itself.
  static constexpr bool fixes_all = After::out != any && After::dimensions != any;
  using Last = std::conditional_t<fixes_all, After, Passed<Before, After>>;
  static_assert(Adjacent<Before, After>::checked);
  using Result = typename Chain<Last, Rest...>::Result;
};

template <class First, class... Rest>
struct InputOf {
  static constexpr int channels = First::in, dimensions = input_dimensions_of<First>;
};
template <class First, class Second, class... Rest>
  requires(First::in == any && First::out == any && First::dimensions == any)
struct InputOf<First, Second, Rest...> : InputOf<Second, Rest...> {};

}  // namespace detail

/// Layers one after another. That each takes what the one before it gives is checked by the compiler;
/// parameters are named by position, as in PyTorch: "0.weight". An activation after a normalisation is worked out in
/// the same pass.
template <class... Layers>
struct Sequential {
  static_assert(sizeof...(Layers) > 0, "Sequential<>: needs at least one layer");
  static_assert((Layer<Layers> && ...),
                "Sequential: something in it is not a layer (a layer names in, out, dimensions)");
  using Checked = typename detail::Chain<Layers...>::Result;
  static constexpr int in = detail::InputOf<Layers...>::channels, out = Checked::out, dimensions = Checked::dimensions;
  static constexpr int input_dimensions = detail::InputOf<Layers...>::dimensions;

  template <Real T, class B>
  struct Instance {
    std::tuple<Of<Layers, T, B>...> layers;

    explicit Instance(Rng& rng) : layers{flipbook::detail::make_instance<Of<Layers, T, B>>(rng)...} {}

    static void fields(auto& self, auto&& field) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (field(std::to_string(I), std::get<I>(self.layers)), ...);
      }(std::index_sequence_for<Layers...>{});
    }
    template <Value X>
    X operator()(const X& x) const {
      return run<0>(x);
    }

   private:
    template <std::size_t I>
    using At = std::tuple_element_t<I, std::tuple<Layers...>>;
    /// Whether a layer and the next are a normalisation and an activation, which are one pass together.
    template <std::size_t I>
    static constexpr bool fused() {
      if constexpr (I + 1 < sizeof...(Layers)) return Normalising<At<I>> && Activation<At<I + 1>>;
      else return false;
    }
    template <std::size_t I, class X>
    auto run(const X& x) const {
      if constexpr (I == sizeof...(Layers)) {
        return x;
      } else if constexpr (fused<I>()) {
        const auto y = detail::run_layer(std::get<I>(layers), x, Epilogue{At<I + 1>::f});
        detail::pass_layer(std::get<I + 1>(layers), y);
        return run<I + 2>(y);
      } else {
        return run<I + 1>(detail::run_layer(std::get<I>(layers), x));
      }
    }
  };
};

}  // namespace flipbook::nn
