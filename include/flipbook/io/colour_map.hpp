// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/palette.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A map from numbers in [0, 1] to colours, which interpolates between equally spaced colours.
class ColourMap {
 public:
  /// @throws Error for fewer than two colours
  explicit ColourMap(std::vector<Rgb> colours) : colours_(std::move(colours)) {
    require(colours_.size() >= 2, "ColourMap: ", colours_.size(), " colours; needs two or more");
  }

  /// A map by name: "grey"; "viridis" and "inferno" (matplotlib's), of increasing brightness; "balance", blue, white
  /// and red for signed quantities; "radar", for rain.
  /// @throws Error for another name: lists the names
  static ColourMap named(std::string_view name) {
    static const std::vector<std::pair<std::string_view, std::vector<unsigned>>> maps{
        {"grey", {0x000000, 0xffffff}},
        {"viridis",
         {0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725}},
        {"inferno",
         {0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446, 0xed6925, 0xfb9b06, 0xf7d13d, 0xfcffa4}},
        {"balance",
         {0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b,
          0x67001f}},
        {"radar",
         {0x14161a, 0x1d3250, 0x1f5f96, 0x2a9ad6, 0x25b89a, 0x1f9d3a, 0x7cc52e, 0xf3e338, 0xf6a122, 0xe4451f,
          0xb0146e}}};
    std::string all;
    for (const auto& [known, colours] : maps) {
      if (known == name) {
        std::vector<Rgb> parts;
        for (const unsigned c : colours)
          parts.push_back(
              {static_cast<std::uint8_t>(c >> 16), static_cast<std::uint8_t>(c >> 8), static_cast<std::uint8_t>(c)});
        return ColourMap(std::move(parts));
      }
      all += text(all.empty() ? "" : ", ", known);
    }
    fail("ColourMap: there is none named '", name, "' (", all, ")");
  }

  /// The colour of a number, clamped to [0, 1].
  Rgb operator()(float value) const {
    const float place = std::clamp(value, 0.0F, 1.0F) * static_cast<float>(colours_.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(place), colours_.size() - 2);
    const float part = place - static_cast<float>(below);
    Rgb colour;
    for (std::size_t c = 0; c < 3; ++c)
      colour[c] = static_cast<std::uint8_t>(std::lround((1 - part) * static_cast<float>(colours_[below][c]) +
                                                        part * static_cast<float>(colours_[below + 1][c])));
    return colour;
  }

  /// Frames in the colours of the map. Few levels make a small GIF.
  /// @param frames  (…, 1), in [0, 1]
  /// @param levels  number of equal parts of [0, 1], each of one colour; at least 2
  /// @return        (…, 3)
  /// @throws Error for other channels, and for an infinite or NaN element
  Tensor<std::uint8_t> operator()(const Tensor<float>& frames, int levels = 256) const {
    require(frames.rank() > 0 && frames.extent(-1) == 1 && levels >= 2, "ColourMap: needs (…, 1), got ", frames.shape(),
            ", in ", levels, " levels");
    require_finite(frames, "ColourMap");
    const auto last = static_cast<float>(levels - 1);
    std::vector<Rgb> table(static_cast<std::size_t>(levels));
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = (*this)(static_cast<float>(i) / last);
    Tensor<std::uint8_t> coloured(frames.shape().with_tail(1, {3}));
    std::uint8_t* to = coloured.data();
    for (const float value : frames) {
      const float level = std::min(std::clamp(value, 0.0F, 1.0F) * static_cast<float>(levels), last);
      to = std::copy_n(table[static_cast<std::size_t>(level)].begin(), 3, to);
    }
    return coloured;
  }

 private:
  std::vector<Rgb> colours_;
};

}  // namespace flipbook
