// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/image_folder.hpp>
#include <flipbook/data/subsequences.hpp>
#include <flipbook/io/video.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Clips cut out of a video file, or of all video files of a folder, in the order of their names. Every
/// frame is decoded and resized once and kept, at 8 bits a channel: an hour at 64 × 64 in colour and 25
/// frames a second takes 1.1 GB.
class VideoFiles {
 public:
  struct Options {
    Index frames = 16;  ///< in a clip
    Index stride = 16;  ///< frames from one clip's beginning to the next one's
    Index every = 1;    ///< of the file's frames, every so manieth is taken: 2 halves the frame rate
    FrameSize size{};
  };

  /// @throws Error if a file cannot be decoded, or none is as long as one clip: names it
  VideoFiles(const std::filesystem::path& path, const Options& options)
      : size_(options.size), subsequences_(options.frames, options.stride) {
    require(options.every > 0, "VideoFiles: every ", options.every, "th frame");
    const std::vector<std::string> kinds{".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",
                                         ".mpg", ".mpeg", ".ogv", ".flv", ".wmv",  ".gif"};
    std::error_code unreadable;  // opening it will say so again
    const bool many = std::filesystem::is_directory(path, unreadable);
    for (const auto& file : many ? files_in(path, kinds) : std::vector{path}) add(file, options.every);
    require(subsequences_.size() > 0, "VideoFiles: ", detail::quoted(path),
            many ? " holds no video" : " is not a video", " of at least ", options.frames, " frames");
  }
  explicit VideoFiles(const std::filesystem::path& path) : VideoFiles(path, Options{}) {}

  Shape shape() const { return {subsequences_.frames(), size_.height, size_.width, size_.channels}; }
  Index size() const noexcept { return subsequences_.size(); }
  Tensor<float> clip(Index index) const {
    const auto [sequence, first] = subsequences_.place(index);
    return to_unit(videos_[sequence].slice(first, first + subsequences_.frames()));
  }

 private:
  void add(const std::filesystem::path& file, Index every) {
    const auto all = read_video(file, size_).frames;  // (T, H, W, C)
    Tensor<std::uint8_t> kept({(all.extent(0) + every - 1) / every, size_.height, size_.width, size_.channels});
    for (Index t = 0; t < kept.extent(0); ++t) {
      const auto frame = all[t * every];
      std::copy(frame.begin(), frame.end(), kept[t].begin());
    }
    subsequences_.add(kept.extent(0));
    videos_.push_back(std::move(kept));
  }

  FrameSize size_;
  Subsequences subsequences_;
  std::vector<Tensor<std::uint8_t>> videos_;
};

}  // namespace flipbook
