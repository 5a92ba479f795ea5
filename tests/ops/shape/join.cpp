// SPDX-License-Identifier: MIT
#include <flipbook/ops/shape/join.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/shape/crop.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("joined parts are the slices of the whole", T, float, double, std::uint8_t) {
  for (const Shape& rest : {Shape{}, Shape{3}, Shape{2, 17}}) {
    for (int axis = 0; axis <= rest.rank(); ++axis) {
      const auto with = [&](Index extent) {
        Shape shape = rest.part(0, axis);
        shape.push_back(extent);
        for (const Index n : rest.part(axis, rest.rank())) shape.push_back(n);
        return shape;
      };
      const auto a = numbered<T>(with(5)), b = numbered<T>(with(1)), c = numbered<T>(with(2));
      const auto y = concat(axis, a, b, c);
      CHECK(y.shape() == with(8));
      CHECK(same(slice(y, axis, 0, 5), a));
      CHECK(same(slice(y, axis, 5, 6), b));
      CHECK(same(slice(y, axis, 6, 8), c));
      CHECK(same(concat(axis - y.rank(), std::vector{a, b, c}), y));
    }
  }
}

TEST_CASE_TEMPLATE("splitting undoes joining, unstacking undoes stacking", T, float, double) {
  const auto x = random<T>({3, 6, 5});
  for (int axis = 0; axis < 3; ++axis) {
    CHECK(same(stack(axis, unstack(x, axis)), x));
    CHECK(same(concat(axis, split(x, axis, {1, x.extent(axis) - 1})), x));
  }
  CHECK(unstack(x, 1).size() == 6);
  CHECK(unstack(x, 1)[2].shape() == Shape{3, 5});
  CHECK(same(unstack(x, 1)[2], slice(x, 1, 2, 3).reshape({3, 5})));
  CHECK(split(x, -2, 3)[1].shape() == Shape{3, 2, 5});
  CHECK(stack(-1, x, x).shape() == Shape{3, 6, 5, 2});
}

TEST_CASE("parts of the outermost axis share memory with the whole") {
  const auto clip = numbered<float>({1, 4, 3});
  CHECK(unstack(clip, 1)[2].data() == clip.data() + 6);
  const auto batch = numbered<float>({4, 3});
  CHECK(split(batch, 0, 2)[1].data() == batch.data() + 6);
}

TEST_CASE("tensors, variables and parameters join into a variable") {
  Tape tape;
  const auto a = numbered<float>({2});
  const Parameter<float, Cpu> p{numbered<float>({3})};
  const auto y = concat(0, a, tape.variable(a), p);
  static_assert(is_variable<std::remove_const_t<decltype(y)>>);
  CHECK(y.recorded());
  CHECK(y.shape() == Shape{7});
  CHECK_FALSE(concat(0, a, tape.constant(a)).recorded());
}

TEST_CASE("gradients of joining and splitting are exact to second order") {
  const auto a = random<double>({2, 3, 2}), b = random<double>({2, 1, 2}, 2);
  const auto joined = [](const auto& u, const auto& v) { return square(concat(1, u, v)); };
  CHECK(gradient_error(joined, a, b) < 1e-8);
  CHECK(second_gradient_error(joined, a, b) < 1e-7);
  const auto unrolled = [](const auto& u, const auto& v) {
    auto h = reshape(v, {2, 2});
    auto frames = unstack(u, 1);
    for (auto& frame : frames) frame = h = h * frame + square(frame);
    return stack(1, frames);
  };
  CHECK(gradient_error(unrolled, a, b) < 1e-8);
  CHECK(second_gradient_error(unrolled, a, b) < 1e-7);
}

TEST_CASE("parts that nothing uses have gradient zero") {
  Tape tape;
  const auto x = tape.variable(numbered<double>({2, 3}));
  const auto parts = unstack(x, 1);
  const auto gradient = tape.gradient(sum(square(parts[1])), x);
  CHECK(to_vector(gradient) == std::vector<double>{0, 2, 0, 0, 8, 0});
  CHECK(to_vector(tape.gradient(sum(parts[0]), parts[0])) == std::vector<double>{1, 1});
}

TEST_CASE("a clip taken apart over time is put together once, however long it is") {
  const auto nodes = [](Index frames) {
    Tape tape;
    const auto x = tape.variable(numbered<double>({2, frames, 4}));
    const auto y = sum(stack(1, unstack(x, 1)));
    HostPool::instance().reset_peak();
    const std::size_t before = HostPool::instance().statistics().in_use;
    CHECK(to_vector(tape.gradient(y, x)) == std::vector<double>(static_cast<std::size_t>(8 * frames), 1));
    return static_cast<double>(HostPool::instance().statistics().peak - before) / static_cast<double>(frames);
  };
  CHECK(nodes(512) < 2 * nodes(64));  // memory a frame does not grow with the number of frames
}

TEST_CASE("what does not fit is refused, and the text names it") {
  const auto a = numbered<float>({2, 5}), b = numbered<float>({3, 4});
  CHECK(error_of([&] { concat(1, a, b); }) == "concat: shapes (2, 5) and (3, 4) differ elsewhere than along axis 1");
  CHECK(error_of([&] { concat(0, a, a.reshape({10})); }) ==
        "concat: shapes (2, 5) and (10) differ elsewhere than along axis 0");
  CHECK(error_of([&] { concat(0, std::vector<Tensor<float>>{}); }) == "concat: needs at least one value");
  CHECK(error_of([&] { stack(0, a, b); }) == "stack: shapes (2, 5) and (3, 4) differ");
  CHECK(error_of([&] { split(a, 1, {2, 2}); }) == "split: parts of 4 places together, along axis 1 of (2, 5)");
  CHECK(error_of([&] { split(a, 1, 2); }) == "split: 2 equal parts along axis 1 of (2, 5)");
  CHECK(error_of([&] { unstack(a, 2); }) == "Shape: axis 2 of a tensor of rank 2");
}
