// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/simd/exp2.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/core/random.hpp>

using namespace flipbook;

namespace {

template <class T>
T lane(T x) {
  return cpu::exp2<T>(cpu::Simd<T>(x)).get(0);
}

}  // namespace

TEST_CASE_TEMPLATE("powers of 2 are right to two units in the last place", T, float, double) {
  constexpr int lowest = std::numeric_limits<T>::min_exponent, highest = std::numeric_limits<T>::max_exponent;
  const auto error = [](T x) {
    const long double exact = std::exp2(static_cast<long double>(x));
    return static_cast<double>(std::abs(static_cast<long double>(lane(x)) - exact) / exact);
  };
  Rng rng{1};
  double largest = 0;
  for (int i = 0; i < 20000; ++i) {
    const double at = rng.uniform();
    largest = std::max({largest, error(static_cast<T>(-at)), error(static_cast<T>(16 * at - 8)),
                        error(static_cast<T>(lowest + at * (highest - 2 - lowest)))});
  }
  CHECK(largest < 2 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

TEST_CASE_TEMPLATE("a power of 2 is 0 below the normal numbers, NaN at NaN", T, float, double) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for (const T x :
       {-infinity, std::numeric_limits<T>::lowest(), T(-1e5), T(std::numeric_limits<T>::min_exponent - 2)}) {
    CHECK(lane(x) == 0);
  }
  CHECK(std::isnan(lane(std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::isnan(lane(std::numeric_limits<T>::signaling_NaN())));
}
