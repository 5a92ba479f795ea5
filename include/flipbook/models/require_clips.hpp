// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// Checks the clips that a model is given, in the model's name.
/// @param channels  those that the network takes; negative where its type does not say
/// @throws Error  if the batch is empty or has another number of channels
inline void require_clips(const char* model, const Shape& clips, int channels) {
  require(clips.rank() >= 2 && clips[0] > 0, model, ": a batch of no clips, of shape ", clips,
          "; needs (N, …, C) with N > 0");
  require(channels < 0 || clips[-1] == channels, model, ": clips of shape ", clips, " have ", clips[-1],
          " channels; its network takes ", channels);
}

}  // namespace flipbook::detail
