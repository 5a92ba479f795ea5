// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <flipbook/quantizer/lookup_free.hpp>
#include <flipbook/testing/gradients.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using quantizer::LookupFree;
using quantizer::LookupFreeOptions;

namespace {
constexpr int bits = 4;
using Small =
    LookupFree<bits, LookupFreeOptions{.commitment = 0.3, .entropy = 0.2, .diversity = 0.7, .sharpness = 0.6}>;
static_assert(quantizer::Quantizer<Small>);

double entropy(double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); }
}  // namespace

TEST_CASE_TEMPLATE("signs are the bits of a code, at the cost of distance and entropy", T, float, double) {
  const Small::Instance<T, Cpu> lfq;
  const auto z = random<T>({3, 5, bits});
  const auto q = lfq.quantize(z);
  REQUIRE(q.codes.shape() == Shape{3, 5});
  std::vector<double> cost(3), mean(bits);
  for (Index i = 0; i < 15; ++i) {
    int code = 0;
    for (Index j = 0; j < bits; ++j) {
      const double x = double(z.data()[bits * i + j]), sign = x > 0 ? 1 : -1, p = 1 / (1 + std::exp(-4 * 0.6 * x));
      CHECK(double(q.z.data()[bits * i + j]) == sign);
      code += x > 0 ? 1 << j : 0;
      cost[std::size_t(i / 5)] += 0.3 * (x - sign) * (x - sign) + 0.2 * entropy(p);
      mean[std::size_t(j)] += p / 15;
    }
    CHECK(q.codes.data()[i] == code);
  }
  double of_mean = 0;
  for (const double p : mean) of_mean += entropy(p);
  for (Index n = 0; n < 3; ++n) {
    CHECK(double(q.loss.data()[n]) == doctest::Approx(cost[std::size_t(n)] - 0.2 * 0.7 * 5 * of_mean).epsilon(1e-5));
  }
  CHECK(same(lfq.decode(q.codes), q.z));
}

TEST_CASE("the gradient goes straight through, and that of the loss is exact") {
  const Small::Instance<double, Cpu> lfq;
  const auto z = random<double>({2, 3, bits}, 2), weight = random<double>({2, 3, bits}, 3);
  CHECK(gradient_error([&](const auto& v) { return lfq.quantize(v).loss; }, z) < 1e-6);
  Tape tape;
  const auto v = tape.variable(z);
  CHECK(same(tape.gradient(sum(lfq.quantize(v).z * weight), v), weight));
}

TEST_CASE("every code stands for one z, which is that of the code again") {
  const LookupFree<12>::Instance<float, Cpu> lfq;
  Tensor<std::int32_t> codes({4096});
  std::iota(codes.begin(), codes.end(), 0);
  CHECK(same(lfq.quantize(lfq.decode(codes)).codes, codes));
  CHECK_THROWS_AS(lfq.decode(Tensor<std::int32_t>({1}, {4096})), Error);
  CHECK_THROWS_AS(lfq.quantize(zeros<float>({2, 11})), Error);
}

TEST_CASE("the entropies spread bits that begin with one sign") {
  const LookupFree<3, LookupFreeOptions{.commitment = 0, .entropy = 1}>::Instance<float, Cpu> lfq;
  Tensor<float> z = random<float>({64, 3}) * 0.2 + 0.5;
  for (int i = 0; i < 300; ++i) {
    Tape tape;
    const auto v = tape.variable(z);
    z = z - tape.gradient(sum(lfq.quantize(v).loss), v) * 0.2;
  }
  std::vector<int> positive(3);
  for (Index i = 0; i < z.size(); ++i) positive[std::size_t(i % 3)] += z.data()[i] > 0;
  for (const int count : positive) {
    CHECK(count < 64);
    CHECK(count > 16);
  }
}
