// SPDX-License-Identifier: MIT
#include <flipbook/data/video_files.hpp>

#include <doctest/doctest.h>

#include <flipbook/io/video.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

static_assert(FiniteDataset<VideoFiles>);

namespace {

// Frame t is of the grey level 10 · t + base.
void write_levels(const std::filesystem::path& path, Index frames, int base) {
  Tensor<std::uint8_t> clip({frames, 32, 32, 1});
  for (Index i = 0; i < clip.size(); ++i) clip.data()[i] = static_cast<std::uint8_t>(10 * (i / 1024) + base);
  write_mp4(path, clip, {.quality = 5});
}
const FrameSize small{.height = 8, .width = 8, .channels = 1};
int level(const Tensor<float>& clip, Index t) { return static_cast<int>(std::lround(clip[t].data()[20] * 255)); }

}  // namespace

TEST_CASE("a file is cut into clips that begin every stride frames") {
  Folder folder;
  write_levels(folder / "x.mp4", 10, 50);
  const VideoFiles source(folder / "x.mp4", {.frames = 4, .stride = 3, .size = small});
  CHECK(source.size() == 3);
  CHECK(source.shape() == Shape{4, 8, 8, 1});
  for (Index i = 0; i < 3; ++i)
    for (Index t = 0; t < 4; ++t)
      CHECK(std::abs(level(source.clip(i), t) - (50 + 10 * static_cast<int>(3 * i + t))) <= 3);
  CHECK_THROWS_AS(source.clip(3), Error);
}

TEST_CASE("frames may be left out, so that things move faster") {
  Folder folder;
  write_levels(folder / "x.mp4", 10, 50);
  const VideoFiles source(folder / "x.mp4", {.frames = 4, .every = 3, .size = small});
  CHECK(source.size() == 1);
  for (Index t = 0; t < 4; ++t) CHECK(std::abs(level(source.clip(0), t) - (50 + 30 * static_cast<int>(t))) <= 3);
}

TEST_CASE("the files of a folder follow each other by name, and no clip reaches over an end") {
  Folder folder;
  write_levels(folder / "b.mp4", 5, 100);
  write_levels(folder / "a.mp4", 4, 20);
  write_levels(folder / "c.mp4", 1, 200);
  with_bytes(folder / "notes.txt", {'x'});
  const VideoFiles source(folder.path(), {.frames = 2, .stride = 2, .size = small});
  CHECK(source.size() == 4);
  CHECK(std::abs(level(source.clip(1), 0) - 40) <= 3);
  CHECK(std::abs(level(source.clip(2), 0) - 100) <= 3);
}

TEST_CASE("files that are no video, too short, or missing are refused by their name") {
  Folder folder;
  mentions(error_of([&] { VideoFiles(folder.path()); }), folder.path().string());
  mentions(error_of([&] { VideoFiles(folder / "none.mp4"); }), "No such file");
  write_levels(folder / "x.mp4", 3, 0);
  mentions(error_of([&] { VideoFiles(folder / "x.mp4", {.frames = 4, .size = small}); }), "at least 4 frames");
  av_log_set_level(AV_LOG_QUIET);
  with_bytes(folder / "broken.mp4", {1, 2, 3});
  mentions(error_of([&] { VideoFiles(folder.path()); }), "broken.mp4");
  CHECK_THROWS_AS(VideoFiles(folder / "x.mp4", {.every = 0}), Error);
}
