// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::flow {

/// The noise levels of a rollout's frames in each stage: a new frame begins at t = 0, rises by 1 / steps with each
/// stage, and is `lag` stages behind the previous one. A lag of `steps` denoises one frame at a time, a lag of 0 all
/// frames at once. The network receives a sliding window of the frames. Chen et al., Diffusion forcing, 2024 (there:
/// pyramid scheduling).
struct Pyramid {
  Index context;  ///< given frames
  Index frames;   ///< new frames
  Index steps, lag, window;

  /// @throws Error  if the window is shorter than the frames that are in progress at the same time, or a setting is out
  ///                of range
  void check() const {
    require(frames > 0 && steps > 0 && lag >= 0, "Pyramid: ", frames, " frames in ", steps, " steps with a lag of ",
            lag, "; needs at least one frame and step, and a lag that is not negative");
    const Index unfinished = lag == 0 ? frames : std::min(frames, (steps + lag - 1) / lag);
    require(window >= unfinished, "Pyramid: with ", steps, " steps and a lag of ", lag, ", ", unfinished,
            " frames are unfinished at the same time, and the window holds ", window);
  }
  Index stages() const { return (frames - 1) * lag + steps; }
  /// The level t of a frame before a stage; frames are counted from the first one of the context.
  double level(Index frame, Index stage) const {
    if (frame < context) return 1;
    return std::clamp(static_cast<double>(stage - (frame - context) * lag) / static_cast<double>(steps), 0.0, 1.0);
  }
  /// The number of frames in the window.
  Index seen() const { return std::min(window, context + frames); }
  /// The window's first frame in a stage. The window ends with the last frame whose level has begun to rise.
  Index begin(Index stage) const {
    const Index begun = lag == 0 ? frames : std::min(frames, stage / lag + 1);
    return std::max<Index>(0, context + begun - window);
  }
};

}  // namespace flipbook::flow
