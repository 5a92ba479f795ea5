// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <utility>

#include <flipbook/nn/conv_cells.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

namespace detail {

constexpr Window without_bias(Window window) {
  window.bias = false;
  return window;
}

/// One layer of SpatioTemporalLstm. The convolution of the input computes terms of i, f, g, i', f', g', o, that of the
/// hidden state terms of i, f, g, o, and that of the memory m terms of i', f', g'. Initially, 1 is added to the biases
/// of the forget gates f and f'.
template <int In, int Hidden, Window W>
struct SpatioTemporalLayer {
  template <Real T, class B>
  struct Instance {
    Of<Conv2d<In, 7 * Hidden, W>, T, B> x;
    Of<Conv2d<Hidden, 4 * Hidden, without_bias(W)>, T, B> h;
    Of<Conv2d<Hidden, 3 * Hidden, without_bias(W)>, T, B> m;
    Of<Conv2d<2 * Hidden, Hidden, without_bias(W)>, T, B> o;
    Of<Conv2d<2 * Hidden, Hidden, Window{.bias = false}>, T, B> last;

    explicit Instance(Rng& rng) : x(rng), h(rng), m(rng), o(rng), last(rng) {
      const Tensor<T, B> one = ones<T, B>({Hidden}), zero = zeros<T, B>({Hidden});
      if constexpr (W.bias) x.bias.value = x.bias.value + concat(0, zero, one, zero, zero, one, zero, zero);
    }
    static void fields(auto& self, auto&& field) {
      field("x", self.x);
      field("h", self.h);
      field("m", self.m);
      field("o", self.o);
      field("last", self.last);
    }

    /// @param projected  the convolution of the input, (N, H, W, 7 · Hidden); h_t, c_t and memory are updated
    template <Value X>
    void advance(const X& projected, X& h_t, X& c_t, X& memory) const {
      const List<X> of_x = split(projected, -1, {3 * Hidden, 3 * Hidden, Hidden});
      const List<X> of_h = split(h(h_t), -1, {3 * Hidden, Hidden});
      c_t = remembered(of_x[0] + of_h[0], c_t);
      memory = remembered(of_x[1] + m(memory), memory);
      const X both = concat(-1, c_t, memory);  // (N, H, W, 2 · Hidden)
      h_t = sigmoid(of_x[2] + of_h[1] + o(both)) * tanh(last(both));
    }

   private:
    template <Value X>
    static X remembered(const X& gates, const X& before) {
      const List<X> gate = split(gates, -1, 3);
      return sigmoid(gate[1]) * before + sigmoid(gate[0]) * tanh(gate[2]);
    }
  };
};

}  // namespace detail

/// Spatio-temporal LSTM of `Layers` layers over images: (N, H, W, In) → (N, H, W, Hidden). A memory m passes up through
/// the layers, and from the last layer to the first layer of the next step:
///
///     c' = σ(f)·c + σ(i)·tanh(g),   m' = σ(f')·m + σ(i')·tanh(g'),   h' = σ(o + wₒ ∗ [c', m'])·tanh(w₁ₓ₁ ∗ [c', m'])
///
/// where i, f, g and o are computed from input and hidden state, i', f' and g' from input and memory. The layers share
/// the memory and therefore form one cell. Parameters: first.x, .h, .m, .o, .last, and the same of the other layers,
/// "0.x.weight". Wang et al., PredRNN, 2017.
template <int In, int Hidden, int Layers, Window W>
struct SpatioTemporalLstm {
  static_assert(In > 0 && Hidden > 0 && Layers > 1,
                "SpatioTemporalLstm<In, Hidden, Layers, Window>: needs channels, and two layers or more");
  static_assert(detail::keeps_extents(W),
                "SpatioTemporalLstm: needs a window that keeps height and width, such as {.kernel = 5, .padding = 2}");
  static constexpr int in = In, out = Hidden, dimensions = 2;
  static constexpr bool recurrent = true;

  template <Real T, class B>
  struct Instance : detail::WholeStep<Instance<T, B>> {
    template <Value X>
    struct State {
      List<X> h, c;  // of each layer (N, H, W, Hidden)
      X m;           // (N, H, W, Hidden)
    };

    Of<detail::SpatioTemporalLayer<In, Hidden, W>, T, B> first;
    std::array<Of<detail::SpatioTemporalLayer<Hidden, Hidden, W>, T, B>, static_cast<std::size_t>(Layers - 1)> others;

    explicit Instance(Rng& rng) : Instance(rng, std::make_index_sequence<static_cast<std::size_t>(Layers - 1)>{}) {}
    static void fields(auto& self, auto&& field) {
      field("first", self.first);
      for (std::size_t i = 0; i < self.others.size(); ++i) field(std::to_string(i), self.others[i]);
    }

    template <Value X>
    State<X> start(const X& frame) const {
      const X zero = detail::zero_state<Hidden>(frame);
      return {List<X>(Layers, zero), List<X>(Layers, zero), zero};
    }
    template <Value X>
    X project(const X& frames, const State<X>&) const {
      return first.x(frames);
    }
    template <Value X>
    X advance(const X& projected, State<X>& state) const {
      first.advance(projected, state.h[0], state.c[0], state.m);
      for (std::size_t i = 0; i < others.size(); ++i) {
        others[i].advance(others[i].x(state.h[i]), state.h[i + 1], state.c[i + 1], state.m);
      }
      return state.h.back();
    }

   private:
    template <std::size_t... I>
    Instance(Rng& rng, std::index_sequence<I...>)
        : first(rng), others{(static_cast<void>(I), typename decltype(others)::value_type(rng))...} {}
  };
};

}  // namespace flipbook::nn
