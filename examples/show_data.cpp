// SPDX-License-Identifier: MIT
// Draws clips of a data set as an animated GIF, or as a strip of frames: what a model will be given.
#include <string>

#include <flipbook/io/colour_map.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/io/png.hpp>

#include "support/options.hpp"

namespace fb = flipbook;
using namespace fb::examples;

namespace {

struct Settings {
  std::filesystem::path data = "rain", out = "data.gif";
  fb::Index count = 8, columns = 4, first = 0, scale = 2, levels = 24;
  ClipFormat format{.frames = 20};
  std::string colours = "grey";
  double rate = 10;
  std::uint64_t seed = 1;
};

void draw(const Settings& settings) {
  const Data data = open_data(settings.data, settings.format, settings.seed);
  const auto clips = fb::batch_of(data.training, settings.first, settings.count);  // (N, T, H, W, C)
  const auto pixels = settings.format.channels == 1 && settings.colours != "grey"
                          ? fb::ColourMap::named(settings.colours)(clips, static_cast<int>(settings.levels))
                          : fb::to_bytes(clips);  // (N, T, H, W, C)
  if (settings.out.extension() == ".png") {
    fb::write_png(settings.out, fb::upscale(fb::film_strip(pixels), settings.scale));
  } else {
    const auto frames = fb::make_grid(pixels, std::min(settings.columns, settings.count));  // (T, H, W, C)
    fb::write_gif(settings.out, fb::upscale(frames, settings.scale), {.frames_per_second = settings.rate});
  }
  std::printf("%td clips of %s, written to %s\n", settings.count, data.name.c_str(), settings.out.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Draws clips of a data set: an animated GIF, or, where --out ends in .png, a row of frames a clip."};
  Settings settings;
  line.data(settings.data, "Draw this: a data set that is made, or a path, as for training");
  line.output("--out", settings.out, "Where to write", "FILE");
  line.number("--count", settings.count, "How many clips", 1, 1024);
  line.number("--first", settings.first, "The number of the first", 0);
  line.number("--columns", settings.columns, "Clips side by side", 1, 1024);
  line.number("--frames", settings.format.frames, "Frames in a clip", 1, 1000);
  line.number("--size", settings.format.size, "Height and width of a frame", 1, 1024);
  line.number("--channels", settings.format.channels, "1 for grey, 3 for colours", 1, 3);
  line.number("--scale", settings.scale, "A pixel is drawn as a square of so many", 1, 32);
  line.choice("--colours", settings.colours, {"grey", "viridis", "inferno", "balance", "radar"},
              "How the values of a channel are drawn");
  line.number("--levels", settings.levels, "In how many colours: few make a small file", 2, 256);
  line.number("--rate", settings.rate, "Frames a second", 1, 50);
  line.seed(settings.seed);
  return line.run(argc, argv, [&](auto) { draw(settings); });
}
