// SPDX-License-Identifier: MIT
// Writes a page whose clips say which they are: each has one grey, 5 (frame + 8 stop + 24 clip).
#include <cstdio>

#include <flipbook/core/fill.hpp>

#include "../../examples/support/gallery.hpp"

using namespace flipbook;
using namespace flipbook::examples;

namespace {

constexpr Index frames = 8, stops = 3;

Tensor<float> told(Index stop, Index count) {
  Tensor<float> clips({count, frames, 16, 16, 1});
  for (Index n = 0; n < count; ++n)
    for (Index t = 0; t < frames; ++t) {
      auto frame = clips[n][t];
      fill(frame, static_cast<float>(5 * (t + frames * stop + 24 * n)) / 255);
    }
  return clips;
}

std::vector<Tensor<float>> all_stops(Index count) {
  std::vector<Tensor<float>> clips;
  for (Index stop = 0; stop < stops; ++stop) clips.push_back(told(stop, count));
  return clips;
}

Curve line(const std::string& name, double slope) {
  Curve curve{.name = name};
  for (int step = 0; step <= 100; step += 10) curve.add(step, 1 + slope * step);
  return curve;
}

}  // namespace

int main(int, char** argv) try {
  const std::vector<std::string> steps{"step 0", "step 10", "step 20"};
  write_gallery(
      argv[1],
      {.title = "A page to try",
       .summary = "Its clips say which they are, and its longest word is Donaudampfschifffahrtselektrizitäten.",
       .facts = {{"data", "none"}, {"machine", "any"}},
       .trained_frames = 4,
       .figures =
           {{.title = "training",
             .rows = {{"Real", {told(0, 2)}}, {"One", all_stops(2), 0, steps}, {"Two", all_stops(2), 0, steps}},
             .stops = {"untrained", "1 min", "2 min"}},
            {.title = "prediction",
             .rows = {{"Truth", all_stops(1), 3}, {"One", all_stops(1), 3}},
             .control = Control::thumbnail,
             .opens_at = 0},
            {.title = "interpolation", .rows = {{"Two", all_stops(1)}}, .control = Control::between, .opens_at = 1}},
       .tables = {{.title = "quality",
                   .columns = {{"Fréchet distance", "of 1000 clips", Best::lowest}, {"motion"}, {"confidence"}},
                   .rows = {{"One", {1, 2, 3}}, {"Two", {3, 2, 1}}, {"before", {9, 9, 9}, true}}}},
       .charts = {{.title = "distance", .smooth = false, .curves = {line("One", 0.01), line("Two", 0.02)}}},
       .sections = {
           {.family = "One", .title = "The first", .source_title = "source", .source = "int x = 1;"},
           {.family = "Two", .title = "The second", .figures = {{.title = "rows", .rows = {{"a", {told(1, 2)}}}}}}}});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
