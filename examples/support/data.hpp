// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <flipbook/data/annotated_clip.hpp>
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

/// Clips of one sprite each, with the class of its image, one-hot: (K).
class SpritesOfClasses {
 public:
  /// @param labels   a class for each of the source's images, (N)
  /// @param classes  how many there are
  /// @throws Error  if clips have several sprites, or a class is none of 0 … classes − 1
  SpritesOfClasses(MovingSprites source, Tensor<std::uint8_t> labels, Index classes);

  Shape shape() const { return source_.shape(); }
  LabelledClip<> clip(Index index) const;
  const MovingSprites& sprites() const noexcept { return source_; }

 private:
  MovingSprites source_;
  Tensor<std::uint8_t> labels_;
  Index classes_;
};

/// The same with classes.
struct DataOfClasses {
  SpritesOfClasses training, test;
  std::string name;

  Data without_classes() const { return {training, test, name, false, training.sprites()}; }
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
/// The same of grey sprites with the classes of their images: of an IDX file of images with one of labels beside it, as
/// MNIST has them; without a path, Fashion-MNIST's.
/// @throws Error if there are no classes, or more than `classes`
DataOfClasses open_classes(const std::filesystem::path& path, const ClipFormat& format, Index classes,
                           std::uint64_t seed);

}  // namespace flipbook::examples
