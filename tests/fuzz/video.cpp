// SPDX-License-Identifier: MIT
#include <flipbook/io/video.hpp>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

void read(const Bytes& input) {
  const Video video = read_video(file_of(input), {.height = 8, .width = 8}, 16);
  must(video.frames.rank() == 4 && video.frames.extent(0) <= 16, "no more frames come than are asked for");
}

Bytes clip(const Shape& shape) {
  Tensor<std::uint8_t> pixels(shape);
  for (Index i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<std::uint8_t>(i * 7);
  return written([&](const auto& path) { write_mp4(path, pixels, {.quality = 40}); }, ".mp4");
}

std::vector<Bytes> seeds() {
  const std::string list = "#EXTM3U\n#EXTINF:1,\nfile:/dev/zero\n";
  const Bytes gif{'G', 'I',  'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 0,    0, 0, 255, 255,
                  255, 0x2c, 0,   0,   0,   0,   1, 0, 1, 0, 0,    2, 2, 0x44, 1, 0, 0x3b};
  return {clip({3, 16, 16, 3}), clip({1, 2, 2, 1}), gif, Bytes(list.begin(), list.end())};
}

// FFmpeg asks for blocks by lengths that a file states, of 2 GiB at most, and uses of them what it can fill. The limit
// on the memory in use is what bounds a reader here: frames of 2^26 pixels, decoded and as three colours of each.
const Registered target{{.name = "video",
                         .read = read,
                         .seeds = seeds,
                         .longest = 8192,
                         .megabytes = 2048,
                         .resident = 1200,
                         .seconds = 25,
                         .runs = 1000}};

}  // namespace
