// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <flipbook/backend/cuda/runtime/arithmetic.hpp>
#include <flipbook/backend/cuda/runtime/stream.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Whether launches of the calling thread are captured into a graph instead of run.
inline bool capturing() { return queue().captured != nullptr; }

/// The fastest of `count` kernels for the same work: run(i) launches the i-th and returns whether it ran.
/// @return  0 if none ran, or there is only one
template <class Run>
int fastest(int count, const Run& run) {
  if (count < 2) return 0;
  constexpr int times = 3;
  cudaEvent_t begin{}, end{};
  check(cudaEventCreateWithFlags(&begin, 0), "event");
  check(cudaEventCreateWithFlags(&end, 0), "event");
  float best = std::numeric_limits<float>::infinity();
  int choice = 0;
  for (int i = 0; i < count; ++i) {
    if (!run(i)) continue;  // also warms up
    check(cudaEventRecord(begin, stream()), "event");
    for (int again = 0; again < times; ++again) run(i);
    check(cudaEventRecord(end, stream()), "event");
    check(cudaEventSynchronize(end), "timing");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
    if (milliseconds < best) best = milliseconds, choice = i;
  }
  check(cudaEventDestroy(begin), "event");
  check(cudaEventDestroy(end), "event");
  return choice;
}

}  // namespace flipbook::cuda
