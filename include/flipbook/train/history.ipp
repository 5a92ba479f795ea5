// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/history.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE void require_column_name(const std::string& name, const char* what) {
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return c == ',' || c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  });
  require(plain && !name.empty(), what, ": '", name, "' cannot be the name of a column");
}

FLIPBOOK_INLINE std::string all_digits(double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.17g", value);
  return digits;
}

}  // namespace detail

FLIPBOOK_INLINE History::History(const std::vector<std::string>& names, const Tensor<double>& table) {
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

FLIPBOOK_INLINE void History::add(Index step, const Losses& losses) {
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

FLIPBOOK_INLINE Tensor<double> History::table() const {
  Tensor<double> all({static_cast<Index>(rows_.size()), 1 + static_cast<Index>(names_.size())});
  double* to = all.data();
  for (const Row& row : rows_) {
    *to++ = static_cast<double>(row.step);
    to = std::copy(row.values.begin(), row.values.end(), to);
  }
  return all;
}

FLIPBOOK_INLINE std::string History::csv() const {
  std::string text = "step";
  for (const std::string& name : names_) text += flipbook::text(",", name);
  for (const Row& row : rows_) {
    text += flipbook::text("\n", row.step);
    for (const double value : row.values)
      text += flipbook::text(",", std::isnan(value) ? "" : detail::all_digits(value));
  }
  return text + "\n";
}

FLIPBOOK_INLINE std::string History::json() const {
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

FLIPBOOK_INLINE void History::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.write(path.extension() == ".json" ? json() : csv());
  file.commit();
}

FLIPBOOK_INLINE void History::thin() {
  const Index first = rows_.front().step;
  for (Index apart = 2; rows_.size() > most / 2; apart *= 2) {
    const bool last_resort = apart > Index{1} << 60;  // many rows of one step
    std::erase_if(rows_, [&, i = 0](const Row& row) mutable {
      return last_resort ? i++ % 2 != 0 : (row.step - first) % apart != 0;
    });
    if (last_resort) break;
  }
}

FLIPBOOK_INLINE std::size_t History::column(const std::string& name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
  detail::require_column_name(name, "History");
  names_.push_back(name);
  return names_.size() - 1;
}

}  // namespace flipbook
