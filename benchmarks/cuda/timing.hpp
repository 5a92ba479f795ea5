// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <flipbook/backend/cuda/runtime/launch.hpp>

namespace flipbook::benchmark {

/// Milliseconds of the device for one call of what f launches: the median of five runs of some 20 ms each, after calls
/// that warm up and let libraries choose their kernels.
template <class F>
double device_milliseconds(const F& f) {
  cudaEvent_t begin{}, end{};
  cuda::check(cudaEventCreateWithFlags(&begin, 0), "event");
  cuda::check(cudaEventCreateWithFlags(&end, 0), "event");
  const auto run = [&](int times) {
    cuda::check(cudaEventRecord(begin, cuda::stream()), "event");
    for (int i = 0; i < times; ++i) f();
    cuda::check(cudaEventRecord(end, cuda::stream()), "event");
    cuda::check(cudaEventSynchronize(end), "timing");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
    return static_cast<double>(milliseconds) / times;
  };
  run(3);
  const int times = static_cast<int>(std::clamp(20 / std::max(run(3), 1e-4), 3.0, 2000.0));
  std::vector<double> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(run(times));
  std::nth_element(runs.begin(), runs.begin() + 2, runs.end());
  cuda::check(cudaEventDestroy(begin), "event");
  cuda::check(cudaEventDestroy(end), "event");
  return runs[2];
}

/// Milliseconds of the host's clock for each of `count` calls that wait for the device, after `warm` of them: sorted.
template <class F>
std::vector<double> wall_milliseconds(const F& f, int warm, int count) {
  std::vector<double> times;
  for (int i = -warm; i < count; ++i) {
    cuda::synchronize();
    const auto start = std::chrono::steady_clock::now();
    f();
    cuda::synchronize();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (i >= 0) times.push_back(time.count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

/// The device that is timed, as a line.
inline void print_device() {
  const cuda::DeviceProperties& p = cuda::properties();
  std::printf("%s, compute capability %d.%d, %d multiprocessors\n\n", p.name.c_str(), p.major, p.minor,
              p.multiprocessors);
}

}  // namespace flipbook::benchmark
