// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/shape/copy.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <numeric>
#include <vector>

using namespace flipbook;

namespace {

/// Every element by itself.
std::vector<int> by_definition(const std::vector<Index>& extent, const std::vector<Index>& from,
                               const std::vector<Index>& to, const std::vector<int>& source, std::size_t size) {
  std::vector<int> result(size, -1);
  const Index count = std::accumulate(extent.begin(), extent.end(), Index{1}, std::multiplies<>());
  for (Index place = 0; place < count; ++place) {
    Index rest = place, f = 0, t = 0;
    for (std::size_t axis = extent.size(); axis-- > 0; rest /= extent[axis]) {
      f += rest % extent[axis] * from[axis], t += rest % extent[axis] * to[axis];
    }
    result[static_cast<std::size_t>(t)] = source[static_cast<std::size_t>(f)];
  }
  return result;
}

void check(const std::vector<Index>& extent, const std::vector<Index>& from, const std::vector<Index>& to) {
  CopyPlan plan;
  Index from_size = 1, to_size = 1;
  for (std::size_t axis = 0; axis < extent.size(); ++axis) {
    plan.push(extent[axis], from[axis], to[axis]);
    from_size += (extent[axis] - 1) * from[axis], to_size += (extent[axis] - 1) * to[axis];
  }
  std::vector<int> source(static_cast<std::size_t>(from_size)), got(static_cast<std::size_t>(to_size), -1);
  std::iota(source.begin(), source.end(), 0);
  cpu::copy(plan, source.data(), got.data());
  CHECK(got == by_definition(extent, from, to, source, got.size()));
}

}  // namespace

TEST_CASE("a plan copies what its strides say: rows, turned squares, strided rows, repeated elements") {
  check({3, 5, 7}, {35, 7, 1}, {35, 7, 1});
  check({3, 5, 7}, {70, 14, 1}, {35, 7, 1});  // rows apart
  check({37, 67}, {1, 37}, {67, 1});          // turned, more than a square
  check({3, 33, 5, 65}, {33 * 5 * 65, 1, 33, 165}, {33 * 5 * 65, 325, 65, 1});
  check({5, 11}, {22, 2}, {11, 1});  // every other element
  check({4, 9}, {0, 1}, {9, 1});     // a row repeated
  check({6, 5}, {1, 0}, {5, 1});     // each element repeated
  check({1, 1}, {1, 1}, {1, 1});
  check({}, {}, {});
}

TEST_CASE("large copies, which threads share, are the same") {
  check({300, 211}, {1, 300}, {211, 1});
  check({64, 3, 1031}, {3093, 1031, 1}, {3 * 1040, 1040, 1});
}

TEST_CASE("neighbouring axes that walk alike are one; those of extent 1 vanish") {
  CopyPlan plan;
  plan.push(3, 20, 20), plan.push(1, 7, 9), plan.push(4, 5, 5), plan.push(5, 1, 1);
  CHECK(plan.axes == 1);
  CHECK(plan.extent[0] == 60);
  CHECK(plan.size == 60);
}

TEST_CASE("nothing is copied where an extent is 0") {
  CopyPlan plan;
  plan.push(0, 4, 4), plan.push(4, 1, 1);
  int untouched = 3;
  const int source = 7;
  cpu::copy(plan, &source, &untouched);
  CHECK(untouched == 3);
}
