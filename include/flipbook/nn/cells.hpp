// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/recurrent/gru.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>

/// Cells: layers that process one frame of a sequence and pass a state to the next. The instance of a cell has
///
///     template <Value X> struct State;                          // passed to the next frame; `h` is the output
///     State<X> start(const X& frame) const;                     // zeros, for a frame of these extents
///     X project(const X& frames, const State<X>& state) const;  // the input's terms of the gates
///     X advance(const X& projected, State<X>& state) const;     // the rest of the step; returns the new h
///     X operator()(const X& frame, State<X>& state) const;      // project, then advance
///
/// The projections of different time steps are independent, so one product computes all of them (nn/recurrent.hpp).

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer for one frame with a state: `static constexpr bool recurrent = true`.
template <class L>
concept Cell = Layer<L> && requires {
  requires L::recurrent;
};

namespace detail {

/// Zeros for the hidden units at every position of a frame: (N, …, Hidden).
template <int Hidden, Value X>
X zero_state(const X& frame) {
  require(frame.shape().rank() >= 2, "a cell needs a frame (N, …, C), got ", frame.shape());
  return lift_like(frame, zeros<typename X::Scalar, typename X::Backend>(frame.shape().with_tail(1, {Hidden})));
}

/// Base of cells: a whole step is `project`, then `advance`.
template <class Self>
struct WholeStep {
  template <Value X, class State>
  X operator()(const X& frame, State& state) const {
    const Self& self = static_cast<const Self&>(*this);
    return self.advance(self.project(frame, state), state);
  }
};

/// Base of cells whose state is their output.
template <int Hidden>
struct OutputAsState {
  template <Value X>
  struct State {
    X h;  // (N, Hidden)
  };
  template <Value X>
  State<X> start(const X& frame) const {
    return {zero_state<Hidden>(frame)};
  }
};

/// The parameters of a cell over vectors, with PyTorch's names and initial values: uniform on ±1/√Hidden.
template <class Self, int In, int Hidden, int Gates, Real T, class B>
struct GateWeights : WholeStep<Self> {
  Parameter<T, B> weight_ih;         // (In, Gates · Hidden)
  Parameter<T, B> weight_hh;         // (Hidden, Gates · Hidden)
  Parameter<T, B> bias_ih, bias_hh;  // (Gates · Hidden)

  explicit GateWeights(Rng& rng)
      : weight_ih{init::fan_in<T, B>({In, Gates * Hidden}, Hidden, rng), WeightLayout::linear},
        weight_hh{init::fan_in<T, B>({Hidden, Gates * Hidden}, Hidden, rng), WeightLayout::linear},
        bias_ih{init::fan_in<T, B>({Gates * Hidden}, Hidden, rng)},
        bias_hh{init::fan_in<T, B>({Gates * Hidden}, Hidden, rng)} {}
  static void fields(auto& self, auto&& field) {
    field("weight_ih", self.weight_ih);
    field("weight_hh", self.weight_hh);
    field("bias_ih", self.bias_ih);
    field("bias_hh", self.bias_hh);
  }

  template <Value X, class State>
  X project(const X& frames, const State&) const {
    return linear(frames, weight_ih, bias_ih);
  }
  template <Value X>
  X from_hidden(const X& h) const {
    return linear(h, weight_hh, bias_hh);
  }
};

}  // namespace detail

/// h' = tanh(x·Wᵢ + bᵢ + h·Wₕ + bₕ):  (N, In) → (N, Hidden). Elman, 1990.
template <int In, int Hidden>
struct RnnCell {
  static_assert(In > 0 && Hidden > 0, "RnnCell<In, Hidden>: both must be positive");
  static constexpr int in = In, out = Hidden, dimensions = 0;
  static constexpr bool recurrent = true;

  template <Real T, class B>
  struct Instance : detail::GateWeights<Instance<T, B>, In, Hidden, 1, T, B>, detail::OutputAsState<Hidden> {
    using detail::GateWeights<Instance<T, B>, In, Hidden, 1, T, B>::GateWeights;

    template <Value X, class State>
    X advance(const X& projected, State& state) const {
      return state.h = tanh(projected + this->from_hidden(state.h));
    }
  };
};

/// Long short-term memory: (N, In) → (N, Hidden), computed by `lstm_update`, with the gates in the order i, f, g, o.
template <int In, int Hidden>
struct LstmCell {
  static_assert(In > 0 && Hidden > 0, "LstmCell<In, Hidden>: both must be positive");
  static constexpr int in = In, out = Hidden, dimensions = 0;
  static constexpr bool recurrent = true;

  template <Real T, class B>
  struct Instance : detail::GateWeights<Instance<T, B>, In, Hidden, 4, T, B> {
    template <Value X>
    struct State {
      X h, c;  // (N, Hidden)
    };
    using detail::GateWeights<Instance<T, B>, In, Hidden, 4, T, B>::GateWeights;

    template <Value X>
    State<X> start(const X& frame) const {
      const X zero = detail::zero_state<Hidden>(frame);
      return {zero, zero};
    }
    template <Value X>
    X advance(const X& projected, State<X>& state) const {
      const auto [h, c] = lstm_update(projected, this->from_hidden(state.h), state.c);
      state = {h, c};
      return h;
    }
  };
};

/// Gated recurrent unit: (N, In) → (N, Hidden), computed by `gru_update`, with the gates in the order r, z, n.
template <int In, int Hidden>
struct GruCell {
  static_assert(In > 0 && Hidden > 0, "GruCell<In, Hidden>: both must be positive");
  static constexpr int in = In, out = Hidden, dimensions = 0;
  static constexpr bool recurrent = true;

  template <Real T, class B>
  struct Instance : detail::GateWeights<Instance<T, B>, In, Hidden, 3, T, B>, detail::OutputAsState<Hidden> {
    using detail::GateWeights<Instance<T, B>, In, Hidden, 3, T, B>::GateWeights;

    template <Value X, class State>
    X advance(const X& projected, State& state) const {
      return state.h = gru_update(projected, this->from_hidden(state.h), state.h);
    }
  };
};

}  // namespace flipbook::nn
