// SPDX-License-Identifier: MIT
#include <flipbook/io/video_clip.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/io/gif.hpp>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

constexpr FrameSize size{.height = 32, .width = 32};

Tensor<std::uint8_t> moving(Index frames) {
  return to_bytes(MovingShapes({.frames = frames, .canvas = 32, .smallest = 0.2, .largest = 0.3}).clip(3));
}

// The same packets in another container, which the name's ending says.
void copy_packets(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto in = detail::open_input(from);
  REQUIRE(avformat_find_stream_info(in.get(), nullptr) >= 0);
  AVFormatContext* out = nullptr;
  REQUIRE(avformat_alloc_output_context2(&out, nullptr, nullptr, to.c_str()) >= 0);
  AVStream *const source = in->streams[0], *const target = avformat_new_stream(out, nullptr);
  avcodec_parameters_copy(target->codecpar, source->codecpar);
  target->codecpar->codec_tag = 0;
  REQUIRE(avio_open(&out->pb, to.c_str(), AVIO_FLAG_WRITE) >= 0);
  REQUIRE(avformat_write_header(out, nullptr) >= 0);
  const detail::Packet packet(av_packet_alloc());
  while (av_read_frame(in.get(), packet.get()) >= 0) {
    av_packet_rescale_ts(packet.get(), source->time_base, target->time_base);
    packet->pos = -1;
    REQUIRE(av_interleaved_write_frame(out, packet.get()) >= 0);
  }
  REQUIRE(av_write_trailer(out) >= 0);
  avio_closep(&out->pb);
  avformat_free_context(out);
}

}  // namespace

TEST_CASE("frames anywhere in a file are those of decoding it from the beginning") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(40), {.frames_per_second = 30});
  copy_packets(folder / "x.mp4", folder / "x.mkv");  // times of whole milliseconds, which are unequally far apart
  write_gif(folder / "x.gif", moving(9));
  for (const std::string name : {"x.mp4", "x.mkv", "x.gif"}) {
    CAPTURE(name);
    const auto all = read_video(folder / name, size).frames;  // (T, H, W, C)
    const VideoFacts facts = scan_video(folder / name);
    CHECK(facts.frames == all.extent(0));
    CHECK(facts.times.size() == facts.frames);
    CHECK(facts.height == 32);
    CHECK(facts.width == 32);
    for (const Index every : {1, 3})
      for (Index first = 0; first + 2 * every < facts.frames; ++first) {
        CAPTURE(first);
        const auto clip = read_frames(folder / name, size, facts, {first, 3, every});  // (3, H, W, C)
        for (Index t = 0; t < 3; ++t) REQUIRE(to_vector(clip[t]) == to_vector(all[first + t * every]));
      }
  }
  CHECK(scan_video(folder / "x.mp4").frames_per_second == doctest::Approx(30));
}

TEST_CASE("without times frames are counted by decoding, and found from the beginning") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(15));
  copy_packets(folder / "x.mp4", folder / "x.h264");
  const auto all = read_video(folder / "x.h264", size).frames;  // (T, H, W, C)
  const VideoFacts facts = scan_video(folder / "x.h264");
  CHECK(facts.frames == 15);
  CHECK(facts.times.size() == 0);
  const auto clip = read_frames(folder / "x.h264", size, facts, {6, 3, 2});  // (3, H, W, C)
  for (Index t = 0; t < 3; ++t) CHECK(to_vector(clip[t]) == to_vector(all[6 + 2 * t]));
}

TEST_CASE("damage before the keyframe of a clip does not matter, damage within a clip does") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(40));  // a keyframe every 12 frames
  const VideoFacts facts = scan_video(folder / "x.mp4");
  const auto late = read_frames(folder / "x.mp4", size, facts, {30, 4});
  Bytes bytes = read_file(folder / "x.mp4");
  {
    detail::VideoDecoder file(folder / "x.mp4");
    file.next_packet();
    const AVPacket& second = *file.next_packet();
    std::fill_n(bytes.begin() + second.pos + 4, second.size - 4, std::uint8_t{0x55});
  }
  with_bytes(folder / "x.mp4", bytes);
  CHECK(to_vector(read_frames(folder / "x.mp4", size, facts, {30, 4})) == to_vector(late));
  mentions(error_of([&] { read_frames(folder / "x.mp4", size, facts, {0, 4}); }), "x.mp4");
}

TEST_CASE("frames that a file does not hold are refused") {
  Folder folder;
  write_mp4(folder / "x.mp4", moving(9));
  write_mp4(folder / "short.mp4", moving(5));
  const VideoFacts facts = scan_video(folder / "x.mp4");
  mentions(error_of([&] { read_frames(folder / "x.mp4", size, facts, {7, 3}); }), "of 9");
  mentions(error_of([&] { read_frames(folder / "x.mp4", size, facts, {-1, 3}); }), "x.mp4");
  mentions(error_of([&] { read_frames(folder / "short.mp4", size, facts, {4, 3}); }), "does not come");
  Bytes cut = read_file(folder / "x.mp4");
  cut.resize(cut.size() / 2);
  const auto half = with_bytes(folder / "half.mp4", cut);
  mentions(error_of([&] { scan_video(half); }), half.string());
  check_no_file_refused(scan_video);
  check_survives_damage(folder / "x.mp4", scan_video, 60);
}

TEST_CASE("times of frames are kept as steps") {
  FrameTimes times;
  for (const std::int64_t time : {-3, 0, 3, 6, 7, 8, 12}) times.add(time);
  CHECK(times.steps() == std::vector<std::int64_t>{-3, 3, 3, 1, 2, 4, 1});
  const FrameTimes again = FrameTimes::of_steps(times.steps());
  REQUIRE(again.size() == 7);
  for (Index i = 0; i < 7; ++i) CHECK(again[i] == times[i]);
  CHECK(FrameTimes::of_steps({}).size() == 0);
  CHECK_THROWS_AS(times.add(12), Error);
  for (const std::vector<std::int64_t>& bad : std::vector<std::vector<std::int64_t>>{
           {1, 2}, {1, 0, 5}, {1, 2, 0}, {1, -1, 3}, {1, 1LL << 50, 1LL << 50}, {1LL << 61, 1, 1}, {0, 1, 1LL << 40}}) {
    CHECK_THROWS_AS(FrameTimes::of_steps(bad), Error);
  }
}
