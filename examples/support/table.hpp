// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "html.hpp"

namespace flipbook::examples {

/// Which of a column's values the best is.
enum class Best { none, lowest, highest };

/// A measured quantity: {"Fréchet distance", "of 1 000 clips", Best::lowest, 1}.
struct Column {
  std::string name = {};
  std::string unit = {};  ///< what is said of it under its name
  Best best = Best::none;
  int decimals = 2;
};

/// What was measured of one model, or of what it is held against.
struct Measured {
  std::string label = {};           ///< a family's name has that family's colour
  std::vector<double> values = {};  ///< one for each column; not a number: not measured
  bool reference = false;           ///< a floor, or an earlier model: stands apart, and is never the best
};

struct Table {
  std::string title = {}, caption = {};
  std::vector<Column> columns = {};
  std::vector<Measured> rows = {};
};

namespace detail {

/// The best of a column's values, the references apart; not a number where there is none.
inline double best_of(const Table& table, std::size_t column) {
  const Best best = table.columns[column].best;
  double found = std::numeric_limits<double>::quiet_NaN();
  for (const Measured& row : table.rows) {
    const double value = row.values[column];
    if (best == Best::none || row.reference || !std::isfinite(value)) continue;
    if (!(best == Best::lowest ? found <= value : found >= value)) found = value;
  }
  return found;
}

inline std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  std::string digits(64, '\0');
  digits.resize(static_cast<std::size_t>(
      std::snprintf(digits.data(), digits.size(), std::abs(value) < 1e9 ? "%.*f" : "%.*g", decimals, value)));
  return digits.starts_with('-') ? "−" + digits.substr(1) : digits;
}

}  // namespace detail

/// A table as HTML; the best of each column is bold.
/// @throws Error if a row has not a value for each column
inline std::string to_html(const Table& table, const Families& families = {}) {
  std::string html = "<figure class=\"table\">\n";
  if (!table.title.empty()) html += text("<h3>", escaped(table.title), "</h3>\n");
  if (!table.caption.empty()) html += text("<figcaption>", escaped(table.caption), "</figcaption>\n");
  html += text("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", escaped(table.title),
               "\"><table><thead><tr><td></td>");
  for (const Column& column : table.columns) {
    const char* arrow = column.best == Best::lowest ? " ↓" : column.best == Best::highest ? " ↑" : "";
    html += text("<th scope=\"col\">", escaped(column.name), arrow, "<small>", escaped(column.unit), "</small></th>");
  }
  html += "</tr></thead><tbody>\n";
  for (const Measured& row : table.rows) {
    require(row.values.size() == table.columns.size(), "table '", table.title, "': row '", row.label, "' has ",
            row.values.size(), " values for ", table.columns.size(), " columns");
    html += text("<tr class=\"", families.colour(row.label), row.reference ? " reference" : "", "\"><th scope=\"row\">",
                 escaped(row.label), "</th>");
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      const std::string value = detail::fixed(row.values[i], table.columns[i].decimals);
      const bool best = !row.reference && row.values[i] == detail::best_of(table, i);
      html += best ? text("<td><b>", value, "</b></td>") : text("<td>", value, "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n</figure>\n";
}

}  // namespace flipbook::examples
