// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/metrics/codes.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/quantizer/residual.hpp>
#include <flipbook/quantizer/vector.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using quantizer::Residual;
using quantizer::Vector;

namespace {
using Deep = Residual<Vector<8, 3>, 3>;
static_assert(quantizer::Quantizer<Deep> && quantizer::depth_of<Deep> == 3 && quantizer::depth_of<Vector<8, 3>> == 1);

Module<Deep, float> trained(Rng& rng) {
  Module<Deep, float> quantizer{Rng{1}};
  for (int i = 0; i < 200; ++i) {
    Tape tape{rng.split()};
    (void)quantizer->quantize(tape.constant(normal<float>({128, 3}, rng)));
    tape.apply_updates();
  }
  return quantizer;
}
double error(const Tensor<float>& a, const Tensor<float>& b) { return double(mean(square(a - b)).item()); }
}  // namespace

TEST_CASE("each quantizer codes what those before it have left, and their sum comes near z") {
  Rng rng{2};
  const auto quantizer = trained(rng);
  const auto z = normal<float>({5, 40, 3}, rng);
  const auto q = quantizer->quantize(z);
  REQUIRE(q.codes.shape() == Shape{5, 40, 3});
  Tensor<float> rest = z, sum = zeros<float>(z.shape()), loss = zeros<float>({5});
  double last = error(rest, zeros<float>(z.shape()));
  for (Index d = 0; d < 3; ++d) {
    const auto one = quantizer->each[std::size_t(d)].quantize(z - sum);
    CHECK(same(slice(q.codes, 2, d, d + 1).reshape({5, 40}), one.codes));
    CHECK(metrics::perplexity(one.codes, 8) > 5);
    sum = sum + one.z;
    loss = loss + one.loss;
    CHECK(error(z, sum) < 0.7 * last);
    last = error(z, sum);
  }
  CHECK(difference(q.z, sum) < 1e-6);
  CHECK(difference(q.loss, loss) < 1e-6);
  CHECK(same(quantizer->decode(q.codes), q.z));
}

TEST_CASE("the gradient goes straight through once, and the loss draws z to the sum") {
  Rng rng{2};
  const auto quantizer = trained(rng);
  const auto z = normal<float>({4, 3}, rng), weight = normal<float>({4, 3}, rng);
  Tape tape;
  const auto v = tape.variable(z);
  CHECK(same(tape.gradient(sum(quantizer->quantize(v).z * weight), v), weight));
}

TEST_CASE("codes of another depth are refused") {
  const Module<Deep, float> quantizer{Rng{1}};
  CHECK_THROWS_WITH_AS(quantizer->decode(Tensor<std::int32_t>({2, 2}, {0, 0, 0, 0})),
                       "Residual: needs codes (N, …, 3), got (2, 2)", Error);
}
