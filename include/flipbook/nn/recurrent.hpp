#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <flipbook/nn/cells.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::nn {

namespace detail {

template <Value X>
void check_sequence(const X& x) {
  require(x.shape().rank() >= 3 && x.shape()[1] > 0, "a recurrent network needs a sequence (N, T, …, C) of at least one "
          "step, got ", x.shape());
}

/// What a function of frames (N, …, C) gives for each frame of a sequence (N, T, …, C), all in one call.
template <Value X, class F>
X each_frame(const X& x, const F& f) {
  const Shape& shape = x.shape();
  Shape folded{shape[0] * shape[1]}, unfolded{shape[0], shape[1]};
  for (const Index extent : shape.part(2, shape.rank())) folded.push_back(extent);
  const X y = f(reshape(x, folded));
  for (const Index extent : y.shape().part(1, y.shape().rank())) unfolded.push_back(extent);
  return reshape(y, unfolded);
}

/// The first frame of a sequence, without its past: for its extents.
template <Value X>
X first_frame(const X& x) {
  Shape shape{x.shape()[0]};
  for (const Index extent : x.shape().part(2, x.shape().rank())) shape.push_back(extent);
  return reshape(slice(stop(x), 1, 0, 1), shape);
}

/// A cell over all steps of a sequence (N, T, …, C), from `state`, which is left as the last step's.
template <class C, Value X, class State>
X unroll(const C& cell, const X& x, State& state) {
  const X projected = each_frame(x, [&](const X& frames) { return cell.project(frames, state); });
  List<X> outputs;
  for (const X& gates : unstack(projected, 1)) outputs.push_back(cell.advance(gates, state));
  return stack(1, outputs);
}

struct Stateless {};

/// What one element of a stack hands on from step to step.
template <class L, Value X>
struct StateOf {
  using Type = Stateless;
};
template <Cell L, Value X>
struct StateOf<L, X> {
  using Type = typename Of<L, typename X::Scalar, typename X::Backend>::template State<X>;
};

}  // namespace detail

/// Cells, and layers without a state, one after another over a sequence: (N, T, …, In) → (N, T, …, Out).
/// Whole sequences (teacher forcing) and single steps (sampling) give the same values to rounding:
///
///     fb::Module<Stack<ConvLstmCell<1, 32, same>, ConvLstmCell<32, 32, same>, Conv2d<32, 1, same>>, float> net{rng};
///     auto all = net(frames);                       // (N, T, H, W, 1)
///
///     auto state = net->start(first);               // first (N, H, W, 1)
///     auto next = net->step(first, state);          // (N, H, W, 1)
///
/// A layer without a state sees all frames of a sequence as one batch. Parameters are named by position:
/// "0.gates.weight".
template <class... Layers>
struct Stack {
  static_assert((Layer<Layers> && ...), "Stack: something in it is not a layer (a layer names in, out, dimensions)");
  static_assert((Cell<Layers> || ...), "Stack: none of its layers has a state; use PerFrame or Sequential");
  using Frame = Sequential<Layers...>;  // checks that each takes what the one before it gives
  static constexpr int in = Frame::in, out = Frame::out;
  static constexpr int dimensions = Frame::dimensions < 0 ? Frame::dimensions : Frame::dimensions + 1;

  template <Real T, class B>
  struct Instance {
    /// The state of every cell; empty before the first step, which starts from zeros.
    template <Value X>
    using State = std::tuple<std::optional<typename detail::StateOf<Layers, X>::Type>...>;

    std::tuple<Of<Layers, T, B>...> layers;

    explicit Instance(Rng& rng) : layers{flipbook::detail::made<Of<Layers, T, B>>(rng)...} {}
    static void fields(auto& self, auto&& field) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (field(std::to_string(I), std::get<I>(self.layers)), ...);
      }(std::index_sequence_for<Layers...>{});
    }

    /// The state before the first step on frames such as this one.
    template <Value X>
    State<X> start(const X&) const {
      return {};
    }
    /// One step: (N, …, In) → (N, …, Out). Moves the state on.
    template <Value X>
    X step(const X& frame, State<X>& state) const {
      return each_layer(frame, state, [](const auto& layer, const X& x, auto& own) {
        if constexpr (!has_state<decltype(own)>) {
          return layer(x);
        } else {
          if (!own) own.emplace(layer.start(x));
          return layer(x, *own);
        }
      });
    }
    /// All steps of a sequence (N, T, …, In), from and to a state.
    template <Value X>
    X operator()(const X& x, State<X>& state) const {
      detail::check_sequence(x);
      return each_layer(x, state, [](const auto& layer, const X& sequence, auto& own) {
        if constexpr (!has_state<decltype(own)>) {
          return detail::each_frame(sequence, layer);
        } else {
          if (!own) own.emplace(layer.start(detail::first_frame(sequence)));
          return detail::unroll(layer, sequence, *own);
        }
      });
    }
    /// All steps, from a state of zeros.
    template <Value X>
    X operator()(const X& x) const {
      State<X> state;
      return (*this)(x, state);
    }

   private:
    template <class Own>
    static constexpr bool has_state = !std::is_same_v<std::remove_cvref_t<Own>, std::optional<detail::Stateless>>;

    template <Value X, class F>
    X each_layer(X x, State<X>& state, const F& f) const {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((x = f(std::get<I>(layers), x, std::get<I>(state))), ...);
      }(std::index_sequence_for<Layers...>{});
      return x;
    }
  };
};

/// One cell over a sequence: (N, T, …, In) → (N, T, …, Hidden); parameters are named as the cell's.
/// Used as `Stack` is.
template <Cell C>
struct Recurrent {
  static constexpr int in = C::in, out = C::out, dimensions = C::dimensions + 1;

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
      return detail::unroll(cell, x, state);
    }
    template <Value X>
    X operator()(const X& x) const {
      detail::check_sequence(x);
      State<X> state = start(detail::first_frame(x));
      return detail::unroll(cell, x, state);
    }
  };
};

}  // namespace flipbook::nn
