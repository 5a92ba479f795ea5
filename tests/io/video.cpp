// SPDX-License-Identifier: MIT
#include <flipbook/io/video.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/data/moving_shapes.hpp>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

Tensor<std::uint8_t> moving(Index frames, Index size) {
  return to_bytes(MovingShapes({.frames = frames, .canvas = size, .smallest = 0.2, .largest = 0.3}).clip(3));
}

double psnr(const Tensor<std::uint8_t>& a, const Tensor<std::uint8_t>& b) {
  REQUIRE(a.shape() == b.shape());
  double error = 0;
  for (Index i = 0; i < a.size(); ++i) error += (a.data()[i] - b.data()[i]) * (a.data()[i] - b.data()[i]);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / error);
}

std::uint32_t number_at(const Bytes& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | bytes[at + i];
  return number;
}

// The same MP4 with its index (moov) in front of the frames (mdat), as files for the web have it.
Bytes index_in_front(const Bytes& bytes) {
  const auto name_of_box = [&](std::size_t at) {
    return std::string(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                       bytes.begin() + static_cast<std::ptrdiff_t>(at) + 8);
  };
  Bytes front, index, frames;
  for (std::size_t at = 0; at < bytes.size(); at += number_at(bytes, at)) {
    Bytes& part = name_of_box(at) == "moov" ? index : name_of_box(at) == "mdat" ? frames : front;
    part.insert(part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                bytes.begin() + static_cast<std::ptrdiff_t>(at + number_at(bytes, at)));
  }
  const std::string table = "stco";  // where chunks of frames lie: a number of entries, then each
  const auto found =
      static_cast<std::size_t>(std::search(index.begin(), index.end(), table.begin(), table.end()) - index.begin());
  REQUIRE(found < index.size());
  for (std::uint32_t entry = 0; entry < number_at(index, found + 8); ++entry) {
    const std::size_t at = found + 12 + 4 * entry;
    const auto moved = static_cast<std::uint32_t>(number_at(index, at) + index.size());
    for (std::size_t i = 0; i < 4; ++i) index[at + i] = static_cast<std::uint8_t>(moved >> (24 - 8 * i));
  }
  front.insert(front.end(), index.begin(), index.end());
  front.insert(front.end(), frames.begin(), frames.end());
  return front;
}

const auto decode = [](const std::filesystem::path& path) { return read_video(path, {.height = 32, .width = 32}); };

}  // namespace

TEST_CASE("a written video is read back close to what it was, frame for frame") {
  Folder folder;
  const auto path = folder / "x.mp4";
  // Colours are kept at half the resolution: blocks of 2 × 2 alike lose nothing to that.
  Tensor<std::uint8_t> clip({13, 64, 48, 3});
  for (Index t = 0; t < 13; ++t)
    for (Index y = 0; y < 64; ++y)
      for (Index x = 0; x < 48; ++x) {
        std::uint8_t* pixel = clip.data() + ((t * 64 + y) * 48 + x) * 3;
        pixel[0] = static_cast<std::uint8_t>(x / 2 * 8 + 20);
        pixel[1] = static_cast<std::uint8_t>(y / 2 * 6 + 20);
        pixel[2] = static_cast<std::uint8_t>(t * 18);
      }
  write_mp4(path, clip, {.frames_per_second = 12.5, .quality = 5});
  const Video video = read_video(path, {.height = 64, .width = 48});
  CHECK(video.frames_per_second == doctest::Approx(12.5));
  CHECK(psnr(video.frames, clip) > 38);
  CHECK(folder.entries() == 1);
}

TEST_CASE("worse quality takes fewer bytes") {
  Folder folder;
  const auto clip = moving(5, 64);
  write_mp4(folder / "good.mp4", clip, {.quality = 5});
  write_mp4(folder / "bad.mp4", clip, {.quality = 45});
  CHECK(std::filesystem::file_size(folder / "bad.mp4") < std::filesystem::file_size(folder / "good.mp4"));
}

TEST_CASE_TEMPLATE("grey clips of numbers keep their values", T, float, double) {
  Folder folder;
  Tensor<T> clip({3, 16, 16, 1});
  for (Index i = 0; i < clip.size(); ++i) clip.data()[i] = static_cast<T>(i / 256) / 2;
  write_mp4(folder / "x.mp4", clip);
  const auto back = read_video(folder / "x.mp4", {.height = 16, .width = 16, .channels = 1}).frames;
  REQUIRE(back.shape() == Shape{3, 16, 16, 1});
  for (Index i = 0; i < clip.size(); ++i)
    CHECK(std::abs(back.data()[i] / 255.0 - static_cast<double>(clip.data()[i])) < 0.02);
}

TEST_CASE("odd and tiny extents are padded to even ones by their last row and column") {
  Folder folder;
  for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{2, 17, 31, 3}, Shape{1, 2, 33, 1}}) {
    Tensor<std::uint8_t> clip(shape);
    std::fill(clip.begin(), clip.end(), std::uint8_t{200});
    write_mp4(folder / "x.mp4", clip);
    const Index h = (shape[1] + 1) / 2 * 2, w = (shape[2] + 1) / 2 * 2;
    const auto back = read_video(folder / "x.mp4", {.height = h, .width = w}).frames;
    REQUIRE(back.shape() == Shape{shape[0], h, w, 3});
    for (const std::uint8_t pixel : back) CHECK(std::abs(pixel - 200) < 6);
  }
}

TEST_CASE("frames are resized and cropped as asked, and a limit cuts the video") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(7, 64));
  CHECK(read_video(folder / "x.mp4", {.height = 20, .width = 30, .channels = 1}).frames.shape() == Shape{7, 20, 30, 1});
  CHECK(read_video(folder / "x.mp4", {}, 4).frames.shape() == Shape{4, 64, 64, 3});
}

TEST_CASE("a video that ends before all its frames is refused, whether its index stands in front or behind") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(9, 32));
  const Bytes behind = read_file(folder / "x.mp4");
  const auto front = with_bytes(folder / "front.mp4", index_in_front(behind));
  CHECK(to_vector(decode(front).frames) == to_vector(decode(folder / "x.mp4").frames));
  check_prefixes_refused(front, decode, 150);
  const std::string notes = "udta";  // the end of the index, after which only remarks follow
  const auto needed = std::search(behind.begin(), behind.end(), notes.begin(), notes.end()) - behind.begin() - 4;
  for (Index length = 0; length < needed; length += 23) {
    CAPTURE(length);
    const auto path = with_bytes(folder / "short.mp4", Bytes(behind.begin(), behind.begin() + length));
    CHECK_THROWS_AS(decode(path), Error);
  }
  check_no_file_refused(decode);
}

TEST_CASE("a damaged video is refused or read, and does no harm") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(5, 32));
  check_survives_damage(folder / "x.mp4", decode, 150);
  check_survives_damage(with_bytes(folder / "front.mp4", index_in_front(read_file(folder / "x.mp4"))), decode, 150);
}

TEST_CASE("what is no video is refused by its name, and FFmpeg prints nothing") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(3, 32));
  Bytes damaged = read_file(folder / "x.mp4");
  damaged.resize(damaged.size() / 2);
  // What FFmpeg takes for an audiobook under lock, and calls fatal.
  Bytes locked = read_file(folder / "x.mp4");
  const std::string brand = "aaxc";
  std::copy(brand.begin(), brand.end(), locked.begin() + 8);
  const std::string noise = "this is not a video, however long one looks at it";
  const auto path = with_bytes(folder / "noise.mp4", Bytes(noise.begin(), noise.end()));
  const int terminal = ::dup(STDERR_FILENO);
  const int file = ::open((folder / "printed").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, STDERR_FILENO);
  const std::string message = error_of([&] { decode(path); });
  CHECK_THROWS_AS(decode(with_bytes(folder / "damaged.mp4", damaged)), Error);
  decode(with_bytes(folder / "locked.mp4", locked));
  ::dup2(terminal, STDERR_FILENO);
  ::close(terminal), ::close(file);
  mentions(message, path.string());
  CHECK(std::filesystem::file_size(folder / "printed") == 0);
}

TEST_CASE("a list of files is no video, whatever it is called, and leads nowhere") {
  Folder folder;
  write_mp4(folder / "real.mp4", moving(3, 32));
  const std::string real = (folder / "real.mp4").string(), begin = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n";
  for (const std::string& list :
       {begin + "http://127.0.0.1:9/real.mp4\n#EXT-X-ENDLIST\n", begin + real + "\n#EXT-X-ENDLIST\n",
        begin + real + "\n", begin + "clip.mp4\n", std::string("ffconcat version 1.0\nfile real.mp4\n")}) {
    CAPTURE(list);
    const auto path = with_bytes(folder / "clip.mp4", Bytes(list.begin(), list.end()));
    mentions(error_of([&] { decode(path); }), path.string());
  }
  ::mkfifo((folder / "pipe.mp4").c_str(), 0600);
  mentions(error_of([&] { decode(folder / "pipe.mp4"); }), "not a regular file");
}

TEST_CASE("clips that cannot be written are refused, and nothing is left") {
  Folder folder;
  const auto path = folder / "x.mp4";
  CHECK_THROWS_AS(write_mp4(path, Tensor<std::uint8_t>({4, 4, 3})), Error);
  CHECK_THROWS_AS(write_mp4(path, Tensor<std::uint8_t>({1, 4, 4, 2})), Error);
  CHECK_THROWS_AS(write_mp4(path, Tensor<std::uint8_t>({0, 4, 4, 3})), Error);
  CHECK_THROWS_AS(write_mp4(path, moving(1, 32), {.frames_per_second = 0}), Error);
  CHECK_THROWS_AS(write_mp4(path, moving(1, 32), {.quality = 52}), Error);
  const Tensor<float> bad({1, 1, 2, 1}, {0, std::numeric_limits<float>::quiet_NaN()});
  mentions(error_of([&] { write_mp4(path, bad); }), "(0, 0, 1, 0)");
  CHECK(folder.entries() == 0);
  const auto nowhere = folder / "none/x.mp4";
  mentions(error_of([&] { write_mp4(nowhere, moving(1, 32)); }), nowhere.string());
}
