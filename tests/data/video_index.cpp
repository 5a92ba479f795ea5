// SPDX-License-Identifier: MIT
#include <flipbook/data/video_index.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <flipbook/io/video.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

void write_grey(const std::filesystem::path& path, Index frames) {
  write_mp4(path, Tensor<std::uint8_t>({frames, 16, 32, 1}), {.frames_per_second = 10});
}

std::vector<std::string> names(const VideoIndex& index) {
  std::vector<std::string> all;
  for (const IndexedVideo& video : index.videos()) all.push_back(video.path.string());
  return all;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the videos of a folder and of those in it are listed by name, with what they hold") {
  Folder folder;
  std::filesystem::create_directories(folder / "b" / "c");
  write_grey(folder / "z.mp4", 2);
  write_grey(folder / "a.MP4", 3);
  write_grey(folder / "b" / "c" / "y.mp4", 4);
  with_bytes(folder / "notes.txt", {'x'});
  const VideoIndex index(folder.path(), {.threads = 2});
  CHECK(names(index) == Names{"a.MP4", "b/c/y.mp4", "z.mp4"});
  CHECK(index.scanned() == 3);
  CHECK(index.skipped().empty());
  const VideoFacts& facts = index.videos()[1].facts;
  CHECK(facts.frames == 4);
  CHECK(facts.height == 16);
  CHECK(facts.width == 32);
  CHECK(facts.frames_per_second == doctest::Approx(10));
  CHECK(facts.times.size() == 4);
}

TEST_CASE("the index is kept, and only what was added or changed is read again") {
  Folder folder;
  for (const char* name : {"a.mp4", "b.mp4", "c.mp4"}) write_grey(folder / name, 2);
  const VideoIndex first(folder.path());
  CHECK(first.file() == folder / "video-index.jsonl");
  const VideoIndex second(folder.path());
  CHECK(second.scanned() == 0);
  CHECK(names(second) == names(first));
  CHECK(second.videos()[2].facts.times.steps() == first.videos()[2].facts.times.steps());
  CHECK(second.videos()[2].facts.frames_per_second == first.videos()[2].facts.frames_per_second);

  std::filesystem::remove(folder / "a.mp4");
  write_grey(folder / "b.mp4", 5);  // another size
  write_grey(folder / "d.mp4", 3);
  const auto time = std::filesystem::last_write_time(folder / "c.mp4");
  std::filesystem::last_write_time(folder / "c.mp4", time + std::chrono::microseconds(1));
  const VideoIndex third(folder.path());
  CHECK(third.scanned() == 3);
  CHECK(names(third) == Names{"b.mp4", "c.mp4", "d.mp4"});
  CHECK(third.videos()[0].facts.frames == 5);
  CHECK(VideoIndex(folder.path()).scanned() == 0);
  std::filesystem::remove(folder / "b.mp4");
  const Bytes left = read_file(VideoIndex(folder.path()).file());
  CHECK(std::string(left.begin(), left.end()).find("b.mp4") == std::string::npos);
}

TEST_CASE("a file that cannot be read is listed with the reason, and not tried again until it changes") {
  Folder folder;
  write_grey(folder / "a.mp4", 2);
  with_bytes(folder / "b.mp4", {1, 2, 3});
  for (const Index scanned : {2, 0}) {
    const VideoIndex index(folder.path());
    CHECK(index.scanned() == scanned);
    CHECK(names(index) == Names{"a.mp4"});
    REQUIRE(index.skipped().size() == 1);
    CHECK(index.skipped()[0].path == folder / "b.mp4");
    mentions(index.skipped()[0].reason, "b.mp4");
  }
  write_grey(folder / "b.mp4", 3);
  CHECK(VideoIndex(folder.path()).skipped().empty());
}

TEST_CASE("a file whose name no JSON can hold is read each time") {
  Folder folder;
  write_grey(folder / "a\xff.mp4", 2);
  write_grey(folder / "b.mp4", 2);
  CHECK(VideoIndex(folder.path()).scanned() == 2);
  CHECK(VideoIndex(folder.path()).scanned() == 1);
  CHECK(VideoIndex(folder.path()).videos().size() == 2);
}

TEST_CASE("a damaged index is made anew, a damaged line alone") {
  Folder folder;
  for (const char* name : {"a.mp4", "b.mp4"}) write_grey(folder / name, 2);
  const auto kept = VideoIndex(folder.path()).file();
  Bytes bytes = read_file(kept);
  const auto line = std::find(bytes.begin(), bytes.end(), '\n') + 1;  // of a.mp4
  const Bytes good = bytes;
  *line = 'x';
  with_bytes(kept, bytes);
  CHECK(VideoIndex(folder.path()).scanned() == 1);
  CHECK(read_file(kept) == good);
  with_bytes(kept, {'{'});
  CHECK(VideoIndex(folder.path()).scanned() == 2);
  check_survives_damage(
      kept,
      [&](const std::filesystem::path& damaged) {
        std::filesystem::copy_file(damaged, kept, std::filesystem::copy_options::overwrite_existing);
        CHECK(names(VideoIndex(folder.path())) == Names{"a.mp4", "b.mp4"});
      },
      30);
}

TEST_CASE("where the folder cannot be written the index is kept in another place, or nowhere") {
  Folder folder, other;
  write_grey(folder / "a.mp4", 2);
  std::filesystem::create_directory(folder / "video-index.jsonl");  // stands in the way, also of root
  CHECK(VideoIndex(folder.path()).file().empty());
  CHECK(VideoIndex(folder.path()).scanned() == 1);
  const VideoIndexOptions options{.file = other / "index.jsonl"};
  CHECK(VideoIndex(folder.path(), options).scanned() == 1);
  CHECK(VideoIndex(folder.path(), options).scanned() == 0);
  const auto nowhere = other / "none" / "index.jsonl";
  mentions(error_of([&] { VideoIndex(folder.path(), {.file = nowhere}); }), nowhere.string());
}

TEST_CASE("progress is told to the end, and may stop it") {
  Folder folder;
  for (int i = 0; i < 5; ++i) write_grey(folder / ("x" + std::to_string(i) + ".mp4"), 2);
  const auto stop = [](Index, Index) { fail("enough"); };
  mentions(error_of([&] { VideoIndex(folder.path(), {.threads = 1, .progress = stop}); }), "enough");
  Index last = 0;
  const auto tell = [&](Index done, Index all) {
    CHECK(done > last);
    CHECK(all <= 4);  // what had been read is kept
    last = done;
  };
  const VideoIndex index(folder.path(), {.threads = 3, .progress = tell});
  CHECK(last == index.scanned());
  CHECK(index.videos().size() == 5);
}

TEST_CASE("what is not there is listed as a file that cannot be read") {
  Folder folder;
  const VideoIndex missing(folder / "none");  // might be a file
  REQUIRE(missing.skipped().size() == 1);
  mentions(missing.skipped()[0].reason, "No such file");
  CHECK_THROWS_AS(VideoIndex(folder.path(), {.threads = -1}), Error);
}
