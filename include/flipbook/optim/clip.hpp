// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>

#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA::optim {

/// The Euclidean norm of a gradient over all its parts; not finite if an element, or its square in T, is not finite.
template <Real T, class B>
double length(std::span<const Tensor<T, B>> gradient) {
  double squares = 0;
  for (const auto& part : gradient) {
    double of_part = 0;
    if constexpr (std::same_as<B, Cpu>) kernel::sum_squares(B{}, of_part, part);
    else of_part = static_cast<double>(sum(square(part)).item());
    squares += of_part;
  }
  return std::sqrt(squares);
}

/// Scales a gradient in place to the Euclidean norm `limit` if its norm is larger, and returns the norm before: over
/// all parameters at once, as PyTorch's clip_grad_norm_. If the norm is not finite, it is returned and the gradient is
/// not changed, so that a caller can drop the step.
/// @param gradient  in parts, as returned by tape.gradients
/// @throws Error  if the limit is not positive
template <Real T, class B>
double clip_norm(std::span<const Tensor<T, B>> gradient, double limit) {
  require(limit > 0, "clip_norm: the limit must be positive, got ", limit);
  const double norm = length(gradient), factor = limit / (norm + 1e-6);
  if (std::isfinite(norm) && factor < 1) {
    for (const auto& part : gradient) map_into(part, flipbook::detail::ValueOf<function::Affine>{{factor, 0}}, part);
  }
  return norm;
}
template <Real T, class B>
double clip_norm(const Tensor<T, B>& gradient, double limit) {
  return clip_norm(std::span(&gradient, 1), limit);
}

/// Clamps every parameter to [−limit, limit], in place: keeps a Wasserstein discriminator Lipschitz. Arjovsky et al.,
/// 2017.
/// @throws Error  if the limit is not positive
template <Real T, class B>
void clip_weights(const Tensor<T, B>& parameters, double limit) {
  require(limit > 0, "clip_weights: the limit must be positive, got ", limit);
  map_into(parameters, flipbook::detail::ValueOf<function::Clamp>{{-limit, limit}}, parameters);
}

FLIPBOOK_TEMPLATE(double clip_norm(std::span<const Tensor<float>>, double));

}  // namespace flipbook::optim
