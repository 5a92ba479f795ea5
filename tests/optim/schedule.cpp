// SPDX-License-Identifier: MIT
#include <flipbook/optim/schedule.hpp>

#include <doctest/doctest.h>

using namespace flipbook;

TEST_CASE("a cosine begins at its rate, is half way in the middle, and stays at its end") {
  const auto rate = schedule::cosine(1.0, 10, 0.2);
  CHECK(rate(0) == doctest::Approx(1));
  CHECK(rate(5) == doctest::Approx(0.6));
  CHECK(rate(10) == doctest::Approx(0.2));
  CHECK(rate(1000) == doctest::Approx(0.2));
  for (Index step = 0; step < 10; ++step) CHECK(rate(step) > rate(step + 1));
}

TEST_CASE("one cycle is PyTorch's OneCycleLR at every step") {
  const double expected[] = {0.01200000000000001,
                             0.156,
                             0.3,
                             0.2851453896040421,
                             0.24352369618492894,
                             0.18337860658088678,
                             0.11662259341911323,
                             0.05647750381507109,
                             0.014855810395957887,
                             1.2e-06};
  const auto rate = schedule::one_cycle(0.3, 10);
  for (Index step = 0; step < 10; ++step) CHECK(rate(step) == doctest::Approx(expected[step]).epsilon(1e-12));
  for (const Index steps : {1, 2, 3, 7}) {
    for (Index step = 0; step <= steps; ++step) CHECK(schedule::one_cycle(1, steps, 0.5)(step) >= 0);  // never NaN
  }
}

TEST_CASE("warming up rises in equal steps to the schedule that it warms up for") {
  const auto rate = schedule::warm_up(4, schedule::constant(2));
  CHECK(rate(0) == 0.5);
  CHECK(rate(1) == 1);
  CHECK(rate(3) == 2);
  CHECK(rate(4) == 2);
  const auto cosine = schedule::cosine(1, 100);
  const schedule::Any warmed = schedule::warm_up(10, cosine);
  CHECK(warmed(4) == doctest::Approx(0.5 * cosine(4)));
  CHECK(warmed(50) == cosine(50));
}

TEST_CASE("schedules follow one another, each from its own beginning") {
  const auto rate = schedule::then(3, schedule::constant(5), schedule::cosine(1, 10));
  CHECK(rate(2) == 5);
  CHECK(rate(3) == doctest::Approx(1));
  CHECK(rate(13) == doctest::Approx(0));
}

TEST_CASE("a schedule over no steps is refused") {
  CHECK_THROWS_AS(schedule::cosine(1, 0), Error);
  CHECK_THROWS_AS(schedule::one_cycle(1, 0), Error);
  CHECK_THROWS_AS(schedule::one_cycle(1, 10, 1.0), Error);
  CHECK_THROWS_AS(schedule::warm_up(0, schedule::constant(1)), Error);
}

TEST_CASE("a trapezoid rises, stays and falls by the share of training") {
  const auto rate = schedule::trapezoid(0.2, 0.1, 0.4, 0.01);
  CHECK(rate(0) == 0);
  CHECK(rate(0.05) == doctest::Approx(0.1));
  CHECK(rate(0.1) == 0.2);
  CHECK(rate(0.6) == doctest::Approx(0.2));
  CHECK(rate(0.8) == doctest::Approx(0.105));
  CHECK(rate(1) == doctest::Approx(0.01));
  CHECK(rate(1.5) == doctest::Approx(0.01));
  CHECK(schedule::trapezoid(0.2, 0, 0)(0) == 0.2);
  CHECK_THROWS_WITH_AS(schedule::trapezoid(1, 0.6, 0.5), doctest::Contains("a rise of 0.600000 and a fall of 0.500000"),
                       Error);
}
