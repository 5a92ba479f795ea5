// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::flow {

/// When each frame of a rollout loses its noise, in stages: a new frame is at level t = 0 until its turn, gains 1 /
/// steps with each stage, and is `lag` stages behind the one before it. A lag of `steps` makes one frame at a time, a
/// lag of 0 all of them at once. The network sees a window that moves along with them.
/// Chen et al., Diffusion forcing, 2024 (there: pyramid scheduling).
struct Pyramid {
  Index context;  ///< frames that are given
  Index frames;   ///< frames to make
  Index steps, lag, window;

  /// @throws Error  if the window does not hold all frames that are unfinished at the same time
  void check() const {
    require(frames > 0 && steps > 0 && lag >= 0, "Pyramid: ", frames, " frames in ", steps, " steps with a lag of ",
            lag, "; needs at least one frame and step, and a lag that is not negative");
    const Index unfinished = lag == 0 ? frames : std::min(frames, (steps + lag - 1) / lag);
    require(window >= unfinished, "Pyramid: with ", steps, " steps and a lag of ", lag, ", ", unfinished,
            " frames are unfinished at the same time, and the window holds ", window);
  }
  Index stages() const { return (frames - 1) * lag + steps; }
  /// t of a frame, counted from the first of the context, before a stage.
  double level(Index frame, Index stage) const {
    if (frame < context) return 1;
    return std::clamp(static_cast<double>(stage - (frame - context) * lag) / static_cast<double>(steps), 0.0, 1.0);
  }
  /// How many frames the network sees.
  Index seen() const { return std::min(window, context + frames); }
  /// The first of them in a stage: the last is the last whose level has begun to rise.
  Index begin(Index stage) const {
    const Index begun = lag == 0 ? frames : std::min(frames, stage / lag + 1);
    return std::max<Index>(0, context + begun - window);
  }
};

}  // namespace flipbook::flow
