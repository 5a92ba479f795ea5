// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/permute.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

namespace {

template <class F, class... X>
void moves_alike(const F& f, const X&... x) {
  CHECK(disagreement<float>(f, x...) == 0);
  CHECK(disagreement<double>(f, x...) == 0);
  CHECK(disagreement<bfloat16>(f, x...) == 0);
  CHECK(disagreement<Half>(f, x...) == 0);
  CHECK(gradient_disagreement<float>(f, x...) < device_tolerance<float>);
}

}  // namespace

TEST_CASE("axes are put in any order") {
  moves_alike([](const auto& x) { return transpose(x); }, random<double>({70, 33}));
  moves_alike([](const auto& x) { return transpose(x); }, random<double>({1, 5}));
  moves_alike([](const auto& x) { return transpose(x, 0, 1); }, random<double>({5, 3, 16}));
  moves_alike([](const auto& x) { return permute(x, {2, 0, 1}); }, random<double>({3, 37, 41}));
  moves_alike([](const auto& x) { return permute(x, {0, 3, 1, 2}); }, random<double>({2, 5, 7, 3}));
  moves_alike([](const auto& x) { return permute(x, {5, 3, 1, 4, 2, 0}); }, random<double>({2, 3, 2, 3, 2, 3}));
  moves_alike([](const auto& x) { return permute(x, {1, 0, 2}); }, random<double>({3, 0, 2}));
}

TEST_CASE("integers are put in order too") {
  const Tensor<std::int32_t> x = numbered<std::int32_t>({3, 40, 5});
  CHECK(disagreement<float>([](const auto& v) { return permute(v, {2, 1, 0}); }, x) == 0);
  const Tensor<std::uint8_t> y = numbered<std::uint8_t>({3, 8, 5});
  CHECK(disagreement<float>([](const auto& v) { return permute(v, {1, 0, 2}); }, y) == 0);
}

TEST_CASE("blocks are cut out and surrounded") {
  moves_alike([](const auto& x) { return crop(x, {1, 2, 3}, {2, 3, 4}); }, random<double>({4, 6, 8}));
  moves_alike([](const auto& x) { return slice(x, 1, 4, 8); }, random<double>({4, 12, 16}));
  moves_alike([](const auto& x) { return slice(x, -1, 3, 4); }, random<double>({4, 6, 8}));
  moves_alike([](const auto& x) { return pad(x, {1, 0, 2}, {0, 3, 1}, 0.5); }, random<double>({3, 4, 5}));
  moves_alike([](const auto& x) { return pad(x, 1, 2, 2); }, random<double>({3, 4, 16}));
}

TEST_CASE("tensors are joined and split along any axis") {
  for (const int axis : {0, 1, 2}) {
    moves_alike([&](const auto& a, const auto& b) { return concat(axis, a, b, a); }, random<double>({2, 3, 5}, 1),
                random<double>({2, 3, 5}, 2));
    moves_alike([&](const auto& a, const auto& b) { return stack(axis, a, b); }, random<double>({2, 3, 8}, 1),
                random<double>({2, 3, 8}, 2));
    moves_alike([&](const auto& x) { return stack(axis, unstack(x, axis)[1], unstack(x, axis)[0]); },
                random<double>({2, 3, 16}));
  }
  moves_alike([](const auto& x) { return split(x, 2, {3, 1, 4})[2]; }, random<double>({2, 3, 8}));
}

TEST_CASE("more parts than one launch takes are joined and split, of rows of any width") {
  for (const Index width : {1, 3, 16}) {
    moves_alike([](const auto& x) { return stack(0, unstack(x, 1)); }, random<double>({3, 150, width}));
    moves_alike([](const auto& x) { return stack(1, unstack(x, 0)); }, random<double>({150, 2, width}));
  }
}
