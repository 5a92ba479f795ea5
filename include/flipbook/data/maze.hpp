// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/paint.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// An agent that walks through a maze by random actions, seen from above; each clip has its own maze. The maze is a
/// random spanning tree of its rooms (depth-first search); some of the walls that the tree leaves are open too. A clip
/// has actions (T, 5), one-hot for staying, up, down, left and right; an action into a wall has no effect. The state
/// (T, 2) is the row and column of the agent's block.
class Maze {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;  ///< height and width of a frame
    Index rooms = 5;  ///< along each side; walls and rooms are blocks of the same size, 2 · rooms + 1 along each side
    double open = 0.1;    ///< fraction of the walls left between rooms by the tree that are open
    double random = 0.2;  ///< fraction of the actions drawn from all five; the others avoid walls
    std::uint64_t seed = 0;
  };
  /// Row and column of a block.
  struct Place {
    Index row, column;
    bool operator==(const Place&) const = default;
  };
  static constexpr Index actions_count = 5;

  explicit Maze(const Options& options) : options_(options) {
    const auto& [frames, canvas, rooms, open, random, seed] = options_;
    require(frames > 0 && rooms > 1, "Maze: ", frames, " frames of ", rooms, " rooms a side; needs 1 and 2 at least");
    require(canvas >= blocks(), "Maze: ", canvas, " pixels for ", blocks(), " blocks");
    require(0 <= open && open <= 1 && 0 <= random && random <= 1, "Maze: open ", open, " and random ", random,
            " are parts, in [0, 1]");
  }
  Maze() : Maze(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 3}; }
  /// Blocks along each side.
  Index blocks() const noexcept { return 2 * options_.rooms + 1; }

  /// Clip `index` of the endless sequence selected by the seed.
  ClipWithActions<> clip(Index index) const { return replay(index, actions(index)); }

  /// Clip `index` replayed in its maze, from its start, with other actions, (T, 5); the largest of a row is taken.
  /// @throws Error for actions of another shape
  ClipWithActions<> replay(Index index, const Tensor<float>& actions) const {
    const Index frames = options_.frames;
    require(actions.shape() == Shape{frames, actions_count}, "Maze: actions of shape ", actions.shape(), "; needs (",
            frames, ", 5)");
    const Tensor<std::uint8_t> walls = this->walls(index);  // (blocks, blocks)
    const Tensor<float> empty = draw(walls);                // (H, W, 3)
    const double block = static_cast<double>(options_.canvas) / static_cast<double>(blocks());
    Tensor<float> clip(shape()), states({frames, 2});
    Place at = start(index);
    for (Index t = 0; t < frames; ++t) {
      const auto [row, column] = std::pair{static_cast<double>(at.row), static_cast<double>(at.column)};
      std::copy(empty.begin(), empty.end(), clip[t].begin());
      paint::disc(clip[t], Colour{0.88F, 0.3F, 0.2F}, (column + 0.5) * block, (row + 0.5) * block, 0.42 * block);
      states.data()[2 * t] = static_cast<float>(row);
      states.data()[2 * t + 1] = static_cast<float>(column);
      const float* chosen = actions.data() + actions_count * t;
      at = after(walls, at, std::max_element(chosen, chosen + actions_count) - chosen);
    }
    return {clip, actions, states};
  }

  /// The place to which an action leads.
  static Place after(const Tensor<std::uint8_t>& walls, Place at, Index action) {
    const auto [down, right] = moves.at(static_cast<std::size_t>(action));
    const Place next{at.row + down, at.column + right};
    return wall(walls, next) ? at : next;
  }

  /// 1 where a block of clip `index` is a wall and 0 where the agent may be, (blocks, blocks).
  Tensor<std::uint8_t> walls(Index index) const {
    Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    Tensor<std::uint8_t> walls({blocks(), blocks()});
    std::fill(walls.begin(), walls.end(), std::uint8_t{1});
    const auto clear = [&](Index row, Index column) { walls.data()[row * blocks() + column] = 0; };
    std::vector<Place> way{{1, 1}};
    clear(1, 1);
    while (!way.empty()) {
      const Place at = way.back();
      std::array<Index, 4> unseen{};
      Index count = 0;
      for (Index action = 1; action < actions_count; ++action) {
        const auto [down, right] = moves[static_cast<std::size_t>(action)];
        const Place room{at.row + 2 * down, at.column + 2 * right};
        const bool inside = room.row > 0 && room.row < blocks() && room.column > 0 && room.column < blocks();
        if (inside && wall(walls, room)) unseen[static_cast<std::size_t>(count++)] = action;
      }
      if (count == 0) {
        way.pop_back();
        continue;
      }
      const auto [down, right] = moves[static_cast<std::size_t>(unseen[static_cast<std::size_t>(rng.below(count))])];
      clear(at.row + down, at.column + right);
      clear(at.row + 2 * down, at.column + 2 * right);
      way.push_back({at.row + 2 * down, at.column + 2 * right});
    }
    for (Index row = 1; row < blocks() - 1; ++row) {
      for (Index column = 1 + row % 2; column < blocks() - 1; column += 2) {
        if (rng.uniform() < options_.open) clear(row, column);
      }
    }
    return walls;
  }

  /// The room in which the agent of clip `index` starts.
  Place start(Index index) const {
    Rng rng = stream(index, 1);
    const Index row = rng.below(options_.rooms);
    return {1 + 2 * row, 1 + 2 * rng.below(options_.rooms)};
  }

  Tensor<float> actions(Index index) const {
    Rng rng = stream(index, 2);
    const Tensor<std::uint8_t> walls = this->walls(index);
    Tensor<float> actions({options_.frames, actions_count});
    std::fill(actions.begin(), actions.end(), 0.0F);
    Place at = start(index), before = at;
    for (Index t = 0; t < options_.frames; ++t) {
      const Index action = rng.uniform() < options_.random ? rng.below(actions_count) : way_on(rng, walls, at, before);
      actions.data()[actions_count * t + action] = 1;
      before = std::exchange(at, after(walls, at, action));
    }
    return actions;
  }
  const Options& options() const noexcept { return options_; }

 private:
  static constexpr std::array<std::array<Index, 2>, actions_count> moves{{{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}}};

  static bool wall(const Tensor<std::uint8_t>& walls, Place at) {
    return walls.data()[at.row * walls.extent(1) + at.column] != 0;
  }

  // A random direction without a wall; back where the agent came from only if there is no other.
  static Index way_on(Rng& rng, const Tensor<std::uint8_t>& walls, Place at, Place before) {
    std::array<Index, 4> ways{};
    Index count = 0, back = 0;
    for (Index action = 1; action < actions_count; ++action) {
      const Place next = after(walls, at, action);
      if (next == at) continue;
      if (next == before) back = action;
      else ways[static_cast<std::size_t>(count++)] = action;
    }
    return count == 0 ? back : ways[static_cast<std::size_t>(rng.below(count))];
  }

  Tensor<float> draw(const Tensor<std::uint8_t>& walls) const {
    constexpr std::array<Colour, 2> colours{{{0.94F, 0.92F, 0.87F}, {0.25F, 0.32F, 0.44F}}};  // floor, wall
    const Index size = options_.canvas;
    Tensor<float> frame({size, size, 3});
    float* pixel = frame.data();
    for (Index y = 0; y < size; ++y) {
      for (Index x = 0; x < size; ++x, pixel += 3) {
        const bool is_wall = wall(walls, {y * blocks() / size, x * blocks() / size});
        std::copy_n(colours[is_wall ? 1 : 0].begin(), 3, pixel);
      }
    }
    return frame;
  }

  // The maze, the start and the actions each use a part of the clip's stream.
  Rng stream(Index index, std::uint64_t part) const {
    return Rng::at(options_.seed, static_cast<std::uint64_t>(index), part << 32);
  }

  Options options_;
};

}  // namespace flipbook
