// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/video_clip.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <flipbook/data/image_folder.hpp>
#include <flipbook/io/atomic_file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A video file's entry in an index.
struct IndexedVideo {
  std::filesystem::path path;  ///< relative to the index's folder
  std::uintmax_t bytes = 0;    ///< its size
  std::int64_t modified = 0;   ///< time of its last change, in nanoseconds since 1970
  VideoFacts facts = {};       ///< its frames, their size and times
  std::string refusal = {};    ///< why it cannot be read; empty if it can
};

/// A video that cannot be read.
struct SkippedVideo {
  std::filesystem::path path;
  std::string reason;
};

/// Options of a VideoIndex.
struct VideoIndexOptions {
  int threads = 0;  ///< that read files; 0: one for each core
  /// The file of the index. Empty: `video-index.jsonl` in the folder of the videos, or none if that cannot be written.
  std::filesystem::path file = {};
  std::function<void(Index, Index)> progress = {};  ///< called with the number of files read and to read
};

namespace detail {

inline nlohmann::json to_json(const IndexedVideo& video) {
  nlohmann::json line{{"path", video.path.string()}, {"bytes", video.bytes}, {"modified", video.modified}};
  if (!video.refusal.empty()) {
    line["refused"] = video.refusal;
    return line;
  }
  const VideoFacts& facts = video.facts;
  line.update({{"frames", facts.frames},
               {"height", facts.height},
               {"width", facts.width},
               {"rate", facts.frames_per_second},
               {"times", facts.times.steps()}});
  return line;
}

/// @throws the exceptions of nlohmann::json, or an Error, if the line is not one of `to_json`
inline IndexedVideo indexed_video(const nlohmann::json& line) {
  IndexedVideo video{line.at("path").get<std::string>(), line.at("bytes").get<std::uintmax_t>(),
                     line.at("modified").get<std::int64_t>()};
  if (line.contains("refused")) {
    video.refusal = line["refused"].get<std::string>();
    return video;
  }
  video.facts = {line.at("frames").get<Index>(), line.at("height").get<Index>(), line.at("width").get<Index>(),
                 line.at("rate").get<double>(),
                 FrameTimes::of_steps(line.at("times").get<std::vector<std::int64_t>>())};
  const Index timed = video.facts.times.size();
  require(
      video.facts.frames > 0 && video.facts.frames <= FrameTimes::most && (timed == 0 || timed == video.facts.frames),
      "an index of ", timed, " times for ", video.facts.frames, " frames");
  return video;
}

}  // namespace detail

/// An index of the video files of a folder and its subfolders, sorted by name. Each file is read through once
/// (`scan_video`) and the result stored in a file of JSON lines; it is read again only if its size or modification time
/// has changed. Files that cannot be read are listed with the reason.
class VideoIndex {
 public:
  /// @param path  a folder, or a single file
  /// @throws Error if the folder cannot be read, or `options.file` is given and cannot be written: names it
  explicit VideoIndex(const std::filesystem::path& path, const VideoIndexOptions& options = {}) {
    require(options.threads >= 0, "VideoIndex: ", options.threads, " threads");
    std::error_code unreadable;  // opening it reports the error again
    const bool many = std::filesystem::is_directory(path, unreadable);
    folder_ = many ? path : path.parent_path();
    file_ = options.file.empty() && many ? folder_ / "video-index.jsonl" : options.file;
    if (!options.file.empty()) AtomicFile{options.file};  // fails before the scan, not after it
    const std::map<std::string, IndexedVideo> known = kept();
    std::vector<IndexedVideo> videos = many ? listed() : std::vector{found(path.filename())};
    std::vector<IndexedVideo*> unknown;
    for (IndexedVideo& video : videos) {
      const auto before = known.find(video.path.string());
      const bool same =
          before != known.end() && before->second.bytes == video.bytes && before->second.modified == video.modified;
      if (same) video = before->second;
      else unknown.push_back(&video);
    }
    try {
      scan(unknown, options, [&] { keep(videos, !options.file.empty()); });
    } catch (...) {
      keep(videos, false);
      throw;
    }
    scanned_ = static_cast<Index>(unknown.size());
    if (scanned_ > 0 || known.size() != videos.size()) keep(videos, !options.file.empty());
    for (IndexedVideo& video : videos) {
      if (video.refusal.empty()) videos_.push_back(std::move(video));
      else skipped_.push_back({folder_ / video.path, std::move(video.refusal)});
    }
  }

  /// The videos that can be read, sorted by name.
  const std::vector<IndexedVideo>& videos() const noexcept { return videos_; }
  /// The videos that cannot be read.
  const std::vector<SkippedVideo>& skipped() const noexcept { return skipped_; }
  /// The number of files that had to be read.
  Index scanned() const noexcept { return scanned_; }
  /// The file of the index; empty if there is none.
  const std::filesystem::path& file() const noexcept { return file_; }
  const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  static constexpr const char* version = "{\"flipbook video index\":1}";

  IndexedVideo found(const std::filesystem::path& name) const {
    struct stat file {};
    IndexedVideo video{name};
    if (::stat((folder_ / name).c_str(), &file) != 0) return video;  // opening it reports the reason
    video.bytes = static_cast<std::uintmax_t>(file.st_size);
    video.modified = std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + file.st_mtim.tv_nsec;
    return video;
  }

  std::vector<IndexedVideo> listed() const {
    static const std::vector<std::string> kinds{".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",
                                                ".mpg", ".mpeg", ".ogv", ".flv", ".wmv",  ".gif"};
    std::vector<IndexedVideo> videos;
    try {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
        if (detail::ends_in(entry.path(), kinds) && entry.is_regular_file())
          videos.push_back(found(entry.path().lexically_relative(folder_)));
    } catch (const std::filesystem::filesystem_error& error) {
      fail("folder ", detail::quoted(folder_), ": ", error.code().message());
    }
    std::sort(videos.begin(), videos.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return videos;
  }

  /// The entries of the index's file; damaged lines and files of another version have none.
  std::map<std::string, IndexedVideo> kept() const {
    std::map<std::string, IndexedVideo> known;
    std::error_code none;
    if (file_.empty() || !std::filesystem::exists(file_, none)) return known;
    try {
      const Bytes bytes = read_file(file_);
      std::istringstream lines(std::string(bytes.begin(), bytes.end()));
      std::string line;
      if (!std::getline(lines, line) || line != version) return known;
      while (std::getline(lines, line)) {
        try {
          IndexedVideo video = detail::indexed_video(nlohmann::json::parse(line));
          known.insert_or_assign(video.path.string(), std::move(video));
        } catch (const std::exception&) {  // its video is read again
        }
      }
    } catch (const Error&) {  // an unreadable index: all videos are read again
    }
    return known;
  }

  /// Writes the file of the index, if it has one.
  /// @param wanted  whether a failure to write is an error
  void keep(const std::vector<IndexedVideo>& videos, bool wanted) {
    if (file_.empty()) return;
    try {
      AtomicFile file(file_);
      file.write(text(version, "\n"));
      for (const IndexedVideo& video : videos) {
        if (video.facts.frames == 0 && video.refusal.empty()) continue;  // not read yet
        try {
          file.write(detail::to_json(video).dump() + "\n");
        } catch (const nlohmann::json::exception&) {  // a name that is not UTF-8: the video will be read again
        }
      }
      file.commit();
    } catch (const Error&) {
      if (wanted) throw;
      file_.clear();
    }
  }

  /// Reads files on several threads.
  /// @param keep_part  called at intervals, so that at most half of the files read are lost
  template <class Keep>
  void scan(const std::vector<IndexedVideo*>& videos, const VideoIndexOptions& options, const Keep& keep_part) const {
    const std::size_t all = videos.size();
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t claimed = 0, done = 0;
    std::exception_ptr failure;
    const auto work = [&](const std::stop_token& stopped) {
      for (std::unique_lock lock(mutex); claimed < all && !stopped.stop_requested() && !failure; changed.notify_one()) {
        IndexedVideo& video = *videos[claimed++];
        lock.unlock();
        VideoFacts facts;
        std::string refusal;
        std::exception_ptr thrown;
        try {
          facts = scan_video(folder_ / video.path);
        } catch (const Error& error) {
          refusal = error.what();
        } catch (...) {
          thrown = std::current_exception();
        }
        lock.lock();
        video.facts = std::move(facts);
        video.refusal = std::move(refusal);
        if (thrown) failure = thrown;
        ++done;
      }
    };
    const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    const auto count = std::min(all, static_cast<std::size_t>(options.threads > 0 ? options.threads : cores));
    std::vector<std::jthread> threads;  // joined before the objects that they use are destroyed
    threads.reserve(count);
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
    for (std::size_t told = 0, kept = 500; told < all;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done > told || failure; });
      if (failure) std::rethrow_exception(failure);
      told = done;
      if (told >= 2 * kept) keep_part(), kept = told;
      lock.unlock();
      if (options.progress) options.progress(static_cast<Index>(told), static_cast<Index>(all));
    }
  }

  std::filesystem::path folder_, file_;
  std::vector<IndexedVideo> videos_;
  std::vector<SkippedVideo> skipped_;
  Index scanned_ = 0;
};

}  // namespace flipbook
