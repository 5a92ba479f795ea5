// SPDX-License-Identifier: MIT
#include <flipbook/core/print.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("a small tensor is written with all its elements, in line", T, float, double, bfloat16) {
  const std::string name = name_of<T>();
  const auto numbers = [](std::initializer_list<double> given) {
    std::vector<T> elements;
    for (const double number : given) elements.push_back(static_cast<T>(number));
    return elements;
  };
  CHECK(to_string(Tensor<T>({}, numbers({1.5}))) == name + " () 1.5");
  CHECK(to_string(Tensor<T>({3}, numbers({1, -2.5, 4}))) == name + " (3) [   1, -2.5,    4]");
  CHECK(to_string(Tensor<T>({2, 3}, numbers({1, 2, 3, 4, 0.5, 6}))) ==
        name + " (2, 3)\n[[  1,   2,   3],\n [  4, 0.5,   6]]");
  CHECK(to_string(Tensor<T>({2, 2, 1}, numbers({1, 2, 3, 4}))) ==
        name + " (2, 2, 1)\n[[[1],\n  [2]],\n\n [[3],\n  [4]]]");
}

TEST_CASE("integers are written as numbers, and long fractions with six digits") {
  CHECK(to_string(Tensor<std::uint8_t>({2}, {7, 200})) == "uint8 (2) [  7, 200]");
  CHECK(to_string(Tensor<std::int64_t>({1}, {-5'000'000'000})) == "int64 (1) [-5000000000]");
  CHECK(to_string(Tensor<double>({2}, {1.0 / 3, 1e-20})) == "double (2) [0.333333,    1e-20]");
}

TEST_CASE("numbers that are none are written as such") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(to_string(Tensor<double>({3}, {std::nan(""), inf, -inf})) == "double (3) [ nan,  inf, -inf]");
}

TEST_CASE("a large tensor is written by its first and last elements and their range") {
  Tensor<float> x({4, 50});
  for (Index i = 0; i < 200; ++i) x.data()[i] = static_cast<float>(i) - 50;
  CHECK(to_string(x) == "float (4, 50): [-50, -49, -48, …, 147, 148, 149], min -50, mean 49.5, max 149");
  x.data()[1] = x.data()[7] = std::nanf("");
  x.data()[199] = 1000;
  CHECK(to_string(x) == "float (4, 50): [-50, nan, -48, …, 147, 148, 1000], min -50, mean 54.7626, max 1000, 2 NaN");
  CHECK(to_string(full<float>({101}, std::nanf(""))) == "float (101): [nan, nan, nan, …, nan, nan, nan], 101 NaN");
  CHECK(to_string(full<float>({100}, 1)).find("…") == std::string::npos);
}

TEST_CASE("what has no elements says so") {
  CHECK(to_string(Tensor<float>{}) == "no tensor");
  CHECK(to_string(Tensor<float>({2, 3}).without_elements()) == "float (2, 3), no elements");
  CHECK(to_string(Tensor<float>({0, 3})) == "float (0, 3) []");
  CHECK(to_string(Tensor<float>({2, 0})) == "float (2, 0) [[],\n []]");
}

TEST_CASE("a stream takes a tensor as its text") {
  std::ostringstream out;
  out << Tensor<std::int32_t>({2}, {1, 2});
  CHECK(out.str() == "int32 (2) [1, 2]");
}
