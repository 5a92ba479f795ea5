// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/core/print.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

namespace {

// How many numbers of T lie between two of them.
template <class T>
double steps_apart(T a, T b) {
  const double x = static_cast<double>(a), y = static_cast<double>(b);
  const double digits = std::is_same_v<T, double>  ? 52
                        : std::is_same_v<T, float> ? 23
                        : std::is_same_v<T, Half>  ? 10
                                                   : 7;
  const double unit = std::exp2(std::floor(std::log2(std::max({std::abs(x), std::abs(y), 1e-4}))) - digits);
  return std::abs(x - y) / unit;
}

template <class T>
double most_apart(const Tensor<T>& a, const Tensor<T, Cuda>& on_device) {
  const Tensor<T> b = to<Cpu>(on_device);
  double most = a.shape() == b.shape() ? 0 : std::numeric_limits<double>::infinity();
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, steps_apart(a.data()[i], b.data()[i]));
  return most;
}

}  // namespace

TEST_CASE_TEMPLATE("tensors are filled on the device", T, float, double, bfloat16, Half, std::int32_t, std::uint8_t) {
  for (const Index n : {0, 1, 2, 3, 17, 257, 5000}) {
    const std::vector<T> all = to_vector(full<T, Cuda>({n}, static_cast<T>(3)));
    CHECK(static_cast<Index>(all.size()) == n);
    for (const T x : all) CHECK(static_cast<float>(x) == 3);
  }
  Tensor<T, Cuda> x = zeros<T, Cuda>({3, 5});
  Tensor<T, Cuda> row = x[1];
  fill(row, static_cast<T>(7));  // a view, at no multiple of 16 bytes
  const std::vector<T> all = to_vector(x);
  for (std::size_t i = 0; i < 15; ++i) CHECK(static_cast<float>(all[i]) == (i / 5 == 1 ? 7 : 0));
}

TEST_CASE_TEMPLATE("random numbers are those of the CPU, to a unit in the last place", T, float, double, bfloat16,
                   Half) {
  for (const Index n : {0, 1, 2, 7, 1001}) {
    Rng here{5, 3}, there{5, 3};
    here.take(11), there.take(11);
    CHECK(most_apart(normal<T>({n}, here), normal<T, Cuda>({n}, there)) <= 1);
    CHECK(most_apart(uniform<T>({n}, here, -2, 5), uniform<T, Cuda>({n}, there, -2, 5)) <= 1);
    CHECK(here == there);
  }
  Rng rng{1};
  for (const T u : to_vector(uniform<T, Cuda>({100'000}, rng, 0.25, 1))) {
    CHECK_FALSE(static_cast<double>(u) >= 1);
    CHECK_FALSE(static_cast<double>(u) < 0.25);
  }
}

TEST_CASE_TEMPLATE("elements are converted as on the CPU", T, float, double, bfloat16, Half) {
  const Tensor<double> x = random<double>({1023});
  const Tensor<T> y = cast<T>(x);
  const auto same_on_both = [&]<class To>(To) { CHECK(to_vector(cast<To>(to<Cuda>(y))) == to_vector(cast<To>(y))); };
  same_on_both(float{});
  same_on_both(double{});
  same_on_both(std::int32_t{});
  same_on_both(std::int64_t{});
  const auto whole = numbered<std::int32_t>({100});
  CHECK(to_vector(cast<T>(to<Cuda>(whole))) == to_vector(cast<T>(whole)));
}

TEST_CASE("what nothing has written shows, on a fresh block and on one used before") {
#ifdef FLIPBOOK_POISON
  for (int time = 0; time < 2; ++time) {
    Tensor<float, Cuda> x({1000});
    for (const float e : to_vector(x)) CHECK(std::isnan(e));
    fill(x, 1.0F);
  }
#endif
}

TEST_CASE("a tensor of the device is written as one, with its elements") {
  CHECK(to_string(to<Cuda>(Tensor<float>({2}, {1, 2.5F}))) == "float (2) on Cuda [  1, 2.5]");
}
