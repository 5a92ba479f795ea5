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

/// What is wrong with a path or name of data before it is opened: empty, or one line.
std::string unknown_data(const std::filesystem::path& path);

/// Shapes that move, drawn by this program, where there is no data.
Data procedural(const ClipFormat& format, std::uint64_t seed);

/// The clips of an IDX file of images (which move as Moving MNIST's digits do), a .npy file of videos, a folder of
/// images, a video file or a folder of them; without a path, Fashion-MNIST's where Debian's package
/// dataset-fashion-mnist is installed, and otherwise shapes that need no data.
/// A name of generated_names() in place of a path gives the data that the library makes by itself; `./maze` is a path.
/// @throws Error if there is nothing there, or something else: names the path
Data open_data(const std::filesystem::path& path, const ClipFormat& format, std::uint64_t seed);

}  // namespace flipbook::examples
