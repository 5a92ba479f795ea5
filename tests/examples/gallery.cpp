// SPDX-License-Identifier: MIT
#include "../../examples/support/gallery.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <flipbook/core/fill.hpp>

#include "../../examples/support/device.hpp"
#include "../../examples/support/facts.hpp"
#include "../../examples/support/formulas.hpp"

using namespace flipbook;
using namespace flipbook::examples;

namespace {

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t found = 0;
  for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++found;
  return found;
}
bool contains(const std::string& text, const std::string& piece) { return count(text, piece) > 0; }

std::string base64_of(const std::string& bytes) {
  return base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

/// The elements that a page opens and does not close, or closes without having opened them.
std::vector<std::string> unbalanced(const std::string& html) {
  std::vector<std::string> open;
  const auto next = [&](std::size_t from) {  // what a script says is no markup
    return html.find(!open.empty() && open.back() == "script" ? "</script" : "<", from);
  };
  for (auto at = next(0); at != std::string::npos; at = next(at + 1)) {
    const auto end = html.find('>', at);
    REQUIRE(end != std::string::npos);
    std::string tag = html.substr(at + 1, end - at - 1);
    const bool closing = tag.starts_with('/');
    const std::string name = tag.substr(closing ? 1 : 0, tag.find_first_of(" \n", 1) - (closing ? 1 : 0));
    if (name == "!doctype" || name == "meta" || name == "img" || name == "input" || tag.ends_with('/')) continue;
    if (!closing) open.push_back(name);
    else if (!open.empty() && open.back() == name) open.pop_back();
    else return {name, "closed where it was not open"};
  }
  return open;
}

Tensor<float> clips(Index count, Index frames, Index channels, float value = 0.5F) {
  return full<float>({count, frames, 5, 7, channels}, value);
}

Curve falling(const std::string& name) {
  Curve curve{.name = name};
  for (int step = 0; step < 1000; ++step) curve.add(step, 2 + 1000 * std::exp(-step / 50.0));
  return curve;
}

Gallery everything() {
  return {.title = "A <page>",
          .summary = "R&D",
          .note = "Nothing was found.",
          .facts = {{"data", "\"quoted\""}},
          .trained_frames = 4,
          .figures = {{.caption = "data", .rows = {{.clips = {clips(5, 3, 3)}}}},
                      {.title = "training",
                       .rows = {{"real", {clips(2, 8, 1)}}, {"Three", {clips(2, 8, 1), clips(2, 8, 1)}, 0, {"a", "b"}}},
                       .stops = {"<early>", "late"}}},
          .tables = {{.title = "quality",
                      .columns = {{"distance", "", Best::lowest, 1}, {"confidence", "", Best::highest}},
                      .rows = {{"Three", {3.14, 0.5}}, {"Four", {2.5, 0.25}}, {"floor", {1, 1}, true}}}},
          .charts = {{.title = "all", .curves = {falling("Four"), falling("Three")}}},
          .sections = {
              {.family = "One & two",
               .title = "T",
               .idea = "a < b",
               .formula = formula::elbo,
               .figures = {{.title = "starts",
                            .rows = {{"real", each(clips(2, 4, 1)), 2}, {"made", each(clips(2, 4, 1)), 2}},
                            .control = Control::thumbnail},
                           {.title = "between", .rows = {{"made", each(clips(3, 4, 1))}}, .control = Control::between}},
               .facts = {{"parameters", grouped(1234567)}},
               .charts = {{.title = "loss", .y_label = "nats", .logarithmic = true, .curves = {falling("train")}}},
               .source_title = "source",
               .source = "using A = B<1>;  // <C>"},
              {.family = "Three", .formula = formula::minimax},
              {.family = "Four", .formula = formula::autoregressive},
              {.family = "Five", .formula = formula::flow_matching}}};
}

}  // namespace

TEST_CASE("text cannot become markup") {
  CHECK(escaped("<a href=\"x\">'&amp;</a>") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&lt;/a&gt;");
  const std::string page = to_html(everything());
  CHECK(contains(page, "<title>A &lt;page&gt;</title>"));
  CHECK(contains(page, "R&amp;D"));
  CHECK(contains(page, "&quot;quoted&quot;"));
  CHECK(contains(page, "a &lt; b"));
  CHECK_FALSE(contains(page, "<page>"));
  CHECK_FALSE(contains(page, "<C>"));
}

TEST_CASE("bytes are coded as RFC 4648 has it") {
  CHECK(base64_of("") == "");
  CHECK(base64_of("f") == "Zg==");
  CHECK(base64_of("fo") == "Zm8=");
  CHECK(base64_of("foo") == "Zm9v");
  CHECK(base64_of("foobar") == "Zm9vYmFy");
  CHECK(base64_of("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("every element of a page is closed, and the page needs nothing else") {
  const std::string page = to_html(everything());
  CHECK(unbalanced(page) == std::vector<std::string>{});
  for (const char* outside : {"http", "src=\"/", "@import", "url(", "<script src", "<link"})
    CHECK_FALSE(contains(page, outside));
  CHECK(count(page, "<img alt=\"\" src=\"data:image/png;base64,iVBORw0KGgo") == 1 + 3 + 4 + 3);
  CHECK(count(page, "<script>") == 1);
  CHECK(count(page, "<section id=") == 4);
  CHECK(contains(page, "<section id=\"one-two\""));
  CHECK(contains(page, "href=\"#one-two\""));
  CHECK(contains(page, "1\u202f234\u202f567"));
}

TEST_CASE("a sheet has frame t of clip n at row t and column n, in shades of five") {
  Tensor<float> x({3, 2, 5, 7, 3});
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 256) / 255;
  const auto sheet = flipbook::examples::detail::sheet(x, 5);
  REQUIRE(sheet.shape() == Shape{2 * 5, 3 * 7, 3});
  for (Index n = 0; n < 3; ++n)
    for (Index t = 0; t < 2; ++t)
      for (Index row = 0; row < 5; ++row)
        for (Index column = 0; column < 7; ++column)
          for (Index c = 0; c < 3; ++c) {
            const auto given = static_cast<int>((((n * 2 + t) * 5 + row) * 7 + column) * 3 + c) % 256;
            const int kept = sheet.data()[((t * 5 + row) * 21 + n * 7 + column) * 3 + c];
            CHECK(kept % 5 == 0);
            CHECK(std::abs(kept - given) <= 2);
          }
}

TEST_CASE("a sheet of noise has fewer shades than another") {
  const auto shades = [](const Tensor<float>& x) {
    const auto pixels = flipbook::detail::decode_png(flipbook::examples::detail::packed_sheet(x), 1);
    return std::set<int>(pixels.begin(), pixels.end()).size();
  };
  Tensor<float> ramp({2, 4, 32, 32, 1}), noise(ramp.shape());
  std::uint32_t state = 1;
  for (Index i = 0; i < ramp.size(); ++i) {
    ramp.data()[i] = static_cast<float>(i / 32 % 256) / 255;
    state = state * 1664525U + 1013904223U;
    noise.data()[i] = static_cast<float>(state >> 24) / 255;
  }
  CHECK(shades(ramp) == 52);
  CHECK(shades(noise) == 18);
}

TEST_CASE("the clock is as long as the longest clip, and marks those learned from where some are longer") {
  const std::string page = to_html(everything());
  CHECK(contains(page, "class=\"player\" role=\"group\" aria-label=\"Clock of all clips\" data-frames=\"8\""));
  CHECK(contains(page, ">trained on 4</span>"));
  CHECK_FALSE(contains(to_html(Gallery{.trained_frames = 3, .figures = {{.rows = {{.clips = {clips(1, 3, 1)}}}}}}),
                       "trained on"));
  CHECK_FALSE(contains(to_html(Gallery{.figures = {{.rows = {{.clips = {clips(1, 1, 1)}}}}}}), "class=\"player\""));
}

TEST_CASE("a page has one sheet for each stop, its open stop is seen without a script, and its control names them") {
  const Figure figure{.title = "F", .rows = {{.label = "a", .clips = each(clips(3, 4, 1))}}, .opens_at = 1};
  const std::string html = to_html(figure);
  CHECK(count(html, "<img ") == 3);
  CHECK(count(html, "\" hidden>") == 2);
  CHECK(contains(html, "min=\"0\" max=\"2\" value=\"1\""));
  CHECK(contains(html, "aria-valuetext=\"2\""));
  CHECK(contains(to_html(everything()), "<li>&lt;early&gt;</li><li>late</li>"));
  CHECK(count(to_html(everything()), "type=\"radio\"") == 2);
}

TEST_CASE("a family has one colour in rows, curves, tables and its section") {
  const std::string page = to_html(everything());
  CHECK(contains(page, "<section id=\"three\" class=\"c1\">"));
  CHECK(contains(page, "<div class=\"lane c1\""));
  CHECK(contains(page, "<div class=\"lane plain\""));
  CHECK(contains(page, "<tr class=\"c1\"><th scope=\"row\">Three"));
  CHECK(contains(page, "<li class=\"c2\"><span>Four</span>"));
  CHECK(contains(page, "<li class=\"c1\"><span>Three</span>"));
}

TEST_CASE("the best of a column is bold, and no reference is the best") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const Table table{.columns = {{"low", "", Best::lowest, 1}, {"high", "", Best::highest, 0}, {"any"}},
                    .rows = {{"a", {2, -7, 1}}, {"b", {1, none, 2}}, {"c", {0, 9, 3}, true}}};
  const std::string html = to_html(table);
  CHECK(count(html, "<b>") == 2);
  CHECK(contains(html, "<td><b>1.0</b></td>"));
  CHECK(contains(html, "<td><b>−7</b></td>"));
  CHECK(contains(html, "<td>–</td>"));
  CHECK(contains(html, "low ↓"));
  CHECK(contains(html, "high ↑"));
  CHECK_THROWS_AS(to_html(Table{.columns = {{"one"}}, .rows = {{"a", {1, 2}}}}), Error);
}

TEST_CASE("figures that cannot be drawn are refused") {
  const auto refused = [](const Figure& figure) { CHECK_THROWS_AS(to_html(figure), Error); };
  refused({.caption = "none"});
  refused({.rows = {{.label = "no clips"}}});
  refused({.rows = {{.clips = {Tensor<float>({2, 3, 4, 5})}}}});
  refused({.rows = {{.clips = {clips(1, 3, 2)}}}});
  refused({.rows = {{.clips = {clips(1, 3, 1), clips(1, 4, 1)}}}});
  refused({.rows = {{.clips = each(clips(2, 3, 1))}, {.clips = each(clips(3, 3, 1))}}});
  refused({.rows = {{.clips = each(clips(2, 3, 1)), .notes = {"1", "2", "3"}}}});
  refused({.rows = {{.clips = each(clips(2, 3, 1))}}, .stops = {"1"}});
  refused({.rows = {{.clips = each(clips(2, 3, 1))}}, .opens_at = 2});
  refused({.rows = {{.clips = {clips(1, 3, 1)}, .given = 4}}});
  refused({.rows = {{.clips = {clips(1, 3, 1, std::numeric_limits<float>::quiet_NaN())}}}});
  CHECK_NOTHROW(to_html(Figure{.rows = {{.clips = {clips(1, 3, 1, 7.0F)}}}}));  // what is out of range is cut off
}

TEST_CASE("a chart of anything has finite coordinates") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<Curve> strange{{.name = "none"},
                                   {.name = "one", .steps = {5}, .values = {3}},
                                   {.name = "flat", .steps = {0, 1, 2}, .values = {0, 0, 0}},
                                   {.name = "broken", .steps = {0, 1, 2, 3}, .values = {nan, 1, -inf, -2}},
                                   {.name = "huge", .steps = {0, 1}, .values = {1e-30, 1e30}},
                                   falling("long")};
  for (const Curve& curve : strange) {
    for (const bool logarithmic : {false, true}) {
      for (const bool smooth : {false, true}) {
        const Plot plot({.logarithmic = logarithmic, .smooth = smooth, .curves = {curve}});
        CAPTURE(curve.name);
        CHECK_FALSE(contains(plot.svg(), "nan"));
        CHECK_FALSE(contains(plot.svg(), "inf"));
        CHECK_FALSE(contains(plot.points(), "nan"));
        CHECK_FALSE(contains(plot.points(), "inf"));
        CHECK(unbalanced(plot.svg()) == std::vector<std::string>{});
      }
    }
  }
  CHECK_THROWS_AS(to_html(Chart{.curves = {{.name = "uneven", .steps = {1}, .values = {}}}}), Error);
}

TEST_CASE("smoothing keeps a straight line straight and ignores what is no number") {
  std::vector<double> line(600);
  for (std::size_t i = 0; i < line.size(); ++i) line[i] = 3 - 0.5 * static_cast<double>(i);
  const auto smooth = flipbook::detail::smoothed(line);
  for (std::size_t i = 0; i + 10 < line.size(); ++i) CHECK(smooth[i] == doctest::Approx(line[i]));
  line[300] = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isfinite(flipbook::detail::smoothed(line)[300]));
}

TEST_CASE("C++ is coloured by what its pieces are") {
  CHECK(highlighted("int x = 0x1F;  // a < b") ==
        "<span class=\"keyword\">int</span> x = <span class=\"number\">0x1F</span>;  "
        "<span class=\"comment\">// a &lt; b</span>");
  CHECK(highlighted("Tensor<float> y{\"<\\\"\"};") ==
        "<span class=\"type\">Tensor</span>&lt;<span class=\"keyword\">float</span>&gt; "
        "y{<span class=\"string\">&quot;&lt;\\&quot;&quot;</span>};");
  CHECK(highlighted("/* a\nb */ 1'000.5") ==
        "<span class=\"comment\">/* a\nb */</span> <span class=\"number\">1&#39;000.5</span>");
  CHECK(highlighted("\"open") == "<span class=\"string\">&quot;open</span>");
  CHECK(highlighted("/* open") == "<span class=\"comment\">/* open</span>");
  CHECK(highlighted("\"\\") == "<span class=\"string\">&quot;\\</span>");
}

TEST_CASE("numbers and times read well") {
  CHECK(compact(0.25) == "0.25");
  CHECK(compact(1234.5678) == "1235");
  CHECK(compact(123456) == "123456");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1\u202f000");
  CHECK(grouped(-1234567) == "−1\u202f234\u202f567");
  CHECK(grouped(1234567890) == "1\u202f234\u202f567\u202f890");
  CHECK(duration(0.04) == "0 s");
  CHECK(duration(3.14) == "3.1 s");
  CHECK(duration(59.4) == "59 s");
  CHECK(duration(59.9) == "1 min 00 s");
  CHECK(duration(200) == "3 min 20 s");
  CHECK(duration(3900) == "1 h 05 min");
  CHECK(anchor("A & b: C") == "a-b-c");
  CHECK(anchor("…") == "part");
  CHECK(today().size() == 10);
  CHECK(contains(machine(Cpu{}), " thread"));
}

TEST_CASE("a page is written with the folders on its way, and not at all where it cannot be") {
  const auto folder = std::filesystem::temp_directory_path() / ("flipbook-gallery-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  write_gallery(folder / "a" / "index.html", everything());
  CHECK(std::filesystem::file_size(folder / "a" / "index.html") == to_html(everything()).size());
  CHECK_THROWS_AS(write_gallery(folder / "a" / "index.html" / "b.html", everything()), Error);
  CHECK_THROWS_AS(write_gallery(folder / "a" / "other.html", {.figures = {{.caption = "none"}}}), Error);
  CHECK_FALSE(std::filesystem::exists(folder / "a" / "other.html"));
  std::filesystem::remove_all(folder);
}
