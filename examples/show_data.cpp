// SPDX-License-Identifier: MIT
// Draws clips of a data set as an animated GIF, as a strip of frames, or each as a video: what a model will be given.
// Says how fast they come.
#include <chrono>
#include <ctime>
#include <string>

#include <flipbook/data/data_loader.hpp>
#include <flipbook/io/colour_map.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/io/png.hpp>
#if FLIPBOOK_VIDEO
#include <flipbook/io/video.hpp>
#endif

#include "support/options.hpp"

namespace fb = flipbook;
using namespace fb::examples;

namespace {

struct Settings {
  std::filesystem::path data = "rain", out = "data.gif";
  fb::Index count = 8, columns = 4, first = 0, scale = 2, levels = 24;
  ClipFormat format{.frames = 20};
  std::string colours = "grey";
  double rate = 10, speed = 0;
  std::uint64_t seed = 1;
};

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Says how many clips a second one worker makes, and two.
void measure(const Data& data, double length) {
  for (const int workers : {1, 2}) {
    fb::DataLoader loader(data.training, {.workers = workers});
    loader.next();  // what is done once has been done
    const double began = seconds();
    const std::clock_t used = std::clock();
    double clips = 0;
    while (seconds() < began + length) loader.next(), clips += 8;
    std::printf("%d worker%s: %.0f clips a second, %.0f a second of processor time\n", workers, workers > 1 ? "s" : "",
                clips / (seconds() - began), clips * CLOCKS_PER_SEC / static_cast<double>(std::clock() - used));
  }
}

/// Writes each clip as a video of its own, NAME-0.mp4, NAME-1.mp4, ….
void write_videos([[maybe_unused]] const Settings& settings, [[maybe_unused]] const Data& data) {
#if FLIPBOOK_VIDEO
  for (fb::Index i = settings.first; i < settings.first + settings.count; ++i) {
    const std::string name = fb::text(settings.out.stem().string(), "-", i, ".mp4");
    fb::write_mp4(settings.out.parent_path() / name, data.training.clip(i), {.frames_per_second = settings.rate});
  }
#else
  fb::fail("--out '", settings.out.string(), "': this program was built without FFmpeg, which writes videos");
#endif
}

void draw(const Settings& settings) {
  const double began = seconds();
  const std::clock_t used = std::clock();
  const Data data = open_data(settings.data, settings.format, settings.seed);
  if (settings.speed > 0) {
    std::printf("%s: opened in %.2f s, %.2f s of processor time\n", data.name.c_str(), seconds() - began,
                static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC);
    return measure(data, settings.speed);
  }
  if (settings.out.extension() == ".mp4") {
    write_videos(settings, data);
    std::printf("%td clips of %s, each written to a video of its own\n", settings.count, data.name.c_str());
    return;
  }
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
  CommandLine line{
      "Draws clips of a data set: an animated GIF; where --out ends in .png, a row of frames a clip; where "
      "it ends in .mp4, a video a clip."};
  Settings settings;
  line.data(settings.data, "Draw this: a data set that is made, or a path, as for training");
  line.output("--out", settings.out, "Where to write", "FILE");
  line.number("--count", settings.count, "How many clips", 1, 100'000);
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
  line.number("--speed", settings.speed, "Draw nothing: measure for so many seconds how fast clips come", 0, 3600);
  line.seed(settings.seed);
  return line.run(argc, argv, [&](auto) { draw(settings); });
}
