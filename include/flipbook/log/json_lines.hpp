// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include <flipbook/io/json.hpp>
#include <flipbook/log/appended.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Logs to FOLDER/log.jsonl, a JSON object per line: {"step": 7, "time": 1.75e9, "values": {"loss": 0.5}}, with the
/// time in seconds since 1970 and null for values that are not finite; or {"step": 7, "time": …, "name": "samples",
/// "file": "samples-7.gif"} for an image or a clip, which is a separate file in the folder. A resumed run appends.
class JsonLinesLog : public detail::LogOfLines {
 public:
  /// @throws Error  if the folder or the file cannot be written: names it
  explicit JsonLinesLog(std::filesystem::path folder) : LogOfLines(std::move(folder), "log.jsonl") {}
  void losses(Index step, const Losses& values) {
    std::string line = begin(step) + "\"values\": {";
    for (bool first = true; const auto& [name, value] : values) {
      line += text(std::exchange(first, false) ? "" : ", ", detail::to_json(name), ": ", digits_or("null", value));
    }
    add(line + "}}\n");
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    const std::string file = write_picture(step, name, picture);
    add(text(begin(step), "\"name\": ", detail::to_json(name), ", \"file\": \"", file, "\"}\n"));
  }

 private:
  static std::string begin(Index step) {
    char time[32];
    std::snprintf(time, sizeof(time), "%.3f", detail::unix_time());
    return text("{\"step\": ", step, ", \"time\": ", time, ", ");
  }
};

}  // namespace flipbook
