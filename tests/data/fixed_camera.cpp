// SPDX-License-Identifier: MIT
#include <flipbook/data/fixed_camera.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace flipbook;

static_assert(Dataset<FixedCamera> && std::same_as<ClipOf<FixedCamera>, MarkedClip<>>);

namespace {

/// The column of what one frame shows and another does not; none where they are the same.
double column_of(const Tensor<float>& frame, const Tensor<float>& other) {
  const Index size = frame.extent(0);
  double sum = 0, total = 0;
  for (Index i = 0; i < size * size; ++i) {
    if (std::abs(frame.data()[3 * i] - other.data()[3 * i]) < 0.02F) continue;
    sum += static_cast<double>(i % size) + 0.5;
    total += 1;
  }
  return sum / total;
}

double mean(const std::vector<double>& of) {
  double sum = 0;
  for (const double value : of) sum += value;
  return sum / static_cast<double>(of.size());
}

}  // namespace

TEST_CASE("without people, all clips of a seed are its background, in their light") {
  const FixedCamera source({.frames = 3, .walkers = 0, .events = 0, .light = 0.3, .light_period = 40});
  double darkest = 1, brightest = 1;
  for (const Index i : {Index{0}, Index{1}, Index{7}, Index{1} << 40}) {
    const auto one = source.clip(i);
    for (Index t = 0; t < 3; ++t) {
      const double light = source.light(i, t);
      darkest = std::min(darkest, light), brightest = std::max(brightest, light);
      for (Index p = 0; p < 64 * 64 * 3; ++p) {
        REQUIRE(one.clip[t].data()[p] == doctest::Approx(std::min(1.0, source.background().data()[p] * light)));
      }
    }
  }
  CHECK((darkest < 0.9 && darkest >= 0.7 && brightest > 1.1 && brightest <= 1.3));
  CHECK(to_vector(FixedCamera({.seed = 1}).background()) != to_vector(source.background()));
  for (const float value : source.background()) REQUIRE((value > 0 && value < 1));
}

TEST_CASE("the part of marked frames is that asked for") {
  const FixedCamera source({.frames = 8, .canvas = 16, .walkers = 0, .events = 0.25, .event_length = 0.375});
  double marked = 0;
  int kinds[4] = {};
  for (Index i = 0; i < 2000; ++i) {
    const auto marks = source.clip(i).marks;
    double here = 0;
    for (const float mark : marks) here += mark;
    REQUIRE(here == (source.event(i) == FixedCamera::Event::none ? 0 : 3));
    if (source.event(i) == FixedCamera::Event::bag) REQUIRE(marks.data()[7] == 1);
    marked += here;
    ++kinds[static_cast<int>(source.event(i))];
  }
  CHECK(marked / (2000 * 8) == doctest::Approx(0.25 * 3 / 8).epsilon(0.1));
  for (int kind = 1; kind < 4; ++kind) CHECK(kinds[kind] == doctest::Approx(2000 * 0.25 / 3).epsilon(0.15));
}

TEST_CASE("an event is all that a clip has more, in frames with a mark faster, the other way, or left behind") {
  const FixedCamera source({.walkers = 0, .events = 1, .light = 0, .seed = 6});
  const Tensor<float>& background = source.background();
  int seen[4] = {};
  for (Index i = 0; i < 40; ++i) {
    const auto one = source.clip(i);
    std::vector<double> usual, during;  // pixels a frame
    for (Index t = 1; t < 20; ++t) {
      const double moved = column_of(one.clip[t], background) - column_of(one.clip[t - 1], background);
      const bool before = one.marks.data()[t - 1] == 1, now = one.marks.data()[t] == 1;
      if (std::isnan(moved) || before != now) continue;
      (now ? during : usual).push_back(moved);
    }
    if (usual.size() < 4 || during.empty()) continue;
    const double ratio = mean(during) / mean(usual);
    const auto event = source.event(i);
    ++seen[static_cast<int>(event)];
    if (event == FixedCamera::Event::runner) CHECK(ratio == doctest::Approx(2.5).epsilon(0.35));
    if (event == FixedCamera::Event::against) CHECK(ratio == doctest::Approx(-1).epsilon(0.35));
    if (event == FixedCamera::Event::bag) CHECK((ratio > 0.3 && ratio < 1));  // the mean of who walks and what stays
  }
  for (int kind = 1; kind < 4; ++kind) CHECK(seen[kind] > 3);
}

TEST_CASE("who walks is the same with events as without") {
  const FixedCamera with({.events = 1, .seed = 4}), without({.events = 0, .seed = 4});
  for (Index i = 0; i < 6; ++i) {
    const auto a = with.clip(i), b = without.clip(i);
    Index different = 0;
    for (Index p = 0; p < a.clip.size(); ++p) different += a.clip.data()[p] != b.clip.data()[p];
    CHECK((different > 0 && different < a.clip.size() / 8));  // one of the people
    for (const float mark : b.marks) REQUIRE(mark == 0);
  }
  CHECK(to_vector(with.clip(3).clip) == to_vector(FixedCamera(with.options()).clip(3).clip));
}

TEST_CASE("people walk one way") {
  const FixedCamera source({.walkers = 1, .events = 0, .light = 0, .seed = 6});
  int right = 0, left = 0;
  for (Index i = 0; i < 40; ++i) {
    const auto one = source.clip(i);
    const double moved = column_of(one.clip[12], source.background()) - column_of(one.clip[8], source.background());
    right += moved > 1, left += moved < -1;
  }
  CHECK(right + left > 15);
  CHECK(right * left == 0);
}

TEST_CASE("cameras that cannot be are refused") {
  CHECK_THROWS_AS(FixedCamera({.events = 1.1}), Error);
  CHECK_THROWS_AS(FixedCamera({.event_length = 0}), Error);
  CHECK_THROWS_AS(FixedCamera({.light = 1}), Error);
}
