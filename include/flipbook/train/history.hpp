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
FLIPBOOK_INLINE void require_column_name(const std::string& name, const char* what);

/// As many digits as give the same number back.
FLIPBOOK_INLINE std::string all_digits(double value);

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
  History(const std::vector<std::string>& names, const Tensor<double>& table);

  /// @throws Error  if a name is empty or has a comma, a quote or a line break in it
  void add(Index step, const Losses& losses);

  const std::vector<std::string>& names() const noexcept { return names_; }
  const std::vector<Row>& rows() const noexcept { return rows_; }
  bool empty() const noexcept { return rows_.empty(); }

  /// All of it as numbers: (rows, 1 + names), the step in front.
  Tensor<double> table() const;

  /// A line of names, then a line for each row; nothing between two commas where nothing was reported.
  std::string csv() const;
  /// {"step": [0, 1, …], "name": [0.5, null, …], …}; null where nothing finite was reported.
  std::string json() const;

  /// Writes the table, atomically: as JSON where the path ends in .json, as CSV otherwise.
  /// @throws Error  if it cannot be written
  void write(const std::filesystem::path& path) const;

 private:
  static constexpr double missing = std::numeric_limits<double>::quiet_NaN();

  /// Leaves at most half of the rows: those whose steps are a power of two apart, counted from the first. What is left
  /// follows from what there was, so a history that was read from a file goes on as it would have.
  void thin();

  std::size_t column(const std::string& name);

  std::vector<std::string> names_;
  std::vector<Row> rows_;
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/history.ipp>
#endif
