// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <flipbook/log/appended.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Logs to FOLDER/scalars.csv, a line `step,name,value` for each value, which is empty if not finite. Images and clips
/// are separate files, FOLDER/NAME-STEP.png and .gif. A resumed run appends: if a step occurs twice, the later line is
/// of the resumed run.
class CsvLog : public detail::LogOfLines {
 public:
  /// @throws Error  if the folder or the file cannot be written: names it
  explicit CsvLog(std::filesystem::path folder) : LogOfLines(std::move(folder), "scalars.csv") {
    if (empty()) add("step,name,value\n");
  }
  void losses(Index step, const Losses& values) {
    std::string lines;
    for (const auto& [name, value] : values) lines += text(step, ",", name, ",", digits_or("", value), "\n");
    add(lines);
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    write_picture(step, name, picture);
  }
};

}  // namespace flipbook
