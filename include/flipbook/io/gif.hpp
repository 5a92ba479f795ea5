// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/palette.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How `write_gif` writes an animation.
struct GifOptions {
  double frames_per_second = 10;  ///< rounded to hundredths of a second; viewers show at most 50
  bool loop = true;               ///< endlessly; otherwise once
  bool dither = true;             ///< if 256 colours are too few, mixes them among neighbours
};

namespace detail {

/// The variable-length codes of GIF's LZW: bits from the lowest up, in blocks of at most 255 bytes.
class GifCodes {
 public:
  explicit GifCodes(Bytes& out) : out_(out) {}
  void put(std::uint32_t code, int bits) {
    pending_ |= std::uint64_t{code} << count_;
    for (count_ += bits; count_ >= 8; count_ -= 8, pending_ >>= 8) put_byte(static_cast<std::uint8_t>(pending_));
  }
  void finish();

 private:
  void put_byte(std::uint8_t byte) {
    block_.push_back(byte);
    if (block_.size() == 255) end_block();
  }
  void end_block();

  Bytes& out_;
  Bytes block_;
  std::uint64_t pending_ = 0;
  int count_ = 0;
};

/// Packs indices of colours, below 2^bits, by LZW: each known run is written as its code, and the run extended by one
/// index gets the next code; after all 4096 codes are used, the dictionary is reset.
FLIPBOOK_INLINE void put_lzw(Bytes& out, std::span<const std::uint8_t> indices, int bits);

/// A frame (H, W, 3) as indices into the palette. With dithering, the error of each pixel is distributed to the
/// neighbours that follow. (Floyd and Steinberg, An adaptive algorithm for spatial greyscale, 1976.)
FLIPBOOK_INLINE void to_indices(const std::uint8_t* frame, Index height, Index width, const Palette& palette,
                                bool dither, std::uint8_t* indices);

FLIPBOOK_INLINE void put_word(Bytes& out, Index value);

FLIPBOOK_INLINE void put_text(Bytes& out, std::string_view characters);

/// A clip (T, H, W, 1 or 3) as the bytes of a GIF.
FLIPBOOK_INLINE Bytes encode_gif(const Tensor<std::uint8_t>& clip, const GifOptions& options);

}  // namespace detail

/// Writes a clip (T, H, W, C), where C is 1 or 3, as an animated GIF, atomically. Grey is lossless; colours are
/// lossless if the clip has at most 256.
/// @throws Error for another shape, for an infinite or NaN element, for a rate outside [0.01, 50], and if it cannot be
///         written
template <Pixel T>
void write_gif(const std::filesystem::path& path, const Tensor<T>& clip, const GifOptions& options = {}) {
  require(clip.rank() == 4 && (clip.extent(3) == 1 || clip.extent(3) == 3) && clip.size() > 0,
          "write_gif: ", detail::quoted(path), " needs (T, H, W, 1 or 3), got ", clip.shape());
  require(clip.extent(1) < 1 << 16 && clip.extent(2) < 1 << 16, "write_gif: ", detail::quoted(path), " of ",
          clip.shape(), " is larger than 65535");
  require(options.frames_per_second >= 0.01 && options.frames_per_second <= 50,
          "write_gif: ", options.frames_per_second, " frames per second; 0.01 to 50 can be had");
  write_file(path, detail::encode_gif(to_bytes(clip, "write_gif"), options));
}

FLIPBOOK_TEMPLATE(void write_gif(const std::filesystem::path&, const Tensor<float>&, const GifOptions&));

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/io/gif.ipp>
#endif
