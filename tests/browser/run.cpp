// SPDX-License-Identifier: MIT
// Writes the page of a run of 20 steps to the file that the first argument names, after so many as the second says.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/log/page.hpp>

using namespace flipbook;

int main(int, char** argv) try {
  const Index steps = std::atoi(argv[2]);
  const Log log{PageLog(argv[1], {.title = "a run", .steps = 20, .reload = 1})};
  for (Index step = 1; step <= steps; ++step) log(step, {{"loss", 1.0 / static_cast<double>(step)}, {"other", 1}});
  log.clip(steps, "clips", batch_of(MovingShapes({.frames = 4, .canvas = 64}), 0, 8));
  log.clip(steps, "one", MovingShapes({.frames = 4, .canvas = 64}).clip(9));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
