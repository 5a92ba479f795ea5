// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/diagnosis.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

FLIPBOOK_INLINE FirstNotFinite::FirstNotFinite(FieldNames names) : place_(std::move(names)) {}
FLIPBOOK_INLINE FirstNotFinite::~FirstNotFinite() = default;

FLIPBOOK_INLINE std::string Place::name_of(const Shown& x) const {
  for (const auto& [data, name] : names_) {
    if (data == x.data && x.bytes > 0) return name;
  }
  return "";
}

FLIPBOOK_INLINE std::string Place::next(std::span<const Shown> inputs) {
  for (const Shown& x : inputs) {
    if (std::string name = name_of(x); !name.empty()) {
      last_ = std::move(name);
      return "in '" + last_ + "'";
    }
  }
  return last_.empty() ? "" : "after '" + last_ + "'";
}

FLIPBOOK_INLINE std::string facts(const Shape& shape, const TensorStatistics& x) {
  std::string all = to_string(shape);
  const auto short_number = [](double number) {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%.4g", number);
    return std::string(digits);
  };
  if (x.count > x.nan + x.infinite) all += text(" in [", short_number(x.least), ", ", short_number(x.most), "]");
  for (const auto& [count, what] : {std::pair{x.nan, "nan"}, {x.infinite, "infinite"}, {x.zero, "zero"}}) {
    if (count > 0) all += text(", ", count, " of ", x.count, " ", what);
  }
  return all;
}

FLIPBOOK_INLINE void FirstNotFinite::operation(const char* spelled, const Shown& y, std::span<const Shown> x) {
  Operation now{spelled, place_.next(x), y.shape, {}};
  for (const Shown& each : x) now.inputs.emplace_back(each.shape, each.numbers());
  last_ = y.bytes > 0 && !y.numbers().finite() ? origin_of(now, x) : "";
  std::erase_if(origins_, [&](const Origin& at) { return at.first < y.data + y.bytes && y.data < at.end; });
  if (!last_.empty()) origins_.push_back({y.data, y.data + y.bytes, last_});
  fresh_ = std::move(now);
}

FLIPBOOK_INLINE void FirstNotFinite::node(const Node& node) {
  if (!fresh_.inputs.empty()) made_.emplace_back(&node, std::exchange(fresh_, {}));
}

FLIPBOOK_INLINE void FirstNotFinite::gradient(const Shown& dx) {
  if (!gradient_.empty() || dx.numbers().finite()) return;
  std::string from = "the loss";
  for (const auto& [node, operation] : made_) {
    if (node == now_) from = written(operation);
  }
  gradient_ = text("the first gradient that is not finite is that of ", from, " for an input of shape ", dx.shape);
}

FLIPBOOK_INLINE std::string FirstNotFinite::written(const Operation& op) {
  std::string all = text("`", short_type_name(op.spelled), "` of shape ", op.shape);
  if (!op.place.empty()) all += " " + op.place;
  all += op.inputs.size() == 1 ? ", whose input is " : ", whose inputs are ";
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    all += (i == 0 ? "" : " and ") + facts(op.inputs[i].first, op.inputs[i].second);
  }
  return all;
}

FLIPBOOK_INLINE std::string FirstNotFinite::origin_of(const Operation& op, std::span<const Shown> x) const {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (op.inputs[i].second.finite()) continue;
    for (const Origin& origin : origins_) {
      if (origin.first <= x[i].data && x[i].data < origin.end) return origin.what;
    }
    const std::string name = place_.name_of(x[i]);
    return text(name.empty() ? "a constant" : "'" + name + "'",
                " is not finite before any operation: ", facts(op.inputs[i].first, op.inputs[i].second), ", which `",
                short_type_name(op.spelled), "` takes");
  }
  return "the first number that is not finite came of " + written(op);
}

}  // namespace flipbook::detail
