// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/json.hpp>
#include <flipbook/io/pixels.hpp>
#include <flipbook/io/png.hpp>

#include "html.hpp"

namespace flipbook::examples {

/// Clips under one label: data, or what one model makes.
struct Row {
  std::string label = {};  ///< a family's name has that family's colour
  /// One tensor for each stop of the figure, or one for all of them: (N, T, H, W, 1 or 3) in [0, 1].
  std::vector<Tensor<float>> clips = {};
  Index given = 0;  ///< frames at the beginning that the model was given and did not make; the page marks them
  std::vector<std::string> notes =
      {};  ///< a few words under the label, for each stop or for all: {"step 0", "step 90"}
};

/// How the viewer goes from one stop of a figure to another; all rows go together.
enum class Control {
  slider,     ///< through named stops, as snapshots of training
  thumbnail,  ///< chooses among the given frames of the first row, as starts of a prediction
  between,    ///< a slider from the first row's first clip to its last, as an interpolation
};

/// Rows of clips that move in step with all others of the page. Where the rows have clips for several stops, the viewer
/// sees one stop at a time. Rows of one clip stand side by side, others below each other.
struct Figure {
  std::string title = {}, caption = {};
  std::vector<Row> rows = {};
  Control control = Control::slider;    ///< where there are several stops
  std::vector<std::string> stops = {};  ///< their names, {"untrained", "1 min", "2 min"}; empty: 1, 2, 3, …
  Index opens_at = -1;                  ///< the stop that is seen first; negative: from the end, −1 the last
};

/// Clips (N, …) as N stops of one clip each, (1, …).
inline std::vector<Tensor<float>> each(const Tensor<float>& clips) {
  std::vector<Tensor<float>> stops;
  for (Index n = 0; n < clips.extent(0); ++n) {
    Shape shape = clips.shape();
    shape[0] = 1;
    stops.push_back(clips[n].reshape(shape));
  }
  return stops;
}

namespace detail {

inline Index stops_of(const Figure& figure) {
  std::size_t stops = 1;
  for (const Row& row : figure.rows) stops = std::max(stops, row.clips.size());
  return static_cast<Index>(stops);
}

inline void check(const Figure& figure) {
  const std::string name = text("figure '", figure.title, "'");
  const std::size_t stops = static_cast<std::size_t>(stops_of(figure));
  require(!figure.rows.empty(), name, ": has no rows");
  require(figure.stops.empty() || figure.stops.size() == stops, name, ": has ", figure.stops.size(), " names for ",
          stops, " stops");
  require(figure.opens_at < static_cast<Index>(stops) && figure.opens_at >= -static_cast<Index>(stops), name,
          ": opens at stop ", figure.opens_at, " of ", stops);
  for (const Row& row : figure.rows) {
    require(row.clips.size() == stops || row.clips.size() == 1, name, ": row '", row.label, "' has ", row.clips.size(),
            " stops where another has ", stops);
    require(row.notes.size() <= 1 || row.notes.size() == stops, name, ": row '", row.label, "' has ", row.notes.size(),
            " notes for ", stops, " stops");
    const Shape& first = row.clips.front().shape();
    for (const Tensor<float>& clips : row.clips) {
      const Shape& s = clips.shape();
      require(s.rank() == 5 && s.size() > 0 && (s[4] == 1 || s[4] == 3), name,
              ": needs clips (N, T, H, W, 1 or 3), got ", s);
      require(s == first, name, ": row '", row.label, "' has clips of shapes ", first, " and ", s);
      require(s[0] * s[3] < 1 << 16 && s[1] * s[2] < 1 << 16, name, ": clips ", s, " do not fit into one picture");
      require_finite(clips, name);
    }
    require(row.given >= 0 && row.given <= first[1], name, ": row '", row.label, "' was given ", row.given, " of ",
            first[1], " frames");
  }
}

/// Clips as one picture: frame t of clip n is at row t and column n.
/// @param clips  (N, T, H, W, C)
/// @param shade  the distance of two shades of grey, an odd part of 255
/// @return  (T H, N W, C)
inline Tensor<std::uint8_t> sheet(const Tensor<float>& clips, int shade) {
  const Shape& s = clips.shape();
  const Index line = s[3] * s[4];
  Tensor<std::uint8_t> pixels({s[1] * s[2], s[0] * s[3], s[4]});  // (T H, N W, C)
  const Tensor<std::uint8_t> bytes = to_bytes(clips, "figure");   // (N, T, H, W, C)
  const std::uint8_t* from = bytes.data();
  for (Index n = 0; n < s[0]; ++n)
    for (Index y = 0; y < s[1] * s[2]; ++y, from += line)
      std::transform(from, from + line, pixels.data() + (y * s[0] + n) * line, [shade](std::uint8_t value) {
        return static_cast<std::uint8_t>((value + shade / 2) / shade * shade);
      });
  return pixels;
}

/// A sheet as a PNG file. 52 shades are too many to tell apart, and pack into fewer bytes than 256; of noise, which
/// packs badly, 18 are enough.
inline Bytes packed_sheet(const Tensor<float>& clips) {
  Bytes png = flipbook::detail::encode_png(sheet(clips, 5));
  const bool noise = png.size() > static_cast<std::size_t>(clips.size()) / 10;
  return noise ? flipbook::detail::encode_png(sheet(clips, 15)) : png;
}

inline std::string json_list(const std::vector<std::string>& names) {
  std::string json;
  for (const std::string& name : names) json += (json.empty() ? "[" : ",") + flipbook::detail::to_json(name);
  return json.empty() ? "[]" : json + "]";
}

/// One row, its clips about `size` pixels wide: label, and a sheet for each stop, of which the page's script draws the
/// frames. Without it the last frames of the open stop are seen.
inline std::string to_html(const Row& row, const Families& families, Index open, Index size) {
  const Shape& s = row.clips.front().shape();
  const auto of_stop = [&](const auto& list) { return list.size() == 1 ? 0 : static_cast<std::size_t>(open); };
  const Index lines = (s[0] + 3) / 4, narrow = (s[0] + lines - 1) / lines;  // of clips on a telephone
  const Index scale = std::max<Index>(1, size / s[3]);
  std::string html = text("<div class=\"lane ", families.colour(row.label), "\" data-given=\"", row.given,
                          "\" style=\"--n:", s[0], ";--narrow:", narrow, ";--w:", s[3], ";--scale:", scale, "\">\n");
  html += text("<p class=\"label\"><b>", escaped(row.label), "</b>");
  if (!row.notes.empty()) {
    html += text(" <span class=\"note\" data-notes=\"", escaped(json_list(row.notes)), "\">",
                 escaped(row.notes[of_stop(row.notes)]), "</span>");
  }
  if (row.given > 0) html += text(" <span class=\"state\">", row.given, " frames given</span>");
  html += text("</p>\n<div class=\"reel\" role=\"img\" aria-label=\"", escaped(row.label), ": ", s[0],
               s[0] == 1 ? " clip of " : " clips of ", s[1], " frames\" style=\"--t:", s[1], ";--h:", s[2], "\">");
  for (std::size_t i = 0; i < row.clips.size(); ++i) {
    html += text("<img alt=\"\" src=\"", data_uri("image/png", packed_sheet(row.clips[i])), "\"",
                 i == of_stop(row.clips) ? "" : " hidden", ">");
  }
  html += "</div>\n";
  if (row.given > 0) {
    html += text("<div class=\"track\" style=\"--given:", compact(100.0 * double(row.given) / double(s[1])),
                 "%\"></div>\n");
  }
  return html + "</div>\n";
}

/// What the viewer moves between stops with.
inline std::string control(const Figure& figure, const std::string& id, Index open) {
  const Index stops = stops_of(figure);
  std::vector<std::string> names = figure.stops;
  for (Index i = 1; i <= stops && figure.stops.empty(); ++i) names.push_back(std::to_string(i));
  const std::string& now = names[static_cast<std::size_t>(open)];
  std::string html;
  if (figure.control == Control::thumbnail) {
    html = text("<fieldset class=\"control choice\"><legend>Choose a start</legend>");
    for (Index i = 0; i < stops; ++i) {
      html += text("<label><input type=\"radio\" name=\"", id, "\" value=\"", i, "\"", i == open ? " checked" : "",
                   "><canvas aria-hidden=\"true\" data-stop=\"", i, "\"></canvas><span>",
                   escaped(names[static_cast<std::size_t>(i)]), "</span></label>");
    }
    return html + "</fieldset>\n";
  }
  const bool between = figure.control == Control::between;
  const auto end = [&](Index stop) {
    return between ? text("<canvas aria-hidden=\"true\" data-stop=\"", stop, "\"></canvas>") : std::string();
  };
  html =
      text("<div class=\"control ", between ? "between" : "through", "\">", end(0), "<div><input type=\"range\" id=\"",
           id, "\" min=\"0\" max=\"", stops - 1, "\" value=\"", open, "\" aria-label=\"", escaped(figure.title),
           "\" aria-valuetext=\"", escaped(now), "\" data-names=\"", escaped(json_list(names)), "\">");
  if (!between) {
    html += "<ol class=\"ticks\" aria-hidden=\"true\">";
    for (const std::string& name : names) html += text("<li>", escaped(name), "</li>");
    html += "</ol>";
  }
  return text(html, "</div>", end(stops - 1), "</div>\n");
}

}  // namespace detail

/// A figure as HTML: its title, control and rows of clips.
/// @param id  of its control; no two of a page are alike
/// @throws Error if it has no clips, shapes or numbers of stops differ, or a number is infinite or none
inline std::string to_html(const Figure& figure, const Families& families = {}, const std::string& id = "figure") {
  detail::check(figure);
  const Index stops = detail::stops_of(figure), open = figure.opens_at < 0 ? stops + figure.opens_at : figure.opens_at;
  bool single = true;
  for (const Row& row : figure.rows) single = single && row.clips.front().extent(0) == 1;
  std::string html = text("<figure class=\"clips", single ? " single" : "", "\">\n");
  if (!figure.title.empty()) html += text("<h3>", escaped(figure.title), "</h3>\n");
  if (!figure.caption.empty()) html += text("<figcaption>", escaped(figure.caption), "</figcaption>\n");
  html += "<div class=\"stage\">\n";
  if (stops > 1) html += detail::control(figure, id, open);
  html += "<div class=\"lanes\">\n";
  const Index size = !single ? 128 : figure.rows.size() > 3 ? 192 : 256;
  for (const Row& row : figure.rows) html += detail::to_html(row, families, open, size);
  return html + "</div>\n</div>\n</figure>\n";
}

}  // namespace flipbook::examples
