// SPDX-License-Identifier: MIT
#include <flipbook/train/progress.hpp>

#include <doctest/doctest.h>

using namespace flipbook;

namespace {

// A stream to write to, a clock to set.
struct Output {
  std::FILE* file = std::tmpfile();
  double time = 100;

  ~Output() { std::fclose(file); }
  ProgressSettings settings(int width) {
    return {.out = file, .width = width, .now = [this] { return time; }};
  }
  std::string text() const {
    std::string all(static_cast<std::size_t>(std::ftell(file)), ' ');
    std::rewind(file);
    REQUIRE(std::fread(all.data(), 1, all.size(), file) == all.size());
    return all;
  }
};

std::ptrdiff_t times(const std::string& text, char c) { return std::count(text.begin(), text.end(), c); }

}  // namespace

TEST_CASE("a line says how far, how well, how fast and how long") {
  Output output;
  {
    Progress progress{"vae", 200, output.settings(0)};
    output.time += 10;
    progress.update(50, {{"loss", 0.123456}, {"kl", 12345.6}}, 400);
  }
  CHECK(output.text() == "vae  50/200  loss 0.123  kl 12346  40 clips/s  0:30 left\n");
}

TEST_CASE("the share of the time that training waits for data is shown where it matters") {
  for (const auto& [waited, shown] : {std::pair{0.19, ""}, {0.2, "data 2 %  "}, {6.0, "data 60 %  "}}) {
    Output output;
    Progress progress{"vae", 20, output.settings(0)};
    output.time += 10;
    progress.update(10, {}, 10, waited);
    progress.finish();
    CHECK(output.text() == text("vae  10/20  1 clips/s  ", shown, "0:10 left\n"));
  }
}

TEST_CASE("a run that goes on from a checkpoint counts its own steps for the time left") {
  Output output;
  auto settings = output.settings(0);
  settings.begin = 100;
  settings.unit = "frames";
  Progress progress{"gan", 200, settings};
  output.time += 10;
  progress.update(150, {}, 5);
  progress.finish();
  CHECK(output.text() == "gan  150/200  0.5 frames/s  0:10 left\n");
}

TEST_CASE("a terminal is drawn on at most ten times a second, and on the last step") {
  Output output;
  Progress progress{"t", 1000, output.settings(100)};
  for (Index step = 1; step <= 1000; ++step) {
    output.time += 0.001;  // a second in all
    progress.update(step, {{"loss", 1}}, step);
  }
  progress.finish();
  const std::string text = output.text();
  CHECK(times(text, '\r') >= 10);
  CHECK(times(text, '\r') <= 12);
  CHECK(text.find("\r\033[Kt [==============================] 1000/1000") != std::string::npos);
  CHECK(times(text, '\n') == 1);
  CHECK(text.back() == '\n');
}

TEST_CASE("what is no terminal gets a line every half minute, and the last step") {
  Output output;
  Progress progress{"t", 100, output.settings(0)};
  for (Index step = 1; step <= 100; ++step) {
    output.time += 1;
    progress.update(step, {}, step);
  }
  progress.finish();
  const std::string text = output.text();
  CHECK(times(text, '\n') == 5);  // after 1, 31, 61, 91 and 100 seconds
  CHECK(times(text, '\r') == 0);
  CHECK(text.find("100/100") != std::string::npos);
  CHECK(text.find("1:40 in all") != std::string::npos);
}

TEST_CASE("a line never is wider than the terminal") {
  for (const int width : {1, 10, 40, 60, 200}) {
    Output output;
    {
      Progress progress{"a long title of a model", 1000, output.settings(width)};
      output.time += 5;
      progress.update(500, {{"generator", 1.5}, {"discriminator", 2.25}}, 1234567);
    }
    const std::string text = output.text();
    CHECK(text.size() - std::string("\r\033[K\n").size() < static_cast<std::size_t>(width));
  }
}

TEST_CASE("nothing is shown of a run that reported nothing") {
  Output output;
  { Progress progress{"t", 10, output.settings(80)}; }
  CHECK(output.text().empty());
}

TEST_CASE("times are minutes and seconds, with hours only where there are any") {
  CHECK(detail::clock_time(0) == "0:00");
  CHECK(detail::clock_time(59.5) == "1:00");
  CHECK(detail::clock_time(3675) == "1:01:15");
  CHECK(detail::clock_time(1e300) == "99:59:59");
}

TEST_CASE("training that ends by time says what is left of it") {
  Output output;
  auto settings = output.settings(0);
  settings.seconds = 120;
  Progress progress{"vae", 1000, settings};
  output.time += 30;
  progress.update(7, {{"loss", 2}}, 60);
  progress.finish();
  output.time += 90;
  progress.update(9, {}, 80);  // at its end a line is shown at once
  CHECK(output.text() == "vae  step 7  loss 2  2 clips/s  1:30 left\nvae  step 9  0.667 clips/s  2:00 in all\n");
}
