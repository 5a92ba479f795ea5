// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/paint.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A pendulum driven by random torques u of a motor at its pivot; its angle θ is 0 upright and grows clockwise:
///
///     θ'' = (g/l) sin θ + u/(m l²) − c θ'
///
/// A clip has actions (T, 1), u as a fraction of the largest torque, or (T, 3), one-hot for full torque to the left,
/// none, and full torque to the right. The state (T, 3) is (cos θ, sin θ, θ'); a frame shows only the first two.
class Pendulum {
 public:
  enum class Actions {
    smooth,   ///< a sum of three sinusoids of up to 1 Hz
    discrete  ///< full torque either way, or none, for `hold` frames each
  };
  struct Options {
    Index frames = 20;
    Index canvas = 64;      ///< height and width of a frame
    double time = 0.1;      ///< between frames, in seconds
    double gravity = 9.81;  ///< g, in m/s²
    double length = 1;      ///< l, in m
    double mass = 1;        ///< m, in kg
    double damping = 0.1;   ///< c, in 1/s
    double torque = 5;      ///< the largest, in N m
    double speed = 3;       ///< largest initial |θ'|, in 1/s
    Actions actions = Actions::smooth;
    Index hold = 4;   ///< frames that a discrete action lasts
    Index steps = 4;  ///< integration steps per frame
    std::uint64_t seed = 0;
  };
  struct State {
    double angle, velocity;
  };

  explicit Pendulum(const Options& options) : options_(options) {
    const Options& o = options_;
    require(o.frames > 0 && o.canvas > 0 && o.hold > 0 && o.steps > 0, "Pendulum: ", o.frames, " frames of ", o.canvas,
            " pixels, actions of ", o.hold, " frames, ", o.steps, " steps a frame; all must be positive");
    require(o.time > 0 && o.length > 0 && o.mass > 0, "Pendulum: a frame of ", o.time, " s, a length of ", o.length,
            " m, a mass of ", o.mass, " kg; all must be positive");
  }
  Pendulum() : Pendulum(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 3}; }

  /// Clip `index` of the endless sequence selected by the seed.
  ClipWithActions<> clip(Index index) const { return replay(index, actions(index)); }

  /// Clip `index` replayed from its start with other actions, (T, 1) or (T, 3).
  /// @throws Error for actions of another shape
  ClipWithActions<> replay(Index index, const Tensor<float>& actions) const {
    const Index frames = options_.frames, width = discrete() ? 3 : 1;
    require(actions.shape() == Shape{frames, width}, "Pendulum: actions of shape ", actions.shape(), "; needs (",
            frames, ", ", width, ")");
    Tensor<float> clip(shape()), states({frames, 3});
    paint::fill(clip, Colour{0.07F, 0.09F, 0.13F});
    State state = start(index);
    for (Index t = 0; t < frames; ++t) {
      draw(state, clip[t]);
      const std::array<double, 3> row{std::cos(state.angle), std::sin(state.angle), state.velocity};
      for (Index i = 0; i < 3; ++i) states.data()[3 * t + i] = static_cast<float>(row[static_cast<std::size_t>(i)]);
      state = after(state, torque(actions.data() + t * width), options_.time, options_.steps);
    }
    return {clip, actions, states};
  }

  State start(Index index) const {
    Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    const double angle = rng.uniform(-std::numbers::pi, std::numbers::pi);
    return {angle, rng.uniform(-options_.speed, options_.speed)};
  }

  Tensor<float> actions(Index index) const {
    Rng rng = Rng::at(options_.seed, static_cast<std::uint64_t>(index), std::uint64_t{1} << 32);
    Tensor<float> actions({options_.frames, discrete() ? Index{3} : Index{1}});
    std::fill(actions.begin(), actions.end(), 0.0F);
    if (discrete()) {
      Index action = 0;
      for (Index t = 0; t < options_.frames; ++t) {
        if (t % options_.hold == 0) action = rng.below(3);
        actions.data()[3 * t + action] = 1;
      }
      return actions;
    }
    for (int wave = 0; wave < 3; ++wave) {
      const double rate = 2 * std::numbers::pi * rng.uniform(), phase = 2 * std::numbers::pi * rng.uniform();
      for (Index t = 0; t < options_.frames; ++t) {
        const double at = rate * options_.time * static_cast<double>(t) + phase;
        actions.data()[t] += static_cast<float>(std::sin(at) / 3);
      }
    }
    return actions;
  }

  /// The state after `time` seconds of a constant torque, by the Runge–Kutta method of order 4.
  State after(State state, double torque, double time, Index steps) const {
    const double h = time / static_cast<double>(steps);
    for (Index i = 0; i < steps; ++i) {
      const State a = change(state, torque), b = change(moved(state, a, h / 2), torque);
      const State c = change(moved(state, b, h / 2), torque), d = change(moved(state, c, h), torque);
      state.angle += h / 6 * (a.angle + 2 * b.angle + 2 * c.angle + d.angle);
      state.velocity += h / 6 * (a.velocity + 2 * b.velocity + 2 * c.velocity + d.velocity);
    }
    return state;
  }
  /// ½ m l² θ'² + m g l cos θ, which is constant without torque and damping.
  double energy(const State& state) const {
    const auto& [l, m] = std::pair{options_.length, options_.mass};
    return m * l * l * state.velocity * state.velocity / 2 + m * options_.gravity * l * std::cos(state.angle);
  }
  const Options& options() const noexcept { return options_; }

 private:
  bool discrete() const { return options_.actions == Actions::discrete; }
  double torque(const float* action) const {
    return options_.torque * static_cast<double>(discrete() ? action[2] - action[0] : action[0]);
  }
  State change(const State& s, double torque) const {
    const double l = options_.length;
    return {s.velocity, options_.gravity / l * std::sin(s.angle) + torque / (options_.mass * l * l) -
                            options_.damping * s.velocity};
  }
  static State moved(const State& s, const State& change, double time) {
    return {s.angle + time * change.angle, s.velocity + time * change.velocity};
  }

  void draw(const State& state, const Tensor<float>& frame) const {
    const double size = static_cast<double>(options_.canvas), pivot = size / 2, rod = 0.36 * size;
    const double x = pivot + rod * std::sin(state.angle), y = pivot - rod * std::cos(state.angle);
    paint::segment(frame, Colour{0.72F, 0.76F, 0.82F}, pivot, pivot, x, y, 0.022 * size);
    paint::disc(frame, Colour{0.45F, 0.5F, 0.58F}, pivot, pivot, 0.045 * size);
    paint::disc(frame, Colour{0.98F, 0.55F, 0.2F}, x, y, 0.1 * size);
  }

  Options options_;
};

}  // namespace flipbook
