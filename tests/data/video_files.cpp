// SPDX-License-Identifier: MIT
#include <flipbook/data/video_files.hpp>

#include <doctest/doctest.h>

#include <cstdio>

#include <flipbook/data/data_loader.hpp>
#include <flipbook/data/tensor_dataset.hpp>
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

TEST_CASE("clips that are decoded one by one are those of files that are kept decoded") {
  Folder folder;
  write_levels(folder / "a.mp4", 15, 20);
  write_levels(folder / "b.mp4", 7, 100);
  const VideoFiles kept(folder.path(), {.frames = 3, .stride = 2, .every = 2, .size = small});
  const VideoFiles decoded(folder.path(), {.frames = 3, .stride = 2, .every = 2, .size = small, .memory = 0});
  REQUIRE(decoded.size() == kept.size());
  for (const Index i : {3, 0, 2, 1}) CHECK(to_vector(kept.clip(i)) == to_vector(decoded.clip(i)));
}

TEST_CASE("a folder of videos is a data set like others") {
  Folder temporary;
  const auto folder = temporary.path();
  write_levels(folder / "a.mp4", 40, 20);
  namespace fb = flipbook;
  // [videos]
  const fb::VideoFiles videos(folder, {.frames = 8, .stride = 4, .every = 2, .size = {.height = 64, .width = 64}});
  fb::DataLoader loader(fb::Shuffled(videos, 1), {.batch = 4, .workers = 2});
  const auto batch = loader.next();  // (4, 8, 64, 64, 3)
  for (const auto& [path, reason] : videos.skipped()) std::printf("%s: %s\n", path.c_str(), reason.c_str());
  // [/videos]
  CHECK(batch.shape() == Shape{4, 8, 64, 64, 3});
}

TEST_CASE("batches are the same for any number of workers, and where a run goes on") {
  Folder folder;
  write_levels(folder / "a.mp4", 9, 20);
  write_levels(folder / "b.mp4", 9, 120);
  const Shuffled source(VideoFiles(folder.path(), {.frames = 2, .stride = 1, .size = small, .memory = 0}), 7);
  DataLoader one(source, {.batch = 4}), many(source, {.batch = 4, .workers = 3}),
      later(source, {.batch = 4, .first = 5});
  for (int k = 0; k < 9; ++k) {
    const auto batch = to_vector(one.next());
    CHECK(to_vector(many.next()) == batch);
    if (k >= 5) CHECK(to_vector(later.next()) == batch);
  }
}

TEST_CASE("a video that cannot be read is skipped and listed; where there is no other, it is refused by its name") {
  Folder folder;
  mentions(error_of([&] { VideoFiles(folder.path()); }), folder.path().string());
  mentions(error_of([&] { VideoFiles(folder / "none.mp4"); }), "No such file");
  with_bytes(folder / "broken.mp4", {1, 2, 3});
  mentions(error_of([&] { VideoFiles(folder.path()); }), "broken.mp4");
  write_levels(folder / "x.mp4", 3, 0);
  mentions(error_of([&] { VideoFiles(folder / "x.mp4", {.frames = 4, .size = small}); }), "at least 4 frames");
  const VideoFiles source(folder.path(), {.frames = 3, .size = small});
  CHECK(source.size() == 1);
  REQUIRE(source.skipped().size() == 1);
  CHECK(source.skipped()[0].path == folder / "broken.mp4");
  CHECK_THROWS_AS(VideoFiles(folder / "x.mp4", {.every = 0}), Error);
}

TEST_CASE("clips of a file that is damaged later are replaced by others, always the same, and it is listed once") {
  Folder folder;
  write_levels(folder / "a.mp4", 6, 20);
  write_levels(folder / "b.mp4", 6, 120);
  const VideoFiles::Options options{.frames = 2, .stride = 1, .size = small, .memory = 0};
  const VideoFiles source(folder.path(), options);
  const auto good = to_vector(source.clip(7));
  const Bytes whole = read_file(folder / "b.mp4");
  with_bytes(folder / "b.mp4", Bytes(whole.begin(), whole.begin() + 100));
  std::vector<std::vector<float>> others;
  for (Index i = 5; i < 10; ++i) {
    others.push_back(to_vector(source.clip(i)));
    CHECK(others.back()[0] * 255 < 100);  // of the other file
  }
  for (Index i = 9; i >= 5; --i) CHECK(to_vector(source.clip(i)) == others[static_cast<std::size_t>(i - 5)]);
  CHECK(level(source.clip(1), 0) < 100);
  CHECK(source.replaced() == 10);
  REQUIRE(source.skipped().size() == 1);
  CHECK(source.skipped()[0].path == folder / "b.mp4");
  std::filesystem::remove(folder / "a.mp4");
  mentions(error_of([&] { source.clip(7); }), "a.mp4");
  with_bytes(folder / "b.mp4", whole);
  CHECK(to_vector(source.clip(7)) == good);
}
