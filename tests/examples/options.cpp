// SPDX-License-Identifier: MIT
#include "../../examples/support/options.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/io/npy.hpp>
#include <flipbook/io/png.hpp>

using namespace flipbook;
using namespace flipbook::examples;

namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("flipbook-options-" + std::to_string(::getpid()));
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// `count` images of 4 × 4 whose pixels are all `value`.
std::string idx(char count, char value) {
  const std::string header{0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4};
  return header + std::string(static_cast<std::size_t>(count) * 16, value);
}

int run_with(const std::vector<const char*>& arguments, TrainingOptions& options) {
  CommandLine line{"A test."};
  options.add_to(line);
  std::vector<const char*> all{"program"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return line.run(static_cast<int>(all.size()), all.data(), [](auto) {});
}

float largest(const Tensor<float>& x) { return *std::max_element(x.begin(), x.end()); }

std::string refusal(const std::filesystem::path& path) {
  try {
    open_data(path, {}, 1);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

constexpr ClipFormat small{.frames = 4, .size = 16, .channels = 1};

}  // namespace

TEST_CASE("options are read, and those not given keep their defaults") {
  TrainingOptions options{.steps = 70};
  CHECK(run_with({"--batch", "3", "--seed=9", "--out", "somewhere", "--resume", "--keep", "4"}, options) == 0);
  CHECK(options.steps == 70);
  CHECK(options.batch == 3);
  CHECK(options.seed == 9);
  CHECK(options.out == "somewhere");
  CHECK(options.resume);
  CHECK(options.keep == 4);
  CHECK(options.data.empty());
}

TEST_CASE("logs and a page are opened where they are asked for, each stage's apart") {
  Folder folder;
  TrainingOptions options;
  CHECK(options.open_log("x", {}).empty());
  const std::string log = (folder.path / "log").string(), page = (folder.path / "run.html").string();
  CHECK(run_with({"--log", log.c_str(), "--page", page.c_str(), "--workers", "3"}, options) == 0);
  CHECK(options.workers == 3);
  options.in_stage("first");
  options.open_log("x", {}).scalar(1, "loss", 2);
  CHECK(std::filesystem::exists(folder.path / "log" / "first" / "scalars.csv"));
  CHECK(std::filesystem::exists(folder.path / "run-first.html"));
  options.page = folder.path / "none" / "run.html";
  CHECK_THROWS_AS(options.open_log("x", {}), Error);
}

TEST_CASE("options that cannot be end the program with code 2") {
  const std::string longest(300, 'x');  // longer than names of files may be
  const std::vector<std::vector<const char*>> wrong{{"--steps", "0"},
                                                    {"--steps", "many"},
                                                    {"--steps", "-3"},
                                                    {"--batch", "1e9"},
                                                    {"--workers", "0"},
                                                    {"--seed", "-1"},
                                                    {"--seed", "18446744073709551616"},
                                                    {"--threads", "0"},
                                                    {"--data", "/no/where"},
                                                    {"--data", longest.c_str()},
                                                    {"--unknown"},
                                                    {"stray"},
                                                    {"--steps"},
                                                    {"--device", "gpu"},
                                                    {"--device", "cuda:"},
                                                    {"--device", "cuda:x"},
                                                    {"--device", "cuda:-1"}};
  for (const auto& arguments : wrong) {
    TrainingOptions options;
    CAPTURE(arguments[0]);
    CHECK(run_with(arguments, options) == 2);
  }
  TrainingOptions options;
  CHECK(run_with({"--help"}, options) == 0);
}

TEST_CASE("a number that is none, or infinite, is refused") {
  for (const char* given : {"nan", "inf", "-nan", "1e999", "0x1p3", "3,5", "0"}) {
    CAPTURE(given);
    for (const bool bounded : {false, true}) {
      CommandLine line{"A test."};
      double value = 1;
      if (bounded) line.number("--rate", value, "", 0.01, 1e9);
      else line.positive("--rate", value, "");
      const std::vector<const char*> all{"program", "--rate", given};
      CHECK(line.run(3, all.data(), [](auto) {}) == 2);
    }
  }
}

TEST_CASE("what goes wrong in a program decides its exit code") {
  const char* name = "program";
  CommandLine line{"A test."};
  CHECK(line.run(1, &name, [](Cpu) { fail("bad data"); }) == 2);
  CHECK(line.run(1, &name, [](Cpu) { throw std::runtime_error("bad luck"); }) == 1);
}

TEST_CASE("a device is named by its backend, and its number where there are several") {
  CHECK_FALSE(cuda_device("cpu").has_value());
  CHECK(cuda_device("cuda") == 0);
  CHECK(cuda_device("cuda:0") == 0);
  CHECK(cuda_device("cuda:12") == 12);
  for (const char* name : {"", "cud", "cuda:", "cuda: 1", "cuda:1x", "cuda:99999999999", "gpu", "cpu:0"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(cuda_device(name), (text("'", name, "' is neither cpu, cuda nor cuda:N")).c_str(), Error);
  }
}

TEST_CASE("a program without CUDA says how to build one with it") {
  TrainingOptions options;
  CHECK(run_with({"--device", "cpu"}, options) == 0);
  CHECK(run_with({"--device", "cuda"}, options) == 2);
  const auto body = [](Cpu) {};
  CHECK_THROWS_WITH_AS(on_device(1, body), doctest::Contains("cmake --preset cuda"), Error);
}

TEST_CASE("without data there are shapes, and they say so") {
  const auto data = procedural(small, 3);
  CHECK(data.procedural);
  CHECK(data.training.shape() == Shape{4, 16, 16, 1});
  CHECK(largest(data.training.clip(0)) > 0.1F);
  CHECK(to_vector(data.training.clip(0)) != to_vector(data.test.clip(0)));
  CHECK(to_vector(data.training.clip(5)) == to_vector(procedural(small, 3).training.clip(5)));
}

TEST_CASE("data sets that are made have names, and a name that is none is refused with those") {
  TrainingOptions options;
  for (const char* name :
       {"camera", "flow", "gray-scott", "maze", "nbody", "pendulum", "rain", "shapes", "stochastic"}) {
    CAPTURE(name);
    CHECK(run_with({"--data", name}, options) == 0);
    const auto data = options.open({.frames = 2, .size = 32, .channels = 3});
    CHECK(data.name == name);
    CHECK_FALSE(data.procedural);
    CHECK(data.training.shape() == Shape{2, 32, 32, 3});
    CHECK(largest(data.training.clip(3)) > 0);
    CHECK(to_vector(data.training.clip(3)) != to_vector(data.test.clip(3)));
  }
  CHECK(refusal("rainbow") ==
        "'rainbow' is no file, no folder and no data set that is made here (" + data_names() + ")");
}

TEST_CASE("images of an IDX file move, in as many channels as are asked for") {
  const Folder folder;
  write(folder.path / "images", idx(3, static_cast<char>(255)));
  for (const Index channels : {1, 3}) {
    const auto data =
        open_data(folder.path / "images", {.frames = 4, .size = 16, .channels = channels, .sprites = 1}, 1);
    CHECK_FALSE(data.procedural);
    const auto clip = data.training.clip(7);
    CHECK(clip.shape() == Shape{4, 16, 16, channels});
    CHECK(data.sprites.has_value() == (channels == 1));  // what a device can make
    if (data.sprites.has_value()) CHECK(to_vector(data.sprites->clip(7)) == to_vector(clip));
    double lit = 0;
    for (const float value : clip) lit += value;
    CHECK(lit == doctest::Approx(4 * 7 * 7 * static_cast<double>(channels)));  // 28/64 of 16 is 7
  }
}

TEST_CASE("images with a file of labels beside them move with their classes, one-hot") {
  Folder folder;
  const auto images = folder.path / "train-images-idx3-ubyte", labels = folder.path / "train-labels-idx1-ubyte";
  const auto refused = [&](const std::filesystem::path& path, Index classes) -> std::string {
    try {
      open_classes(path, small, classes, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  ClipFormat format = small;
  format.sprites = 1;
  write(images, idx(2, 100));
  CHECK(refused("rain", 10).find("'rain' has no classes") != std::string::npos);
  CHECK(refused(images, 10).find("has no classes") != std::string::npos);  // nothing is beside them yet
  const std::string header{0, 0, 8, 1, 0, 0, 0, 2};
  write(labels, header + std::string{3, 5});
  CHECK(refused(images, 10).find("2 sprites have no class") != std::string::npos);

  const DataOfClasses data = open_classes(images, format, 6, 1);
  const auto batch = batch_of(data.training, 0, 20);
  REQUIRE(batch.clip.shape() == Shape{20, 4, 16, 16, 1});
  REQUIRE(batch.label.shape() == Shape{20, 6});
  std::vector<double> seen(6);
  for (Index i = 0; i < 20; ++i) {
    const auto image = data.training.sprites().image(i, 0);
    for (Index k = 0; k < 6; ++k) {
      CHECK(batch.label.data()[6 * i + k] == (k == (image == 0 ? 3 : 5) ? 1 : 0));
      seen[static_cast<std::size_t>(k)] += static_cast<double>(batch.label.data()[6 * i + k]);
    }
  }
  CHECK(seen[3] > 0);
  CHECK(seen[5] > 0);
  CHECK(to_vector(data.without_classes().training.clip(7)) == to_vector(data.training.clip(7).clip));

  CHECK_THROWS_WITH_AS(open_classes(images, format, 5, 1), "--labels: a class 5; this model has 5 classes, 0 … 4",
                       Error);
  write(labels, std::string{0, 0, 8, 1, 0, 0, 0, 1, 0});
  CHECK_THROWS_WITH_AS(open_classes(images, format, 5, 1), "--labels: labels (1) of 2 images", Error);
}

TEST_CASE("arrays of videos are cut into clips, resized, and part is held out") {
  const Folder folder;
  Tensor<float> videos({3, 9, 8, 8, 3});
  for (Index n = 0; n < 3; ++n)
    for (Index t = 0; t < 9; ++t) {
      auto frame = videos[n][t];
      fill(frame, static_cast<float>(n * 9 + t) / 100);
    }
  write_npy(folder.path / "v.npy", videos);
  const auto data = open_data(folder.path / "v.npy", small, 1);
  CHECK(data.training.shape() == Shape{4, 16, 16, 1});
  for (Index i = 0; i < 10; ++i) {  // clips begin at frames 0 and 4 of each video; the last is held out
    const auto clip = data.training.clip(i);
    const int begin = static_cast<int>(std::lround(clip.data()[0] * 100));
    CHECK((begin % 9 == 0 || begin % 9 == 4));
    CHECK(begin != 22);
    CHECK(clip[3].data()[5] == doctest::Approx((begin + 3) / 100.0));
    CHECK(data.test.clip(i).data()[0] == doctest::Approx(0.22));
  }
}

TEST_CASE("a folder of images is a sequence of frames") {
  const Folder folder;
  for (int i = 0; i < 9; ++i) {
    write_png(folder.path / ("f" + std::to_string(i) + ".png"),
              full<std::uint8_t>({6, 10, 3}, static_cast<std::uint8_t>(20 * i)));
  }
  const auto data = open_data(folder.path, small, 1);
  const auto clip = data.test.clip(0);  // of six clips the last, frames 5 to 8
  CHECK(clip.shape() == Shape{4, 16, 16, 1});
  CHECK(clip.data()[0] == doctest::Approx(100.0 / 255));
  for (Index i = 0; i < 8; ++i) CHECK(largest(data.training.clip(i)) < 99.0F / 255);  // no frame of it
}

TEST_CASE("data that is none is refused by name") {
  const Folder folder;
  CHECK(refusal(folder.path / "missing").find("missing") != std::string::npos);
  write(folder.path / "empty", "");
  write(folder.path / "words", "some words that are no video");
  write(folder.path / "labels", std::string{0, 0, 8, 1, 0, 0, 0, 2, 1, 2});
  write(folder.path / "cut", idx(3, 1).substr(0, 40));
  write(folder.path / "cut.npy", "\x93NUMPY\x01");
  for (const char* name : {"empty", "words", "labels", "cut", "cut.npy"}) {
    CAPTURE(name);
    CHECK(refusal(folder.path / name).find(name) != std::string::npos);
  }
  std::filesystem::create_directories(folder.path / "nothing");
  CHECK(refusal(folder.path / "nothing").find("nothing") != std::string::npos);
}

TEST_CASE("colours become grey as bright as they look, and grey becomes colour") {
  const TensorDataset colour(Tensor<float>({1, 1, 1, 2, 3}, {1, 0, 0, 0.5F, 0.5F, 0.5F}));
  const auto grey = WithChannels(colour, 1).clip(0);
  CHECK(grey.data()[0] == doctest::Approx(0.299));
  CHECK(grey.data()[1] == doctest::Approx(0.5));
  const TensorDataset one(Tensor<float>({1, 1, 1, 2, 1}, {0.25F, 0.75F}));
  CHECK(to_vector(WithChannels(one, 3).clip(0)) == std::vector<float>{0.25F, 0.25F, 0.25F, 0.75F, 0.75F, 0.75F});
}
