// SPDX-License-Identifier: MIT
#include <flipbook/ops/filter/local_filter.hpp>

#include <array>
#include <vector>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

struct Case {
  Shape x, filters;
};
/// Filters of pixels and of blocks, larger than their pictures too, channels in packs and not, blocks of a few numbers
/// and of more than a block of threads takes at once.
const std::vector<Case> cases{
    {{1, 1, 1, 1}, {1, 1, 1, 1}},   {{1, 1, 1, 1}, {1, 1, 1, 25}},  {{2, 5, 7, 3}, {2, 5, 7, 9}},
    {{2, 8, 12, 1}, {2, 2, 3, 81}}, {{1, 9, 6, 8}, {1, 3, 2, 9}},   {{3, 7, 5, 16}, {3, 7, 5, 9}},
    {{1, 6, 4, 67}, {1, 1, 4, 25}}, {{1, 33, 34, 4}, {1, 1, 1, 9}}, {{0, 4, 4, 3}, {0, 2, 2, 9}},
    {{2, 0, 4, 3}, {2, 2, 2, 9}},   {{2, 4, 0, 3}, {2, 2, 2, 9}},   {{2, 4, 4, 0}, {2, 2, 2, 9}}};

const auto filtered = [](const auto& x, const auto& filters) { return local_filter(x, filters); };

}  // namespace

TEST_CASE_TEMPLATE("pictures by the filters of their blocks, and the gradients, are the CPU's", T, float, double,
                   bfloat16, flipbook::half) {
  for (const auto& [x_shape, filters_shape] : cases) {
    CAPTURE(to_string(x_shape));
    CAPTURE(to_string(filters_shape));
    const auto x = random<double>(x_shape), filters = random<double>(filters_shape, 2);
    CHECK(disagreement<T>(filtered, x, filters) < device_tolerance<T>);
    CHECK(gradient_disagreement<T>(filtered, x, filters) < 2 * device_tolerance<T>);
  }
}

TEST_CASE("the second gradient of filtered pictures is the CPU's") {
  const auto second = [](const auto& x, const auto& filters) {
    Tape tape{Rng{7}};
    const auto v = tape.template variable<Order::higher>(x), f = tape.template variable<Order::higher>(filters);
    const auto first = tape.recorded_gradient(sum(square(local_filter(v, f))), f);
    const auto loss = sum(square(first));
    return std::tuple{tape.gradient(loss, v, {.retain_graph = true}), tape.gradient(loss, f)};
  };
  CHECK(disagreement<double>(second, random<double>({2, 9, 8, 5}), random<double>({2, 3, 4, 9}, 2)) < 1e-12);
}

TEST_CASE("filtered pictures and their gradients repeat their bits") {
  const auto x = to<Cuda>(random<float>({2, 12, 8, 8})), filters = to<Cuda>(random<float>({2, 3, 4, 25}, 2));
  const auto results = [&] {
    Tape tape;
    const auto v = tape.variable(x), f = tape.variable(filters);
    const auto y = local_filter(v, f);
    const auto loss = sum(square(y));
    return std::array{to<Cpu>(y.value()), to<Cpu>(tape.gradient(loss, v, {.retain_graph = true})),
                      to<Cpu>(tape.gradient(loss, f))};
  };
  const auto once = results(), again = results();
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(once[i], again[i]));
}

TEST_CASE("pictures of 2^31 numbers are refused, and the text says why") {
  CHECK(error_of([] { cuda::LocalFilterPlan({.height = Index{1} << 15, .width = Index{1} << 14, .channels = 4}); }) ==
        "local_filter: pictures of 32768×16384 with 4 channels; a device needs fewer than 2^31 numbers in each");
}
