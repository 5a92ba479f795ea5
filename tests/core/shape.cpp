// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sstream>

#include <flipbook/core/shape.hpp>

using namespace flipbook;

TEST_CASE("a shape counts its elements, and axes from either end") {
  const Shape shape{2, 3, 5};
  CHECK(shape.rank() == 3);
  CHECK(shape.size() == 30);
  CHECK(shape[0] == 2);
  CHECK(shape[-1] == 5);
  CHECK(shape.front() == 2);
  CHECK(shape.back() == 5);
  CHECK(to_string(shape) == "(2, 3, 5)");
}

TEST_CASE("a shape is written to a stream as its text") {
  std::ostringstream out;
  out << Shape{2, 3, 5} << Shape{};
  CHECK(out.str() == "(2, 3, 5)()");
}

TEST_CASE("a number is a shape of rank 0 with one element") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(to_string(Shape{}) == "()");
}

TEST_CASE("an extent of zero empties the shape") { CHECK(Shape{4, 0, 3}.size() == 0); }

TEST_CASE("shapes are equal when rank and extents are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
}

TEST_CASE("parts and tails are cut and replaced") {
  CHECK(Shape{2, 3, 5, 7}.part(1, 3) == Shape{3, 5});
  CHECK(Shape{2, 3, 5}.with_tail(2, {7}) == Shape{2, 7});
  CHECK(Shape::filled(3, 4) == Shape{4, 4, 4});
}

TEST_CASE("a seventh axis, a negative extent and an axis that is not there are refused") {
  CHECK_THROWS_WITH_AS((Shape{1, 1, 1, 1, 1, 1, 1}), "Shape: a tensor has at most 6 axes", Error);
  CHECK_THROWS_WITH_AS((Shape{2, -1}), "Shape: an extent must not be negative, got -1", Error);
  const Shape shape{2, 3};
  CHECK_THROWS_WITH_AS(shape[2], "Shape: axis 2 of a tensor of rank 2", Error);
  CHECK_THROWS_AS(shape[-3], Error);
}
