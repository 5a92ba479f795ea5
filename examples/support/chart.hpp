// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <flipbook/log/chart.hpp>

#include "html.hpp"

namespace flipbook::examples {

using flipbook::detail::Chart;
using flipbook::detail::Curve;
using flipbook::detail::Plot;

/// A chart as HTML: title, picture (SVG, its colours from the page's style), and a legend with the last values. Under a
/// pointer, or where it has the focus by the arrow keys, the page's script shows the values of a step.
inline std::string to_html(const Chart& chart, const Families& families = {}) {
  std::vector<std::string> colours;  // a family's name has that family's
  for (std::size_t i = 0; i < chart.curves.size(); ++i) colours.push_back(families.colour(chart.curves[i].name, i));
  const Plot plot(chart, colours);
  std::string html =
      text("<figure class=\"chart\"><figcaption><b>", escaped(chart.title), "</b> <span>", escaped(chart.y_label),
           chart.logarithmic ? ", logarithmic" : "",
           "</span></figcaption>\n<div class=\"plot\" tabindex=\"0\" role=\"group\" ", "aria-label=\"",
           escaped(chart.title), ", curves over ", escaped(chart.x_label),
           "; the arrow keys read their values\" data-x=\"", escaped(chart.x_label), "\" data-points=\"", plot.points(),
           "\">", plot.svg(), "<div class=\"tip\" role=\"status\"></div></div>\n<ul class=\"legend\">");
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    html += text("<li class=\"", plot.colour(i), "\"><span>", escaped(chart.curves[i].name), "</span> <b>",
                 compact(plot.last(i)), "</b></li>");
  }
  return html + "</ul></figure>\n";
}

}  // namespace flipbook::examples
