// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <utility>

#include <flipbook/log/appended.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Logs to FOLDER/scalars.csv, a line `step,name,value` for each value, nothing in the place of one that is none.
/// Images and clips are files of their own, FOLDER/NAME-STEP.png and .gif. A run that goes on adds to what is there:
/// where a step stands twice, the later line is of the run that went on.
class CsvLog {
 public:
  /// @throws Error  if the folder or the file cannot be written: names it
  explicit CsvLog(std::filesystem::path folder)
      : folder_((detail::make_log_folder(folder), std::move(folder))), file_(folder_ / "scalars.csv", 0) {
    file_.drop_unfinished_line();
    if (file_.size() == 0) file_.add("step,name,value\n");
  }
  void losses(Index step, const Losses& values) {
    std::string lines;
    for (const auto& [name, value] : values)
      lines += text(step, ",", name, ",", std::isfinite(value) ? detail::all_digits(value) : "", "\n");
    file_.add(lines);
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    detail::write_picture(folder_, step, name, picture);
  }
  void flush() { file_.sync(); }

 private:
  std::filesystem::path folder_;
  detail::AppendedFile file_;
};

}  // namespace flipbook
