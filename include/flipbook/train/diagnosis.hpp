// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/autodiff/observer.hpp>
#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/train/weights.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The names of a module's parameters and buffers by their memory.
using FieldNames = std::vector<std::pair<const std::byte*, std::string>>;
template <class T, class B>
FieldNames names_of(const std::vector<Field<T, B>>& fields) {
  FieldNames names;
  for (const auto& field : fields) {
    names.emplace_back(reinterpret_cast<const std::byte*>(field.value.data()), field.name);
  }
  return names;
}

/// Where an operation is: in the layer of its first parameter, or of the last parameter before it.
class Place {
 public:
  explicit Place(FieldNames names) : names_(std::move(names)) {}

  /// The parameter or buffer that lies there, or nothing.
  std::string name_of(const Shown& x) const {
    for (const auto& [data, name] : names_) {
      if (data == x.data && x.bytes > 0) return name;
    }
    return "";
  }
  /// Tells of the next operation's inputs, and where that is: "in 'net.0.weight'", "after 'net.0.weight'" or nothing.
  std::string next(std::span<const Shown> inputs) {
    for (const Shown& x : inputs) {
      if (std::string name = name_of(x); !name.empty()) {
        last_ = std::move(name);
        return "in '" + last_ + "'";
      }
    }
    return last_.empty() ? "" : "after '" + last_ + "'";
  }

 private:
  FieldNames names_;
  std::string last_;
};

/// "(8, 64) in [0, 3.2], 3 of 512 zero".
[[gnu::noinline]] inline std::string facts(const Shape& shape, const TensorStatistics& x) {
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

/// Finds the operation that a number which is not finite came of first, in a step that is taken again. Numbers that
/// are not finite and lead to nothing, as under a mask, are not taken for it.
class FirstNotFinite final : public Observer {
 public:
  explicit FirstNotFinite(FieldNames names) : place_(std::move(names)) {}

  void operation(const char* spelled, const Shown& y, std::span<const Shown> x) override {
    Operation now{spelled, place_.next(x), y.shape, {}};
    for (const Shown& each : x) now.inputs.emplace_back(each.shape, each.numbers());
    last_ = y.bytes > 0 && !y.numbers().finite() ? origin_of(now, x) : "";
    std::erase_if(origins_, [&](const Origin& at) { return at.first < y.data + y.bytes && y.data < at.end; });
    if (!last_.empty()) origins_.push_back({y.data, y.data + y.bytes, last_});
    fresh_ = std::move(now);
  }
  void node(const Node& node) override {
    if (!fresh_.inputs.empty()) made_.emplace_back(&node, std::exchange(fresh_, {}));
  }
  void backward(const Node& node) override { now_ = &node; }
  void gradient(const Shown& dx) override {
    if (!gradient_.empty() || dx.numbers().finite()) return;
    std::string from = "the loss";
    for (const auto& [node, operation] : made_) {
      if (node == now_) from = written(operation);
    }
    gradient_ = text("the first gradient that is not finite is that of ", from, " for an input of shape ", dx.shape);
  }

  /// What was found, or nothing.
  std::string found() const { return last_.empty() ? gradient_ : last_; }

 private:
  struct Operation {
    const char* spelled = nullptr;
    std::string place;
    Shape shape;
    std::vector<std::pair<Shape, TensorStatistics>> inputs;
  };
  struct Origin {
    const std::byte *first, *end;
    std::string what;
  };

  static std::string written(const Operation& op) {
    std::string all = text("`", short_type_name(op.spelled), "` of shape ", op.shape);
    if (!op.place.empty()) all += " " + op.place;
    all += op.inputs.size() == 1 ? ", whose input is " : ", whose inputs are ";
    for (std::size_t i = 0; i < op.inputs.size(); ++i) {
      all += (i == 0 ? "" : " and ") + facts(op.inputs[i].first, op.inputs[i].second);
    }
    return all;
  }
  /// Whence the operation's value is not finite: from an input, or of itself.
  std::string origin_of(const Operation& op, std::span<const Shown> x) const {
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

  Place place_;
  std::vector<Origin> origins_;  // of tensors that are not finite, by their memory
  std::vector<std::pair<const Node*, Operation>> made_;
  Operation fresh_;
  const Node* now_ = nullptr;
  std::string last_, gradient_;
};

/// Which data of a batch are not finite, or nothing.
template <class Batch>
std::string not_finite_data(const Batch& batch) {
  std::string found;
  for_each_member(batch, [&](std::string_view name, const auto& x) {
    const TensorStatistics numbers = statistics_of(x);
    if (!found.empty() || numbers.finite()) return;
    const Index of_clip = x.size() / std::max<Index>(x.extent(0), 1);
    found = text("clip ", numbers.first_not_finite / of_clip, " of the batch is not finite: '", name, "' is ",
                 facts(x.shape(), numbers));
  });
  return found;
}

}  // namespace flipbook::detail
