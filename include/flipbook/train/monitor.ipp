// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/monitor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE void StepMonitor::operation(const char* spelled, const Shown& y, std::span<const Shown> x) {
  std::string place = place_.next(x);
  if (y.bytes > 0) report_.activations.push_back({short_type_name(spelled), std::move(place), y.shape, y.numbers()});
}

FLIPBOOK_INLINE void StepMonitor::parameter(const Shown& p, const Shown& gradient) {
  squares_.emplace_back(place_.name_of(p), gradient.numbers().squares);
}

FLIPBOOK_INLINE double StepMonitor::squares(const std::string& parameter) const {
  double last = 0;  // of the step itself, where others were asked for before
  for (const auto& [name, squares] : squares_) {
    if (name == parameter) last = squares;
  }
  return last;
}

FLIPBOOK_INLINE void add_squares(StepReport& report, const std::string& name, double gradient, double parameter,
                                 double update) {
  std::string part = name.substr(0, name.find('.'));
  if (report.parts.empty() || report.parts.back().name != part) report.parts.push_back({std::move(part)});
  for (StepReport::Part* at : {&report.whole, &report.parts.back()}) {
    at->gradient += gradient, at->parameters += parameter, at->update += update;
  }
}

}  // namespace detail

}  // namespace flipbook
