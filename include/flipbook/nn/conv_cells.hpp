// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/cells.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/ops/conv/steps.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

namespace detail {

/// Whether a convolution over images preserves height and width.
constexpr bool keeps_extents(const Window& window) {
  for (int axis = 1; axis < 3; ++axis) {
    if (window.stride[axis] != 1) return false;
    if (window.padding.before[axis] + window.padding.after[axis] != window.dilation[axis] * (window.kernel[axis] - 1)) {
      return false;
    }
  }
  return !window.causal && window.groups == 1;
}

template <Value X, Window W>
struct GateParts {
  X of_input;
  StepwiseConv<(W.groups > 1), X> from_hidden;
};

/// A convolution over the concatenated input and hidden state,
///
///     gates(x, h) = w ∗ [x, h] + b = wₓ ∗ x + b + wₕ ∗ h,
///
/// computed as the sum of its two parts, of which the first is computed for all time steps at once.
template <class Self, int In, int Hidden, int Gates, Window W, Real T, class B>
struct GateConvolution : WholeStep<Self> {
  static_assert(In > 0 && Hidden > 0, "a convolutional cell needs positive numbers of channels");
  static_assert(keeps_extents(W),
                "a convolutional cell needs a window that keeps height and width: stride 1, no groups, "
                "paddings that add up to dilation · (kernel − 1), such as {.kernel = 3, .padding = 1}");
  Of<Conv2d<In + Hidden, Gates * Hidden, W>, T, B> gates;

  explicit GateConvolution(Rng& rng) : gates(rng) {}
  static void fields(auto& self, auto&& field) { field("gates", self.gates); }

  /// The parts of the weights for input and hidden state, (Kh, Kw, In | Hidden, Gates · Hidden), split once for all
  /// steps.
  template <Value X>
  GateParts<X, W> parts(const X& frame) const {
    const auto both = split(lift_like(frame, gates.weight), -2, {In, Hidden});
    return {both[0], {both[1], W}};
  }
  template <Value X, class State>
  X project(const X& frames, const State& state) const {
    return conv<(W.groups > 1)>(frames, state.weights.of_input, gates.bias, W);
  }
};

}  // namespace detail

/// Convolutional LSTM over images: (N, H, W, In) → (N, H, W, Hidden). One convolution of input and hidden state
/// computes the gates, in the order i, f, o, u (input, forget, output, update):
///
///     c' = σ(f)·c + σ(i)·tanh(u),   h' = σ(o)·tanh(c')
///
/// Shi et al., Convolutional LSTM network (NeurIPS 2015), without peepholes.
template <int In, int Hidden, Window W>
struct ConvLstmCell {
  static constexpr int in = In, out = Hidden, dimensions = 2;
  static constexpr bool recurrent = true;
  static constexpr LstmOrder order{.input = 0, .forget = 1, .candidate = 3, .output = 2};

  template <Real T, class B>
  struct Instance : detail::GateConvolution<Instance<T, B>, In, Hidden, 4, W, T, B> {
    template <Value X>
    struct State {
      X h, c;  // (N, H, W, Hidden)
      detail::GateParts<X, W> weights;
    };
    using detail::GateConvolution<Instance<T, B>, In, Hidden, 4, W, T, B>::GateConvolution;

    template <Value X>
    State<X> start(const X& frame) const {
      const X zero = detail::zero_state<Hidden>(frame);
      return {zero, zero, this->parts(frame)};
    }
    template <Value X>
    X advance(const X& projected, State<X>& state) const {
      const auto [h, c] = lstm_update(projected, state.weights.from_hidden(state.h), state.c, order);
      state.h = h;
      state.c = c;
      return h;
    }
  };
};

/// Convolutional GRU over images: (N, H, W, In) → (N, H, W, Hidden). One convolution of input and hidden state computes
/// the gates, in the order r, z, n. Its bias belongs to the input's terms, and the reset gate multiplies the hidden
/// state's term of n, as in `gru_update`.
/// Ballas et al., Delving deeper into convolutional networks for learning video representations (ICLR 2016).
template <int In, int Hidden, Window W>
struct ConvGruCell {
  static constexpr int in = In, out = Hidden, dimensions = 2;
  static constexpr bool recurrent = true;

  template <Real T, class B>
  struct Instance : detail::GateConvolution<Instance<T, B>, In, Hidden, 3, W, T, B> {
    template <Value X>
    struct State {
      X h;  // (N, H, W, Hidden)
      detail::GateParts<X, W> weights;
    };
    using detail::GateConvolution<Instance<T, B>, In, Hidden, 3, W, T, B>::GateConvolution;

    template <Value X>
    State<X> start(const X& frame) const {
      return {detail::zero_state<Hidden>(frame), this->parts(frame)};
    }
    template <Value X>
    X advance(const X& projected, State<X>& state) const {
      return state.h = gru_update(projected, state.weights.from_hidden(state.h), state.h);
    }
  };
};

}  // namespace flipbook::nn
