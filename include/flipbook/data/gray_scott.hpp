// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <utility>

#include <flipbook/core/math.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Gray and Scott's reaction U + 2V → 3V, V → P, of two substances that diffuse, on a periodic square of n × n points:
///
///     ∂u/∂t = D_u ∇²u − u v² + F (1 − u)
///     ∂v/∂t = D_v ∇²v + u v² − (F + k) v
///
/// by Euler steps in time and second-order finite differences in space (the five-point stencil, with spacing 1).
template <std::floating_point T>
class ReactionDiffusion {
 public:
  struct Rates {
    double feed, kill;          ///< F and k
    double diffusion_u = 0.16;  ///< D_u, in points² per unit of time
    double diffusion_v = 0.08;
  };

  /// u = 1 and v = 0 everywhere.
  explicit ReactionDiffusion(Index n, const Rates& rates) : n_(n), rates_(rates) {
    require(n > 0, "ReactionDiffusion: ", n, " points along a side");
    for (Tensor<T>* x : {&u_, &v_, &next_u_, &next_v_}) {
      *x = Tensor<T>({n + 2, n + 2});  // with a border that copies the opposite side's points
      std::fill(x->begin(), x->end(), x == &u_ || x == &next_u_ ? T(1) : T(0));
    }
  }
  ReactionDiffusion(ReactionDiffusion&&) = default;  // a copy would share its memory
  ReactionDiffusion& operator=(ReactionDiffusion&&) = default;

  T& u(Index y, Index x) { return u_.data()[(y + 1) * (n_ + 2) + x + 1]; }
  T& v(Index y, Index x) { return v_.data()[(y + 1) * (n_ + 2) + x + 1]; }

  /// One time step; steps up to 1 / (4 D_u) are stable.
  void step(double time = 1) {
    wrap(u_), wrap(v_);
    const T h = static_cast<T>(time), feed = static_cast<T>(rates_.feed),
            loss = static_cast<T>(rates_.feed + rates_.kill);
    const T du = static_cast<T>(rates_.diffusion_u), dv = static_cast<T>(rates_.diffusion_v);
    const Index stride = n_ + 2;
    const auto at = [&]<class X>(Index i, X) {
      const auto laplacian = [&](const T* x, const X& centre) {
        return (load<X>(x - stride) + load<X>(x + stride)) + (load<X>(x - 1) + load<X>(x + 1)) - X(4) * centre;
      };
      const X u = load<X>(u_.data() + i), v = load<X>(v_.data() + i), reaction = u * v * v;
      store(next_u_.data() + i, u + h * (du * laplacian(u_.data() + i, u) - reaction + feed * (X(1) - u)));
      store(next_v_.data() + i, v + h * (dv * laplacian(v_.data() + i, v) + reaction - loss * v));
    };
    for (Index y = 1; y <= n_; ++y) {
      Index x = 1;
      for (; x + lanes <= n_ + 1; x += lanes) at(y * stride + x, V(T(0)));
      for (; x <= n_; ++x) at(y * stride + x, T(0));
    }
    std::swap(u_, next_u_), std::swap(v_, next_v_);
  }

 private:
  using V = xsimd::batch<T>;
  static constexpr Index lanes = static_cast<Index>(V::size);

  template <class X>
  static X load(const T* from) {
    if constexpr (std::same_as<X, T>) return *from;
    else return X::load_unaligned(from);
  }
  template <class X>
  static void store(T* to, const X& x) {
    if constexpr (std::same_as<X, T>) *to = x;
    else x.store_unaligned(to);
  }

  void wrap(Tensor<T>& x) const {
    const Index stride = n_ + 2;
    T* to = x.data();
    for (Index y = 1; y <= n_; ++y) to[y * stride] = to[y * stride + n_], to[y * stride + n_ + 1] = to[y * stride + 1];
    std::copy_n(to + n_ * stride, stride, to);
    std::copy_n(to + stride, stride, to + (n_ + 1) * stride);
  }

  Index n_;
  Rates rates_;
  Tensor<T> u_, v_, next_u_, next_v_;  // (n + 2, n + 2)
};

/// Patterns of Gray and Scott's reaction (ReactionDiffusion): dividing spots, worms, a maze, or holes. A clip draws its
/// rates from `patterns` (Pearson, Complex patterns in a simple system, 1993). It begins with a few discs of substance
/// V in a plane of U; a pixel is v / `range`, clamped to 1.
class GrayScott {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;   ///< height and width of a frame
    Index steps = 80;    ///< time steps of 1 between frames
    Index warmup = 300;  ///< steps before the first frame
    Index discs = 5;     ///< initial discs of V
    double range = 0.4;  ///< value of v that is white
    std::uint64_t seed = 0;
  };

  /// A pattern and its rates.
  struct Pattern {
    const char* name;
    double feed, kill;  ///< F and k
  };
  static constexpr std::array<Pattern, 4> patterns{
      {{"dividing spots", 0.0367, 0.0649}, {"maze", 0.055, 0.062}, {"worms", 0.046, 0.063}, {"holes", 0.039, 0.058}}};

  explicit GrayScott(const Options& options) : options_(options) {
    const Options& o = options_;
    require(o.frames > 0 && o.canvas > 0 && o.steps > 0 && o.warmup >= 0 && o.discs > 0 && o.range > 0,
            "GrayScott: ", o.frames, " frames of ", o.canvas, " pixels, ", o.steps, " steps apart, after ", o.warmup,
            " steps from ", o.discs, " discs, range ", o.range);
  }
  GrayScott() : GrayScott(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// The pattern of clip `index`.
  const Pattern& pattern(Index index) const {
    Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    return patterns[static_cast<std::size_t>(rng.below(static_cast<Index>(patterns.size())))];
  }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  Tensor<float> clip(Index index) const {
    const Options& o = options_;
    const auto& [name, feed, kill] = pattern(index);
    ReactionDiffusion<float> field(o.canvas, {.feed = feed, .kill = kill});
    Rng rng = Rng::at(o.seed, static_cast<std::uint64_t>(index), 1);  // after the number that drew the pattern
    for (Index disc = 0; disc < o.discs; ++disc) place(field, rng);
    Tensor<float> clip(shape());
    for (Index t = 0; t < o.frames; ++t) {
      for (Index step = t == 0 ? o.warmup : o.steps; step > 0; --step) field.step();
      float* to = clip[t].data();
      for (Index y = 0; y < o.canvas; ++y)
        for (Index x = 0; x < o.canvas; ++x)
          *to++ = std::clamp(field.v(y, x) / static_cast<float>(o.range), 0.0F, 1.0F);
    }
    return clip;
  }

  const Options& options() const noexcept { return options_; }

 private:
  /// Places a disc of u = ½ and v = ¼ at random, with a little noise that breaks its symmetry.
  void place(ReactionDiffusion<float>& field, Rng& rng) const {
    const Index n = options_.canvas, centre_y = rng.below(n), centre_x = rng.below(n);
    const double radius = rng.uniform(2, 5);
    const auto reach = static_cast<Index>(radius);
    for (Index y = -reach; y <= reach; ++y) {
      for (Index x = -reach; x <= reach; ++x) {
        const double noise = rng.uniform(0.9, 1.1);
        if (std::hypot(x, y) > radius) continue;
        const Index at_y = (centre_y + y + n * reach) % n, at_x = (centre_x + x + n * reach) % n;
        field.u(at_y, at_x) = 0.5F, field.v(at_y, at_x) = static_cast<float>(0.25 * noise);
      }
    }
  }

  Options options_;
};

}  // namespace flipbook
