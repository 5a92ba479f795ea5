// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>

#include <flipbook/nn/recurrent.hpp>
#include <flipbook/ops/attention/rotary.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Sines and cosines of positions along one axis (L) or more (T, H, W): channels 2j and 2j + 1 are the sine and the
/// cosine of angle j. The channels are divided among the axes. Positions along the first axis begin at `first`. Vaswani
/// et al., 2017.
/// @return  (extents…, channels)
/// @throws  Error  if `channels` is odd
template <Real T, class B = Cpu>
Tensor<T, B> sinusoidal_positions(const Shape& extents, Index channels, Index first = 0) {
  require(channels % 2 == 0, "sinusoidal_positions: needs an even number of channels, got ", channels);
  const auto angles = position_angles<T, B>(extents, channels / 2, first);
  Shape shape = extents;
  shape.push_back(channels);
  return reshape(stack(2, angles.sines, angles.cosines), shape);
}

namespace detail {

/// The extents of a sequence (N, T, …, C) between batch and channels.
inline Shape positions_of(const char* layer, const Shape& shape) {
  require(shape.rank() >= 3, layer, ": needs a sequence (N, T, …, C), got ", shape);
  return shape.part(1, shape.rank() - 1);
}

/// Base of layers that add a vector for each position. The state counts steps.
template <class Self>
struct AddsPositions {
  template <Value X>
  using State = Index;  ///< steps so far

  template <Value X>
  Index start(const X&) const {
    return 0;
  }
  template <Value X>
  X step(const X& frame, Index& steps) const {
    return step_as_sequence(*this, frame, steps);
  }
  template <Value X>
  X operator()(const X& x, Index& steps) const {
    const X y = x + static_cast<const Self&>(*this).positions(x, steps);
    steps += x.shape()[1];
    return y;
  }
  template <Value X>
  X operator()(const X& x) const {
    Index steps = 0;
    return (*this)(x, steps);
  }
};

}  // namespace detail

/// x + `sinusoidal_positions`, over one axis (N, L, C) or three (N, T, H, W, C).
struct SinusoidalPosition {
  static constexpr int in = any, out = any, dimensions = any;
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance : detail::AddsPositions<Instance<T, B>> {
    template <Value X>
    Tensor<T, B> positions(const X& x, Index first) const {
      return sinusoidal_positions<T, B>(detail::positions_of("SinusoidalPosition", x.shape()), x.shape().back(), first);
    }
  };
};

/// x + a learned vector for each position along each axis: LearnedPosition<W, L> over (N, L, W),
/// LearnedPosition<W, T, H, W'> over (N, T, H, W', W), up to these extents. Initialised from N(0, 0.02²). Parameters
/// are named "0", "1", "2" by axis, or "weight" if there is one axis.
template <int Width, int... Extents>
struct LearnedPosition {
  static_assert(Width > 0 && sizeof...(Extents) > 0 && ((Extents > 0) && ...),
                "LearnedPosition<Width, Extents…>: needs a width and at least one extent, all positive");
  static constexpr int in = Width, out = Width, dimensions = sizeof...(Extents);
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance : detail::AddsPositions<Instance<T, B>> {
    std::array<Parameter<T, B>, sizeof...(Extents)> tables;  // (extent, Width) each

    explicit Instance(Rng& rng) : tables{Parameter<T, B>{normal<T, B>({Extents, Width}, rng) * 0.02}...} {}
    static void fields(auto& self, auto&& field) {
      for (std::size_t i = 0; i < self.tables.size(); ++i) {
        field(self.tables.size() == 1 ? std::string("weight") : std::to_string(i), self.tables[i]);
      }
    }

    /// The sum of the axes' vectors, (extents…, Width).
    /// @throws Error  if x has other axes, or a position exceeds an extent of the type
    template <Value X>
    X positions(const X& x, Index first) const {
      const Shape extents = detail::positions_of("LearnedPosition", x.shape());
      require(extents.rank() == dimensions, "LearnedPosition: has ", dimensions, " axes, the input ", x.shape());
      const auto along = [&](int axis) {
        const auto& table = tables[static_cast<std::size_t>(axis)];
        const Index begin = axis == 0 ? first : 0, end = begin + extents[axis];
        require(end <= table.shape()[0], "LearnedPosition: place ", end - 1, " of ", table.shape()[0], " along axis ",
                axis);
        Shape shape = Shape::filled(dimensions, 1);
        shape[axis] = extents[axis];
        shape.push_back(Width);
        return reshape(slice(lift_like(x, table), 0, begin, end), shape);
      };
      X sum = along(0);
      for (int axis = 1; axis < dimensions; ++axis) sum = sum + along(axis);
      return sum;
    }
  };
};

}  // namespace flipbook::nn
