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

FLIPBOOK_TEMPLATE(FieldNames names_of(const std::vector<Field<float, Cpu>>&));

/// The place of an operation: in the layer of its first parameter, or of the last parameter before it.
class Place {
 public:
  explicit Place(FieldNames names) : names_(std::move(names)) {}

  /// The name of the parameter or buffer at this memory, or nothing.
  std::string name_of(const Shown& x) const;
  /// Given the next operation's inputs, returns its place: "in 'net.0.weight'", "after 'net.0.weight'" or nothing.
  std::string next(std::span<const Shown> inputs);

 private:
  FieldNames names_;
  std::string last_;
};

/// "(8, 64) in [0, 3.2], 3 of 512 zero".
FLIPBOOK_INLINE std::string facts(const Shape& shape, const TensorStatistics& x);

/// Finds the operation with the first number that is not finite, in a repeated step. Numbers that are not finite but
/// have no effect, as under a mask, are ignored.
class FirstNotFinite final : public Observer {
 public:
  explicit FirstNotFinite(FieldNames names);
  ~FirstNotFinite() override;

  void operation(const char* spelled, const Shown& y, std::span<const Shown> x) override;
  void node(const Node& node) override;
  void backward(const Node& node) override { now_ = &node; }
  void gradient(const Shown& dx) override;

  /// The operation found, or nothing.
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

  static std::string written(const Operation& op);
  /// The origin of a value that is not finite: an input, or the operation itself.
  std::string origin_of(const Operation& op, std::span<const Shown> x) const;

  Place place_;
  std::vector<Origin> origins_;  // of tensors that are not finite, by their memory
  std::vector<std::pair<const Node*, Operation>> made_;
  Operation fresh_;
  const Node* now_ = nullptr;
  std::string last_, gradient_;
};

/// The data of a batch that are not finite, or nothing.
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

#if !FLIPBOOK_COMPILED
#include <flipbook/train/diagnosis.ipp>
#endif
