// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/data/video_index.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/subsequences.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Clips of a video file, or of all video files of a folder and its subfolders, sorted by name. A clip is decoded when
/// it is requested, from the keyframe before it, so a folder may have any number of files. If all decoded frames take
/// no more than `memory`, each file is decoded once and kept, at 8 bits per channel.
///
/// A file that cannot be read during indexing is skipped. A clip that cannot be read later is replaced by another,
/// chosen by a function of its index. Both are reported on stderr, and the files listed in `skipped`.
class VideoFiles {
 public:
  struct Options {
    Index frames = 16;  ///< in a clip
    Index stride = 16;  ///< frames from the beginning of a clip to that of the next
    Index every = 1;    ///< takes every n-th frame of the file: 2 halves the frame rate
    FrameSize size{};
    /// Bytes for decoded frames: 2³⁰ are an hour of 64 × 64 in colour at 25 frames per second.
    Index memory = Index{1} << 30;
    VideoIndexOptions index{};
  };

  /// @throws Error if the folder cannot be read, or has no readable file as long as a clip: names it
  VideoFiles(const std::filesystem::path& path, const Options& options)
      : shared_(std::make_shared<Shared>(path, options)) {}
  explicit VideoFiles(const std::filesystem::path& path) : VideoFiles(path, Options{}) {}

  Shape shape() const {
    const FrameSize& size = shared_->options.size;
    return {shared_->options.frames, size.height, size.width, size.channels};
  }
  Index size() const noexcept { return shared_->subsequences.size(); }

  /// @throws Error if neither the clip nor any of a hundred others can be read
  Tensor<float> clip(Index index) const {
    std::string reason;
    if (const auto frames = shared_->read(index, reason)) return to_unit(*frames);
    ++shared_->replaced;
    Rng other(0, static_cast<std::uint64_t>(index));
    for (int tries = 0; tries < 100; ++tries) {
      if (const auto frames = shared_->read(other.below(size()), reason)) return to_unit(*frames);
    }
    fail("VideoFiles: neither clip ", index, " nor any of a hundred others can be read: ", reason);
  }

  const VideoIndex& index() const noexcept { return shared_->index; }
  /// The files that could not be read, during indexing or later, each once.
  std::vector<SkippedVideo> skipped() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->skipped;
  }
  /// The number of requested clips that were replaced by others, counting repeated requests.
  Index replaced() const noexcept { return shared_->replaced; }

 private:
  /// The state that copies share.
  struct Shared {
    struct Kept {
      std::mutex mutex;
      bool tried = false;
      Tensor<std::uint8_t> frames;  // (T, H, W, C)
    };

    Shared(const std::filesystem::path& path, const Options& given)
        : options(valid(given)),
          index(path, given.index),
          subsequences(given.frames, given.stride),
          skipped(index.skipped()) {
      double bytes = 0;
      for (const IndexedVideo& video : index.videos()) {
        subsequences.add(frames_of(video));
        bytes +=
            static_cast<double>(frames_of(video) * options.size.height * options.size.width * options.size.channels);
      }
      if (bytes <= static_cast<double>(options.memory)) kept = std::vector<Kept>(index.videos().size());
      const bool many = std::filesystem::is_directory(path);
      require(subsequences.size() > 0, "VideoFiles: ", detail::quoted(path),
              many ? " holds no video" : " is not a video", " of at least ", options.frames, " frames",
              skipped.empty() ? "" : "; " + skipped[0].reason);
      if (skipped.empty()) return;
      std::fprintf(stderr, "flipbook: %zu of %zu videos are skipped, the first: %s\n", skipped.size(),
                   skipped.size() + index.videos().size(), skipped[0].reason.c_str());
    }

    static Options valid(Options given) {
      require(given.every > 0, "VideoFiles: every ", given.every, "th frame");
      return given;
    }

    Index frames_of(const IndexedVideo& video) const {
      return (video.facts.frames + options.every - 1) / options.every;
    }

    /// The frames of a clip, (T, H, W, C), or none if they cannot be read.
    std::optional<Tensor<std::uint8_t>> read(Index clip, std::string& reason) {
      const auto [sequence, first] = subsequences.place(clip);
      const IndexedVideo& video = index.videos()[sequence];
      const std::filesystem::path path = index.folder() / video.path;
      const auto frames = [&](Index from, Index count) {
        return read_frames(path, options.size, video.facts, {from * options.every, count, options.every});
      };
      try {
        if (!kept.empty()) {
          Kept& whole = kept[sequence];
          const std::lock_guard lock(whole.mutex);
          if (!std::exchange(whole.tried, true)) {
            try {
              whole.frames = frames(0, frames_of(video));
            } catch (const Error&) {  // the requested clip may still be readable
            }
          }
          if (whole.frames) return whole.frames.slice(first, first + options.frames);
        }
        return frames(first, options.frames);
      } catch (const Error& error) {
        reason = error.what();
        note(path, reason);
        return std::nullopt;
      }
    }

    void note(const std::filesystem::path& path, const std::string& reason) {
      const std::lock_guard lock(mutex);
      if (std::ranges::any_of(skipped, [&](const SkippedVideo& each) { return each.path == path; })) return;
      skipped.push_back({path, reason});
      std::fprintf(stderr, "\nflipbook: other clips take the place of those that cannot be read: %s\n", reason.c_str());
    }

    Options options;
    VideoIndex index;
    Subsequences subsequences;
    std::vector<Kept> kept;
    std::mutex mutex;
    std::vector<SkippedVideo> skipped;
    std::atomic<Index> replaced = 0;
  };

  std::shared_ptr<Shared> shared_;
};

}  // namespace flipbook
