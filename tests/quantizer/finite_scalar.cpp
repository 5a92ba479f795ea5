// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/testing/gradients.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using quantizer::FiniteScalar;

namespace {

using Small = FiniteScalar<4, 3, 7>;
constexpr std::array<int, 3> levels{4, 3, 7};
static_assert(quantizer::Quantizer<Small> && Small::codes == 84);

/// The bound of one number, as the paper has it.
double bounded(double z, int levels_of_it) {
  const double half = (levels_of_it - 1) * 1.001 / 2, offset = levels_of_it % 2 == 0 ? 0.5 : 0;
  return std::tanh(z + std::atanh(offset / half)) * half - offset;
}

}  // namespace

TEST_CASE_TEMPLATE("numbers become the nearest levels, and levels the digits of a code", T, float, double) {
  const Small::Instance<T, Cpu> fsq;
  const auto z = random<T>({5, 2, 9, 3}) * 2;
  const auto q = fsq.quantize(z);
  REQUIRE(q.codes.shape() == Shape{5, 2, 9});
  std::set<int> seen;
  for (Index i = 0; i < q.codes.size(); ++i) {
    int code = 0, place = 1;
    for (Index j = 0; j < 3; ++j) {
      const int count = levels[static_cast<std::size_t>(j)], middle = count / 2;
      const double digit = std::nearbyint(bounded(double(z.data()[3 * i + j]), count));
      CHECK(q.z.data()[3 * i + j] == static_cast<T>(digit / middle));
      code += place * (static_cast<int>(digit) + middle);
      place *= count;
    }
    REQUIRE(q.codes.data()[i] == code);
    seen.insert(code);
  }
  CHECK(seen.size() > 30);
  CHECK(same(q.loss, zeros<T>({5})));
}

TEST_CASE_TEMPLATE("every code stands for one z, which is that of the code again", T, float, double) {
  using Paper = FiniteScalar<8, 8, 8, 5, 5, 5>;  // 64000 codes
  const Paper::Instance<T, Cpu> fsq;
  Tensor<std::int32_t> codes({Paper::codes});
  std::iota(codes.begin(), codes.end(), 0);
  const Tensor<T> z = fsq.decode(codes);
  REQUIRE(z.shape() == Shape{Paper::codes, 6});
  Index place = 1;
  for (Index j = 0; j < 6; ++j) {
    const Index count = j < 3 ? 8 : 5;
    for (Index i = 0; i < Paper::codes; ++i) {
      const Index digit = i / place % count;
      REQUIRE(z.data()[6 * i + j] == static_cast<T>(double(digit - count / 2) / double(count / 2)));
    }
    place *= count;
  }
  const Small::Instance<T, Cpu> small;
  const auto q = small.quantize(random<T>({31, 3}) * 3);
  CHECK(same(small.decode(q.codes), q.z));
}

TEST_CASE("the gradient is that of the bound") {
  const Small::Instance<double, Cpu> fsq;
  const auto z = random<double>({4, 3}), weight = random<double>({4, 3}, 2);
  Tape tape;
  const auto v = tape.variable(z);
  const auto gradient = tape.gradient(sum(fsq.quantize(v).z * weight), v);
  for (Index i = 0; i < z.size(); ++i) {
    const int count = levels[static_cast<std::size_t>(i % 3)];
    const double x = z.data()[i], slope = (bounded(x + 1e-6, count) - bounded(x - 1e-6, count)) / 2e-6;
    CHECK(gradient.data()[i] == doctest::Approx(slope / (count / 2) * weight.data()[i]).epsilon(1e-6));
  }
}

TEST_CASE("extreme numbers have the outermost levels, and what is not a number has a code too") {
  const FiniteScalar<8, 5>::Instance<float, Cpu> fsq;
  const float infinity = std::numeric_limits<float>::infinity(), none = std::nanf("");
  const auto q = fsq.quantize(Tensor<float>({3, 2}, {-infinity, 1e9F, 1e9F, -infinity, none, 0}));
  CHECK(to_vector(q.codes.slice(0, 2)) == std::vector<std::int32_t>{0 + 4 * 8, 7 + 0 * 8});
  CHECK(q.codes.data()[2] >= 0);
  CHECK(q.codes.data()[2] < 40);
}

TEST_CASE("z of another size and codes that there are not are refused") {
  const Small::Instance<float, Cpu> fsq;
  CHECK(error_of([&] { (void)fsq.quantize(zeros<float>({2, 4})); }) == "FiniteScalar: needs z (N, …, 3), got (2, 4)");
  CHECK(error_of([&] { (void)fsq.decode(Tensor<std::int32_t>({1}, {84})); }) ==
        "FiniteScalar: index 84 is not in [0, 84)");
}
