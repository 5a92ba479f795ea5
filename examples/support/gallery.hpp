// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/io/atomic_file.hpp>

#include "chart.hpp"
#include "figure.hpp"
#include "highlight.hpp"
#include "html.hpp"
#include "style.hpp"

/// A page that shows what models have learned: one file that needs no other and no network.
namespace flipbook::examples {

/// A name and what there is to say of it: {"parameters", grouped(1'200'000)}.
struct Fact {
  std::string name = {}, value = {};
};

/// One model. Texts are plain but for the formula, which is HTML or MathML.
struct Section {
  std::string family = {};           ///< "Adversarial"
  std::string title = {};            ///< "A generator against a discriminator"
  std::string idea = {};             ///< in a sentence or two
  std::string formula = {};          ///< HTML
  std::vector<Figure> figures = {};  ///< what it makes, beside what is real
  std::vector<Fact> facts = {};
  std::vector<Chart> charts = {};
  std::vector<Figure> training = {};  ///< what it made on the way
  std::string source_title = {};      ///< "The model, as written in examples/demo.cpp"
  std::string source = {};            ///< C++
};

struct Gallery {
  std::string title = "flipbook";
  std::string summary = {};
  std::vector<Fact> facts = {};  ///< data, machine, date, time
  std::string note = {};         ///< what the reader must know first, such as that no data was found
  std::vector<Figure> figures = {};
  std::vector<Section> sections = {};
};

namespace detail {

inline std::string to_html(const std::vector<Fact>& facts) {
  if (facts.empty()) return "";
  std::string html = "<dl class=\"facts\">";
  for (const Fact& fact : facts) {
    html += text("<div><dt>", escaped(fact.name), "</dt><dd>", escaped(fact.value), "</dd></div>");
  }
  return html + "</dl>\n";
}

inline std::string paragraph(std::string_view kind, const std::string& words) {
  return words.empty() ? "" : text("<p class=\"", kind, "\">", escaped(words), "</p>\n");
}

inline std::string to_html(const Section& section) {
  std::string html = text("<section id=\"", anchor(section.family), "\">\n", paragraph("family", section.family),
                          "<h2>", escaped(section.title), "</h2>\n", paragraph("idea", section.idea));
  if (!section.formula.empty()) html += text("<div class=\"formula\">", section.formula, "</div>\n");
  for (const Figure& figure : section.figures) html += examples::to_html(figure);
  html += to_html(section.facts);
  if (!section.charts.empty()) {
    html += "<div class=\"charts\">\n";
    for (const Chart& chart : section.charts) html += examples::to_html(chart, section.charts.size() == 1);
    html += "</div>\n";
  }
  for (const Figure& figure : section.training) html += examples::to_html(figure);
  if (!section.source.empty()) {
    html += text("<figure class=\"source\"><figcaption>", escaped(section.source_title), "</figcaption><pre><code>",
                 highlighted(section.source), "</code></pre></figure>\n");
  }
  return html + "</section>\n";
}

}  // namespace detail

/// The whole page.
/// @throws Error if a figure or chart cannot be drawn
inline std::string to_html(const Gallery& gallery) {
  std::string html = text("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
                          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", escaped(gallery.title),
                          "</title>\n<style>\n", style, "</style>\n</head>\n<body>\n<header>\n<h1>",
                          escaped(gallery.title), "</h1>\n", detail::paragraph("summary", gallery.summary));
  html += detail::paragraph("note", gallery.note) + detail::to_html(gallery.facts);
  if (gallery.sections.size() > 1) {
    html += "<nav>";
    for (const Section& section : gallery.sections) {
      html += text("<a href=\"#", anchor(section.family), "\">", escaped(section.family), "</a>");
    }
    html += "</nav>\n";
  }
  html += "</header>\n<main>\n";
  for (const Figure& figure : gallery.figures) html += to_html(figure);
  for (const Section& section : gallery.sections) html += detail::to_html(section);
  return html + "</main>\n</body>\n</html>\n";
}

/// Writes the page to a file, atomically; folders on the way to it are made.
/// @throws Error if a figure or chart cannot be drawn, or the file not be written
inline void write_gallery(const std::filesystem::path& path, const Gallery& gallery) {
  const std::string html = to_html(gallery);
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  require(!error, "gallery: the folder of '", path.string(), "' cannot be made: ", error.message());
  AtomicFile file(path);
  file.write(html);
  file.commit();
}

}  // namespace flipbook::examples
