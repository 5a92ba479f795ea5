// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>

using namespace flipbook;

TEST_CASE("Philox gives the words that its paper publishes") {
  // Random123's known-answer file, philox4x32-10.
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE_TEMPLATE("normal numbers have mean 0, variance 1 and normal tails", T, float, double) {
  Rng rng{3};
  const Tensor<T> x = normal<T>({100'001}, rng);
  double sum = 0, squares = 0, beyond_two = 0;
  for (const T v : x) {
    sum += v;
    squares += double(v) * v;
    beyond_two += std::abs(v) > 2;
  }
  const double n = 100'001;
  CHECK(std::abs(sum / n) < 4 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 4 * std::sqrt(2 / n));
  CHECK(beyond_two / n == doctest::Approx(0.0455).epsilon(0.06));
}

TEST_CASE_TEMPLATE("uniform numbers stay in their interval and fill it evenly", T, float, double) {
  Rng rng{4};
  const Tensor<T> x = uniform<T>({100'000}, rng, -1, 3);
  std::array<int, 8> bins{};
  for (const T v : x) {
    REQUIRE(v >= -1);
    REQUIRE(v <= 3);
    ++bins[std::min<std::size_t>(7, static_cast<std::size_t>((v + 1) * 2))];
  }
  for (const int count : bins) CHECK(std::abs(count - 12'500) < 500);
}

TEST_CASE_TEMPLATE("each block of a stream gives two numbers, whatever their number", T, float, double) {
  for (const Index size : {1, 2, 31, 32, 33, 64, 5001}) {
    CAPTURE(size);
    Rng rng = Rng::at(7, 3, 11);
    const Rng before = rng;
    const Tensor<T> x = uniform<T>({size}, rng);
    bool same = true;
    for (Index i = 0; i < size; ++i) {
      const double u = Rng::unit_pair(before.block(static_cast<std::uint64_t>(i / 2)))[static_cast<std::size_t>(i % 2)];
      same &= x.data()[i] == static_cast<T>(std::min(u, static_cast<double>(std::nextafter(T(1), T(0)))));
    }
    CHECK(same);
    CHECK(rng.position() == before.position() + static_cast<std::uint64_t>((size + 1) / 2));
  }
}

TEST_CASE("the same seed gives the same numbers on any number of threads") {
  const int before = threads();
  std::vector<std::vector<float>> drawn;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Rng rng{9};
    drawn.push_back(to_vector(normal<float>({50'001}, rng)));
  }
  set_threads(before);
  CHECK(drawn[0] == drawn[1]);
  CHECK(drawn[0] == drawn[2]);
}

TEST_CASE("draws move a stream on, a copy replays it, and a recorded place resumes it") {
  Rng rng{5};
  const auto first = to_vector(normal<float>({7}, rng));
  Rng copy = rng;
  const auto second = to_vector(normal<float>({7}, rng));
  CHECK(first != second);
  CHECK(to_vector(normal<float>({7}, copy)) == second);
  Rng resumed = Rng::at(rng.seed(), rng.stream(), rng.position());
  CHECK(resumed == rng);
  CHECK(resumed.uniform() == rng.uniform());
}

TEST_CASE("split streams differ from each other and from their parent") {
  Rng rng{6};
  Rng a = rng.split(), b = rng.split();
  std::set<double> seen;
  for (int i = 0; i < 100; ++i) seen.insert({a.uniform(), b.uniform(), rng.uniform()});
  CHECK(seen.size() == 300);
}

TEST_CASE("below(n) gives every one of 0 … n − 1 and nothing else") {
  Rng rng{7};
  std::array<int, 5> counts{};
  for (int i = 0; i < 5000; ++i) ++counts.at(static_cast<std::size_t>(rng.below(5)));
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
}
