// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <flipbook/io/atomic_file.hpp>

#include "chart.hpp"
#include "figure.hpp"
#include "highlight.hpp"
#include "html.hpp"
#include "page/page.hpp"
#include "table.hpp"

/// A page that shows what models have learned: one file that needs no other and no network. All clips on it run by one
/// clock, which the viewer stops, steps and sets. Each family has a colour, which every row, curve and line of a table
/// has whose label is the family's name.
namespace flipbook::examples {

/// A name and what there is to say of it: {"parameters", grouped(1'200'000)}.
struct Fact {
  std::string name = {}, value = {};
};

/// One model. Texts are plain but for the formula, which is HTML or MathML.
struct Section {
  std::string family = {};           ///< "Adversarial"; no two sections have the same
  std::string title = {};            ///< "A generator against a discriminator"
  std::string idea = {};             ///< in a sentence or two
  std::string formula = {};          ///< HTML
  std::vector<Figure> figures = {};  ///< what only this model makes
  std::vector<Fact> facts = {};
  std::vector<Chart> charts = {};
  std::string source_title = {};  ///< "The model, as written in examples/demo.cpp"
  std::string source = {};        ///< C++
};

/// The page from top to bottom.
struct Gallery {
  std::string title = "flipbook";
  std::string summary = {};
  std::string note = {};             ///< what the reader must know first, such as that no data was found
  std::vector<Fact> facts = {};      ///< data, machine, date, time
  Index trained_frames = 0;          ///< a mark on the clock: clips beyond it are longer than those learned from
  double frames_per_second = 8;      ///< of the clock at its ordinary speed
  std::vector<Figure> figures = {};  ///< all families beside each other
  std::vector<Table> tables = {};
  std::vector<Chart> charts = {};
  std::vector<Section> sections = {};  ///< each family by itself
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

inline std::string to_html(const std::vector<Figure>& figures, const Families& families, const std::string& id) {
  std::string html;
  for (std::size_t i = 0; i < figures.size(); ++i)
    html += examples::to_html(figures[i], families, text(id, "-", i + 1));
  return html;
}

inline std::string to_html(const std::vector<Chart>& charts, const Families& families) {
  if (charts.empty()) return "";
  std::string html = "<div class=\"charts\">\n";
  for (const Chart& chart : charts) html += examples::to_html(chart, families);
  return html + "</div>\n";
}

inline std::string to_html(const Section& section, const Families& families) {
  const std::string id = anchor(section.family);
  std::string html = text("<section id=\"", id, "\" class=\"", families.colour(section.family), "\">\n",
                          paragraph("family", section.family), "<h2>", escaped(section.title), "</h2>\n",
                          paragraph("idea", section.idea));
  if (!section.formula.empty()) html += text("<div class=\"formula\">", section.formula, "</div>\n");
  html += to_html(section.facts) + to_html(section.figures, families, id) + to_html(section.charts, families);
  if (!section.source.empty()) {
    html += text("<figure class=\"source\"><figcaption>", escaped(section.source_title), "</figcaption><pre><code>",
                 highlighted(section.source), "</code></pre></figure>\n");
  }
  return html + "</section>\n";
}

inline Index longest(const std::vector<Figure>& figures) {
  Index frames = 0;
  for (const Figure& figure : figures)
    for (const Row& row : figure.rows)
      for (const Tensor<float>& clips : row.clips) frames = std::max(frames, clips.rank() > 1 ? clips.extent(1) : 0);
  return frames;
}

/// The clock's bar: play, step, set, speed.
inline std::string player(const Gallery& gallery) {
  Index frames = longest(gallery.figures);
  for (const Section& section : gallery.sections) frames = std::max(frames, longest(section.figures));
  if (frames < 2) return "";
  const bool longer = gallery.trained_frames > 0 && gallery.trained_frames < frames;
  std::string html = text("<div class=\"player\" role=\"group\" aria-label=\"Clock of all clips\" data-frames=\"",
                          frames, "\" data-rate=\"", compact(gallery.frames_per_second), "\">\n");
  for (const auto& [name, label] : {std::pair{"back", "One frame back"}, {"play", "Play"}, {"on", "One frame on"}})
    html += text("<button type=\"button\" class=\"", name, "\" aria-label=\"", label, "\" title=\"", label,
                 "\"></button>\n");
  html += text("<div class=\"scrub\"><input type=\"range\" class=\"frame\" min=\"1\" max=\"", frames,
               "\" value=\"1\" aria-label=\"Frame\">");
  if (longer) {
    html +=
        text("<span class=\"trained\" style=\"--at:", compact(double(gallery.trained_frames - 1) / double(frames - 1)),
             "\">", "trained on ", gallery.trained_frames, "</span>");
  }
  html += text("</div>\n<output class=\"now\">1 / ", frames, "</output>\n<select aria-label=\"Speed\">");
  for (const auto& [speed, name] : {std::pair{"0.25", "¼×"}, {"0.5", "½×"}, {"1", "1×"}, {"2", "2×"}, {"4", "4×"}})
    html += text("<option value=\"", speed, "\"", std::string_view(speed) == "1" ? " selected" : "", ">", name,
                 "</option>");
  return html + "</select>\n</div>\n";
}

}  // namespace detail

/// The whole page.
/// @throws Error if a figure, chart or table cannot be drawn
inline std::string to_html(const Gallery& gallery) {
  Families families;
  for (const Section& section : gallery.sections) families.names.push_back(section.family);
  std::string html =
      text("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
           "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", escaped(gallery.title),
           "</title>\n<style>\n", page::style, "</style>\n</head>\n<body>\n",
           "<button type=\"button\" class=\"theme\" aria-label=\"Dark or light\"></button>\n<header>\n<h1>",
           escaped(gallery.title), "</h1>\n", detail::paragraph("summary", gallery.summary));
  html += detail::paragraph("note", gallery.note) + detail::to_html(gallery.facts);
  if (gallery.sections.size() > 1) {
    html += "<nav aria-label=\"Models\">";
    for (const Section& section : gallery.sections) {
      html += text("<a class=\"", families.colour(section.family), "\" href=\"#", anchor(section.family), "\">",
                   escaped(section.family), "</a>");
    }
    html += "</nav>\n";
  }
  html += "</header>\n<main>\n" + detail::to_html(gallery.figures, families, "all");
  for (const Table& table : gallery.tables) html += to_html(table, families);
  html += detail::to_html(gallery.charts, families);
  for (const Section& section : gallery.sections) html += detail::to_html(section, families);
  html +=
      "<p class=\"keys\"><kbd>space</kbd> plays and stops all clips, <kbd>←</kbd> and <kbd>→</kbd> step by a "
      "frame.</p>\n";
  return text(html, "</main>\n", detail::player(gallery), "<script>\n", page::script, "</script>\n</body>\n</html>\n");
}

/// Writes the page to a file, atomically; folders on the way to it are made.
/// @throws Error if a figure, chart or table cannot be drawn, or the file not be written
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
