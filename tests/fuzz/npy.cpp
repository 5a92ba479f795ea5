// SPDX-License-Identifier: MIT
#include <flipbook/io/npy.hpp>

#include <flipbook/core/fill.hpp>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

void read(const Bytes& input) {
  const auto path = file_of(input);
  const auto layout = input.size() % 2 == 0 ? NpyLayout::clips_first : NpyLayout::frames_first;
  must(read_npy_video(path, layout).rank() == 5, "a video has five axes");
}

template <class T>
Bytes array(const Shape& shape) {
  return written([&](const auto& path) { write_npy(path, full<T>(shape, T{1})); });
}

std::vector<Bytes> seeds() {
  return {array<std::uint8_t>({2, 3, 4}), array<float>({1, 2, 3, 2}),        array<double>({1, 2, 2, 2, 3}),
          array<half>({2, 2, 2}),         array<std::int64_t>({2, 0, 3, 1}), array<std::int32_t>({5})};
}

const Registered target{{.name = "npy", .read = read, .seeds = seeds, .longest = 2048, .megabytes = 1}};

}  // namespace
