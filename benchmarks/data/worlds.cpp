// SPDX-License-Identifier: MIT
// Clips a second that one core makes of each data set that needs no file: 20 frames of 64 × 64 pixels.
#include <benchmark/benchmark.h>

#include <flipbook/data/fixed_camera.hpp>
#include <flipbook/data/gravity_sprites.hpp>
#include <flipbook/data/maze.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/data/pendulum.hpp>
#include <flipbook/data/stochastic_sprites.hpp>

namespace {

using namespace flipbook;

Tensor<std::uint8_t> images() {  // as large as MNIST's
  Tensor<std::uint8_t> images({100, 28, 28});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(i * 37 % 256);
  return images;
}

template <Dataset Source>
void clips(benchmark::State& state, const Source& source) {
  require(source.shape().part(0, 3) == Shape{20, 64, 64}, "data: clips of shape ", source.shape());
  Index index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(source.clip(index++));
  state.SetItemsProcessed(index);
}

BENCHMARK_CAPTURE(clips, MovingShapes, MovingShapes({.frames = 20}));
BENCHMARK_CAPTURE(clips, MovingSprites, MovingSprites(images()));
BENCHMARK_CAPTURE(clips, StochasticSprites, StochasticSprites(images()));
BENCHMARK_CAPTURE(clips, GravitySprites, GravitySprites(images()));
BENCHMARK_CAPTURE(clips, Pendulum, Pendulum());
BENCHMARK_CAPTURE(clips, Maze, Maze());
BENCHMARK_CAPTURE(clips, FixedCamera, FixedCamera());

}  // namespace
