// SPDX-License-Identifier: MIT
#include <flipbook/ops/dropout/dropout.hpp>
#include <flipbook/ops/embedding/embedding.hpp>
#include <flipbook/ops/gather/gather.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// Indices below `bound`, with many of them alike.
Tensor<std::int32_t> indices(const Shape& shape, Index bound) {
  Rng rng{8};
  return tabulated<std::int32_t>(
      shape, [&](const Indices&) { return rng.below(rng.below(3) == 0 ? bound : (bound + 3) / 4); });
}

struct Case {
  Index rows, width;
  Shape count;
};
const std::vector<Case> cases{{1, 1, {1}},    {7, 3, {5}},        {5, 4, {0}},  {37, 16, {3, 43}},
                              {3, 67, {300}}, {11, 264, {2, 65}}, {1, 8, {500}}};

}  // namespace

TEST_CASE_TEMPLATE("rows of a table, and what is added to them, are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const auto& [rows, width, count] : cases) {
    CAPTURE(rows);
    CAPTURE(width);
    const auto table = random<double>({rows, width});
    const auto index = indices(count, rows);
    const auto gather = [](const auto& t, const auto& i) { return embedding(t, i); };
    CHECK(disagreement<T>(gather, table, index) == 0);
    const auto add = [rows = rows]<class X, class B>(const X& y, const Tensor<std::int32_t, B>& i) {
      return AddRows<B>{i, rows}(y);
    };
    const auto y = random<double>({index.size(), width}, 2);
    CHECK(disagreement<T>(add, y, index) < device_tolerance<T>);
  }
}

TEST_CASE("sums over the rows of a table run in the order of the indices: the CPU's bits") {
  const auto index = indices({1000}, 9);
  const auto y = random<float>({1000, 33});
  CHECK(same(to<Cpu>(AddRows<Cuda>{to<Cuda>(index), 9}(to<Cuda>(y))), AddRows<Cpu>{index, 9}(y)));
}

TEST_CASE_TEMPLATE("what is picked from rows and put into them is the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const auto& [rows, width, count] : cases) {
    CAPTURE(rows);
    CAPTURE(width);
    const auto index = indices({rows}, width);
    const auto take = [](const auto& x, const auto& i) { return take_along_axis(x, i); };
    CHECK(disagreement<T>(take, random<double>({rows, width}), index) == 0);
    const auto put = [width = width]<class X, class B>(const X& y, const Tensor<std::int32_t, B>& i) {
      return Scatter<B>{i, Shape{i.size(), width}}(y);
    };
    CHECK(disagreement<T>(put, random<double>({rows}), index) == 0);
  }
  const auto rows_of = []<class B>(const Tensor<std::int32_t, B>& i) { return one_hot<float>(i, 5); };
  CHECK(disagreement<T>(rows_of, indices({3, 7}, 5)) == 0);
}

TEST_CASE("an index that is no place is refused, as on the CPU") {
  const auto table = random<float>({5, 3});
  for (const std::int32_t stray : {-1, 5, 1 << 30}) {
    auto index = indices({20001}, 5);
    index.data()[20000] = stray;
    CHECK(error_of([&] { embedding(to<Cuda>(table), to<Cuda>(index)); }) == error_of([&] { embedding(table, index); }));
    const auto x = random<float>({20001, 5});
    CHECK(error_of([&] { take_along_axis(to<Cuda>(x), to<Cuda>(index)); }) ==
          error_of([&] { take_along_axis(x, index); }));
    CHECK(error_of([&] { take_along_axis(to<Cuda>(x), to<Cuda>(index)); }) != "");
  }
}

TEST_CASE("what is looked up with an index that nobody could check is NaN") {
  const auto table = to<Cuda>(random<float>({5, 4}));
  const auto index = to<Cuda>(Tensor<std::int32_t>({3}, {1, -1, 5}));
  const auto rows = to<Cpu>(GatherRows<Cuda>{index}(table));
  const auto picked = to<Cpu>(TakeAlongAxis<Cuda>{index}(table.slice(0, 3)));
  for (Index j = 0; j < 4; ++j) {
    CHECK(at(rows, {0, j}) == at(to<Cpu>(table), {1, j}));
    CHECK(std::isnan(at(rows, {1, j})));
    CHECK(std::isnan(at(rows, {2, j})));
  }
  CHECK(!std::isnan(picked.data()[0]));
  CHECK(std::isnan(picked.data()[1]));
  CHECK(std::isnan(picked.data()[2]));
}

TEST_CASE_TEMPLATE("the same numbers draw the same places as on the CPU", T, float, double) {
  for (const Shape& shape : {Shape{1, 1}, Shape{300, 2}, Shape{5, 31}, Shape{64, 32}, Shape{41, 257}, Shape{3, 5000}}) {
    auto logits = affine(random<T>(shape), 3, 0);
    for (Index i = 0; i < logits.size(); i += 3) logits.data()[i] = -std::numeric_limits<T>::infinity();
    if (shape[1] == 1) logits.data()[0] = 0;
    Rng here{9}, there{9};
    CHECK(same(to<Cpu>(sample_categorical(to<Cuda>(logits), there)), sample_categorical(logits, here)));
    CHECK(here == there);
  }
}

TEST_CASE_TEMPLATE("dropout draws the CPU's numbers, and gives its bits", T, float, double) {
  for (const Index size : {1, 15, 63, 64, 65, 1000, 300007}) {
    const auto x = random<T>({size});
    Rng here{3}, there{3};
    CHECK(same(to<Cpu>(dropout(to<Cuda>(x), 0.3, there)), dropout(x, 0.3, here)));
    CHECK(here == there);
  }
}

TEST_CASE_TEMPLATE("dropout of short numbers drops the same elements", T, bfloat16, flipbook::half) {
  const auto x = affine(random<double>({1000}), 1, 5);
  const auto drop = [](const auto& v) {
    Rng rng{3};
    return dropout(v, 0.3, rng);
  };
  CHECK(disagreement<T>(drop, x) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("what is selected and taken along an axis is the CPU's, with its gradients", T, float, double,
                   bfloat16, flipbook::half) {
  for (const Shape& shape : {Shape{1}, Shape{7, 5}, Shape{3, 67}, Shape{2, 9, 8}}) {
    const auto x = random<double>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (const Index count : {0, 1, 11}) {
        Shape taken = shape;
        taken[axis] = count;
        const auto few = indices({count}, shape[axis]), of_each = indices(taken, shape[axis]);
        const auto select = [axis](const auto& v, const auto& i) { return index_select(v, axis, i); };
        const auto take = [axis](const auto& v, const auto& i) { return take_along_axis(v, i, axis); };
        CHECK(disagreement<T>(select, x, few) == 0);
        CHECK(disagreement<T>(take, x, of_each) == 0);
      }
    }
  }
  const auto x = random<double>({4, 9, 5}), dy = random<double>({4, 13, 5}, 2);
  const auto of_each = indices({4, 13, 5}, 9);
  const auto gradient = []<class X, class I>(const X& v, const X& weights, const I& i) {
    Tape tape;
    const auto w = tape.variable(v);
    return tape.gradient(sum(take_along_axis(w, i, 1) * weights), w);
  };
  CHECK(disagreement<T>(gradient, x, dy, of_each) < device_tolerance<T>);
}
