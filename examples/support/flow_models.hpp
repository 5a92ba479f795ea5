// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/models/flow/diffusion_forcing.hpp>
#include <flipbook/ops/embedding/embedding.hpp>

#include "data.hpp"

/// The flows that the example programs train, and the classes of all models that have some.
namespace flipbook::examples {

/// How many classes a model with classes has: as MNIST and Fashion-MNIST.
inline constexpr Index classes = 10;
/// The classes of n clips, one-hot: all the same, or of −1 one after another, (n, classes).
/// @throws Error  if there is no such class
template <class B>
Tensor<float, B> labels_of(Index n, Index label = -1) {
  require(label < classes, "--class ", label, ": this model has ", classes, " classes, 0 … ", classes - 1);
  Tensor<std::int32_t> each({n});
  for (Index i = 0; i < n; ++i) each.data()[i] = static_cast<std::int32_t>(label < 0 ? i % classes : label);
  return to<B>(one_hot<float>(each, classes));
}

// Flows of clips (16, 32, 32, 1), without classes and with them.
using UNetFlow = RectifiedFlow32<>;
using PatchFlow = TransformerFlow32<>;
using ForcingFlow = DiffusionForcing32<>;
using UNetFlowOfClasses = RectifiedFlow32<1, classes>;
using PatchFlowOfClasses = TransformerFlow32<1, classes>;
using ForcingFlowOfClasses = DiffusionForcing32<1, classes>;
inline constexpr ClipFormat flow_format{.frames = 16, .size = 32, .channels = 1, .sprites = 1, .sprite = 20};

}  // namespace flipbook::examples
