// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <ctime>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/log/appended.hpp>
#include <flipbook/log/chart.hpp>
#include <flipbook/log/log.hpp>
#include <flipbook/log/page_style.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/progress.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Options of a PageLog.
struct PageOptions {
  std::string title = "Training";
  Index steps = 0;      ///< of the whole training, for the bar and the time left; 0: unknown
  double every = 5;     ///< seconds between writes of the page
  double reload = 10;   ///< seconds after which a browser reloads it
  History before = {};  ///< of a resumed run, such as `trainer.history()`
  std::function<double()> now = detail::unix_time;  ///< seconds since 1970
};

/// Logs to one HTML file that shows the run in a browser, without a server or a network: progress, speed, time left, a
/// curve for each loss, and the latest of each image and clip. The file is replaced every few seconds and reloaded by
/// the browser; it follows the browser's light or dark theme.
class PageLog {
 public:
  /// @throws Error  if the file cannot be written: names it
  explicit PageLog(std::filesystem::path file, PageOptions options = {})
      : file_(std::move(file)), options_(std::move(options)), history_(std::exchange(options_.before, {})) {
    if (!history_.empty()) step_ = history_.rows().back().step;
    flush();
  }
  void losses(Index step, const Losses& values) {
    history_.add(step, values);
    step_ = step;
    write_now_and_then();
  }
  void picture(Index step, const std::string& name, const LoggedPicture& picture) {
    shown_.insert_or_assign(name, Shown{step, picture});
    write_now_and_then();
  }
  void flush() {
    written_ = options_.now();
    reports_.push_back({written_, step_});
    if (reports_.size() > 12) reports_.pop_front();
    AtomicFile file(file_);
    file.write(html());
    file.commit();
  }

 private:
  struct Shown {
    Index step;
    LoggedPicture picture;
  };
  struct Report {
    double time;
    Index step;
  };

  void write_now_and_then() {
    if (options_.now() - written_ >= options_.every) flush();
  }

  /// The recent speed in steps per second; 0 if unknown.
  double speed() const {
    const Report &first = reports_.front(), &last = reports_.back();
    return last.time > first.time ? static_cast<double>(last.step - first.step) / (last.time - first.time) : 0;
  }
  bool done() const { return options_.steps > 0 && step_ >= options_.steps; }

  std::string html() const {
    const std::string title = detail::escaped(options_.title);
    const double share =
        options_.steps > 0 ? std::min(1.0, static_cast<double>(step_) / static_cast<double>(options_.steps)) : 0;
    const std::string percent = options_.steps > 0 ? text(std::lround(std::floor(100 * share)), " % · ") : "";
    char seconds[32];
    std::snprintf(seconds, sizeof(seconds), "%.3f", written_);
    std::string page = text("<!doctype html>\n<html lang=\"en\" data-written=\"", seconds, "\" data-done=\"",
                            done() ? "yes" : "", "\" data-every=\"", detail::compact(options_.reload), "\">\n<head>\n");
    page += text("<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>", percent,
                 title, "</title>\n<style>", detail::page_style, "</style>\n");
    if (!done()) {
      page += text("<noscript><meta http-equiv=\"refresh\" content=\"", detail::compact(options_.reload),
                   "\"></noscript>\n");
    }
    page += text("</head>\n<body>\n<header><h1>", title, "</h1><p class=\"age\">written ", date(), "</p></header>\n");
    if (options_.steps > 0) page += text("<progress value=\"", detail::compact(share, 6), "\"></progress>\n");
    page += facts() + "<section>\n";
    for (std::size_t at = 0; at < history_.names().size(); ++at) page += chart(at);
    page += "</section>\n<section>\n";
    for (const auto& [name, shown] : shown_) page += figure(name, shown);
    return page + text("</section>\n<script>", detail::page_script, "</script>\n</body>\n</html>\n");
  }

  std::string date() const {
    const auto seconds = static_cast<std::time_t>(written_);
    std::tm local{};
    char digits[32] = "";
    if (::localtime_r(&seconds, &local) != nullptr) std::strftime(digits, sizeof(digits), "%F %T", &local);
    return digits;
  }

  std::string facts() const {
    const auto fact = [](const char* name, const std::string& value, const std::string& unit = "") {
      return text("<div><dt>", name, "</dt><dd>", value, unit.empty() ? "" : " <small>" + unit + "</small>",
                  "</dd></div>");
    };
    std::string facts = "<dl>" + fact("step", text(step_), options_.steps > 0 ? text("of ", options_.steps) : "");
    const double rate = speed();
    if (rate > 0) facts += fact("speed", detail::three_digits(rate), "steps/s");
    if (done()) facts += fact("state", "done");
    else if (rate > 0 && options_.steps > 0)
      facts += fact("time left", detail::clock_time(static_cast<double>(options_.steps - step_) / rate));
    return facts + "</dl>\n";
  }

  /// The curve of a loss; its axis is logarithmic if the values span several orders of magnitude.
  std::string chart(std::size_t at) const {
    detail::Curve curve{.name = history_.names()[at]};
    double least = INFINITY, most = 0;
    for (const History::Row& row : history_.rows()) {
      const double value = row.values[at];
      if (std::isnan(value)) continue;  // nothing was reported
      curve.add(static_cast<double>(row.step), value);
      if (std::isfinite(value)) least = std::min(least, value), most = std::max(most, value);
    }
    const std::string name = detail::escaped(curve.name), colour = text("c", at % 6);
    const double last = curve.values.empty() ? NAN : curve.values.back();
    const bool logarithmic = least > 0 && most > 30 * least;
    const detail::Plot plot({.logarithmic = logarithmic, .curves = {std::move(curve)}}, {colour});
    return text("<figure class=\"", colour, "\"><figcaption><b>", name, "</b><span>", logarithmic ? "logarithmic" : "",
                "</span><output>", detail::compact(last), "</output></figcaption>\n", plot.svg(), "</figure>\n");
  }

  static std::string figure(const std::string& name, const Shown& shown) {
    const LoggedPicture& picture = shown.picture;
    const std::string safe = detail::escaped(name);
    return text("<figure", picture.width >= 3 * picture.height ? " class=\"wide\"" : "", "><figcaption><b>", safe,
                "</b><span>step ", shown.step, "</span></figcaption>\n<img alt=\"", safe, "\" width=\"", picture.width,
                "\" height=\"", picture.height, "\" src=\"",
                detail::data_uri(text("image/", picture.ending()), picture.file), "\"></figure>\n");
  }

  std::filesystem::path file_;
  PageOptions options_;
  History history_;
  Index step_ = 0;
  std::map<std::string, Shown> shown_;
  double written_ = 0;
  std::deque<Report> reports_;
};

}  // namespace flipbook
