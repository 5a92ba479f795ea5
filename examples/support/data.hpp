// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <flipbook/data/moving_sprites.hpp>

#include "any_clips.hpp"

namespace flipbook::examples {

/// What a model wants its clips to be.
struct ClipFormat {
  Index frames = 16;
  Index size = 64;     ///< height and width
  Index channels = 1;  ///< 1 or 3
  Index sprites = 2;   ///< in a clip made of images
  Index sprite = 0;    ///< their height and width; 0 is as in Moving MNIST, 28/64 of the frame
};

/// Clips to learn from, and others to judge by; both go on for ever.
struct Data {
  AnyClips training, test;
  std::string name;                           ///< as a person would say it
  bool procedural = false;                    ///< made by this program, since no data was there
  std::optional<MovingSprites> sprites = {};  ///< the clips to learn from, where they are just these
};

/// Shapes that move, drawn by this program, where there is no data.
Data procedural(const ClipFormat& format, std::uint64_t seed);

/// The data sets that are made, by the names that --data takes: "flow, gray-scott, …".
std::string data_names();
/// @throws Error if there is neither such a file or folder nor a data set of that name: says which there are
void require_data(const std::filesystem::path& path);

/// A data set that is made, by its name; the clips of an IDX file of images (which move as Moving MNIST's digits do), a
/// .npy file of videos, a folder of images, a video file or a folder of them; without a path, Fashion-MNIST's where
/// Debian's package dataset-fashion-mnist is installed, and otherwise shapes that need no data.
/// @throws Error if there is nothing there, or something else: names the path
Data open_data(const std::filesystem::path& path, const ClipFormat& format, std::uint64_t seed);

}  // namespace flipbook::examples
