// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/video.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <vector>

namespace flipbook::inline FLIPBOOK_ISA {

/// The display times of a video's frames, in the units of its container, as runs of equally spaced frames.
class FrameTimes {
 public:
  /// An upper bound of frames: 186 hours at 25 frames per second.
  static constexpr Index most = Index{1} << 24;

  FrameTimes() = default;

  /// Adds a frame, later than the one before it.
  void add(std::int64_t time) {
    require(size_ == 0 || time > (*this)[size_ - 1], "a frame at time ", time, " after one at ",
            size_ == 0 ? time : (*this)[size_ - 1]);
    if (!runs_.empty() && runs_.back().first == size_ - 1) runs_.back().step = time - runs_.back().time;
    else if (runs_.empty() || time != at(runs_.back(), size_)) runs_.push_back({size_, time, 0});
    ++size_;
  }
  Index size() const noexcept { return size_; }
  std::int64_t operator[](Index frame) const {
    const auto after = std::upper_bound(runs_.begin(), runs_.end(), frame,
                                        [](Index wanted, const Run& run) { return wanted < run.first; });
    return at(*std::prev(after), frame);
  }

  /// [time of the first frame, a step, its repetitions, a step, its repetitions, …].
  std::vector<std::int64_t> steps() const {
    std::vector<std::int64_t> all;
    for (Index frame = 0; frame < size_; ++frame) {
      const std::int64_t step = frame == 0 ? (*this)[0] : (*this)[frame] - (*this)[frame - 1];
      if (frame > 1 && step == all[all.size() - 2]) ++all.back();
      else if (frame == 0) all.push_back(step);
      else all.insert(all.end(), {step, 1});
    }
    return all;
  }
  /// Inverse of `steps`.
  /// @throws Error if the numbers cannot come from `steps`
  static FrameTimes of_steps(const std::vector<std::int64_t>& steps) {
    FrameTimes times;
    if (steps.empty()) return times;
    require(steps.size() % 2 == 1, "times of frames: ", steps.size(), " numbers; an odd number is needed");
    constexpr std::int64_t far = std::int64_t{1} << 60;
    std::int64_t time = steps[0];
    for (std::size_t i = 1; i < steps.size(); i += 2) {
      const std::int64_t step = steps[i], count = steps[i + 1];
      require(std::abs(time) <= far && step > 0 && count > 0 && step <= far / count && count < most - times.size(),
              "times of frames: ", count, " steps of ", step, " from ", time);
      for (std::int64_t n = 0; n < count; ++n) times.add(time + n * step);
      time += count * step;
    }
    times.add(time);
    return times;
  }

 private:
  struct Run {
    Index first;
    std::int64_t time, step;
  };
  static std::int64_t at(const Run& run, Index frame) { return run.time + (frame - run.first) * run.step; }

  std::vector<Run> runs_;
  Index size_ = 0;
};

/// Facts about a video file, without its frames.
struct VideoFacts {
  Index frames = 0, height = 0, width = 0;
  double frames_per_second = 0;  ///< 0 if the file does not state it
  FrameTimes times = {};         ///< of each frame; empty if the container does not state them
};

namespace detail {

/// Calls `read`; its errors then name the file.
template <class Read>
auto of_video(const std::filesystem::path& path, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    fail("video: ", quoted(path), " is refused: ", error.what());
  }
}

/// The display times of frames from those of packets; none if a packet has no time.
inline FrameTimes times_of(std::vector<std::int64_t> packets) {
  std::sort(packets.begin(), packets.end());  // packets are in decoding order
  const bool apart = std::adjacent_find(packets.begin(), packets.end()) == packets.end();
  FrameTimes times;
  constexpr std::int64_t far = std::int64_t{1} << 60;  // AV_NOPTS_VALUE is beyond it
  if (packets.empty() || !apart || packets.front() < -far || packets.back() > far) return times;
  for (const std::int64_t time : packets) times.add(time);
  return times;
}

}  // namespace detail

/// Reads through a video file, but decodes only its first frame: detects a truncated file, but not damage within
/// frames. If its container does not state display times (AVI, streams), all frames are decoded to count them.
/// @throws Error if it cannot be read, has no video, or ends early: names it
inline VideoFacts scan_video(const std::filesystem::path& path) {
  return detail::of_video(path, [&] {
    detail::VideoDecoder decoder(path);
    const AVCodecParameters& parameters = decoder.parameters();
    require(decoder.next() != nullptr, "it has no frames");
    while (decoder.next_packet() != nullptr) {
    }
    // Some packets of VP8 have no visible frame.
    FrameTimes times = parameters.codec_id == AV_CODEC_ID_VP8 ? FrameTimes{} : detail::times_of(decoder.packet_times());
    Index decoded = 0;
    if (times.size() == 0) {
      for (detail::VideoDecoder all(path); all.next() != nullptr;) ++decoded;
    }
    return VideoFacts{.frames = times.size() + decoded,
                      .height = parameters.height,
                      .width = parameters.width,
                      .frames_per_second = decoder.frames_per_second(),
                      .times = std::move(times)};
  });
}

/// A range of a video's frames: `count` of them, from index `first` on, every `every`th.
struct FrameRange {
  Index first = 0, count = 1, every = 1;
};

namespace detail {

/// Decodes the frames of a range with a decoder that has not passed the first of them.
/// @return  nothing if the first frame was already passed
inline std::optional<Tensor<std::uint8_t>> decode_range(VideoDecoder& decoder, const FrameSize& size,
                                                        const FrameTimes& times, const FrameRange& range) {
  Tensor<std::uint8_t> frames({range.count, size.height, size.width, size.channels});  // (T, H, W, C)
  PixelConverter convert;
  Index taken = 0;
  for (Index number = 0; taken < range.count; ++number) {
    const AVFrame* frame = decoder.next();
    const Index wanted = range.first + taken * range.every;
    require(frame != nullptr, "its frame ", wanted, " does not come");
    if (times.size() > 0) {
      if (decoder.time() < times[wanted]) continue;
      if (decoder.time() > times[wanted] && taken == 0) return std::nullopt;
      require(decoder.time() == times[wanted], "its frame ", wanted, " does not come");
    } else if (number < wanted) {
      continue;
    }
    const auto resized = to_frame(convert(*frame, size.channels), size);
    std::copy(resized.begin(), resized.end(), frames[taken++].begin());
  }
  return frames;
}

}  // namespace detail

/// A range of a video file's frames, like those of `read_video`, (T, H, W, C). Decoding begins at the last keyframe
/// before them, if `facts.times` are known; otherwise at the beginning.
/// @param facts  of `scan_video`
/// @throws Error if it cannot be read, is damaged before the last of the frames, or does not contain them: names it
inline Tensor<std::uint8_t> read_frames(const std::filesystem::path& path, const FrameSize& size,
                                        const VideoFacts& facts, const FrameRange& range) {
  return detail::of_video(path, [&] {
    require(range.first >= 0 && range.count > 0 && range.every > 0 &&
                range.first + (range.count - 1) * range.every < facts.frames,
            "frames ", range.first, ", ", range.first + range.every, ", …, ", range.count, " in all, of ",
            facts.frames);
    // A container's index states when a keyframe is decoded, which may be before frames that are shown before it. If
    // the first requested frame is one of those, or depends on an earlier keyframe, decoding begins further back.
    for (Index back = 0; facts.times.size() > 0 && back < range.first; back = 4 * back + 8) {
      try {
        detail::VideoDecoder decoder(path);
        if (!decoder.seek(facts.times[range.first - back])) break;
        if (auto frames = detail::decode_range(decoder, size, facts.times, range)) return *frames;
      } catch (const Error&) {  // decoding from the beginning shows whether the file is damaged
      }
    }
    detail::VideoDecoder decoder(path);
    auto frames = detail::decode_range(decoder, size, facts.times, range);
    require(frames.has_value(), "its frame ", range.first, " does not come");
    return *frames;
  });
}

}  // namespace flipbook
