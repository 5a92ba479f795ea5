// SPDX-License-Identifier: MIT
#include "generated.hpp"

#include <algorithm>
#include <utility>

#include <flipbook/data/fixed_camera.hpp>
#include <flipbook/data/gravity_sprites.hpp>
#include <flipbook/data/maze.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/pendulum.hpp>
#include <flipbook/data/stochastic_sprites.hpp>

namespace flipbook::examples {

namespace {

struct Request {
  const ClipFormat& format;
  std::uint64_t seed;
  DataSplit part;
  const std::function<Tensor<std::uint8_t>(DataSplit)>& images;

  /// The part of a source that is asked for, in as many channels.
  template <Dataset Source>
  AnyClips of(const Source& source) const {
    return WithChannels(ClipsOnly(split_of(source, part)), format.channels);
  }
};

struct Kind {
  const char *name, *said;
  AnyClips (*make)(const Request&);
};

const Kind kinds[]{
    {"stochastic", "sprites that turn at random where they meet a wall",
     [](const Request& r) {
       const Index fastest = std::max<Index>(1, r.format.size / 16);
       return r.of(StochasticSprites(r.images(r.part), {.frames = r.format.frames,
                                                        .canvas = r.format.size,
                                                        .sprites = r.format.sprites,
                                                        .fastest = fastest,
                                                        .seed = r.seed}));
     }},
    {"nbody", "sprites that attract each other",
     [](const Request& r) {
       return r.of(GravitySprites(
           r.images(r.part),
           {.frames = r.format.frames, .canvas = r.format.size, .sprites = r.format.sprites, .seed = r.seed}));
     }},
    {"pendulum", "a pendulum turned by a motor",
     [](const Request& r) {
       return r.of(Pendulum({.frames = r.format.frames, .canvas = r.format.size, .seed = r.seed}));
     }},
    {"maze", "an agent that walks through a maze",
     [](const Request& r) {
       return r.of(Maze({.frames = r.format.frames,
                         .canvas = r.format.size,
                         .rooms = std::clamp<Index>(r.format.size / 12, 2, 5),
                         .seed = r.seed}));
     }},
    {"camera", "people in a street, seen by a fixed camera",
     [](const Request& r) {  // learns from what is usual; a tenth of the others show an event
       return r.of(FixedCamera({.frames = r.format.frames,
                                .canvas = r.format.size,
                                .events = r.part == DataSplit::training ? 0 : 0.1,
                                .seed = r.seed}));
     }},
};

}  // namespace

std::vector<std::string> generated_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  return names;
}

Data generated(const std::string& name, const ClipFormat& format, std::uint64_t seed,
               const std::function<Tensor<std::uint8_t>(DataSplit)>& images) {
  const auto* const kind =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& k) { return name == k.name; });
  require(kind != std::end(kinds), "there is no data called '", name, "'");
  const auto part = [&](DataSplit which) { return kind->make({format, seed, which, images}); };
  return {part(DataSplit::training), part(DataSplit::test), kind->said};
}

Tensor<std::uint8_t> drawn_images(Index count, Index size) {
  const MovingShapes shapes({.frames = 1, .canvas = size, .shapes = 1, .smallest = 0.4, .largest = 0.5, .step = 0});
  Tensor<std::uint8_t> images({count, size, size});
  for (Index i = 0; i < count; ++i) {
    const Tensor<float> clip = shapes.clip(i);  // (1, size, size, 3)
    for (Index p = 0; p < size * size; ++p) {
      const float* rgb = clip.data() + 3 * p;
      images[i].data()[p] = static_cast<std::uint8_t>(255 * std::max({rgb[0], rgb[1], rgb[2]}) + 0.5F);
    }
  }
  return images;
}

}  // namespace flipbook::examples
