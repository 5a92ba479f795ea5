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

/// The losses reported by a training step, by name.
using Losses = std::vector<std::pair<std::string, double>>;

namespace detail {

/// @throws Error  if a name is empty or contains a comma, a quote, a backslash or a control character
FLIPBOOK_INLINE void require_column_name(const std::string& name, const char* what);

/// The digits that give the same number back.
FLIPBOOK_INLINE std::string all_digits(double value);

}  // namespace detail

/// Losses over training: a table with a row for each report and a column for each name. For a long training, it keeps
/// at most `most` rows: the latest, and evenly spaced earlier ones.
class History {
 public:
  struct Row {
    Index step;
    std::vector<double> values;  ///< in the order of `names`; NaN where nothing was reported
  };

  /// Largest number of rows.
  static constexpr std::size_t most = std::size_t{1} << 14;

  History() = default;
  /// A history from a table (rows, 1 + names) of `table`, with the step in the first column.
  /// @throws Error  if the table has another number of columns, a step is invalid, or a name is invalid or repeated
  History(const std::vector<std::string>& names, const Tensor<double>& table);

  /// @throws Error  if a name is empty or contains a comma, a quote, a backslash or a control character
  void add(Index step, const Losses& losses);

  const std::vector<std::string>& names() const noexcept { return names_; }
  const std::vector<Row>& rows() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_.empty(); }

  /// The whole table: (rows, 1 + names), with the step in the first column.
  Tensor<double> table() const;

  /// A line of names, then a line for each row; empty between commas if nothing was reported.
  std::string csv() const;
  /// {"step": [0, 1, …], "name": [0.5, null, …], …}; null if nothing finite was reported.
  std::string json() const;

  /// Writes the table, atomically: as JSON if the path ends in .json, otherwise as CSV.
  /// @throws Error  if it cannot be written
  void write(const std::filesystem::path& path) const;

 private:
  static constexpr double missing = std::numeric_limits<double>::quiet_NaN();

  /// Keeps at most half of the rows: those whose steps are a power of two apart, counted from the first. The result
  /// depends only on the rows, so a history read from a file continues identically.
  void thin();

  std::size_t column(const std::string& name);

  std::vector<std::string> names_;
  std::vector<Row> rows_;
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/history.ipp>
#endif
