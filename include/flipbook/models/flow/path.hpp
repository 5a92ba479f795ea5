// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <numbers>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

/// The parts of a flow besides its network: the path from noise to data, and noise levels by sample or by frame.
namespace flipbook::inline FLIPBOOK_ISA::flow {

/// The path from noise x₀, at level t = 0, to data x₁, at t = 1: an argument of a Flow's type. It has static functions
/// of values X, with t broadcasting to both:
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

/// x_t = cos(πt/2)·x₀ + sin(πt/2)·x₁, whose variance is 1 at every t for data of variance 1. Albergo and
/// Vanden-Eijnden, Building normalizing flows with stochastic interpolants, 2023.
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

/// A noise level for each sample: (N). An argument of a Flow's type; `axes` is the number of axes of a tensor of
/// levels.
struct OneLevel {
  static constexpr int axes = 1;
};
/// A noise level for each frame: (N, T). Chen et al., Diffusion forcing, 2024.
struct LevelPerFrame {
  static constexpr int axes = 2;
};

/// The range of a flow's data.
enum class Range {
  unit_interval,  ///< [0, 1], such as pixels: scaled to [−1, 1] for the network; samples are clamped
  unbounded       ///< any, such as codes: passed to the network unchanged
};

}  // namespace flipbook::flow
