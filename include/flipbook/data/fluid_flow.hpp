// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/navier_stokes.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Two-dimensional turbulence: the vorticity of an incompressible flow (NavierStokes2d) on a periodic square of side
/// 2π. It begins as a random field with the energy spectrum E(k) ∝ (k/k₀)⁴ exp(−2 (k/k₀)²) and total energy ½, so that
/// the velocity's root mean square is 1. Then vortices form, rotate around each other and merge. A pixel is ½ + ω / (2
/// · range), clamped to [0, 1]: grey is no vorticity, black and white are −range and range.
class FluidFlow {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;        ///< height and width of a frame: a power of two, at least 16
    double frame_time = 0.1;  ///< between frames; at speed 1, the fluid moves by 1/2π of the canvas per unit of time
    double warmup = 0.5;      ///< time before the first frame
    double viscosity = 4e-3;
    double wave_number = 4;  ///< k₀: about the number of pairs of vortices along a side at the beginning
    double forcing = 0;      ///< energy per unit of time from random forces at |k − k₀| < ½, white in time
    double drag = 0;         ///< rate at which the velocity decays at every scale
    double range = 10;       ///< vorticity that is white
    std::uint64_t seed = 0;
  };

  explicit FluidFlow(const Options& options) : options_(options) {
    const Options& o = options_;
    require(o.frames > 0 && o.frame_time > 0 && o.warmup >= 0 && std::isfinite(o.frame_time + o.warmup),
            "FluidFlow: ", o.frames, " frames, ", o.frame_time, " apart, after a time of ", o.warmup);
    require(o.forcing >= 0 && o.range > 0 && o.wave_number >= 1 && 3 * o.wave_number < static_cast<double>(o.canvas),
            "FluidFlow: forcing ", o.forcing, ", range ", o.range, ", wave number ", o.wave_number,
            "; need forcing >= 0, range > 0 and 1 <= wave number < canvas / 3");
    NavierStokes2d<float>(o.canvas, o.viscosity, o.drag);  // throws for unsupported arguments
  }
  FluidFlow() : FluidFlow(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  /// @throws Error if forcing has made the flow too fast to integrate
  Tensor<float> clip(Index index) const {
    const Options& o = options_;
    Rng rng{o.seed, static_cast<std::uint64_t>(index)};
    NavierStokes2d<float> flow(o.canvas, o.viscosity, o.drag);
    flow.add_random(
        0.5, [&](double k) { return energy_at(k) / k; }, rng);  // the number of waves at k is proportional to k
    flow.scale(std::sqrt(0.5 / flow.energy()));
    advance(flow, o.warmup, rng);
    Tensor<float> clip(shape());
    for (Index t = 0; t < o.frames; ++t) {
      if (t > 0) advance(flow, o.frame_time, rng);
      const Tensor<float> vorticity = flow.vorticity();
      std::transform(vorticity.begin(), vorticity.end(), clip[t].begin(), [&](float w) { return pixel(w); });
    }
    return clip;
  }

  /// The pixel of a vorticity, and the vorticity of a pixel.
  float pixel(float vorticity) const {
    return std::clamp(0.5F + vorticity / static_cast<float>(2 * options_.range), 0.0F, 1.0F);
  }
  float vorticity(float pixel) const { return (2 * pixel - 1) * static_cast<float>(options_.range); }

  const Options& options() const noexcept { return options_; }

 private:
  double energy_at(double k) const {
    const double square = (k / options_.wave_number) * (k / options_.wave_number);
    return square * square * std::exp(-2 * square);
  }

  /// In pieces no longer than a frame, so that the time step adapts to the current speed.
  void advance(NavierStokes2d<float>& flow, double time, Rng& rng) const {
    const auto ring = [&](double k) { return std::abs(k - options_.wave_number) < 0.5 ? 1.0 : 0.0; };
    const auto pieces = static_cast<Index>(std::ceil(time / options_.frame_time));
    for (Index piece = 0; piece < pieces; ++piece) {
      const double length = time / static_cast<double>(pieces);
      const Index steps = flow.steps_for(length);
      const double each = length / static_cast<double>(steps);
      for (Index i = 0; i < steps; ++i) {
        flow.step(each);
        if (options_.forcing > 0) flow.add_random(options_.forcing * each, ring, rng);
      }
    }
  }

  Options options_;
};

}  // namespace flipbook
