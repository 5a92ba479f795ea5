// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <flipbook/data/split.hpp>

#include "data.hpp"

namespace flipbook::examples {

/// The names of data that the library makes by itself, which --data takes in place of a path.
std::vector<std::string> generated_names();

/// The data of such a name, to learn from and to judge by.
/// @param images  gives the sprites of either, (K, h, w), where the data are made of sprites
Data generated(const std::string& name, const ClipFormat& format, std::uint64_t seed,
               const std::function<Tensor<std::uint8_t>(DataSplit)>& images);

/// Discs, squares and triangles, (K, size, size), where there are no better images.
Tensor<std::uint8_t> drawn_images(Index count, Index size);

}  // namespace flipbook::examples
