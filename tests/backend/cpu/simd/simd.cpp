// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/simd/simd.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace flipbook;

namespace {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

// f of every lane of a vector, and of the number itself, beside what the standard library gives.
template <class T, class F, class Reference>
void check(const char* name, const F& f, const Reference& reference, std::vector<T> at) {
  for (const T x : at) {
    CAPTURE(std::string(name) + " of " + std::to_string(x));
    const double expected = reference(static_cast<double>(x));
    const T single = f(x);
    T lanes[cpu::Simd<T>::size];
    f(cpu::Simd<T>(x)).store_unaligned(lanes);
    const double close = 32 * static_cast<double>(std::numeric_limits<T>::epsilon());
    for (const T y : {single, lanes[0], lanes[cpu::Simd<T>::size - 1]}) {
      if (std::isnan(expected)) CHECK(std::isnan(y));
      else if (std::isinf(expected)) CHECK(static_cast<double>(y) == expected);
      else CHECK(std::abs(static_cast<double>(y) - expected) <= close * std::max(std::abs(expected), 1e-3));
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("functions of a number and of a vector are those of the standard library", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> near{0, T(1e-3), T(-1e-3), T(0.3), T(-0.7), 1, -1, T(3.7), T(-3.7), 20, -20, nan};
  std::vector<T> any = near;
  for (const T x : {T(80), T(-80), infinity<T>, -infinity<T>}) any.push_back(x);
  const std::vector<T> positive{0, T(1e-3), T(0.3), 1, T(3.7), 20, T(1e6), infinity<T>, nan};
  // clang-format off
  check<T>("abs", [](const auto& x) { return math::abs(x); }, [](double x) { return std::abs(x); }, any);
  check<T>("erf", [](const auto& x) { return math::erf(x); }, [](double x) { return std::erf(x); }, any);
  check<T>("exp", [](const auto& x) { return math::exp(x); }, [](double x) { return std::exp(x); }, any);
  check<T>("expm1", [](const auto& x) { return math::expm1(x); }, [](double x) { return std::expm1(x); }, any);
  check<T>("tanh", [](const auto& x) { return math::tanh(x); }, [](double x) { return std::tanh(x); }, any);
  check<T>("floor", [](const auto& x) { return math::floor(x); }, [](double x) { return std::floor(x); }, any);
  check<T>("square", [](const auto& x) { return math::square(x); }, [](double x) { return x * x; }, near);
  check<T>("log", [](const auto& x) { return math::log(x); }, [](double x) { return std::log(x); }, positive);
  check<T>("log1p", [](const auto& x) { return math::log1p(x); }, [](double x) { return std::log1p(x); }, positive);
  check<T>("sqrt", [](const auto& x) { return math::sqrt(x); }, [](double x) { return std::sqrt(x); }, positive);
  check<T>(
      "sigmoid", [](const auto& x) { return math::sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }, any);
  check<T>("softplus", [](const auto& x) { return math::softplus(x); },
           [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, near);
  // clang-format on
}

namespace {

/// The largest error of an odd function on vectors of float, in units in the last place.
template <class F, class Reference>
double worst_units(const F& f, const Reference& reference, float end) {
  double worst = 0;
  for (float x = 1e-6F; x < end; x += 1e-5F + x * 1e-5F) {
    const double expected = reference(static_cast<double>(x));
    const auto rounded = static_cast<float>(expected);
    const auto unit = static_cast<double>(rounded - std::nextafter(rounded, 0.0F));
    worst = std::max(worst, std::abs(static_cast<double>(f(x)) - expected) / unit);
    REQUIRE(f(-x) == -f(x));
  }
  return worst;
}

}  // namespace

TEST_CASE("erf and tanh of vectors of float are within some units in the last place, odd, and 1 far from 0") {
  using V = cpu::Simd<float>;
  const auto erf = [](float x) { return math::erf(V(x)).get(0); };
  const auto tanh = [](float x) { return math::tanh(V(x)).get(0); };
  CHECK(worst_units(
            erf, [](double x) { return std::erf(x); }, 4.5F) < 2);
  CHECK(worst_units(
            tanh, [](double x) { return std::tanh(x); }, 11.0F) < 3);
  CHECK(erf(4.0F) == 1);
  CHECK(tanh(10.0F) == 1);
  CHECK(erf(0.0F) == 0);
  CHECK(tanh(0.0F) == 0);
  CHECK(erf(1e-38F) == doctest::Approx(1.12837917e-38).epsilon(1e-6));
  CHECK(tanh(1e-38F) == 1e-38F);
}

TEST_CASE_TEMPLATE("quotients and roots of vectors are those of numbers, to the last bit", T, float, double) {
  using V = cpu::Simd<T>;
  using Limits = std::numeric_limits<T>;
  std::vector<T> numbers{
      0, 1, 3, -T(0.7), T(1e-3), T(1e30), Limits::max(), Limits::min(), Limits::denorm_min(), infinity<T>};
  for (int i = 1; i < 100; ++i) numbers.push_back(T(1) + static_cast<T>(i) / T(97));
  for (const T x : numbers) {
    for (const T y : numbers) {
      CAPTURE(x);
      CAPTURE(y);
      const T quotient = x / y;
      if (std::isnan(quotient)) CHECK(std::isnan((V(x) / V(y)).get(0)));
      else CHECK((V(x) / V(y)).get(0) == quotient);
    }
    if (x >= 0) CHECK(math::sqrt(V(x)).get(0) == std::sqrt(x));
  }
}

TEST_CASE_TEMPLATE("the sign of 0 is 0, and of two numbers the second is taken where one is NaN", T, float, double) {
  using V = cpu::Simd<T>;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(math::sign(T(0)) == 0);
  CHECK(math::sign(T(-2)) == -1);
  CHECK(math::sign(V(T(0))).get(0) == 0);
  CHECK(math::sign(V(T(7))).get(0) == 1);
  CHECK(math::max(nan, T(1)) == 1);
  CHECK(math::max(V(nan), V(T(1))).get(0) == 1);
  CHECK(std::isnan(math::min(T(1), nan)));
  CHECK(std::isnan(math::min(V(T(1)), V(nan)).get(0)));
}

TEST_CASE_TEMPLATE("a part of a vector is read and written, and nothing beside it", T, float, double) {
  for (Index count = 0; count <= cpu::lanes<T>; ++count) {
    std::vector<T> from(static_cast<std::size_t>(count)), to(static_cast<std::size_t>(cpu::lanes<T>) + 1, T(-5));
    for (Index i = 0; i < count; ++i) from[static_cast<std::size_t>(i)] = static_cast<T>(i + 1);
    const auto v = cpu::load_part(from.data(), count);
    for (std::size_t i = 0; i < v.size; ++i) CHECK(v.get(i) == (static_cast<Index>(i) < count ? from[i] : T(0)));
    cpu::store_part(v, to.data(), count);
    for (std::size_t i = 0; i < to.size(); ++i) CHECK(to[i] == (static_cast<Index>(i) < count ? from[i] : T(-5)));
  }
}
