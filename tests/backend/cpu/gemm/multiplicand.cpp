// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/multiplicand.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

/// The numbers of a pair, which are float again.
template <class F>
std::pair<float, float> numbers_of(const F& pair) {
  const auto bits = std::bit_cast<std::uint32_t>(pair.bits);
  return {std::bit_cast<float>(bits << 16), std::bit_cast<float>(bits & 0xffff0000U)};
}

}  // namespace

TEST_CASE_TEMPLATE("numbers are factors as they are", T, float, double) {
  Rng rng{1};
  const auto x = drawn<T>(cpu::lanes<T>, rng), y = drawn<T>(cpu::lanes<T>, rng);
  std::vector<T> z(x.size());
  cpu::store_factors(cpu::add_product<T>(cpu::load(x.data()), cpu::broadcast(y[0]), cpu::load(y.data())), z.data());
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK(static_cast<double>(z[i]) == doctest::Approx(static_cast<double>(x[i] * y[0] + y[i])).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("pairs hold what bfloat16 holds, and both of their products are summed", F, cpu::BfloatPair) {
  if constexpr (cpu::multiplies_pairs && cpu::Multiplicand<F>) {
    constexpr Index lanes = cpu::lanes<float>, pairs = 3;
    constexpr auto size = static_cast<std::size_t>(lanes);
    Rng rng{2};
    const auto rows = drawn<float>(2 * pairs * lanes, rng);
    std::vector<F> across(pairs * size), along(size / 2), in_place(2 * pairs * size);
    cpu::pair_rows(rows.data(), lanes, pairs, lanes, across.data(), lanes);
    for (std::size_t i = 0; i < across.size(); ++i) {
      const std::size_t first = i / size * 2 * size + i % size;
      const auto [one, other] = numbers_of(across[i]);
      CHECK(one == static_cast<float>(bfloat16(rows[first])));
      CHECK(other == static_cast<float>(bfloat16(rows[first + size])));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) in_place[i].bits = rows[i];
    cpu::pair_rows(&in_place[0].bits, lanes, pairs, lanes, in_place.data(), lanes);
    for (std::size_t i = 0; i < across.size(); ++i) CHECK(numbers_of(in_place[i]) == numbers_of(across[i]));

    cpu::store_factors(cpu::Simd<float>::load_unaligned(rows.data()), along.data());
    for (std::size_t i = 0; i < along.size(); ++i) {
      const auto [one, other] = numbers_of(along[i]);
      CHECK(one == static_cast<float>(bfloat16(rows[2 * i])));
      CHECK(other == static_cast<float>(bfloat16(rows[2 * i + 1])));
    }

    for (const std::size_t count : {std::size_t{2}, size - 2, size, 2 * size + 6}) {  // with a rest, and in place
      std::vector<F> written(count / 2 + 1), over(rows.size());
      cpu::write_factors(rows.data(), static_cast<Index>(count), written.data());
      CHECK(written.back().bits == 0);  // what lies behind is as it was
      for (std::size_t i = 0; i < rows.size(); ++i) over[i].bits = rows[i];
      cpu::write_factors(&over[0].bits, static_cast<Index>(count), over.data());
      for (std::size_t i = 0; i < count / 2; ++i) {
        const auto [one, other] = numbers_of(written[i]);
        CHECK(one == static_cast<float>(bfloat16(rows[2 * i])));
        CHECK(other == static_cast<float>(bfloat16(rows[2 * i + 1])));
        CHECK(numbers_of(over[i]) == numbers_of(written[i]));
      }
    }

    std::vector<float> sums(size);
    const cpu::Simd<float> begin(0.5F);
    cpu::add_product<F>(cpu::load(across.data()), cpu::broadcast(along[1]), begin).store_unaligned(sums.data());
    for (std::size_t i = 0; i < size; ++i) {
      const auto [a, b] = numbers_of(across[i]);
      const auto [c, d] = numbers_of(along[1]);
      const double expected = 0.5 + double(a) * double(c) + double(b) * double(d);
      CHECK(static_cast<double>(sums[i]) == doctest::Approx(expected).epsilon(1e-6));
    }
  }
}
