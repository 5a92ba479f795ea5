// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>
#include <flipbook/core/window.hpp>

using namespace flipbook;

TEST_CASE("an error's text joins strings, numbers and shapes") {
  CHECK_THROWS_WITH_AS(fail("conv: ", 3, " of ", Shape{1, 2}, std::string(" at "), true), "conv: 3 of (1, 2) at true",
                       Error);
  CHECK_THROWS_WITH_AS(require(1 > 2, "no ", 'x'), "no x", Error);
  CHECK_NOTHROW(require(2 > 1, "never"));
}

TEST_CASE("what would reach a terminal as a command is written out") {
  CHECK_THROWS_WITH_AS(fail("file '", std::string("a\x1b[2Jb\n\0c\x7f", 9), "' – naïve"),
                       "file 'a\\x1b[2Jb\\x0a\\x00c' – naïve", Error);
  CHECK_THROWS_WITH_AS(fail("\xc2\x9b"
                            "2J",
                            "\xc2"),
                       "\\x9b2J\xc2", Error);
}

TEST_CASE("an error's text stays short, whatever a file calls what is in it, and is cut between characters") {
  std::string name;
  for (int i = 0; i < 100'000; ++i) name += "ü";
  for (const char* before : {"a", "ab"}) {
    try {
      fail(before, name, " is refused");
    } catch (const Error& error) {
      const std::string text = error.what();
      CHECK(text.size() < 4100);
      CHECK(text.starts_with(before));
      CHECK(text.ends_with("ü is refused"));
      CHECK(text.find("ü [...] ü") != std::string::npos);
    }
  }
}

TEST_CASE("an extent may be given as one number, as height and width, or as time, height and width") {
  CHECK(Extent(4) == Extent(4, 4, 4));
  CHECK(Extent(5, 6) == Extent(1, 5, 6));
  CHECK(Extent(2, 3, 4)[0] == 2);
  CHECK(Extent(2, 3, 4)[2] == 4);
  constexpr Window window{.kernel = {3, 4, 4}, .padding = {{2, 1, 1}, {0, 1, 1}}};
  CHECK(window.padding.before == Extent(2, 1, 1));
  CHECK(window.padding.after == Extent(0, 1, 1));
  CHECK(window.stride == Extent(1));
}
