// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <numbers>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

/// What a flow is made of besides its network: the way from noise to data, and what has a noise level of its own.
namespace flipbook::inline FLIPBOOK_ISA::flow {

/// The way from noise x₀, at level t = 0, to data x₁, at t = 1: an argument of a Flow's type. Of static functions of
/// values X, with t broadcasting to both, it has
///
///     X at(const X& x0, const X& x1, const X& t)          x_t
///     X velocity(const X& x0, const X& x1, const X& t)    dx_t/dt
template <class P>
concept Path = requires(const Tensor<float>& x) {
  { P::at(x, x, x) } -> std::same_as<Tensor<float>>;
  { P::velocity(x, x, x) } -> std::same_as<Tensor<float>>;
};

/// x_t = (1 − t)·x₀ + t·x₁, a straight line. Liu et al., Flow straight and fast, 2023; Lipman et al., Flow matching for
/// generative modeling, 2023.
struct Straight {
  template <Value X>
  static X at(const X& x0, const X& x1, const X& t) {
    return x0 + t * (x1 - x0);
  }
  template <Value X>
  static X velocity(const X& x0, const X& x1, const X&) {
    return x1 - x0;
  }
};

/// x_t = cos(πt/2)·x₀ + sin(πt/2)·x₁, which keeps the variance of data of variance 1. Albergo and Vanden-Eijnden,
/// Building normalizing flows with stochastic interpolants, 2023.
struct Trigonometric {
  template <Value X>
  static X at(const X& x0, const X& x1, const X& t) {
    const X angle = t * (std::numbers::pi / 2);
    return cos(angle) * x0 + sin(angle) * x1;
  }
  template <Value X>
  static X velocity(const X& x0, const X& x1, const X& t) {
    const X angle = t * (std::numbers::pi / 2);
    return (cos(angle) * x1 - sin(angle) * x0) * (std::numbers::pi / 2);
  }
};

/// What has a noise level of its own: an argument of a Flow's type. `axes` is how many leading axes a level has.
struct OneLevel {
  static constexpr int axes = 1;  ///< one for each sample: (N)
};
/// A level for each frame: (N, T). Chen et al., Diffusion forcing, 2024.
struct LevelPerFrame {
  static constexpr int axes = 2;
};

/// The numbers that a flow is trained on and makes.
enum class Range {
  unit_interval,  ///< in [0, 1], such as pixels: [−1, 1] for the network, and what is made is clamped
  unbounded       ///< any, such as codes: what the network sees
};

}  // namespace flipbook::flow
