// SPDX-License-Identifier: MIT
// Metrics, in frames of 64 × 64 a second, and distances of feature sets by their size. OMP_NUM_THREADS=1 for one core.
#include <benchmark/benchmark.h>

#include <flipbook/core/fill.hpp>
#include <flipbook/metrics/ensemble.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/forecast.hpp>
#include <flipbook/metrics/frechet.hpp>
#include <flipbook/metrics/kernel_distance.hpp>
#include <flipbook/metrics/sprites.hpp>
#include <flipbook/metrics/ssim.hpp>

namespace {

using namespace flipbook;
using namespace flipbook::metrics;

Tensor<float> drawn(const Shape& shape, std::uint64_t seed) {
  Rng rng{seed};
  return uniform<float>(shape, rng);
}

void count_frames(benchmark::State& state, Index frames) {
  state.counters["frames/s"] =
      benchmark::Counter(static_cast<double>(frames), benchmark::Counter::kIsIterationInvariantRate);
}

template <class M>
void frames(benchmark::State& state, const M& empty) {
  const auto x = drawn({4, 10, 64, 64, 1}, 1), y = drawn({4, 10, 64, 64, 1}, 2);
  for (auto _ : state) {
    M metric = empty;
    metric.add(x, y);
    benchmark::DoNotOptimize(metric.value());
  }
  count_frames(state, 40);
}
BENCHMARK_CAPTURE(frames, mse, Mse{});
BENCHMARK_CAPTURE(frames, psnr, Psnr{});
BENCHMARK_CAPTURE(frames, ssim, Ssim{});
BENCHMARK_CAPTURE(frames, ssim_openstl, Ssim(StructuralSimilarity::openstl()));
BENCHMARK_CAPTURE(frames, csi, Csi{});
BENCHMARK_CAPTURE(frames, fss, Fss{});
BENCHMARK_CAPTURE(frames, path_error, PathError{});

void crps(benchmark::State& state) {
  const auto x = drawn({state.range(0), 4, 10, 64, 64, 1}, 1), y = drawn({4, 10, 64, 64, 1}, 2);
  for (auto _ : state) {
    Crps metric;
    metric.add(x, y);
    benchmark::DoNotOptimize(metric.value());
  }
  count_frames(state, 40);
}
BENCHMARK(crps)->Arg(10)->Arg(100);

void content_change(benchmark::State& state) {
  const auto x = drawn({4, 10, 64, 64, 1}, 1);
  for (auto _ : state) {
    ContentChange metric;
    metric.add(x);
    benchmark::DoNotOptimize(metric.value());
  }
  count_frames(state, 40);
}
BENCHMARK(content_change);

/// Of so many features on each side, of so many numbers.
template <class M>
void distance(benchmark::State& state) {
  const auto x = drawn({state.range(0), state.range(1)}, 1), y = drawn({state.range(0), state.range(1)}, 2);
  for (auto _ : state) {
    M metric;
    metric.add(x, y);
    benchmark::DoNotOptimize(metric.value());
  }
}
BENCHMARK_TEMPLATE(distance, FrechetDistance)->Args({1000, 64})->Args({5000, 512})->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(distance, KernelDistance)->Args({1000, 64})->Args({5000, 512})->Unit(benchmark::kMillisecond);

}  // namespace
