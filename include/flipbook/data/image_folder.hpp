// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/subsequences.hpp>
#include <flipbook/io/image.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// The entries of a folder for which `keep` is true, sorted by name.
template <class Keep>
std::vector<std::filesystem::path> content_of(const std::filesystem::path& folder, const Keep& keep) {
  std::vector<std::filesystem::path> kept;
  try {
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (keep(entry)) kept.push_back(entry.path());
  } catch (const std::filesystem::filesystem_error& error) {
    fail("folder ", quoted(folder), ": ", error.code().message());
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

/// Whether a name ends in one of `extensions`, in upper or lower case.
inline bool ends_in(const std::filesystem::path& name, const std::vector<std::string>& extensions) {
  std::string extension = name.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

}  // namespace detail

/// The files of a folder whose names end in one of `extensions` (".png", …; upper or lower case), sorted by name.
/// @throws Error if the folder cannot be read
inline std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                                   const std::vector<std::string>& extensions) {
  return detail::content_of(folder, [&](const std::filesystem::directory_entry& entry) {
    return detail::ends_in(entry.path(), extensions) && entry.is_regular_file();
  });
}

/// Clips from a folder of images (PNG, JPEG). Sorted by name, the images are the frames of one sequence; each subfolder
/// is a sequence of its own. `frames = 1` gives single images. Files are read when a clip is requested, so the folder
/// may be larger than memory; `in_memory` keeps all clips.
class ImageFolder {
 public:
  struct Options {
    Index frames = 16;  ///< in a clip
    Index stride = 1;   ///< frames from the beginning of a clip to that of the next
    FrameSize size{};
  };

  /// @throws Error if the folder cannot be read or has too few images for a clip, or for an invalid size
  ImageFolder(const std::filesystem::path& folder, const Options& options)
      : size_(options.size), subsequences_(options.frames, options.stride) {
    require(size_.height > 0 && size_.width > 0 && (size_.channels == 1 || size_.channels == 3),
            "ImageFolder: frames of ", size_.height, " x ", size_.width, " x ", size_.channels,
            "; channels are 1 or 3");
    add(folder);
    const auto is_folder = [](const std::filesystem::directory_entry& entry) { return entry.is_directory(); };
    for (const auto& inside : detail::content_of(folder, is_folder)) add(inside);
    require(subsequences_.size() > 0, "ImageFolder: ", detail::quoted(folder), " and the folders in it hold no ",
            options.frames, " PNG or JPEG images in a row");
  }
  explicit ImageFolder(const std::filesystem::path& folder) : ImageFolder(folder, Options{}) {}

  Shape shape() const { return {subsequences_.frames(), size_.height, size_.width, size_.channels}; }
  Index size() const noexcept { return subsequences_.size(); }

  /// @throws Error if one of the clip's images is damaged: names the file
  Tensor<float> clip(Index index) const {
    const auto [sequence, first] = subsequences_.place(index);
    Tensor<float> clip(shape());
    for (Index t = 0; t < subsequences_.frames(); ++t) {
      const auto& file = sequences_[sequence][static_cast<std::size_t>(first + t)];
      const auto frame = to_unit(to_frame(read_image(file, size_.channels), size_));  // (H, W, C)
      std::copy(frame.begin(), frame.end(), clip[t].begin());
    }
    return clip;
  }

 private:
  void add(const std::filesystem::path& folder) {
    sequences_.push_back(files_in(folder, {".png", ".jpg", ".jpeg"}));
    subsequences_.add(static_cast<Index>(sequences_.back().size()));
  }

  FrameSize size_;
  Subsequences subsequences_;
  std::vector<std::vector<std::filesystem::path>> sequences_;
};

}  // namespace flipbook
