// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <flipbook/nn/cells.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/permute.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer over sequences (N, T, …, C) that runs on whole sequences or step by step, with equal values up to rounding:
/// `static constexpr bool stepwise = true`, and its instance has
///
///     template <Value X> … State;                              // passed from one step to the next
///     State<X> start(const X& frame) const;                    // before the first frame (N, …, C)
///     X step(const X& frame, State<X>& state) const;           // (N, …, C) → (N, …, D), updates the state
///     X operator()(const X& sequence) const;                   // (N, T, …, C) → (N, T, …, D)
///     X operator()(const X& sequence, State<X>& state) const;  // the same, from and to a state
template <class L>
concept Stepwise = Layer<L> && requires {
  requires L::stepwise;
};

namespace detail {

template <Value X>
void check_sequence(const X& x) {
  require(x.shape().rank() >= 3 && x.shape()[1] > 0,
          "a recurrent network needs a sequence (N, T, …, C) of at least one "
          "step, got ",
          x.shape());
}

/// The first frame of a sequence, as a constant: only its extents are used.
template <Value X>
X first_frame(const X& x) {
  check_sequence(x);
  Shape shape{x.shape()[0]};
  for (const Index extent : x.shape().part(2, x.shape().rank())) shape.push_back(extent);
  return reshape(slice(stop_gradient(x), 1, 0, 1), shape);
}

/// Runs one step of a layer over sequences, as a sequence of one frame.
template <class L, Value X, class State>
X step_as_sequence(const L& layer, const X& frame, State& state) {
  const auto with_time = [](const Shape& shape) {
    Shape longer{shape[0], 1};
    for (const Index extent : shape.part(1, shape.rank())) longer.push_back(extent);
    return longer;
  };
  const X y = layer(reshape(frame, with_time(frame.shape())), state);
  Shape shape{y.shape()[0]};
  for (const Index extent : y.shape().part(2, y.shape().rank())) shape.push_back(extent);
  return reshape(y, shape);
}

}  // namespace detail

/// A cell over sequences: (N, T, …, In) → (N, T, …, Hidden). One product computes the input's terms of the gates for
/// all steps. Parameters have the cell's names.
template <Cell C>
struct Recurrent {
  static constexpr int in = C::in, out = C::out, dimensions = C::dimensions + 1;
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    using State = typename Of<C, T, B>::template State<X>;

    Of<C, T, B> cell;

    explicit Instance(Rng& rng) : cell(rng) {}
    static void fields(auto& self, auto&& field) { Of<C, T, B>::fields(self.cell, field); }

    template <Value X>
    State<X> start(const X& frame) const {
      return cell.start(frame);
    }
    template <Value X>
    X step(const X& frame, State<X>& state) const {
      return cell(frame, state);
    }
    template <Value X>
    X operator()(const X& x, State<X>& state) const {
      detail::check_sequence(x);
      // Time is outermost, so that the gates of a step, its largest tensor, are a view and not a copy.
      const X by_time = transpose(x, 0, 1);  // (T, N, …, In)
      const X projected = for_each_frame(by_time, [&](const X& frames) { return cell.project(frames, state); });
      List<X> outputs;
      for (const X& gates : unstack(projected, 0)) outputs.push_back(cell.advance(gates, state));
      return transpose(stack(0, outputs), 0, 1);
    }
    template <Value X>
    X operator()(const X& x) const {
      State<X> state = start(detail::first_frame(x));
      return (*this)(x, state);
    }
  };
};

namespace detail {

/// A layer of a Stack, as a layer over sequences.
template <class L>
struct OverSequences {
  using Type = PerFrame<L>;
};
template <Cell L>
struct OverSequences<L> {
  using Type = Recurrent<L>;
};
template <Stepwise L>
struct OverSequences<L> {
  using Type = L;
};

struct Stateless {};

template <class L, Value X>
struct StateOf {
  using Type = Stateless;
};
template <Stepwise L, Value X>
struct StateOf<L, X> {
  using Type = typename Of<L, typename X::Scalar, typename X::Backend>::template State<X>;
};

}  // namespace detail

/// Layers one after another over a sequence, (N, T, …, In) → (N, T, …, Out): cells, stepwise layers, and layers for one
/// frame, which process all frames as one batch. Parameters are named by position: "0.gates.weight". Whole sequences
/// (teacher forcing) and single steps (sampling) give equal values up to rounding:
///
///     fb::Module<Stack<ConvLstmCell<1, 32, same>, ConvLstmCell<32, 32, same>, Conv2d<32, 1, same>>, float> net{rng};
///     auto all = net(frames);                  // (N, T, H, W, 1)
///
///     auto state = net->start(first);          // first (N, H, W, 1)
///     auto next = net->step(first, state);     // (N, H, W, 1)
template <class... Layers>
struct Stack {
  static_assert((Layer<Layers> && ...), "Stack: something in it is not a layer (a layer names in, out, dimensions)");
  using Sequence = Sequential<typename detail::OverSequences<Layers>::Type...>;
  static constexpr int in = Sequence::in, out = Sequence::out, dimensions = Sequence::dimensions;
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance {
    /// The state of every layer that has one. It is empty before the first step, since it depends on the extents of the
    /// layer's input.
    template <Value X>
    using State =
        std::tuple<std::optional<typename detail::StateOf<typename detail::OverSequences<Layers>::Type, X>::Type>...>;

    using Held = flipbook::detail::LayersOf<T, B, typename detail::OverSequences<Layers>::Type...>;
    Held layers;

    explicit Instance(Rng& rng) : layers(rng) {}
    static void fields(auto& self, auto&& field) { Held::fields(self.layers, field); }

    template <Value X>
    State<X> start(const X&) const {
      return {};
    }
    template <Value X>
    X step(const X& frame, State<X>& state) const {
      return through(frame, state, [](const auto& layer, const X& x, auto& own) {
        if constexpr (!has_state<decltype(own)>) {
          return layer.image(x);
        } else {
          if (!own) own.emplace(layer.start(x));
          return layer.step(x, *own);
        }
      });
    }
    template <Value X>
    X operator()(const X& sequence, State<X>& state) const {
      return through(sequence, state, [](const auto& layer, const X& x, auto& own) {
        if constexpr (!has_state<decltype(own)>) {
          return layer(x);
        } else {
          if (!own) own.emplace(layer.start(detail::first_frame(x)));
          return layer(x, *own);
        }
      });
    }
    template <Value X>
    X operator()(const X& sequence) const {
      X x = sequence;
      layers.apply([&](const auto&... layer) { ((x = detail::run_layer(layer, x)), ...); });
      return x;
    }

   private:
    template <class Own>
    static constexpr bool has_state = !std::is_same_v<std::remove_cvref_t<Own>, std::optional<detail::Stateless>>;

    template <Value X, class F>
    X through(X x, State<X>& state, const F& f) const {
      [&]<std::size_t... I>(std::index_sequence<I...>) { ((x = f(get<I>(layers), x, std::get<I>(state))), ...); }
      (std::index_sequence_for<Layers...>{});
      return x;
    }
  };
};

}  // namespace flipbook::nn
