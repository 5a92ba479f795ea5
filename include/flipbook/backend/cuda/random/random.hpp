// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/runtime/stream.hpp>
#include <flipbook/core/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// A stream of random numbers as a kernel's argument: `draws(rng)` at the launch, `.stream()` in the kernel. In a
/// captured step, each replay reads its position in the stream from device memory.
struct Draws {
  Rng now;
  const Rng* replayed = nullptr;
  __device__ Rng stream() const { return replayed == nullptr ? now : *replayed; }
};

inline Draws draws(const Rng& rng) {
  Capture* const capture = queue().capture;
  return {rng, capture == nullptr ? nullptr : capture->draws(rng)};
}

}  // namespace flipbook::cuda
