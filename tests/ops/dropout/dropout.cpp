// SPDX-License-Identifier: MIT
#include <flipbook/ops/dropout/dropout.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/autodiff/recompute.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("the given share of elements is dropped, the others keep the expectation", T, float, double) {
  for (const double probability : {0.1, 0.5, 0.9}) {
    const auto x = ones<T>({40009});
    Rng rng{1};
    const auto y = dropout(x, probability, rng);
    double dropped = 0;
    for (const T v : y) {
      CHECK_MESSAGE((v == 0 || v == static_cast<T>(1 / (1 - probability))), v);
      dropped += v == 0;
    }
    const double deviation = std::sqrt(probability * (1 - probability) * 40009);
    CHECK(std::abs(dropped - probability * 40009) < 4 * deviation);
  }
}

TEST_CASE("neighbouring elements and successive draws are independent") {
  const auto x = ones<float>({40000});
  Rng rng{1};
  const auto a = dropout(x, 0.5, rng), b = dropout(x, 0.5, rng);
  double same_as_next = 0, same_as_other = 0;
  for (Index i = 0; i + 1 < x.size(); ++i) {
    same_as_next += a.data()[i] == a.data()[i + 1];
    same_as_other += a.data()[i] == b.data()[i];
  }
  CHECK(same_as_next / 40000 == doctest::Approx(0.5).epsilon(0.03));
  CHECK(same_as_other / 40000 == doctest::Approx(0.5).epsilon(0.03));
}

TEST_CASE("random blocks in vectors are those of the stream one by one") {
  for (Rng stream : {Rng{1}, Rng{0xfedcba9876543210, 0x123456789abcdef0}, Rng::at(7, 3, 0xffffffff - 5)}) {
    const auto words = philox_blocks<16>(stream, 2);
    for (std::size_t i = 0; i < 16; ++i) {
      const auto block = stream.block(2 + i);
      for (std::size_t w = 0; w < 4; ++w) CHECK(words[w][i] == block[w]);
    }
  }
}

TEST_CASE("the mask depends on the stream alone, not on the threads or the scalar") {
  const int before = threads();
  const auto x = ones<float>({20011});
  Rng one{5}, three{5}, wide{5};
  set_threads(1);
  const auto serial = dropout(x, 0.3, one);
  set_threads(3);
  CHECK(same(dropout(x, 0.3, three), serial));
  set_threads(before);
  const auto kept = [](auto v) { return v != 0; };
  CHECK(std::count_if(serial.begin(), serial.end(), kept) > 0);
  const auto doubles = dropout(cast<double>(x), 0.3, wide);
  CHECK(std::equal(serial.begin(), serial.end(), doubles.begin(),
                   [](float a, double b) { return (a == 0) == (b == 0); }));
}

TEST_CASE("training draws anew from the tape each time, inference passes everything") {
  const auto x = ones<float>({1000});
  CHECK(dropout(x, 0.5).data() == x.data());
  Tape tape{Rng{3}};
  const auto a = dropout(tape.constant(x), 0.5), b = dropout(tape.constant(x), 0.5);
  CHECK_FALSE(same(a.value(), b.value()));
  CHECK(dropout(tape.constant(x), 0.0).value().data() == x.data());
}

TEST_CASE("gradients pass where elements pass, to second order") {
  const auto x = random<double>({3, 7});
  const auto f = [](const auto& v) { return square(dropout(v, 0.5)); };
  CHECK(gradient_error(f, x) < 1e-8);
  CHECK(second_gradient_error(f, x) < 1e-7);
}

TEST_CASE("a recomputed segment drops the same elements again") {
  Tape tape{Rng{3}};
  const auto x = tape.variable(random<double>({100}));
  const auto y = recompute([](const auto& v) { return dropout(v, 0.5); }, x);
  const auto gradient = tape.gradient(sum(y), x);
  CHECK(same(gradient * x.value(), y.value()));
}

TEST_CASE("a probability outside [0, 1) is refused") {
  Rng rng;
  CHECK(error_of([&] {
          dropout(ones<float>({2}), 1.0, rng);
        }).starts_with("dropout: a probability of [0, 1) is needed, got 1"));
  CHECK(error_of([&] {
          dropout(ones<float>({2}), -0.5);
        }).starts_with("dropout: a probability of [0, 1) is needed, got -0.5"));
}
