// SPDX-License-Identifier: MIT
// Without the command line, for tests that link no CLI11.
#include <flipbook/log/csv.hpp>
#include <flipbook/log/page.hpp>
#include <flipbook/log/tensorboard.hpp>

#include "options.hpp"

namespace flipbook::examples {

void TrainingOptions::in_stage(const std::string& name) {
  out /= name;
  if (!log.empty()) log /= name;
  if (!page.empty()) page.replace_filename(page.stem().string() + "-" + name + page.extension().string());
}

Log TrainingOptions::open_log(const std::string& title, const History& before) const {
  Log opened;
  if (!log.empty()) {
    opened.add(TensorBoardLog(log));
    opened.add(CsvLog(log));
  }
  if (!page.empty()) opened.add(PageLog(page, {.title = title, .steps = steps, .before = before}));
  return opened;
}

}  // namespace flipbook::examples
