// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/log/html.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A quantity over training: its value at each of the steps. Values that are not finite leave a gap.
struct Curve {
  std::string name = {};
  std::vector<double> steps = {}, values = {};

  void add(double step, double value) {
    steps.push_back(step);
    values.push_back(value);
  }
};

struct Chart {
  std::string title = {};
  std::string x_label = "step";
  std::string y_label = {};
  bool logarithmic = false;  ///< the axis of values; values that are not positive are omitted
  bool smooth = true;        ///< a running average, with the values themselves faint behind it
  std::vector<Curve> curves = {};
};

/// A moving average, over more neighbours the longer the curve; near the beginning, where losses fall steeply, over
/// only as many on one side as there are on the other.
inline std::vector<double> smoothed(const std::vector<double>& values) {
  const std::size_t reach = values.size() / 60;
  std::vector<double> result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t first = i - std::min(i, reach), last = std::min(i + std::min(i, reach) + 1, values.size());
    double sum = 0, count = 0;
    for (std::size_t j = first; j < last; ++j)
      if (std::isfinite(values[j])) sum += values[j], ++count;
    result.push_back(sum / count);  // NaN if there is no value
  }
  return result;
}

/// Round numbers in [low, high], about `count` of them.
inline std::vector<double> linear_ticks(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10.0, std::floor(std::log10(rough))),
               part = rough / power;
  const double step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

/// 1, 10, 100, …, with 2 and 5 of each decade if there are few.
inline std::vector<double> logarithmic_ticks(double low, double high) {
  const bool few = high / low < 1e3;
  std::vector<double> ticks;
  for (double power = std::pow(10.0, std::floor(std::log10(low))); power <= high; power *= 10)
    for (const double factor : {1.0, 2.0, 5.0})
      if ((few || factor == 1) && factor * power >= low && factor * power <= high) ticks.push_back(factor * power);
  return ticks.size() >= 2 ? ticks : linear_ticks(low, high, 4);
}

inline std::string tick_label(double value) {
  if (std::abs(value) < 1e-12) return "0";
  if (std::abs(value) >= 1e6) return compact(value / 1e6, 3) + "M";
  if (std::abs(value) >= 1e4) return compact(value / 1e3, 3) + "k";
  const std::string digits = compact(value, 3);
  return digits.starts_with('-') ? "−" + digits.substr(1) : digits;
}

/// The SVG elements of a chart and its coordinates.
class Plot {
 public:
  static constexpr double width = 520, height = 270, left = 56, right = 14, top = 12, bottom = 40;

  /// @param colours  the class of each curve's colour; without one, "c0" to "c5" in rotation
  explicit Plot(Chart chart, std::vector<std::string> colours = {})
      : chart_(std::move(chart)), colours_(std::move(colours)) {
    for (const Curve& curve : chart_.curves) {
      require(curve.steps.size() == curve.values.size(), "chart: curve '", curve.name, "' has ", curve.steps.size(),
              " steps and ", curve.values.size(), " values");
      smooth_.push_back(chart_.smooth ? smoothed(curve.values) : curve.values);
    }
    find_range();
  }

  std::string svg() const {
    std::string picture =
        text("<svg viewBox=\"0 0 ", compact(width), " ", compact(height), "\" aria-hidden=\"true\">\n");
    picture += axes();
    for (std::size_t i = 0; i < chart_.curves.size(); ++i) {
      const Curve& curve = chart_.curves[i];
      if (chart_.smooth) picture += line(curve.steps, curve.values, "raw", i);
      picture += line(curve.steps, smooth_[i], "line", i);
    }
    picture += "<g class=\"cursor\"><path class=\"rule\" d=\"\"/>";
    for (std::size_t i = 0; i < chart_.curves.size(); ++i)
      picture += text("<circle class=\"", colour(i), "\" r=\"4\"/>");
    return picture + "</g></svg>\n";
  }

  /// The points of the curves as drawn, for the script that shows their values: [[[x, y, step, value], …], …].
  std::string points() const {
    std::string json = "[";
    for (std::size_t i = 0; i < chart_.curves.size(); ++i) {
      json += i == 0 ? "[" : ",[";
      bool first = true;
      for (const Point& point : thinned(chart_.curves[i].steps, smooth_[i], 160)) {
        if (point.gap) continue;
        json += text(first ? "[" : ",[", compact(x(point.step)), ",", compact(y(point.value)), ",", compact(point.step),
                     ",", compact(point.value), "]");
        first = false;
      }
      json += "]";
    }
    return json + "]";
  }

  std::string colour(std::size_t curve) const {
    return curve < colours_.size() ? colours_[curve] : text("c", curve % 6);
  }

  /// The last value of a curve as drawn, for the legend.
  double last(std::size_t curve) const {
    return smooth_[curve].empty() ? std::numeric_limits<double>::quiet_NaN() : smooth_[curve].back();
  }

 private:
  bool shown(double value) const { return std::isfinite(value) && (!chart_.logarithmic || value > 0); }

  /// The range of all averages, and of the values without the most extreme hundredths.
  void find_range() {
    std::vector<double> values;
    low_ = x_low_ = std::numeric_limits<double>::infinity();
    high_ = x_high_ = -low_;
    for (std::size_t i = 0; i < chart_.curves.size(); ++i) {
      for (const double value : smooth_[i]) widen(value);
      for (const double value : chart_.curves[i].values)
        if (shown(value)) values.push_back(value);
      for (const double step : chart_.curves[i].steps)
        x_low_ = std::min(x_low_, step), x_high_ = std::max(x_high_, step);
    }
    std::sort(values.begin(), values.end());
    if (!values.empty()) widen(values[values.size() / 100]), widen(values[values.size() - 1 - values.size() / 100]);
    if (!(low_ <= high_)) low_ = chart_.logarithmic ? 0.1 : 0, high_ = 1;
    if (!(x_low_ < x_high_)) x_low_ = std::isfinite(x_low_) ? x_low_ - 1 : 0, x_high_ = x_low_ + 2;
    if (chart_.logarithmic) {
      const double margin = std::max(std::pow(high_ / low_, 0.04), 1.01);
      low_ /= margin, high_ *= margin;
    } else {
      const double margin = std::max(0.05 * (high_ - low_), 1e-6 * std::max(1.0, std::abs(high_)));
      low_ -= margin, high_ += margin;
    }
  }
  void widen(double value) {
    if (!shown(value)) return;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }

  double x(double step) const { return left + (step - x_low_) / (x_high_ - x_low_) * (width - left - right); }
  double y(double value) const {
    const double part =
        chart_.logarithmic ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
    return height - bottom - std::clamp(part, 0.0, 1.0) * (height - top - bottom);
  }

  std::string axes() const {
    const auto label = [](double at_x, double at_y, const char* anchored, const std::string& what) {
      return text("<text x=\"", compact(at_x), "\" y=\"", compact(at_y), "\" text-anchor=\"", anchored, "\">",
                  escaped(what), "</text>\n");
    };
    const auto rule = [](double x1, double y1, double x2, double y2, const char* kind) {
      return text("<path class=\"", kind, "\" d=\"M", compact(x1), " ", compact(y1), "L", compact(x2), " ", compact(y2),
                  "\"/>\n");
    };
    std::string drawn;
    for (const double tick : chart_.logarithmic ? logarithmic_ticks(low_, high_) : linear_ticks(low_, high_, 5)) {
      drawn +=
          rule(left, y(tick), width - right, y(tick), "grid") + label(left - 8, y(tick) + 4, "end", tick_label(tick));
    }
    for (const double tick : linear_ticks(x_low_, x_high_, 6)) {
      drawn += rule(x(tick), height - bottom, x(tick), height - bottom + 4, "axis") +
               label(x(tick), height - bottom + 17, "middle", tick_label(tick));
    }
    drawn += rule(left, height - bottom, width - right, height - bottom, "axis");
    return drawn + label((left + width - right) / 2, height - 6, "middle", chart_.x_label);
  }

  struct Point {
    double step = 0, value = 0;
    bool gap = false;  ///< nothing is drawn here
  };

  /// At most the given number of points: neighbours are averaged.
  std::vector<Point> thinned(const std::vector<double>& steps, const std::vector<double>& values,
                             std::size_t most) const {
    const std::size_t every = std::max<std::size_t>(1, (values.size() + most - 1) / most);
    std::vector<Point> points;
    for (std::size_t first = 0; first < values.size(); first += every) {
      const std::size_t last = std::min(first + every, values.size());
      double sum = 0, at = 0, count = 0;
      for (std::size_t i = first; i < last; ++i) {
        if (!shown(values[i])) continue;
        sum += values[i], at += steps[i], ++count;
      }
      points.push_back(count > 0 ? Point{at / count, sum / count} : Point{.gap = true});
    }
    return points;
  }

  std::string line(const std::vector<double>& steps, const std::vector<double>& values, const char* kind,
                   std::size_t curve) const {
    std::string path;
    bool pen_down = false;
    for (const Point& point : thinned(steps, values, 500)) {  // the chart has no more pixels
      if (!point.gap) path += text(pen_down ? 'L' : 'M', compact(x(point.step)), " ", compact(y(point.value)));
      pen_down = !point.gap;
    }
    return text("<path class=\"", kind, " ", colour(curve), "\" d=\"", path, "\"/>\n");
  }

  Chart chart_;
  std::vector<std::string> colours_;
  std::vector<std::vector<double>> smooth_;
  double low_ = 0, high_ = 1, x_low_ = 0, x_high_ = 1;
};

}  // namespace flipbook::detail
