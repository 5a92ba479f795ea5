// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/atomic_file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// What a training step reports, by name.
using Losses = std::vector<std::pair<std::string, double>>;

namespace detail {

/// @throws Error  if a name is empty or has a comma, a quote, a backslash or a control character in it
inline void require_column_name(const std::string& name, const char* what) {
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return c == ',' || c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  });
  require(plain && !name.empty(), what, ": '", name, "' cannot be the name of a column");
}

/// As many digits as give the same number back.
inline std::string all_digits(double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.17g", value);
  return digits;
}

}  // namespace detail

/// Losses over training: a table with a row for each report and a column for each name. Of a long training it keeps
/// no more than `most` rows: the latest, and of those before as many as are evenly apart.
class History {
 public:
  struct Row {
    Index step;
    std::vector<double> values;  ///< in the order of `names`; NaN where nothing was reported
  };

  /// Rows that are kept.
  static constexpr std::size_t most = std::size_t{1} << 14;

  History() = default;
  /// From a table (rows, 1 + names), the step in front, as `table` gives it.
  /// @throws Error  if the table has another number of columns, a step is no number, a name is refused or given twice
  History(const std::vector<std::string>& names, const Tensor<double>& table) {
    require(table.rank() == 2 && table.extent(1) == 1 + static_cast<Index>(names.size()), "History: ", names.size(),
            " names for a table of shape ", table.shape(), "; needs the step and one column for each");
    for (std::size_t i = 0; i < names.size(); ++i) {
      require(column(names[i]) == i, "History: a table has the column '", names[i], "' twice");
    }
    for (const double* row = table.begin(); row != table.end(); row += table.extent(1)) {
      require(std::abs(row[0]) < 0x1p53, "History: a step of ", row[0]);
      rows_.push_back({static_cast<Index>(row[0]), {row + 1, row + table.extent(1)}});
    }
  }

  /// @throws Error  if a name is empty or has a comma, a quote or a line break in it
  void add(Index step, const Losses& losses) {
    const std::size_t columns = names_.size();
    Row row{step, std::vector<double>(columns, missing)};
    for (const auto& [name, value] : losses) {
      const std::size_t at = column(name);
      row.values.resize(names_.size(), missing);
      row.values[at] = value;
    }
    if (rows_.size() >= most) thin();
    rows_.push_back(std::move(row));
    if (names_.size() == columns) return;
    for (Row& each : rows_) each.values.resize(names_.size(), missing);
  }

  const std::vector<std::string>& names() const noexcept { return names_; }
  const std::vector<Row>& rows() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_.empty(); }

  /// All of it as numbers: (rows, 1 + names), the step in front.
  Tensor<double> table() const {
    Tensor<double> all({static_cast<Index>(rows_.size()), 1 + static_cast<Index>(names_.size())});
    double* to = all.data();
    for (const Row& row : rows_) {
      *to++ = static_cast<double>(row.step);
      to = std::copy(row.values.begin(), row.values.end(), to);
    }
    return all;
  }

  /// A line of names, then a line for each row; nothing between two commas where nothing was reported.
  std::string csv() const {
    std::string text = "step";
    for (const std::string& name : names_) text += flipbook::text(",", name);
    for (const Row& row : rows_) {
      text += flipbook::text("\n", row.step);
      for (const double value : row.values)
        text += flipbook::text(",", std::isnan(value) ? "" : detail::all_digits(value));
    }
    return text + "\n";
  }
  /// {"step": [0, 1, …], "name": [0.5, null, …], …}; null where nothing finite was reported.
  std::string json() const {
    std::string text = "{\"step\": [";
    for (std::size_t i = 0; i < rows_.size(); ++i) text += flipbook::text(i == 0 ? "" : ", ", rows_[i].step);
    for (std::size_t at = 0; at < names_.size(); ++at) {
      text += flipbook::text("],\n \"", names_[at], "\": [");
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        const double value = rows_[i].values[at];
        text += flipbook::text(i == 0 ? "" : ", ", std::isfinite(value) ? detail::all_digits(value) : "null");
      }
    }
    return text + "]}\n";
  }

  /// Writes the table, atomically: as JSON where the path ends in .json, as CSV otherwise.
  /// @throws Error  if it cannot be written
  void write(const std::filesystem::path& path) const {
    AtomicFile file(path);
    file.write(path.extension() == ".json" ? json() : csv());
    file.commit();
  }

 private:
  static constexpr double missing = std::numeric_limits<double>::quiet_NaN();

  /// Leaves at most half of the rows: those whose steps are a power of two apart, counted from the first. What is left
  /// follows from what there was, so a history that was read from a file goes on as it would have.
  void thin() {
    const Index first = rows_.front().step;
    for (Index apart = 2; rows_.size() > most / 2; apart *= 2) {
      const bool last_resort = apart > Index{1} << 60;  // many rows of one step
      std::erase_if(rows_, [&, i = 0](const Row& row) mutable {
        return last_resort ? i++ % 2 != 0 : (row.step - first) % apart != 0;
      });
      if (last_resort) break;
    }
  }

  std::size_t column(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
    detail::require_column_name(name, "History");
    names_.push_back(name);
    return names_.size() - 1;
  }

  std::vector<std::string> names_;
  std::vector<Row> rows_;
};

}  // namespace flipbook
