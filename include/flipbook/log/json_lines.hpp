// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include <flipbook/io/json.hpp>
#include <flipbook/log/appended.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Logs to FOLDER/log.jsonl, an object of JSON in each line: {"step": 7, "time": 1.75e9, "values": {"loss": 0.5}}, the
/// time in seconds since 1970, null for a value that is none; or {"step": 7, "time": …, "name": "samples",
/// "file": "samples-7.gif"} for an image or a clip, which is a file of its own beside it. A run that goes on adds to
/// what is there.
class JsonLinesLog {
 public:
  /// @throws Error  if the folder or the file cannot be written: names it
  explicit JsonLinesLog(std::filesystem::path folder)
      : folder_((detail::make_log_folder(folder), std::move(folder))), file_(folder_ / "log.jsonl", 0) {
    file_.drop_unfinished_line();
  }
  void losses(Index step, const Losses& values) {
    std::string line = begin(step) + "\"values\": {";
    for (bool first = true; const auto& [name, value] : values) {
      line += text(std::exchange(first, false) ? "" : ", ", detail::to_json(name), ": ",
                   std::isfinite(value) ? detail::all_digits(value) : "null");
    }
    file_.add(line + "}}\n");
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    const std::string file = detail::write_picture(folder_, step, name, picture);
    file_.add(text(begin(step), "\"name\": ", detail::to_json(name), ", \"file\": \"", file, "\"}\n"));
  }
  void flush() { file_.sync(); }

 private:
  static std::string begin(Index step) {
    char time[32];
    std::snprintf(time, sizeof(time), "%.3f", detail::unix_time());
    return text("{\"step\": ", step, ", \"time\": ", time, ", ");
  }

  std::filesystem::path folder_;
  detail::AppendedFile file_;
};

}  // namespace flipbook
