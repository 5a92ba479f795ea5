// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/gif.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE void GifCodes::finish() {
  if (count_ > 0) put_byte(static_cast<std::uint8_t>(pending_));
  end_block();
  out_.push_back(0);  // no further block
}

FLIPBOOK_INLINE void GifCodes::end_block() {
  if (block_.empty()) return;
  out_.push_back(static_cast<std::uint8_t>(block_.size()));
  out_.insert(out_.end(), block_.begin(), block_.end());
  block_.clear();
}

FLIPBOOK_INLINE void put_lzw(Bytes& out, std::span<const std::uint8_t> indices, int bits) {
  out.push_back(static_cast<std::uint8_t>(bits));
  const std::uint32_t clear = 1U << bits, end = clear + 1;
  std::vector<std::uint16_t> longer(std::size_t{4096} << bits);  // the code of a run and one index more; 0 is none
  std::uint32_t last = end;
  int width = bits + 1;
  GifCodes codes(out);
  codes.put(clear, width);

  // Whatever was put, the reader now gives a code away, and takes the next one to be as wide as that needs.
  const auto give_code = [&] {
    if (++last >= 1U << width) ++width;
    if (last < 4095) return;
    codes.put(clear, width);
    std::fill(longer.begin(), longer.end(), std::uint16_t{0});
    last = end;
    width = bits + 1;
  };
  std::uint32_t run = indices[0];
  for (const std::uint8_t index : indices.subspan(1)) {
    std::uint16_t& known = longer[std::size_t{run} << bits | index];
    if (known != 0) {
      run = known;
      continue;
    }
    codes.put(run, width);
    known = static_cast<std::uint16_t>(last + 1);
    give_code();
    run = index;
  }
  codes.put(run, width);
  give_code();
  codes.put(end, width);
  codes.finish();
}

FLIPBOOK_INLINE void to_indices(const std::uint8_t* frame, Index height, Index width, const Palette& palette,
                                bool dither, std::uint8_t* indices) {
  using Errors = std::vector<std::array<float, 3>>;
  const auto columns = static_cast<std::size_t>(width);
  Errors here(columns + 2), below(columns + 2);  // in sixteenths, from one column before the first
  for (Index y = 0; y < height; ++y) {
    for (std::size_t x = 1; x <= columns; ++x, frame += 3) {
      Rgb wanted;
      for (std::size_t c = 0; c < 3; ++c)
        wanted[c] =
            static_cast<std::uint8_t>(std::clamp(static_cast<float>(frame[c]) + here[x][c] / 16 + 0.5F, 0.0F, 255.0F));
      const std::uint8_t index = *indices++ = palette.nearest(wanted);
      if (!dither) continue;
      for (std::size_t c = 0; c < 3; ++c) {
        const auto off = static_cast<float>(wanted[c] - palette.colours()[index][c]);
        here[x + 1][c] += 7 * off;
        below[x - 1][c] += 3 * off;
        below[x][c] += 5 * off;
        below[x + 1][c] += off;
      }
    }
    here = std::exchange(below, Errors(columns + 2));
  }
}

FLIPBOOK_INLINE void put_word(Bytes& out, Index value) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}

FLIPBOOK_INLINE void put_text(Bytes& out, std::string_view characters) {
  out.insert(out.end(), characters.begin(), characters.end());
}

FLIPBOOK_INLINE Bytes encode_gif(const Tensor<std::uint8_t>& clip, const GifOptions& options) {
  const Index frames = clip.extent(0), height = clip.extent(1), width = clip.extent(2);
  const bool grey = clip.extent(3) == 1;
  const Palette palette = grey ? Palette::grey() : Palette::fit({clip.data(), static_cast<std::size_t>(clip.size())});
  const std::size_t colours = palette.colours().size();
  const int bits = std::max(2, static_cast<int>(std::bit_width(colours - 1)));

  Bytes out;
  put_text(out, "GIF89a");
  put_word(out, width);
  put_word(out, height);
  out.insert(out.end(), {static_cast<std::uint8_t>(0xf0 | (bits - 1)), 0, 0});  // a palette of 2^bits colours
  for (std::size_t i = 0; i < std::size_t{1} << bits; ++i) {
    const Rgb colour = i < colours ? palette.colours()[i] : Rgb{};
    out.insert(out.end(), colour.begin(), colour.end());
  }
  if (options.loop && frames > 1) put_text(out, {"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00", 19});

  Bytes indices(static_cast<std::size_t>(height * width));
  const auto hundredths = [&](Index t) {
    return std::llround(100 * static_cast<double>(t) / options.frames_per_second);
  };
  for (Index t = 0; t < frames; ++t) {
    const Tensor<std::uint8_t> frame = clip[t];
    if (grey) std::copy(frame.begin(), frame.end(), indices.begin());
    else to_indices(frame.data(), height, width, palette, options.dither, indices.data());
    put_text(out, "\x21\xf9\x04");  // how long it stays; the next is drawn over it
    out.push_back(0x04);
    put_word(out, hundredths(t + 1) - hundredths(t));
    out.insert(out.end(), {0, 0, 0x2c, 0, 0, 0, 0});  // no transparent colour; an image at (0, 0)
    put_word(out, width);
    put_word(out, height);
    out.push_back(0);
    put_lzw(out, indices, bits);
  }
  out.push_back(0x3b);
  return out;
}

}  // namespace detail

}  // namespace flipbook
