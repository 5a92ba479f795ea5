// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gather/gather.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("rows are gathered, and added back in the order of their indices", T, float, double) {
  for (const Index width : {1, 3, 16, 37, 128}) {
    for (const Index count : {1, 5, 700}) {
      constexpr Index rows = 11;
      Rng rng{1};
      const auto table = normal<T>({rows, width}, rng), added = normal<T>({count, width}, rng);
      std::vector<std::int32_t> index(static_cast<std::size_t>(count));
      for (auto& i : index) i = static_cast<std::int32_t>(rng.below(rows));

      auto gathered = full<T>({count, width}, -1);
      cpu::gather_rows(count, width, table.data(), index.data(), gathered.data());
      auto sum = table.clone(), expected = table.clone();
      cpu::add_rows(count, width, added.data(), index.data(), sum.data());
      bool same = true;
      for (Index i = 0; i < count; ++i) {
        const Index row = index[static_cast<std::size_t>(i)];
        for (Index j = 0; j < width; ++j) {
          same = same && gathered.data()[i * width + j] == table.data()[row * width + j];
          expected.data()[row * width + j] += added.data()[i * width + j];
        }
      }
      CHECK(same);
      CHECK(to_vector(sum) == to_vector(expected));
    }
  }
}
