// SPDX-License-Identifier: MIT
#include <flipbook/data/maze.hpp>

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace flipbook;

static_assert(Dataset<Maze> && std::same_as<ClipOf<Maze>, ClipWithActions<>>);

namespace {

Index rooms_reached(const Maze& maze, Index index) {
  const auto walls = maze.walls(index);
  std::set<std::pair<Index, Index>> seen{{1, 1}};
  std::vector<Maze::Place> way{{1, 1}};
  while (!way.empty()) {
    const Maze::Place at = way.back();
    way.pop_back();
    for (Index action = 1; action < 5; ++action) {
      const auto next = Maze::after(walls, at, action);
      if (seen.insert({next.row, next.column}).second) way.push_back(next);
    }
  }
  Index rooms = 0;
  for (const auto& [row, column] : seen) rooms += row % 2 == 1 && column % 2 == 1;
  return rooms;
}

}  // namespace

TEST_CASE("every room can be reached, by one way only where no further wall is open") {
  for (Index i = 0; i < 30; ++i) {
    CHECK(rooms_reached(Maze({.rooms = 6}), i) == 36);
    const Maze tree({.rooms = 6, .open = 0});
    const auto walls = tree.walls(i);
    Index clear = 0;
    for (const std::uint8_t wall : walls) clear += wall == 0;
    CHECK(clear == 36 + 35);  // rooms, and the edges of a tree
    for (Index k = 0; k < 13; ++k) {
      const std::uint8_t border[]{walls.data()[k], walls.data()[12 * 13 + k], walls.data()[13 * k],
                                  walls.data()[13 * k + 12]};
      for (const std::uint8_t wall : border) REQUIRE(wall == 1);
    }
  }
}

TEST_CASE("the agent is never in a wall, and moves by its actions, one block at most") {
  const Maze source({.random = 0.5, .seed = 4});
  Index moved = 0, bumped = 0;
  for (Index i = 0; i < 200; ++i) {
    const auto one = source.clip(i);
    const auto walls = source.walls(i);
    Maze::Place at = source.start(i);
    for (Index t = 0; t < 20; ++t) {
      REQUIRE(one.state.data()[2 * t] == static_cast<float>(at.row));
      REQUIRE(one.state.data()[2 * t + 1] == static_cast<float>(at.column));
      REQUIRE(walls.data()[at.row * 11 + at.column] == 0);
      const float* row = one.actions.data() + 5 * t;
      const Index action = std::max_element(row, row + 5) - row;
      const auto next = Maze::after(walls, at, action);
      REQUIRE(std::abs(next.row - at.row) + std::abs(next.column - at.column) <= (action == 0 ? 0 : 1));
      moved += next != at;
      bumped += action != 0 && next == at;
      at = next;
    }
  }
  CHECK(moved > 2000);
  CHECK(bumped > 200);
}

TEST_CASE("frames show the walls, and the agent where its state says") {
  const Maze source({.frames = 5, .canvas = 55});  // blocks of five pixels
  const auto one = source.clip(3);
  const auto walls = source.walls(3);
  for (Index t = 0; t < 5; ++t) {
    for (Index block = 0; block < 121; ++block) {
      const float* middle = one.clip[t].data() + 3 * ((block / 11 * 5 + 2) * 55 + block % 11 * 5 + 2);
      const bool agent = one.state.data()[2 * t] == static_cast<float>(block / 11) &&
                         one.state.data()[2 * t + 1] == static_cast<float>(block % 11);
      const float red = agent ? 0.88F : walls.data()[block] != 0 ? 0.25F : 0.94F;
      REQUIRE(middle[0] == doctest::Approx(red));
    }
  }
}

TEST_CASE("replayed actions give the clip again; a clip depends on the seed and its index alone") {
  const Maze source({.seed = 9});
  const auto one = source.clip(2);
  CHECK(to_vector(source.replay(2, one.actions).clip) == to_vector(one.clip));
  CHECK(to_vector(source.walls(2)) != to_vector(source.walls(3)));
  CHECK(to_vector(source.walls(2)) != to_vector(Maze({.seed = 8}).walls(2)));
  auto still = one.actions.clone();
  for (Index t = 0; t < 20; ++t) still.data()[5 * t] = 2;
  const auto standing = source.replay(2, still);
  CHECK(to_vector(standing.clip[19]) == to_vector(one.clip[0]));
  CHECK_THROWS_AS(source.replay(2, Tensor<float>({20, 4})), Error);
}

TEST_CASE("mazes that cannot be are refused") {
  CHECK_THROWS_AS(Maze({.rooms = 1}), Error);
  CHECK_THROWS_AS(Maze({.canvas = 10}), Error);
  CHECK_THROWS_AS(Maze({.open = 1.5}), Error);
}
