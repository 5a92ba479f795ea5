// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/elementwise/units.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;

TEST_CASE_TEMPLATE("units cover every number of every row once, and nothing beside them", T, float, double) {
  Rng rng{1};
  const int before = threads();
  for (const Index width : {Index{1}, Index{3}, cpu::lanes<T>, cpu::lanes<T> + 1, 2 * cpu::lanes<T> + 5, Index{2500}}) {
    for (const Index rows : {0, 1, 7, 13}) {
      CAPTURE(width);
      CAPTURE(rows);
      const auto x = reference::drawn<T>(rows * width, rng);
      auto y = reference::drawn<T>(rows * width + 1, rng);
      auto wanted = y;
      for (std::size_t i = 0; i < x.size(); ++i) wanted[i] += x[i];
      set_threads(1 + static_cast<int>(rows % 3));
      cpu::for_each_unit<T>(rows, width, [&](Index row, const cpu::Units<T>& units) {
        T* const to = y.data() + row * width;
        units.store(units.load(x.data() + row * width) + units.load(to), to);
      });
      CHECK(y == wanted);
    }
  }
  set_threads(before);
}
