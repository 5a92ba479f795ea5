// SPDX-License-Identifier: MIT
// How many clips a second one core makes, of 20 frames of 64 × 64: the rates that docs/data.md states.
#include <benchmark/benchmark.h>

#include <flipbook/data/fluid_flow.hpp>
#include <flipbook/data/gray_scott.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/rain.hpp>

namespace {

using namespace flipbook;

template <class Source>
void clips(benchmark::State& state) {
  const Source source({.frames = 20, .canvas = 64});
  Index index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(source.clip(index++));
  state.counters["clips/s"] = benchmark::Counter(static_cast<double>(index), benchmark::Counter::kIsRate);
}

BENCHMARK(clips<Rain>)->Unit(benchmark::kMillisecond);
BENCHMARK(clips<FluidFlow>)->Unit(benchmark::kMillisecond);
BENCHMARK(clips<GrayScott>)->Unit(benchmark::kMillisecond);
BENCHMARK(clips<MovingShapes>)->Unit(benchmark::kMillisecond);

}  // namespace
