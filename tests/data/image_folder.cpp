// SPDX-License-Identifier: MIT
#include <flipbook/data/image_folder.hpp>

#include <doctest/doctest.h>

#include "../io/files.hpp"
#include "../io/jpeg.hpp"

using namespace flipbook;
using namespace flipbook::test;

static_assert(FiniteDataset<ImageFolder>);

namespace {
Tensor<std::uint8_t> flat(Index h, Index w, std::uint8_t value) {
  Tensor<std::uint8_t> image({h, w, 3});
  std::fill(image.begin(), image.end(), value);
  return image;
}
const ImageFolder::Options pairs{.frames = 2, .stride = 2, .size = {.height = 4, .width = 4}};
}  // namespace

TEST_CASE("images become clips in the order of their names, at one size") {
  Folder folder;
  write_png(folder / "b.png", flat(4, 4, 20));
  write_png(folder / "a.PNG", flat(9, 5, 10));
  with_bytes(folder / "c.jpeg", jpeg_bytes(flat(16, 16, 30)));
  write_png(folder / "d.png", flat(3, 8, 40));
  with_bytes(folder / "notes.txt", {'x'});
  const ImageFolder source(folder.path(), pairs);
  CHECK(source.size() == 2);
  CHECK(source.shape() == Shape{2, 4, 4, 3});
  for (Index i = 0; i < 2; ++i) {
    const auto clip = source.clip(i);
    REQUIRE(clip.shape() == source.shape());
    for (Index t = 0; t < 2; ++t)
      for (const float value : to_vector(clip[t]))
        CHECK(value * 255 == doctest::Approx(10.0 * static_cast<double>(2 * i + t + 1)).epsilon(0.1));
  }
  CHECK(ImageFolder(folder.path(), {.frames = 2, .stride = 1, .size = {.height = 4, .width = 4}}).size() == 3);
}

TEST_CASE("each folder inside is a sequence of its own") {
  Folder folder;
  for (const char* name : {"two", "one"}) {
    std::filesystem::create_directory(folder / name);
    for (int i = 0; i < 3; ++i)
      write_png(folder / (std::string(name) + "/" + std::to_string(i) + ".png"),
                flat(4, 4, static_cast<std::uint8_t>(name[0])));
  }
  const ImageFolder source(folder.path(), pairs);
  CHECK(source.size() == 2);
  CHECK(source.clip(0).data()[0] == 'o' / 255.0F);
  CHECK(source.clip(1).data()[0] == 't' / 255.0F);
}

TEST_CASE("grey frames come of coloured images when they are asked for") {
  Folder folder;
  write_png(folder / "a.png", flat(4, 4, 100));
  const ImageFolder source(folder.path(), {.frames = 1, .size = {.height = 2, .width = 3, .channels = 1}});
  CHECK(source.shape() == Shape{1, 2, 3, 1});
  for (const float value : source.clip(0)) CHECK(value == doctest::Approx(100.0 / 255).epsilon(0.02));
}

TEST_CASE("a damaged image is refused by its name when its clip is asked for") {
  Folder folder;
  write_png(folder / "a.png", flat(4, 4, 1));
  write_png(folder / "b.png", flat(4, 4, 2));
  with_bytes(folder / "c.png", {1, 2, 3});
  write_png(folder / "d.png", flat(4, 4, 2));
  const ImageFolder source(folder.path(), pairs);
  CHECK_NOTHROW(source.clip(0));
  mentions(error_of([&] { source.clip(1); }), (folder / "c.png").string());
}

TEST_CASE("folders without enough images, and options that make no clips, are refused") {
  Folder folder;
  write_png(folder / "a.png", flat(4, 4, 1));
  mentions(error_of([&] { ImageFolder(folder.path(), pairs); }), folder.path().string());
  mentions(error_of([&] { ImageFolder(folder / "none"); }), "No such file");
  mentions(error_of([&] { ImageFolder(folder / "a.png"); }), "Not a directory");
  CHECK_THROWS_AS(ImageFolder(folder.path(), {.frames = 0}), Error);
  CHECK_THROWS_AS(ImageFolder(folder.path(), {.frames = 1, .size = {.channels = 2}}), Error);
}
