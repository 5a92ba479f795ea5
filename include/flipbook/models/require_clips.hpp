// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// Checks the clips given to a model; errors begin with the model's name.
/// @param channels  the channels of the network; negative if its type does not give them
/// @throws Error  if there is no axis of channels, the batch is empty, or it has another number of channels
inline void require_clips(const char* model, const Shape& clips, int channels) {
  require(clips.rank() >= 2 && clips[0] > 0, model, ": a batch of no clips, of shape ", clips,
          "; needs (N, …, C) with N > 0");
  require(channels < 0 || clips[-1] == channels, model, ": clips of shape ", clips, " have ", clips[-1],
          " channels; its network takes ", channels);
}

}  // namespace flipbook::detail
