// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/reduce/columns.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;

TEST_CASE_TEMPLATE("strips cover every column once, and nothing beside them", T, float, double) {
  Rng rng{1};
  for (Index columns = 0; columns < 300; columns += columns < 40 ? 1 : 7) {
    CAPTURE(columns);
    const auto x = reference::drawn<T>(columns, rng);
    auto y = reference::drawn<T>(columns + 1, rng);
    auto wanted = y;
    for (std::size_t i = 0; i < x.size(); ++i) wanted[i] += x[i];
    cpu::detail::each_strip<T>(columns, [&]<class V, std::size_t K>(Index first) {
      for (std::size_t k = 0; k < K; ++k) {
        const Index at = first + cpu::detail::column<V>(k);
        cpu::detail::store(cpu::detail::load<V>(y.data() + at) + cpu::detail::load<V>(x.data() + at), y.data() + at);
      }
    });
    CHECK(y == wanted);
  }
}
