// SPDX-License-Identifier: MIT
// Trains one model of each family on the same clips and for the same time, and writes a page that shows what they have
// learned. The models are in examples/demo/.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include <flipbook/data/idx.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>

#include "demo/family.hpp"
#include "support/facts.hpp"
#include "support/options.hpp"

namespace fb = flipbook;
using namespace fb::examples;
using namespace fb::examples::demo;

namespace {

constexpr ClipFormat format{.frames = frames, .size = 64, .channels = 1, .sprites = 1};

struct Settings {
  std::filesystem::path data, out = "build/demo";
  double minutes = 11;
  bool quick = false;
  std::uint64_t seed = 1;
};

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

/// The classes of the images that clips are made of: from the file of labels beside that of images, as MNIST has it.
fb::Tensor<std::uint8_t> labels_of(const std::filesystem::path& images) {
  std::string path = images.empty() ? "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz" : images.string();
  const auto at = path.rfind("images-idx3");
  if (at == std::string::npos) return {};
  path.replace(at, 11, "labels-idx1");
  return std::filesystem::exists(path) ? fb::read_idx(path) : fb::Tensor<std::uint8_t>{};
}

/// Runs the tasks, two at a time on half of the threads each, since networks of this size gain little from more.
void side_by_side(const std::vector<std::function<void()>>& tasks, bool together) {
  const int all = fb::threads();
  for (std::size_t i = 0; i < tasks.size(); i += together ? 2 : 1) {
    std::exception_ptr error;
    std::thread other;
    if (together && i + 1 < tasks.size()) {
      other = std::thread([&, threads = std::max(1, all / 2)] {
        fb::set_threads(threads);
        try {
          tasks[i + 1]();
        } catch (...) {
          error = std::current_exception();
        }
      });
      fb::set_threads(std::max(1, all - all / 2));
    }
    try {
      tasks[i]();
    } catch (...) {
      if (other.joinable()) other.join();
      throw;
    }
    if (other.joinable()) other.join();
    fb::set_threads(all);
    if (error) std::rethrow_exception(error);
  }
}

/// What all families learn of one thing that moves, before their own time begins: where it is, and what it is.
struct Shared {
  std::optional<fb::MovingSprites> sprites;
  std::optional<fb::Module<Tracker, float>> tracker;
  std::optional<Judge> judge;
  bool complete = true;  ///< false after Ctrl-C
};

Shared learn_shared(const Data& data, const Settings& settings, double seconds, bool together, Board& board) {
  Shared shared;
  if (!data.sprites || data.sprites->options().sprites != 1) return shared;
  shared.sprites = data.sprites;
  fb::MovingSprites::Options pair = data.sprites->options();
  pair.frames = 2;
  pair.step = 0.7;  // the two frames of a clip are far apart
  side_by_side(
      {[&] {
         fb::Trainer tracker{fb::Module<Tracker, float>{fb::Rng{settings.seed}}, fb::optim::Adam{}, settings.seed};
         const auto began = std::chrono::steady_clock::now();
         shared.complete = tracker.fit(fb::MovingSprites(data.sprites->images(), pair),
                                       {.batch = 32,
                                        .step = {.clip_norm = 1000},
                                        .minutes = seconds / 60,
                                        .rate_of_share = fb::schedule::trapezoid(2e-3, 0.05, 0.7, 1e-5),
                                        .title = ""},
                                       [&](fb::Index, const fb::Losses& losses) {
                                         board.update("Tracker", seconds_since(began) / seconds, losses);
                                       });
         shared.tracker.emplace(std::move(tracker.model));
         board.finish("Tracker");
       },
       [&] {
         shared.judge.emplace(*data.sprites, labels_of(settings.data), data.test, seconds);
         board.finish("Classifier");
       }},
      together);
  return shared;
}

Row row_of(const std::string& label, std::vector<fb::Tensor<float>> clips, fb::Index given_frames = 0) {
  return {.label = label, .clips = std::move(clips), .given = given_frames};
}

/// All families beside each other: samples over training, predictions, ways between clips, and measurements.
void compare(Gallery& gallery, const Data& data, const Shared& shared, const std::vector<Learned>& all) {
  Figure samples{.title = "New clips, over training",
                 .caption = "Each model from the same noise at six moments of its training; at the top real clips.",
                 .rows = {row_of("Real", {fb::batch_of(data.test, 0, shown)})},
                 .stops = {"untrained", "4 %", "12 %", "30 %", "60 %", "trained"}};
  Figure predictions{.title = "What comes next",
                     .caption =
                         "Choose a start: the model sees eight frames of a clip that it was not trained on, and "
                         "goes on by itself.",
                     .rows = {row_of("Real", each(fb::batch_of(data.test, 0, starts)), given)},
                     .control = Control::thumbnail};
  Figure ways{.title = "From one clip to another",
              .caption = "Codes and noise between those of two new clips.",
              .control = Control::between};
  Table table{.title = "How good they are",
              .caption =
                  "Of 256 new clips beside as many real ones. Fréchet distances are over features of a small "
                  "classifier trained here, and over the paths of the clips' centres: they compare within this "
                  "page alone.",
              .columns = {{"Looks", "Fréchet distance", Best::lowest, 1},
                          {"Motion", "Fréchet distance", Best::lowest, 1},
                          {"Straight", "of three frames", Best::highest, 2},
                          {"Known", "to the classifier", Best::highest, 2}}};
  const auto measured = [&](const std::string& label, const Quality& q, bool reference) {
    table.rows.push_back({label, {q.distance, q.motion, q.straight, q.known}, reference});
  };
  if (shared.judge) measured("Other real clips", shared.judge->floor(), true);
  Chart losses{.title = "Losses", .x_label = "minutes", .y_label = "of each its own", .logarithmic = true};
  for (const Learned& one : all) {
    const std::string& family = one.section.family;
    if (one.snapshots.size() == sketches.size()) samples.rows.push_back(row_of(family, one.snapshots));
    if (!one.predictions.empty()) predictions.rows.push_back(row_of(family, one.predictions, given));
    if (!one.between.empty()) ways.rows.push_back(row_of(family, one.between));
    if (shared.judge) measured(family, one.quality, false);
    if (!one.curve.steps.empty()) losses.curves.push_back(one.curve);
  }
  if (samples.rows.size() > 1) gallery.figures.push_back(std::move(samples));
  if (predictions.rows.size() > 1) gallery.figures.push_back(std::move(predictions));
  if (!ways.rows.empty()) gallery.figures.push_back(std::move(ways));
  if (shared.judge) gallery.tables.push_back(std::move(table));
  gallery.charts.push_back(std::move(losses));
}

/// Real clips, and below them a row of each family's, as an animated picture.
void write_rows(const std::filesystem::path& path, const Data& data, const std::vector<Learned>& all) {
  fb::List<fb::Tensor<float>> rows{fb::batch_of(data.test, 0, shown)};  // (8, 32, 64, 64, 1) each
  for (const Learned& one : all)
    if (!one.snapshots.empty()) rows.push_back(one.snapshots.back());
  fb::write_gif(path, fb::make_grid(fb::concat(0, rows), shown), {.frames_per_second = 10});
}

template <class B>
void make(const Settings& settings) {
  const auto began = std::chrono::steady_clock::now();
  std::error_code failed;
  std::filesystem::create_directories(settings.out, failed);
  fb::require(!failed, "--out '", settings.out.string(), "' cannot be made: ", failed.message());
  const Data data = open_data(settings.data, format, settings.seed);
  const double minutes = settings.quick ? std::min(settings.minutes, 2.0) : settings.minutes;
  std::printf("learning from %s, for about %.2g minutes\n", data.name.c_str(), minutes);

  Board board;
  const bool together = std::same_as<B, fb::Cpu> && fb::threads() > 1;
  const double all_seconds = minutes * 60, first = 0.07 * all_seconds / (together ? 1 : 2);
  const Shared shared = learn_shared(data, settings, first, together, board);
  using Family = Learned (*)(const Task&);
  std::vector<Family> families{generic<B>};
  if (shared.tracker) families = {variational<B>, adversarial<B>, autoregressive<B>, flow<B>, disentangled<B>};
  // Two at a time, each on half of the threads; one that is left has all of them for half as long.
  const bool halves = together && families.size() > 1;
  const double left = all_seconds - seconds_since(began);
  const double each_seconds = 0.9 * left * (halves ? 2 : 1) / static_cast<double>(families.size());

  std::vector<Learned> all(families.size());
  std::vector<std::function<void()>> tasks;
  std::atomic<bool> stopped = !shared.complete;  // by Ctrl-C: what has begun shows what it has learned, no other begins
  for (std::size_t i = 0; i < families.size(); ++i) {
    const bool alone = halves && i % 2 == 0 && i + 1 == families.size();
    tasks.push_back([&, i, seconds = each_seconds / (alone ? 2 : 1)] {
      if (stopped) return;
      all[i] = families[i](
          {data, shared.tracker, shared.sprites, shared.judge, seconds, settings.seed, settings.out, board});
      if (!all[i].complete) stopped = true;
      board.finish(all[i].section.family);
    });
  }
  side_by_side(tasks, together);
  std::erase_if(all, [](const Learned& one) { return one.section.family.empty(); });
  if (all.empty()) {
    std::printf("stopped before there was anything to show\n");
    return;
  }

  Gallery gallery{.title = "flipbook",
                  .summary = shared.tracker
                                 ? "Five generative models of video, each trained for the same few minutes on "
                                   "this machine, and nothing else."
                                 : "A generative model of video, trained for a few minutes on this machine."};
  if (shared.tracker) {
    gallery.note =
        "The first four know that a clip is one picture that moves: a small network that finds it was trained first, "
        "without labels, and they learn pictures and paths apart. The fifth has no such prior: one code for what stays "
        "the same in a clip, four numbers for what changes in each frame, and windows through which rows and columns "
        "of a frame read the first, at places that a network learns.";
  }
  if (data.procedural)
    gallery.note += " No data was found here, so the models learned from shapes drawn by the program.";
  for (const Learned& one : all)
    if (!one.complete) gallery.note += " The training of " + one.section.family + " was stopped before its end.";
  compare(gallery, data, shared, all);
  for (const Learned& one : all) gallery.sections.push_back(one.section);
  gallery.facts = {
      {"data", data.name},
      {"each model", decimal(each_seconds / 60, 1) + (halves ? " minutes on half of the cores" : " minutes")},
      {"machine", machine(B{})},
      {"date", today()},
      {"time in all", decimal(seconds_since(began) / 60, 1) + " minutes"}};
  write_rows(settings.out / "clips.gif", data, all);
  write_gallery(settings.out / "index.html", gallery);
  std::printf("the page is %s\n", (settings.out / "index.html").c_str());
}

}  // namespace

namespace flipbook::examples::demo {

std::string shown_source(const std::string& file, const std::string& name) {
  std::ifstream source(std::filesystem::path(__FILE__).parent_path() / "demo" / file);
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(source, line);) {
    if (line == "// [/" + name + "]") return text;
    if (inside) text += line + "\n";
    inside = inside || line == "// [" + name + "]";
  }
  return text;
}

}  // namespace flipbook::examples::demo

int main(int argc, char** argv) {
  CommandLine line{"Trains one model of each family, and writes a page that shows what they have learned."};
  Settings settings;
  line.data(settings.data, data_help);
  line.output("--out", settings.out, "The folder for the page, and for clips.gif");
  line.number("--minutes", settings.minutes, "Time to train in all", 0.01, 10000);
  line.flag("--quick", settings.quick, "In two minutes at most: a first look");
  line.seed(settings.seed);
  line.threads();
  line.device();
  return line.run(argc, argv, [&]<class B>(B) { make<B>(settings); });
}
